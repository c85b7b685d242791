// The calls to Cognito, by AWS Amplify v6; the only file that imports it. Each call ends with an event for `reduce`.

import { Amplify } from 'aws-amplify';
import * as auth from 'aws-amplify/auth';
import { cognitoUserPoolsTokenProvider } from 'aws-amplify/auth/cognito';
import { ConsoleLogger } from 'aws-amplify/utils';

import { failure, type Place } from './errors.ts';
import type { Asked, Claims, Event, Notice, Wish } from './flow.ts';

export interface PoolConfig {
  userPoolId: string;
  userPoolClientId: string;
  /** Where the local pool listens, also relative to the page; without it Amplify calls Cognito. */
  userPoolEndpoint?: string;
}

type WithoutAttempt<E> = E extends { attempt: number } ? Omit<E, 'attempt'> : never;
/** An event of a call; who made the call adds the `attempt`. */
export type Outcome = WithoutAttempt<Event>;

/** What goes with an answer. */
export interface Chosen {
  wish: Wish | null;
  deviceName?: string;
  giveUp?: boolean;
}

/** An answer of this sign-in got no response: it may have counted. */
let answerLost = false;
let clientMetadata: Record<string, string> = {};

export function configure({ userPoolId, userPoolClientId, userPoolEndpoint }: PoolConfig) {
  // It would warn of the endpoint at each step.
  ConsoleLogger.LOG_LEVEL = 'ERROR';
  const endpoint = userPoolEndpoint && new URL(userPoolEndpoint, location.href).origin;
  const pool = { userPoolId, userPoolClientId, ...(endpoint && { userPoolEndpoint: endpoint }) };
  Amplify.configure({ Auth: { Cognito: pool } });
  // Tokens end with the tab: a reload stays signed in, a new tab does not.
  cognitoUserPoolsTokenProvider.setKeyValueStorage({
    setItem: async (key, value) => sessionStorage.setItem(key, value),
    getItem: async (key) => sessionStorage.getItem(key),
    removeItem: async (key) => sessionStorage.removeItem(key),
    clear: async () => sessionStorage.clear(),
  });
}

/** Who is signed in already, if anybody: Amplify lets nobody sign in before a sign-out. */
export async function signedIn(): Promise<Outcome | null> {
  try {
    const { tokens } = await auth.fetchAuthSession();
    return tokens?.idToken ? passed(tokens.idToken.payload) : null;
  } catch {
    await auth.signOut();
    return null;
  }
}

export function signIn(username: string, password: string, wish: Wish | null): Promise<Outcome> {
  answerLost = false;
  clientMetadata = {};
  return outcome('signIn', async () => {
    // With the tokens of another sign-in, Amplify refuses this one: they are there when a signed-in user asks for a change,
    // or when a sign-in was left while its last answer was on the way.
    await auth.signOut();
    const { nextStep } = await auth.signIn({ username, password, options: { authFlowType: 'CUSTOM_WITH_SRP' } });
    const offered = nextStep.signInStep === 'CONFIRM_SIGN_IN_WITH_CUSTOM_CHALLENGE' && challenge(nextStep) === 'SECOND_FACTOR_OFFER';
    // Whoever asked for the second step is not asked again.
    return offered && wish === 'SET_UP' ? next(await auth.confirmSignIn({ challengeResponse: 'SET_UP' })) : next({ nextStep });
  });
}

/** An answer to a challenge of the triggers. `attemptsLeft` is what the challenge said. */
export function answer(text: string, attemptsLeft: number, { wish, deviceName, giveUp }: Chosen): Promise<Outcome> {
  // Cognito remembers no clientMetadata: it goes with every answer.
  if (giveUp) clientMetadata['afterSecondFactor'] = 'NOTHING';
  else if (wish && wish !== 'SET_UP') clientMetadata['afterSecondFactor'] = wish;
  else delete clientMetadata['afterSecondFactor'];
  if (deviceName) clientMetadata['friendlyDeviceName'] = deviceName;
  return outcome({ attemptsLeft, answerLost }, async () => {
    const event = await next(await auth.confirmSignIn({ challengeResponse: text, options: { clientMetadata } }));
    return event.type === 'passed' && giveUp ? { ...event, notice: 'unchanged' } : event;
  });
}

export function setNewPassword(password: string): Promise<Outcome> {
  return outcome('newPassword', async () => next(await auth.confirmSignIn({ challengeResponse: password })));
}

export function signUp(username: string, password: string): Promise<Outcome> {
  return outcome('signUp', async () => {
    const options = { userAttributes: { email: username } };
    const { nextStep } = await auth.signUp({ username, password, options });
    return nextStep.signUpStep === 'CONFIRM_SIGN_UP' ? sent('confirmSignUp') : sent('signIn', 'confirmed');
  });
}

export function confirmSignUp(username: string, confirmationCode: string): Promise<Outcome> {
  return outcome('confirmSignUp', async () => {
    await auth.confirmSignUp({ username, confirmationCode });
    return sent('signIn', 'confirmed');
  });
}

export function sendSignUpCodeAgain(username: string): Promise<Outcome> {
  return outcome('resendCode', async () => {
    await auth.resendSignUpCode({ username });
    return sent('confirmSignUp', 'sentAgain');
  });
}

