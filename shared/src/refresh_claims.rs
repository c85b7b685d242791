//! Use case: what the tokens of a refresh say about the user. One consistent read of the record, and nothing else.
//!
//! Invariant: a refresh passes as it would without this read. On any doubt its tokens say nothing, and the doubt is logged.

use std::future::Future;

use crate::clock::UnixTime;
use crate::cognito::UserKey;
use crate::contained::contained;
use crate::error::chain;
use crate::settings::Policy;
use crate::store::{RecordStore, load_under};
use crate::token_grant::Claims;

/// The claims about `user`, or none where there is no record before `limit` ends.
pub async fn refresh_claims(
    store: &impl RecordStore,
    user: &UserKey,
    guarded_since: UnixTime,
    policy: Policy,
    limit: impl Future<Output = ()>,
) -> Claims {
    match contained(async { Ok(load_under(policy, store, user).await?) }, limit).await {
        Ok(loaded) => loaded.record.claims_about_user(Some(guarded_since)),
        Err(error) => {
            tracing::warn!(reason = chain(&error), "a refresh without claims");
            Claims::default()
        }
    }
}
