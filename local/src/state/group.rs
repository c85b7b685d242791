//! A pool's groups, and who is in them.
//!
//! Source: the API reference of `CreateGroup` and its kin.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::clock::UnixTime;

use crate::error::CognitoError;

/// One group.
#[derive(Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) description: Option<String>,
    pub(crate) role_arn: Option<String>,
    pub(crate) precedence: Option<u64>,
    pub(crate) created_at: UnixTime,
    pub(crate) modified_at: UnixTime,
    /// The user names of its members.
    pub(crate) members: BTreeSet<String>,
}

impl Group {
    pub(crate) fn to_json(&self, name: &str, user_pool_id: &str) -> Value {
        let mut described = json!({
            "GroupName": name,
            "UserPoolId": user_pool_id,
            "CreationDate": self.created_at,
            "LastModifiedDate": self.modified_at,
        });
        let optional = [
            ("Description", self.description.as_ref().map(|text| json!(text))),
            ("RoleArn", self.role_arn.as_ref().map(|text| json!(text))),
            ("Precedence", self.precedence.map(|number| json!(number))),
        ];
        if let Some(members) = described.as_object_mut() {
            members.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        }
        described
    }
}

/// All groups of a pool, by name.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Groups(pub(crate) BTreeMap<String, Group>);

impl Groups {
    pub(crate) fn get(&self, name: &str) -> Result<&Group, CognitoError> {
        self.0.get(name).ok_or_else(not_found)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Result<&mut Group, CognitoError> {
        self.0.get_mut(name).ok_or_else(not_found)
    }

    /// The groups of a user, the most important first: by precedence, a group without one last, then by name.
    pub(crate) fn of(&self, user_name: &str) -> Vec<(&str, &Group)> {
        let mut groups: Vec<_> = self
            .0
            .iter()
            .filter(|(_, group)| group.members.contains(user_name))
            .map(|(name, group)| (name.as_str(), group))
            .collect();
        groups.sort_by_key(|(_, group)| group.precedence.unwrap_or(u64::MAX));
        groups
    }

    /// `groupConfiguration` of the token guard's event.
    pub(crate) fn configuration_of(&self, user_name: &str) -> Value {
        let groups = self.of(user_name);
        let names: Vec<&str> = groups.iter().map(|(name, _)| *name).collect();
        let roles: Vec<&str> = groups.iter().filter_map(|(_, group)| group.role_arn.as_deref()).collect();
        json!({
            "groupsToOverride": names,
            "iamRolesToOverride": roles,
            "preferredRole": groups.first().and_then(|(_, group)| group.role_arn.as_deref()),
        })
    }

    pub(crate) fn forget_user(&mut self, user_name: &str) {
        for group in self.0.values_mut() {
            group.members.remove(user_name);
        }
    }
}

pub(crate) fn not_found() -> CognitoError {
    CognitoError::resource_not_found("Group not found.")
}
