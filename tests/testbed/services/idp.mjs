// The OpenID Connect provider: oidc-provider, with what Rucio needs and without prompts. A request with the cookie
// "testbed_user" (or a login_hint) logs in as that user, any other as jdoe; consent is given at once. Only the user "refuse"
// gives none.
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const { D, P_OIDC, P_RUCIO, P_SECOND, TESTBED_TOKEN_TTL } = process.env;
const packages = createRequire(`${D}/node/package.json`);
const { default: Provider } = await import(pathToFileURL(packages.resolve('oidc-provider')));

const SCOPES = ['openid', 'profile', 'email', 'offline_access'];
const CLAIMS = { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email'] };
const RESOURCE = 'urn:testbed:rucio';
const DAY = 86400;
// Of the client rucio-short: tokens that a test can wait for to end
const SHORT_LIFE = 14;
const tokenLife = Number(TESTBED_TOKEN_TTL || 3600);

// The servers remember the key for as long as they run: one that is started again signs as before
const keyFile = `${D}/etc/idp-key.pem`;
if (!existsSync(keyFile)) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
}
const signingKey = { ...createPrivateKey(readFileSync(keyFile)).export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'testbed' };

const servers = [P_RUCIO, P_SECOND].map((port) => `https://localhost:${port}/auth`);
const program = {
  application_type: 'native',
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  response_types: ['code'],
  redirect_uris: ['http://127.0.0.1/'],
};
const clients = [
  {
    client_id: 'rucio',
    client_secret: 'rucio-secret',
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'],
    redirect_uris: servers.flatMap((auth) => [`${auth}/oidc_code`, `${auth}/oidc_token`]),
  },
  // with which the server looks after its identities
  {
    client_id: 'rucio-admin',
    client_secret: 'rucio-admin-secret',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  },
  // programs that log in here themselves, without Rucio's server: device flow, and a browser that comes back to a
  // port of the loopback interface
  ...['rucio-cli', 'rucio-short'].map((client_id) => ({ client_id, token_endpoint_auth_method: 'none', ...program })),
  { client_id: 'rucio-secretive', client_secret: 'testbed-secret', ...program },
];

// Rucio reads audience and scope out of the access token: it has to be a JWT, for the audience "rucio"
const accessToken = {
  scope: SCOPES.join(' '),
  audience: 'rucio',
  accessTokenFormat: 'jwt',
  accessTokenTTL: tokenLife,
  jwt: { sign: { alg: 'RS256' } },
};

const provider = new Provider(`https://localhost:${P_OIDC}`, {
  jwks: { keys: [signingKey] },
  cookies: { keys: ['testbed'] },
  clients,
  scopes: SCOPES,
  claims: CLAIMS,
  extraParams: ['audience'],
  pkce: { required: () => false },
  conformIdTokenClaims: false,
  rotateRefreshToken: true,
  ttl: {
    AccessToken: (_, __, client) => (client.clientId === 'rucio-short' ? SHORT_LIFE : tokenLife),
    ClientCredentials: tokenLife, IdToken: tokenLife, AuthorizationCode: 60, DeviceCode: 300, Interaction: 600,
    Session: DAY, RefreshToken: 14 * DAY, Grant: 14 * DAY,
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      useGrantedResource: () => true,
      getResourceServerInfo: () => accessToken,
    },
  },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: id, preferred_username: id, email: `${id}@testbed.local` }),
  }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
});

// offline_access (refresh tokens) is granted only with prompt=consent, which Rucio leaves out
provider.use((ctx, next) => {
  if (ctx.path === '/auth' && !ctx.query.prompt && `${ctx.query.scope}`.includes('offline_access')) {
    ctx.query = { ...ctx.query, prompt: 'consent' };
  }
  return next();
});

async function consent({ session, params, grantId }) {
  const grant = (grantId && await provider.Grant.find(grantId))
    || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(SCOPES.join(' '));
  grant.addOIDCClaims(Object.values(CLAIMS).flat());
  grant.addResourceScope(RESOURCE, SCOPES.join(' '));
  return { consent: { grantId: await grant.save() } };
}

// Where a real provider would show its pages
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next();
  const interaction = await provider.interactionDetails(ctx.req, ctx.res);
  const user = ctx.cookies.get('testbed_user') || interaction.params.login_hint || 'jdoe';
  let result;
  if (user === 'refuse') result = { error: 'access_denied', error_description: 'the user said no' };
  else if (interaction.prompt.name === 'login') result = { login: { accountId: user } };
  else result = await consent(interaction);
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
  ctx.respond = false;
});

for (const event of ['server_error', 'authorization.error', 'grant.error']) {
  provider.on(event, (_, error) => console.error(event, error));
}
const tls = { key: readFileSync(`${D}/certs/host.key.pem`), cert: readFileSync(`${D}/certs/host.pem`) };
https.createServer(tls, provider.callback()).listen(Number(P_OIDC), '127.0.0.1');
