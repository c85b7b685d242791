//! What is kept about one user, and its stored form.
//!
//! Invariant: a record with an authenticator or codes has a generation, so no set-up challenge for a user without a record fits it.

use serde::{Deserialize, Serialize};

use crate::authenticator::Authenticator;
use crate::clock::UnixTime;
use crate::cognito::ClientId;
use crate::ids::{Generation, Nonce};
use crate::operator_code::OperatorCode;
use crate::operator_note::{Change, ClockOffset};
use crate::passcode_limit::{PasscodeLimit, RateLimit};
use crate::recovery_codes::{CODES_DUE_BELOW, CodeSet, RecoveryCode};
use crate::sign_in_nonce::SignInNonce;
use crate::token_grant::{Claims, GrantStatus, ISSUED_WITHIN_SECONDS, Proof, TokenGrant};
use crate::unknown_fields::UnknownFields;
use crate::unproven_sessions::UnprovenSessions;

/// The format of most records. It changes only when an older function must not touch the record: a field that is merely new is
/// kept by functions that do not know it.
const FORMAT: u32 = 1;
/// The format of a closed record: an older function would let the password alone set up an authenticator.
const CLOSED_FORMAT: u32 = 2;
/// Recorded outcomes that a record remembers: more than one user has under way at once.
const OUTCOMES_REMEMBERED: usize = 8;

/// One user's second factor. A user without a record has [`Record::default`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub(crate) generation: Generation,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authenticator: Option<Authenticator>,
    /// Since when the record has one: not this one, if it has replaced another after a proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) enrolled_since: Option<UnixTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recovery: Option<CodeSet>,
    /// The authenticator is newer than the recovery codes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) codes_due: bool,
    pub(crate) passcode_limit: PasscodeLimit,
    pub(crate) outcomes: Vec<RecordedOutcome>,
    /// Wrong passcodes since tokens were issued, which the user has not been told about.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) wrong_passcodes: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_proof: Option<Proof>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grant: Option<TokenGrant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) operator_code: Option<OperatorCode>,
    /// The user was deleted, and must not come back by the password alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) forgotten_at: Option<UnixTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) missing_since: Option<UnixTime>,
    /// The file that the authenticator came from, by the first bytes of its SHA-256, whatever has replaced it since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) imported_from: Option<String>,
    /// The user turned the second factor off, and may do without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) turned_off_at: Option<UnixTime>,
    /// The token guard has seen that a second factor is required of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) required_since: Option<UnixTime>,
    #[serde(default, skip_serializing_if = "UnprovenSessions::is_empty")]
    pub(crate) unproven_at: UnprovenSessions,
    /// Cognito has ended every session of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signed_out_at: Option<UnixTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clock_offset: Option<ClockOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_change: Option<Change>,
    /// What a newer version has written, too.
    #[serde(skip)]
    pub(crate) unknown: Option<Box<UnknownFields>>,
}

fn is_zero(count: &u16) -> bool {
    *count == 0
}

/// An answer that was verified, so that its challenge is not verified again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedOutcome {
    nonce: Nonce,
    outcome: Outcome,
}

/// Whether an answer was correct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// `answerCorrect: true`
    Correct,
    /// `answerCorrect: false`
    Wrong,
}

/// What a user has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrollmentStatus {
    /// No authenticator.
    NotEnrolled,
    /// An authenticator and enough recovery codes.
    Enrolled,
    /// An authenticator, and fewer recovery codes than a user should have.
    EnrolledCodesDue,
    /// An operator has given the user a code: with an authenticator or without one, the next sign-in sets one up.
    OperatorCode,
    /// Nothing, and no right to an authenticator: the user was deleted.
    Forgotten,
}

/// Whether a record lets the tokens of a sign-in pass.
#[expect(clippy::large_enum_variant, reason = "one an invocation, matched where it is made")]
#[derive(Debug, PartialEq, Eq)]
pub enum Redemption {
    /// It does, once this record has replaced it; and what the tokens say about the sign-in.
    Redeemed(Record, Claims),
    /// It does, for the call that Cognito repeats.
    Repeated(Claims),
    /// It does not.
    NoGrant,
}

