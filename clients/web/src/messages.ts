// Only where the local pool serves the page: the messages that Cognito would have sent, and a test user from the
// operator. Its calls need no credentials.

import type { h } from './dom.ts';
import type { State } from './flow.ts';
import type { Config } from './main.ts';
import type { Texts } from './texts/texts.ts';

const SHOWN = 5;

/** Gives what to call when the state has changed. `make` is `h`, which is in the page's own script already. */
export function messagesPanel(make: typeof h, { local }: Texts, config: Config): (state: State, before: State) => void {
  const list = make('ul');
  const none = make('p');
  const load = async () => {
    const response = await fetch('messages', { cache: 'no-store' }).catch(() => null);
    if (!response?.ok) return;
    const messages: { to: string; code: string; reason: string }[] = await response.json();
    const line = ({ to, code, reason }: (typeof messages)[number]) =>
      make('li', {}, reason === 'TEMPORARY_PASSWORD' ? local.temporaryPassword(to, code) : local.code(to, code));
    list.replaceChildren(...messages.slice(-SHOWN).reverse().map(line));
    none.textContent = messages.length ? '' : local.none;
  };
  const create = async () => {
    const email = await createUser(config);
    await load();
    const field = document.querySelector<HTMLInputElement>('#email');
    if (field) field.value = email;
  };
  const button = make('button', { type: 'button', class: 'link', onclick: create }, local.create);
  document.body.append(make('aside', { 'aria-labelledby': 'local' },
    make('h2', { id: 'local' }, local.title),
    make('p', {}, local.text), list, none,
    config.selfSignUp !== true && make('p', {}, local.newUser, ' ', button)));
  addEventListener('focus', load);
  return (state, before) => {
    if (state.screen !== before.screen || (before.busy && !state.busy)) load();
  };
}

async function createUser({ userPoolId }: Config): Promise<string> {
  const email = `user-${Date.now()}@example.com`;
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'AWSCognitoIdentityProviderService.AdminCreateUser',
  };
  const UserAttributes = [{ Name: 'email', Value: email }, { Name: 'email_verified', Value: 'true' }];
  const body = JSON.stringify({ UserPoolId: userPoolId, Username: email, UserAttributes });
  await fetch('./', { method: 'POST', headers, body });
  return email;
}
