// The sign-in as one table: what is on the screen, what can happen there, and what is shown next. It imports nothing,
// so it can be copied into an app of any framework and tested without a browser.

/** What the user wants once the second factor is proven; goes with every answer as `afterSecondFactor`. */
export type Wish = 'REPLACE_AUTHENTICATOR' | 'NEW_RECOVERY_CODES' | 'REMOVE_AUTHENTICATOR' | 'SET_UP';

/** What the user has to be told, and does not know yet. The words are in `texts/`. */
export type Problem =
  | { kind: 'wrongPasscode' | 'wrongFirstPasscode'; attemptsLeft: number; clock: number | null }
  | { kind: 'wrongRecoveryCode' | 'wrongCode' | 'notOneOfThese'; attemptsLeft: number }
  | { kind: 'notAPasscode' | 'notACode'; digits: readonly number[] }
  | { kind: 'unexpected'; name: string }
  | { kind: PlainProblem };
export type PlainProblem =
  | 'wrongPassword'
  | 'passwordLocked'
  | 'sentAlready'
  | 'notARecoveryCode'
  | 'missingInput'
  | 'missingCode'
  | 'ended'
  | 'expired'
  | 'answerLost'
  | 'stopped'
  | 'offline'
  | 'tryAgain'
  | 'tryOnceMore'
  | 'tooManyRequests'
  | 'tooManyAttempts'
  | 'addressFormat'
  | 'signUpRefused'
  | 'passwordRules'
  | 'passwordUsed'
  | 'wrongMessageCode'
  | 'oldMessageCode'
  | 'userExists'
  | 'alreadyConfirmed'
  | 'notSent'
  | 'noReset'
  | 'confirmFirst'
  | 'passwordReset'
  | 'begunAgain'
  | 'signedOut'
  | 'secondStepNeeded'
  | 'secondStepNow'
  | 'staysOn'
  | 'newerServer';

/** What is no problem, said politely. */
export type Notice =
  | 'confirmed' | 'confirmLater' | 'passwordSet' | 'sentAgain' | 'waitOver' | 'backOnline' | 'renewed' | 'signedOut'
  | 'codesDue' | 'codesNotKept' | 'earlierCodesWork' | 'codesUnclear' | 'codesKept' | 'codesUnchanged' | 'phoneReplaced'
  | 'codeUsed' | 'onlyTheApp' | 'unchanged' | 'changeLeft' | 'offerLeft' | 'setUpLeft' | 'resetLater' | 'turnedOn' | 'turnedOff' | 'replaced';

/** Why recovery codes come: asked for, with the first or another authenticator, or because few are left or none were kept. */
export type Occasion = 'wished' | 'firstSetUp' | 'replaced' | 'due';

/** What `SECOND_FACTOR` asks, kept while the user looks at another way to answer it. */
export interface Prompt {
  attemptsLeft: number;
  digits: readonly number[];
  deviceName: string;
  /** Until then no passcode is checked; an instant, because a laptop sleeps. */
  waitUntil: number | null;
  /** Only recovery codes are accepted for now. */
  stopped: boolean;
  wrongInARow: number;
  /** The wish that the sign-in began with. */
  wish: Wish | null;
}

export interface Claims {
  readonly [name: string]: string;
}

interface OnScreen {
  loading: {};
  broken: {};
  signIn: {};
  signUp: {};
  confirmSignUp: {};
  forgot: {};
  resetPassword: {};
  newPassword: {};
  offer: {};
  /** `offered`: the user may do without, but is asked again only at the next sign-in. */
  setUp: { attemptsLeft: number; digits: readonly number[]; secretCode: string; otpauthUri: string; offered: boolean };
  /** `earlierLeft`: how many earlier ones work until then; null if the triggers do not say. */
  codes: { attemptsLeft: number; recoveryCodes: readonly string[]; earlierLeft: number | null; occasion: Occasion };
  passcode: { prompt: Prompt };
  recoveryCode: { prompt: Prompt };
  support: { prompt: Prompt; from: 'passcode' | 'recoveryCode' };
  /** Until `waitUntil`, and where passcodes are `stopped`, only a recovery code is right. */
  remove: { attemptsLeft: number; digits: readonly number[]; waitUntil: number | null; stopped: boolean };
  signedIn: { claims: Claims; expires: number };
  problem: {};
}

