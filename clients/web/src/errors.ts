// What an error of Cognito or Amplify means to the person at the screen: by its name and by where it came.
// Cognito's own text is never shown.

import type { PlainProblem, Problem } from './flow.ts';

/** Where a call failed; an answer to a challenge comes with what the challenge said. */
export type Place = 'signIn' | 'newPassword' | 'message' | 'signedIn' | { attemptsLeft: number; answerLost: boolean };

type Failed = { type: 'failed'; problem: Problem; stays: boolean };

export function failure(error: unknown, place: Place): Failed {
  const { name, message } = error instanceof Error ? error : { name: typeof error, message: '' };
  switch (name) {
    case 'NetworkError':
    case 'AbortError':
      return stays('offline');
    case 'TooManyRequestsException':
    case 'LimitExceededException':
    case 'TooManyFailedAttemptsException':
      return stays('tooManyRequests');
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
    case 'UserNotFoundException':
      return place === 'signIn' ? begins('wrongPassword') : stays('wrongMessageCode');
    case 'NotAuthorizedException':
      return refused(message, place);
    case 'UserLambdaValidationException':
    case 'UnexpectedLambdaException':
    case 'InternalErrorException':
    case 'UserNotConfirmedException':
    case 'PasswordResetRequiredException':
      return begins('tryAgain');
    // Amplify's own: nobody is signed in any more.
    case 'UserUnAuthenticatedException':
      return begins('signedOut');
    default:
      return { type: 'failed', problem: { kind: 'unexpected', name }, stays: false };
  }
}

function refused(message: string, place: Place): Failed {
  if (place === 'signIn') return begins(/attempts exceeded/i.test(message) ? 'passwordLocked' : 'wrongPassword');
  if (place === 'signedIn') return begins('signedOut');
  if (place === 'message') return stays('wrongMessageCode');
  if (place === 'newPassword') return begins('expired');
  if (/session/i.test(message)) {
    // Amplify sends an answer again that got no response, and the session was used by then.
    return begins(place.answerLost || /once/i.test(message) ? 'answerLost' : 'expired');
  }
  return begins(place.attemptsLeft === 1 ? 'ended' : 'tryAgain');
}

/** The session still lives: the same screen, with what was typed. */
function stays(kind: PlainProblem): Failed {
  return { type: 'failed', problem: { kind }, stays: true };
}

/** The sign-in is over. */
function begins(kind: PlainProblem): Failed {
  return { type: 'failed', problem: { kind }, stays: false };
}
