/** Budgets with what is spent, estimated and held in them, and the attempts that money is held for. */

import {get} from "./api.js";
import {el, empty, meter, slot, table} from "./dom.js";
import {count, moment, money, percent, usd} from "./format.js";
import {fill} from "./panel.js";

const MOST_HOLDS = 500;
const MOST_PAGES = 20;
const FIRST = 10;

/** @param {{project: string, show: (id: string) => void}} state */
export function showBudgets(state) {
  const place = slot("budgets");
  return fill(place, "the budgets", async () => {
    const asked = {project_id: state.project, scopes: state.key.user_id ? "" : "all"};
    const [found, holds] = await Promise.all([get("v1/budgets", asked), allHolds(state.project)]);
    const isCard = (line) => line.scope === "p" || line.scope === `k:${state.key.key_id}` || state.key.user_id;
    const others = Object.values(Object.groupBy(found.budgets.filter((line) => !isCard(line)), (line) => line.scope));
    return [keys(), el("div", {class: "grid"}, ...found.budgets.filter(isCard).map(budget)),
      others.length ? ranking(others, found.left_out ?? 0, FIRST) : null, holdList(holds, state)];
  });
}

const keys = () => el("ul", {class: "keys muted"}, ...[["solid", "spent"], ["guess", "spent, as an estimate"], ["wait", "held for attempts under way or in doubt"]]
  .map(([kind, name]) => el("li", {}, el("span", {class: kind, "aria-hidden": "true"}), name)));

function budget(line) {
  const has = line.limit_usd !== null || line.limit_tokens !== null;
  return el("article", {class: "card budget"},
    el("header", {}, el("h3", {}, `${owner(line.scope)}, ${line.period.length > 6 ? "today" : "this month"}`), has ? null : el("span", {class: "muted"}, "no limit")),
    part("Money", {spent: line.spent_usd, held: line.held_usd, estimated: line.estimated_usd, limit: line.limit_usd, left: line.left_usd}, money, usd),
    part("Tokens", {spent: line.spent_tokens, held: line.held_tokens, estimated: line.estimated_tokens, limit: line.limit_tokens, left: line.left_tokens}, count, count));
}

/** Each key and user with its two lines, day and month: who has spent most this month comes first. */
function ranking(others, leftOut, most) {
  const columns = [{name: "Whose"}, {name: "Today, USD", number: true}, {name: "Limit", number: true}, {name: "This month, USD", number: true},
    {name: "of it estimated", number: true}, {name: "Held", number: true}, {name: "Limit", number: true}, {name: "Taken", number: true}];
  const sorted = others.toSorted(([, a], [, b]) => Number(b.spent_usd) - Number(a.spent_usd));
  const rows = sorted.slice(0, most).map(([today, month]) => {
    const share = (Number(month.spent_usd) + Number(month.held_usd)) / Number(month.limit_usd);
    return [el("span", {class: "name"}, month.scope.startsWith("u:") ? `User ${month.scope.slice(2)}` : month.scope.slice(2)),
      usd(today.spent_usd), usd(today.limit_usd), usd(month.spent_usd), usd(month.estimated_usd), usd(month.held_usd), usd(month.limit_usd),
      month.limit_usd === null ? "–" : el("span", {}, percent(share, 1), meter(share, share >= 0.8 ? "wait" : ""))];
  });
  const made = el("div", {class: "card"}, table("Keys and users", columns, rows));
  if (others.length > most) {
    made.append(el("button", {type: "button", on: {click: () => made.replaceWith(ranking(others, leftOut, most + 100))}}, `Show more (${count(others.length - most)} left)`));
  }
  if (leftOut) made.append(el("p", {class: "muted"}, `${count(leftOut)} more are not read here; gateway budgets show has all.`));
  return made;
}

function owner(scope) {
  if (scope === "p") return "Project";
  return scope.startsWith("u:") ? `User ${scope.slice(2)}` : "This key";
}

function part(name, amounts, withUnit, plain) {
  const [spent, held, estimated] = [amounts.spent, amounts.held, amounts.estimated].map(Number);
  const text = [`${withUnit(amounts.spent)} spent`, estimated ? `of it ${plain(amounts.estimated)} estimated` : null, held ? `${plain(amounts.held)} held` : null]
    .filter(Boolean).join(", ");
  const limit = Number(amounts.limit);
  return el("div", {class: "part"},
    el("p", {}, el("b", {}, `${name}: `), el("span", {data: {spent: amounts.spent, held: amounts.held}}, text)),
    amounts.limit === null ? null : stack([[(spent - estimated) / limit, "solid"], [estimated / limit, "guess"], [held / limit, "wait"]]),
    amounts.limit === null ? null : el("p", {class: "muted"}, `${percent(spent + held, limit)} of ${withUnit(amounts.limit)} taken, ${plain(amounts.left)} left`));
}

function stack(parts) {
  const made = el("span", {class: "stack", "aria-hidden": "true"});
  let room = 1;
  for (const [share, kind] of parts) {
    const width = Math.max(0, Math.min(room, share));
    room -= width;
    const piece = el("span", {class: kind});
    piece.style.setProperty("width", `${width * 100}%`);
    made.append(piece);
  }
  return made;
}

async function allHolds(project) {
  const found = new Map();
  let cursor = "";
  for (let page = 0; page < MOST_PAGES && found.size < MOST_HOLDS; page += 1) {
    const answer = await get("v1/holds", {project_id: project, cursor});
    for (const hold of answer.holds) found.set(`${hold.request_id}.${hold.attempt}`, hold);
    cursor = answer.next_cursor ?? "";
    if (!cursor) break;
  }
  return {holds: [...found.values()].toSorted((a, b) => a.since.localeCompare(b.since)), hasMore: Boolean(cursor)};
}

function holdList({holds, hasMore}, state) {
  if (!holds.length) return empty("Nothing is held: every attempt of this month and the last is settled.");
  const columns = [{name: "Request"}, {name: "Attempt", number: true}, {name: "State"}, {name: "Since"}, {name: "Held, USD", number: true},
    {name: "Tokens", number: true}, {name: "Charged, USD", number: true}, {name: "Key"}, {name: "User"}];
  const rows = holds.map((hold) => [
    el("button", {type: "button", class: "link id", on: {click: () => state.show(hold.request_id)}}, hold.request_id),
    hold.attempt, hold.state, moment(hold.since), usd(hold.hold_usd), count(hold.hold_tokens), usd(hold.charged_usd), hold.key_id, hold.user_id || "–",
  ]);
  return el("div", {class: "card"}, table(`Open holds: ${count(holds.length)}`, columns, rows),
    el("p", {class: "muted"}, "Open: under way, or its process died. Unconfirmed: the provider may have billed it. Estimated: booked, until somebody knows better.",
      hasMore ? ` These are the first ${count(holds.length)}; gateway usage reconcile lists all.` : ""));
}
