//! `sign-out`: ends every session of a user, and notes it in the record.
//!
//! Invariant: what notes it replaces the version from before Cognito ended the sessions. Whoever signed in meanwhile without a
//! second factor has saved another version (docs/decisions.md, D92).

use serde_json::{Map, json};
use shared::clock::UnixTime;
use shared::cognito::UserKey;
use shared::error::StoreError;
use shared::operator_note::Change;
use shared::record::Record;
use shared::store::dynamodb::DynamoDbStore;
use shared::store::{RecordStore as _, Saved, Versioned};
use shared::token_grant::ISSUED_WITHIN_SECONDS;

use crate::aws::{CallError, Cause, Services, failed_call};
use crate::desk::{Desk, Planned};
use crate::terminal::Stopped;

/// Whether the record says that the sessions have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noted {
    /// It does.
    Yes,
    /// It was saved meanwhile, by a sign-in for instance, whose session may go on.
    Conflict,
    /// It does, and a sign-in without a second factor just before it may have got its tokens after it.
    MayGoOn,
    /// It cannot be read.
    Unreadable,
}

/// The call that failed.
#[derive(Debug)]
pub(crate) enum NotDone {
    /// The sessions go on.
    Before(CallError),
    /// They have ended, and whether the record says so is not known.
    After(CallError),
}

/// Ends the sessions of a user. `now` is from before the call, and `noting` adds what else the record is to say.
///
/// # Errors
/// See [`NotDone`].
pub(crate) async fn end_sessions(
    services: &Services,
    store: &DynamoDbStore,
    user: &UserKey,
    user_name: &str,
    now: UnixTime,
    noting: impl FnOnce(Record) -> Record,
) -> Result<Noted, NotDone> {
    let loaded = match store.load(user).await {
        Ok(loaded) => Some(loaded),
        Err(StoreError(cause)) => match failed_call(cause) {
            Ok(error) => return Err(NotDone::Before(error)),
            Err(_) => None,
        },
    };
    let request = json!({ "UserPoolId": user.user_pool_id, "Username": user_name });
    services.cognito("AdminUserGlobalSignOut", &request).await.map_err(NotDone::Before)?;
    let Some(Versioned { record, version }) = loaded else { return Ok(Noted::Unreadable) };
    let noted = noting(record.signed_out(now));
    let done = if noted.may_go_on_unproven() { Noted::MayGoOn } else { Noted::Yes };
    let error = match store.save(user, &noted, version).await {
        Ok(Saved::Recorded) => return Ok(done),
        Ok(Saved::Conflict) => None,
        Err(StoreError(cause)) => Some(cause),
    };
    // It may have taken effect; a conflict may be with the first attempt of this very save.
    match (store.load(user).await, error) {
        (Ok(stored), _) if stored.version == version.next() && stored.record == noted => Ok(done),
        (_, None) => Ok(Noted::Conflict),
        (_, Some(cause)) => Err(NotDone::After(failed_call(cause).unwrap_or_else(|cause| CallError {
            call: "PutItem",
            cause: Cause::Other,
            reason: cause.to_string(),
        }))),
    }
}

/// Does it for one user.
///
/// # Errors
/// See [`Stopped`].
pub(crate) async fn sign_out(mut desk: Desk<'_, '_>, typed: &str) -> Result<(), Stopped> {
    desk.must_be_able_to_ask()?;
    let user = desk.user(typed).await?;
    let shown_at = desk.now;
    let plan = |record: &Record| {
        let sentences = vec![
            "All sessions will end; access and ID tokens that are out are valid until they expire.".to_owned(),
            "The record will note it, so that a session from before no longer counts as one without a second factor."
                .to_owned(),
        ];
        Ok(Planned { record: record.signed_out(shown_at), sentences })
    };
    let key = desk.key(&user.sub);
    let Some(agreed) = desk.agree(key, &[user.in_words()], plan).await? else { return Ok(()) };
    // The name may be somebody else's by now.
    if desk.user(&user.sub).await?.user_name != user.user_name {
        return Err(desk.stop("the user has another name by now; run it again."));
    }
    // From before the calls: what passes from now on counts.
    let now = desk.time();
    let change = Change::new(agreed.by(), "sign-out", now);
    let noting = |record: Record| record.changed(change);
    let ended = end_sessions(desk.services, agreed.store(), &agreed.key, &user.user_name, now, noting).await;
    let noted = match ended {
        Err(NotDone::Before(error)) => return Err(desk.failed(&error)),
        Ok(noted) => Ok(noted),
        Err(NotDone::After(error)) => Err(error),
    };
    let call = [("call".to_owned(), json!("AdminUserGlobalSignOut"))];
    desk.audit(agreed.by(), &user.sub, now, Map::from_iter(call))?;
    match noted {
        Ok(Noted::Yes) => {
            desk.say("All sessions have ended.")?;
            desk.print_json(&json!({ "sub": user.sub, "signedOut": true }))
        }
        Ok(Noted::Conflict) => Err(Stopped::Failed(
            "All sessions have ended, but it is not noted: the record was saved meanwhile, by a sign-in for instance, whose session \
             may go on. Run it again."
                .to_owned(),
        )),
        Ok(Noted::MayGoOn) => Err(Stopped::Failed(format!(
            "All sessions have ended, but somebody signed in without a second factor less than {ISSUED_WITHIN_SECONDS} seconds before, \
             and that session may go on. Run it again after that time."
        ))),
        Ok(Noted::Unreadable) => Err(Stopped::Failed(
            "All sessions have ended, but it is not noted: the record cannot be read by this version.".to_owned(),
        )),
        Err(error) => Err(Stopped::Failed(format!(
            "All sessions have ended, but it may not be noted: {}. {}",
            error.why(),
            error.cause.remedy()
        ))),
    }
}
