// The reducer and the errors, without a browser: what is on the screen and what happens, written down as a table.

import { readFileSync, writeFileSync } from 'node:fs';

import { expect, test } from '@playwright/test';

import { failure, type Place } from '../src/errors.ts';
import { leaving, reduce, start, waitUntil, wayBack, type Asked, type Event, type Prompt, type Screen, type State } from '../src/flow.ts';
import { texts as de } from '../src/texts/de.ts';
import { texts as en } from '../src/texts/en.ts';
import { texts as ja } from '../src/texts/ja.ts';
import { texts as zh } from '../src/texts/zh.ts';
import { mayBeAddress, typed } from '../src/typed.ts';

const now = 1_000_000;
const prompt: Prompt = { attemptsLeft: 3, digits: [6], deviceName: 'Blue phone', waitUntil: null, stopped: false, wrongInARow: 0, wish: null };
const secondFactor = { step: 'SECOND_FACTOR', attemptsLeft: 3, digits: [6], deviceName: 'Blue phone', retryAfterSeconds: 0, stopped: false } as const;
const setUp = { step: 'TOTP_SETUP', attemptsLeft: 3, digits: [6], secretCode: 'SECRET', otpauthUri: 'otpauth://totp/SECRET' } as const;
const codes = { step: 'RECOVERY_CODES', attemptsLeft: 3, recoveryCodes: ['ECX1-7V9Z-XHDP-AK0E'], earlierLeft: 0 } as const;

const common = { ...start, attempt: 7, username: 'ana@example.com' };
const STATES: { [S in Screen]: State & { screen: S } } = {
  loading: { ...common, screen: 'loading' },
  broken: { ...common, screen: 'broken' },
  signIn: { ...common, screen: 'signIn' },
  signUp: { ...common, screen: 'signUp' },
  confirmSignUp: { ...common, screen: 'confirmSignUp' },
  forgot: { ...common, screen: 'forgot' },
  resetPassword: { ...common, screen: 'resetPassword' },
  newPassword: { ...common, screen: 'newPassword' },
  offer: { ...common, screen: 'offer' },
  setUp: { ...common, screen: 'setUp', attemptsLeft: 3, digits: [6], secretCode: 'SECRET', otpauthUri: 'otpauth://totp/SECRET', offered: false },
  codes: { ...common, screen: 'codes', attemptsLeft: 3, recoveryCodes: ['ECX1-7V9Z-XHDP-AK0E'], earlierLeft: 0, occasion: 'firstSetUp' },
  passcode: { ...common, screen: 'passcode', prompt: { ...prompt, waitUntil: now } },
  recoveryCode: { ...common, screen: 'recoveryCode', prompt: { ...prompt, waitUntil: now } },
  support: { ...common, screen: 'support', prompt: { ...prompt, waitUntil: now }, from: 'recoveryCode' },
  remove: { ...common, screen: 'remove', attemptsLeft: 3, digits: [6], waitUntil: now, stopped: false },
  signedIn: { ...common, screen: 'signedIn', claims: {}, expires: now },
  problem: { ...common, screen: 'problem' },
};