export interface Common {
  /** Numbers the sign-ins: what an earlier one still receives is dropped. */
  attempt: number;
  busy: boolean;
  problem: Problem | null;
  notices: readonly Notice[];
  username: string;
  wish: Wish | null;
  /** The passcode that was sent last: it works once, so it is not sent again. */
  lastSent: string;
  /** The second factor of this sign-in is answered with a recovery code, or with the one from support. */
  byCode: boolean;
  /** How many wrong passcodes this sign-in has sent: the user knows of these. */
  wrongPasscodes: number;
}

export type Screen = keyof OnScreen;
export type On<S extends Screen> = S extends Screen ? Common & { screen: S } & OnScreen[S] : never;
export type State = { [S in Screen]: On<S> }[Screen];

/** A challenge of the triggers, or a step of Cognito's own. */
export type Asked =
  | { step: 'SECOND_FACTOR'; attemptsLeft: number; digits: readonly number[]; deviceName: string; retryAfterSeconds: number; stopped: boolean }
  | { step: 'TOTP_SETUP'; attemptsLeft: number; digits: readonly number[]; secretCode: string; otpauthUri: string }
  | { step: 'RECOVERY_CODES'; attemptsLeft: number; recoveryCodes: readonly string[]; earlierLeft: number | null }
  | { step: 'REMOVE_AUTHENTICATOR'; attemptsLeft: number; digits: readonly number[]; retryAfterSeconds: number; stopped: boolean }
  | { step: 'SECOND_FACTOR_OFFER' | 'NEW_PASSWORD' | 'CONFIRM_SIGN_UP' | 'RESET_PASSWORD' | 'UNKNOWN' };

export type Choice =
  | 'signUp' | 'forgot' | 'back' | 'restart'
  | 'passcode' | 'recoveryCode' | 'support';

/** What happens. `attempt` is that of the state in which a call began. */
export type Event =
  | { type: 'booted'; begunAgain: boolean; notices?: readonly Notice[] }
  /** `lost`: with the recovery code, the user says whether the phone is to be replaced. */
  | { type: 'submitted'; username?: string; passcode?: string; giveUp?: boolean; lost?: boolean }
  | { type: 'mistyped'; problem: Problem }
  | { type: 'asked'; attempt: number; now: number; asked: Asked }
  | { type: 'sent'; attempt: number; to: 'confirmSignUp' | 'resetPassword' | 'signIn'; notice?: Notice | null }
  | { type: 'passed'; attempt: number; claims: Claims; expires: number; notice?: Notice | null }
  | { type: 'failed'; attempt: number; problem: Problem; stays: boolean }
  | { type: 'signedOut'; attempt: number }
  /** The sign-in that it takes ends the session; until then it can be left. */
  | { type: 'wished'; wish: Wish }
  | { type: 'told'; clock: number }
  /** `username`: what stands in the field that the user leaves. */
  | { type: 'chose'; choice: Choice; username?: string }
  | { type: 'clock'; now: number }
  | { type: 'online' }
  | { type: 'hidden' }
  | { type: 'broke' };

/** What goes with a `submitted`. */
export type Submitted = Omit<Named<'submitted'>, 'type'>;

type Named<T extends Event['type']> = Extract<Event, { type: T }>;
type Row<S extends Screen> = { [T in Exclude<Event['type'], 'chose'>]?: (state: On<S>, event: Named<T>) => State } & {
  chose?: { [C in Choice]?: (state: On<S>) => State };
};

export const start: State = {
  screen: 'loading', attempt: 0, busy: false, problem: null, notices: [], username: '', wish: null, lastSent: '',
  byCode: false, wrongPasscodes: 0,
};

// ── The table. A screen without a row does not compile; an event without an entry leaves the state as it is.

