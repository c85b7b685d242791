// The clients for JavaScript that sign in: each with `signIn`, which gives the tokens, and for the user who signed in
// last `refresh` and `signOut`.

import * as sdk3 from '@aws-sdk/client-cognito-identity-provider';
import CognitoIdentityServiceProvider from 'aws-sdk/clients/cognitoidentityserviceprovider.js';
import notice from 'aws-sdk/lib/maintenance_mode_message.js';

import * as identity from '../../clients/amazon_cognito_identity.mjs';
import * as amplify from '../../clients/amplify.mjs';
import { signIn } from './sdk_sign_in.mjs';

// AWS has ended the support of `aws-sdk` v2, and says so at each start. Users have it all the same.
notice.suppress = true;

export function clients(pool) {
  return {
    'amplify.mjs': byAmplify(pool),
    'amazon_cognito_identity.mjs': byIdentity(pool),
    'the AWS SDK for JavaScript v3': bySdk3(pool),
    'aws-sdk v2': bySdk2(pool),
  };
}

function byAmplify({ endpoint, userPoolId, clientId }) {
  amplify.configure({ userPoolId, userPoolClientId: clientId, userPoolEndpoint: endpoint });
  return {
    showsWrongPasscodes: true,
    settlesAccounts: true,
    async signIn(person) {
      await amplify.signOut();
      await amplify.signInWithSecondFactor(person.name, person.password, person);
      return amplify.getTokens();
    },
    refresh: () => amplify.getTokens({ forceRefresh: true }),
    signOut: () => amplify.signOut(),
  };
}

function byIdentity({ endpoint, userPoolId, clientId }) {
  const userPool = identity.userPool({ userPoolId, userPoolClientId: clientId, endpoint });
  const tokensOf = (session) => ({
    idToken: session.getIdToken().getJwtToken(),
    accessToken: session.getAccessToken().getJwtToken(),
  });
  let user;
  return {
    showsWrongPasscodes: true,
    settlesAccounts: true,
    async signIn(person) {
      user = await identity.signInWithSecondFactor(userPool, person.name, person.password, person);
      return tokensOf(user.getSignInUserSession());
    },
    refresh: async () => tokensOf(await identity.refresh(user)),
    signOut: () => identity.signOut(user),
  };
}

function bySdk3(pool) {
  const { endpoint, region, clientId: ClientId } = pool;
  const client = new sdk3.CognitoIdentityProviderClient({ endpoint, region, maxAttempts: 1 });
  const call = (operation, input) => client.send(new sdk3[`${operation}Command`](input));
  return byCalls(pool, call, (RefreshToken) => call('GetTokensFromRefreshToken', { ClientId, RefreshToken }));
}

function bySdk2(pool) {
  const { endpoint, region, clientId: ClientId } = pool;
  const client = new CognitoIdentityServiceProvider({ endpoint, region, maxRetries: 0 });
  const call = (operation, input) => client[operation[0].toLowerCase() + operation.slice(1)](input).promise();
  // It is older than GetTokensFromRefreshToken.
  const refresh = (REFRESH_TOKEN) =>
    call('InitiateAuth', { ClientId, AuthFlow: 'REFRESH_TOKEN_AUTH', AuthParameters: { REFRESH_TOKEN } });
  return byCalls(pool, call, refresh);
}

function byCalls(pool, call, refresh) {
  const tokensOf = ({ IdToken, AccessToken }) => ({ idToken: IdToken, accessToken: AccessToken });
  let refreshToken;
  return {
    async signIn(person) {
      const result = await signIn(call, pool, person);
      refreshToken = result.RefreshToken;
      return tokensOf(result);
    },
    refresh: async () => tokensOf((await refresh(refreshToken)).AuthenticationResult),
    signOut: () => call('RevokeToken', { ClientId: pool.clientId, Token: refreshToken }),
  };
}
