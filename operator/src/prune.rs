//! `prune`: finds users who were deleted in Cognito, and forgets those who were missing 15 days before as well
//! (docs/decisions.md, D76).

use std::collections::HashSet;

use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::ids::Generation;
use shared::operator_change::MISSING_SECONDS;
use shared::record::Record;

use crate::aws::CallError;
use crate::desk::{Agreed, Desk, Planned, nothing_changed};
use crate::listing::Listing;
use crate::places::caller;
use crate::terminal::Stopped;
use crate::time::when;
use crate::user::{EXTERNAL_PROVIDER, attribute};

/// So many may be missing in any pool, and above it a tenth of the records.
const FEW: usize = 10;

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The user is missing for the first time.
    Mark,
    /// The user was missing before, but not for long enough.
    Wait(UnixTime),
    /// The user was missing 15 days before, too.
    Forget,
    /// The user is there again.
    Unmark,
}

impl Fate {
    /// `None`: nothing is to be done.
    fn of(record: &Record, is_missing: bool, now: UnixTime) -> Option<Self> {
        match (record.forgotten_at(), is_missing, record.missing_since()) {
            (Some(_), _, _) | (None, false, None) => None,
            (None, false, Some(_)) => Some(Self::Unmark),
            (None, true, None) => Some(Self::Mark),
            (None, true, Some(since)) if now.since(since) >= MISSING_SECONDS => Some(Self::Forget),
            (None, true, Some(since)) => Some(Self::Wait(since.plus(MISSING_SECONDS))),
        }
    }

    fn is_change(self) -> bool {
        match self {
            Self::Mark | Self::Forget | Self::Unmark => true,
            Self::Wait(_) => false,
        }
    }
}

struct Found {
    sub: String,
    record: Record,
    fate: Fate,
}

/// Does it.
///
/// # Errors
/// See [`Stopped`].
pub(crate) async fn prune(mut desk: Desk<'_, '_>, accepts_many: bool) -> Result<(), Stopped> {
    desk.must_be_able_to_ask()?;
    let now = desk.now;
    let (_, table) = desk.store().await?;
    let living = living(&mut desk).await?;
    let (found, records, unreadable) = found(&mut desk, &table, &living).await?;
    let count = |fate: fn(Fate) -> bool| found.iter().filter(|found| fate(found.fate)).count();
    let missing = count(|fate| fate != Fate::Unmark);
    let rows = [
        ("marked", "users are missing for the first time, and are marked", count(|fate| fate == Fate::Mark)),
        ("forgotten", "users were missing 15 days ago too, and are forgotten", count(|fate| fate == Fate::Forget)),
        ("unmarked", "users are there again, and are not marked any more", count(|fate| fate == Fate::Unmark)),
        ("waiting", "users were marked less than 15 days ago", count(|fate| matches!(fate, Fate::Wait(_)))),
        ("unreadable", "records cannot be read and are left alone", unreadable),
    ];
    for found in &found {
        desk.say(&match found.fate {
            Fate::Mark => format!("{}  missing", found.sub),
            Fate::Wait(until) => format!("{}  missing, and can be forgotten from {} on", found.sub, when(until)),
            Fate::Forget => format!("{}  missing, and to be forgotten", found.sub),
            Fate::Unmark => format!("{}  there again", found.sub),
        })?;
    }
    for (_, what, count) in rows {
        desk.say(&format!("{count:>9}  {what}"))?;
    }
    if missing > FEW.max(records.checked_div(10).unwrap_or_default()) && !accepts_many {
        return Err(Stopped::unchanged(format_args!(
            "{missing} of {records} users with a record are missing, which is more than a tenth. If so many were \
             deleted, add --many."
        )));
    }
    let printed: Value = rows.into_iter().map(|(name, _, count)| (name.to_owned(), json!(count))).collect();
    if desk.options.dry_run || found.iter().all(|found| !found.fate.is_change()) {
        desk.say(if desk.options.dry_run { "Nothing was changed: --dry-run." } else { "There is nothing to change." })?;
        return desk.print_json(&printed);
    }
    let by = caller(desk.services).await.map_err(|error| desk.failed(&error))?;
    desk.confirm()?;
    let to_change = found.iter().filter(|found| found.fate.is_change()).count();
    let mut done = 0_usize;
    for Found { sub, record, fate } in found.iter().filter(|found| found.fate.is_change()) {
        let generation = Generation(desk.draw()?);
        let plan = |record: &Record| {
            let record = match fate {
                Fate::Mark => record.clone().with_missing_since(Some(now)),
                Fate::Unmark | Fate::Wait(_) => record.clone().with_missing_since(None),
                Fate::Forget => Record::forgotten(generation, now),
            };
            Ok(Planned { record, sentences: Vec::new() })
        };
        let agreed = Agreed::on(&desk, &table, sub, &by, record);
        desk.so_far = format!("{done} of {to_change} records were changed: ");
        desk.save(&agreed, plan).await.map_err(failed)?;
        done = done.saturating_add(1);
    }
    desk.say(&format!("{done} records were changed."))?;
    desk.print_json(&printed)
}

