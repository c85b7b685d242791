//! Who the lines are about: each user of the file by exactly one hit in the pool (docs/decisions.md, D69).
//!
//! A few users are looked for one by one. Many are found in one list of the whole pool, which takes a call for 60 users: whichever
//! takes fewer calls.
//! Source: <https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html>: ListUsers and ListUsersInGroup share 30 calls a
//! second.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Interval, MissedTickBehavior};

use super::file::Entry;
use super::problem::Problem;
use super::report::Report;
use crate::aws::Services;
use crate::desk::nothing_changed;
use crate::terminal::Stopped;
use crate::user::{attribute, filter, is_sub};

/// Users of a page.
const PAGE: u32 = 60;
/// Of the 30 calls that the account has, some stay for others.
const CALLS_A_SECOND: u32 = 25;

/// A user whom a line is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) sub: String,
    /// By an email address, which is verified.
    pub(super) by_email: bool,
}

/// Lists users at a pace that leaves the pool's other callers their share.
pub(super) struct Directory<'a> {
    services: &'a Services,
    user_pool_id: &'a str,
    pace: Interval,
}

impl<'a> Directory<'a> {
    pub(super) fn new(services: &'a Services, user_pool_id: &'a str) -> Self {
        let mut pace = tokio::time::interval(Duration::from_secs(1).checked_div(CALLS_A_SECOND).unwrap_or_default());
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { services, user_pool_id, pace }
    }

    /// Finds the user of each entry. `about` is how many users the pool has.
    pub(super) async fn find(
        &mut self,
        entries: &[(u64, Entry)],
        about: u64,
        report: &mut Report<'_, '_>,
    ) -> Result<Vec<Result<Found, Problem>>, Stopped> {
        let pages = about.div_ceil(u64::from(PAGE));
        let one_by_one: usize = entries.iter().map(|(_, entry)| filters(&entry.user).len()).sum();
        let mut wanted = Wanted::of(entries);
        if u64::try_from(one_by_one).is_ok_and(|calls| calls <= pages.max(1)) {
            for filter in entries.iter().flat_map(|(_, entry)| filters(&entry.user)) {
                self.list("ListUsers", json!({ "Filter": filter }), |user| wanted.see(user), None).await?;
            }
        } else {
            self.list("ListUsers", json!({}), |user| wanted.see(user), Some(report)).await?;
        }
        Ok(entries.iter().map(|(_, entry)| wanted.found(&entry.user)).collect())
    }

    /// The subs of a group's members.
    pub(super) async fn members(&mut self, group: &str) -> Result<HashSet<String>, Stopped> {
        let mut members = HashSet::new();
        let insert = |user: &Value| members.extend(attribute(user, "sub").map(str::to_owned));
        self.list("ListUsersInGroup", json!({ "GroupName": group }), insert, None).await?;
        Ok(members)
    }

    /// Every user of a list, page by page.
    async fn list(
        &mut self,
        operation: &'static str,
        asked: Value,
        mut user: impl FnMut(&Value),
        mut report: Option<&mut Report<'_, '_>>,
    ) -> Result<(), Stopped> {
        let token_name = if operation == "ListUsers" { "PaginationToken" } else { "NextToken" };
        let (mut token, mut seen) = (None, 0_usize);
        loop {
            self.pace.tick().await;
            let mut request = json!({ "UserPoolId": self.user_pool_id, "Limit": PAGE });
            if let Some(request) = request.as_object_mut() {
                request.extend(asked.as_object().cloned().unwrap_or_default());
                request.extend(token.take().map(|token: String| (token_name.to_owned(), json!(token))));
            }
            let page = self.services.cognito(operation, &request).await.map_err(|error| nothing_changed(&error))?;
            let users = page.get("Users").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            users.iter().for_each(&mut user);
            seen = seen.saturating_add(users.len());
            match page.get(token_name).and_then(Value::as_str) {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(()),
            }
            if let Some(report) = &mut report {
                report.say(&format!("{seen} users of the pool seen"))?;
            }
        }
    }
}

fn filters(user: &str) -> Vec<String> {
    let names: &[&str] = if is_sub(user) {
        &["sub"]
    } else if user.contains('@') {
        &["username", "email"]
    } else {
        &["username"]
    };
    names.iter().map(|name| filter(name, user)).collect()
}

/// The users of a file, and the hits for each.
struct Wanted<'a>(HashMap<&'a str, Vec<Hit>>);

struct Hit {
    sub: String,
    by_email: bool,
    is_verified: bool,
}

impl<'a> Wanted<'a> {
    fn of(entries: &'a [(u64, Entry)]) -> Self {
        Self(entries.iter().map(|(_, entry)| (entry.user.as_str(), Vec::new())).collect())
    }

    fn see(&mut self, user: &Value) {
        let Some(sub) = attribute(user, "sub") else { return };
        let is_verified = attribute(user, "email_verified") == Some("true");
        let name = user.get("Username").and_then(Value::as_str);
        let keys = [
            (Some(sub), false),
            (name.filter(|name| !is_sub(name)), false),
            (attribute(user, "email").filter(|email| !is_sub(email)), true),
        ];
        for (key, by_email) in keys {
            let Some(hits) = key.and_then(|key| self.0.get_mut(key)) else { continue };
            // Found by its name already.
            if hits.iter().all(|hit| hit.sub != sub) {
                hits.push(Hit { sub: sub.to_owned(), by_email, is_verified });
            }
        }
    }

    fn found(&self, user: &str) -> Result<Found, Problem> {
        match self.0.get(user).map(Vec::as_slice) {
            None | Some([]) => Err(Problem::NoSuchUser),
            Some([Hit { by_email: true, is_verified: false, .. }]) => Err(Problem::UnverifiedEmail),
            Some([Hit { sub, by_email, .. }]) => Ok(Found { sub: sub.clone(), by_email: *by_email }),
            Some(many) => Err(Problem::ManyUsers(many.len())),
        }
    }
}
