/** Starts the page: asks for a key, and fills the sections with what it may see. */

import {forgetKey, get, onRefused, open, storedKey, storeKey} from "./api.js";
import {showBreakdown} from "./breakdown.js";
import {showBudgets} from "./budgets.js";
import {findRequest} from "./detail.js";
import {byId, el} from "./dom.js";
import {clock} from "./format.js";
import {showLive, stopLive} from "./live.js";
import {period, showOverview} from "./overview.js";
import {abandon} from "./panel.js";
import {showProviders} from "./providers.js";
import {showViewer} from "./viewer.js";

const EVERY_MS = 60000;
const REFUSED = "The gateway refused this key: it is revoked, has expired, or was never one. It was forgotten here.";

/** What the sections are to show. */
const state = {key: null, project: "", range: 30, live: "records", show: (id) => findRequest(state.project, id)};
let settings = null;

async function start() {
  if (!storedKey()) return gate();
  try {
    settings ??= await (await open("dashboard/settings.json")).json();
    state.live = settings.live;
    byId("foot").textContent = `All days and times are UTC. Gateway ${settings.version}.`;
    state.key = await get("v1/key");
  } catch (error) {
    return gate(error.status === 401 ? REFUSED : error.message);
  }
  state.project ||= state.key.project_id;
  byId("gate").hidden = true;
  byId("board").hidden = byId("tools").hidden = false;
  chooseProjects([state.project]);
  await showAll();
}

/** Ask for a key. @param {string} [why] */
function gate(why = "") {
  stopLive();
  abandon();
  state.project = "";
  document.querySelectorAll(".slot").forEach((place) => place.replaceChildren());
  document.querySelectorAll("dialog").forEach((dialog) => dialog.remove());
  byId("board").hidden = byId("tools").hidden = true;
  byId("gate").hidden = false;
  byId("gate-error").hidden = !why;
  byId("gate-error").textContent = why;
  byId("key").value = "";
  byId("key").focus();
}

function chooseProjects(names) {
  const select = byId("project");
  const all = [...new Set([...names, state.project])].toSorted();
  select.replaceChildren(...all.map((name) => el("option", {value: name, selected: name === state.project}, name)));
  select.value = state.project;
  select.closest("label").hidden = all.length < 2 && !state.key.admin;
}

async function allProjects() {
  if (!state.key.admin) return;
  const report = await get("v1/usage", {...period(state), project_id: "", group_by: "project"});
  chooseProjects([state.key.project_id, ...report.rows.map((row) => row.project_id)]);
}

async function showAll() {
  showLive(state);
  showViewer(state);
  await refresh();
}

async function refresh() {
  if (!state.key.tools.length || state.key.tools.includes("get_usage")) {
    await Promise.all([showOverview(state), showBreakdown(state), showProviders(state), showBudgets(state), allProjects().catch(() => {})]);
  } else {
    await Promise.all([showOverview(state), showProviders(state)]);
  }
  if (state.key && storedKey()) byId("status").textContent = `${who()} As of ${clock(new Date().toISOString())} UTC.`;
}

function who() {
  if (state.key.admin) return `Administrator's key of project ${state.key.project_id}, shown: ${state.project}.`;
  return state.key.user_id ? `User ${state.key.user_id} of project ${state.project}.` : `Project ${state.project}.`;
}

byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  storeKey(byId("key").value.trim());
  start();
});
byId("forget").addEventListener("click", () => { forgetKey(); gate(); });
byId("refresh").addEventListener("click", refresh);
byId("project").addEventListener("change", (event) => { state.project = event.target.value; showAll(); });
byId("range").addEventListener("change", (event) => { state.range = Number(event.target.value); refresh(); });
onRefused(() => gate(REFUSED));
setInterval(() => { if (!document.hidden && !byId("board").hidden) refresh(); }, EVERY_MS);
start();
