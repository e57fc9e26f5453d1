/** What all scripts share: where the gateway is, and how a result or an error is told. */

export const GATEWAY = process.env.GATEWAY_URL;
export const KEY = process.env.GATEWAY_KEY;

/** What a test wants to know of an exception. */
export function told(error) {
  return { name: error.constructor.name, code: error.code, status: error.status, message: error.message };
}

/** Print what `work` resolves to as one JSON line; if it throws, the error. */
export async function report(work) {
  const result = await work.then((value) => ({ result: value }), (error) => ({ error: told(error) }));
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

/** `{name: await work(name)}` for all names, at once. */
export async function forEach(names, work) {
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await work(name)])));
}

/** `{name: {result} or {error}}` for all names, at once: one that fails does not hide the others. */
export async function outcomes(names, work) {
  return forEach(names, (name) => work(name).then((result) => ({ result }), (error) => ({ error: told(error) })));
}