const TABLE: { readonly [S in Screen]: Row<S> } = {
  loading:       { booted, passed, broke },
  broken:        { },
  signIn:        { submitted, mistyped, asked, passed, failed, signedOut, online, chose: { signUp, forgot } },
  signUp:        { submitted, mistyped, sent, failed, online, chose: { forgot, back: restart } },
  confirmSignUp: { submitted, mistyped, sent, failed, online, chose: { signUp, back: restart } },
  forgot:        { submitted, mistyped, sent, failed, online, chose: { back: beginAgain } },
  resetPassword: { submitted, mistyped, sent, failed, online, chose: { back: beginAgain } },
  newPassword:   { submitted, mistyped, asked, passed, failed, online, hidden, chose: { back: restart } },
  offer:         { submitted, asked, passed, failed, online, hidden },
  setUp:         { submitted, mistyped, asked, passed, failed, online, hidden, told, chose: { back: restart } },
  codes:         { submitted, mistyped, asked, passed, failed, online, hidden, chose: { back: restart } },
  passcode:      { submitted, mistyped, asked, passed, failed, online, hidden, clock, told, chose: { recoveryCode: typeRecoveryCode, support, back: restart } },
  recoveryCode:  { submitted, mistyped, asked, passed, failed, online, hidden, clock, chose: { passcode: typePasscode, support, back: restart } },
  support:       { hidden, clock, chose: { back: fromSupport } },
  remove:        { submitted, mistyped, asked, passed, failed, online, hidden, clock, chose: { back: restart } },
  signedIn:      { submitted, passed, failed, signedOut, wished, online },
  problem:       { chose: { restart } },
};

export function reduce(state: State, event: Event): State {
  if ('attempt' in event && event.attempt !== state.attempt) return state;
  // An answer that is under way cannot be called back.
  if (event.type === 'chose' && state.busy) return state;
  // A row takes the states of its own screen, which TypeScript cannot follow over the union.
  const row = TABLE[state.screen] as Row<Screen>;
  const next = event.type === 'chose' ? row.chose?.[event.choice] : row[event.type];
  if (!next) return state;
  const typed = event.type === 'chose' && event.username !== undefined ? { ...state, username: event.username } : state;
  return (next as (state: State, event: Event) => State)(typed, event);
}

/** Until when no passcode is checked, if there is such a wait. */
export function waitUntil(state: State): number | null {
  return 'prompt' in state ? state.prompt.waitUntil : 'waitUntil' in state ? state.waitUntil : null;
}

/** What the challenge on the screen says of its answers. */
export function challenge(state: State): { attemptsLeft: number; digits: readonly number[] } {
  if ('prompt' in state) return state.prompt;
  return { attemptsLeft: 'attemptsLeft' in state ? state.attemptsLeft : 3, digits: 'digits' in state ? state.digits : [] };
}

/** What leads back from a screen, if anything does. */
export function wayBack(state: State): Choice | null {
  // The screen before it, and not the cancellation, which is all that its own button can be.
  if (state.screen === 'recoveryCode' && !state.prompt.stopped) return 'passcode';
  return TABLE[state.screen].chose?.back ? 'back' : null;
}

/** How it stands if the user leaves now. While an answer is under way, nobody can tell. */
export function leaving(state: State): readonly Notice[] {
  if (state.busy) return [];
  const codeUsed = state.byCode ? ['codeUsed'] as const : [];
  switch (state.screen) {
    case 'confirmSignUp':
      return ['confirmLater'];
    case 'resetPassword':
      return ['resetLater'];
    case 'passcode':
    case 'recoveryCode':
      // Whoever wished for something was signed in before.
      return state.wish === null ? [] : ['changeLeft'];
    case 'setUp':
      return [state.offered ? 'offerLeft' : 'changeLeft', 'setUpLeft', ...codeUsed];
    case 'remove':
      return ['changeLeft', ...codeUsed];
    case 'codes':
      return [
        ...(state.occasion === 'wished' ? ['changeLeft'] as const : []),
        ...codesLeft(state),
        ...codeUsed,
        ...(needsTheApp(state) ? ['onlyTheApp'] as const : []),
      ];
    default:
      return [];
  }
}

const KEPT_CODES: { readonly [O in Occasion]: Notice } = {
  wished: 'codesKept', firstSetUp: 'turnedOn', replaced: 'replaced', due: 'codesKept',
};

const LEFT_CODES: { readonly [O in Occasion]: Notice } = {
  wished: 'codesUnchanged', firstSetUp: 'codesDue', replaced: 'phoneReplaced', due: 'codesNotKept',
};

/** Whether only the app that there was before lets the user in again, unless the new codes are kept. */
export function needsTheApp({ byCode, earlierLeft, occasion }: On<'codes'>): boolean {
  return byCode && earlierLeft === 0 && !hasNewApp(occasion);
}

