//! Token grants: which tokens may leave Cognito, and what they say about the second factor.
//!
//! Cognito can issue tokens without asking Define: through other app clients of the pool, managed login, temporary passwords.
//! So Verify records a grant for the app client once it has accepted a second factor, or the recovery codes that were
//! due, and the token guard (Pre Token Generation) passes the tokens of a sign-in only if it can redeem one.
//!
//! Invariant: under [`Rule::RedeemGrant`] one grant passes one sign-in. Cognito repeats a call that it gets no answer to, and
//! its event names no sign-in: so for [`REPEAT_SECONDS`] after its use a grant passes the same client again. Tokens that pass
//! without a grant carry no claim about a second factor: nobody can know whose sign-in they end. A grant names the proof that it
//! rests on, and the claims are about that proof, never about a later one.
//! Source: <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html>

use serde::{Deserialize, Serialize};

use crate::clock::UnixTime;
use crate::cognito::{ClientId, TokenSource};
use crate::settings::TokenGuard;
use crate::sign_in_nonce::SignInNonce;

/// Lifetime of a grant: the longest `AuthSessionValidity`. A slower client starts over.
pub const GRANT_SECONDS: u64 = 15 * 60;
/// How far apart two hosts' clocks may be; a grant that lasts longer than this allows was recorded by a clock that is wrong.
const CLOCK_SKEW_SECONDS: u64 = 60;
/// Seconds after its use in which the same grant passes again: three calls of five seconds, and the pauses between them.
pub const REPEAT_SECONDS: u64 = 20;
/// Seconds after the token guard has read its clock in which Cognito issues the tokens that it passes: the same three calls, by
/// whichever host's clock.
pub const ISSUED_WITHIN_SECONDS: u64 = REPEAT_SECONDS + CLOCK_SKEW_SECONDS;

/// What a token source requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It passes, without a claim.
    Pass,
    /// It passes if there is a grant to redeem.
    RedeemGrant,
    /// It passes untouched: there is no user, so there is no second factor. An event that names a user is denied.
    PassWithoutUser,
    /// It never passes.
    Deny,
}

/// The table.
///
/// A grant protects a changed temporary password as well as a sign-in: only Verify records one, after a second factor. Under
/// `TRIGGER_SOURCE` sign-ins leave their grants unused, so there a grant would say nothing about the sign-in that changed it.
#[must_use]
#[rustfmt::skip]
pub fn rule(source: TokenSource, guard: TokenGuard) -> Rule {
    use TokenSource::{AuthenticateDevice, Authentication, ClientCredentials, HostedAuth, NewPasswordChallenge, RefreshTokens, Unknown};
    use TokenGuard::{Grant, TriggerSource};
    match (source, guard) {
        (RefreshTokens,                             Grant | TriggerSource) => Rule::Pass,
        (Authentication,                            Grant)                 => Rule::RedeemGrant,
        (Authentication,                            TriggerSource)         => Rule::Pass,
        (NewPasswordChallenge,                      Grant)                 => Rule::RedeemGrant,
        (NewPasswordChallenge,                      TriggerSource)         => Rule::Deny,
        (ClientCredentials,                         Grant | TriggerSource) => Rule::PassWithoutUser,
        (HostedAuth | AuthenticateDevice | Unknown, Grant | TriggerSource) => Rule::Deny,
    }
}

/// A second factor that is checked here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// A passcode of an authenticator.
    Totp,
    /// A recovery code.
    RecoveryCode,
}

impl SecondFactor {
    /// The value of the claim `second_factor`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
        }
    }
}

/// The second factor that a user proved last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Which.
    pub factor: SecondFactor,
    /// When.
    pub at: UnixTime,
}

/// What tokens say about the second factor: nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Which factor the sign-in proved, and when.
    pub proof: Option<Proof>,
    /// Wrong passcodes since tokens were issued before: the user's own mistakes, or guesses by somebody who knows the password.
    pub wrong_passcodes: Option<u16>,
    /// Whether the user has an authenticator now. For the app alone: an API has no use for a list of users who have none.
    pub enrolled: Option<bool>,
    /// Sessions whose `auth_time` is no earlier have proven a second factor of this user.
    pub since: Option<UnixTime>,
}

/// The right of one sign-in to its tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenGrant {
    client_id: ClientId,
    until: UnixTime,
    /// What the sign-in proved; none in a grant that an older Verify recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<Proof>,
    /// What the client bound it to: it passes with this nonce only.
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_to: Option<SignInNonce>,
    #[serde(skip_serializing_if = "Option::is_none")]
    used: Option<Use>,
}

/// The use of a grant, for the call that Cognito repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Use {
    at: UnixTime,
    wrong_passcodes: u16,
}

/// What a grant is worth to a client that asks for tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantStatus {
    /// Tokens with these claims, once this has replaced the grant.
    Unused(TokenGrant, Claims),
    /// Tokens with the same claims again, for the call that Cognito repeats.
    JustUsed(Claims),
    /// Nothing: another client's, too old, or used up.
    Invalid,
}

impl TokenGrant {
    /// A new grant, which rests on `proof`.
    #[must_use]
    pub fn new(client_id: ClientId, proof: Option<Proof>, now: UnixTime) -> Self {
        Self { client_id, until: now.plus(GRANT_SECONDS), proof, bound_to: None, used: None }
    }

    /// The same, for the sign-in of this client that sends the nonce.
    #[must_use]
    pub fn bound_to(self, nonce: Option<SignInNonce>) -> Self {
        Self { bound_to: nonce, ..self }
    }

    /// What it is worth at `now` to `client_id`, which sent `nonce`, in tokens that report `wrong_passcodes`.
    #[must_use]
    pub fn status(
        &self,
        client_id: &ClientId,
        nonce: Option<&SignInNonce>,
        wrong_passcodes: u16,
        now: UnixTime,
    ) -> GrantStatus {
        let claims =
            |wrong_passcodes| Claims { proof: self.proof, wrong_passcodes: Some(wrong_passcodes), ..Claims::default() };
        match self.used {
            _ if self.client_id != *client_id => GrantStatus::Invalid,
            _ if self.bound_to.as_ref().is_some_and(|bound_to| !bound_to.is(nonce)) => GrantStatus::Invalid,
            None if now < self.until && self.until.since(now) <= GRANT_SECONDS.saturating_add(CLOCK_SKEW_SECONDS) => {
                let used = Self { used: Some(Use { at: now, wrong_passcodes }), ..self.clone() };
                GrantStatus::Unused(used, claims(wrong_passcodes))
            }
            // In either direction: a use by a host whose clock is ahead passes no longer than any other.
            Some(used) if used.at.since(now).max(now.since(used.at)) < REPEAT_SECONDS => {
                GrantStatus::JustUsed(claims(used.wrong_passcodes))
            }
            None | Some(_) => GrantStatus::Invalid,
        }
    }
}

/// Why no tokens are issued; for the log, never for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenDenied {
    /// The source never passes.
    Source(TokenSource),
    /// This client has no grant to redeem.
    NoGrant,
    /// The event names no app client.
    NoClient,
}