const remove = { step: 'REMOVE_AUTHENTICATOR', attemptsLeft: 3, digits: [6], retryAfterSeconds: 0, stopped: false } as const;
const ask = (asked: Asked): Event => ({ type: 'asked', attempt: 7, now, asked });
const EVENTS: { [name: string]: Event } = {
  'booted': { type: 'booted', begunAgain: false },
  'booted in the middle': { type: 'booted', begunAgain: true },
  'booted after codes were shown': { type: 'booted', begunAgain: true, notices: ['codesDue'] },
  'broke': { type: 'broke' },
  'submitted': { type: 'submitted' },
  'submitted a passcode': { type: 'submitted', passcode: '123456' },
  'submitted, the phone is lost': { type: 'submitted', lost: true },
  'mistyped': { type: 'mistyped', problem: { kind: 'missingInput' } },
  'asked SECOND_FACTOR': ask(secondFactor),
  'asked SECOND_FACTOR again': ask({ ...secondFactor, attemptsLeft: 2 }),
  'asked SECOND_FACTOR with a wait': ask({ ...secondFactor, attemptsLeft: 2, retryAfterSeconds: 30 }),
  'asked SECOND_FACTOR, stopped': ask({ ...secondFactor, stopped: true }),
  'asked TOTP_SETUP': ask(setUp),
  'asked TOTP_SETUP again': ask({ ...setUp, attemptsLeft: 2, secretCode: '', otpauthUri: '' }),
  'asked RECOVERY_CODES': ask(codes),
  'asked RECOVERY_CODES again': ask({ ...codes, attemptsLeft: 2, recoveryCodes: [] }),
  'asked REMOVE_AUTHENTICATOR': ask(remove),
  'asked REMOVE_AUTHENTICATOR again': ask({ ...remove, attemptsLeft: 2 }),
  'asked REMOVE_AUTHENTICATOR with a wait': ask({ ...remove, retryAfterSeconds: 30 }),
  'asked REMOVE_AUTHENTICATOR, stopped': ask({ ...remove, stopped: true }),
  'asked SECOND_FACTOR_OFFER': ask({ step: 'SECOND_FACTOR_OFFER' }),
  'asked NEW_PASSWORD': ask({ step: 'NEW_PASSWORD' }),
  'asked CONFIRM_SIGN_UP': ask({ step: 'CONFIRM_SIGN_UP' }),
  'asked RESET_PASSWORD': ask({ step: 'RESET_PASSWORD' }),
  'asked UNKNOWN': ask({ step: 'UNKNOWN' }),
  'sent to confirmSignUp': { type: 'sent', attempt: 7, to: 'confirmSignUp' },
  'sent to resetPassword': { type: 'sent', attempt: 7, to: 'resetPassword' },
  'sent to signIn': { type: 'sent', attempt: 7, to: 'signIn', notice: 'confirmed' },
  'passed': { type: 'passed', attempt: 7, claims: {}, expires: now },
  'failed and stays': { type: 'failed', attempt: 7, problem: { kind: 'offline' }, stays: true },
  'failed': { type: 'failed', attempt: 7, problem: { kind: 'tryAgain' }, stays: false },
  'failed, the last try': { type: 'failed', attempt: 7, problem: { kind: 'ended' }, stays: false },
  'signedOut': { type: 'signedOut', attempt: 7 },
  'wished': { type: 'wished', wish: 'NEW_RECOVERY_CODES' },
  'told': { type: 'told', clock: now },
  'clock before the end': { type: 'clock', now: now - 1 },
  'clock': { type: 'clock', now },
  'online': { type: 'online' },
  'hidden': { type: 'hidden' },
  ...Object.fromEntries(
    (['signUp', 'forgot', 'back', 'restart', 'passcode', 'recoveryCode', 'support'] as const)
      .map((choice) => [`chose ${choice}`, { type: 'chose', choice } as const])),
};

/** As the triggers say it (`ClientError::SECOND_FACTOR_REQUIRED`). */
const REQUIRED = 'Your account needs a second factor. Please sign in again.';

function golden(name: string, text: string) {
  const file = new URL(name, import.meta.url);
  if (process.env['UPDATE_GOLDEN']) writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, 'utf8'));
}

test('the reducer does what the table says', () => {
  const lines = [];
  for (const [screen, state] of Object.entries(STATES)) {
    for (const [name, event] of Object.entries(EVENTS)) {
      // A problem that an event could take away or add to.
      const problem: State['problem'] = event.type === 'online' ? { kind: 'offline' }
        : event.type === 'told' ? { kind: 'wrongPasscode', attemptsLeft: 1, clock: null } : null;
      const before: State = { ...state, problem };
      const next = reduce(before, event);
      if (next === before) continue;
      const said = [next.problem?.kind, ...next.notices, next.busy && 'busy', next.wish, next.attempt !== 7 && 'a new attempt'];
      lines.push(`${screen.padEnd(14)} ${name.padEnd(38)} ${next.screen.padEnd(14)} ${said.filter(Boolean).join(', ')}`.trimEnd());
    }
    lines.push('');
  }
  golden('flow.golden.txt', lines.join('\n'));
});

