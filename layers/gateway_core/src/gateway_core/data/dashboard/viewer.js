/** Finds requests: one by its id, or those of a day by key, model, agent, user or error, in pages. */

import {get} from "./api.js";
import {showRequest} from "./detail.js";
import {el, slot, table} from "./dom.js";
import {clock, count, day, duration, usd} from "./format.js";
import {outcome} from "./live.js";

const PAGE = 1000;
const PAGES = 3;
const COLUMNS = [{name: "Time"}, {name: "Request"}, {name: "Model"}, {name: "Outcome"}, {name: "Agent"}, {name: "User"},
  {name: "Tokens", number: true}, {name: "Cost, USD", number: true}, {name: "Latency", number: true}];

/** @param {{project: string, range: number, show: (id: string) => void}} state */
export function showViewer(state) {
  const found = el("div", {class: "found"});
  slot("requests").replaceChildren(el("div", {class: "grid two"}, byId(state), byDay(state, found)), found);
}

const input = (name, label, props = {}) => el("label", {class: "field"}, label, el("input", {name, autocomplete: "off", spellcheck: "false", ...props}));

function byId(state) {
  const send = (event) => {
    event.preventDefault();
    const id = new FormData(event.target).get("request_id").trim();
    if (id) state.show(id);
  };
  return el("form", {class: "card search", "aria-label": "One request", on: {submit: send}}, el("h3", {}, "One request"),
    el("p", {class: "muted"}, "By the id that is in the answer, in the header x-request-id and in the log."),
    el("div", {class: "row"}, input("request_id", "Request id", {placeholder: "req_...", required: true}), el("button", {class: "primary"}, "Find")));
}

function byDay(state, place) {
  const send = (event) => {
    event.preventDefault();
    new Search(state, Object.fromEntries(new FormData(event.target)), place).start();
  };
  return el("form", {class: "card search", "aria-label": "Requests of a day", on: {submit: send}}, el("h3", {}, "Requests of a day"),
    el("div", {class: "row"}, input("date", "Day", {type: "date", value: day(), max: day(), min: day(30), required: true}), input("key_id", "Key id"), input("model", "Model"),
      input("agent_id", "Agent"), input("user_id", "User"), input("error", "Error", {placeholder: "any, or a code"}), el("button", {class: "primary"}, "Look")));
}

class Search {
  constructor(state, asked, place) {
    this.state = state;
    this.asked = Object.fromEntries(Object.entries(asked).map(([name, value]) => [name, value.trim()]));
    this.place = place;
    this.rows = [];
    this.looked = 0;
    this.upTo = "";
    this.cursor = "";
  }

  async start() {
    this.all = null;
    await this.goOn();
  }

  /** Look at a few pages more. What is found is shown, and how far that was. */
  async goOn() {
    this.place.replaceChildren(el("p", {class: "card muted", role: "status"}, "Looking…"));
    try {
      this.all ??= (await get("v1/usage", {project_id: this.state.project, start_date: this.asked.date, end_date: this.asked.date})).totals.requests;
      for (let page = 0; page < PAGES; page += 1) {
        const answer = await get("v1/usage/records", {project_id: this.state.project, ...this.asked, cursor: this.cursor, limit: PAGE});
        this.rows.push(...answer.records);
        this.looked += answer.looked_at;
        this.upTo = answer.looked_up_to ?? this.upTo;
        this.cursor = answer.next_cursor ?? "";
        if (!this.cursor) break;
      }
      this.place.replaceChildren(this.result());
    } catch (error) {
      if (error.status !== 401) this.place.replaceChildren(el("p", {class: "card notice bad", role: "alert"}, error.message));
    }
  }

  result() {
    const far = this.cursor
      ? `Looked at ${count(this.looked)} of that day's ${count(Math.max(this.all, this.looked))} records, up to ${clock(this.upTo)}.`
      : `Looked at all ${count(this.looked)} records of that day.`;
    const go = this.cursor ? el("button", {type: "button", on: {click: () => this.goOn()}}, "Go on") : null;
    const cells = this.rows.map((record) => [clock(record.at),
      el("button", {type: "button", class: "link id", on: {click: () => showRequest([record], record.request_id)}}, record.request_id),
      record.model || record.kind, outcome(record), record.agent_id || "–", record.user_id || "–",
      `${count(record.input_tokens)} + ${count(record.output_tokens)}`, usd(record.cost_usd), duration(record.latency_ms)]);
    return el("div", {class: "card"}, el("div", {class: "row"}, el("p", {role: "status"}, `${count(this.rows.length)} found. ${far}`), go),
      cells.length ? table(`Requests of ${this.asked.date}`, COLUMNS, cells, {hideCaption: true}) : null);
  }
}
