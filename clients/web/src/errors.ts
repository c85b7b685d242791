// What an error of Cognito or Amplify means to the person at the screen: by its name and by where it came.
// Cognito's own text is never shown.

import type { PlainProblem, Problem } from './flow.ts';

/** Where a call failed that needs no sign-in: its screen stays as it is, whatever the error. */
export type AccountPlace = 'signUp' | 'confirmSignUp' | 'resendCode' | 'forgot' | 'resetPassword';
/** Where a call failed. An answer to a challenge comes with what the challenge said. */
export type Place = AccountPlace | 'signIn' | 'newPassword' | 'signedIn' | { attemptsLeft: number; answerLost: boolean };

type Failed = { type: 'failed'; problem: Problem; stays: boolean };

export function failure(error: unknown, place: Place): Failed {
  const { name, message } = error instanceof Error ? error : { name: typeof error, message: '' };
  switch (name) {
    case 'NetworkError':
    case 'AbortError':
      return stays('offline');
    case 'TooManyRequestsException':
      return stays('tooManyRequests');
    case 'LimitExceededException':
    case 'TooManyFailedAttemptsException':
      return stays('tooManyAttempts');
    case 'InvalidPasswordException':
      return stays('passwordRules');
    case 'PasswordHistoryPolicyViolationException':
      return stays('passwordUsed');
    case 'CodeMismatchException':
      return stays('wrongMessageCode');
    case 'ExpiredCodeException':
      return stays('oldMessageCode');
    case 'UsernameExistsException':
    case 'AliasExistsException':
      return stays('userExists');
    case 'CodeDeliveryFailureException':
      return stays('notSent');
  }
  switch (place) {
    case 'signUp':
    case 'confirmSignUp':
    case 'resendCode':
    case 'forgot':
    case 'resetPassword':
      return account(name, message, place);
  }
  switch (name) {
    case 'InvalidParameterException':
      return place === 'newPassword' && isAboutThePassword(message) ? stays('passwordRules') : unexpected(name, false);
    case 'UserNotFoundException':
      return begins(place === 'signIn' ? 'wrongPassword' : 'tryAgain');
    case 'NotAuthorizedException':
      return refused(message, place);
    case 'UserLambdaValidationException':
      // The triggers' sentence for a user of whom a second factor is required.
      return begins(message.includes('needs a second factor') ? 'secondStepNeeded' : 'tryAgain');
    case 'UnexpectedLambdaException':
    case 'InternalErrorException':
    case 'UserNotConfirmedException':
    case 'PasswordResetRequiredException':
      return begins('tryAgain');
    // Amplify's own: nobody is signed in any more.
    case 'UserUnAuthenticatedException':
      return begins('signedOut');
    default:
      return unexpected(name, false);
  }
}

/** Without a sign-in: nothing ends, so what was typed stays. */
function account(name: string, message: string, place: AccountPlace): Failed {
  switch (name) {
    case 'InvalidParameterException':
      switch (place) {
        case 'signUp':
          return stays(isAboutThePassword(message) ? 'passwordRules' : 'addressFormat');
        case 'resetPassword':
          return stays(isAboutThePassword(message) ? 'passwordRules' : 'wrongMessageCode');
        case 'confirmSignUp':
          return stays('wrongMessageCode');
        case 'resendCode':
          return stays('alreadyConfirmed');
        case 'forgot':
          return stays('noReset');
      }
    case 'NotAuthorizedException':
      switch (place) {
        case 'signUp':
          return stays('signUpRefused');
        case 'confirmSignUp':
        case 'resendCode':
          return stays('alreadyConfirmed');
        case 'forgot':
        case 'resetPassword':
          return stays('noReset');
      }
    case 'UserNotFoundException':
      return stays(place === 'forgot' ? 'noReset' : place === 'resendCode' ? 'notSent' : 'wrongMessageCode');
    case 'UserLambdaValidationException':
      return stays(place === 'signUp' ? 'signUpRefused' : 'tryOnceMore');
    case 'UnexpectedLambdaException':
    case 'InternalErrorException':
      return stays('tryOnceMore');
    case 'UserNotConfirmedException':
      return begins('tryAgain');
    default:
      return unexpected(name, true);
  }
}

function refused(message: string, place: Exclude<Place, AccountPlace>): Failed {
  if (place === 'signIn') return begins(/attempts exceeded/i.test(message) ? 'passwordLocked' : 'wrongPassword');
  if (place === 'signedIn') return begins('signedOut');
  if (place === 'newPassword') return begins('expired');
  if (/session/i.test(message)) {
    // Amplify sends an answer again that got no response, and the session was used by then.
    return begins(place.answerLost || /once/i.test(message) ? 'answerLost' : 'expired');
  }
  return begins(place.attemptsLeft === 1 ? 'ended' : 'tryAgain');
}

/** What the service model itself refuses, such as a space at an end, before the pool's policy is asked. */
function isAboutThePassword(message: string): boolean {
  return /password/i.test(message);
}

/** The session still lives, or there is none: the same screen, with what was typed. */
function stays(kind: PlainProblem): Failed {
  return { type: 'failed', problem: { kind }, stays: true };
}

/** The sign-in is over. */
function begins(kind: PlainProblem): Failed {
  return { type: 'failed', problem: { kind }, stays: false };
}

function unexpected(name: string, stays: boolean): Failed {
  return { type: 'failed', problem: { kind: 'unexpected', name }, stays };
}
