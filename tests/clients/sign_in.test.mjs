// Each client for JavaScript signs in against `cargo run -- serve`.

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { clients } from './clients.mjs';
import { LocalPool } from './local_pool.mjs';

const pool = await LocalPool.start('--self-sign-up');
after(() => pool.stop());

for (const [name, client] of Object.entries(clients(pool))) {
  describe(name, () => signsIn(client));
}

function signsIn(client) {
  /** Gives the claims of the tokens, which were verified. */
  const signIn = async (person, ...replies) => {
    person.begin(replies);
    const claims = await pool.verified(await client.signIn(person));
    assert.deepEqual([claims.id['cognito:username'], claims.access.username], [person.userName, person.userName]);
    return claims;
  };
  const refused = (signingIn) =>
    assert.rejects(signingIn, { name: 'NotAuthorizedException', message: 'Incorrect username or password.' });

  /** Someone who has set up an authenticator and keeps recovery codes. */
  const owner = async () => {
    const person = await pool.newPerson();
    await signIn(person);
    return person;
  };

  it('sets up an authenticator and recovery codes in the first sign-in', async () => {
    const person = await pool.newPerson();
    await signIn(person);
    assert.deepEqual(person.screens(), ['showAuthenticator 3', 'showRecoveryCodes 3']);
    const [{ secretCode, otpauthUri }, { recoveryCodes }] = person.asked;
    assert.equal(new URL(otpauthUri).searchParams.get('secret'), secretCode);
    assert.equal(new Set(recoveryCodes).size, 10);
  });

  it('asks a passcode in the next sign-in, by the name that the user gave to the authenticator', async () => {
    const person = await pool.newPerson();
    // With a mistyped passcode first: the name goes with the next answer too.
    await signIn(person, { answer: 'mistyped', friendlyDeviceName: 'My phone' });
    await signIn(person);
    assert.deepEqual(person.asked, [
      {
        screen: 'askPasscode',
        accepts: ['PASSCODE', 'RECOVERY_CODE'],
        attemptsLeft: 3,
        retryAfterSeconds: 0,
        passcodeDigits: [6],
        friendlyDeviceName: 'My phone',
      },
    ]);
  });

  it('shows the same secret again after a mistyped passcode', async () => {
    const person = await pool.newPerson();
    await signIn(person, { answer: 'mistyped' });
    assert.deepEqual(person.screens(), ['showAuthenticator 3', 'showAuthenticator 2', 'showRecoveryCodes 3']);
    const [first, second] = person.asked;
    assert.deepEqual({ ...second, attemptsLeft: 3 }, first);
  });

  it('is refused with a wrong password', async () => {
    const person = await owner();
    person.password = 'Another password 1';
    await refused(signIn(person));
    assert.deepEqual(person.asked, []);
  });

  it('is let in by a right passcode after two wrong ones', async () => {
    const person = await owner();
    const wrong = { answer: person.authenticator.wrongPasscode() };
    const claims = await signIn(person, wrong, wrong);
    assert.deepEqual(person.screens(), ['askPasscode 3', 'askPasscode 2', 'askPasscode 1']);
    assert.equal(claims.id.second_factor_wrong_passcodes, '2');
    assert.equal(claims.access.second_factor_wrong_passcodes, undefined);
    if (client.showsWrongPasscodes) assert.equal(person.wrongPasscodes, 2);
    await signIn(person, { answer: person.recoveryCodes[0] });
    assert.equal(person.wrongPasscodes, 0);
  });

  it('is refused after three wrong passcodes, and begins again with the password', async () => {
    const person = await owner();
    const wrong = { answer: person.authenticator.wrongPasscode() };
    await refused(signIn(person, wrong, wrong, wrong));
    await signIn(person);
    assert.deepEqual(person.screens(), ['askPasscode 3']);
  });

  it('is not let in by a passcode that was used', async () => {
    const person = await owner();
    const used = { answer: person.authenticator.unusedPasscode() };
    await signIn(person, used);
    await signIn(person, used, { answer: person.recoveryCodes[0] });
    assert.deepEqual(person.screens(), ['askPasscode 3', 'askPasscode 2']);
  });

  it('replaces a lost phone with a recovery code, and the old authenticator is dead', async () => {
    const person = await owner();
    const lost = person.authenticator;
    const [code] = person.recoveryCodes;
    // Mistyped first: what the user wants goes with the next answer too.
    await signIn(person, { answer: 'mistyped', afterSecondFactor: 'REPLACE_AUTHENTICATOR' }, { answer: code });
    assert.deepEqual(person.screens(), [
      'askPasscode 3',
      'askPasscode 2',
      'showAuthenticator 3',
      'showRecoveryCodes 3',
    ]);
    assert.notEqual(person.authenticator, lost);
    await signIn(person, { answer: lost.unusedPasscode() });
    assert.deepEqual(person.screens(), ['askPasscode 3', 'askPasscode 2']);
  });

  it('gets new recovery codes, shown again after a mistyped one, and the old ones are dead', async () => {
    const person = await owner();
    const [old] = person.recoveryCodes;
    const passcode = person.authenticator.unusedPasscode();
    await signIn(person, { answer: passcode, afterSecondFactor: 'NEW_RECOVERY_CODES' }, { answer: 'mistyped' });
    assert.deepEqual(person.screens(), ['askPasscode 3', 'showRecoveryCodes 3', 'showRecoveryCodes 2']);
    assert.deepEqual(person.asked[1].recoveryCodes, person.asked[2].recoveryCodes);
    await signIn(person, { answer: old }, { answer: person.recoveryCodes[0] });
    assert.deepEqual(person.screens(), ['askPasscode 3', 'askPasscode 2']);
  });

  it('gives up a change, and the authenticator stays', async () => {
    const person = await owner();
    const kept = person.authenticator;
    const [code] = person.recoveryCodes;
    await signIn(
      person,
      { answer: code, afterSecondFactor: 'REPLACE_AUTHENTICATOR' },
      { answer: 'NOTHING', afterSecondFactor: 'NOTHING' },
    );
    assert.deepEqual(person.screens(), ['askPasscode 3', 'showAuthenticator 3']);
    await signIn(person, { answer: kept.unusedPasscode() });
    assert.deepEqual(person.screens(), ['askPasscode 3']);
  });

  it('says how long passcodes wait after five wrong ones, and a recovery code does not wait', async () => {
    const person = await owner();
    const wrong = { answer: person.authenticator.wrongPasscode() };
    await refused(signIn(person, wrong, wrong, wrong));
    await signIn(person, wrong, wrong, { answer: person.recoveryCodes[0] });
    const waits = person.asked.map(({ retryAfterSeconds }) => retryAfterSeconds > 0);
    assert.deepEqual(waits, [false, false, true]);
  });

  it('changes a temporary password before it asks the second factor', async () => {
    const person = await pool.newPerson({ temporaryPassword: true });
    await signIn(person);
    assert.deepEqual(
      person.asked.map(({ screen }) => screen),
      ['askNewPassword', 'showAuthenticator', 'showRecoveryCodes'],
    );
    await signIn(person);
    assert.deepEqual(person.screens(), ['askPasscode 3']);
  });

  if (client.settlesAccounts) {
    it('confirms a user who signed up and never did, and goes on', async () => {
      const person = await pool.newUnconfirmedPerson();
      await signIn(person);
      assert.deepEqual(
        person.asked.map(({ screen }) => screen),
        ['askMessageCode', 'showAuthenticator', 'showRecoveryCodes'],
      );
    });

    it('sets a new password after an operator has reset it, and goes on', async () => {
      const person = await pool.newPerson({ UserAttributes: [{ Name: 'email_verified', Value: 'true' }] });
      await pool.call('AdminResetUserPassword', { UserPoolId: pool.userPoolId, Username: person.userName });
      await signIn(person);
      assert.deepEqual(
        person.asked.map(({ screen }) => screen),
        ['askCodeAndNewPassword', 'showAuthenticator', 'showRecoveryCodes'],
      );
      await signIn(person);
      assert.deepEqual(person.screens(), ['askPasscode 3']);
    });
  }

  it('ends with the error of a screen, as when the user closes it', async () => {
    const person = await pool.newPerson();
    person.showAuthenticator = async () => {
      throw new Error('closed');
    };
    await assert.rejects(signIn(person), { message: 'closed' });
  });

  it('refreshes the tokens, and ends them with the sign-out', async () => {
    const person = await pool.newPerson();
    const first = await signIn(person);
    const second = await client.refresh();
    const claims = await pool.verified(second);
    assert.deepEqual([claims.id.sub, claims.id.origin_jti], [first.id.sub, first.id.origin_jti]);
    assert.notEqual(claims.id.jti, first.id.jti);
    const { Username } = await pool.call('GetUser', { AccessToken: second.accessToken });
    assert.equal(Username, person.userName);
    await client.signOut();
    await assert.rejects(pool.call('GetUser', { AccessToken: second.accessToken }), {
      name: 'NotAuthorizedException',
      message: 'Access Token has been revoked',
    });
    await assert.rejects(async () => client.refresh());
  });
}
