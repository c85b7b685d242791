//! Lists of users, page by page, at a pace that leaves the pool's other callers their share.
//!
//! Source: <https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html>: ListUsers and ListUsersInGroup share 30 calls a
//! second.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Interval, MissedTickBehavior};

use crate::aws::Services;
use crate::desk::nothing_changed;
use crate::terminal::Stopped;

/// Users of a page.
pub(crate) const PAGE: u32 = 60;
/// Of the 30 calls that the account has, some stay for others.
const CALLS_A_SECOND: u32 = 25;

pub(crate) struct Listing<'a> {
    services: &'a Services,
    user_pool_id: &'a str,
    pace: Interval,
}

impl<'a> Listing<'a> {
    pub(crate) fn new(services: &'a Services, user_pool_id: &'a str) -> Self {
        let mut pace = tokio::time::interval(Duration::from_secs(1).checked_div(CALLS_A_SECOND).unwrap_or_default());
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { services, user_pool_id, pace }
    }

    /// Every user that `operation` lists. `progress` receives how many it has listed, before each further page.
    pub(crate) async fn each(
        &mut self,
        operation: &'static str,
        asked: Value,
        mut user: impl FnMut(&Value),
        mut progress: impl FnMut(usize) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        let token_name = if operation == "ListUsers" { "PaginationToken" } else { "NextToken" };
        let (mut token, mut listed) = (None, 0_usize);
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
            listed = listed.saturating_add(users.len());
            match page.get(token_name).and_then(Value::as_str) {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(()),
            }
            progress(listed)?;
        }
    }
}
