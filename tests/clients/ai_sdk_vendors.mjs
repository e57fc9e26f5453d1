/** Vercel's AI SDK by the vendors' own providers, as they come. `node ai_sdk_vendors.mjs TASK EFFORT|- MODEL...` */
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { generateObject, generateText, isStepCount, streamText, tool } from 'ai';
import { z } from 'zod';

import { GATEWAY, KEY, outcomes, report } from './report.mjs';

globalThis.AI_SDK_LOG_WARNINGS = false;
const [task, effort, ...models] = process.argv.slice(2);
const settings = { baseURL: `${GATEWAY}/v1`, apiKey: KEY };
const WIRES = { openai: createOpenAI(settings), anthropic: createAnthropic(settings) };
const HELLO = 'Say hello to everybody';
const thinks = effort !== '-';
const common = {
  maxRetries: 0,
  providerOptions: {
    openai: { store: false, ...(thinks ? { reasoningEffort: effort, reasoningSummary: 'auto' } : {}) },
    anthropic: thinks ? { thinking: { type: 'enabled', budgetTokens: 1024 } } : {},
  },
};

/** "anthropic gpt-5.1" is GPT by Messages. */
function chosen(name) {
  const [wire, model] = name.split(' ');
  return WIRES[wire](model);
}

const TASKS = {
  async text(name) {
    const { text, finishReason, usage } = await generateText({ ...common, model: chosen(name), prompt: HELLO });
    return { text, finish: finishReason, input: usage.inputTokens, output: usage.outputTokens };
  },

  async stream(name) {
    const answer = streamText({ ...common, model: chosen(name), prompt: HELLO, onError: () => {} });
    const pieces = [];
    for await (const piece of answer.textStream) pieces.push(piece);
    const usage = await answer.usage;
    const finish = await answer.finishReason;
    return { text: pieces.join(''), finish, input: usage.inputTokens, output: usage.outputTokens };
  },

  /** Two questions in one conversation, each of which takes the tool, streamed. */
  async tools(name) {
    const called = [];
    const weather = tool({
      description: 'The weather in a city.',
      inputSchema: z.object({ city: z.string() }),
      execute: async ({ city }) => {
        called.push(city);
        return 'Sunny.';
      },
    });
    const messages = [];
    let text = '';
    for (const content of ['What is the weather? [[tool]]', 'And tomorrow? [[tool]]']) {
      messages.push({ role: 'user', content });
      const request = { ...common, model: chosen(name), messages, tools: { weather }, stopWhen: isStepCount(3) };
      const answer = streamText({ ...request, onError: () => {} });
      text = await answer.text;
      messages.push(...(await answer.responseMessages));
    }
    return { called, text };
  },

  async object(name) {
    const schema = z.object({ answer: z.string() });
    return (await generateObject({ ...common, model: chosen(name), schema, prompt: HELLO })).object;
  },
};

await report(outcomes(models, TASKS[task]));