impl Record {
    /// Whether the password alone sets up no authenticator, whatever `ENROLLMENT` says.
    ///
    /// A user without an authenticator who was given a code enrolls with a code or not at all, also when it was used or is too
    /// old: otherwise the password alone would enroll whoever waits for that.
    pub(crate) fn is_closed(&self) -> bool {
        self.forgotten_at.is_some() || (self.authenticator.is_none() && self.operator_code.is_some())
    }

    /// What the user has at `now`.
    #[must_use]
    pub fn enrollment_status(&self, now: UnixTime) -> EnrollmentStatus {
        match (&self.authenticator, &self.recovery) {
            _ if self.forgotten_at.is_some() => EnrollmentStatus::Forgotten,
            (None, _) if self.operator_code.is_some() => EnrollmentStatus::OperatorCode,
            (None, _) => EnrollmentStatus::NotEnrolled,
            (Some(_), _) if self.operator_code_until(now).is_some() => EnrollmentStatus::OperatorCode,
            (Some(_), Some(codes)) if codes.left() >= CODES_DUE_BELOW && !self.codes_due => EnrollmentStatus::Enrolled,
            (Some(_), Some(_) | None) => EnrollmentStatus::EnrolledCodesDue,
        }
    }

    /// The user's authenticator.
    #[must_use]
    pub fn authenticator(&self) -> Option<&Authenticator> {
        self.authenticator.as_ref()
    }

    /// Since when the user has one, without a gap. A version that did not note it leaves the time of the present one, which is no
    /// earlier.
    #[must_use]
    pub fn enrolled_since(&self) -> Option<UnixTime> {
        let authenticator = self.authenticator.as_ref()?;
        Some(self.enrolled_since.unwrap_or(authenticator.enrolled_at))
    }

    /// What tokens say about the user, whichever session they are of. `guarded_since` is when no tokens of a sign-in passed
    /// unseen any more.
    #[must_use]
    pub fn claims_about_user(&self, guarded_since: Option<UnixTime>) -> Claims {
        let since = guarded_since.zip(self.enrolled_since()).map(|(guarded, enrolled)| {
            // Tokens that passed before it may have been issued after it.
            let last_unproven = self.unproven_at.last().max(Some(guarded)).map(|last| last.plus(ISSUED_WITHIN_SECONDS));
            last_unproven.max(Some(enrolled)).unwrap_or(enrolled)
        });
        Claims { enrolled: Some(self.authenticator.is_some()), since, ..Claims::default() }
    }

    /// Whether passcodes are checked at `now`.
    #[must_use]
    pub fn rate_limit(&self, now: UnixTime) -> RateLimit {
        self.passcode_limit.rate_limit(now)
    }

    /// What a challenge is issued for.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Wrong passcodes that still count at `now`.
    #[must_use]
    pub fn failures(&self, now: UnixTime) -> u8 {
        self.passcode_limit.failures(now)
    }

    /// Whether somebody who knows the password is guessing passcodes.
    #[must_use]
    pub fn is_alerting(&self, now: UnixTime) -> bool {
        self.passcode_limit.is_alerting(now)
    }

