//! The verification of an answer: record × challenge × answer → outcome and new record. Pure.
//!
//! [`begin_verification`] does what can be done without the authenticator's secret. Where it needs the secret, it returns a
//! [`PendingPasscode`], and only [`PendingPasscode::verify`] compares a passcode. So no passcode is compared during a wait or
//! after its outcome was recorded, and no set-up challenge against a record that has changed.
//!
//! Invariant: a passcode is accepted once; a recovery code leaves the record with its use; a recorded outcome is final;
//! a set-up challenge changes only the generation it was issued for, and only while `ENROLLMENT` admits what entitled it.

use zeroize::Zeroizing;

use crate::authenticator::{Authenticator, FriendlyName, SealedSecret};
use crate::challenge::{Challenge, Due, IssuedChallenge, NewAuthenticator, NewCodes, Offer, Prompt, Removal, SKIP};
use crate::clock::UnixTime;
use crate::cognito::ClientId;
use crate::ids::{AuthenticatorId, Nonce};
use crate::operator_note::ClockOffset;
use crate::passcode_limit::RateLimit;
use crate::record::{Outcome, Record};
use crate::recovery_codes::RecoveryCode;
use crate::settings::{Admission, Entitlement};
use crate::sign_in_nonce::{NotANonce, SignInNonce};
use crate::token_grant::{Proof, SecondFactor, TokenGrant};
use crate::totp::{self, Match, Parameters, Passcode, SharedSecret};

/// What a user typed, and what came with it. Never printed.
pub struct Answer {
    typed: Zeroizing<String>,
    client: Option<ClientId>,
    nonce: Result<Option<SignInNonce>, NotANonce>,
    name: Option<FriendlyName>,
}

impl Answer {
    /// Takes `challengeAnswer`.
    #[must_use]
    pub fn new(typed: String) -> Self {
        Self { typed: Zeroizing::new(typed), client: None, nonce: Ok(None), name: None }
    }

    /// The same, sent by `client`: the one that may have the tokens.
    #[must_use]
    pub fn sent_by(self, client: Option<ClientId>) -> Self {
        Self { client, ..self }
    }

    /// The same, from a sign-in that is bound to a nonce.
    #[must_use]
    pub fn bound_to(self, nonce: Result<Option<SignInNonce>, NotANonce>) -> Self {
        Self { nonce, ..self }
    }

    /// The same, with the user's own name for a new authenticator.
    #[must_use]
    pub fn naming(self, name: Option<FriendlyName>) -> Self {
        Self { name, ..self }
    }

    /// For the token guard, after `proof`.
    fn grant(&self, proof: Option<Proof>, now: UnixTime) -> Option<TokenGrant> {
        // A client that sends what is no nonce wants a grant that nobody else can redeem: there is none.
        let nonce = self.nonce.ok()?;
        self.client.clone().map(|client| TokenGrant::new(client, proof, now).bound_to(nonce))
    }
}

/// Why an answer was correct or wrong; for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A correct, unused passcode.
    PasscodeAccepted,
    /// A passcode that was correct, but it or a later one was used before.
    PasscodeReplayed,
    /// A wrong passcode.
    WrongPasscode,
    /// A passcode during a wait, or while passcodes are blocked: not checked, not counted.
    RateLimited,
    /// An unused recovery code, used up now.
    RecoveryCodeUsed,
    /// The operator's code, used up now.
    OperatorCodeUsed,
    /// Neither a passcode nor a code that is left.
    WrongRecoveryCode,
    /// The first passcode of a new authenticator, which is the user's now.
    AuthenticatorEnrolled,
    /// Not the first passcode of the new authenticator.
    WrongFirstPasscode,
    /// One of the new recovery codes, which are the user's now.
    RecoveryCodesKept,
    /// None of the new recovery codes.
    NotOneOfTheNewCodes,
    /// The user does without a second factor.
    OfferSkipped,
    /// The user sets up an authenticator.
    OfferTaken,
    /// The user would do without a second factor, and one is required.
    SecondFactorRequired,
    /// The user has turned the second factor off.
    AuthenticatorRemoved,
    /// The same challenge was verified before.
    AlreadyVerified,
    /// There is no such user, and Cognito hides it.
    UserNotFound,
}

