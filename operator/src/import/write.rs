//! The records of an import: one load, one sealing and one save a user.
//!
//! Invariant: a user has the authenticator of the file, sealed and whole, or the record from before. Run again, an import changes
//! nothing that it has changed already (docs/decisions.md, D73).

use shared::authenticator::Authenticator;
use shared::clock::UnixTime;
use shared::cognito::UserKey;
use shared::error::{SealError, StoreError};
use shared::ids::{AuthenticatorId, Generation};
use shared::operator_note::Change;
use shared::random::{FillRandom, RandomError, draw};
use shared::record::{EnrollmentStatus, Record};
use shared::store::{EncryptionContext, RecordStore, SAVE_ATTEMPTS, Saved, Sealer};

use super::file::Entry;

/// A line whose user is known.
#[derive(Debug)]
pub struct Assigned {
    /// The line's number.
    pub line: u64,
    /// Whose record.
    pub user: UserKey,
    /// The authenticator.
    pub entry: Entry,
}

/// What an import does to a user's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It gives the user the authenticator of the file.
    Imported,
    /// It did so before.
    ImportedBefore,
    /// Nothing: the user has another authenticator.
    HasAnother,
    /// Nothing: an operator gave the user a code.
    HasCode,
    /// Nothing: the record is that of a user who was deleted.
    Forgotten,
}

impl Effect {
    /// For programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::ImportedBefore => "imported-before",
            Self::HasAnother => "has-another",
            Self::HasCode => "has-code",
            Self::Forgotten => "forgotten",
        }
    }
}

/// Why a user's record could not be written.
#[derive(Debug)]
pub enum WriteError {
    /// The store failed; the save may have taken effect.
    Store(StoreError),
    /// Nothing was sealed.
    Seal(SealError),
    /// There are no random bytes.
    Random(RandomError),
    /// Others kept saving the same record.
    TooManyConflicts,
}

/// An import into the records of a pool.
pub struct Import<'a, S, K> {
    /// The records.
    pub store: &'a S,
    /// Seals the secrets.
    pub sealer: &'a K,
    /// Where ids and generations come from.
    pub random: FillRandom,
    /// The file, by the first bytes of its SHA-256.
    pub file: &'a str,
    /// Whether users who have an authenticator get the one of the file.
    pub replace: bool,
    /// The ARN of who does it.
    pub by: &'a str,
}

impl<S: RecordStore, K: Sealer> Import<'_, S, K> {
    /// What it does to a record.
    #[must_use]
    pub fn effect(&self, record: &Record, now: UnixTime) -> Effect {
        let from_here = record.imported_from() == Some(self.file);
        match record.enrollment_status(now) {
            EnrollmentStatus::Forgotten => Effect::Forgotten,
            EnrollmentStatus::OperatorCode => Effect::HasCode,
            EnrollmentStatus::NotEnrolled => Effect::Imported,
            EnrollmentStatus::Enrolled | EnrollmentStatus::EnrolledCodesDue if from_here => Effect::ImportedBefore,
            EnrollmentStatus::Enrolled | EnrollmentStatus::EnrolledCodesDue if self.replace => Effect::Imported,
            EnrollmentStatus::Enrolled | EnrollmentStatus::EnrolledCodesDue => Effect::HasAnother,
        }
    }

    /// What it would do to a user's record.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn preview(&self, user: &UserKey, now: UnixTime) -> Result<Effect, StoreError> {
        Ok(self.effect(&self.store.load(user).await?.record, now))
    }

    /// Does it. `now` is the time of this call: passcodes that the user may have used elsewhere until then are dead.
    ///
    /// # Errors
    /// See [`WriteError`]. After an error of the store, another run tells whether the record was saved.
    pub async fn write(&self, assigned: &Assigned, now: UnixTime) -> Result<Effect, WriteError> {
        let Assigned { user, entry, .. } = assigned;
        for _ in 0..SAVE_ATTEMPTS {
            let loaded = self.store.load(user).await.map_err(WriteError::Store)?;
            let effect = self.effect(&loaded.record, now);
            if effect != Effect::Imported {
                return Ok(effect);
            }
            let id = AuthenticatorId(draw(self.random).map_err(WriteError::Random)?);
            let generation = Generation(draw(self.random).map_err(WriteError::Random)?);
            let context = EncryptionContext { user, authenticator: id };
            let sealed = self.sealer.seal(&entry.secret, context).await.map_err(WriteError::Seal)?;
            let authenticator = Authenticator::imported(id, sealed, entry.parameters, entry.name.clone(), now);
            let record = Record::imported(generation, authenticator)
                .with_imported_from(self.file.to_owned())
                .with_sessions_of(&loaded.record)
                .changed(Change::new(self.by, "import", now));
            match self.store.save(user, &record, loaded.version).await.map_err(WriteError::Store)? {
                Saved::Recorded => return Ok(Effect::Imported),
                Saved::Conflict => {}
            }
        }
        Err(WriteError::TooManyConflicts)
    }
}
