//! Use case: verify an answer. Load, decide, compare-and-swap.
//!
//! Invariant: a [`Recorded`] outcome is made here only, from a save that took effect, or from a load that found the challenge
//! verified before. `answerCorrect: true` is made from a [`Recorded`] outcome only, or from [`VerifiedAnswer::Skipped`], which is made
//! for an offer alone and proves nothing: the token guard judges again.

use crate::challenge::IssuedChallenge;
use crate::clock::UnixTime;
use crate::cognito::UserKey;
use crate::error::HandlerError;
use crate::ids::AuthenticatorId;
use crate::record::Outcome;
use crate::settings::Admission;
use crate::store::{EncryptionContext, RecordStore, SAVE_ATTEMPTS, Saved, Sealer, Versioned, load_under};
use crate::totp::SharedSecret;
use crate::verification::{Answer, BegunVerification, Reason, Verification, begin_verification};

/// An outcome that is on record.
#[derive(Debug)]
pub struct Recorded {
    outcome: Outcome,
    reason: Reason,
    alert: bool,
}

/// What became of an answer, ready to leave.
#[derive(Debug)]
pub enum VerifiedAnswer {
    /// Verified, and on record.
    Recorded(Recorded),
    /// Wrong in a way that leaves the record as it is.
    Rejected(Reason),
    /// Correct, and nothing was proven: an offer was skipped.
    Skipped,
}

impl VerifiedAnswer {
    /// `answerCorrect`
    #[must_use]
    pub fn is_correct(&self) -> bool {
        match self {
            Self::Recorded(Recorded { outcome: Outcome::Correct, .. }) | Self::Skipped => true,
            Self::Recorded(Recorded { outcome: Outcome::Wrong, .. }) | Self::Rejected(_) => false,
        }
    }

    /// Whether an operator should know: a wrong passcode after so many that somebody who knows the password is guessing.
    #[must_use]
    pub fn is_alerting(&self) -> bool {
        match self {
            Self::Recorded(recorded) => recorded.alert,
            Self::Rejected(_) | Self::Skipped => false,
        }
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Recorded(recorded) => recorded.reason,
            Self::Rejected(reason) => *reason,
            Self::Skipped => Reason::OfferSkipped,
        }
    }
}

/// Verifies `answer` against the user's record and records the outcome.
///
/// # Errors
/// An error of the store or the sealing, a set-up challenge that is outdated, or too many conflicts.
pub async fn verify_answer(
    store: &impl RecordStore,
    sealer: &impl Sealer,
    user: &UserKey,
    issued: &IssuedChallenge,
    answer: &Answer,
    admission: Admission,
    now: UnixTime,
) -> Result<VerifiedAnswer, HandlerError> {
    // After a conflict the same secret need not be opened again.
    let mut opened: Option<(AuthenticatorId, SharedSecret)> = None;
    for _ in 0..SAVE_ATTEMPTS {
        let Versioned { record, version } = load_under(admission.policy, store, user).await?;
        let verification = match begin_verification(&record, issued, answer, admission, now) {
            BegunVerification::Done(verification) => verification,
            BegunVerification::Pending(pending) => {
                let (authenticator, sealed) = pending.sealed();
                let secret = match opened.take() {
                    Some((id, secret)) if id == authenticator => secret,
                    Some(_) | None => sealer.open(sealed, EncryptionContext { user, authenticator }).await?,
                };
                let verification = pending.verify(&secret);
                opened = Some((authenticator, secret));
                verification
            }
        };
        match verification {
            Verification::AlreadyVerified(outcome) => {
                let recorded = Recorded { outcome, reason: Reason::AlreadyVerified, alert: false };
                return Ok(VerifiedAnswer::Recorded(recorded));
            }
            Verification::Rejected(reason) => return Ok(VerifiedAnswer::Rejected(reason)),
            Verification::Skipped => return Ok(VerifiedAnswer::Skipped),
            Verification::ToRecord { outcome, reason, record } => match store.save(user, &record, version).await? {
                Saved::Recorded => {
                    let alert = outcome == Outcome::Wrong && record.is_alerting(now);
                    return Ok(VerifiedAnswer::Recorded(Recorded { outcome, reason, alert }));
                }
                Saved::Conflict => {}
            },
            Verification::Outdated => return Err(HandlerError::ChallengeOutdated),
            Verification::Required => return Err(HandlerError::SecondFactorRequired),
            Verification::InvalidParameters => return Err(HandlerError::InvalidParameters),
        }
    }
    Err(HandlerError::TooManyConflicts)
}
