/** The official SDK with nothing but base URL and key; it does not retry, so that a test sees each answer. */
import OpenAI from 'openai';

import { GATEWAY, KEY } from './report.mjs';

export const client = new OpenAI({ baseURL: `${GATEWAY}/v1`, apiKey: KEY, maxRetries: 0 });

export const WEATHER = {
  type: 'function',
  function: {
    name: 'weather',
    description: 'The weather in a city.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};
