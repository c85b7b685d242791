import { createElement as h } from 'react';
import { createRoot } from 'react-dom/client';

import { buttons } from './buttons.ts';
import { useSignIn } from './react.ts';

function SignIn() {
  const { state, dispatch, send } = useSignIn();
  const drawn = buttons(dispatch, send).map(([name, onClick]) => h('button', { key: name, onClick }, name));
  return [h('h1', { key: 'screen' }, state.screen), ...drawn];
}

createRoot(document.querySelector('main')!).render(h(SignIn));
