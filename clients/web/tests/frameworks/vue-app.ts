import { createApp, h } from 'vue';

import { buttons } from './buttons.ts';
import { useSignIn } from './vue.ts';

createApp({
  setup() {
    const { state, dispatch, send } = useSignIn();
    const drawn = buttons(dispatch, send);
    return () => [h('h1', state.value.screen), ...drawn.map(([name, onClick]) => h('button', { onClick }, name))];
  },
}).mount('main');
