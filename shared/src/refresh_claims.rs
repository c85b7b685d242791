//! Use case: what the tokens of a refresh say about the user. One consistent read of the record, and nothing else.
//!
//! Invariant: a refresh passes as it would without this read, unless users may do without a second factor and an operator has taken
//! this one's. On any doubt its tokens say nothing, and the doubt is logged.

use std::future::Future;

use crate::clock::UnixTime;
use crate::cognito::UserKey;
use crate::contained::contained;
use crate::error::{HandlerError, chain};
use crate::settings::Policy;
use crate::store::{RecordStore, load_under};
use crate::token_grant::Claims;

/// The claims about `user`, or none where there is no record before `limit` ends.
///
/// # Errors
/// An operator has reset, closed or forgotten the record: the session is from before that, and may have proven nothing.
pub async fn refresh_claims(
    store: &impl RecordStore,
    user: &UserKey,
    guarded_since: UnixTime,
    policy: Policy,
    limit: impl Future<Output = ()>,
) -> Result<Claims, HandlerError> {
    match contained(async { Ok(load_under(policy, store, user).await?) }, limit).await {
        Ok(loaded) if policy == Policy::Optional && loaded.record.was_taken_back() => {
            Err(HandlerError::SecondFactorRequired)
        }
        Ok(loaded) => Ok(loaded.record.claims_about_user(Some(guarded_since))),
        Err(error) => {
            tracing::warn!(reason = chain(&error), "a refresh without claims");
            Ok(Claims::default())
        }
    }
}
