// oidc-provider, the certified OpenID Connect server of Node.js, with introspection as its
// documentation has it: opaque tokens in its own memory, a client with id and secret.
// usage: node oidc_provider.mjs PORT
import Provider from 'oidc-provider';

const port = Number(process.argv[2]);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'bench',
    client_secret: 'a-secret-of-the-bench',
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: 'client_secret_basic',
  }],
  scopes: ['read'],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
  },
});
provider.listen(port, '127.0.0.1', () => console.log('ready'));
