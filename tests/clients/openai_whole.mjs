/** Asks each model that is named for a whole answer. */
import { client } from './openai_client.mjs';
import { forEach, report } from './report.mjs';

async function ask(model) {
  const answer = await client.chat.completions.create({
    model,
    messages: [{ role: 'user', content: 'Say hello to everybody' }],
  });
  const [choice] = answer.choices;
  return { text: choice.message.content, finish: choice.finish_reason, usage: answer.usage, model: answer.model };
}

await report(forEach(process.argv.slice(2), ask));
