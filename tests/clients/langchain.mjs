/** LangChain: its chat model, and an agent with a tool. `node langchain.mjs TASK EFFORT|- MODEL...` */
import { AIMessage, HumanMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import { createAgent, tool } from 'langchain';
import { z } from 'zod';

import { GATEWAY, KEY, outcomes, report } from './report.mjs';

const [task, effort, ...models] = process.argv.slice(2);
const HELLO = 'Say hello to everybody';
const QUESTIONS = ['What is the weather? [[tool]]', 'And tomorrow? [[tool]]'];
const chat = (model, more = {}) =>
  new ChatOpenAI({
    model,
    apiKey: KEY,
    maxRetries: 0,
    configuration: { baseURL: `${GATEWAY}/v1` },
    ...more,
    // Its own field for the effort is for OpenAI's names alone.
    ...(effort === '-' ? {} : { modelKwargs: { reasoning_effort: effort } }),
  });

const TABLES = /^https:\/\/tiktoken\..*\/(\w+)\.json$/;
const { fetch } = globalThis;
globalThis.fetch = async (url, options) => {
  const [, name] = TABLES.exec(url) ?? [];
  return name ? Response.json((await import(`js-tiktoken/ranks/${name}`)).default) : fetch(url, options);
};

const weather = (called) =>
  tool(
    async ({ city }) => {
      called.push(city);
      return 'Sunny.';
    },
    { name: 'weather', description: 'The weather in a city.', schema: z.object({ city: z.string() }) },
  );

const TASKS = {
  async invoke(model) {
    const answer = await chat(model).invoke(HELLO);
    return { text: answer.text, finish: answer.response_metadata.finish_reason, usage: answer.usage_metadata };
  },

  async stream(model) {
    let whole;
    let pieces = 0;
    for await (const chunk of await chat(model).stream(HELLO)) {
      whole = whole ? whole.concat(chunk) : chunk;
      pieces += chunk.text ? 1 : 0;
    }
    return { text: whole.text, finish: whole.response_metadata.finish_reason, usage: whole.usage_metadata, pieces };
  },

  /** The loop that its documentation shows: the call is run by hand, and goes back as a `ToolMessage`. */
  async loop(model) {
    const called = [];
    const weatherTool = weather(called);
    const bound = chat(model).bindTools([weatherTool]);
    const messages = [];
    for (const question of QUESTIONS) {
      messages.push(new HumanMessage(question));
      for (let answer = await bound.invoke(messages); ; answer = await bound.invoke(messages)) {
        messages.push(answer);
        if (!answer.tool_calls.length) break;
        for (const call of answer.tool_calls) messages.push(await weatherTool.invoke(call));
      }
    }
    return conversation(called, messages);
  },

  agent: (model) => converse(chat(model)),

  /** With `streaming` it counts tokens by itself; the tables that it takes from the web are given to it here. */
  async streamingAgent(model) {
    console.warn = () => {};
    return converse(chat(model, { streaming: true }));
  },

  /** The same agent, whose model's words are read as they come. */
  async streamedAgent(model) {
    const called = [];
    const agent = createAgent({ model: chat(model), tools: [weather(called)] });
    let text = '';
    const asked = { messages: [new HumanMessage(QUESTIONS[0])] };
    for await (const [chunk] of await agent.stream(asked, { streamMode: 'messages' })) {
      text += AIMessage.isInstance(chunk) ? chunk.text : '';
    }
    return { called, text };
  },

  async structured(model) {
    const schema = z.object({ answer: z.string() });
    const by = (method) => chat(model).withStructuredOutput(schema, { method, name: 'answer' }).invoke(HELLO);
    return { schema: await by('jsonSchema'), calling: await by('functionCalling') };
  },

  /** JSON mode says nothing of a schema. */
  async json(model) {
    return chat(model).withStructuredOutput(z.object({}).loose(), { method: 'jsonMode' }).invoke('Give me JSON.');
  },

  async pdf(model) {
    const source = { source_type: 'base64', mime_type: 'application/pdf', data: process.env.PDF };
    const file = { type: 'file', ...source, metadata: { filename: 'paper.pdf' } };
    const content = [{ type: 'text', text: 'What does it say?' }, file];
    return (await chat(model).invoke([new HumanMessage({ content })])).text;
  },
};

async function converse(model) {
  const called = [];
  const agent = createAgent({ model, tools: [weather(called)], systemPrompt: 'Be brief.' });
  let messages = [];
  for (const question of QUESTIONS) {
    ({ messages } = await agent.invoke({ messages: [...messages, new HumanMessage(question)] }));
  }
  return conversation(called, messages);
}

function conversation(called, messages) {
  return { called, kinds: messages.map((message) => message.type), text: messages.at(-1).text };
}

await report(outcomes(models, TASKS[task]));
