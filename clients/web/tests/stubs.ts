// What the local pool does not do yet: the offer of a second factor, and its removal. Each is one function, so that a
// pool that does it takes its place.

import type { Page } from '@playwright/test';

import { stub } from './bed.ts';

const challenge = (parameters: object, Session: string) => ({
  status: 200,
  json: { ChallengeName: 'CUSTOM_CHALLENGE', ChallengeParameters: parameters, Session },
});

async function isOptional(page: Page) {
  await page.route('**/config.json', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), optional: true } });
  });
}

/** Before the set-up comes the offer; SKIP is answered with tokens that nobody signed. */
export async function offersSecondFactor(page: Page) {
  await isOptional(page);
  let held: { status: number; json: any } | null = null;
  await stub(page, 'RespondToAuthChallenge', async ({ ChallengeResponses }, passOn) => {
    if (held && ChallengeResponses.ANSWER === 'SKIP') {
      held = null;
      return { status: 200, json: { AuthenticationResult: tokens({ second_factor_enrolled: 'false', email: 'ana@example.com' }), ChallengeParameters: {} } };
    }
    if (held) {
      const before = held;
      held = null;
      return before;
    }
    const response = await passOn();
    if (response.json.ChallengeParameters?.challenge !== 'TOTP_SETUP') return response;
    held = response;
    return challenge({ challenge: 'SECOND_FACTOR_OFFER', attemptsLeft: '3' }, response.json.Session);
  });
}

/** After the second factor comes the confirmation; any answer to it is right, and the tokens are those held back. */
export async function removesAuthenticator(page: Page) {
  await isOptional(page);
  let held: { status: number; json: any } | null = null;
  await stub(page, 'RespondToAuthChallenge', async (request, passOn) => {
    if (held) {
      const before = held;
      held = null;
      return before;
    }
    const { ClientMetadata = {} } = request;
    const removes = ClientMetadata.afterSecondFactor === 'REMOVE_AUTHENTICATOR';
    const response = await passOn({ ...request, ClientMetadata: {} });
    if (!removes || !response.json.AuthenticationResult) return response;
    held = response;
    const asked = { challenge: 'REMOVE_AUTHENTICATOR', attemptsLeft: '3', accepts: 'PASSCODE RECOVERY_CODE', retryAfterSeconds: '0', passcodeDigits: '6' };
    return challenge(asked, 'a-session-of-the-stub-that-is-long-enough');
  });
}

function tokens(claims: object) {
  const now = Math.floor(Date.now() / 1000);
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = (more: object) =>
    [encoded({ alg: 'none' }), encoded({ sub: '1', auth_time: now, iat: now, exp: now + 3600, ...more }), 'unsigned'].join('.');
  return { IdToken: token(claims), AccessToken: token({ username: '1' }), RefreshToken: 'refresh', ExpiresIn: 3600, TokenType: 'Bearer' };
}
