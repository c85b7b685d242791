//! The decisions behind the triggers, and the edges that they need.
//!
//! Start with [`sign_in`]: three tables decide the course of a sign-in. Then [`verification`]: one pure function verifies an
//! answer. The modules form layers, and a module imports only from the ones above it in this list:
//!
//! | layer | modules |
//! |---|---|
//! | leaves | [`clock`], [`encoding`], `characters`, [`random`], [`timeouts`], [`ids`] |
//! | Cognito's words | [`cognito`] |
//! | what an operator decides | [`settings`], [`requirements`], [`guard_settings`], [`federated`] |
//! | factors | [`totp`], [`recovery_codes`], [`operator_code`], [`passcode_limit`], [`authenticator`] |
//! | what is kept | [`token_grant`], [`operator_note`], `unknown_fields`, `unproven_sessions`, [`record`], [`without_second_factor`], [`operator_change`] |
//! | the sign-in | [`challenge`], [`sign_in`], [`verification`] |
//! | the tokens | [`token_response`], [`next_refusal`] |
//! | errors, the next function, stores | [`error`], [`next_function`], [`store`] |
//! | use cases | [`verify_answer`], [`redeem_grant`], [`report_only`], [`hand_on`] |
//! | Lambda's side | [`event`], [`invocation`], `runtime` |
//!
//! Everything above the stores has no I/O, no clock and no AWS type.
//!
//! # Glossary
//!
//! *Define*, *Create* and *Verify* are the functions behind Cognito's three challenge triggers. Words that this project coined follow;
//! every other name is Cognito's, RFC 6238's, NIST's or Rust's.
//!
//! - *record*: what is kept about one user, one item of the table.
//! - *generation*: random bytes that change whenever an authenticator or a code set is replaced; a challenge is issued for one.
//! - *prompt*: the challenge that takes a passcode or a recovery code (`SECOND_FACTOR`).
//! - *set-up challenge*: `TOTP_SETUP` or `RECOVERY_CODES`: it offers something that is the user's once it was answered.
//! - *codes due*: the user must take new recovery codes before there are tokens.
//! - *grant*: what Verify records with an accepted second factor, or with the codes that were due; the token guard redeems it for
//!   tokens.
//! - *token guard*: our Pre Token Generation trigger.
//! - *next function*: the team's own Pre Token Generation function, to which the token guard hands on what it passes.
//! - *report only*: to log what the token guard would deny, and to deny nothing.
//! - *entitlement*: what a sign-in had proven when it was offered an authenticator.
//! - *hold*: to keep a challenge unanswered while something changes, and to answer it then.
//! - *sealed*: encrypted with KMS, for one user, pool and authenticator.
//! - *Cognito factor*: a second factor that Cognito checks itself.
//! - *offer*: the challenge that asks a user of whom no second factor is required whether to set one up (`SECOND_FACTOR_OFFER`).
//! - *required*: whether a user must have a second factor: by the policy, the app client, the date, a group, or an operator's change.
//! - *unproven*: of a session that has proven no second factor.
//! - *forgiven*: wrong passcodes that a recovery code took off the count.

pub mod authenticator;
pub mod challenge;
mod characters;
pub mod clock;
pub mod cognito;
mod contained;
pub mod encoding;
pub mod error;
pub mod event;
pub mod federated;
pub mod guard_settings;
pub mod hand_on;
pub mod ids;
pub mod invocation;
pub mod next_function;
pub mod next_refusal;
pub mod operator_change;
pub mod operator_code;
pub mod operator_note;
pub mod passcode_limit;
pub mod random;
pub mod record;
pub mod recovery_codes;
pub mod redeem_grant;
pub mod refresh_claims;
pub mod report_only;
pub mod requirements;
#[cfg(feature = "runtime")]
pub mod runtime;
pub mod settings;
pub mod sign_in;
pub mod sign_in_nonce;
pub mod store;
pub mod timeouts;
pub mod token_grant;
pub mod token_response;
pub mod totp;
mod unknown_fields;
mod unproven_sessions;
pub mod verification;
pub mod verify_answer;
pub mod without_second_factor;
