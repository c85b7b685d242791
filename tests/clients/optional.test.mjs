// Each client for JavaScript, where users may do without a second factor, and at an app client that requires one.

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { clients } from './clients.mjs';
import { LocalPool } from './local_pool.mjs';
import { tokenVerifier } from './token_verifier.mjs';

const FIRST_CLIENT = 'localpoolclient00000000000';
const required = await LocalPool.start('--second-factor-policy', 'OPTIONAL', '--required-client', FIRST_CLIENT);
after(() => required.stop());

const { UserPoolClient } = await required.call('CreateUserPoolClient', {
  UserPoolId: required.userPoolId,
  ClientName: 'where users may do without',
  ExplicitAuthFlows: ['ALLOW_CUSTOM_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
});
const { endpoint, region, userPoolId } = required;
const optional = { endpoint, region, userPoolId, clientId: UserPoolClient.ClientId };

for (const name of Object.keys(clients(optional))) {
  describe(name, () => mayDoWithout(name));
}

function mayDoWithout(name) {
  /** Gives the claims of the ID token, which was verified. */
  const signInAt = async (pool, person, ...replies) => {
    person.begin(replies);
    // Amplify has one configuration in a process.
    const { idToken } = await clients(pool)[name].signIn(person);
    return (await tokenVerifier(pool))(idToken, 'id');
  };
  const signIn = (person, ...replies) => signInAt(optional, person, ...replies);
  const proven = ({ second_factor, second_factor_enrolled }) => [second_factor, second_factor_enrolled];
  const SET_UP = { answer: 'SET_UP' };

  const owner = async () => {
    const person = await required.newPerson();
    assert.deepEqual(proven(await signIn(person, SET_UP)), ['totp', 'true']);
    assert.deepEqual(person.screens(), ['offerSecondFactor', 'showAuthenticator 3', 'showRecoveryCodes 3']);
    return person;
  };

  it('lets a user skip the offer, which comes again in the next sign-in', async () => {
    const person = await required.newPerson();
    for (let signIns = 0; signIns < 2; signIns += 1) {
      assert.deepEqual(proven(await signIn(person)), [undefined, 'false']);
      assert.deepEqual(person.screens(), ['offerSecondFactor']);
    }
  });

  it('turns it on from the offer, and asks for it from then on', async () => {
    const person = await owner();
    await signIn(person);
    assert.deepEqual(person.screens(), ['askPasscode 3']);
  });

  it('turns it off with a second proof, and offers it again', async () => {
    const person = await owner();
    const answer = person.authenticator.unusedPasscode();
    const claims = await signIn(person, { answer, afterSecondFactor: 'REMOVE_AUTHENTICATOR' });
    assert.deepEqual(proven(claims), [undefined, 'false']);
    assert.deepEqual(person.screens(), ['askPasscode 3', 'confirmTurningOff 3']);
    await signIn(person);
    assert.deepEqual(person.screens(), ['offerSecondFactor']);
  });

  it('does not turn it off without the second proof', async () => {
    const person = await owner();
    const answer = person.authenticator.unusedPasscode();
    const changedMind = { answer: 'NOTHING', afterSecondFactor: 'NOTHING' };
    await signIn(person, { answer, afterSecondFactor: 'REMOVE_AUTHENTICATOR' }, changedMind);
    assert.deepEqual(person.screens(), ['askPasscode 3', 'confirmTurningOff 3']);
    await signIn(person, { answer: person.recoveryCodes[0] });
    assert.deepEqual(person.screens(), ['askPasscode 3']);
  });

  it('sets one up at a client that requires it, where it cannot be turned off', async () => {
    const person = await required.newPerson();
    await signIn(person);
    assert.deepEqual(proven(await signInAt(required, person)), ['totp', 'true']);
    assert.deepEqual(person.screens(), ['showAuthenticator 3', 'showRecoveryCodes 3']);
    const answer = person.authenticator.unusedPasscode();
    await assert.rejects(signInAt(required, person, { answer, afterSecondFactor: 'REMOVE_AUTHENTICATOR' }), {
      name: 'UserLambdaValidationException',
      message: /Your account needs a second factor\. Please sign in again\./,
    });
    await signIn(person, { answer: person.recoveryCodes[0] });
    assert.deepEqual(person.screens(), ['askPasscode 3']);
  });
}
