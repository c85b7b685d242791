// Signs in with amazon-cognito-identity-js: the password, then the second factor. Copy it into an app.

import { AuthenticationDetails, CognitoUser, CognitoUserPool } from 'amazon-cognito-identity-js';

/** `endpoint` is where the local user pool listens; without it the package calls Cognito. */
export function userPool({ userPoolId, userPoolClientId, endpoint }) {
  return new CognitoUserPool({ UserPoolId: userPoolId, ClientId: userPoolClientId, endpoint });
}

/**
 * Gives the CognitoUser who is signed in. Throws a NotAuthorizedException after a wrong password and after a third wrong
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
export async function signInWithSecondFactor(pool, username, password, app) {
  try {
    return await signInOnce(pool, username, password, app);
  } catch (error) {
    const user = new CognitoUser({ Username: username, Pool: pool });
    switch (error.code) {
      case 'UserNotConfirmedException': { // resendConfirmationCode sends another code.
        const { answer } = await app.askMessageCode();
        await settled((done) => user.confirmRegistration(answer, true, done));
        return signInWithSecondFactor(pool, username, password, app);
      }
      case 'PasswordResetRequiredException': { // By an operator, whose reset has sent a code; forgotPassword sends another one.
        const { code, newPassword } = await app.askCodeAndNewPassword();
        await new Promise((onSuccess, onFailure) => user.confirmPassword(code, newPassword, { onSuccess, onFailure }));
        return signInWithSecondFactor(pool, username, newPassword, app);
      }
      default:
        throw error;
    }
  }
}

function signInOnce(pool, username, password, app) {
  const shown = {};
  const clientMetadata = {};
  const user = new CognitoUser({ Username: username, Pool: pool });
  user.setAuthenticationFlowType('CUSTOM_AUTH');
  return new Promise((resolve, reject) => {
    const callbacks = {
      onSuccess(session) {
        // The user's own mistakes, or somebody's guesses who knows the password: only the user can tell.
        const wrongPasscodes = Number(session.getIdToken().payload.second_factor_wrong_passcodes);
        reply(async () => {
          if (wrongPasscodes > 0) await app.showWrongPasscodes({ wrongPasscodes });
          resolve(user);
        });
      },
      onFailure: reject,
      customChallenge(parameters) {
        // Asked again after a wrong answer, a secret or a set of codes is not sent a second time: keep what came first.
        Object.assign(shown, parameters);
        reply(async () => {
          const { answer, ...chosen } = await ask(app, shown);
          // Cognito remembers no clientMetadata: it goes with every answer.
          Object.assign(clientMetadata, chosen);
          user.sendCustomChallengeAnswer(answer, callbacks, clientMetadata);
        });
      },
      // Only after a temporary password.
      newPasswordRequired() {
        reply(async () => user.completeNewPasswordChallenge((await app.askNewPassword()).answer, {}, callbacks));
      },
    };
    // The package does not wait for its callbacks: what they throw would be lost.
    const reply = (send) => send().catch(reject);
    user.authenticateUser(new AuthenticationDetails({ Username: username, Password: password }), callbacks);
  });
}

/** Shows the screen for a challenge. */
export function ask(app, shown) {
  const attemptsLeft = Number(shown.attemptsLeft);
  switch (shown.challenge) {
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
    default:
      throw new Error(`This app does not know the challenge ${shown.challenge}.`);
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

/** New tokens now; `user.getSession` does it by itself when they have expired. */
export function refresh(user) {
  const refreshToken = user.getSignInUserSession().getRefreshToken();
  return settled((done) => user.refreshSession(refreshToken, done));
}

/** Forgets the tokens and revokes them. */
export function signOut(user) {
  return settled((done) => user.signOut(done));
}

/** A promise in the place of a Node callback. */
function settled(call) {
  return new Promise((resolve, reject) => call((error, result) => (error ? reject(error) : resolve(result))));
}
