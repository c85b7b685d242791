//! What an operator's commands change in a record, and what they read of it.
//!
//! Invariant: after no command the password alone sets up an authenticator where it did not before.

use crate::authenticator::Authenticator;
use crate::clock::UnixTime;
use crate::ids::Generation;
use crate::operator_code::OperatorCode;
use crate::operator_note::{Change, ClockOffset};
use crate::record::Record;
use crate::recovery_codes::CodeSet;
use crate::token_grant::Proof;

/// Seconds that must pass between two looks that do not find a user, before `prune` forgets the user.
pub const MISSING_SECONDS: u64 = 15 * 24 * 3600;

/// What a person is shown of a record before it is changed; wrong passcodes and sign-ins change none of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    generation: Generation,
    operator_code: Option<OperatorCode>,
    forgotten_at: Option<UnixTime>,
    missing_since: Option<UnixTime>,
    last_change: Option<Change>,
}

impl Record {
    /// What a change is agreed on.
    #[must_use]
    pub fn shown(&self) -> Shown {
        Shown {
            generation: self.generation,
            operator_code: self.operator_code.clone(),
            forgotten_at: self.forgotten_at,
            missing_since: self.missing_since,
            last_change: self.last_change.clone(),
        }
    }

    /// The same, as `change` left it.
    #[must_use]
    pub fn changed(self, change: Change) -> Self {
        Self { last_change: Some(change), ..self }
    }

    /// The same with a code for one sign-in. `generation` is drawn at random: what was issued before is void.
    #[must_use]
    pub fn with_operator_code(&self, code: OperatorCode, generation: Generation) -> Self {
        let (forgotten_at, missing_since, turned_off_at) = (None, None, None);
        Self { operator_code: Some(code), generation, forgotten_at, missing_since, turned_off_at, ..self.clone() }
    }

    /// The same without the operator's code; a record without an authenticator stays closed.
    #[must_use]
    pub fn with_code_withdrawn(&self, generation: Generation) -> Self {
        let operator_code = self.operator_code.as_ref().filter(|_| self.authenticator.is_none());
        Self { operator_code: operator_code.map(OperatorCode::withdrawn), generation, ..self.clone() }
    }

    /// The same with as many wrong passcodes taken off as may be; `None` where that is none.
    #[must_use]
    pub fn unlocked(&self, now: UnixTime) -> Option<Self> {
        let passcode_limit = self.passcode_limit.after_recovery_code(now);
        (passcode_limit != self.passcode_limit).then(|| Self { passcode_limit, ..self.clone() })
    }

    /// What an import leaves, whatever was there before: the authenticator, and codes that are still due.
    /// `generation` is drawn at random: no set-up challenge from before the import matches it.
    #[must_use]
    pub fn imported(generation: Generation, authenticator: Authenticator) -> Self {
        let enrolled_since = Some(authenticator.enrolled_at());
        Self { authenticator: Some(authenticator), enrolled_since, codes_due: true, ..Self::reset(generation) }
    }

    /// The same, imported from this file.
    #[must_use]
    pub fn with_imported_from(self, file: String) -> Self {
        Self { imported_from: Some(file), ..self }
    }

    /// Nothing, in a new generation, so that a set-up challenge that was held back changes nothing, and no recorded answer passes
    /// again. `generation` is drawn at random. An operator's reset adds a code: without one the password alone would enroll.
    #[must_use]
    pub fn reset(generation: Generation) -> Self {
        Self { generation, ..Self::default() }
    }

    /// What stays of a user who was deleted: nothing that is about a person, and no enrollment.
    #[must_use]
    pub fn forgotten(generation: Generation, now: UnixTime) -> Self {
        Self { forgotten_at: Some(now), ..Self::reset(generation) }
    }

    /// The same with a user whom Cognito did not know at that time, or knows.
    #[must_use]
    pub fn with_missing_since(self, missing_since: Option<UnixTime>) -> Self {
        Self { missing_since, ..self }
    }

    /// Until when the operator's code can be used, if there is one.
    #[must_use]
    pub fn operator_code_until(&self, now: UnixTime) -> Option<UnixTime> {
        self.operator_code.as_ref()?.valid_until(now)
    }

    /// Recovery codes that are left.
    #[must_use]
    pub fn recovery_codes_left(&self) -> usize {
        self.recovery.as_ref().map_or(0, CodeSet::left)
    }

    /// The second factor that was proven last.
    #[must_use]
    pub fn last_proof(&self) -> Option<Proof> {
        self.last_proof
    }

    /// The last change by a command.
    #[must_use]
    pub fn last_change(&self) -> Option<&Change> {
        self.last_change.as_ref()
    }

    /// By how much the authenticator's clock is off.
    #[must_use]
    pub fn clock_offset(&self) -> Option<ClockOffset> {
        self.clock_offset
    }

    /// The operator's code, also when it was used or is too old.
    #[must_use]
    pub fn operator_code(&self) -> Option<&OperatorCode> {
        self.operator_code.as_ref()
    }

    /// The file that the authenticator was imported from.
    #[must_use]
    pub fn imported_from(&self) -> Option<&str> {
        self.imported_from.as_deref()
    }

    /// When the user was forgotten.
    #[must_use]
    pub fn forgotten_at(&self) -> Option<UnixTime> {
        self.forgotten_at
    }

    /// Since when Cognito does not know the user, as `prune` saw it.
    #[must_use]
    pub fn missing_since(&self) -> Option<UnixTime> {
        self.missing_since
    }
}
