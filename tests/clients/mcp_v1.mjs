/** The SDK's first generation, which knows handshakes only. `node mcp_v1.mjs session|stream|patient` */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

import { patient, session, streamed } from './mcp_session.mjs';
import { GATEWAY, KEY, report } from './report.mjs';

async function run(what) {
  const client = new Client({ name: 'node-v1', version: '1' });
  const requestInit = { headers: { authorization: `Bearer ${KEY}` } };
  const transport = new StreamableHTTPClientTransport(new URL(`${GATEWAY}/mcp`), { requestInit });
  await client.connect(transport);
  const steps = {
    session: () => session(client, transport.protocolVersion),
    patient: () => patient((request, options) => client.callTool(request, undefined, options)),
    stream: () => streamed((request, options) => client.callTool(request, undefined, options)),
  };
  const told = await steps[what]();
  await client.close();
  return told;
}

await report(run(process.argv[2]));
