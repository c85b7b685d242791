//! `sign-out-all`: ends every session of every user, so that refresh tokens from before the token guard end, and notes it in their
//! records.
//!
//! Invariant: a user counts as signed out after Cognito has said so; the progress file never runs ahead of it. A user whose record
//! does not say so is named at the end. The table says when it began, for users without a record: only after the last one.
//! Source: <https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html>: 25 calls a second for the account, shared with
//! the users' own changes, and not adjustable.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::clock::UnixTime;
use shared::store::dynamodb::{DynamoDbStore, SetUp};

use crate::aws::{CallError, Cause};
use crate::desk::Desk;
use crate::init::Said;
use crate::places::caller;
use crate::sign_out::{NotDone, Noted, end_sessions};
use crate::terminal::Stopped;
use crate::time::when;
use crate::user::attribute;

/// What the command line asks for, apart from the pool.
pub(crate) struct Asked {
    /// Calls a second.
    pub(crate) per_second: u32,
    /// The progress file, if not the pool's in the current folder.
    pub(crate) progress: Option<PathBuf>,
}

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    user_pool_id: String,
    /// Where the next page begins; `None` at the beginning.
    pagination_token: Option<String>,
    signed_out: u64,
    skipped: u64,
    /// When it began; no earlier version has noted it.
    #[serde(default)]
    began_at: Option<UnixTime>,
    /// Everybody is signed out, and the table may not say so yet.
    #[serde(default)]
    is_swept: bool,
    /// By sub: who was signed out while the record was saved or just after a sign-in, or has one that cannot be read.
    #[serde(default)]
    not_noted: Vec<String>,
}

impl Progress {
    fn new(user_pool_id: &str, now: UnixTime) -> Self {
        Self { user_pool_id: user_pool_id.to_owned(), began_at: Some(now), ..Self::default() }
    }
}

/// The records that note it, and who does it.
struct Notes {
    store: DynamoDbStore,
    table: String,
    /// Whether `init` has set the table up, so that it can say when everybody was signed out.
    is_set_up: bool,
    by: String,
}

/// Users of a page.
const PAGE: u32 = 60;

