//! Records in memory, sealed with a key that the process has: for a laptop and for tests.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use super::{
    EncryptionContext, Record, RecordStore, Saved, SealError, Sealer, StoreError, UserKey, Version, Versioned,
};
use crate::authenticator::SealedSecret;
use crate::random::FillRandom;
use crate::totp::SharedSecret;

/// A store that forgets with its process, unless somebody keeps [`Self::records`]. Holds the same text that DynamoDB would.
#[derive(Default)]
pub struct MemoryStore {
    records: Mutex<HashMap<UserKey, (Version, String)>>,
}

impl MemoryStore {
    /// A store of what [`Self::records`] returned.
    #[must_use]
    pub fn of(records: impl IntoIterator<Item = (UserKey, Version, String)>) -> Self {
        let records = records.into_iter().map(|(user, version, text)| (user, (version, text)));
        Self { records: Mutex::new(records.collect()) }
    }

    /// All records in their stored form, in no order.
    #[must_use]
    pub fn records(&self) -> Vec<(UserKey, Version, String)> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.iter().map(|(user, (version, text))| (user.clone(), *version, text.clone())).collect()
    }

    /// The record of `user` in its stored form.
    #[must_use]
    pub fn stored(&self, user: &UserKey) -> Option<(Version, String)> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).get(user).cloned()
    }

    /// Puts what `change` makes of the stored form in its place, atomically.
    ///
    /// # Errors
    /// The error of `change`; then nothing was changed.
    pub fn change<E>(
        &self,
        user: &UserKey,
        change: impl FnOnce(Option<&(Version, String)>) -> Result<(Version, String), E>,
    ) -> Result<(), E> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(records.get(user))?;
        records.insert(user.clone(), changed);
        Ok(())
    }
}

impl RecordStore for MemoryStore {
    async fn load(&self, user: &UserKey) -> Result<Versioned, StoreError> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        match records.get(user) {
            None => Ok(Versioned { record: Record::default(), version: Version::MISSING }),
            Some((version, text)) => {
                let record = Record::from_json(text).map_err(|fault| StoreError(fault.into()))?;
                Ok(Versioned { record, version: *version })
            }
        }
    }

    async fn save(&self, user: &UserKey, record: &Record, replacing: Version) -> Result<Saved, StoreError> {
        let text = record.to_json().map_err(|fault| StoreError(fault.into()))?;
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if records.get(user).map_or(Version::MISSING, |(version, _)| *version) != replacing {
            return Ok(Saved::Conflict);
        }
        records.insert(user.clone(), (replacing.next(), text));
        Ok(Saved::Recorded)
    }

    /// It has no other pool's records, and no copy.
    async fn confirm(&self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Seals with XChaCha20-Poly1305 under a key of its own.
pub struct MemorySealer {
    cipher: XChaCha20Poly1305,
    random: FillRandom,
}

/// Bytes of an XChaCha20 nonce, which precedes the sealed bytes.
const NONCE_BYTES: usize = 24;

impl MemorySealer {
    /// Draws a key.
    ///
    /// # Errors
    /// The source of randomness failed.
    pub fn new(random: FillRandom) -> Result<Self, SealError> {
        let mut key = zeroize::Zeroizing::new([0; 32]);
        random(key.as_mut_slice()).map_err(|fault| SealError(fault.into()))?;
        Ok(Self::with_key(&key, random))
    }

    /// Opens what another one with this key sealed.
    #[must_use]
    pub fn with_key(key: &[u8; 32], random: FillRandom) -> Self {
        Self { cipher: XChaCha20Poly1305::new(key.into()), random }
    }

    /// Encrypts as KMS does: what opens the ciphertext is the same context, in any order.
    ///
    /// # Errors
    /// The source of randomness failed.
    pub fn encrypt(&self, plaintext: &[u8], context: &BTreeMap<String, String>) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_BYTES];
        (self.random)(&mut nonce).map_err(|fault| SealError(fault.into()))?;
        let aad = associated_data(context)?;
        let payload = Payload { msg: plaintext, aad: &aad };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError("not sealed".into()))?;
        Ok(nonce.into_iter().chain(sealed).collect())
    }

    /// Decrypts what was encrypted with the same context.
    ///
    /// # Errors
    /// It was not, or a byte was changed.
    pub fn decrypt(&self, ciphertext: &[u8], context: &BTreeMap<String, String>) -> Result<Vec<u8>, SealError> {
        let does_not_open = || SealError("the sealed secret does not open for this user and authenticator".into());
        let (nonce, sealed) = ciphertext.split_first_chunk::<NONCE_BYTES>().ok_or_else(does_not_open)?;
        let aad = associated_data(context)?;
        let payload = Payload { msg: sealed, aad: &aad };
        self.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| does_not_open())
    }
}

impl Sealer for MemorySealer {
    async fn seal(&self, secret: &SharedSecret, context: EncryptionContext<'_>) -> Result<SealedSecret, SealError> {
        self.encrypt(secret.expose(), &by_name(context)).map(SealedSecret)
    }

    async fn open(&self, sealed: &SealedSecret, context: EncryptionContext<'_>) -> Result<SharedSecret, SealError> {
        self.decrypt(&sealed.0, &by_name(context)).map(SharedSecret::new)
    }
}

fn by_name(context: EncryptionContext<'_>) -> BTreeMap<String, String> {
    context.pairs().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// JSON keeps the values apart, whatever they hold.
fn associated_data(context: &BTreeMap<String, String>) -> Result<Vec<u8>, SealError> {
    serde_json::to_vec(context).map_err(|fault| SealError(fault.into()))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::ids::AuthenticatorId;

    /// The purpose is not the caller's choice, so only the cipher itself can be asked to seal for another one.
    #[test]
    fn what_was_sealed_opens_for_no_other_value_of_any_part_of_the_context() {
        let sealer = MemorySealer::new(|_| Ok(())).unwrap();
        let user = UserKey { user_pool_id: "us-east-1_Example".to_owned(), sub: "a".to_owned() };
        let context = EncryptionContext { user: &user, authenticator: AuthenticatorId([7; 16]) };
        let opens = |pairs: [(&str, String); 4]| {
            let pairs = pairs.map(|(name, value)| (name.to_owned(), value)).into();
            let sealed = SealedSecret(sealer.encrypt(b"plainly fake secret!", &pairs).unwrap());
            sealer.open(&sealed, context).now_or_never().unwrap().is_ok()
        };
        assert!(opens(context.pairs()));
        for (name, _) in context.pairs() {
            let other = context.pairs().map(|(part, value)| (part, if part == name { "x".to_owned() } else { value }));
            assert!(!opens(other), "{name}");
        }
        assert!(context.pairs().iter().any(|(name, _)| *name == "purpose"));
    }
}
