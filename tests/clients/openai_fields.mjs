/** What people send beside text and tools, and answers that go back as they came. `node openai_fields.mjs TASK MODEL...` */
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';

import { client, WEATHER } from './openai_client.mjs';
import { outcomes, report } from './report.mjs';

const [task, ...models] = process.argv.slice(2);
const HELLO = [{ role: 'user', content: 'Say hello to everybody' }];
const QUESTIONS = ['Is it warm? [[tool]]', 'And tomorrow? [[tool]]', 'And then? [[tool]]'];
const ANSWER = zodResponseFormat(z.object({ answer: z.string() }), 'answer');

/** Three questions, each of which takes the tool; `ask` resolves to a completion. */
async function talk(model, ask) {
  const messages = [];
  const texts = [];
  for (const content of QUESTIONS) {
    messages.push({ role: 'user', content });
    for (let step = 0; step < 2; step += 1) {
      const completion = await ask({ model, messages, tools: [WEATHER], reasoning_effort: 'medium' });
      const { message } = completion.choices[0];
      messages.push(message);
      for (const call of message.tool_calls ?? []) {
        messages.push({ role: 'tool', tool_call_id: call.id, content: 'Sunny.' });
      }
    }
    texts.push(messages.at(-1).content);
  }
  return texts;
}

const TASKS = {
  loop: (model) => talk(model, (request) => client.chat.completions.create(request)),

  streamedLoop: (model) => talk(model, (request) => client.chat.completions.stream(request).finalChatCompletion()),

  async logprobs(model) {
    const answer = await client.chat.completions.create({ model, messages: HELLO, logprobs: true, top_logprobs: 2 });
    return answer.choices[0].logprobs.content.map((each) => each.token).join('');
  },

  async choices(model) {
    const whole = await client.chat.completions.create({ model, messages: HELLO, n: 2 });
    const streamed = await client.chat.completions.stream({ model, messages: HELLO, n: 2 }).finalChatCompletion();
    return [whole, streamed].map((answer) => answer.choices.map((choice) => choice.message.content));
  },

  async refusal(model) {
    const request = { model, messages: [{ role: 'user', content: '[[refusal]]' }], response_format: ANSWER };
    const whole = await client.chat.completions.parse(request);
    const streamed = await client.chat.completions.stream(request).finalChatCompletion();
    return [whole, streamed].map(({ choices: [{ message }] }) => [message.refusal, message.parsed ?? null]);
  },

  async pdf(model) {
    const file = { filename: 'paper.pdf', file_data: `data:application/pdf;base64,${process.env.PDF}` };
    const content = [{ type: 'text', text: 'What does it say?' }, { type: 'file', file }];
    const answer = await client.chat.completions.create({ model, messages: [{ role: 'user', content }] });
    return answer.choices[0].message.content;
  },
};

await report(outcomes(models, TASKS[task]));
