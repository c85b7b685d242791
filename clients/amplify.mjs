// Signs in with AWS Amplify v6: the password, then the second factor. Copy it into an app.

import { Amplify } from 'aws-amplify';
import { confirmResetPassword, confirmSignIn, confirmSignUp, fetchAuthSession, signIn, signOut } from 'aws-amplify/auth';

/** `userPoolEndpoint` is where the local user pool listens; without it Amplify calls Cognito. */
export function configure({ userPoolId, userPoolClientId, userPoolEndpoint }) {
  Amplify.configure({ Auth: { Cognito: { userPoolId, userPoolClientId, userPoolEndpoint } } });
}

/**
 * Ends when the user is signed in. Throws a NotAuthorizedException after a wrong password and after a third wrong
 * answer: then begin again with the password.
 *
 * `app` has a screen for each challenge. A screen ends with `{ answer }`, and in addition with what the user chose:
 * - `afterSecondFactor`: 'REPLACE_AUTHENTICATOR' for a lost phone, 'NEW_RECOVERY_CODES', 'REMOVE_AUTHENTICATOR' to turn the
 *   second factor off, or 'NOTHING' to give such a change up again (with any answer that is wrong, such as 'NOTHING');
 * - `friendlyDeviceName`: the user's own name for a new authenticator.
 * Before there is a challenge, `app.askMessageCode` ends with the code that an unconfirmed user received, as `answer`, and
 * `app.askCodeAndNewPassword` with `{ code, newPassword }` after an operator's reset.
 * `app.showWrongPasscodes` tells of wrong passcodes since the sign-in before.
 */
export async function signInWithSecondFactor(username, password, app) {
  const shown = {};
  const clientMetadata = {};
  let { nextStep } = await beginSignIn(username, password, app);
  while (nextStep.signInStep !== 'DONE') {
    // Asked again after a wrong answer, a secret or a set of codes is not sent a second time: keep what came first.
    Object.assign(shown, nextStep.additionalInfo);
    const { answer, ...chosen } = await ask(app, nextStep, shown);
    // Cognito remembers no clientMetadata: it goes with every answer.
    Object.assign(clientMetadata, chosen);
    ({ nextStep } = await confirmSignIn({ challengeResponse: answer, options: { clientMetadata } }));
  }
  // The user's own mistakes, or somebody's guesses who knows the password: only the user can tell.
  const { idToken } = (await fetchAuthSession()).tokens;
  const wrongPasscodes = Number(idToken.payload.second_factor_wrong_passcodes);
  if (wrongPasscodes > 0) await app.showWrongPasscodes({ wrongPasscodes });
}

function ask(app, { signInStep, additionalInfo }, shown) {
  const attemptsLeft = Number(shown.attemptsLeft);
  switch (additionalInfo?.challenge ?? signInStep) {
    case 'SECOND_FACTOR': // A passcode, a recovery code, or the code from support.
      return app.askPasscode(prompt(shown));
    case 'SECOND_FACTOR_OFFER': // 'SKIP', or 'SET_UP' for an authenticator.
      return app.offerSecondFactor();
    case 'REMOVE_AUTHENTICATOR': // The next passcode, or a recovery code: then there is no second factor any more.
      return app.confirmTurningOff(prompt(shown));
    case 'TOTP_SETUP': // The first passcode of the new authenticator; otpauthUri is for a QR code.
      return app.showAuthenticator({ secretCode: shown.secretCode, otpauthUri: shown.otpauthUri, attemptsLeft });
    case 'RECOVERY_CODES': // One of them, typed back as proof that they were kept.
      return app.showRecoveryCodes({ recoveryCodes: shown.recoveryCodes.split(' '), attemptsLeft });
    case 'CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED': // Only after a temporary password.
      return app.askNewPassword();
    default:
      throw new Error(`This app does not know the step ${additionalInfo?.challenge ?? signInStep}.`);
  }
}

function prompt(shown) {
  return {
    accepts: shown.accepts.split(' '),
    attemptsLeft: Number(shown.attemptsLeft),
    retryAfterSeconds: Number(shown.retryAfterSeconds),
    passcodeDigits: shown.passcodeDigits.split(' ').map(Number),
    friendlyDeviceName: shown.friendlyDeviceName,
  };
}

/** The password, and first what Cognito asks of a user who cannot sign in yet. */
async function beginSignIn(username, password, app) {
  const begun = await signIn({ username, password, options: { authFlowType: 'CUSTOM_WITH_SRP' } });
  switch (begun.nextStep.signInStep) {
    case 'CONFIRM_SIGN_UP': // Signed up, and never confirmed; resendSignUpCode sends another code.
      await confirmSignUp({ username, confirmationCode: (await app.askMessageCode()).answer });
      return beginSignIn(username, password, app);
    case 'RESET_PASSWORD': { // By an operator, whose reset has sent a code; resetPassword sends another one.
      const { code, newPassword } = await app.askCodeAndNewPassword();
      await confirmResetPassword({ username, confirmationCode: code, newPassword });
      return beginSignIn(username, newPassword, app);
    }
    default:
      return begun;
  }
}

/** The tokens of the user who is signed in. Amplify renews them when they have expired; `forceRefresh` does it now. */
export async function getTokens({ forceRefresh = false } = {}) {
  const { tokens } = await fetchAuthSession({ forceRefresh });
  return { idToken: tokens.idToken.toString(), accessToken: tokens.accessToken.toString() };
}

/** Forgets the tokens and revokes them; Amplify lets nobody else sign in before. */
export { signOut };
