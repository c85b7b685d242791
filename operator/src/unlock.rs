//! `unlock`: takes wrong passcodes off a user's count, as a recovery code does and within the same bounds.

use serde_json::json;
use shared::passcode_limit::RateLimit;
use shared::record::Record;

use crate::desk::{Desk, Planned};
use crate::terminal::Stopped;
use crate::time::when;

/// Does it.
///
/// # Errors
/// See [`Stopped`].
pub(crate) async fn unlock(mut desk: Desk<'_, '_>, typed: &str) -> Result<(), Stopped> {
    let now = desk.now;
    let user = desk.user(typed).await?;
    let plan = |record: &Record| match record.unlocked(now) {
        Some(unlocked) => {
            let (before, after) = (record.failures(now), unlocked.failures(now));
            let sentence =
                format!("The count of wrong passcodes will go from {before} to {after}, and the wait will end.");
            Ok(Planned { record: unlocked, sentences: vec![sentence] })
        }
        None => Err(Stopped::unchanged(why_not(record, now))),
    };
    let key = desk.key(&user.sub);
    let Some(agreed) = desk.agree(key, &[user.in_words()], plan).await? else { return Ok(()) };
    desk.save(&agreed, plan).await?;
    desk.say("Unlocked.")?;
    desk.print_json(&json!({ "sub": user.sub, "unlocked": true }))
}

fn why_not(record: &Record, now: shared::clock::UnixTime) -> String {
    match (record.failures(now), record.rate_limit(now)) {
        (0, _) => "no wrong passcode counts.".to_owned(),
        (_, RateLimit::RetryAfter { seconds } | RateLimit::Blocked { seconds }) => format!(
            "as many wrong passcodes were forgiven as may be, one more a day. Passcodes wait until {}. Somebody who knows the \
             password is guessing: give the user a new password. Recovery codes and an operator's code work meanwhile.",
            when(now.plus(seconds))
        ),
        (_, RateLimit::Allow) => {
            "as many wrong passcodes were forgiven as may be, one more a day. Passcodes are accepted now.".to_owned()
        }
    }
}
