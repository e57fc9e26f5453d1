/** Providers as the fleet knows them: probes, breakers, speed, and what is left of their limits. */

import {get} from "./api.js";
import {el, empty, slot} from "./dom.js";
import {count, duration, moment} from "./format.js";
import {fill} from "./panel.js";

const SIGNS = {healthy: "●", closed: "●", ok: "●", degraded: "◐", half_open: "◐", unhealthy: "■", open: "■", failed: "■"};
const KINDS = {healthy: "good", closed: "good", ok: "good", degraded: "held", half_open: "held", unhealthy: "bad", open: "bad", failed: "bad"};
const words = (state) => state.replaceAll("_", " ");

/** A state as a sign and a word: never by its colour alone. @param {string} state */
export const pill = (state) => el("span", {class: `pill ${KINDS[state] ?? ""}`}, el("span", {"aria-hidden": "true"}, SIGNS[state] ?? "○"), ` ${words(state)}`);

/** @param {{key: {tools: string[]}}} state */
export function showProviders({key}) {
  return fill(slot("providers"), "the providers", async () => {
    if (key.tools.length && !key.tools.includes("health_check")) return [empty("This key may not see the providers' health (health_check).")];
    const health = await get("health/providers");
    return [
      health.store === "ok" ? null : el("p", {class: "notice bad"}, "The store cannot be reached: nothing is known of the providers."),
      health.warnings.length ? el("ul", {class: "notice warnings"}, ...health.warnings.map((warning) => el("li", {}, warning.message))) : null,
      el("div", {class: "columns"}, ...health.providers.map(provider)),
    ];
  });
}

function provider(found) {
  const {probe} = found;
  return el("article", {class: "card provider", "aria-label": found.provider},
    el("header", {}, el("h3", {}, found.provider), pill(found.status)),
    el("p", {class: "muted"}, `${found.latency_ms === null ? "Not called lately." : `Calls take ${duration(found.latency_ms)}.`} Probe: ${words(probe.status)}`, probe.latency_ms === null ? "" : `, ${duration(probe.latency_ms)}`,
      probe.checked_at ? `, at ${moment(probe.checked_at)}.` : "."),
    el("ul", {class: "models"}, ...found.models.map(model)));
}

function model(found) {
  const facts = [
    found.latency_ms === null ? null : `whole answers ${duration(found.latency_ms)}`,
    found.first_content_ms === null ? null : `first content ${duration(found.first_content_ms)}`,
    found.consecutive_failures ? `${count(found.consecutive_failures)} failures in a row` : null,
    found.breaker === "open" ? `tried again in ${duration(found.retry_after_ms)}` : null,
    ...room(found.rate_limit),
    found.lifecycle === "served" ? null : `${found.lifecycle}${found.retires_on ? ` on ${found.retires_on}` : ""}`,
    found.listed === false ? "not in the provider's list" : null,
  ].filter(Boolean);
  return el("li", {}, el("span", {class: "name"}, found.model), pill(found.breaker), facts.length ? el("span", {class: "muted facts"}, facts.join(", ")) : null);
}

function room(limit) {
  return Object.entries(limit ?? {}).filter(([, one]) => one && one.remaining !== null && one.remaining !== undefined)
    .map(([what, one]) => `${count(one.remaining)}${one.limit ? ` of ${count(one.limit)}` : ""} ${what} left`);
}
