/** What providers say that they bill, beside what was booked: for administrators, where the gateway asks them. */

import {get} from "./api.js";
import {el, table} from "./dom.js";
import {count, moment, usd} from "./format.js";
import {period} from "./overview.js";
import {fill} from "./panel.js";

const COLUMNS = [{name: "Provider"}, {name: "Billed, USD", number: true}, {name: "Booked, USD", number: true}, {name: "Difference", number: true},
  {name: "Days that differ", number: true}, {name: "Last asked"}];

/** @param {HTMLElement} place stays empty where no provider is asked @param {{project: string, range: number}} state */
export function showBills(place, state) {
  return fill(place, "the providers' bills", async () => {
    const {start_date, end_date} = period(state);
    const {totals, days} = await get("v1/invoices", {start_date, end_date});
    if (!totals.length) return [];
    const rows = totals.map((total) => {
      const own = days.filter((day) => day.provider === total.provider);
      const differ = own.filter((day) => day.differs).length;
      const last = own.map((day) => day.checked_at).toSorted().at(-1);
      return [total.provider, usd(total.billed_usd), usd(total.booked_usd), el("span", {title: `${total.difference_usd} USD`}, usd(total.difference_usd)),
        el("span", {class: differ ? "bad" : null}, `${count(differ)} of ${count(own.length)}`), moment(last)];
    });
    return [el("div", {class: "card"}, table("Providers' bills, all projects", COLUMNS, rows),
      el("p", {class: "muted"}, "Of days that are over. Negative where less was billed than booked. GET /v1/invoices has each day and line."))];
  });
}
