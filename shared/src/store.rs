//! Where records live, and the only way an answer becomes right: judged against a record, and on record before it leaves.
//!
//! Invariant: a [`Recorded`] is made here only, from a save that took effect, or from a load that found the challenge
//! judged. `answerCorrect: true` is made from a [`Recorded`] only.

use std::future::Future;
use std::sync::Arc;

use crate::challenge::{AuthenticatorId, Posed, SealedSecret};
use crate::clock::UnixTime;
use crate::second_factor::{Answer, Examination, Outcome, Reason, Record, Tokens, Verdict, examine};
use crate::settings::{Enrollment, TokenGuard};
use crate::token_guard::{Claims, ClientId, NoTokens, Rule, TokenSource, rule};
use crate::totp::SharedSecret;
use crate::trigger::Fault;

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "aws")]
pub mod dynamodb;
#[cfg(feature = "aws")]
pub mod kms;
#[cfg(feature = "memory")]
pub mod memory;

/// Loads and judgements of one answer before it is given up: more than the saves that can succeed in between, since the
/// fifth wrong passcode stops the rest.
pub const SAVE_ATTEMPTS: u8 = 8;

/// Whose record: `sub` is never reused, a user name may be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserKey {
    /// `userPoolId` of the event.
    pub user_pool_id: String,
    /// `sub` of the user.
    pub sub: String,
}

impl std::fmt::Display for UserKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.user_pool_id, self.sub)
    }
}

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
/// - a save that reports a fault may have taken effect.
pub trait RecordStore: Send + Sync {
    /// The record of `user`, empty if there is none.
    fn load(&self, user: &UserKey) -> impl Future<Output = Result<Versioned, StoreFault>> + Send;

    /// Puts `record` in the place of version `replacing`.
    fn save(
        &self,
        user: &UserKey,
        record: &Record,
        replacing: Version,
    ) -> impl Future<Output = Result<Saved, StoreFault>> + Send;
}

/// Create and Verify of one process share a store.
impl<T: RecordStore> RecordStore for Arc<T> {
    fn load(&self, user: &UserKey) -> impl Future<Output = Result<Versioned, StoreFault>> + Send {
        T::load(self, user)
    }

    fn save(
        &self,
        user: &UserKey,
        record: &Record,
        replacing: Version,
    ) -> impl Future<Output = Result<Saved, StoreFault>> + Send {
        T::save(self, user, record, replacing)
    }
}

/// What a sealed secret is bound to.
#[derive(Clone, Copy, Debug)]
pub struct SealedFor<'a> {
    /// Whose secret.
    pub user: &'a UserKey,
    /// Which authenticator's.
    pub authenticator: AuthenticatorId,
}

impl SealedFor<'_> {
    /// The binding as names and values: KMS's encryption context.
    #[must_use]
    pub fn context(&self) -> [(&'static str, String); 4] {
        [
            ("userPoolId", self.user.user_pool_id.clone()),
            ("sub", self.user.sub.clone()),
            ("purpose", "authenticator-secret".to_owned()),
            ("nonce", self.authenticator.text()),
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
        sealed_for: SealedFor<'_>,
    ) -> impl Future<Output = Result<SealedSecret, SealFault>> + Send;

    /// Opens what was sealed for the same.
    fn open(
        &self,
        sealed: &SealedSecret,
        sealed_for: SealedFor<'_>,
    ) -> impl Future<Output = Result<SharedSecret, SealFault>> + Send;
}

impl<T: Sealer> Sealer for Arc<T> {
    fn seal(
        &self,
        secret: &SharedSecret,
        sealed_for: SealedFor<'_>,
    ) -> impl Future<Output = Result<SealedSecret, SealFault>> + Send {
        T::seal(self, secret, sealed_for)
    }

    fn open(
        &self,
        sealed: &SealedSecret,
        sealed_for: SealedFor<'_>,
    ) -> impl Future<Output = Result<SharedSecret, SealFault>> + Send {
        T::open(self, sealed, sealed_for)
    }
}

/// An error from below, whatever the adapter has.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The store could not do it: nobody's wrong answer, and no way in.
#[derive(Debug)]
pub struct StoreFault(pub Cause);

/// The sealing could not be made or opened: nobody's wrong answer, and no way in.
#[derive(Debug)]
pub struct SealFault(pub Cause);

/// An outcome that is on record.
#[derive(Debug)]
pub struct Recorded {
    outcome: Outcome,
    reason: Reason,
    guessed: bool,
}

/// What became of an answer, ready to leave.
#[derive(Debug)]
pub enum Settled {
    /// Judged, and on record.
    Recorded(Recorded),
    /// Wrong in a way that leaves the record as it is.
    Refused(Reason),
}

impl Settled {
    /// `answerCorrect`.
    #[must_use]
    pub fn answer_correct(&self) -> bool {
        match self {
            Self::Recorded(Recorded { outcome: Outcome::Right, .. }) => true,
            Self::Recorded(Recorded { outcome: Outcome::Wrong, .. }) | Self::Refused(_) => false,
        }
    }

    /// A wrong passcode, after so many that somebody guesses who knows the password.
    #[must_use]
    pub fn guessed(&self) -> bool {
        match self {
            Self::Recorded(recorded) => recorded.guessed,
            Self::Refused(_) => false,
        }
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Recorded(recorded) => recorded.reason,
            Self::Refused(reason) => *reason,
        }
    }
}