/// What becomes of an answer.
#[expect(clippy::large_enum_variant, reason = "one an invocation, matched where it is made")]
#[derive(Debug, PartialEq, Eq)]
pub enum Verification {
    /// This challenge was already verified; this is the recorded outcome.
    AlreadyVerified(Outcome),
    /// Wrong, and the record stays as it is.
    Rejected(Reason),
    /// The outcome counts once this record has replaced the one it was verified against.
    ToRecord {
        /// Whether it was correct.
        outcome: Outcome,
        /// Why.
        reason: Reason,
        /// What the store must hold before the outcome leaves.
        record: Record,
    },
    /// Correct, and nothing was proven: the record stays as it is.
    Skipped,
    /// The record or the settings have changed since this set-up challenge was issued.
    Outdated,
    /// The second factor cannot be turned off: one is required of the user by now.
    Required,
    /// The record holds parameters that RFC 6238 does not allow.
    InvalidParameters,
}

/// What [`begin_verification`] came to.
#[expect(clippy::large_enum_variant, reason = "one an invocation, matched where it is made")]
pub enum BegunVerification<'a> {
    /// No secret is needed.
    Done(Verification),
    /// A passcode is to be compared.
    Pending(PendingPasscode<'a>),
}

/// A passcode that may be compared once the secret is open.
pub struct PendingPasscode<'a> {
    record: &'a Record,
    nonce: Nonce,
    passcode: Passcode,
    now: UnixTime,
    against: Against<'a>,
    /// Whose grant a correct passcode leaves for the token guard.
    granted: Option<&'a Answer>,
}

#[derive(Clone, Copy)]
enum Against<'a> {
    Enrolled(&'a Authenticator),
    /// Enrolled, until this passcode turns the second factor off.
    Removed(&'a Authenticator, Removal),
    New(&'a NewAuthenticator, Option<&'a FriendlyName>),
}

/// Verifies an answer as far as that goes without the secret.
///
/// `admission` is what the operator's present settings say of this user.
#[must_use]
pub fn begin_verification<'a>(
    record: &'a Record,
    issued: &'a IssuedChallenge,
    answer: &'a Answer,
    admission: Admission,
    now: UnixTime,
) -> BegunVerification<'a> {
    let IssuedChallenge { nonce, challenge } = issued;
    if let Some(outcome) = record.outcome_of(*nonce) {
        return BegunVerification::Done(Verification::AlreadyVerified(outcome));
    }
    BegunVerification::Done(match challenge {
        Challenge::SecondFactor(prompt) => {
            // Where something is due, the grant comes with the recovery codes.
            let granted = match prompt.due {
                Due::Nothing => Some(answer),
                Due::RecoveryCodes | Due::Authenticator => None,
            };
            return begin_second_factor(record, *nonce, answer, Purpose::SignIn(*prompt), granted, now);
        }
        // What was held over a reset, an enrollment or a removal is worth nothing.
        Challenge::Offer(Offer { generation }) if *generation != record.generation => Verification::Outdated,
        Challenge::Offer(_) if answer.typed.as_str() != SKIP => Verification::Rejected(Reason::OfferTaken),
        Challenge::Offer(_) if admission.required || record.requires_second_factor() => {
            Verification::Rejected(Reason::SecondFactorRequired)
        }
        Challenge::Offer(_) => Verification::Skipped,
        Challenge::RemoveAuthenticator(removal) if removal.generation != record.generation => Verification::Outdated,
        Challenge::RemoveAuthenticator(_) if admission.required || !record.may_be_turned_off(now) => {
            Verification::Required
        }
        Challenge::RemoveAuthenticator(removal) => {
            return begin_second_factor(record, *nonce, answer, Purpose::Removal(*removal), None, now);
        }
        Challenge::TotpSetup(new) if new.generation != record.generation => Verification::Outdated,
        Challenge::TotpSetup(new) if !admission.enrollment.admits(new.entitlement) => Verification::Outdated,
        // An older Create does not know what closes a record.
        Challenge::TotpSetup(new) if record.is_closed() && new.entitlement != Entitlement::SecondFactor => {
            Verification::Outdated
        }
        Challenge::TotpSetup(new) => match Passcode::parse(&answer.typed) {
            Some(passcode) => {
                let against = Against::New(new, answer.name.as_ref());
                let pending = PendingPasscode { record, nonce: *nonce, passcode, now, against, granted: None };
                return BegunVerification::Pending(pending);
            }
            None => Verification::Rejected(Reason::WrongFirstPasscode),
        },
        Challenge::RecoveryCodes(new) if new.generation != record.generation => Verification::Outdated,
        Challenge::RecoveryCodes(new @ NewCodes { codes, .. }) => match RecoveryCode::parse(&answer.typed) {
            // The code that was typed back stays usable.
            Some(code) if codes.contains(&code) => {
                // In this generation whoever is asked for these codes has proven a factor; the record has the last proof.
                let grant = answer.grant(record.last_proof, now).or(record.grant.clone());
                let generation = new.next_generation();
                let record =
                    Record { recovery: Some(codes.clone()), codes_due: false, generation, grant, ..record.clone() };
                to_record(record, *nonce, Outcome::Correct, Reason::RecoveryCodesKept)
            }
            Some(_) | None => Verification::Rejected(Reason::NotOneOfTheNewCodes),
        },
    })
}

