//! Of whom a second factor is required while the policy is `OPTIONAL`: at which app clients, from when, of which groups.
//!
//! Each function judges what its event shows. Only the token guard's has the groups; Define's decides by the session alone.
//!
//! Invariant: in doubt one is required. An event that names no app client, or groups in another shape, requires one.

use serde_json::Value;

use crate::clock::UnixTime;
use crate::cognito::ClientId;
use crate::settings::{Lookup, Policy, SettingError, optional, utc};

/// Whether a second factor is required of a user, as far as the token guard's event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Required {
    /// It is not.
    No,
    /// By the policy, the app client or the date, which Create and Verify see themselves.
    BySettings,
    /// By a group, which the guard alone sees.
    ByGroup,
}

/// What an operator requires beyond the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    clients: Vec<String>,
    from: Option<UnixTime>,
    groups: Vec<String>,
}

impl Requirements {
    /// Ids of app clients at which one is required, separated by white space.
    pub const CLIENTS: &str = "REQUIRED_CLIENTS";
    /// From when one is required of everybody: RFC 3339, in UTC.
    pub const FROM: &str = "REQUIRED_FROM";
    /// Names of groups whose members need one, separated by white space: a name may have a comma.
    pub const GROUPS: &str = "REQUIRED_GROUPS";
    /// Characters of a client's id, or of a group's name, at most (service model).
    const LONGEST: usize = 128;

    /// Reads `REQUIRED_CLIENTS` and `REQUIRED_FROM`, which Create, Verify and the token guard must agree on.
    ///
    /// # Errors
    /// A name that is too long, a time that is none, or a time under `REQUIRED`, which requires one of everybody now.
    pub fn read(lookup: Lookup<'_>, policy: Policy) -> Result<Self, SettingError> {
        let from = optional(lookup, Self::FROM).map(|value| utc(Self::FROM, &value)).transpose()?;
        if from.is_some() && policy == Policy::Required {
            let problem =
                format!("must not be set with {} REQUIRED, which requires one of everybody now", Policy::VARIABLE);
            return Err(SettingError { variable: Self::FROM, problem });
        }
        Ok(Self { clients: names(lookup, Self::CLIENTS)?, from, groups: Vec::new() })
    }

    /// Reads the same and `REQUIRED_GROUPS`, for the token guard.
    ///
    /// # Errors
    /// The same.
    pub fn read_with_groups(lookup: Lookup<'_>, policy: Policy) -> Result<Self, SettingError> {
        Ok(Self { groups: names(lookup, Self::GROUPS)?, ..Self::read(lookup, policy)? })
    }

    /// The ids of the app clients.
    #[must_use]
    pub fn clients(&self) -> &[String] {
        &self.clients
    }

    /// From when one is required of everybody.
    #[must_use]
    pub fn since(&self) -> Option<UnixTime> {
        self.from
    }

    /// The names of the groups.
    #[must_use]
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// The same, with these app clients.
    #[must_use]
    pub fn at_clients(self, clients: &[&str]) -> Self {
        Self { clients: clients.iter().map(|&client| client.to_owned()).collect(), ..self }
    }

    /// The same, from that time on.
    #[must_use]
    pub fn from(self, time: UnixTime) -> Self {
        Self { from: Some(time), ..self }
    }

    /// The same, with these groups.
    #[must_use]
    pub fn of_groups(self, groups: &[&str]) -> Self {
        Self { groups: groups.iter().map(|&group| group.to_owned()).collect(), ..self }
    }

    /// Whether one is required of a user whom nothing is known of but the app client, at `now`.
    #[must_use]
    pub fn bind(&self, policy: Policy, client: Option<&ClientId>, now: UnixTime) -> bool {
        match policy {
            Policy::Required => true,
            Policy::Optional => self.bind_client(client) || self.from.is_some_and(|from| now >= from),
        }
    }

    /// Whether one is required at this app client.
    #[must_use]
    pub fn bind_client(&self, client: Option<&ClientId>) -> bool {
        client.is_none_or(|client| self.clients.iter().any(|required| required == client.as_str()))
    }

    /// Whether one is required of a member of the groups in a group configuration: the event's, or that of a response.
    #[must_use]
    pub fn bind_groups(&self, configuration: Option<&Value>) -> bool {
        self.bind_group_names(configuration.and_then(|configuration| configuration.get("groupsToOverride")))
    }

    /// Whether one is required of a member of the groups in a claim: a list of names, or a text with them.
    #[must_use]
    pub fn bind_groups_claim(&self, claim: Option<&Value>) -> bool {
        match claim {
            Some(Value::String(text)) => self.groups.iter().any(|group| text.contains(group)),
            other => self.bind_group_names(other),
        }
    }

    fn bind_group_names(&self, groups: Option<&Value>) -> bool {
        match groups {
            _ if self.groups.is_empty() => false,
            None | Some(Value::Null) => false,
            Some(Value::Array(groups)) => groups.iter().any(|group| match group {
                Value::String(group) => self.groups.contains(group),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => true,
            }),
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => true,
        }
    }
}

fn names(lookup: Lookup<'_>, variable: &'static str) -> Result<Vec<String>, SettingError> {
    let value = optional(lookup, variable).unwrap_or_default();
    let names: Vec<String> = value.split_whitespace().map(str::to_owned).collect();
    match names.iter().find(|name| name.chars().count() > Requirements::LONGEST) {
        None => Ok(names),
        Some(name) => {
            Err(SettingError { variable, problem: format!("must be names, separated by spaces; {name:?} is too long") })
        }
    }
}
