/** Charts over days or hours, drawn by uPlot, each with a legend and a table of the same numbers. */

import {el, table} from "./dom.js";

const drawn = new Map();
const dark = matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", () => drawn.forEach((redraw) => redraw()));

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/**
 * @typedef {{name: string, colour: string, values: (number | null)[], line?: boolean, dash?: number[]}} Series
 * @param {{title: string, labels: string[], series: Series[], format: (value: number) => string,
 *   axis?: (value: number) => string, rows: {columns: {name: string, number?: boolean}[], cells: (string | number)[][]}}} given
 * @returns {HTMLElement}
 */
export function chart(given) {
  const plot = el("div", {class: "plot", tabindex: 0, role: "img", "aria-label": spoken(given)});
  const tip = el("div", {class: "tip", hidden: true});
  const legend = el("ul", {class: "legend"}, ...given.series.map((one) =>
    el("li", {}, el("span", {class: `swatch ${one.line ? "line" : ""} c-${one.colour}`, "aria-hidden": "true"}), one.name)));
  const figure = el("figure", {class: "card chart"}, el("figcaption", {}, given.title), legend,
    el("div", {class: "stage"}, plot, tip),
    el("details", {}, el("summary", {}, "Show as a table"), table(given.title, given.rows.columns, given.rows.cells, {hideCaption: true})));
  attach(figure, plot, tip, given);
  return figure;
}

/** Forget charts that are no longer shown. */
export function sweep() {
  for (const figure of drawn.keys()) if (!figure.isConnected) drawn.delete(figure);
}

function spoken({title, labels, series, format}) {
  const last = labels.length - 1;
  const each = series.map((one) => `${one.name}: ${one.values[last] === null ? "nothing" : format(one.values[last])}`);
  return `${title}, ${labels[0]} to ${labels[last]}. On the last, ${each.join(", ")}. The table below has all numbers. Arrow keys go through them.`;
}

function attach(figure, plot, tip, given) {
  let current = null;
  const redraw = () => {
    current?.destroy();
    current = new uPlot(options(plot, tip, given), data(given), plot);
  };
  drawn.set(figure, redraw);
  new ResizeObserver(() => {
    if (!plot.clientWidth) return;
    if (current) current.setSize({width: plot.clientWidth, height: HEIGHT});
    else redraw();
  }).observe(plot);
  plot.addEventListener("keydown", (event) => step(event, current, given.labels.length));
  plot.addEventListener("blur", () => current?.setCursor({left: -10, top: -10}));
}

const HEIGHT = 200;

function data({labels, series}) {
  return [labels.map((_, index) => index), ...series.map((one) => one.values)];
}

function step(event, current, length) {
  const by = {ArrowLeft: -1, ArrowRight: 1}[event.key];
  if (!by || !current) return;
  event.preventDefault();
  const at = Math.max(0, Math.min(length - 1, (current.cursor.idx ?? (by > 0 ? -1 : length)) + by));
  current.setCursor({left: current.valToPos(at, "x"), top: HEIGHT / 3});
}

function options(plot, tip, given) {
  const {labels, series, format, axis = format} = given;
  const top = Math.max(...series.flatMap((one) => one.values.filter((value) => value !== null)), 0);
  const lines = {stroke: colour("line"), width: 1};
  const text = {stroke: colour("muted"), font: "12px system-ui, sans-serif"};
  return {
    width: plot.clientWidth,
    height: HEIGHT,
    padding: [12, 22, 0, 0],
    legend: {show: false},
    cursor: {y: false, drag: {x: false, y: false}, points: {show: false}},
    scales: {x: {time: false, range: [-0.6, labels.length - 0.4]}, y: {range: [0, top > 0 ? top * 1.08 : 1]}},
    axes: [
      {...text, grid: {show: false}, ticks: {show: false}, size: 28, splits: () => marks(labels.length, plot.clientWidth), values: (_, at) => at.map((index) => label(labels[index]))},
      {...text, grid: lines, ticks: {show: false}, size: 64, space: 44, values: (_, at) => at.map((value) => (top > 0 || value === 0 ? axis(value) : ""))},
    ],
    series: [{}, ...series.map(drawing)],
    hooks: {setCursor: [(current) => point(current, tip, given)]},
  };
}

function drawing(one) {
  const stroke = colour(one.colour);
  if (one.line) return {stroke, width: 2, dash: one.dash, points: {show: true, size: 5, fill: stroke}, spanGaps: false};
  return {stroke, fill: stroke, width: 0, points: {show: false}, paths: uPlot.paths.bars({size: [0.72, 48], radius: 0.15})};
}

/** Which places have a label: as many as there is room for, the last one among them. */
function marks(length, width) {
  const every = Math.max(1, Math.ceil(length / Math.max(2, Math.floor(width / 90))));
  const found = [];
  for (let at = length - 1; at >= 0; at -= every) found.unshift(at);
  return found;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** "2026-11-20" is "20 Nov", "2026-11-20T09" is "09:00". */
function label(name) {
  return name.length > 10 ? `${name.slice(11, 13)}:00` : `${Number(name.slice(8, 10))} ${MONTHS[Number(name.slice(5, 7)) - 1]}`;
}

function point(current, tip, {labels, series, format}) {
  const at = current.cursor.idx;
  tip.hidden = at === null || at === undefined || current.cursor.left < 0;
  if (tip.hidden) return;
  const rows = series.map((one) => el("div", {}, el("span", {class: `swatch c-${one.colour}`}), `${one.name} `,
    el("b", {}, one.values[at] === null ? "–" : format(one.values[at]))));
  tip.replaceChildren(el("div", {class: "muted"}, labels[at].replace("T", " ")), ...rows);
  const left = current.valToPos(at, "x") + current.over.offsetLeft;
  const room = current.width - tip.offsetWidth - 4;
  tip.style.setProperty("left", `${Math.max(4, Math.min(room, left + 12 > room ? left - tip.offsetWidth - 12 : left + 12))}px`);
}
