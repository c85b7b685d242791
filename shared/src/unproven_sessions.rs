//! When tokens left that had proven no second factor: what a refresh may continue.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::UnixTime;
use crate::cognito::ClientId;
use crate::token_grant::ISSUED_WITHIN_SECONDS;

/// When tokens passed last that had no grant, by app client: a refresh continues sessions of its own client only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct UnprovenSessions(BTreeMap<String, UnixTime>);

impl UnprovenSessions {
    /// App clients that are kept apart. Clients can register themselves in some pools, and a record must not grow for ever.
    const CLIENTS: usize = 16;
    /// Stands for every app client.
    const ANY: &str = "*";

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The last time, at any app client.
    pub(crate) fn last(&self) -> Option<UnixTime> {
        self.0.values().max().copied()
    }

    /// The last time at `client`.
    pub(crate) fn last_of(&self, client: &ClientId) -> Option<UnixTime> {
        self.0.get(client.as_str()).max(self.0.get(Self::ANY)).copied()
    }

    /// The same, without the tokens that were issued before `now`, by whichever host's clock.
    pub(crate) fn issued_after(mut self, now: UnixTime) -> Self {
        self.0.retain(|_, last| last.plus(ISSUED_WITHIN_SECONDS) > now);
        self
    }

    /// The same, with tokens for `client` at `now`.
    pub(crate) fn with(mut self, client: &ClientId, now: UnixTime) -> Self {
        // Once it stands for every app client, none is kept apart again for the same second.
        if self.0.get(Self::ANY).is_some_and(|any| *any >= now) {
            return self;
        }
        let last = self.0.entry(client.as_str().to_owned()).or_default();
        *last = now.max(*last);
        if self.0.len() > Self::CLIENTS {
            let latest = self.0.into_values().max().unwrap_or(now);
            self.0 = BTreeMap::from([(Self::ANY.to_owned(), latest)]);
        }
        self
    }
}
