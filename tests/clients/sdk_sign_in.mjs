// Signs in with an SDK that makes Cognito's calls, and leaves their order and the proof of the password to its user.

import { createHmac } from 'node:crypto';
import { AuthenticationHelper, DateHelper } from 'amazon-cognito-identity-js';
import bigInteger from 'amazon-cognito-identity-js/lib/BigInteger.js';

import { ask } from '../../clients/amazon_cognito_identity.mjs';

const { default: BigInteger } = bigInteger;

/** Gives Cognito's AuthenticationResult. `call` makes one call with the SDK: the operation and its input, its output. */
export async function signIn(call, { userPoolId, clientId: ClientId }, person) {
  const shown = {};
  const ClientMetadata = {};
  const [, poolName] = userPoolId.split('_');
  const srp = new AuthenticationHelper(poolName);

  const answerTo = {
    async PASSWORD_VERIFIER({ USER_ID_FOR_SRP, SRP_B, SALT, SECRET_BLOCK }) {
      const [serverValue, salt] = [SRP_B, SALT].map((hex) => new BigInteger(hex, 16));
      const key = await settled((done) =>
        srp.getPasswordAuthenticationKey(USER_ID_FOR_SRP, person.password, serverValue, salt, done),
      );
      const TIMESTAMP = new DateHelper().getNowString();
      const claim = createHmac('sha256', key).update(poolName + USER_ID_FOR_SRP);
      const PASSWORD_CLAIM_SIGNATURE = claim.update(SECRET_BLOCK, 'base64').update(TIMESTAMP).digest('base64');
      return { PASSWORD_CLAIM_SECRET_BLOCK: SECRET_BLOCK, PASSWORD_CLAIM_SIGNATURE, TIMESTAMP };
    },
    NEW_PASSWORD_REQUIRED: async () => ({ NEW_PASSWORD: (await person.askNewPassword()).answer }),
    async CUSTOM_CHALLENGE() {
      const { answer, ...chosen } = await ask(person, shown);
      Object.assign(ClientMetadata, chosen);
      return { ANSWER: answer };
    },
  };

  const srpA = await settled((done) => srp.getLargeAValue(done));
  let asked = await call('InitiateAuth', {
    ClientId,
    AuthFlow: 'CUSTOM_AUTH',
    AuthParameters: { CHALLENGE_NAME: 'SRP_A', SRP_A: srpA.toString(16), USERNAME: person.name },
  });
  while (!asked.AuthenticationResult) {
    const { ChallengeName, ChallengeParameters, Session } = asked;
    Object.assign(shown, ChallengeParameters);
    const answered = await answerTo[ChallengeName](ChallengeParameters);
    const ChallengeResponses = { USERNAME: shown.USER_ID_FOR_SRP, ...answered };
    const answer = { ClientId, ChallengeName, Session, ChallengeResponses, ClientMetadata };
    asked = await call('RespondToAuthChallenge', answer);
  }
  return asked.AuthenticationResult;
}

/** A promise in the place of a Node callback. */
function settled(call) {
  return new Promise((resolve, reject) => call((error, result) => (error ? reject(error) : resolve(result))));
}
