/**
 * Clients of MCP that list the tools and call one, at once. `node mcp_access.mjs v1|v2|v2-auto`
 *
 * GATEWAY_SHOWN has the bearer token of each, by a name.
 */
import { Client as V2, StreamableHTTPClientTransport as V2Transport } from '@modelcontextprotocol/client';
import { Client as V1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

import { GATEWAY, outcomes, report } from './report.mjs';

const GENERATIONS = {
  v1: [V1, V1Transport, {}],
  v2: [V2, V2Transport, {}],
  'v2-auto': [V2, V2Transport, { versionNegotiation: { mode: 'auto' } }],
};

async function session([Client, Transport, options], shown) {
  const client = new Client({ name: 'access', version: '1' }, options);
  const requestInit = { headers: { authorization: `Bearer ${shown}` } };
  try {
    await client.connect(new Transport(new URL(`${GATEWAY}/mcp`), { requestInit }));
    const { tools } = await client.listTools();
    const counted = await client.callTool({ name: 'count_tokens', arguments: { text: 'hi', model: 'gpt-5.1' } });
    return { tools: tools.map((tool) => tool.name), counted: counted.structuredContent };
  } finally {
    await client.close();
  }
}

const generation = GENERATIONS[process.argv[2]];
const shown = JSON.parse(process.env.GATEWAY_SHOWN);
await report(outcomes(Object.keys(shown), (name) => session(generation, shown[name])));
