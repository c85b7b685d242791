//! The users that the lines mean: for each line exactly one hit in the pool (docs/decisions.md, D69).
//!
//! A few users are looked for one by one. Many are found in one list of the whole pool, which takes a call for 60 users: whichever
//! takes fewer calls.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::file::Entry;
use super::problem::Problem;
use super::report::Report;
use crate::aws::Services;
use crate::listing::{Listing, PAGE};
use crate::terminal::Stopped;
use crate::user::{EXTERNAL_PROVIDER, attribute, filters, is_sub};

/// A user whom a line is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) sub: String,
    /// By an email address, which is verified.
    pub(super) by_email: bool,
}

/// Finds users in the pool.
pub(super) struct Directory<'a>(Listing<'a>);

impl<'a> Directory<'a> {
    pub(super) fn new(services: &'a Services, user_pool_id: &'a str) -> Self {
        Self(Listing::new(services, user_pool_id))
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
                self.0.each("ListUsers", json!({ "Filter": filter }), |user| wanted.see(user), |_| Ok(())).await?;
            }
        } else {
            let progress = |listed| report.say(&format!("{listed} users of the pool listed"));
            self.0.each("ListUsers", json!({}), |user| wanted.see(user), progress).await?;
        }
        Ok(entries.iter().map(|(_, entry)| wanted.found(&entry.user)).collect())
    }

    /// The subs of a group's members.
    pub(super) async fn members(&mut self, group: &str) -> Result<HashSet<String>, Stopped> {
        let mut members = HashSet::new();
        let insert = |user: &Value| members.extend(attribute(user, "sub").map(str::to_owned));
        self.0.each("ListUsersInGroup", json!({ "GroupName": group }), insert, |_| Ok(())).await?;
        Ok(members)
    }
}

/// The users of a file, and the hits for each.
struct Wanted<'a>(HashMap<&'a str, Vec<Hit>>);

struct Hit {
    sub: String,
    by_email: bool,
    is_verified: bool,
    is_federated: bool,
}

impl<'a> Wanted<'a> {
    fn of(entries: &'a [(u64, Entry)]) -> Self {
        Self(entries.iter().map(|(_, entry)| (entry.user.as_str(), Vec::new())).collect())
    }

    fn see(&mut self, user: &Value) {
        let Some(sub) = attribute(user, "sub") else { return };
        let is_verified = attribute(user, "email_verified") == Some("true");
        let is_federated = user.get("UserStatus").is_some_and(|status| status == EXTERNAL_PROVIDER);
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
                hits.push(Hit { sub: sub.to_owned(), by_email, is_verified, is_federated });
            }
        }
    }

    fn found(&self, user: &str) -> Result<Found, Problem> {
        match self.0.get(user).map(Vec::as_slice) {
            None | Some([]) => Err(Problem::NoSuchUser),
            Some([Hit { by_email: true, is_verified: false, .. }]) => Err(Problem::UnverifiedEmail),
            Some([Hit { is_federated: true, .. }]) => Err(Problem::Federated),
            Some([Hit { sub, by_email, .. }]) => Ok(Found { sub: sub.clone(), by_email: *by_email }),
            Some(many) => Err(Problem::ManyUsers(many.len())),
        }
    }
}
