// A local user pool in another process, and what its operator does.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { Person } from './person.mjs';
import { tokenVerifier } from './token_verifier.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PASSWORD = 'Correct-horse-9';

// Nothing reports that these tests ran.
const { fetch } = globalThis;
globalThis.fetch = async (resource, options) => {
  assert.equal(new URL(resource).hostname, '127.0.0.1');
  return fetch(resource, options);
};

export class LocalPool {
  #process;
  #verify;

  /** `options` are those of `serve`. */
  static async start(...options) {
    const pool = new LocalPool();
    await pool.#start(options);
    return pool;
  }

  async #start(options) {
    const serve = ['run', '--quiet', '--locked', '--', 'serve', '--port', '0', '--json', ...options];
    this.#process = spawn('cargo', serve, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(createInterface(this.#process.stdout), 'line');
    const { endpoint, region, userPoolId, clientId } = JSON.parse(line);
    Object.assign(this, { endpoint, region, userPoolId, clientId });
    this.#verify = await tokenVerifier(this);
  }

  async stop() {
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
  }

  /** A user with a password of the user's own, or with the operator's, and nothing else. */
  async newPerson({ temporaryPassword = false, UserAttributes } = {}) {
    const user = { UserPoolId: this.userPoolId, Username: `user-${crypto.randomUUID()}@example.com` };
    const created = await this.call('AdminCreateUser', { ...user, UserAttributes, MessageAction: 'SUPPRESS' });
    await this.call('AdminSetUserPassword', { ...user, Password: PASSWORD, Permanent: !temporaryPassword });
    return this.#person(user.Username, created.User.Username);
  }

  /** A user who signed up and has not typed the code yet. */
  async newUnconfirmedPerson() {
    const Username = `user-${crypto.randomUUID()}@example.com`;
    const { UserSub } = await this.call('SignUp', { ClientId: this.clientId, Username, Password: PASSWORD });
    return this.#person(Username, UserSub);
  }

  #person(name, userName) {
    const person = new Person(name, PASSWORD, userName);
    person.messageCode = () => this.lastCode(userName);
    return person;
  }

  async call(operation, request) {
    const headers = {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `AWSCognitoIdentityProviderService.${operation}`,
    };
    const response = await fetch(this.endpoint, { method: 'POST', headers, body: JSON.stringify(request) });
    const answer = await response.json();
    if (!response.ok) {
      throw Object.assign(new Error(answer.message), { name: answer.__type });
    }
    return answer;
  }

  /** The code that was sent to a user last. */
  async lastCode(userName) {
    const messages = await (await fetch(`${this.endpoint}/messages`)).json();
    return messages.findLast((message) => message.userName === userName).code;
  }

  /** The claims of an ID and an access token of one sign-in. */
  async verified({ idToken, accessToken }) {
    const [id, access] = await Promise.all([this.#verify(idToken, 'id'), this.#verify(accessToken, 'access')]);
    assert.deepEqual([access.sub, access.origin_jti], [id.sub, id.origin_jti]);
    return { id, access };
  }
}
