// What a person does in either framework, with answers as Cognito's calls would bring them.

import type { Outcome } from '../../src/cognito.ts';
import type { Event, State, Submitted } from '../../src/flow.ts';

type Send = (submitted: Submitted, call: (state: State) => Promise<Outcome>) => Promise<void>;

const prompt: Outcome = {
  type: 'asked',
  now: 0,
  asked: { step: 'SECOND_FACTOR', attemptsLeft: 3, digits: [6], deviceName: '', retryAfterSeconds: 0, stopped: false },
};
const tokens: Outcome = { type: 'passed', claims: {}, expires: 0 };

export function buttons(dispatch: (event: Event) => void, send: Send): [name: string, press: () => void][] {
  /** Each call leaves a mark on the page. */
  const answered = (outcome: Outcome) => async ({ username, lastSent }: State) => {
    document.body.append(h2(`${username} ${lastSent}`.trim()));
    return outcome;
  };
  const twice = (submitted: Submitted, outcome: Outcome) => () => {
    send(submitted, answered(outcome));
    send(submitted, answered(outcome));
  };
  return [
    ['boot', () => dispatch({ type: 'booted', begunAgain: false })],
    ['sign in', twice({ username: 'ana' }, prompt)],
    ['passcode', twice({ passcode: '123456' }, tokens)],
  ];
}

function h2(text: string): HTMLElement {
  return Object.assign(document.createElement('h2'), { textContent: text });
}
