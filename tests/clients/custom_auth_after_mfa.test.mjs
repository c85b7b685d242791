// Walkthrough: CUSTOM_AUTH with SRP first, then Cognito's own MFA, then what Define says, with AWS Amplify.
//
// The same user under two settings of the triggers: the Cognito factor is followed by ours, or is the second factor.

import assert from 'node:assert/strict';
import { it } from 'node:test';

import { confirmSignIn, setUpTOTP, signIn, signOut, updateMFAPreference, verifyTOTPSetup } from 'aws-amplify/auth';

import * as amplify from '../../clients/amplify.mjs';
import { LocalPool } from './local_pool.mjs';
import { Authenticator } from './person.mjs';

async function withPool(options, test) {
  const pool = await LocalPool.start('--mfa-configuration=OPTIONAL', ...options);
  const { userPoolId, clientId: userPoolClientId, endpoint: userPoolEndpoint } = pool;
  amplify.configure({ userPoolId, userPoolClientId, userPoolEndpoint });
  try {
    await test(pool);
    await signOut();
  } finally {
    await pool.stop();
  }
}

/** The user who is signed in sets up a Cognito software token, and signs out. */
async function setUpCognitosToken() {
  const phone = new Authenticator((await setUpTOTP()).sharedSecret);
  await verifyTOTPSetup({ code: phone.unusedPasscode() });
  await updateMFAPreference({ totp: 'PREFERRED' });
  await signOut();
  return phone;
}

const begin = ({ name: username, password }) =>
  signIn({ username, password, options: { authFlowType: 'CUSTOM_WITH_SRP' } });

it("asks for Cognito's token and then for ours, where Cognito's is not accepted", async () => {
  await withPool([], async (pool) => {
    const person = await pool.newPerson();
    await amplify.signInWithSecondFactor(person.name, person.password, person);
    const cognitos = await setUpCognitosToken();

    let { nextStep } = await begin(person);
    assert.equal(nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_TOTP_CODE');
    ({ nextStep } = await confirmSignIn({ challengeResponse: cognitos.unusedPasscode() }));
    assert.equal(nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_CUSTOM_CHALLENGE');
    assert.equal(nextStep.additionalInfo.challenge, 'SECOND_FACTOR');
    ({ nextStep } = await confirmSignIn({ challengeResponse: person.authenticator.unusedPasscode() }));
    assert.equal(nextStep.signInStep, 'DONE');
    const { id } = await pool.verified(await amplify.getTokens());
    assert.equal(id.second_factor, 'totp');
  });
});

it("asks for Cognito's token only, where it is accepted", async () => {
  const accepting = [
    '--accepted-cognito-mfa=SOFTWARE_TOKEN_MFA',
    '--enrollment=AFTER_COGNITO_MFA',
    '--explicit-auth-flows=ALLOW_CUSTOM_AUTH,ALLOW_REFRESH_TOKEN_AUTH,ALLOW_USER_SRP_AUTH',
  ];
  await withPool(accepting, async (pool) => {
    const person = await pool.newPerson();
    await signIn({ username: person.name, password: person.password });
    const cognitos = await setUpCognitosToken();

    let { nextStep } = await begin(person);
    assert.equal(nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_TOTP_CODE');
    ({ nextStep } = await confirmSignIn({ challengeResponse: cognitos.unusedPasscode() }));
    assert.equal(nextStep.signInStep, 'DONE');
    const { id } = await pool.verified(await amplify.getTokens());
    assert.deepEqual([id['cognito:username'], id.second_factor], [person.userName, undefined]);
  });
});
