// Walkthrough: a pool with MFA ON, with the AWS SDK for JavaScript v2.
//
// A new user signs up, is asked to set a software token up at the first sign-in, and for its passcode at the second.

import assert from 'node:assert/strict';
import { after, it } from 'node:test';

import CognitoIdentityServiceProvider from 'aws-sdk/clients/cognitoidentityserviceprovider.js';
import notice from 'aws-sdk/lib/maintenance_mode_message.js';

import { LocalPool } from './local_pool.mjs';
import { Authenticator } from './person.mjs';

notice.suppress = true;

const pool = await LocalPool.start(
  '--self-sign-up',
  '--mfa-configuration=ON',
  '--explicit-auth-flows=ALLOW_ADMIN_USER_PASSWORD_AUTH,ALLOW_REFRESH_TOKEN_AUTH',
  '--no-token-guard',
);
after(() => pool.stop());

it('sets a software token up at the first sign-in and asks for it at the second', async () => {
  const { endpoint, region, userPoolId: UserPoolId, clientId: ClientId } = pool;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const cognito = new CognitoIdentityServiceProvider({ endpoint, region, credentials, maxRetries: 0 });
  const Username = `user-${crypto.randomUUID()}@example.com`;
  const Password = 'Correct-horse-9';

  // The user's own name, which the pool makes.
  const { UserSub: USERNAME } = await cognito.signUp({ ClientId, Username, Password }).promise();
  await cognito.confirmSignUp({ ClientId, Username, ConfirmationCode: await pool.lastCode(USERNAME) }).promise();

  const signIn = { UserPoolId, ClientId, AuthFlow: 'ADMIN_NO_SRP_AUTH', AuthParameters: { USERNAME: Username, PASSWORD: Password } };
  const first = await cognito.adminInitiateAuth(signIn).promise();
  assert.equal(first.ChallengeName, 'MFA_SETUP');
  assert.deepEqual(JSON.parse(first.ChallengeParameters.MFAS_CAN_SETUP), ['SOFTWARE_TOKEN_MFA']);

  const associated = await cognito.associateSoftwareToken({ Session: first.Session }).promise();
  const phone = new Authenticator(associated.SecretCode);
  const verification = { Session: associated.Session, UserCode: phone.unusedPasscode() };
  const { Status } = await cognito.verifySoftwareToken(verification).promise();
  assert.equal(Status, 'SUCCESS');

  const second = await cognito.adminInitiateAuth(signIn).promise();
  assert.equal(second.ChallengeName, 'SOFTWARE_TOKEN_MFA');
  const { AuthenticationResult } = await cognito
    .adminRespondToAuthChallenge({
      UserPoolId,
      ClientId,
      ChallengeName: 'SOFTWARE_TOKEN_MFA',
      Session: second.Session,
      ChallengeResponses: { USERNAME, SOFTWARE_TOKEN_MFA_CODE: phone.unusedPasscode() },
    })
    .promise();
  const { id } = await pool.verified({ idToken: AuthenticationResult.IdToken, accessToken: AuthenticationResult.AccessToken });
  assert.equal(id['cognito:username'], USERNAME);
});
