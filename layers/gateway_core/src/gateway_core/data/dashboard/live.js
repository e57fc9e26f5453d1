/** What happens now: events as they are told where this gateway tells them, else new records every few seconds. */

import {get, open} from "./api.js";
import {el, slot} from "./dom.js";
import {clock, count, duration, usd} from "./format.js";

const EVERY_MS = 5000;
const AGAIN_MS = 5000;
const MOST_SHOWN = 50;
const COLUMNS = ["Time", "Request", "Model", "Outcome", "Tokens", "Cost, USD", "Latency"];

let stop = () => {};

/** @param {{project: string, live: string, show: (id: string) => void}} state */
export function showLive(state) {
  stop();
  const leaving = new AbortController();
  const feed = new Feed(state, leaving.signal);
  stop = () => leaving.abort();
  slot("live").replaceChildren(feed.element);
  return feed.run();
}

export const stopLive = () => stop();

class Feed {
  constructor(state, signal) {
    this.state = state;
    this.signal = signal;
    this.seen = new Set();
    this.isPaused = false;
    this.status = el("span", {class: "pill", role: "status"}, "connecting");
    this.pause = el("button", {type: "button", "aria-pressed": "false", on: {click: () => this.toggle()}}, "Pause");
    this.body = el("tbody");
    this.nothing = el("p", {class: "muted empty"}, "Nothing has happened yet. Requests appear here as they end.");
    const head = el("tr", {}, ...COLUMNS.map((name, index) => el("th", {scope: "col", class: index > 3 ? "number" : null}, name)));
    const made = el("table", {}, el("caption", {class: "unseen"}, "The latest requests and events, newest first"), el("thead", {}, head), this.body);
    this.element = el("div", {class: "card"}, el("div", {class: "row"}, this.status, this.pause),
      this.nothing, el("div", {class: "scroll feed", tabindex: 0, role: "region", "aria-label": "Live feed"}, made));
  }

  toggle() {
    this.isPaused = !this.isPaused;
    this.pause.setAttribute("aria-pressed", String(this.isPaused));
    this.pause.textContent = this.isPaused ? "Go on" : "Pause";
    this.say(this.isPaused ? "paused" : "live");
  }

  say(word) {
    this.status.textContent = word;
    this.status.className = `pill ${{live: "good", paused: "held", "trying again": "bad"}[word] ?? ""}`;
  }

  async run() {
    let after = "latest";
    while (!this.signal.aborted) {
      try {
        // Whatever ends while records are read is told by then: the events are opened first.
        const events = this.state.live === "events" ? await open("v1/events", {}, this.signal) : null;
        after = await this.read(after).catch(async (error) => { await events?.body.cancel(); throw error; });
        if (!this.isPaused) this.say("live");
        if (events) await this.follow(events);
      } catch (error) {
        if (this.signal.aborted || error.status === 401) return;
        this.say("trying again");
      }
      await this.wait(this.state.live === "events" ? AGAIN_MS : EVERY_MS);
    }
  }

  /** Records behind a place; the next place. Nobody asks for a page that nobody looks at. */
  async read(after) {
    if (this.isPaused || document.hidden) return after;
    const answer = await get("v1/usage/records", {project_id: this.state.project, after, limit: MOST_SHOWN}, this.signal);
    answer.records.forEach((record) => this.add(record));
    return answer.more ? this.read(answer.after) : answer.after;
  }

  /** Events, until the connection ends. */
  async follow(events) {
    const reader = events.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const {done, value} = await reader.read();
      if (done) return;
      text += value.replaceAll("\r", "");
      const blocks = text.split("\n\n");
      text = blocks.pop();
      blocks.forEach((block) => this.hear(block));
    }
  }

  hear(block) {
    const data = block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5)).join("\n");
    if (!data || this.isPaused) return;
    const event = JSON.parse(data);
    const {project_id: project} = event.detail;
    if (project && project !== this.state.project) return;
    if (event["detail-type"] === "request.cost") this.add(event.detail);
    else this.put(el("tr", {class: "event"}, el("th", {scope: "row"}, clock(event.detail.at)), el("td", {colspan: COLUMNS.length - 1}, said(event))));
  }

  add(record) {
    const name = `${record.request_id} ${record.kind} ${record.cost_usd}`;
    if (this.seen.has(name)) return;
    this.seen.add(name);
    this.put(el("tr", {}, el("th", {scope: "row"}, clock(record.at)),
      el("td", {}, el("button", {type: "button", class: "link id", on: {click: () => this.state.show(record.request_id)}}, record.request_id)),
      el("td", {class: "name"}, record.model || record.kind), el("td", {}, outcome(record)),
      el("td", {class: "number"}, `${count(record.input_tokens)} + ${count(record.output_tokens)}`),
      el("td", {class: "number"}, usd(record.cost_usd)), el("td", {class: "number"}, duration(record.latency_ms))));
  }

  put(row) {
    this.nothing.hidden = true;
    this.body.prepend(row);
    while (this.body.childElementCount > MOST_SHOWN) this.body.lastElementChild.remove();
  }

  wait(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, {once: true});
    });
  }
}

/** How a request ended, in a word. */
export function outcome(record) {
  if (record.kind === "reconcile") return el("span", {class: "pill"}, "correction");
  if (record.error_code) return el("span", {class: "pill bad"}, record.error_code);
  const how = record.cache_hit ? "from the cache" : record.attempts > 1 ? `ok after ${record.attempts} attempts` : "ok";
  return el("span", {class: `pill ${record.attempts > 1 ? "held" : "good"}`}, how);
}

function said(event) {
  const facts = Object.entries(event.detail).filter(([name, value]) => !["schema", "at", "project_id"].includes(name) && value !== "" && value !== null);
  return [`${event["detail-type"]}: `, ...facts.map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ")].join("");
}
