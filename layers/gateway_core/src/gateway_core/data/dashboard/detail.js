/** One request: whom it was for, what was tried and for how long, what it cost. Nothing of what was said is kept. */

import {get} from "./api.js";
import {el, empty, table} from "./dom.js";
import {count, duration, moment, money} from "./format.js";
import {outcome} from "./live.js";

let opened = null;

/** Look up a request by its id, and show it. @param {string} project @param {string} id */
export async function findRequest(project, id) {
  const place = show(id, el("p", {class: "muted"}, "Looking for it…"));
  try {
    const records = await recordsOf(project, id, place);
    if (place.isConnected) place.replaceChildren(...(records.length ? records.map(record) : [empty("No record is where this id leads.")]));
  } catch (error) {
    if (error.status === 401) opened?.close();
    else place.replaceChildren(el("p", {class: "notice bad", role: "alert"}, error.message));
  }
}

/** Each answer looks at some thousand records, and says where to go on. */
async function recordsOf(project, id, place) {
  const found = [];
  let [cursor, looked] = ["", 0];
  do {
    const answer = await get(`v1/usage/records/${encodeURIComponent(id)}`, {project_id: project, cursor});
    found.push(...answer.records);
    looked += answer.looked_at;
    cursor = answer.next_cursor ?? "";
    if (cursor) place.replaceChildren(el("p", {class: "muted"}, `Looking for it… ${count(looked)} records so far.`));
  } while (cursor && place.isConnected);
  return found;
}

/** Show records that are here already. */
export const showRequest = (records, id) => { show(id, ...records.map(record)); };

function show(id, ...content) {
  opened?.remove();
  const place = el("div", {class: "content"}, ...content);
  opened = el("dialog", {"aria-labelledby": "detail-title"},
    el("header", {class: "row"}, el("h2", {id: "detail-title"}, "Request ", el("code", {}, id)),
      el("button", {type: "button", on: {click: () => opened.close()}}, "Close")), place);
  opened.addEventListener("close", () => opened.remove());
  document.body.append(opened);
  opened.showModal();
  return place;
}

function record(found) {
  const whom = [["Project", found.project_id], ["Key", found.key_id], ["User", found.user_id], ["Agent", found.agent_id], ["Session", found.session_id]];
  const what = [["Ended", moment(found.at)], ["Took", duration(found.latency_ms)], ["Kind", found.kind], ["Group", found.model_group], ["Model", found.model],
    ["Provider", found.provider], ["Served by a cheaper group", found.downgraded]];
  const paid = [["Cost", money(found.cost_usd)], ["Input", money(found.input_usd)], ["Output", money(found.output_usd)],
    ["of it estimated", Number(found.estimated_usd) ? money(found.estimated_usd) : ""], ["Prices", found.price_source], ["Service tier", found.service_tier]];
  const tokens = [["Input tokens", count(found.input_tokens)], ["read from a cache", count(found.cached_input_tokens)], ["written to it", count(found.cache_write_tokens)],
    ["Output tokens", count(found.output_tokens)], ["of it reasoning", count(found.reasoning_tokens)]];
  return el("article", {class: "request"}, el("p", {}, outcome(found)),
    el("div", {class: "grid three"}, facts("For whom", whom), facts("What", what), facts("Cost", paid), facts("Tokens", tokens)), attempts(found));
}

function facts(title, pairs) {
  return el("section", {}, el("h3", {}, title), el("dl", {class: "facts"},
    ...pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])));
}

function attempts({tried, attempts: made, cache_hit: wasKept}) {
  if (wasKept) return el("p", {class: "muted"}, "A kept answer was given: no model was called.");
  if (!tried.length) return el("p", {class: "muted"}, "No attempt belongs to this record.");
  const total = tried.reduce((sum, one) => sum + (one.latency_ms ?? 0), 0);
  let before = 0;
  const rows = tried.map((one, index) => {
    const from = before;
    before += one.latency_ms ?? 0;
    return [index + 1, one.model, one.provider, verdict(one), duration(one.outcome === "skipped" ? null : one.latency_ms), span(from, one.latency_ms ?? 0, total)];
  });
  const missing = tried.length < made ? el("p", {class: "muted"}, `${count(made)} attempts were made; the release of that time kept the last one only.`) : null;
  const columns = [{name: "#"}, {name: "Model"}, {name: "Provider"}, {name: "Outcome"}, {name: "Took", number: true}, {name: "When"}];
  return el("section", {}, table("Attempts, in order", columns, rows), missing);
}

function verdict({outcome: how, error_code: code}) {
  const kind = {ok: "good", failed: "bad", skipped: "held"}[how] ?? "";
  return el("span", {class: `pill ${kind}`}, code ? `${how}: ${code}` : how);
}

/** Where in the request's time an attempt was. */
function span(from, length, total) {
  const made = el("span", {class: "span", title: `${count(from)} ms after the first began`, "aria-hidden": "true"}, el("span", {class: "fill"}));
  if (total) {
    made.firstChild.style.setProperty("margin-left", `${(from / total) * 100}%`);
    made.firstChild.style.setProperty("width", `${Math.max(1, (length / total) * 100)}%`);
  }
  return made;
}
