/** Builds elements. Text goes in as text, never as markup: names in reports are chosen by callers. */

/**
 * @param {string} tag
 * @param {Record<string, unknown>} [props] attributes; `class`, `on` ({click: f}), `data` and booleans as one expects
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {HTMLElement}
 */
export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) set(made, name, value);
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false).map(asNode));
  return made;
}

function set(made, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "on") for (const [event, run] of Object.entries(value)) made.addEventListener(event, run);
  else if (name === "data") Object.assign(made.dataset, value);
  else made.setAttribute(name, value === true ? "" : String(value));
}

function asNode(child) {
  return child instanceof Node ? child : document.createTextNode(String(child));
}

/** @param {string} id @returns {HTMLElement} */
export const byId = (id) => document.getElementById(id);

/** The place of a section's content. @param {string} id */
export const slot = (id) => byId(id).querySelector(".slot");

/** What is shown while nothing is there yet. @param {string} what */
export const loading = (what) => el("p", {class: "card loading muted"}, `Loading ${what}…`);

/** What is shown where there is nothing. @param {string} text */
export const empty = (text) => el("p", {class: "card empty muted"}, text);

/** What is shown where it could not be read. @param {Error} error @param {() => void} again */
export const failed = (error, again) =>
  el("div", {class: "card notice bad", role: "alert"}, el("p", {}, error.message),
    el("button", {type: "button", on: {click: again}}, "Try again"));

/**
 * A table in a box that scrolls by itself, also by keyboard.
 * @param {string} caption
 * @param {{name: string, number?: boolean}[]} columns
 * @param {(Node | string | number | null)[][]} rows the first cell of each is its heading
 * @param {{hideCaption?: boolean}} [options]
 */
export function table(caption, columns, rows, {hideCaption = false} = {}) {
  const kind = (index) => (columns[index].number ? "number" : null);
  const head = columns.map((column, index) => el("th", {scope: "col", class: kind(index)}, column.name));
  const body = rows.map((cells) =>
    el("tr", {}, ...cells.map((cell, index) => el(index ? "td" : "th", {scope: index ? null : "row", class: kind(index)}, cell))));
  const made = el("table", {}, el("caption", {class: hideCaption ? "unseen" : null}, caption),
    el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body));
  return el("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": caption}, made);
}

/** A bar of `share` (0 to 1) of its width. @param {number} share @param {string} [kind] */
export function meter(share, kind = "") {
  const fill = el("span", {class: `fill ${kind}`});
  fill.style.setProperty("width", `${Math.max(0, Math.min(1, share || 0)) * 100}%`);
  return el("span", {class: "meter", "aria-hidden": "true"}, fill);
}
