/** Who and what it was spent for and on: a ranking for each way to look at it. */

import {get} from "./api.js";
import {showBills} from "./bills.js";
import {el, empty, meter, slot, table} from "./dom.js";
import {compact, count, duration, percent, usd} from "./format.js";
import {period} from "./overview.js";
import {fill} from "./panel.js";

const WAYS = [
  {by: "model", name: "Models", column: "model"},
  {by: "provider", name: "Providers", column: "provider"},
  {by: "agent", name: "Agents", column: "agent_id"},
  {by: "user", name: "Users", column: "user_id"},
  {by: "key", name: "Keys", column: "key_id"},
  {by: "project", name: "Projects", column: "project_id", admin: true},
];
const FIRST = 10;
let chosen = WAYS[0];

/** @param {{project: string, range: number, key: {admin: boolean, user_id: string}}} state */
export function showBreakdown(state) {
  // No counter holds an agent, a key or a provider of one user.
  const ways = WAYS.filter((way) => (state.key.admin || !way.admin) && (!state.key.user_id || ["model", "user"].includes(way.by)));
  if (!ways.includes(chosen)) chosen = ways[0];
  const place = el("div", {class: "ranking"});
  const buttons = ways.map((way) => el("button", {type: "button", "aria-pressed": way === chosen, on: {click: () => choose(way)}}, way.name));
  const choose = (way) => {
    chosen = way;
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(ways[index] === way)));
    return showRanking(place, state, way);
  };
  buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(ways[index] === chosen)));
  const bills = el("div", {class: "bills"});
  slot("breakdown").replaceChildren(el("div", {class: "choice", role: "group", "aria-label": "Spend by"}, ...buttons), place, bills);
  return Promise.all([choose(chosen), state.key.admin ? showBills(bills, state) : null]);
}

function showRanking(place, state, way) {
  return fill(place, "the ranking", async () => {
    const asked = period(state);
    const report = await get("v1/usage", {...asked, project_id: way.by === "project" ? "" : asked.project_id, group_by: way.by});
    if (!report.rows.length) return [empty(`No ${way.name.toLowerCase()} are named by the requests of this period.`)];
    return [ranking(way, report, FIRST)];
  });
}

function ranking(way, report, most) {
  const rows = report.rows.toSorted((a, b) => Number(b.cost_usd) - Number(a.cost_usd) || b.requests - a.requests);
  const top = Number(rows[0].cost_usd);
  const hasRatio = report.totals.cost_per_success_usd !== undefined;
  const columns = [
    {name: way.name.slice(0, -1)}, {name: "Cost, USD", number: true}, {name: "Share", number: true},
    ...(hasRatio ? [{name: "Per success, USD", number: true}] : []), {name: "Requests", number: true}, {name: "Errors", number: true},
    {name: "Cache hits", number: true}, {name: "Tokens in", number: true}, {name: "Tokens out", number: true},
    {name: "p50", number: true}, {name: "p95", number: true},
  ];
  const cells = rows.slice(0, most).map((row) => [
    el("span", {class: "name"}, label(row[way.column])),
    el("span", {title: `${row.cost_usd} USD`, data: {exact: row.cost_usd}}, usd(row.cost_usd), meter(Number(row.cost_usd) / top)),
    percent(Number(row.cost_usd), Number(report.totals.cost_usd)),
    ...(hasRatio ? [usd(row.cost_per_success_usd)] : []),
    count(row.requests),
    el("span", {class: row.errors ? "bad" : null}, row.errors ? `${count(row.errors)} (${percent(row.errors, row.requests)})` : "0"),
    count(row.cache_hits), compact(row.input_tokens), compact(row.output_tokens),
    duration(row.latency_ms.p50), duration(row.latency_ms.p95),
  ]);
  const made = el("div", {class: "card"}, table(`Spend by ${way.by}`, columns, cells));
  if (rows.length > most) {
    made.append(el("button", {type: "button", on: {click: () => made.replaceWith(ranking(way, report, most + 100))}}, `Show more (${count(rows.length - most)} left)`));
  }
  return made;
}

const label = (name) => (name === "~other" ? "(others, beyond the number of names that are kept)" : name);
