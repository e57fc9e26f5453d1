/** Streams from each model that is named: text, how many chunks had some, finish reasons, usage. */
import { client } from './openai_client.mjs';
import { forEach, report } from './report.mjs';

async function stream(model) {
  const chunks = await client.chat.completions.create({
    model,
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: 'user', content: 'Say hello to everybody' }],
  });
  const seen = { text: '', pieces: 0, finish: [], usage: [] };
  for await (const chunk of chunks) {
    const [choice] = chunk.choices;
    seen.text += choice?.delta.content ?? '';
    seen.pieces += choice?.delta.content ? 1 : 0;
    if (choice?.finish_reason) seen.finish.push(choice.finish_reason);
    if (chunk.usage) seen.usage.push(chunk.usage);
  }
  return seen;
}

await report(forEach(process.argv.slice(2), stream));
