//! Use case: redeem a grant, or pass a user who may do without a second factor. Load, decide, compare-and-swap.
//!
//! Invariant: tokens that need a grant pass after a save that took effect, or within seconds of one. Tokens pass without one under
//! `OPTIONAL` only, to a user of whom nothing requires a second factor, from a table that is the pool's, and after a save that notes it.

use crate::clock::UnixTime;
use crate::cognito::{ClientId, TokenSource, UserKey};
use crate::error::HandlerError;
use crate::guard_settings::LongestSession;
use crate::record::Redemption;
use crate::settings::{Policy, TokenGuard};
use crate::sign_in_nonce::SignInNonce;
use crate::store::{RecordStore, SAVE_ATTEMPTS, Saved, Version, Versioned, load_under};
use crate::token_grant::{Claims, Rule, TokenDenied, rule};
use crate::without_second_factor::WithoutGrant;

/// The tokens that Cognito is about to issue.
#[derive(Clone, Copy, Debug)]
pub struct TokenRequest<'a> {
    /// To this user.
    pub user: &'a UserKey,
    /// Through this app client.
    pub client: Option<&'a ClientId>,
    /// Which sent this.
    pub nonce: Option<&'a SignInNonce>,
    /// By this way.
    pub source: TokenSource,
    /// Whether the event requires a second factor of this user.
    pub required: bool,
}

/// What the token guard's settings say about a request, apart from its source.
#[derive(Clone, Copy, Debug)]
pub struct GuardTerms {
    /// Which tokens of a sign-in pass.
    pub guard: TokenGuard,
    /// Whether users may do without.
    pub policy: Policy,
    /// What the claim `second_factor_since` begins with, if there is to be one.
    pub guarded_since: Option<UnixTime>,
    /// Whether the record learns who passes without a second factor, and of whom one is required. A guard that only reports changes
    /// nothing for anybody.
    pub is_noting: bool,
}

/// How tokens passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassedBy {
    /// By a grant, or by a source that needs none.
    Grant,
    /// By the password alone.
    PasswordAlone,
}

/// Passes the tokens of `request` or denies them, and returns how they passed and what they say about the second factor.
///
/// # Errors
/// The tokens are denied; an error of the store; too many conflicts.
pub async fn redeem_grant(
    store: &impl RecordStore,
    request: TokenRequest<'_>,
    terms: GuardTerms,
    now: UnixTime,
) -> Result<(PassedBy, Claims), HandlerError> {
    let TokenRequest { user, client, nonce, source, required } = request;
    let GuardTerms { guard, policy, guarded_since, is_noting } = terms;
    match rule(source, guard) {
        Rule::Pass => return Ok((PassedBy::Grant, Claims::default())),
        // It has no user, and was not called for one.
        Rule::PassWithoutUser | Rule::Deny => return Err(HandlerError::TokenDenied(TokenDenied::Source(source))),
        Rule::RedeemGrant => {}
    }
    let client = client.ok_or(HandlerError::TokenDenied(TokenDenied::NoClient))?;
    for _ in 0..SAVE_ATTEMPTS {
        let Versioned { record, version } = load_under(policy, store, user).await?;
        let about_user = record.claims_about_user(guarded_since, policy);
        let said = |Claims { proof, wrong_passcodes, .. }| Claims { proof, wrong_passcodes, ..about_user };
        let (to_save, passed) = match record.redeem_grant(client, nonce, now) {
            Redemption::Redeemed(used, claims) => {
                let noting = policy == Policy::Optional && is_noting;
                let used = if noting { used.noting_requirement(required, now) } else { used };
                (Some(used), Ok((PassedBy::Grant, said(claims))))
            }
            Redemption::Repeated(claims) => (None, Ok((PassedBy::Grant, said(claims)))),
            Redemption::NoGrant => match (policy, record.without_grant(client, required, now)) {
                (Policy::Required, _) | (_, WithoutGrant::NoGrant) => {
                    (None, Err(HandlerError::TokenDenied(TokenDenied::NoGrant)))
                }
                (Policy::Optional, WithoutGrant::Required) => (None, Err(HandlerError::SecondFactorRequired)),
                (Policy::Optional, WithoutGrant::RequiredNoting(noted)) => {
                    (Some(noted).filter(|_| is_noting), Err(HandlerError::SecondFactorRequired))
                }
                (Policy::Optional, WithoutGrant::Pass) => {
                    confirm_found(store, user, version).await?;
                    (None, Ok((PassedBy::PasswordAlone, about_user)))
                }
                (Policy::Optional, WithoutGrant::PassNoting(noted)) => {
                    confirm_found(store, user, version).await?;
                    (Some(noted).filter(|_| is_noting), Ok((PassedBy::PasswordAlone, about_user)))
                }
            },
        };
        let Some(record) = to_save else { return passed };
        match store.save(user, &record, version).await? {
            Saved::Recorded => return passed,
            Saved::Conflict => {}
        }
    }
    Err(HandlerError::TooManyConflicts)
}

/// Confirms the table of a record that was found; where none was, [`load_under`] has done it.
async fn confirm_found(store: &impl RecordStore, user: &UserKey, version: Version) -> Result<(), HandlerError> {
    match version {
        Version::MISSING => Ok(()),
        Version(_) => Ok(store.confirm(&user.user_pool_id).await?),
    }
}

/// Notes that a second factor is required of `user`, where the groups of the next function show it.
///
/// # Errors
/// An error of the store, or too many conflicts.
pub async fn note_requirement(store: &impl RecordStore, user: &UserKey, now: UnixTime) -> Result<(), HandlerError> {
    for _ in 0..SAVE_ATTEMPTS {
        let Versioned { record, version } = store.load(user).await?;
        if record.required_since().is_some() {
            return Ok(());
        }
        match store.save(user, &record.noting_requirement(true, now), version).await? {
            Saved::Recorded => return Ok(()),
            Saved::Conflict => {}
        }
    }
    Err(HandlerError::TooManyConflicts)
}

/// What the tokens of a refresh say about a user of whom a second factor is required now.
///
/// # Errors
/// The session may have proven none; an error of the store.
pub async fn pass_refresh(
    store: &impl RecordStore,
    request: TokenRequest<'_>,
    longest: LongestSession,
    terms: GuardTerms,
    now: UnixTime,
) -> Result<Claims, HandlerError> {
    let client = request.client.ok_or(HandlerError::TokenDenied(TokenDenied::NoClient))?;
    let record = load_under(terms.policy, store, request.user).await?.record;
    if record.refresh_is_unproven(client, longest, now) {
        return Err(HandlerError::SecondFactorRequired);
    }
    Ok(match terms.guarded_since {
        Some(_) => record.claims_about_user(terms.guarded_since, terms.policy),
        None => Claims::default(),
    })
}