/// Does it.
///
/// # Errors
/// See [`Stopped`].
pub(crate) async fn sign_out_all(mut desk: Desk<'_, '_>, asked: &Asked) -> Result<(), Stopped> {
    let (services, id) = (desk.services, desk.options.user_pool_id.to_string());
    desk.so_far = "Nobody was signed out: ".to_owned();
    let path = asked.progress.clone().unwrap_or_else(|| PathBuf::from(format!("second-factor-{id}.sign-out.json")));
    let earlier = load(&path, &id)?;
    let described = services.cognito("DescribeUserPool", &json!({ "UserPoolId": id })).await;
    let described = described.map_err(|error| desk.failed(&error))?;
    let users = described.pointer("/UserPool/EstimatedNumberOfUsers").and_then(Value::as_u64).unwrap_or_default();
    let mut progress = earlier.unwrap_or_else(|| Progress::new(&id, desk.time()));
    let per_second = asked.per_second.max(1);
    if progress.is_swept {
        desk.say(&format!(
            "{} users are signed out already, as {} says: only the table is left, and nobody is signed out again. To sign everybody out \
             once more, remove that file first.",
            progress.signed_out,
            path.display()
        ))?;
    } else {
        if progress.signed_out > 0 {
            desk.say(&format!("Going on after {} users, as {} says.", progress.signed_out, path.display()))?;
        }
        let left = users.saturating_sub(progress.signed_out).saturating_sub(progress.skipped);
        desk.say(&format!(
            "About {users} users, {left} of them left: at {per_second} calls a second this takes about {}.",
            in_words(left.div_ceil(u64::from(per_second)))
        ))?;
        desk.say(
            "Each has to sign in again. Access and ID tokens stay valid until they expire; refresh tokens end at once.",
        )?;
    }
    let has_records = described.pointer("/UserPool/LambdaConfig/CreateAuthChallenge").is_some();
    let store = match has_records || desk.options.table.is_some() {
        true => {
            let (store, table) = desk.store().await?;
            let set_up = services.set_up(&table, &id).await.map_err(|error| desk.failed(&error))?;
            Some((store, set_up.is_of(&table), table))
        }
        false => None,
    };
    match &store {
        None => {
            desk.say("The pool has no CreateAuthChallenge trigger, which names the records, so it is noted in none.")?;
        }
        Some((_, false, table)) => desk.say(&format!(
            "The table {table} is not set up for the pool, so it will not say that everybody was signed out: with LONGEST_SESSION_DAYS, \
             run `second-factor init` first."
        ))?,
        Some((_, true, _)) => {}
    }
    if desk.options.dry_run {
        return desk.say("Nobody was signed out: --dry-run.");
    }
    let notes = match store {
        Some((store, is_set_up, table)) => {
            let by = caller(services).await.map_err(|error| desk.failed(&error))?;
            Some(Notes { store, table, is_set_up, by })
        }
        None => None,
    };
    desk.confirm()?;
    let mut pace = tokio::time::interval(Duration::from_secs(1).checked_div(per_second).unwrap_or_default());
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !progress.is_swept {
        let so_far = format!("{} users were signed out, and running it again goes on from there", progress.signed_out);
        let mut request = json!({ "UserPoolId": id, "Limit": PAGE });
        if let (Some(token), Some(request)) = (&progress.pagination_token, request.as_object_mut()) {
            request.insert("PaginationToken".to_owned(), json!(token));
        }
        let page = match services.cognito("ListUsers", &request).await {
            Ok(page) => page,
            // A token lives for an hour.
            Err(error) if progress.pagination_token.is_some() && error.reason.starts_with("InvalidParameter") => {
                desk.say("The place in the list has expired, so it starts over; nobody loses more than a sign-in.")?;
                progress = Progress::new(&id, desk.time());
                continue;
            }
            Err(error) => return Err(failed(&so_far, &error)),
        };
        let (mut signed_out, mut skipped, mut not_noted) = (0_u64, 0_u64, Vec::new());
        for user in page.get("Users").and_then(Value::as_array).into_iter().flatten() {
            // They have never had a session.
            if user.get("UserStatus").is_some_and(|status| status == "UNCONFIRMED") {
                skipped = skipped.saturating_add(1);
                continue;
            }
            pace.tick().await;
            match one(&mut desk, notes.as_ref(), user).await? {
                Ok(Noted::Yes) => signed_out = signed_out.saturating_add(1),
                Ok(Noted::Conflict | Noted::MayGoOn | Noted::Unreadable) => {
                    signed_out = signed_out.saturating_add(1);
                    not_noted.extend(attribute(user, "sub").map(str::to_owned));
                }
                // Deleted in the meantime.
                Err(error) if error.cause == Cause::NoSuchUser => skipped = skipped.saturating_add(1),
                Err(error) => return Err(failed(&so_far, &error)),
            }
        }
        progress.not_noted.extend(not_noted);
        progress.signed_out = progress.signed_out.saturating_add(signed_out);
        progress.skipped = progress.skipped.saturating_add(skipped);
        progress.pagination_token = page.get("PaginationToken").and_then(Value::as_str).map(str::to_owned);
        progress.is_swept = progress.pagination_token.is_none();
        save(&path, &progress)?;
        if !progress.is_swept {
            desk.say(&format!("{} of about {users}", progress.signed_out.saturating_add(progress.skipped)))?;
        }
    }
    desk.say(&format!(
        "{} users were signed out; {} had never signed in, or were deleted in the meantime.",
        progress.signed_out, progress.skipped
    ))?;
    let mut left = Vec::new();
    if let again @ [_, ..] = progress.not_noted.as_slice() {
        left.push(format!(
            "Of {} users it is not noted that they were signed out, since they were just signing in or their records cannot be read. Run \
             `second-factor sign-out` for each: {}.",
            again.len(),
            again.join(" ")
        ));
    }
    match note_in_table(&mut desk, notes.as_ref(), progress.began_at).await? {
        Ok(()) => remove(&path)?,
        // Running it again signs nobody out.
        Err(error) => left.push(format!(
            "The table does not say that everybody was signed out, so refreshes of required users who come later are refused. Run \
             `second-factor sign-out-all` again, which then does only that: {}. {}",
            error.why(),
            error.cause.remedy()
        )),
    }
    if left.is_empty() { Ok(()) } else { Err(Stopped::Failed(left.join(" "))) }
}

