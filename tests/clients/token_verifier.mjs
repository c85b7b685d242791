// Verifies the local pool's tokens with aws-jwt-verify.

import { JwtVerifier } from 'aws-jwt-verify';
import { validateCognitoJwtFields } from 'aws-jwt-verify/cognito-verifier';

/**
 * Gives a function that takes a token and its use, 'id' or 'access', and gives the claims.
 *
 * The package's CognitoJwtVerifier believes Cognito's own issuers only. This is its verifier for any issuer, with the
 * CognitoJwtVerifier's look at the claims.
 */
export async function tokenVerifier({ endpoint, userPoolId, clientId }) {
  const issuer = `${endpoint}/${userPoolId}`;
  const jwksUri = `${issuer}/.well-known/jwks.json`;
  const verifier = JwtVerifier.create({ issuer, jwksUri, audience: null });
  // The package fetches by https only.
  verifier.cacheJwks(await (await fetch(jwksUri)).json());
  return (token, tokenUse) => {
    const customJwtCheck = ({ payload }) => validateCognitoJwtFields(payload, { clientId, tokenUse });
    return verifier.verify(token, { customJwtCheck });
  };
}