/// What a passcode or a recovery code is asked for.
#[derive(Clone, Copy)]
enum Purpose {
    SignIn(Prompt),
    Removal(Removal),
}

fn begin_second_factor<'a>(
    record: &'a Record,
    nonce: Nonce,
    answer: &Answer,
    purpose: Purpose,
    granted: Option<&'a Answer>,
    now: UnixTime,
) -> BegunVerification<'a> {
    let Some(passcode) = Passcode::parse(&answer.typed) else {
        return BegunVerification::Done(verify_code(record, nonce, answer, purpose, granted, now));
    };
    match (record.rate_limit(now), &record.authenticator) {
        (RateLimit::RetryAfter { .. } | RateLimit::Blocked { .. }, _) => {
            BegunVerification::Done(Verification::Rejected(Reason::RateLimited))
        }
        (RateLimit::Allow, Some(enrolled)) => {
            let against = match purpose {
                Purpose::SignIn(_) => Against::Enrolled(enrolled),
                Purpose::Removal(removal) => Against::Removed(enrolled, removal),
            };
            BegunVerification::Pending(PendingPasscode { record, nonce, passcode, now, against, granted })
        }
        // Counted for everybody, so that the waits do not tell who has an authenticator.
        (RateLimit::Allow, None) => BegunVerification::Done(wrong_passcode(record, nonce, now, Reason::WrongPasscode)),
    }
}

/// Not subject to the limit: otherwise somebody who knows the password could lock the owner out.
fn verify_code(
    record: &Record,
    nonce: Nonce,
    answer: &Answer,
    purpose: Purpose,
    granted: Option<&Answer>,
    now: UnixTime,
) -> Verification {
    let Some(code) = RecoveryCode::parse(&answer.typed) else {
        return Verification::Rejected(Reason::WrongRecoveryCode);
    };
    let takes_operator_code = match purpose {
        // At another prompt a correct answer leads to tokens, and after one of another generation Create goes no further.
        Purpose::SignIn(prompt) => prompt.due == Due::Authenticator && prompt.generation == record.generation,
        Purpose::Removal(_) => false,
    };
    let (used, reason) = if let Some(left) = record.recovery.as_ref().and_then(|codes| codes.without(&code)) {
        (Record { recovery: Some(left), ..record.clone() }, Reason::RecoveryCodeUsed)
    } else if let (true, Some(used)) = (takes_operator_code, record.without_operator_code(&code, now)) {
        (used, Reason::OperatorCodeUsed)
    } else {
        return Verification::Rejected(Reason::WrongRecoveryCode);
    };
    let passcode_limit = record.passcode_limit.after_recovery_code(now);
    if let Purpose::Removal(removal) = purpose {
        let record = Record { passcode_limit, ..used }.turned_off(removal.next, now);
        return to_record(record, nonce, Outcome::Correct, Reason::AuthenticatorRemoved);
    }
    // A proof by an operator's code is one by a recovery code: an older function would refuse a record with another word.
    let proof = Proof { factor: SecondFactor::RecoveryCode, at: now };
    let grant = granted.and_then(|answer| answer.grant(Some(proof), now));
    to_record(Record { passcode_limit, ..used }.with_proof(proof, grant), nonce, Outcome::Correct, reason)
}

fn wrong_passcode(record: &Record, nonce: Nonce, now: UnixTime, reason: Reason) -> Verification {
    let passcode_limit = record.passcode_limit.after_wrong_passcode(now);
    let wrong_passcodes = record.wrong_passcodes.saturating_add(1);
    to_record(Record { passcode_limit, wrong_passcodes, ..record.clone() }, nonce, Outcome::Wrong, reason)
}

