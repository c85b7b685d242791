"""Secrets sealed with a KMS key; what a secret is sealed for is the encryption context."""

import base64

import boto3

from aws import CONFIG
from settings import required

KEY_ID = required("KEY_ID")
client = boto3.client("kms", config=CONFIG)


def unseal(user, authenticator):
    user_pool_id, sub = user
    sealed = authenticator["sealed"]
    response = client.decrypt(
        # The key is named, so that nothing sealed with another key opens.
        KeyId=KEY_ID,
        CiphertextBlob=base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4)),
        EncryptionContext={
            "userPoolId": user_pool_id,
            "sub": sub,
            "purpose": "authenticator-secret",
            "nonce": authenticator["id"],
        },
    )
    return response["Plaintext"]
