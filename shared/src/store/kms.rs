//! Sealing with a KMS key; what a secret is sealed for is the encryption context.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html>

use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;

use super::{EncryptionContext, SealError, Sealer};
use crate::authenticator::SealedSecret;
use crate::totp::SharedSecret;

/// Seals with one key.
pub struct KmsSealer {
    client: Client,
    key_id: String,
}

impl KmsSealer {
    /// Seals with the key `key_id` (an id, ARN or alias).
    #[must_use]
    pub fn new(client: Client, key_id: String) -> Self {
        Self { client, key_id }
    }
}

impl Sealer for KmsSealer {
    async fn seal(&self, secret: &SharedSecret, context: EncryptionContext<'_>) -> Result<SealedSecret, SealError> {
        let request = self.client.encrypt().key_id(&self.key_id).plaintext(Blob::new(secret.expose()));
        let request =
            context.pairs().into_iter().fold(request, |request, (name, value)| request.encryption_context(name, value));
        let response = request.send().await.map_err(|fault| SealError(fault.into()))?;
        let sealed = response.ciphertext_blob.ok_or_else(|| SealError("KMS answered without a ciphertext".into()))?;
        Ok(SealedSecret(sealed.into_inner()))
    }

    async fn open(&self, sealed: &SealedSecret, context: EncryptionContext<'_>) -> Result<SharedSecret, SealError> {
        // The key is named, so that nothing sealed with another key opens.
        let request = self.client.decrypt().key_id(&self.key_id).ciphertext_blob(Blob::new(sealed.0.as_slice()));
        let request =
            context.pairs().into_iter().fold(request, |request, (name, value)| request.encryption_context(name, value));
        let response = request.send().await.map_err(|fault| SealError(fault.into()))?;
        let secret = response.plaintext.ok_or_else(|| SealError("KMS answered without a plaintext".into()))?;
        Ok(SharedSecret::new(secret.into_inner()))
    }
}
