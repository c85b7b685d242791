//! Where records are stored and secrets are sealed: the two traits, and their implementations below.

use std::future::Future;
use std::sync::Arc;

use crate::authenticator::SealedSecret;
use crate::clock::UnixTime;
use crate::cognito::UserKey;
use crate::error::{SealError, StoreError};
use crate::ids::AuthenticatorId;
use crate::record::Record;
use crate::settings::Policy;
use crate::totp::SharedSecret;

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "aws")]
pub mod dynamodb;
#[cfg(feature = "aws")]
pub mod kms;
#[cfg(feature = "memory")]
pub mod memory;

/// Attempts of one use case after version conflicts: more than the competing passcodes that can be recorded before the limit
/// rejects the rest unwritten. Concurrent recovery codes can exceed it, and then the answer ends in an error.
pub const SAVE_ATTEMPTS: u8 = 8;

/// How often a user's record was saved; 0 for a record that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub u64);

impl Version {
    /// The version of a record that does not exist.
    pub const MISSING: Self = Self(0);

    /// The version after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A record and the version to replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// The record; empty for a user without one.
    pub record: Record,
    /// Its version.
    pub version: Version,
}

/// What became of a save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// The record is in the store.
    Recorded,
    /// Somebody else saved first; nothing was changed.
    Conflict,
}

/// A store of records. `tests/store_contract.rs` holds every implementation to this:
///
/// - `load` sees every save that was `Recorded` before it was called.
/// - `save` replaces the record if and only if its version is still `replacing`, atomically; the version is then
///   `replacing.next()`. A version never comes back.
/// - a save that reports an error may have taken effect.
/// - `confirm` fails for a pool that the store was not set up for, and in a copy of its table.
///
/// ```
/// # use shared::cognito::UserKey;
/// # use shared::ids::Generation;
/// # use shared::record::Record;
/// # use shared::store::memory::MemoryStore;
/// # use shared::store::{RecordStore, Saved, Version};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), shared::error::StoreError> {
/// let (store, user) = (MemoryStore::default(), UserKey { user_pool_id: "pool".to_owned(), sub: "sub".to_owned() });
/// let missing = store.load(&user).await?;
/// assert_eq!(missing.version, Version::MISSING);
/// let record = Record::reset(Generation([7; 8]));
/// assert_eq!(store.save(&user, &record, missing.version).await?, Saved::Recorded);
/// // Whoever loaded before that cannot save over it:
/// assert_eq!(store.save(&user, &record, missing.version).await?, Saved::Conflict);
/// # Ok(())
/// # }
/// ```
pub trait RecordStore: Send + Sync {
    /// The record of `user`, empty if there is none.
    fn load(&self, user: &UserKey) -> impl Future<Output = Result<Versioned, StoreError>> + Send;

    /// Puts `record` in the place of version `replacing`.
    fn save(
        &self,
        user: &UserKey,
        record: &Record,
        replacing: Version,
    ) -> impl Future<Output = Result<Saved, StoreError>> + Send;

    /// Fails unless an operator has set the store up for the records of this user pool.
    fn confirm(&self, user_pool_id: &str) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// When an operator ended every session of every user last, where the store says so.
    fn everybody_signed_out_at(
        &self,
        _user_pool_id: &str,
    ) -> impl Future<Output = Result<Option<UnixTime>, StoreError>> + Send {
        async { Ok(None) }
    }
}

/// Loads a record. Where users may do without a second factor, a missing one means that the password suffices: so it is believed only
/// if the store is the pool's. A wrong or an empty table would turn the second factor off for everybody.
///
/// # Errors
/// An error of the store, or a store that was not set up for the pool.
pub async fn load_under(policy: Policy, store: &impl RecordStore, user: &UserKey) -> Result<Versioned, StoreError> {
    let loaded = store.load(user).await?;
    if policy == Policy::Optional && loaded.version == Version::MISSING {
        store.confirm(&user.user_pool_id).await?;
    }
    Ok(loaded)
}

/// Create and Verify of one process share a store.
impl<T: RecordStore> RecordStore for Arc<T> {
    fn load(&self, user: &UserKey) -> impl Future<Output = Result<Versioned, StoreError>> + Send {
        T::load(self, user)
    }

    fn save(
        &self,
        user: &UserKey,
        record: &Record,
        replacing: Version,
    ) -> impl Future<Output = Result<Saved, StoreError>> + Send {
        T::save(self, user, record, replacing)
    }

    fn confirm(&self, user_pool_id: &str) -> impl Future<Output = Result<(), StoreError>> + Send {
        T::confirm(self, user_pool_id)
    }

    fn everybody_signed_out_at(
        &self,
        user_pool_id: &str,
    ) -> impl Future<Output = Result<Option<UnixTime>, StoreError>> + Send {
        T::everybody_signed_out_at(self, user_pool_id)
    }
}

/// What a sealed secret is bound to.
#[derive(Clone, Copy, Debug)]
pub struct EncryptionContext<'a> {
    /// Whose secret.
    pub user: &'a UserKey,
    /// Which authenticator's.
    pub authenticator: AuthenticatorId,
}

impl EncryptionContext<'_> {
    /// The binding as names and values: KMS's encryption context.
    #[must_use]
    pub fn pairs(&self) -> [(&'static str, String); 4] {
        [
            ("userPoolId", self.user.user_pool_id.clone()),
            ("sub", self.user.sub.clone()),
            ("purpose", "authenticator-secret".to_owned()),
            ("nonce", self.authenticator.to_text()),
        ]
    }
}

/// Seals secrets: what was sealed for one user, purpose and authenticator opens for those only, and a changed byte opens
/// for none.
///
/// `tests/store_contract.rs` holds memory to both, and KMS, as ministack plays it, to the first: ministack does not
/// authenticate what it encrypts, so a changed byte opens there, to something else. The test that says so fails once it does.
pub trait Sealer: Send + Sync {
    /// Seals `secret`.
    fn seal(
        &self,
        secret: &SharedSecret,
        context: EncryptionContext<'_>,
    ) -> impl Future<Output = Result<SealedSecret, SealError>> + Send;

    /// Opens what was sealed for the same.
    fn open(
        &self,
        sealed: &SealedSecret,
        context: EncryptionContext<'_>,
    ) -> impl Future<Output = Result<SharedSecret, SealError>> + Send;
}

impl<T: Sealer> Sealer for Arc<T> {
    fn seal(
        &self,
        secret: &SharedSecret,
        context: EncryptionContext<'_>,
    ) -> impl Future<Output = Result<SealedSecret, SealError>> + Send {
        T::seal(self, secret, context)
    }

    fn open(
        &self,
        sealed: &SealedSecret,
        context: EncryptionContext<'_>,
    ) -> impl Future<Output = Result<SharedSecret, SealError>> + Send {
        T::open(self, sealed, context)
    }
}
