// Secrets sealed with a KMS key; what a secret is sealed for is the encryption context.

import { DecryptCommand, KMSClient } from "@aws-sdk/client-kms";

import { TIMEOUTS } from "./aws.mjs";
import { required } from "./settings.mjs";

const KeyId = required("KEY_ID");
const client = new KMSClient({ requestHandler: TIMEOUTS });

export async function open({ userPoolId, sub }, { id, sealed }) {
  const { Plaintext } = await client.send(
    new DecryptCommand({
      // The key is named, so that nothing sealed with another key opens.
      KeyId,
      CiphertextBlob: Buffer.from(sealed, "base64url"),
      EncryptionContext: { userPoolId, sub, purpose: "authenticator-secret", nonce: id },
    }),
  );
  return Plaintext;
}
