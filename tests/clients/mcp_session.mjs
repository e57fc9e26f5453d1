/** What both generations of the SDK do at the gateway, told in the same words. */

export const HELLO = { messages: [{ role: 'user', content: 'Say hello to everybody' }], model_group: 'fast' };

/** Every step of a session with a connected client. */
export async function session(client, version) {
  const { tools } = await client.listTools();
  const call = (name, args) => client.callTool({ name, arguments: args });
  return {
    version,
    server: client.getServerVersion().name,
    tools: tools.map((tool) => tool.name),
    answer: outcome(await call('complete', HELLO)),
    refused: outcome(await call('complete', { ...HELLO, model_group: undefined, model: 'no-such-model' })),
    usage: outcome(await call('get_usage', { group_by: 'model' })),
  };
}

/** A streamed answer: the deltas that arrived as progress, and the result. */
export async function streamed(call) {
  const deltas = [];
  const request = { name: 'stream_complete', arguments: { ...HELLO, messages: [{ role: 'user', content: '[[words=40]] [[pace=20]]' }] } };
  const result = await call(request, { onprogress: (progress) => deltas.push(progress) });
  return { deltas, result: outcome(result) };
}

/** Answers that take longer than the SDK's timer, which progress sets anew: one thinks, one says nothing at all. */
export async function patient(call) {
  const ask = async (name, model, text) => {
    const heard = [];
    const request = { name, arguments: { messages: [{ role: 'user', content: text }], model } };
    const options = { onprogress: ({ progress }) => heard.push(progress), resetTimeoutOnProgress: true, timeout: 5000 };
    const begun = performance.now();
    const result = outcome(await call(request, options));
    return { heard, result, took: performance.now() - begun };
  };
  const [thinks, waits] = await Promise.all([
    ask('stream_complete', 'claude-opus-4.5', '[[words=6]] [[reasoning=160]] [[pace=50]]'),
    ask('complete', 'deepseek-v3.2', '[[words=6]]'),
  ]);
  return { thinks, waits };
}

function outcome(result) {
  const texts = result.content.map((block) => block.text);
  return { isError: result.isError ?? false, text: texts.join('\n'), structured: result.structuredContent };
}
