//! Use case: redeem a grant, or pass a user who may do without a second factor. Load, decide, compare-and-swap.
//!
//! Invariant: tokens that need a grant pass after a save that took effect, or within seconds of one. Tokens pass without one under
//! `OPTIONAL` only, to a user of whom nothing requires a second factor, from a table that is the pool's, and after a save that notes it.
//! That save is the last thing before they leave: those that the next function's groups deny leave no note of a session.

use crate::clock::UnixTime;
use crate::cognito::{ClientId, TokenSource, UserKey};
use crate::error::HandlerError;
use crate::guard_settings::LongestSession;
use crate::record::Redemption;
use crate::requirements::Required;
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
    pub required: Required,
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
    /// Whether the record learns of whom a second factor is required by a group. A guard that only reports changes nothing for anybody.
    pub is_noting: bool,
    /// Whether a next function can still put the user into other groups.
    pub groups_may_change: bool,
}

/// How tokens pass.
#[expect(clippy::large_enum_variant, reason = "one an invocation, matched where it is made")]
#[derive(Debug)]
pub enum PassedBy {
    /// By a source that needs no grant.
    Source,
    /// By a grant.
    Grant {
        /// Whether the record says that a group requires a second factor of the user.
        noted_required: bool,
    },
    /// By the password alone, once [`note_unproven`] has noted it in this record.
    PasswordAlone(Versioned),
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
    let GuardTerms { guard, policy, guarded_since, is_noting, groups_may_change } = terms;
    match rule(source, guard) {
        Rule::Pass => return Ok((PassedBy::Source, Claims::default())),
        // It has no user, and was not called for one.
        Rule::PassWithoutUser | Rule::Deny => return Err(HandlerError::TokenDenied(TokenDenied::Source(source))),
        Rule::RedeemGrant => {}
    }
    let client = client.ok_or(HandlerError::TokenDenied(TokenDenied::NoClient))?;
    for _ in 0..SAVE_ATTEMPTS {
        let Versioned { record, version } = load_under(policy, store, user).await?;
        let about_user = record.claims_about_user(guarded_since);
        let said = |Claims { proof, wrong_passcodes, .. }| Claims { proof, wrong_passcodes, ..about_user };
        let (to_save, passed) = match record.redeem_grant(client, nonce, now) {
            Redemption::Redeemed(used, claims) => {
                let by_group = required == Required::ByGroup;
                let noting = policy == Policy::Optional && is_noting && (by_group || !groups_may_change);
                let used = if noting { used.noting_requirement(by_group, now) } else { used };
                let noted_required = used.required_since().is_some();
                (Some(used), Ok((PassedBy::Grant { noted_required }, said(claims))))
            }
            Redemption::Repeated(claims) => {
                let noted_required = record.required_since().is_some();
                (None, Ok((PassedBy::Grant { noted_required }, said(claims))))
            }
            Redemption::NoGrant => match (policy, record.without_grant(client, required, now)) {
                (Policy::Required, _) | (_, WithoutGrant::NoGrant) => {
                    (None, Err(HandlerError::TokenDenied(TokenDenied::NoGrant)))
                }
                (Policy::Optional, WithoutGrant::Required) => (None, Err(HandlerError::SecondFactorRequired)),
                (Policy::Optional, WithoutGrant::RequiredNoting(noted)) => {
                    (Some(noted).filter(|_| is_noting), Err(HandlerError::SecondFactorRequired))
                }
                (Policy::Optional, WithoutGrant::Pass | WithoutGrant::PassNoting(_)) => {
                    confirm_found(store, user, version).await?;
                    return Ok((PassedBy::PasswordAlone(Versioned { record, version }), about_user));
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

/// Notes tokens for `client` that are about to pass by the password alone. `found` is the record that lets them.
///
/// # Errors
/// The record does not let them any more; an error of the store; too many conflicts.
pub async fn note_unproven(
    store: &impl RecordStore,
    user: &UserKey,
    client: &ClientId,
    mut found: Versioned,
    now: UnixTime,
) -> Result<(), HandlerError> {
    for _ in 0..SAVE_ATTEMPTS {
        let noted = match found.record.without_grant(client, Required::No, now) {
            WithoutGrant::PassNoting(noted) => noted,
            WithoutGrant::Pass => return Ok(()),
            WithoutGrant::NoGrant => return Err(HandlerError::TokenDenied(TokenDenied::NoGrant)),
            WithoutGrant::Required | WithoutGrant::RequiredNoting(_) => return Err(HandlerError::SecondFactorRequired),
        };
        match store.save(user, &noted, found.version).await? {
            Saved::Recorded => return Ok(()),
            Saved::Conflict => found = load_under(Policy::Optional, store, user).await?,
        }
    }
    Err(HandlerError::TooManyConflicts)
}

/// Notes whether a group requires a second factor of `user`, where those of the next function decide it.
///
/// # Errors
/// An error of the store, or too many conflicts.
pub async fn note_requirement(
    store: &impl RecordStore,
    user: &UserKey,
    by_group: bool,
    now: UnixTime,
) -> Result<(), HandlerError> {
    for _ in 0..SAVE_ATTEMPTS {
        let Versioned { record, version } = store.load(user).await?;
        if record.required_since().is_some() == by_group {
            return Ok(());
        }
        match store.save(user, &record.noting_requirement(by_group, now), version).await? {
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
    user: &UserKey,
    client: Option<&ClientId>,
    longest: LongestSession,
    policy: Policy,
    guarded_since: Option<UnixTime>,
    now: UnixTime,
) -> Result<Claims, HandlerError> {
    let client = client.ok_or(HandlerError::TokenDenied(TokenDenied::NoClient))?;
    let record = load_under(policy, store, user).await?.record;
    let is_unproven =
        |everybody_signed_out_at| record.refresh_is_unproven(client, longest, everybody_signed_out_at, now);
    // Users who came after everybody was signed out have no record that says so: one read more, before a refusal only.
    if is_unproven(None) && is_unproven(store.everybody_signed_out_at(&user.user_pool_id).await?) {
        return Err(HandlerError::SecondFactorRequired);
    }
    Ok(match guarded_since {
        Some(_) => record.claims_about_user(guarded_since),
        None => Claims::default(),
    })
}