/** Whether the codes come with a new app, which is set up already. */
export function hasNewApp(occasion: Occasion): boolean {
  return occasion === 'firstSetUp' || occasion === 'replaced';
}

/** What holds once the new codes are left; earlier ones may never have been kept, or be used up. */
function codesLeft({ occasion, earlierLeft }: On<'codes'>): readonly Notice[] {
  return earlierLeft ? [LEFT_CODES[occasion], 'earlierCodesWork'] : [LEFT_CODES[occasion]];
}

// ── What the entries do. Each gives a whole new state.

function booted(state: State, { begunAgain, notices = [] }: Named<'booted'>): State {
  return { ...blank(state), screen: 'signIn', problem: begunAgain ? { kind: 'begunAgain' } : null, notices };
}

function broke(state: State): State {
  return { ...blank(state), screen: 'broken' };
}

/** Once, while nothing is under way: a double click sends nothing twice. */
function submitted(state: State, { username, passcode, giveUp, lost }: Named<'submitted'>): State {
  if (state.busy) return state;
  const begins = state.screen === 'signIn' && username !== undefined;
  if (passcode && passcode === state.lastSent) return { ...state, problem: { kind: 'sentAlready' } };
  const wish = state.screen !== 'recoveryCode' ? state.wish : lost ? 'REPLACE_AUTHENTICATOR' : state.prompt.wish;
  return {
    ...state,
    busy: true,
    problem: null,
    notices: [],
    // On these two screens, `lost` comes with a recovery code, and only with one.
    byCode: 'prompt' in state ? lost !== undefined : !begins && state.byCode,
    wrongPasscodes: begins ? 0 : state.wrongPasscodes,
    username: username ?? state.username,
    lastSent: passcode ?? state.lastSent,
    wish: giveUp ? null : wish,
  };
}

function mistyped(state: State, { problem }: Named<'mistyped'>): State {
  return state.busy ? state : { ...state, problem, notices: [] };
}

function asked(state: State, { asked, now }: Named<'asked'>): State {
  const next = blank(state);
  switch (asked.step) {
    case 'SECOND_FACTOR':
      return prompted(state, asked, now);
    case 'TOTP_SETUP': {
      const { attemptsLeft, digits } = asked;
      // After a wrong answer the secret does not come again: it is still the one on the screen.
      const before = state.screen === 'setUp' ? state : null;
      const { secretCode, otpauthUri } = asked.secretCode || !before ? asked : before;
      if (!secretCode || !otpauthUri) return { ...next, screen: 'problem', problem: { kind: 'newerServer' } };
      const problem = before && wrongPasscode('wrongFirstPasscode', before, attemptsLeft);
      const offered = before ? before.offered : state.screen === 'offer' || state.wish === 'SET_UP';
      return { ...next, screen: 'setUp', attemptsLeft, digits, secretCode, otpauthUri, offered, problem };
    }
    case 'RECOVERY_CODES': {
      const { attemptsLeft } = asked;
      const before = state.screen === 'codes' ? state : null;
      const { recoveryCodes, earlierLeft } = asked.recoveryCodes.length || !before ? asked : before;
      if (!recoveryCodes.length) return { ...next, screen: 'problem', problem: { kind: 'newerServer' } };
      const problem = before && wrong('notOneOfThese', before, attemptsLeft);
      // A right first passcode gives all attempts back; a set-up that is given up takes one.
      const givenUp = state.screen === 'setUp' && attemptsLeft < state.attemptsLeft;
      const notices = givenUp ? ['unchanged', 'setUpLeft'] as const : [];
      const why = before?.occasion ?? (givenUp ? 'due' : occasion(state));
      return { ...next, screen: 'codes', attemptsLeft, recoveryCodes, earlierLeft, occasion: why, problem, notices };
    }
    case 'REMOVE_AUTHENTICATOR':
      return removal(state, asked, now);
    case 'SECOND_FACTOR_OFFER':
      return { ...next, screen: 'offer' };
    case 'NEW_PASSWORD':
      return { ...next, screen: 'newPassword' };
    case 'CONFIRM_SIGN_UP':
      return { ...next, screen: 'confirmSignUp', problem: { kind: 'confirmFirst' } };
    case 'RESET_PASSWORD':
      return { ...next, screen: 'resetPassword', problem: { kind: 'passwordReset' } };
    case 'UNKNOWN':
      return { ...next, screen: 'problem', problem: { kind: 'newerServer' } };
  }
}

