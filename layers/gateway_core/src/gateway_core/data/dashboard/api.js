/** Asks the gateway. The key is in this tab's session storage and in the header of each request, nowhere else. */

const STORED = "gateway-key";
/** Where the gateway is: the page may be below a path, such as a stage of API Gateway. */
const ROOT = new URL(location.pathname.replace(/dashboard\/?$/, ""), location.origin);

let refused = () => {};

/** @param {() => void} run called once the gateway has refused the key, which is forgotten then */
export const onRefused = (run) => { refused = run; };

export const storedKey = () => sessionStorage.getItem(STORED);
/** @param {string} key */
export const storeKey = (key) => sessionStorage.setItem(STORED, key);
export const forgetKey = () => sessionStorage.removeItem(STORED);

/** What the gateway answered instead, in its own words. */
export class ApiError extends Error {
  /** @param {string} message @param {number} status @param {string} code */
  constructor(message, status, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * @param {string} path relative to the gateway
 * @param {Record<string, string | number | null | undefined>} [query] empty values are left out
 * @param {AbortSignal} [signal]
 * @returns {Promise<Response>} with status 200
 */
export async function open(path, query = {}, signal) {
  const key = storedKey();
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, String(value));
  let answer;
  try {
    answer = await fetch(url, {headers: key ? {authorization: `Bearer ${key}`} : {}, credentials: "omit", cache: "no-store", signal});
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The gateway cannot be reached.", 0, "unreachable");
  }
  if (answer.ok) return answer;
  const error = await described(answer);
  if (answer.status === 401 && key && key === storedKey()) {
    forgetKey();
    refused();
  }
  throw error;
}

/** The same, as JSON. */
export async function get(path, query = {}, signal) {
  return (await open(path, query, signal)).json();
}

async function described(answer) {
  const told = await answer.json().catch(() => ({}));
  const error = told.error ?? {};
  return new ApiError(error.message ?? told.message ?? `The gateway answered with status ${answer.status}.`, answer.status, error.code ?? "");
}
