/** Both generations of the SDK where tokens are taken. `node mcp_oauth.mjs v1|v2 header|signin`: with the header that
    GATEWAY_KEY is for, or with a provider that signs its user in, and agrees to everything. */
import { GATEWAY, KEY, report } from './report.mjs';

const SDKS = {
  v1: async () => ({
    ...(await import('@modelcontextprotocol/sdk/client/index.js')),
    ...(await import('@modelcontextprotocol/sdk/client/streamableHttp.js')),
  }),
  v2: () => import('@modelcontextprotocol/client'),
};

/** Keeps what the SDK wants kept; its browser follows one redirect, and has the code then. */
class Provider {
  kept = {};
  visited = '';
  redirectUrl = 'http://localhost:1/callback';
  clientMetadata = {
    client_name: 'a test',
    redirect_uris: [this.redirectUrl],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  state() { return 'a-state'; }
  clientInformation() { return this.kept.client; }
  saveClientInformation(client) { this.kept.client = client; }
  tokens() { return this.kept.tokens; }
  saveTokens(tokens) { this.kept.tokens = tokens; }
  codeVerifier() { return this.kept.verifier; }
  saveCodeVerifier(verifier) { this.kept.verifier = verifier; }
  discoveryState() { return this.kept.discovered; }
  saveDiscoveryState(discovered) { this.kept.discovered = discovered; }
  async redirectToAuthorization(url) {
    this.visited = url.href;
    const answer = await fetch(url, { redirect: 'manual' });
    this.back = new URL(answer.headers.get('location')).searchParams;
  }
}

async function asked(sdk, options) {
  const client = new sdk.Client({ name: 'node', version: '1' });
  const transport = new sdk.StreamableHTTPClientTransport(new URL(`${GATEWAY}/mcp`), options);
  try {
    await client.connect(transport);
    const messages = [{ role: 'user', content: 'hello there' }];
    const result = await client.callTool({ name: 'complete', arguments: { messages } });
    return { text: result.content[0].text };
  } catch (error) {
    if (!options.authProvider?.back || options.authProvider.kept.tokens) throw error;
    await transport.finishAuth(sdk.auth ? options.authProvider.back : options.authProvider.back.get('code'));
    return { ...(await asked(sdk, options)), visited: options.authProvider.visited };
  } finally {
    await client.close();
  }
}

async function run(generation, how) {
  const sdk = await SDKS[generation]();
  if (how === 'signin') return asked(sdk, { authProvider: new Provider() });
  return asked(sdk, { requestInit: { headers: { authorization: `Bearer ${KEY}` } } });
}

await report(run(...process.argv.slice(2)));
