//! The user that a command means: exactly one of the pool, whatever was typed (docs/decisions.md, D69).

use serde_json::{Value, json};

use crate::aws::{CallError, Services, UserPoolId};

/// `UserStatus` of a user whom an identity provider has made.
pub(crate) const EXTERNAL_PROVIDER: &str = "EXTERNAL_PROVIDER";
/// Hits that are shown at most.
const HITS: u32 = 10;

/// A user, as Cognito lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) sub: String,
    pub(crate) user_name: String,
    /// `UserStatus`
    pub(crate) status: String,
    pub(crate) enabled: bool,
    pub(crate) email: Option<String>,
    pub(crate) has_verified_email: bool,
    pub(crate) has_verified_phone: bool,
}

/// Why a command is about nobody.
pub(crate) enum NotOne {
    /// Nobody was hit.
    Nobody,
    /// These were.
    Several(Vec<User>),
    /// This one was, by an address that is not verified: it may be somebody else's.
    Unverified(User),
    /// Cognito was not asked.
    Failed(CallError),
}

impl User {
    fn of(listed: &Value) -> Option<Self> {
        let verified = |name| attribute(listed, name) == Some("true");
        let text = |name| listed.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self {
            sub: attribute(listed, "sub")?.to_owned(),
            user_name: text("Username"),
            status: text("UserStatus"),
            enabled: listed.get("Enabled").and_then(Value::as_bool).unwrap_or_default(),
            email: attribute(listed, "email").map(str::to_owned),
            has_verified_email: verified("email_verified"),
            has_verified_phone: verified("phone_number_verified"),
        })
    }

    /// For people: who it is, and what that is known by.
    pub(crate) fn in_words(&self) -> String {
        let email = match (&self.email, self.has_verified_email) {
            (None, _) => "no email address".to_owned(),
            (Some(email), true) => format!("email address {email}, verified"),
            (Some(email), false) => format!("email address {email}, NOT verified: anybody may have entered it"),
        };
        let enabled = if self.enabled { "enabled" } else { "disabled" };
        format!("sub {}, user name {}, {}, {enabled}; {email}", self.sub, self.user_name, self.status)
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "sub": self.sub,
            "userName": self.user_name,
            "status": self.status,
            "enabled": self.enabled,
            "email": self.email,
            "emailVerified": self.has_verified_email,
        })
    }
}

/// What looks like a `sub` is one; anything else is a user name or an email address.
pub(crate) fn is_sub(typed: &str) -> bool {
    let groups: Vec<&str> = typed.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}

/// Each `Filter` of `ListUsers` by which a user is looked for: the last one by an email address, if it may be one.
pub(crate) fn filters(typed: &str) -> Vec<String> {
    let names: &[&str] = match (is_sub(typed), typed.contains('@')) {
        (true, _) => &["sub"],
        (false, true) => &["username", "email"],
        (false, false) => &["username"],
    };
    let value = typed.replace('\\', "\\\\").replace('"', "\\\"");
    names.iter().map(|name| format!("{name} = \"{value}\"")).collect()
}

/// An attribute of a user as `ListUsers` returns it.
pub(crate) fn attribute<'v>(user: &'v Value, name: &str) -> Option<&'v str> {
    let attributes = user.get("Attributes")?.as_array()?;
    let attribute = attributes.iter().find(|attribute| attribute.get("Name").is_some_and(|is| is == name))?;
    attribute.get("Value")?.as_str()
}

impl Services {
    /// The one user that `typed` means.
    pub(crate) async fn user(&self, pool: &UserPoolId, typed: &str) -> Result<User, NotOne> {
        let mut hits = Vec::new();
        let mut by_email_alone = false;
        for filter in filters(typed) {
            let request = json!({ "UserPoolId": pool.to_string(), "Filter": filter, "Limit": HITS });
            let page = self.cognito("ListUsers", &request).await.map_err(NotOne::Failed)?;
            for user in page.get("Users").and_then(Value::as_array).into_iter().flatten().filter_map(User::of) {
                // Found by its name already.
                if hits.iter().all(|hit: &User| hit.sub != user.sub) {
                    by_email_alone = filter.starts_with("email ");
                    hits.push(user);
                }
            }
        }
        match (hits.pop(), hits.is_empty()) {
            (None, _) => Err(NotOne::Nobody),
            (Some(user), true) if by_email_alone && !user.has_verified_email => Err(NotOne::Unverified(user)),
            (Some(user), true) => Ok(user),
            (Some(last), false) => {
                hits.push(last);
                Err(NotOne::Several(hits))
            }
        }
    }
}
