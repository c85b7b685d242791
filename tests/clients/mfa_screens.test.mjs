// Walkthrough: Cognito's own MFA in an app, with amazon-cognito-identity-js and with AWS Amplify.
//
// The code is typed on another screen, long after the callback has returned: what carries the sign-in on is the CognitoUser
// that was kept, or Amplify itself.

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { AuthenticationDetails, CognitoUser, CognitoUserPool } from 'amazon-cognito-identity-js';
import { Amplify } from 'aws-amplify';
import {
  confirmSignIn,
  fetchAuthSession,
  setUpTOTP,
  signIn,
  signOut,
  updateMFAPreference,
  verifyTOTPSetup,
} from 'aws-amplify/auth';

import { LocalPool } from './local_pool.mjs';
import { Authenticator } from './person.mjs';

const pool = await LocalPool.start(
  '--mfa-configuration=OPTIONAL',
  '--explicit-auth-flows=ALLOW_USER_SRP_AUTH,ALLOW_REFRESH_TOKEN_AUTH',
  '--no-token-guard',
);
after(() => pool.stop());

await pool.call('SetUserPoolMfaConfig', {
  UserPoolId: pool.userPoolId,
  MfaConfiguration: 'OPTIONAL',
  SoftwareTokenMfaConfiguration: { Enabled: true },
  SmsMfaConfiguration: {},
});

describe('amazon-cognito-identity-js', () => {
  const { endpoint, userPoolId: UserPoolId, clientId: ClientId } = pool;
  const userPool = new CognitoUserPool({ UserPoolId, ClientId, endpoint });

  /** Gives what was called back, and the CognitoUser to go on with. */
  const begin = ({ name, password }) => {
    const user = new CognitoUser({ Username: name, Pool: userPool });
    return new Promise((resolve, reject) =>
      user.authenticateUser(new AuthenticationDetails({ Username: name, Password: password }), {
        onSuccess: (session) => resolve({ callback: 'onSuccess', session, user }),
        onFailure: reject,
        mfaRequired: (challengeName, parameters) => resolve({ callback: 'mfaRequired', challengeName, parameters, user }),
        totpRequired: (challengeName, parameters) => resolve({ callback: 'totpRequired', challengeName, parameters, user }),
      }),
    );
  };
  const sendMfaCode = (user, code, mfaType) =>
    new Promise((onSuccess, onFailure) => user.sendMFACode(code, { onSuccess, onFailure }, mfaType));
  const isSignedIn = async (session, { userName }) => {
    const tokens = { idToken: session.getIdToken().getJwtToken(), accessToken: session.getAccessToken().getJwtToken() };
    assert.equal((await pool.verified(tokens)).id['cognito:username'], userName);
  };

  it('calls totpRequired, and takes the code later and again after a wrong one', async () => {
    const person = await pool.newPerson();
    const { callback, user: signedIn } = await begin(person);
    assert.equal(callback, 'onSuccess');
    const secretCode = await new Promise((associateSecretCode, onFailure) =>
      signedIn.associateSoftwareToken({ associateSecretCode, onFailure }),
    );
    const phone = new Authenticator(secretCode);
    await new Promise((onSuccess, onFailure) =>
      signedIn.verifySoftwareToken(phone.unusedPasscode(), 'My phone', { onSuccess, onFailure }),
    );
    await new Promise((resolve, reject) =>
      signedIn.setUserMfaPreference(null, { Enabled: true, PreferredMfa: true }, (error) => (error ? reject(error) : resolve())),
    );

    const asked = await begin(person);
    assert.deepEqual([asked.callback, asked.challengeName], ['totpRequired', 'SOFTWARE_TOKEN_MFA']);
    assert.equal(asked.parameters.FRIENDLY_DEVICE_NAME, 'My phone');
    await assert.rejects(sendMfaCode(asked.user, phone.wrongPasscode(), 'SOFTWARE_TOKEN_MFA'), {
      name: 'CodeMismatchException',
      message: 'Invalid code received for user',
    });
    await isSignedIn(await sendMfaCode(asked.user, phone.unusedPasscode(), 'SOFTWARE_TOKEN_MFA'), person);
  });

  it('calls mfaRequired, and takes the code of the message later', async () => {
    const person = await pool.newPerson({ UserAttributes: [{ Name: 'phone_number', Value: '+15555550123' }] });
    const SMSMfaSettings = { Enabled: true, PreferredMfa: true };
    await pool.call('AdminSetUserMFAPreference', { UserPoolId, Username: person.name, SMSMfaSettings });

    const asked = await begin(person);
    assert.deepEqual([asked.callback, asked.challengeName], ['mfaRequired', 'SMS_MFA']);
    assert.equal(asked.parameters.CODE_DELIVERY_DESTINATION, '+*******0123');
    const code = await pool.lastCode(person.userName);
    await isSignedIn(await sendMfaCode(asked.user, code, 'SMS_MFA'), person);
    await assert.rejects(sendMfaCode(asked.user, code, 'SMS_MFA'), {
      name: 'NotAuthorizedException',
      message: 'Invalid session for the user, session can only be used once.',
    });
  });
});

describe('AWS Amplify', () => {
  const { endpoint: userPoolEndpoint, userPoolId, clientId: userPoolClientId } = pool;
  Amplify.configure({ Auth: { Cognito: { userPoolId, userPoolClientId, userPoolEndpoint } } });

  it('signs in with signIn and confirmSignIn', async () => {
    const { name: username, userName, password } = await pool.newPerson();
    assert.equal((await signIn({ username, password })).nextStep.signInStep, 'DONE');
    const phone = new Authenticator((await setUpTOTP()).sharedSecret);
    await verifyTOTPSetup({ code: phone.unusedPasscode(), options: { friendlyDeviceName: 'My phone' } });
    await updateMFAPreference({ totp: 'PREFERRED' });
    await signOut();

    const { nextStep } = await signIn({ username, password });
    assert.equal(nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_TOTP_CODE');
    await assert.rejects(confirmSignIn({ challengeResponse: phone.wrongPasscode() }), { name: 'CodeMismatchException' });
    const { isSignedIn } = await confirmSignIn({ challengeResponse: phone.unusedPasscode() });
    assert.ok(isSignedIn);
    const { tokens } = await fetchAuthSession();
    const claims = await pool.verified({ idToken: tokens.idToken.toString(), accessToken: tokens.accessToken.toString() });
    assert.equal(claims.id['cognito:username'], userName);
    await signOut();
  });
});
