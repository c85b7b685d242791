//! `Filter` of `ListUsers`: one attribute, `=` or `^=`, and a value in quotation marks.
//!
//! Source: "Managing and searching for user accounts" of the Cognito developer guide.

use crate::error::CognitoError;
use crate::state::user::User;

/// What `ListUsers` searches by.
const SEARCHABLE: [&str; 10] = [
    "username",
    "email",
    "phone_number",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "cognito:user_status",
    "status",
    "sub",
];

/// A filter; the empty one takes everybody.
pub(crate) enum Filter {
    All,
    Equals(String, String),
    StartsWith(String, String),
}

impl Filter {
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, CognitoError> {
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(Self::All);
        };
        let wrong = || CognitoError::invalid_parameter("Error while parsing filter");
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        let (name, starts) = match name.strip_suffix('^') {
            Some(name) => (name, true),
            None => (name, false),
        };
        let name = name.trim().trim_matches('"').to_owned();
        let value = value.trim().strip_prefix('"').and_then(|value| value.strip_suffix('"')).ok_or_else(wrong)?;
        let value = value.replace("\\\"", "\"");
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(wrong());
        }
        if !SEARCHABLE.contains(&name.as_str()) {
            return Err(CognitoError::invalid_parameter(format!("Invalid search attribute: {name}")));
        }
        Ok(if starts { Self::StartsWith(name, value) } else { Self::Equals(name, value) })
    }

    pub(crate) fn matches(&self, user: &User) -> bool {
        let of = |name: &str| match name {
            "username" => Some(user.user_name.as_str()),
            "sub" => Some(user.sub.as_str()),
            "cognito:user_status" => Some(user.status.as_str()),
            "status" => Some(if user.enabled { "Enabled" } else { "Disabled" }),
            other => user.attributes.get(other).map(String::as_str),
        };
        match self {
            Self::All => true,
            // Documented: the one that is compared without regard to case.
            Self::Equals(name, value) if name == "cognito:user_status" => {
                user.status.as_str().eq_ignore_ascii_case(value)
            }
            Self::Equals(name, value) => of(name) == Some(value.as_str()),
            Self::StartsWith(name, value) => of(name).is_some_and(|found| found.starts_with(value.as_str())),
        }
    }
}
