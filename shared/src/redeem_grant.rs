//! Use case: redeem a grant. Load, decide, compare-and-swap.
//!
//! Invariant: tokens that need a grant pass after a save that took effect, or within seconds of one.

use crate::clock::UnixTime;
use crate::cognito::{ClientId, TokenSource, UserKey};
use crate::error::HandlerError;
use crate::record::Redemption;
use crate::settings::TokenGuard;
use crate::sign_in_nonce::SignInNonce;
use crate::store::{RecordStore, SAVE_ATTEMPTS, Saved, Versioned};
use crate::token_grant::{Claims, Rule, TokenDenied, rule};

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
}

/// Passes the tokens of `request` or denies them, and returns what they say about the second factor.
///
/// `guarded_since` is what the claim `second_factor_since` begins with, if there is to be one.
///
/// # Errors
/// The tokens are denied; an error of the store; too many conflicts.
pub async fn redeem_grant(
    store: &impl RecordStore,
    request: TokenRequest<'_>,
    guard: TokenGuard,
    guarded_since: Option<UnixTime>,
    now: UnixTime,
) -> Result<Claims, HandlerError> {
    let TokenRequest { user, client, nonce, source } = request;
    match rule(source, guard) {
        Rule::Pass => return Ok(Claims::default()),
        // It has no user, and was not called for one.
        Rule::PassWithoutUser | Rule::Deny => return Err(HandlerError::TokenDenied(TokenDenied::Source(source))),
        Rule::RedeemGrant => {}
    }
    let client = client.ok_or(HandlerError::TokenDenied(TokenDenied::NoClient))?;
    for _ in 0..SAVE_ATTEMPTS {
        let Versioned { record, version } = store.load(user).await?;
        let about_user = record.claims_about_user(guarded_since);
        let said = |Claims { proof, wrong_passcodes, .. }| Claims { proof, wrong_passcodes, ..about_user };
        match record.redeem_grant(client, nonce, now) {
            Redemption::Redeemed(used, claims) => match store.save(user, &used, version).await? {
                Saved::Recorded => return Ok(said(claims)),
                Saved::Conflict => {}
            },
            Redemption::Repeated(claims) => return Ok(said(claims)),
            Redemption::NoGrant => return Err(HandlerError::TokenDenied(TokenDenied::NoGrant)),
        }
    }
    Err(HandlerError::TooManyConflicts)
}