test('an error means what the table says, wherever it comes', () => {
  const errors: [name: string, message?: string][] = [
    ['NetworkError'], ['TooManyRequestsException'], ['LimitExceededException'], ['TooManyFailedAttemptsException'],
    ['InvalidPasswordException'], ['PasswordHistoryPolicyViolationException'], ['CodeMismatchException'], ['ExpiredCodeException'],
    ['UsernameExistsException'], ['AliasExistsException'], ['UserNotFoundException'], ['NotAuthorizedException', 'Incorrect username or password.'],
    ['NotAuthorizedException', 'Password attempts exceeded'], ['NotAuthorizedException', 'Invalid session for the user, session is expired.'],
    ['NotAuthorizedException', 'Invalid session for the user, session can only be used once.'], ['UserLambdaValidationException'],
    ['UnexpectedLambdaException'], ['InternalErrorException'], ['UserNotConfirmedException'], ['PasswordResetRequiredException'],
    ['UserUnAuthenticatedException'], ['ForbiddenException'], ['CodeDeliveryFailureException'],
    ['InvalidParameterException', 'Username should be an email.'],
    ['InvalidParameterException', "Value at 'password' failed to satisfy constraint"],
    ['UserLambdaValidationException', `CreateAuthChallenge failed with error ${REQUIRED}.`],
  ];
  const places: [string, Place][] = [
    ...(['signIn', 'newPassword', 'signUp', 'confirmSignUp', 'resendCode', 'forgot', 'resetPassword', 'signedIn'] as const)
      .map((place): [string, Place] => [place, place]),
    ['answer', { attemptsLeft: 2, answerLost: false }], ['last answer', { attemptsLeft: 1, answerLost: false }],
    ['answer after a lost one', { attemptsLeft: 2, answerLost: true }],
  ];
  const lines = errors.flatMap(([name, message = '']) => [
    `${name} ${message}`.trimEnd(),
    ...places.map(([at, place]) => {
      const { problem, stays } = failure(Object.assign(new Error(message), { name }), place);
      return `    ${at.padEnd(24)} ${problem.kind}${stays ? ', stays' : ''}`;
    }),
    '',
  ]);
  golden('errors.golden.txt', lines.join('\n'));
});

test('what an earlier sign-in still receives is dropped', () => {
  for (const event of Object.values(EVENTS)) {
    if (!('attempt' in event)) continue;
    for (const state of Object.values(STATES)) expect(reduce(state, { ...event, attempt: 6 })).toBe(state);
  }
});

