import { shallowRef } from 'vue';

import type { Outcome } from '../../src/cognito.ts';
import { reduce, start, type Event, type State, type Submitted } from '../../src/flow.ts';

export function useSignIn() {
  const state = shallowRef<State>(start);
  const dispatch = (event: Event) => { state.value = reduce(state.value, event); };
  async function send(submitted: Submitted, call: (state: State) => Promise<Outcome>) {
    const { busy, attempt } = state.value;
    dispatch({ type: 'submitted', ...submitted });
    if (busy || !state.value.busy) return;
    dispatch({ ...(await call(state.value)), attempt } as Event);
  }
  return { state, dispatch, send };
}