    /// The record as it is stored.
    ///
    /// # Errors
    /// None in practice: every part of a record has a JSON form.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        #[derive(Serialize)]
        struct Stored<'a> {
            format: u32,
            record: &'a Record,
        }
        let stored = Stored { format: if self.is_closed() { CLOSED_FORMAT } else { FORMAT }, record: self };
        match &self.unknown {
            None => serde_json::to_string(&stored),
            Some(unknown) => {
                let mut stored = serde_json::to_value(&stored)?;
                unknown.keep_in(&mut stored);
                serde_json::to_string(&stored)
            }
        }
    }

    /// Parses a stored record.
    ///
    /// # Errors
    /// A format that this version does not know, or no record at all: the sign-in fails and nobody's count changes.
    pub fn from_json(text: &str) -> Result<Self, UnreadableRecord> {
        #[derive(Deserialize)]
        struct Stored<'a> {
            format: u32,
            #[serde(borrow)]
            record: &'a serde_json::value::RawValue,
        }
        let mut any_unknown = false;
        let stored: Stored<'_> = known_fields(text, &mut any_unknown)?;
        if ![FORMAT, CLOSED_FORMAT].contains(&stored.format) {
            return Err(UnreadableRecord::UnknownFormat(stored.format));
        }
        let mut record: Self = known_fields(stored.record.get(), &mut any_unknown)?;
        let needs_generation = record.authenticator.is_some() || record.recovery.is_some() || record.is_closed();
        if record.generation == Generation::NONE && needs_generation {
            return Err(UnreadableRecord::NoGeneration);
        }
        if any_unknown {
            let known = record.to_json().map_err(|_| UnreadableRecord::NoRecord)?;
            record.unknown = UnknownFields::of(text, &known).map(Box::new);
        }
        Ok(record)
    }

    /// Redeems the grant of `client`, which sent `nonce`, if there is one.
    #[must_use]
    pub fn redeem_grant(&self, client: &ClientId, nonce: Option<&SignInNonce>, now: UnixTime) -> Redemption {
        let status = self.grant.as_ref().map(|grant| grant.status(client, nonce, self.wrong_passcodes, now));
        match status.unwrap_or(GrantStatus::Invalid) {
            GrantStatus::Unused(used, claims) => {
                let record = Self { grant: Some(used), wrong_passcodes: 0, ..self.clone() };
                Redemption::Redeemed(record, claims)
            }
            GrantStatus::JustUsed(claims) => Redemption::Repeated(claims),
            GrantStatus::Invalid => Redemption::NoGrant,
        }
    }

    /// The outcome of the challenge with `nonce`, if it was verified before.
    pub(crate) fn outcome_of(&self, nonce: Nonce) -> Option<Outcome> {
        self.outcomes.iter().find(|recorded| recorded.nonce == nonce).map(|recorded| recorded.outcome)
    }

    /// The same record with one more outcome.
    pub(crate) fn with_outcome(mut self, nonce: Nonce, outcome: Outcome) -> Self {
        let surplus = self.outcomes.len().saturating_add(1).saturating_sub(OUTCOMES_REMEMBERED);
        self.outcomes.drain(..surplus);
        self.outcomes.push(RecordedOutcome { nonce, outcome });
        self
    }

    /// The same record after `code` was used, where it is the operator's.
    pub(crate) fn without_operator_code(&self, code: &RecoveryCode, now: UnixTime) -> Option<Self> {
        let used = self.operator_code.as_ref()?.without(code, now)?;
        Some(Self { operator_code: Some(used), ..self.clone() })
    }

    /// The same record after a proof; `grant` is what it leaves for the token guard.
    pub(crate) fn with_proof(self, proof: Proof, grant: Option<TokenGrant>) -> Self {
        Self { last_proof: Some(proof), grant: grant.or(self.grant), ..self }
    }
}

/// Parses what this version knows, and sets `any_unknown` where there is more.
fn known_fields<'a, T: Deserialize<'a>>(text: &'a str, any_unknown: &mut bool) -> Result<T, UnreadableRecord> {
    let mut json = serde_json::Deserializer::from_str(text);
    let known = serde_ignored::deserialize(&mut json, |_| *any_unknown = true);
    // serde's error would quote the record.
    let known = known.map_err(|_| UnreadableRecord::NoRecord)?;
    json.end().map_err(|_| UnreadableRecord::NoRecord)?;
    Ok(known)
}

/// A stored record that cannot be read.
#[derive(Debug)]
pub enum UnreadableRecord {
    /// A format that this version does not know.
    UnknownFormat(u32),
    /// An authenticator or codes without a generation: written by hand.
    NoGeneration,
    /// Not a record.
    NoRecord,
}

impl std::fmt::Display for UnreadableRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownFormat(format) => {
                write!(f, "the record has format {format}, this version reads {FORMAT} and {CLOSED_FORMAT}")
            }
            Self::NoGeneration => {
                f.write_str("the record has an authenticator, codes or an operator's change, and no generation")
            }
            Self::NoRecord => f.write_str("the stored item is not a record"),
        }
    }
}

impl std::error::Error for UnreadableRecord {}