/// Some records may have been changed before.
fn failed(stopped: Stopped) -> Stopped {
    let (Stopped::NothingChanged(sentence) | Stopped::Failed(sentence)) = stopped;
    Stopped::Failed(sentence)
}

/// The subs of all users of the pool.
async fn living(desk: &mut Desk<'_, '_>) -> Result<HashSet<String>, Stopped> {
    let (services, pool) = (desk.services, desk.options.user_pool_id.to_string());
    let (mut living, mut local) = (HashSet::new(), None);
    let see = |user: &Value| {
        let Some(sub) = attribute(user, "sub") else { return };
        living.insert(sub.to_owned());
        if user.get("UserStatus").is_none_or(|status| status != EXTERNAL_PROVIDER) {
            local = Some(sub.to_owned());
        }
    };
    let progress = |listed| desk.say(&format!("{listed} users of the pool so far"));
    Listing::new(services, &pool).each("ListUsers", json!({}), see, progress).await?;
    let Some(local) = local else {
        return Err(Stopped::unchanged("the pool lists no local user, so nothing shows who is missing."));
    };
    let request = json!({ "UserPoolId": pool, "Username": local });
    match services.cognito("AdminGetUser", &request).await {
        Ok(_) => Ok(living),
        Err(error) => Err(Stopped::Failed(format!(
            "Nothing was changed: AdminGetUser does not find {local} by sub, so it cannot tell who is missing: {}. {}",
            error.why(),
            error.cause.remedy()
        ))),
    }
}

/// What is to be done, how many records there are, and how many of them cannot be read.
async fn found(
    desk: &mut Desk<'_, '_>,
    table: &str,
    living: &HashSet<String>,
) -> Result<(Vec<Found>, usize, usize), Stopped> {
    let failed = |error: CallError| nothing_changed(&error);
    let pool = desk.options.user_pool_id.clone();
    let (mut all, mut records, mut unreadable, mut start) = (Vec::new(), 0_usize, 0_usize, None);
    loop {
        let (scanned, next) = desk.services.scan(table, &pool.to_string(), start).await.map_err(failed)?;
        for scanned in scanned {
            records = records.saturating_add(1);
            let Some(record) = scanned.record else {
                unreadable = unreadable.saturating_add(1);
                continue;
            };
            let is_missing = !living.contains(&scanned.sub)
                && record.forgotten_at().is_none()
                && desk.services.is_deleted(&pool, &scanned.sub).await.map_err(failed)?;
            if let Some(fate) = Fate::of(&record, is_missing, desk.now) {
                all.push(Found { sub: scanned.sub, record, fate });
            }
        }
        start = next;
        if start.is_none() {
            return Ok((all, records, unreadable));
        }
        desk.say(&format!("{records} records so far"))?;
    }
}