/// Signs one of them out, and notes it.
async fn one(
    desk: &mut Desk<'_, '_>,
    notes: Option<&Notes>,
    user: &Value,
) -> Result<Result<Noted, CallError>, Stopped> {
    // From before the calls: what passes from now on counts.
    let (services, now) = (desk.services, desk.time());
    let name = user.get("Username").and_then(Value::as_str).unwrap_or_default();
    let (Some(Notes { store, by, .. }), Some(sub)) = (notes, attribute(user, "sub")) else {
        let request = json!({ "UserPoolId": desk.options.user_pool_id.to_string(), "Username": name });
        return Ok(services.cognito("AdminUserGlobalSignOut", &request).await.map(|_| Noted::Yes));
    };
    // The last change by a command stays what it was: it is of this user alone.
    match end_sessions(services, store, &desk.key(sub), name, now, |record| record).await {
        Ok(noted) => {
            desk.audit(by, sub, now, Map::from_iter([("call".to_owned(), json!("AdminUserGlobalSignOut"))]))?;
            Ok(Ok(noted))
        }
        Err(NotDone::Before(error) | NotDone::After(error)) => Ok(Err(error)),
    }
}

/// Notes in the table when it began: a user who comes later has no record yet that says so.
async fn note_in_table(
    desk: &mut Desk<'_, '_>,
    notes: Option<&Notes>,
    began_at: Option<UnixTime>,
) -> Result<Result<(), CallError>, Stopped> {
    let Some(Notes { table, is_set_up: true, by, .. }) = notes else { return Ok(Ok(())) };
    let Some(began_at) = began_at else {
        let line = "An earlier version began this, so the table does not say when everybody was signed out.";
        return desk.say(line).map(Ok);
    };
    let pool = desk.options.user_pool_id.to_string();
    let is_noted = |table: &Said| table.everybody_signed_out_at().is_some_and(|at| at >= began_at);
    let before = match desk.services.set_up(table, &pool).await {
        Ok(before) if is_noted(&before) => return Ok(Ok(())),
        Ok(before) => before,
        Err(error) => return Ok(Err(error)),
    };
    let set_up = SetUp { table_name: table.clone(), everybody_signed_out_at: Some(began_at) };
    if let Err(error) = desk.services.save_set_up(&pool, &before, &set_up).await {
        // It may have taken effect.
        match desk.services.set_up(table, &pool).await {
            Ok(now) if is_noted(&now) => {}
            Ok(_) | Err(_) => return Ok(Err(error)),
        }
    }
    let about = [("table".to_owned(), json!(table)), ("everybodySignedOutAt".to_owned(), json!(when(began_at)))];
    desk.audit_about(by, desk.time(), about)?;
    Ok(Ok(()))
}

fn failed(so_far: &str, error: &CallError) -> Stopped {
    Stopped::Failed(format!("{so_far}: {}. {}", error.why(), error.cause.remedy()))
}

fn load(path: &Path, user_pool_id: &str) -> Result<Option<Progress>, Stopped> {
    let refused = |why: &str| {
        Stopped::NothingChanged(format!("Nobody was signed out: the progress file {} {why}.", path.display()))
    };
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(&format!("cannot be read: {error}"))),
    };
    let progress: Progress =
        serde_json::from_slice(&text).map_err(|_| refused("is not one that this command wrote"))?;
    if progress.user_pool_id == user_pool_id { Ok(Some(progress)) } else { Err(refused("is about another pool")) }
}

fn save(path: &Path, progress: &Progress) -> Result<(), Stopped> {
    let beside = path.with_extension("json.new");
    let written = fs::write(&beside, json!(progress).to_string()).and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        let signed_out = progress.signed_out;
        Stopped::Failed(format!(
            "{signed_out} users were signed out; the progress file {} cannot be written: {error}.",
            path.display()
        ))
    })
}

fn remove(path: &Path) -> Result<(), Stopped> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Stopped::Failed(format!("The progress file {} cannot be removed: {error}.", path.display())))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn in_words(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds.div_ceil(60)),
        _ => format!("{} hours", seconds.div_ceil(3600)),
    }
}
