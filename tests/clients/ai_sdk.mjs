/** Vercel's AI SDK, by its provider for compatible servers. `node ai_sdk.mjs TASK EFFORT|- MODEL...` */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateObject, generateText, isStepCount, Output, streamObject, streamText, tool } from 'ai';
import { z } from 'zod';

import { GATEWAY, KEY, outcomes, report } from './report.mjs';

globalThis.AI_SDK_LOG_WARNINGS = false;
const [task, effort, ...models] = process.argv.slice(2);
const HELLO = 'Say hello to everybody';
const ANSWER = z.object({ answer: z.string() });
const connect = (options) =>
  createOpenAICompatible({ name: 'gateway', baseURL: `${GATEWAY}/v1`, apiKey: KEY, includeUsage: true, ...options });
// As it comes it knows JSON mode alone.
const plain = connect({});
const capable = connect({ supportsStructuredOutputs: true });
const common = {
  maxRetries: 0,
  ...(effort === '-' ? {} : { providerOptions: { gateway: { reasoningEffort: effort } } }),
};

const weather = (called) =>
  tool({
    description: 'The weather in a city.',
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      called.push(city);
      return 'Sunny.';
    },
  });

/** Two questions in one conversation, each of which takes the tool; `ask` resolves to text and new messages. */
async function talk(ask) {
  const called = [];
  const messages = [];
  let text = '';
  for (const content of ['What is the weather? [[tool]]', 'And tomorrow? [[tool]]']) {
    messages.push({ role: 'user', content });
    const told = await ask({ ...common, messages, tools: { weather: weather(called) }, stopWhen: isStepCount(3) });
    text = told.text;
    messages.push(...told.messages);
  }
  return { called, roles: messages.map((message) => message.role), text };
}

/** The last that a growing object was, and what it is in the end. Only reading makes it grow. */
async function grown(request) {
  const answer = streamObject({ ...request, onError: () => {} });
  const whole = answer.object;
  whole.catch(() => {});
  let last;
  for await (const partial of answer.partialObjectStream) last = partial;
  return [last, await whole];
}

const TASKS = {
  async text(model) {
    const { text, finishReason, usage } = await generateText({ ...common, model: plain(model), prompt: HELLO });
    return { text, finish: finishReason, input: usage.inputTokens, output: usage.outputTokens };
  },

  async stream(model) {
    const answer = streamText({ ...common, model: plain(model), prompt: HELLO });
    const pieces = [];
    for await (const piece of answer.textStream) pieces.push(piece);
    const usage = await answer.usage;
    const finish = await answer.finishReason;
    return { text: pieces.join(''), pieces: pieces.length, finish, input: usage.inputTokens, output: usage.outputTokens };
  },

  async tools(model) {
    return talk(async (request) => {
      const told = await generateText({ ...request, model: plain(model) });
      return { text: told.text, messages: told.responseMessages };
    });
  },

  async streamedTools(model) {
    return talk(async (request) => {
      const told = streamText({ ...request, model: plain(model), onError: () => {} });
      return { text: await told.text, messages: await told.responseMessages };
    });
  },

  async object(model) {
    const request = { ...common, model: capable(model), prompt: HELLO };
    const { object } = await generateObject({ ...request, schema: ANSWER });
    const { output } = await generateText({ ...request, output: Output.object({ schema: ANSWER }) });
    return [object, output];
  },

  async streamedObject(model) {
    return grown({ ...common, model: capable(model), schema: ANSWER, prompt: HELLO });
  },

  /** As the provider comes, any object is asked for, and the schema is in words. */
  async json(model) {
    const request = { ...common, model: plain(model), schema: z.object({}).loose(), prompt: 'Give me JSON.' };
    const { object } = await generateObject(request);
    return [object, ...(await grown(request))];
  },

  async pdf(model) {
    const file = { type: 'file', mediaType: 'application/pdf', data: process.env.PDF, filename: 'paper.pdf' };
    const content = [{ type: 'text', text: 'What does it say?' }, file];
    return (await generateText({ ...common, model: plain(model), messages: [{ role: 'user', content }] })).text;
  },
};

await report(outcomes(models, TASKS[task]));
