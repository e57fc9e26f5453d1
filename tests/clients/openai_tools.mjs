/** Lets each model that is named call a tool in a stream, gives it the tool's result, and streams its answer. */
import { client, WEATHER } from './openai_client.mjs';
import { forEach, report } from './report.mjs';

async function converse(model) {
  const asked = [];
  const weather = {
    ...WEATHER.function,
    parse: JSON.parse,
    function: (given) => {
      asked.push(given);
      return 'Sunny.';
    },
  };
  const runner = client.chat.completions.runTools({
    model,
    stream: true,
    messages: [{ role: 'user', content: 'What is the weather? [[tool]]' }],
    tools: [{ type: 'function', function: weather }],
  });
  const text = await runner.finalContent();
  const finish = runner.allChatCompletions().map((completion) => completion.choices[0].finish_reason);
  return { asked, text, finish, roles: runner.messages.map((message) => message.role) };
}

await report(forEach(process.argv.slice(2), converse));
