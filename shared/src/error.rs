//! What can go wrong, and the one sentence that a client reads about it.
//!
//! Invariant: none of our reasons leaves with a [`ClientError`], but for two, once the password was right: that a sign-in has no grant, and
//! that a second factor is required.
//! Everything else is the fixed sentence, or one that the team's own function wrote for its clients, which only an error of that
//! function can make and only where the operator shows it. Cognito shows a function's error text to the client.

use crate::guard_settings::NoGrantMessage;
use crate::next_refusal::{Refusal, ShownSentence};
use crate::random::RandomError;
use crate::settings::SettingError;
use crate::token_grant::TokenDenied;

/// Any error of an adapter.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The store failed: nobody's wrong answer, and no way in.
#[derive(Debug)]
pub struct StoreError(pub Cause);

/// A secret could not be sealed or opened: nobody's wrong answer, and no way in.
#[derive(Debug)]
pub struct SealError(pub Cause);

/// The next function could not be invoked, or did not answer: nobody's decision, and no way in.
#[derive(Debug)]
pub struct InvokeError(pub Cause);

/// Everything that ends an invocation without an answer; for the log. What a client reads of it is a [`ClientError`].
#[derive(Debug)]
pub enum HandlerError {
    /// Not an event of this trigger, or a part of it that a decision rests on is not as Cognito sends it.
    NotThisTriggersEvent(&'static str),
    /// A known user without `sub`.
    NoSub,
    /// Create was called for a session that expects no challenge of ours.
    NoChallengeExpected,
    /// `privateChallengeParameters` or `challengeMetadata` that Create did not write.
    NotOurChallenge,
    /// The record or the settings have changed since a challenge of this sign-in was issued.
    ChallengeOutdated,
    /// The record holds parameters that RFC 6238 does not allow.
    InvalidParameters,
    /// The token guard denies the tokens.
    TokenDenied(TokenDenied),
    /// The same for [`TokenDenied::NoGrant`], with what the client reads.
    NoGrant(NoGrantMessage),
    /// A second factor is required of a user, and there is none, or the session may have proven none, or it cannot be turned off.
    SecondFactorRequired,
    /// The next function, which is the team's own, denies the tokens.
    NextFunctionRefused {
        /// What it says.
        refusal: Refusal,
        /// What the client may read of that.
        shown: Option<ShownSentence>,
    },
    /// The next function could not be invoked.
    Invoke(InvokeError),
    /// What the next function returned is no answer of this trigger, or a part of it is not as Cognito takes it.
    NotThisTriggersAnswer(&'static str),
    /// Others kept saving the same record.
    TooManyConflicts,
    /// The calls of this invocation took longer than Cognito would wait.
    TimedOut,
    /// The store.
    Store(StoreError),
    /// The sealing.
    Seal(SealError),
    /// Randomness.
    Random(RandomError),
    /// The response could not be written.
    Response(serde_json::Error),
    /// A setting.
    Setting(SettingError),
    /// A defect in this code.
    Panicked,
}

impl HandlerError {
    /// Whether a user can cause it, with nothing broken: by a second browser tab, a slow answer, or another way to tokens.
    /// Alarms leave refusals out, so what is in doubt is none.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::ChallengeOutdated => true,
            // By answers sent at the same time, all for this one user's record.
            Self::TooManyConflicts => true,
            Self::TokenDenied(TokenDenied::Source(_) | TokenDenied::NoGrant)
            | Self::NoGrant(_)
            | Self::SecondFactorRequired => true,
            // It refuses by an error, and its own defects are its own alarms' matter.
            Self::NextFunctionRefused { .. } => true,
            // Cognito names the client, whatever a user does.
            Self::TokenDenied(TokenDenied::NoClient) => false,
            Self::NotThisTriggersEvent(_) | Self::NoSub | Self::NoChallengeExpected | Self::NotOurChallenge => false,
            Self::InvalidParameters | Self::Store(_) | Self::Seal(_) | Self::TimedOut => false,
            Self::Invoke(_) | Self::NotThisTriggersAnswer(_) => false,
            Self::Random(_) | Self::Response(_) | Self::Setting(_) | Self::Panicked => false,
        }
    }
}

