/** The SDK's other routes: vectors of two texts, all models, one model. */
import { client } from './openai_client.mjs';
import { report } from './report.mjs';

async function ask() {
  const vectors = await client.embeddings.create({ model: 'embedding', input: ['hello', 'goodbye'], dimensions: 8 });
  const models = [];
  for await (const model of client.models.list()) models.push(model.id);
  const one = await client.models.retrieve('gpt-5.1');
  return { sizes: vectors.data.map((entry) => entry.embedding.length), usage: vectors.usage, models, owner: one.owned_by };
}

await report(ask());
