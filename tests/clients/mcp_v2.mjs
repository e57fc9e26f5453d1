/** The SDK's second generation. `node mcp_v2.mjs session|stream [auto]`: with `auto` it negotiates the era. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

import { session, streamed } from './mcp_session.mjs';
import { GATEWAY, KEY, report } from './report.mjs';

async function run(what, mode) {
  const client = new Client({ name: 'node-v2', version: '1' }, mode ? { versionNegotiation: { mode } } : {});
  const requestInit = { headers: { 'x-api-key': KEY } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${GATEWAY}/mcp`), { requestInit }));
  const steps = {
    session: () => session(client, client.getNegotiatedProtocolVersion()),
    stream: () => streamed((request, options) => client.callTool(request, options)),
  };
  const told = await steps[what]();
  await client.close();
  return told;
}

await report(run(...process.argv.slice(2)));
