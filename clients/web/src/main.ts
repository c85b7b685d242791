// Wires the page: what the person does goes to `reduce` and to Cognito, and what comes of it to the screen.

import './style.css';

import { backButton } from './back.ts';
import * as cognito from './cognito.ts';
import { h } from './dom.ts';
import { challenge, leaving, reduce, seemsOffTime, start, waitUntil, wayBack, type Event, type Notice, type Problem, type State, type Submitted, type Wish } from './flow.ts';
import { Page } from './screens.ts';
import type { Texts } from './texts/texts.ts';
import { mayBeAddress, typed } from './typed.ts';

/** config.json, next to the page. */
export interface Config extends cognito.PoolConfig {
  /** The name of the service, for the title and the file of recovery codes. */
  service?: string;
  /** Whom a user without recovery codes asks, such as an address. */
  support?: string;
  selfSignUp?: boolean;
  /** Users may turn the second step on and off. */
  optional?: boolean;
  passwordLength?: number;
  /** The page is served by the local pool, and shows its messages. */
  local?: boolean;
}

/** What a screen can do. */
export interface Actions {
  chose(choice: (Event & { type: 'chose' })['choice'], username?: string): void;
  signIn(username: string, password: string): void;
  signUp(username: string, password: string): void;
  confirmSignUp(code: string): void;
  /** Asks for the code of a sign-up that was not finished. */
  confirmAddress(username: string): void;
  sendAgain(): void;
  forgot(username: string): void;
  resetPassword(code: string, password: string): void;
  newPassword(password: string): void;
  offer(answer: 'SKIP' | 'SET_UP'): void;
  /** A passcode or a recovery code, as it was typed. */
  answer(text: string, accepts: 'passcode' | 'recoveryCode' | 'both', more?: { deviceName?: string; lost?: boolean }): void;
  giveUp(): void;
  renew(): void;
  signOut(): void;
  wished(wish: Wish): void;
  /** Back to the signed-in screen, while the session is still there. */
  unwished(): void;
  reload(): void;
}

const UNDER_WAY = 'signIn.underWay';
const WRONG_PASSCODES = 'signIn.wrongPasscodes';
const LANGUAGES: { [language: string]: () => Promise<{ texts: Texts }> } = {
  en: () => import('./texts/en.ts'),
  de: () => import('./texts/de.ts'),
  ja: () => import('./texts/ja.ts'),
  zh: () => import('./texts/zh.ts'),
};

let state: State = { ...start, wrongPasscodes: Number(sessionStorage.getItem(WRONG_PASSCODES)) };
let render = (_before: State) => {};

function dispatch(event: Event): State {
  const before = state;
  state = reduce(state, event);
  if (state !== before) render(before);
  return state;
}

/** Sends once what the reducer lets through, and what comes back belongs to the sign-in that asked. */
async function send(submitted: Submitted, call: (state: State) => Promise<cognito.Outcome>) {
  const before = state;
  if (before.busy || !dispatch({ type: 'submitted', ...submitted }).busy) return;
  const { attempt } = state;
  dispatch({ ...(await call(state)), attempt } as Event);
  if (seemsOffTime(state)) await tellTime();
}

/** The server's time, because the phone's may be wrong. A page on a static host asks that host. */
async function tellTime() {
  try {
    const { headers } = await fetch('config.json', { method: 'HEAD', cache: 'no-store' });
    const date = Date.parse(headers.get('date') ?? '');
    if (date) dispatch({ type: 'told', clock: date });
  } catch {
    // Without it the sentence about the clock is left out.
  }
}

function mistyped(problem: Problem) {
  dispatch({ type: 'mistyped', problem });
}

/** Whether all are filled in; otherwise it says so. */
function filled(...inputs: string[]): boolean {
  const all = inputs.every((input) => input !== '');
  if (!all) mistyped({ kind: state.screen === 'confirmSignUp' ? 'missingCode' : 'missingInput' });
  return all;
}

function isAddress(username: string): boolean {
  if (!filled(username)) return false;
  const may = mayBeAddress(username);
  if (!may) mistyped({ kind: 'addressFormat' });
  return may;
}

