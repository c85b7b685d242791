// For conftest.py: a pool, a token and its use on standard input; the token's claims on standard output.

import { json } from 'node:stream/consumers';

import { tokenVerifier } from './token_verifier.mjs';

const { pool, token, tokenUse } = await json(process.stdin);
const verified = await tokenVerifier(pool);
console.log(JSON.stringify(await verified(token, tokenUse)));