function occasion({ screen, wish }: State): Occasion {
  if (screen === 'setUp') return wish === 'REPLACE_AUTHENTICATOR' ? 'replaced' : 'firstSetUp';
  return wish === 'NEW_RECOVERY_CODES' ? 'wished' : 'due';
}

function prompted(state: State, asked: Extract<Asked, { step: 'SECOND_FACTOR' }>, now: number): State {
  const { attemptsLeft, digits, deviceName, stopped } = asked;
  const before = 'prompt' in state ? state.prompt : null;
  const isWrong = before !== null && attemptsLeft < before.attemptsLeft;
  const wrongInARow = isWrong && state.screen === 'passcode' ? before.wrongInARow + 1 : 0;
  const waitUntil = waitEnds(asked, now);
  const wish = before ? before.wish : state.wish;
  const prompt: Prompt = { attemptsLeft, digits, deviceName, stopped, waitUntil, wrongInARow, wish };
  const next = { ...blank(state), prompt, wrongPasscodes: state.wrongPasscodes + Number(isWrong && !state.byCode) };
  const typedCode = state.screen === 'recoveryCode';
  if (isWrong && typedCode) return { ...next, screen: 'recoveryCode', problem: wrong('wrongRecoveryCode', before, attemptsLeft) };
  if (stopped) return { ...next, screen: 'recoveryCode', problem: { kind: 'stopped' } };
  if (typedCode) return { ...next, screen: 'recoveryCode' };
  // A wait has words of its own.
  const problem = isWrong && waitUntil === null ? wrongPasscode('wrongPasscode', before, attemptsLeft) : null;
  return { ...next, screen: 'passcode', problem };
}

function removal(state: State, asked: Extract<Asked, { step: 'REMOVE_AUTHENTICATOR' }>, now: number): State {
  const { attemptsLeft, digits, stopped } = asked;
  const before = state.screen === 'remove' ? state : null;
  const next = { ...blank(state), screen: 'remove', attemptsLeft, digits, waitUntil: waitEnds(asked, now), stopped } as const;
  const onlyCodes = before !== null && (before.stopped || before.waitUntil !== null);
  const problem = before && wrong(onlyCodes ? 'wrongRecoveryCode' : 'wrongCode', before, attemptsLeft);
  if (problem && onlyCodes) return { ...next, problem };
  if (stopped) return { ...next, problem: { kind: 'stopped' } };
  return { ...next, problem: next.waitUntil === null ? problem : null };
}

function sent(state: State, { to, notice }: Named<'sent'>): State {
  return { ...blank(state), screen: to, notices: notice ? [notice] : [] };
}

function passed(state: State, { claims, expires, notice }: Named<'passed'>): State {
  // After a reload only the tokens say who it is.
  const username = state.username || (claims['email'] ?? '');
  return { ...blank(state), screen: 'signedIn', claims, expires, username, wish: null, notices: done(state, notice) };
}

/** What a user who is signed in has done, or has given up. */
function done(state: State, notice: Notice | null | undefined): readonly Notice[] {
  switch (state.screen) {
    case 'setUp':
      return notice ? [notice, 'setUpLeft'] : [];
    case 'codes':
      return notice === 'unchanged' ? codesLeft(state) : [KEPT_CODES[state.occasion]];
    case 'remove':
      return [notice ?? 'turnedOff'];
    default:
      return notice ? [notice] : [];
  }
}

function failed(state: State, { problem, stays }: Named<'failed'>): State {
  // Not sent, or not looked at: the same passcode may be sent again.
  if (stays) return { ...state, busy: false, problem, lastSent: '' };
  // After any other failure the codes on the screen may be valid.
  const notKept = problem.kind === 'ended' || problem.kind === 'expired';
  const notices: readonly Notice[] = notKept ? leaving({ ...state, busy: false }) : state.screen === 'codes' ? ['codesUnclear'] : [];
  if (problem.kind !== 'secondStepNeeded' || state.wish !== 'REMOVE_AUTHENTICATOR') return { ...beginAgain(state), problem, notices };
  // At the prompt it is refused, and the second step stays on. At the removal it was refused, or done and the tokens refused.
  return { ...beginAgain(state), problem: { kind: 'prompt' in state ? 'staysOn' : 'secondStepNow' }, wish: null };
}

