/** Numbers and times as people read them. Money comes as decimal strings, and is never rounded to nothing. */

const whole = new Intl.NumberFormat("en-US", {maximumFractionDigits: 0});
const short = new Intl.NumberFormat("en-US", {notation: "compact", maximumFractionDigits: 1});
const cents = new Intl.NumberFormat("en-US", {minimumFractionDigits: 2, maximumFractionDigits: 2});

/** `1234.5` is "1,234.50", `0.0000123456` is "0.0000123". @param {string | number | null | undefined} amount */
export function usd(amount) {
  if (amount === null || amount === undefined || amount === "") return "–";
  const value = Number(amount);
  if (value === 0) return "0";
  if (Math.abs(value) >= 1) return cents.format(value);
  const digits = 2 - Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(9, Math.max(2, digits))).replace(/(\.\d\d\d*?)0+$/, "$1");
}

/** With its unit. @param {string | number | null | undefined} amount */
export const money = (amount) => (usd(amount) === "–" ? "–" : `${usd(amount)} USD`);

/** @param {number | null | undefined} number */
export const count = (number) => (number === null || number === undefined ? "–" : whole.format(number));

/** `12345` is "12.3K". @param {number} number */
export const compact = (number) => short.format(number);

/** @param {number | null | undefined} ms */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60000 ? `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s` : `${Math.floor(ms / 60000)} min ${Math.round((ms % 60000) / 1000)} s`;
}

/** @param {number} part @param {number} all */
export function percent(part, all) {
  if (!all) return "–";
  const share = (part / all) * 100;
  return `${share > 0 && share < 0.1 ? "<0.1" : share.toFixed(share < 10 && share % 1 ? 1 : 0)} %`;
}

/** `2026-11-20T12:00:00.123Z` is "12:00:00". @param {string} at */
export const clock = (at) => at.slice(11, 19);

/** The same is "2026-11-20 12:00:00". @param {string | null | undefined} at */
export const moment = (at) => (at ? at.slice(0, 19).replace("T", " ") : "–");

/** Today, or so many days before it, in UTC. @param {number} [before] */
export const day = (before = 0) => new Date(Date.now() - before * 86400000).toISOString().slice(0, 10);

/** Every day from one to another. @param {string} start @param {string} end @returns {string[]} */
export function daysBetween(start, end) {
  const days = [];
  for (let at = Date.parse(start); at <= Date.parse(end); at += 86400000) days.push(new Date(at).toISOString().slice(0, 10));
  return days;
}