impl std::fmt::Display for HandlerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotThisTriggersEvent(part) => write!(f, "not an event of this trigger: {part}"),
            Self::NoSub => f.write_str("the user has no sub"),
            Self::NoChallengeExpected => f.write_str("the session expects no custom challenge"),
            Self::NotOurChallenge => f.write_str("Create did not issue this challenge"),
            Self::ChallengeOutdated => {
                f.write_str("the record or the settings have changed since a challenge of this sign-in was issued")
            }
            Self::InvalidParameters => f.write_str("the record holds parameters that RFC 6238 does not allow"),
            Self::TokenDenied(reason) => write!(f, "tokens denied: {reason:?}"),
            Self::NoGrant(_) => write!(f, "tokens denied: {:?}", TokenDenied::NoGrant),
            Self::SecondFactorRequired => f.write_str("a second factor is required of this user"),
            Self::NextFunctionRefused { .. } => f.write_str("the next function refused the tokens"),
            Self::Invoke(_) => f.write_str("the next function could not be invoked"),
            Self::NotThisTriggersAnswer(part) => {
                write!(f, "the next function returned no answer of this trigger: {part}")
            }
            Self::TooManyConflicts => f.write_str("others kept saving the same record"),
            Self::TimedOut => f.write_str("the calls of this invocation ran out of time"),
            Self::Store(_) => f.write_str("the store"),
            Self::Seal(_) => f.write_str("the sealing"),
            Self::Random(_) => f.write_str("randomness"),
            Self::Response(_) => f.write_str("the response could not be written"),
            Self::Setting(_) => f.write_str("a setting"),
            Self::Panicked => f.write_str("the function panicked"),
        }
    }
}

impl std::error::Error for HandlerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(StoreError(cause)) | Self::Seal(SealError(cause)) => Some(&**cause),
            Self::Invoke(InvokeError(cause)) => Some(&**cause),
            Self::NextFunctionRefused { refusal, .. } => Some(refusal),
            Self::Random(error) => Some(error),
            Self::Response(error) => Some(error),
            Self::Setting(error) => Some(error),
            Self::NotThisTriggersEvent(_)
            | Self::NoSub
            | Self::NoChallengeExpected
            | Self::NotOurChallenge
            | Self::ChallengeOutdated
            | Self::InvalidParameters
            | Self::TokenDenied(_)
            | Self::NoGrant(_)
            | Self::SecondFactorRequired
            | Self::NotThisTriggersAnswer(_)
            | Self::TooManyConflicts
            | Self::TimedOut
            | Self::Panicked => None,
        }
    }
}

impl From<StoreError> for HandlerError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<SealError> for HandlerError {
    fn from(error: SealError) -> Self {
        Self::Seal(error)
    }
}

impl From<InvokeError> for HandlerError {
    fn from(error: InvokeError) -> Self {
        Self::Invoke(error)
    }
}

impl From<RandomError> for HandlerError {
    fn from(error: RandomError) -> Self {
        Self::Random(error)
    }
}

impl From<serde_json::Error> for HandlerError {
    fn from(error: serde_json::Error) -> Self {
        Self::Response(error)
    }
}

/// An error and what caused it, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |chain, cause| format!("{chain}: {cause}"))
}

/// The one error that leaves a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientError {
    /// The fixed sentence.
    Fixed,
    /// The password was right, and no second factor was proven: starting again does not help an app that knows of none.
    NoGrant(NoGrantMessage),
    /// The password was right, and a second factor is required: the next sign-in sets one up.
    SecondFactorRequired,
    /// What the team's own function wrote for its clients. Only the token guard meets it.
    OfNextFunction(ShownSentence),
}

impl ClientError {
    /// What the client reads, after Cognito's own words.
    pub const SENTENCE: &str = "The sign-in could not be completed. Please start again.";
    /// The same, for a user of whom a second factor is required.
    pub const SECOND_FACTOR_REQUIRED: &str = "Your account needs a second factor. Please sign in again.";
}

impl From<HandlerError> for ClientError {
    fn from(error: HandlerError) -> Self {
        match error {
            HandlerError::NextFunctionRefused { shown: Some(sentence), .. } => Self::OfNextFunction(sentence),
            HandlerError::NoGrant(message) => Self::NoGrant(message),
            HandlerError::SecondFactorRequired => Self::SecondFactorRequired,
            HandlerError::NextFunctionRefused { shown: None, .. }
            | HandlerError::NotThisTriggersEvent(_)
            | HandlerError::NoSub
            | HandlerError::NoChallengeExpected
            | HandlerError::NotOurChallenge
            | HandlerError::ChallengeOutdated
            | HandlerError::InvalidParameters
            | HandlerError::TokenDenied(_)
            | HandlerError::Invoke(_)
            | HandlerError::NotThisTriggersAnswer(_)
            | HandlerError::TooManyConflicts
            | HandlerError::TimedOut
            | HandlerError::Store(_)
            | HandlerError::Seal(_)
            | HandlerError::Random(_)
            | HandlerError::Response(_)
            | HandlerError::Setting(_)
            | HandlerError::Panicked => Self::Fixed,
        }
    }
}

impl std::fmt::Display for ClientError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed => f.write_str(Self::SENTENCE),
            Self::NoGrant(message) => write!(f, "{message}"),
            Self::SecondFactorRequired => f.write_str(Self::SECOND_FACTOR_REQUIRED),
            Self::OfNextFunction(sentence) => write!(f, "{sentence}"),
        }
    }
}

impl std::error::Error for ClientError {}