/** Also where a wish is left whose session has ended. */
function signedOut(state: State): State {
  return { ...restart(state), notices: [state.screen === 'signedIn' ? 'signedOut' : 'changeLeft'] };
}

function wished(state: State, { wish }: Named<'wished'>): State {
  return state.busy ? state : { ...beginAgain(state), wish };
}

function online(state: State): State {
  if (state.problem?.kind !== 'offline') return state;
  // The passcode that was not sent may be out of date by now.
  return { ...state, problem: null, notices: state.screen === 'passcode' || state.screen === 'setUp' ? ['backOnline'] : [] };
}

/** The browser keeps the page for its Back button: no secret stays in it. */
function hidden(state: State): State {
  return { ...beginAgain(state), problem: { kind: 'begunAgain' } };
}

function clock(state: On<'passcode' | 'recoveryCode' | 'support' | 'remove'>, { now }: Named<'clock'>): State {
  const ends = waitUntil(state);
  if (ends === null || now < ends) return state;
  if (state.screen === 'remove') return { ...state, waitUntil: null, notices: ['waitOver'] };
  return { ...state, prompt: { ...state.prompt, waitUntil: null }, notices: ['waitOver'] };
}

/** The server's time, asked after two wrong passcodes in a row. */
function told(state: State, { clock }: Named<'told'>): State {
  const { problem } = state;
  return problem && 'clock' in problem ? { ...state, problem: { ...problem, clock } } : state;
}

/** Whether the passcodes are wrong again and again, as with a clock that is wrong. */
export function seemsOffTime(state: State): boolean {
  return 'prompt' in state ? state.prompt.wrongInARow > 1 : state.problem?.kind === 'wrongFirstPasscode' && state.problem.attemptsLeft < 2;
}

function signUp(state: State): State {
  return { ...blank(state), screen: 'signUp' };
}

function forgot(state: State): State {
  return { ...blank(state), screen: 'forgot' };
}

function restart(state: State): State {
  return { ...beginAgain(state), wish: null };
}

function typeRecoveryCode(state: On<'passcode'>): State {
  return { ...blank(state), screen: 'recoveryCode', prompt: state.prompt };
}

function typePasscode(state: On<'recoveryCode'>): State {
  const { prompt } = state;
  if (prompt.stopped) return state;
  // The phone is not lost after all.
  return { ...blank(state), screen: 'passcode', prompt, wish: prompt.wish };
}

function support(state: On<'passcode' | 'recoveryCode'>): State {
  return { ...blank(state), screen: 'support', prompt: state.prompt, from: state.screen };
}

function fromSupport({ prompt, from, ...state }: On<'support'>): State {
  return { ...blank(state), screen: from, prompt, problem: prompt.stopped ? { kind: 'stopped' } : null };
}

/** What is left of a state on the next screen. */
function blank({ attempt, username, wish, lastSent, byCode, wrongPasscodes }: Common): Common {
  return { attempt, username, wish, lastSent, byCode, wrongPasscodes, busy: false, problem: null, notices: [] };
}

function beginAgain(state: State): On<'signIn'> {
  // With the codes of a new app, what was wished for is done.
  const isDone = state.screen === 'codes' && hasNewApp(state.occasion);
  return { ...blank(state), attempt: state.attempt + 1, screen: 'signIn', notices: leaving(state), ...(isDone && { wish: null }) };
}

function waitEnds({ retryAfterSeconds }: { retryAfterSeconds: number }, now: number): number | null {
  return retryAfterSeconds > 0 ? now + retryAfterSeconds * 1000 : null;
}

function wrongPasscode(kind: 'wrongPasscode' | 'wrongFirstPasscode', before: { attemptsLeft: number }, attemptsLeft: number): Problem | null {
  return attemptsLeft < before.attemptsLeft ? { kind, attemptsLeft, clock: null } : null;
}

type Wrong = 'wrongRecoveryCode' | 'wrongCode' | 'notOneOfThese';

function wrong(kind: Wrong, before: { attemptsLeft: number }, attemptsLeft: number): Problem | null {
  return attemptsLeft < before.attemptsLeft ? { kind, attemptsLeft } : null;
}
