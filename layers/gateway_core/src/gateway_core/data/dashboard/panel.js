/** How a part of the page is filled: it says that it loads, shows what came, or what went wrong. */

import {failed, loading} from "./dom.js";

let turns = new WeakMap();

/** Whatever is still being read is shown nowhere: it was for a key that is gone. */
export const abandon = () => { turns = new WeakMap(); };

/**
 * Only the last of several fillings of a place is shown.
 * @param {HTMLElement} place
 * @param {string} what for "Loading ...": shown where nothing is there yet
 * @param {() => Promise<(Node | null)[]>} make
 * @returns {Promise<boolean>} whether it is what the place shows now
 */
export async function fill(place, what, make) {
  const turn = {};
  turns.set(place, turn);
  if (!place.childElementCount) place.replaceChildren(loading(what));
  place.setAttribute("aria-busy", "true");
  let shown;
  try {
    shown = (await make()).filter(Boolean);
  } catch (error) {
    if (turns.get(place) !== turn || error.status === 401) return false;
    shown = [failed(error, () => { place.replaceChildren(); fill(place, what, make); })];
  }
  if (turns.get(place) !== turn) return false;
  place.replaceChildren(...shown);
  place.removeAttribute("aria-busy");
  return true;
}