test('no secret and no code is left once its screen is gone', () => {
  for (const [screen, secret] of [['setUp', /SECRET"/], ['codes', /ECX1/]] as const) {
    for (const event of Object.values(EVENTS)) {
      const next = reduce(STATES[screen], event);
      if (next.screen !== screen) expect(JSON.stringify(next)).not.toMatch(secret);
    }
  }
});

test('while an answer is under way, nothing else is sent', () => {
  for (const state of Object.values(STATES)) {
    const busy = { ...state, busy: true };
    expect(reduce(busy, { type: 'submitted', passcode: '654321' })).toBe(busy);
    expect(reduce(busy, { type: 'chose', choice: 'back' })).toBe(busy);
    expect(reduce(busy, { type: 'mistyped', problem: { kind: 'missingInput' } })).toBe(busy);
  }
});

test('a passcode is sent once, unless it never arrived', () => {
  const sent = reduce(STATES.passcode, { type: 'submitted', passcode: '123456' });
  const again = reduce({ ...sent, busy: false }, { type: 'submitted', passcode: '123456' });
  expect([again.busy, again.problem]).toEqual([false, { kind: 'sentAlready' }]);
  const offline = reduce(sent, { type: 'failed', attempt: 7, problem: { kind: 'offline' }, stays: true });
  expect(reduce(offline, { type: 'submitted', passcode: '123456' }).busy).toBe(true);
  // Also at the confirmation that follows, which takes another one.
  const removal = reduce(sent, ask(remove));
  expect(reduce(removal, { type: 'submitted', passcode: '123456' }).problem).toEqual({ kind: 'sentAlready' });
});

test('after a wrong answer the secret and the codes are those shown before', () => {
  const again = reduce(STATES.setUp, EVENTS['asked TOTP_SETUP again']!);
  expect(again).toMatchObject({ screen: 'setUp', secretCode: 'SECRET', attemptsLeft: 2, problem: { kind: 'wrongFirstPasscode', attemptsLeft: 2 } });
  const codesAgain = reduce(STATES.codes, EVENTS['asked RECOVERY_CODES again']!);
  expect(codesAgain).toMatchObject({ screen: 'codes', recoveryCodes: ['ECX1-7V9Z-XHDP-AK0E'] });
});

test('wrong passcodes in a row are counted, and a recovery code ends the row', () => {
  const one = reduce(STATES.passcode, EVENTS['asked SECOND_FACTOR again']!);
  const two = reduce(one, ask({ ...secondFactor, attemptsLeft: 1 }));
  expect([one, two].map((state) => 'prompt' in state && state.prompt.wrongInARow)).toEqual([1, 2]);
  const elsewhere = reduce({ ...two, screen: 'recoveryCode' } as State, ask({ ...secondFactor, attemptsLeft: 1 }));
  expect('prompt' in elsewhere && elsewhere.prompt.wrongInARow).toBe(0);
});

test('a phone that was not lost after all is not replaced', () => {
  const sent = reduce(STATES.recoveryCode, { type: 'submitted', lost: true });
  expect(sent.wish).toBe('REPLACE_AUTHENTICATOR');
  const again = reduce(sent, ask({ ...secondFactor, attemptsLeft: 2 }));
  expect(reduce(again, { type: 'submitted', lost: false }).wish).toBe(null);
  expect(reduce(again, { type: 'chose', choice: 'passcode' }).wish).toBe(null);
});

test('a user who leaves the recovery codes learns which codes are valid', () => {
  const back: Event = { type: 'chose', choice: 'back' };
  expect(reduce(STATES.codes, back).notices).toEqual(['codesDue']);
  const wished = reduce({ ...STATES.passcode, wish: 'NEW_RECOVERY_CODES' }, ask(codes));
  expect(reduce(wished, back).notices).toEqual(['changeLeft', 'codesUnchanged']);
  const due = reduce(STATES.passcode, ask(codes));
  expect([STATES.codes, wished, due, STATES.passcode].map(leaving)).toEqual([['codesDue'], ['changeLeft', 'codesUnchanged'], ['codesNotKept'], []]);
  expect([STATES.codes, wished, due].map((state) => reduce(state, EVENTS['passed']!).notices)).toEqual([['turnedOn'], ['codesKept'], ['codesKept']]);
  // What the answer on its way does, nobody can tell.
  const busy = reduce(STATES.codes, { type: 'submitted' });
  expect([leaving(busy), reduce(busy, { type: 'hidden' }).notices]).toEqual([[], []]);
  expect(reduce(busy, EVENTS['failed']!).notices).toEqual(['codesUnclear']);
  expect(reduce(busy, EVENTS['failed, the last try']!).notices).toEqual(['codesDue']);
});

test('a user who leaves the replacement of a phone learns which app and which codes are valid', () => {
  const back: Event = { type: 'chose', choice: 'back' };
  for (const [sent, used] of [[{ lost: true }, ['codeUsed']], [{ passcode: '123456' }, []]] as const) {
    const prompted: State = { ...STATES.recoveryCode, prompt: { ...prompt, wish: 'REPLACE_AUTHENTICATOR' } };
    const newPhone = reduce(reduce(prompted, { type: 'submitted', ...sent }), ask(setUp));
    expect(reduce(newPhone, back).notices).toEqual(['changeLeft', 'setUpLeft', ...used]);
    const newCodes = reduce(reduce(newPhone, { type: 'submitted', passcode: '654321' }), ask(codes));
    expect(reduce(newCodes, back).notices).toEqual([newPhone.wish ? 'phoneReplaced' : 'codesDue', ...used]);
    // The next sign-in uses none.
    expect(reduce(reduce(reduce(newCodes, back), { type: 'submitted', username: 'ana@example.com' }), ask(setUp)).byCode).toBe(false);
  }
});

test('a user who gives up what was wished for learns that nothing has changed', () => {
  const given = (state: State, event: Event) => reduce(state, event).notices;
  const kept: Event = { type: 'passed', attempt: 7, claims: {}, expires: 0, notice: 'unchanged' };
  expect([given({ ...STATES.codes, occasion: 'wished' }, kept), given(STATES.setUp, kept)]).toEqual([['codesUnchanged'], ['unchanged', 'setUpLeft']]);
  const wished: State[] = [STATES.passcode, STATES.recoveryCode, STATES.setUp].map((state) => ({ ...state, wish: 'REPLACE_AUTHENTICATOR' }));
  expect(wished.map(leaving)).toEqual([['changeLeft'], ['changeLeft'], ['changeLeft', 'setUpLeft']]);
  // The code from support is used up, whatever follows.
  expect(leaving({ ...STATES.setUp, byCode: true })).toEqual(['changeLeft', 'setUpLeft', 'codeUsed']);
  expect(leaving(STATES.resetPassword)).toEqual(['resetLater']);
  // A user who leaves a change after the session has ended is told so.
  expect(given({ ...STATES.signIn, wish: 'SET_UP' }, { type: 'signedOut', attempt: 7 })).toEqual(['changeLeft']);
});

test('a set-up that was offered says how to do without', () => {
  const offered = [reduce(STATES.offer, ask(setUp)), reduce({ ...STATES.signIn, wish: 'SET_UP' }, ask(setUp))];
  for (const state of offered) {
    const again = reduce(state, EVENTS['asked TOTP_SETUP again']!);
    expect([leaving(state), leaving(again)]).toEqual([['offerLeft', 'setUpLeft'], ['offerLeft', 'setUpLeft']]);
  }
  expect(leaving(reduce(STATES.signIn, ask(setUp)))).toEqual(['changeLeft', 'setUpLeft']);
});

test('earlier codes are said to work only where there are some', () => {
  const left = (earlierLeft: number | null) => leaving(reduce(STATES.passcode, ask({ ...codes, earlierLeft })));
  expect([left(null), left(0), left(8)]).toEqual([['codesNotKept'], ['codesNotKept'], ['codesNotKept', 'earlierCodesWork']]);
});

test('a set-up that is given up leads to codes without a new app', () => {
  const given = reduce({ ...STATES.setUp, busy: true }, ask({ ...codes, attemptsLeft: 2 }));
  expect(given).toMatchObject({ occasion: 'due', notices: ['unchanged', 'setUpLeft'] });
  expect(reduce({ ...STATES.setUp, attemptsLeft: 1 }, ask(codes))).toMatchObject({ occasion: 'firstSetUp', notices: [] });
});

test('after the last recovery code only the app lets the user in', () => {
  const typed = reduce({ ...STATES.recoveryCode, byCode: true, busy: true }, ask({ ...codes, earlierLeft: 0 }));
  expect(leaving(typed)).toEqual(['codesNotKept', 'codeUsed', 'onlyTheApp']);
  expect(leaving({ ...STATES.codes, byCode: true })).toEqual(['codesDue', 'codeUsed']);
});

test('a change that is done is not asked for again, also where its codes were not kept', () => {
  const wishes = (state: State, problem: 'ended' | 'expired') => reduce(state, { type: 'failed', attempt: 7, problem: { kind: problem }, stays: false }).wish;
  expect(wishes({ ...STATES.codes, wish: 'SET_UP' }, 'ended')).toBe(null);
  expect(wishes({ ...STATES.setUp, wish: 'SET_UP' }, 'ended')).toBe('SET_UP');
  expect(wishes({ ...STATES.codes, occasion: 'wished', wish: 'NEW_RECOVERY_CODES' }, 'expired')).toBe('NEW_RECOVERY_CODES');
  // Codes that were due come before what was wished for.
  expect(wishes({ ...STATES.codes, occasion: 'due', wish: 'REMOVE_AUTHENTICATOR' }, 'ended')).toBe('REMOVE_AUTHENTICATOR');
});

test('only the first screens, and those with buttons of their own, have no way back', () => {
  const without = Object.values(STATES).filter((state) => wayBack(state) === null).map(({ screen }) => screen);
  expect(new Set(without)).toEqual(new Set(['loading', 'broken', 'signIn', 'offer', 'signedIn', 'problem']));
  // Where passcodes are stopped, there is no passcode to go back to.
  const stopped = { ...STATES.recoveryCode, prompt: { ...prompt, stopped: true } };
  expect([STATES.recoveryCode, stopped, STATES.passcode].map(wayBack)).toEqual(['passcode', 'back', 'back']);
});

test('codes come with the reason why', () => {
  const occasion = (state: State) => { const next = reduce(state, ask(codes)); return next.screen === 'codes' && next.occasion; };
  expect(occasion(STATES.setUp)).toBe('firstSetUp');
  expect(occasion({ ...STATES.setUp, wish: 'REPLACE_AUTHENTICATOR' })).toBe('replaced');
  expect(occasion({ ...STATES.passcode, wish: 'NEW_RECOVERY_CODES' })).toBe('wished');
  expect(occasion(STATES.passcode)).toBe('due');
});

test('a sign-in counts the wrong passcodes that it sends, and no recovery codes', () => {
  let state: State = reduce(STATES.signIn, { type: 'submitted', username: 'ana@example.com' });
  state = reduce(state, ask(secondFactor));
  state = reduce(reduce(state, { type: 'submitted', passcode: '123456' }), ask({ ...secondFactor, attemptsLeft: 2 }));
  state = reduce(reduce(state, { type: 'submitted', lost: false }), ask({ ...secondFactor, attemptsLeft: 1 }));
  expect(state.wrongPasscodes).toBe(1);
  const next: State = { ...STATES.signIn, wrongPasscodes: 1 };
  expect(reduce(next, { type: 'submitted', username: 'ana@example.com' }).wrongPasscodes).toBe(0);
  // Whoever goes back to the session is not told anew.
  expect(reduce(next, { type: 'submitted' }).wrongPasscodes).toBe(1);
});

test('what stands in the field for the address goes along', () => {
  const forgot = reduce(STATES.signIn, { type: 'chose', choice: 'forgot', username: 'ben@example.com' });
  expect([forgot.screen, forgot.username]).toEqual(['forgot', 'ben@example.com']);
  expect(reduce(STATES.signedIn, { type: 'chose', choice: 'forgot', username: 'ben@example.com' })).toBe(STATES.signedIn);
  const reloaded = reduce({ ...STATES.loading, username: '' }, { type: 'passed', attempt: 7, claims: { email: 'ben@example.com' }, expires: now });
  expect(reloaded.username).toBe('ben@example.com');
});

test('in a wait, a removal takes a recovery code and says what was wrong', () => {
  const waiting = reduce(STATES.recoveryCode, ask({ ...remove, retryAfterSeconds: 30 }));
  expect([waiting.problem, waitUntil(waiting)]).toEqual([null, now + 30_000]);
  expect(reduce(waiting, ask({ ...remove, attemptsLeft: 2, retryAfterSeconds: 20 })).problem?.kind).toBe('wrongRecoveryCode');
  const over = reduce(waiting, { type: 'clock', now: now + 30_000 });
  expect([over.notices, waitUntil(over)]).toEqual([['waitOver'], null]);
  expect(reduce(over, ask({ ...remove, attemptsLeft: 2 })).problem?.kind).toBe('wrongCode');
  const stopped = reduce(STATES.recoveryCode, ask({ ...remove, stopped: true }));
  expect(stopped.problem?.kind).toBe('stopped');
  expect(reduce(stopped, ask({ ...remove, stopped: true, attemptsLeft: 2 })).problem?.kind).toBe('wrongRecoveryCode');
});

test('nobody is asked to sign in for what cannot be turned off', () => {
  for (const [screen, kind] of [['passcode', 'staysOn'], ['recoveryCode', 'staysOn'], ['remove', 'secondStepNow']] as const) {
    const busy: State = { ...STATES[screen], wish: 'REMOVE_AUTHENTICATOR', busy: true };
    const next = reduce(busy, { type: 'failed', attempt: 7, problem: { kind: 'secondStepNeeded' }, stays: false });
    expect([next.screen, next.problem?.kind, next.wish]).toEqual(['signIn', kind, null]);
  }
});

test('the sentence of the triggers is the one that they send', () => {
  expect(readFileSync(new URL('../../../shared/src/error.rs', import.meta.url), 'utf8')).toContain(`"${REQUIRED}"`);
});

test('every word of a heading fits 320 px, or says where it breaks', () => {
  const long = [en, de, ja, zh].flatMap((texts) => Object.values(texts))
    .flatMap((part: object) => (Object.hasOwn(Object(part), 'title') ? [(part as { title: string | ((digits: string) => string) }).title] : []))
    .flatMap((title) => (typeof title === 'string' ? title : title('6')).split(/[\s\u00ad-]/))
    .filter((word) => /^[\p{Script=Latin}\u2011]{20,}$/u.test(word));
  expect(long).toEqual([]);
});

test('an address is refused only where no mail could reach it', () => {
  const taken = ['ana@example.com', 'Ana+1@mail.example.co.uk', '"o\'b"@example.museum', 'ana@bücher.example', 'アナ@例え。jp', 'a@[127.0.0.1]'];
  expect(taken.filter((address) => !mayBeAddress(address))).toEqual([]);
  expect(['', 'ana', 'x@y', 'ana@example', 'ana.example.com', '@example.com', 'ana@.com', 'ana@example.', 'ana b@example.com'].filter(mayBeAddress)).toEqual([]);
});

test('what is typed is an answer, or is not sent', () => {
  const kinds = ['123456', '１２３ ４５６', '١٢٣٤٥٦', '12-34-56 ', '12345', '1234567', 'ecx1 7v9z–xhdp-ak0e', 'ECX1-7V9Z', ' '].map((text) => typed(text, [6]).kind);
  expect(kinds).toEqual(['passcode', 'passcode', 'passcode', 'passcode', 'neither', 'neither', 'recoveryCode', 'neither', 'empty']);
});