fn to_record(record: Record, nonce: Nonce, outcome: Outcome, reason: Reason) -> Verification {
    Verification::ToRecord { outcome, reason, record: record.with_outcome(nonce, outcome) }
}

impl PendingPasscode<'_> {
    /// The secret to open, and the authenticator that it is sealed for.
    #[must_use]
    pub fn sealed(&self) -> (AuthenticatorId, &SealedSecret) {
        match self.against {
            Against::Enrolled(enrolled) | Against::Removed(enrolled, _) => (enrolled.id, &enrolled.sealed),
            Against::New(new, _) => (new.id, &new.sealed),
        }
    }

    /// Compares the passcode.
    #[must_use]
    pub fn verify(self, secret: &SharedSecret) -> Verification {
        match self.against {
            Against::Enrolled(enrolled) => self.verify_enrolled(enrolled, None, secret),
            Against::Removed(enrolled, removal) => self.verify_enrolled(enrolled, Some(removal), secret),
            Against::New(new, name) => self.verify_new(new, name, secret),
        }
    }

    fn verify_enrolled(
        self,
        enrolled: &Authenticator,
        removal: Option<Removal>,
        secret: &SharedSecret,
    ) -> Verification {
        let (parameters, last_used) = (enrolled.parameters, Some(enrolled.last_step));
        match totp::match_passcode(secret, parameters, &self.passcode, self.now, last_used) {
            None => Verification::InvalidParameters,
            Some(Match::Accepted(_)) if let Some(removal) = removal => {
                let record = self.record.turned_off(removal.next, self.now);
                to_record(record, self.nonce, Outcome::Correct, Reason::AuthenticatorRemoved)
            }
            Some(Match::Accepted(last_step)) => {
                let authenticator = Some(Authenticator { last_step, ..enrolled.clone() });
                let proof = Proof { factor: SecondFactor::Totp, at: self.now };
                let grant = self.granted.and_then(|answer| answer.grant(Some(proof), self.now));
                let record =
                    Record { authenticator, clock_offset: None, ..self.record.clone() }.with_proof(proof, grant);
                to_record(record, self.nonce, Outcome::Correct, Reason::PasscodeAccepted)
            }
            Some(Match::Replayed) => wrong_passcode(self.record, self.nonce, self.now, Reason::PasscodeReplayed),
            Some(Match::Wrong) => {
                let seconds = totp::clock_offset(secret, parameters, &self.passcode, self.now);
                let offset = seconds.map(|seconds| ClockOffset { seconds, at: self.now });
                let record = Record { clock_offset: offset.or(self.record.clock_offset), ..self.record.clone() };
                wrong_passcode(&record, self.nonce, self.now, Reason::WrongPasscode)
            }
        }
    }

    fn verify_new(self, new: &NewAuthenticator, name: Option<&FriendlyName>, secret: &SharedSecret) -> Verification {
        // Some apps ignore the digits in the key URI; what the user typed tells how many this one shows.
        let parameters = Parameters { digits: self.passcode.digits(), ..Parameters::default() };
        match totp::match_passcode(secret, parameters, &self.passcode, self.now, None) {
            None => Verification::InvalidParameters,
            Some(Match::Accepted(last_step)) => {
                let authenticator = Some(Authenticator {
                    id: new.id,
                    sealed: new.sealed.clone(),
                    parameters,
                    name: name.cloned(),
                    enrolled_at: self.now,
                    last_step,
                });
                let generation = new.next_generation();
                // A replacement comes after a proven factor; where there was none, nothing before it has proven one.
                let enrolled_since = self.record.enrolled_since().or(Some(self.now));
                let record = Record {
                    authenticator,
                    enrolled_since,
                    codes_due: true,
                    generation,
                    operator_code: None,
                    turned_off_at: None,
                    clock_offset: None,
                    ..self.record.clone()
                }
                // The grant comes with the recovery codes.
                .with_proof(Proof { factor: SecondFactor::Totp, at: self.now }, None);
                to_record(record, self.nonce, Outcome::Correct, Reason::AuthenticatorEnrolled)
            }
            Some(Match::Replayed | Match::Wrong) => Verification::Rejected(Reason::WrongFirstPasscode),
        }
    }
}