/// Judges `answer` against the user's record and records the outcome: load, judge, compare-and-swap.
///
/// # Errors
/// A fault of the store or the sealing, a set-up challenge that the record has left behind, or too many conflicts.
pub async fn settle(
    store: &impl RecordStore,
    sealer: &impl Sealer,
    user: &UserKey,
    posed: &Posed,
    answer: &Answer,
    enrollment: Enrollment,
    now: UnixTime,
) -> Result<Settled, Fault> {
    // A conflict need not open the same secret again.
    let mut opened: Option<(AuthenticatorId, SharedSecret)> = None;
    for _ in 0..SAVE_ATTEMPTS {
        let Versioned { record, version } = store.load(user).await?;
        let verdict = match examine(&record, posed, answer, enrollment, now) {
            Examination::Settled(verdict) => verdict,
            Examination::Passcode(awaiting) => {
                let (authenticator, sealed) = awaiting.sealed();
                let secret = match opened.take() {
                    Some((id, secret)) if id == authenticator => secret,
                    Some(_) | None => sealer.open(sealed, SealedFor { user, authenticator }).await?,
                };
                let verdict = awaiting.judge(&secret);
                opened = Some((authenticator, secret));
                verdict
            }
        };
        match verdict {
            Verdict::AlreadyJudged(outcome) => {
                return Ok(Settled::Recorded(Recorded { outcome, reason: Reason::AlreadyJudged, guessed: false }));
            }
            Verdict::Refused(reason) => return Ok(Settled::Refused(reason)),
            Verdict::ToRecord { outcome, reason, record } => match store.save(user, &record, version).await? {
                Saved::Recorded => {
                    let guessed = outcome == Outcome::Wrong && record.is_guessed(now);
                    return Ok(Settled::Recorded(Recorded { outcome, reason, guessed }));
                }
                Saved::Conflict => {}
            },
            Verdict::Outdated => return Err(Fault::ChallengeOutdated),
            Verdict::Impossible => return Err(Fault::ImpossibleAuthenticator),
        }
    }
    Err(Fault::TooManyConflicts)
}

/// Lets the tokens of `source` pass, or not, and says what second factor they rest on, where that is known.
///
/// # Errors
/// No tokens: the source does not pass, or nothing pays for it; a fault of the store; too many conflicts.
pub async fn pay_for_tokens(
    store: &impl RecordStore,
    user: &UserKey,
    client: Option<&ClientId>,
    source: TokenSource,
    guard: TokenGuard,
    now: UnixTime,
) -> Result<Option<Claims>, Fault> {
    match rule(source, guard) {
        Rule::Pass => return Ok(None),
        Rule::Refuse => return Err(Fault::NoTokens(NoTokens::Source(source))),
        Rule::AgainstMark => {}
    }
    let client = client.ok_or(Fault::NoTokens(NoTokens::NoClient))?;
    for _ in 0..SAVE_ATTEMPTS {
        let Versioned { record, version } = store.load(user).await?;
        match record.paid(client, now) {
            Tokens::Once(used, claims) => match store.save(user, &used, version).await? {
                Saved::Recorded => return Ok(claims),
                Saved::Conflict => {}
            },
            Tokens::Again(claims) => return Ok(claims),
            Tokens::NotPaid => return Err(Fault::NoTokens(NoTokens::NotPaid)),
        }
    }
    Err(Fault::TooManyConflicts)
}
