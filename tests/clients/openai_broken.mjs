/** Streams one model in both of the SDK's ways, where the stream is going to break: what came, and the error. */
import { client } from './openai_client.mjs';
import { report, told } from './report.mjs';

const request = {
  model: process.argv[2],
  stream: true,
  stream_options: { include_usage: true },
  messages: [{ role: 'user', content: '[[words=20]] [[reasoning=0]]' }],
};

async function iterated() {
  const seen = { text: '', finish: [], ended: false };
  try {
    for await (const chunk of await client.chat.completions.create(request)) {
      seen.text += chunk.choices[0]?.delta.content ?? '';
      if (chunk.choices[0]?.finish_reason) seen.finish.push(chunk.choices[0].finish_reason);
    }
    seen.ended = true;
  } catch (error) {
    seen.error = told(error);
  }
  return seen;
}

async function accumulated() {
  try {
    const completion = await client.chat.completions.stream(request).finalChatCompletion();
    return { ended: true, completion };
  } catch (error) {
    return { ended: false, error: told(error) };
  }
}

await report(Promise.all([iterated(), accumulated()]).then(([first, second]) => ({ iterated: first, accumulated: second })));
