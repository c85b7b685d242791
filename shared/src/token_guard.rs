//! The token guard: which tokens may leave Cognito, and what they say of the second factor.
//!
//! Cognito can issue tokens without asking Define: by other app clients of the pool, managed login, temporary passwords.
//! So Verify leaves a mark with the answer that ends a sign-in, for the app client that sent it, and the guard lets the
//! tokens of a sign-in pass against it only.
//!
//! Invariant: under [`Rule::AgainstMark`] one mark passes one sign-in. Cognito repeats a call that it hears nothing from,
//! and its event names no sign-in: so for [`REPEAT_SECONDS`] after its use a mark passes the same client again. Tokens that pass
//! without a mark say nothing of a second factor: whose sign-in they end cannot be known.
//! Source: <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html>

use serde::{Deserialize, Serialize};

use crate::clock::UnixTime;
use crate::settings::TokenGuard;

/// Seconds for which a mark can be used. A client that holds back further answers for longer, after the one that left the
/// mark, signs in again: Cognito gives each of them as long.
pub const MARK_SECONDS: u64 = 15 * 60;
/// Seconds after its use in which the same mark passes again: three calls of five seconds, and what lies between them.
pub const REPEAT_SECONDS: u64 = 20;

/// Why Cognito is about to issue tokens: `triggerSource`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// `TokenGeneration_Authentication`: a sign-in by the API, whatever its flow.
    Authentication,
    /// `TokenGeneration_RefreshTokens`
    RefreshTokens,
    /// `TokenGeneration_NewPasswordChallenge`: a temporary password was changed, and nothing else was asked.
    NewPasswordChallenge,
    /// `TokenGeneration_HostedAuth`: managed login or a federated provider.
    HostedAuth,
    /// `TokenGeneration_AuthenticateDevice`: a remembered device.
    AuthenticateDevice,
    /// Any other, also `TokenGeneration_ClientCredentials`, where there is no user to guard.
    Unknown,
}

impl TokenSource {
    /// Reads `triggerSource`; `None` when it is no token generation at all.
    #[must_use]
    pub fn read(trigger_source: &str) -> Option<Self> {
        match trigger_source {
            "TokenGeneration_Authentication" => Some(Self::Authentication),
            "TokenGeneration_RefreshTokens" => Some(Self::RefreshTokens),
            "TokenGeneration_NewPasswordChallenge" => Some(Self::NewPasswordChallenge),
            "TokenGeneration_HostedAuth" => Some(Self::HostedAuth),
            "TokenGeneration_AuthenticateDevice" => Some(Self::AuthenticateDevice),
            _ => trigger_source.starts_with("TokenGeneration_").then_some(Self::Unknown),
        }
    }
}

/// What a source needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It passes, and nothing is said in the tokens.
    Pass,
    /// It passes against a mark only.
    AgainstMark,
    /// It never passes.
    Refuse,
}

/// The table.
#[must_use]
#[rustfmt::skip]
pub fn rule(source: TokenSource, guard: TokenGuard) -> Rule {
    use TokenSource::{AuthenticateDevice, Authentication, HostedAuth, NewPasswordChallenge, RefreshTokens, Unknown};
    match (source, guard) {
        (RefreshTokens,                                            TokenGuard::Paid | TokenGuard::Sources) => Rule::Pass,
        (Authentication,                                           TokenGuard::Paid)                       => Rule::AgainstMark,
        (Authentication,                                           TokenGuard::Sources)                    => Rule::Pass,
        (NewPasswordChallenge | HostedAuth | AuthenticateDevice,   TokenGuard::Paid | TokenGuard::Sources) => Rule::Refuse,
        (Unknown,                                                  TokenGuard::Paid | TokenGuard::Sources) => Rule::Refuse,
    }
}

/// An app client: `callerContext.clientId`, not empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(String);

impl ClientId {
    /// Reads `callerContext.clientId`.
    #[must_use]
    pub fn read(client_id: Option<&str>) -> Option<Self> {
        client_id.filter(|id| !id.is_empty()).map(|id| Self(id.to_owned()))
    }
}

/// A second factor of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// A passcode of an authenticator.
    Totp,
    /// A recovery code.
    RecoveryCode,
}

impl Factor {
    /// The claim `second_factor`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
        }
    }
}

/// The second factor that a user proved last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proven {
    /// Which.
    pub factor: Factor,
    /// When.
    pub at: UnixTime,
}

/// What tokens say of the second factor that they rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Which, and when.
    pub proven: Proven,
    /// Wrong passcodes since tokens left before: the owner's own mistakes, or somebody's guesses who knows the password.
    pub wrong_passcodes: u16,
}

/// The mark: a sign-in that has paid for its tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Paid {
    client_id: ClientId,
    until: UnixTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    used: Option<Used>,
}

/// The use of a mark, for the call that Cognito repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Used {
    at: UnixTime,
    wrong_passcodes: u16,
}

/// What a mark is worth to a client that asks for tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Worth {
    /// Tokens, once this has replaced the mark.
    OneSignIn(Paid),
    /// Tokens again, for the call that Cognito repeats.
    TheSameAgain {
        /// What was said in them of wrong passcodes.
        wrong_passcodes: u16,
    },
    /// Another client's, too old, or used up.
    Nothing,
}

impl Paid {
    /// A new mark.
    #[must_use]
    pub fn by(client_id: ClientId, now: UnixTime) -> Self {
        Self { client_id, until: now.plus(MARK_SECONDS), used: None }
    }

    /// What it is worth to `client_id` at `now`, in tokens that tell of `wrong_passcodes`.
    #[must_use]
    pub fn worth(&self, client_id: &ClientId, wrong_passcodes: u16, now: UnixTime) -> Worth {
        match self.used {
            _ if self.client_id != *client_id => Worth::Nothing,
            None if now < self.until => {
                Worth::OneSignIn(Self { used: Some(Used { at: now, wrong_passcodes }), ..self.clone() })
            }
            Some(used) if now < used.at.plus(REPEAT_SECONDS) => {
                Worth::TheSameAgain { wrong_passcodes: used.wrong_passcodes }
            }
            None | Some(_) => Worth::Nothing,
        }
    }
}

/// Why no tokens leave; for the log, never for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTokens {
    /// The source never passes.
    Source(TokenSource),
    /// No mark of this client that is worth anything.
    NotPaid,
    /// The event names no app client.
    NoClient,
}