export function sendPasswordCode(username: string, notice: Notice | null = null): Promise<Outcome> {
  return outcome('forgot', async () => {
    await auth.resetPassword({ username });
    return sent('resetPassword', notice);
  });
}

export function resetPassword(username: string, confirmationCode: string, newPassword: string): Promise<Outcome> {
  return outcome('resetPassword', async () => {
    await auth.confirmResetPassword({ username, confirmationCode, newPassword });
    return sent('signIn', 'passwordSet');
  });
}

export function renew(): Promise<Outcome> {
  return outcome('signedIn', async () => {
    const { tokens } = await auth.fetchAuthSession({ forceRefresh: true });
    // Amplify throws away what was revoked.
    if (!tokens?.idToken) return { type: 'failed', problem: { kind: 'signedOut' }, stays: false };
    return { ...passed(tokens.idToken.payload), notice: 'renewed' };
  });
}

export function signOut(): Promise<Outcome> {
  return outcome('signedIn', async () => {
    await auth.signOut();
    return { type: 'signedOut' };
  });
}

async function outcome(place: Place, call: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await call();
  } catch (error) {
    const failed = failure(error, place);
    answerLost ||= failed.problem.kind === 'offline';
    return failed;
  } finally {
    forgetHalfSignIn();
  }
}

async function next({ nextStep }: { nextStep: auth.SignInOutput['nextStep'] }): Promise<Outcome> {
  switch (nextStep.signInStep) {
    case 'DONE': {
      const { tokens } = await auth.fetchAuthSession();
      return passed(tokens!.idToken!.payload);
    }
    case 'CONFIRM_SIGN_IN_WITH_CUSTOM_CHALLENGE':
      return asked(custom(nextStep.additionalInfo ?? {}));
    case 'CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED':
      return asked({ step: 'NEW_PASSWORD' });
    case 'CONFIRM_SIGN_UP':
    case 'RESET_PASSWORD':
      return asked({ step: nextStep.signInStep });
    default:
      return asked({ step: 'UNKNOWN' });
  }
}

function challenge({ additionalInfo }: { additionalInfo?: Record<string, string> }): string | undefined {
  return additionalInfo?.['challenge'];
}

/** The parameters as the reducer takes them. One that is missing makes the challenge an unknown one. */
function custom(parameters: Record<string, string>): Asked {
  const text = (name: string) => parameters[name] ?? '';
  const words = (name: string) => text(name).split(' ').filter(Boolean);
  const attemptsLeft = Number(parameters['attemptsLeft']);
  const earlierCodesLeft = text('earlierCodesLeft');
  const retryAfterSeconds = Number(parameters['retryAfterSeconds']);
  const digits = words('passcodeDigits').map(Number);
  const accepts = words('accepts');
  const stopped = !accepts.includes('PASSCODE');
  const asksPasscode = digits.length > 0 && accepts.length > 0 && retryAfterSeconds >= 0;
  if (!(attemptsLeft > 0)) return { step: 'UNKNOWN' };
  switch (parameters['challenge']) {
    case 'SECOND_FACTOR':
      if (!asksPasscode) return { step: 'UNKNOWN' };
      return { step: 'SECOND_FACTOR', attemptsLeft, digits, deviceName: text('friendlyDeviceName'), retryAfterSeconds, stopped };
    case 'REMOVE_AUTHENTICATOR':
      if (!asksPasscode) return { step: 'UNKNOWN' };
      return { step: 'REMOVE_AUTHENTICATOR', attemptsLeft, digits, retryAfterSeconds, stopped };
    case 'TOTP_SETUP':
      if (!digits.length) return { step: 'UNKNOWN' };
      return { step: 'TOTP_SETUP', attemptsLeft, digits, secretCode: text('secretCode'), otpauthUri: text('otpauthUri') };
    case 'RECOVERY_CODES':
      return { step: 'RECOVERY_CODES', attemptsLeft, recoveryCodes: words('recoveryCodes'), earlierLeft: earlierCodesLeft ? Number(earlierCodesLeft) : null };
    case 'SECOND_FACTOR_OFFER':
      return { step: 'SECOND_FACTOR_OFFER' };
    default:
      return { step: 'UNKNOWN' };
  }
}

function asked(asked: Asked): Outcome {
  return { type: 'asked', now: Date.now(), asked };
}

function sent(to: 'confirmSignUp' | 'resetPassword' | 'signIn', notice: Notice | null = null): Outcome {
  return { type: 'sent', to, notice };
}

function passed(payload: Record<string, unknown>): Outcome & { type: 'passed' } {
  const claims: Claims = Object.fromEntries(Object.entries(payload).map(([name, value]) => [name, String(value)]));
  return { type: 'passed', claims, expires: Number(payload['exp']) * 1000 };
}

/** Amplify writes a sign-in under way to sessionStorage, where a page could be made to read it; memory is enough. */
function forgetHalfSignIn() {
  for (const key of Object.keys(sessionStorage)) {
    if (key.startsWith('CognitoSignInState')) sessionStorage.removeItem(key);
  }
}