const actions: Actions = {
  chose: (choice, username) => void dispatch({ type: 'chose', choice, ...(username !== undefined && { username }) }),
  signIn(username, password) {
    if (filled(username, password)) send({ username }, ({ wish }) => cognito.signIn(username, password, wish));
  },
  signUp(username, password) {
    if (filled(username, password) && isAddress(username)) send({ username }, () => cognito.signUp(username, password));
  },
  confirmSignUp(code) {
    if (filled(code)) send({}, ({ username }) => cognito.confirmSignUp(username, code));
  },
  confirmAddress(username) {
    if (isAddress(username)) send({ username }, () => cognito.sendSignUpCodeAgain(username));
  },
  sendAgain() {
    const isSignUp = state.screen === 'confirmSignUp';
    send({}, ({ username }) => (isSignUp ? cognito.sendSignUpCodeAgain(username) : cognito.sendPasswordCode(username, 'sentAgain')));
  },
  forgot(username) {
    if (isAddress(username)) send({ username }, () => cognito.sendPasswordCode(username));
  },
  resetPassword(code, password) {
    if (filled(code, password)) send({}, ({ username }) => cognito.resetPassword(username, code, password));
  },
  newPassword(password) {
    if (filled(password)) send({}, () => cognito.setNewPassword(password));
  },
  offer(answer) {
    send({}, () => cognito.answer(answer, 3, { wish: null }));
  },
  answer(text, accepts, { deviceName = '', lost = false } = {}) {
    const { attemptsLeft, digits } = challenge(state);
    const answer = typed(text, digits);
    if (answer.kind === 'passcode' && accepts !== 'recoveryCode') {
      send({ passcode: answer.answer }, ({ wish }) => cognito.answer(answer.answer, attemptsLeft, { wish, deviceName }));
    } else if (answer.kind === 'recoveryCode') {
      send({ lost }, ({ wish }) => cognito.answer(answer.answer, attemptsLeft, { wish }));
    } else if (answer.kind === 'empty') {
      // Enter after a code that was submitted by itself must not hide what was wrong with it.
      mistyped(state.problem ? { ...state.problem } : { kind: 'missingCode' });
    } else {
      const kind = state.screen === 'remove' ? 'notACode' : 'notAPasscode';
      mistyped(accepts === 'recoveryCode' ? { kind: 'notARecoveryCode' } : { kind, digits });
    }
  },
  giveUp() {
    // The change is given up with an answer, which may be wrong.
    send({ giveUp: true }, () => cognito.answer('NOTHING', challenge(state).attemptsLeft, { wish: null, giveUp: true }));
  },
  renew: () => void send({}, () => cognito.renew()),
  signOut: () => void send({}, () => cognito.signOut()),
  wished: (wish) => void dispatch({ type: 'wished', wish }),
  unwished() {
    send({}, async () => {
      const passed = await cognito.signedIn();
      return passed ? { ...passed, notice: 'unchanged' } : { type: 'signedOut' };
    });
  },
  reload: () => location.reload(),
};

async function loadTexts(): Promise<Texts> {
  const wanted = navigator.languages.map((language) => language.split('-')[0] ?? '');
  const language = wanted.find((language) => language in LANGUAGES) ?? 'en';
  document.documentElement.lang = language;
  return (await LANGUAGES[language]!()).texts;
}

async function loadConfig(): Promise<Config | null> {
  try {
    const response = await fetch('config.json', { cache: 'no-store' });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

const [texts, config] = await Promise.all([loadTexts(), loadConfig()]);
const messages = config?.local ? (await import('./messages.ts')).messagesPanel(h, texts, config) : null;
/** A change begins with another sign-in, which can be left for the session that is there. */
const isWished = () => state.screen === 'signIn' && state.wish !== null;
const keepBack = backButton(() => (isWished() ? actions.unwished() : actions.chose(wayBack(state) ?? 'back')));
const page = new Page(texts, config ?? { userPoolId: '', userPoolClientId: '' }, actions);
render = (before) => {
  // A half sign-in cannot be drawn again after a reload: its secret is not sent twice.
  const underWay = !['loading', 'signIn', 'signUp', 'forgot', 'signedIn', 'broken'].includes(state.screen);
  if (underWay) sessionStorage.setItem(UNDER_WAY, leaving(state).join(' '));
  else if (state.screen !== 'loading') sessionStorage.removeItem(UNDER_WAY);
  sessionStorage.setItem(WRONG_PASSCODES, String(state.wrongPasscodes));
  if (state.screen !== 'loading') keepBack(wayBack(state) !== null || isWished());
  page.show(state, before);
  messages?.(state, before);
};
render(state);
if (config) {
  const left = sessionStorage.getItem(UNDER_WAY);
  cognito.configure(config);
  const outcome = await cognito.signedIn();
  dispatch(outcome ? ({ ...outcome, attempt: state.attempt } as Event) : { type: 'booted', begunAgain: left !== null, notices: (left?.split(' ').filter(Boolean) ?? []) as Notice[] });
} else {
  dispatch({ type: 'broke' });
}

setInterval(() => {
  if (waitUntil(state) === null) return;
  dispatch({ type: 'clock', now: Date.now() });
  page.tick(state);
}, 1000);
addEventListener('online', () => dispatch({ type: 'online' }));
// The browser may keep the page for its Back button.
addEventListener('pagehide', (event) => {
  if (event.persisted) dispatch({ type: 'hidden' });
});
