/** What it cost: totals, and charts over the days, or over the hours of today. */

import {get} from "./api.js";
import {chart, sweep} from "./charts.js";
import {el, empty, slot} from "./dom.js";
import {compact, count, day, daysBetween, duration, money, percent, usd} from "./format.js";
import {fill} from "./panel.js";

const COLUMNS = [
  {name: "Day"}, {name: "Cost, USD", number: true}, {name: "Estimated, USD", number: true}, {name: "Requests", number: true},
  {name: "Errors", number: true}, {name: "Cache hits", number: true}, {name: "Input tokens", number: true},
  {name: "Output tokens", number: true}, {name: "p50, ms", number: true}, {name: "p95, ms", number: true},
];

/** The query of a period. @param {{project: string, range: number}} state */
export const period = ({project, range}) => ({project_id: project, start_date: day(range - 1), end_date: day()});

/** @param {{project: string, range: number}} state */
export async function showOverview(state) {
  await fill(slot("overview"), "the report", async () => {
    const report = await get("v1/usage", {...period(state), group_by: state.range === 1 ? "hour" : "day"});
    return report.totals.requests ? [cards(report.totals), charts(report)] : [cards(report.totals), nothing()];
  });
  sweep();
}

function nothing() {
  return empty("No requests in this period. As soon as the first one has ended, it is here.");
}

function cards(totals) {
  const failedShare = percent(totals.errors, totals.requests);
  return el("dl", {class: "cards"},
    card("Spent", usd(totals.cost_usd), "USD", Number(totals.estimated_usd) ? `of it estimated: ${money(totals.estimated_usd)}` : null, totals.cost_usd),
    card("Requests", count(totals.requests), "", totals.downgraded ? `${count(totals.downgraded)} served by a cheaper group` : null),
    card("Errors", count(totals.errors), "", totals.requests ? `${failedShare} of requests` : null, null, totals.errors ? "bad" : ""),
    perSuccess(totals),
    card("Cache hits", count(totals.cache_hits), "", totals.requests ? `${percent(totals.cache_hits, totals.requests)} of requests` : null),
    card("Tokens", compact(totals.input_tokens + totals.output_tokens), "", `${compact(totals.input_tokens)} in, ${compact(totals.output_tokens)} out`),
    card("Latency", duration(totals.latency_ms.average), "", `p50 ≤ ${duration(totals.latency_ms.p50)}, p95 ≤ ${duration(totals.latency_ms.p95)}`));
}

function perSuccess(totals) {
  const amount = totals.cost_per_success_usd;
  return amount === undefined ? null : card("Per success", usd(amount), amount === null ? "" : "USD", "cost of a request that was answered", amount);
}

function card(name, value, unit, more, exact, kind = "") {
  return el("div", {class: `card fact ${kind}`}, el("dt", {}, name),
    el("dd", {class: value.length > 7 ? "value long" : "value", title: exact ? `${exact} USD` : null}, value, unit ? el("small", {}, ` ${unit}`) : null),
    el("dd", {class: "muted more"}, more ?? ""));
}

function charts(report) {
  const known = new Map(report.rows.map((row) => [row.day ?? row.hour, row]));
  const labels = report.group_by === "hour" ? hours(report.start_date) : daysBetween(report.start_date, report.end_date);
  const rows = labels.map((name) => known.get(name));
  const of = (pick) => rows.map((row) => (row ? pick(row) : 0));
  const per = report.group_by;
  const shared = {labels, rows: {columns: COLUMNS, cells: report.rows.map(cells)}};
  const tokens = (row) => row.input_tokens + row.output_tokens;
  return el("div", {class: "grid"},
    chart({...shared, title: `Spend by ${per}`, format: money, axis: usd, series: [
      {name: "Spent", colour: "accent", values: of((row) => Number(row.cost_usd))},
      {name: "of it estimated", colour: "held", values: of((row) => Number(row.estimated_usd))}]}),
    chart({...shared, title: `Requests by ${per}`, format: count, axis: compact, series: [
      {name: "Requests", colour: "accent", values: of((row) => row.requests)},
      {name: "of them errors", colour: "bad", values: of((row) => row.errors)}]}),
    chart({...shared, title: `Tokens by ${per}`, format: count, axis: compact, series: [
      {name: "Input and output", colour: "soft", values: of(tokens)},
      {name: "Output", colour: "accent", values: of((row) => row.output_tokens)}]}),
    chart({...shared, title: `Latency by ${per}`, format: duration, series: [
      {name: "p95, at most", colour: "held", line: true, dash: [6, 4], values: latency(rows, "p95")},
      {name: "Average", colour: "accent", line: true, values: latency(rows, "average")}]}));
}

const latency = (rows, which) => rows.map((row) => (row ? row.latency_ms[which] : null));

function cells(row) {
  return [row.day ?? row.hour.replace("T", " ") + ":00", row.cost_usd, row.estimated_usd, row.requests, row.errors, row.cache_hits,
    row.input_tokens, row.output_tokens, row.latency_ms.p50 ?? "–", row.latency_ms.p95 ?? "–"];
}

const hours = (date) => Array.from({length: 24}, (_, hour) => `${date}T${String(hour).padStart(2, "0")}`);
