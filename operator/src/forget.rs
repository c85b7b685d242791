//! `forget`: what was kept about a user who was deleted in Cognito goes, and a closed record stays in its place
//! (docs/decisions.md, D68).

use serde_json::json;
use shared::ids::Generation;
use shared::record::Record;

use crate::aws::{CallError, Cause, Services, UserPoolId};
use crate::desk::{Desk, Planned};
use crate::terminal::Stopped;
use crate::time::when;
use crate::user::{NotOne, is_sub};

/// Does it.
///
/// # Errors
/// See [`Stopped`].
pub(crate) async fn forget(mut desk: Desk<'_, '_>, sub: &str) -> Result<(), Stopped> {
    let now = desk.now;
    if !is_sub(sub) {
        return Err(Stopped::unchanged(format_args!("a deleted user is named by sub, and {sub} is none.")));
    }
    match desk.services.is_deleted(&desk.options.user_pool_id, sub).await {
        Ok(true) => {}
        Ok(false) => return Err(Stopped::unchanged("the pool still has this user; delete the user in Cognito first.")),
        Err(error) => return Err(desk.failed(&error)),
    }
    let generation = Generation(desk.draw()?);
    let plan = |record: &Record| {
        match record.forgotten_at() {
        Some(at) => Err(Stopped::unchanged(format_args!("the user was forgotten at {}.", when(at)))),
        None => Ok(Planned {
            record: Record::forgotten(generation, now),
            sentences: vec![
                "All of this will be removed. A record without it stays, so that the password alone sets up nothing if the user \
                 comes back with a restored pool."
                    .to_owned(),
            ],
        }),
    }
    };
    let key = desk.key(sub);
    let Some(agreed) = desk.agree(key, &[format!("sub {sub}, which the pool does not have")], plan).await? else {
        return Ok(());
    };
    desk.save(&agreed, plan).await?;
    desk.say("Forgotten.")?;
    desk.print_json(&json!({ "sub": sub, "forgotten": true }))
}

impl Services {
    /// Whether a user is gone: neither listed, which lags behind, nor found by AdminGetUser, which finds local users only.
    pub(crate) async fn is_deleted(&self, pool: &UserPoolId, sub: &str) -> Result<bool, CallError> {
        match self.user(pool, sub).await {
            Err(NotOne::Nobody) => {}
            Ok(_) | Err(NotOne::Several(_) | NotOne::Unverified(_)) => return Ok(false),
            Err(NotOne::Failed(error)) => return Err(error),
        }
        let request = json!({ "UserPoolId": pool.to_string(), "Username": sub });
        match self.cognito("AdminGetUser", &request).await {
            Ok(_) => Ok(false),
            Err(error) if error.cause == Cause::NoSuchUser => Ok(true),
            Err(error) => Err(error),
        }
    }
}
