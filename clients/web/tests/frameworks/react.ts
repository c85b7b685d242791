import { useRef, useState } from 'react';

import type { Outcome } from '../../src/cognito.ts';
import { reduce, start, type Event, type State, type Submitted } from '../../src/flow.ts';

export function useSignIn() {
  const [state, show] = useState<State>(start);
  // The newest state, which a handler may not have been drawn with yet.
  const now = useRef(state);
  const dispatch = (event: Event) => show((now.current = reduce(now.current, event)));
  async function send(submitted: Submitted, call: (state: State) => Promise<Outcome>) {
    const { busy, attempt } = now.current;
    dispatch({ type: 'submitted', ...submitted });
    if (busy || !now.current.busy) return;
    dispatch({ ...(await call(now.current)), attempt } as Event);
  }
  return { state, dispatch, send };
}
