//! What a user is called: the user name, and the attributes that can be typed in its place.

use serde_json::Value;

use crate::error::CognitoError;
use crate::request::{Request, outside_of_enum};

/// An attribute that can be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alias {
    Email,
    PhoneNumber,
    PreferredUserName,
}

impl Alias {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "email" => Some(Self::Email),
            "phone_number" => Some(Self::PhoneNumber),
            "preferred_username" => Some(Self::PreferredUserName),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::PhoneNumber => "phone_number",
            Self::PreferredUserName => "preferred_username",
        }
    }

    /// The attribute that says whether it was verified.
    pub(crate) fn verified(self) -> Option<&'static str> {
        match self {
            Self::Email => Some("email_verified"),
            Self::PhoneNumber => Some("phone_number_verified"),
            Self::PreferredUserName => None,
        }
    }

    /// `DeliveryMedium`
    pub(crate) fn medium(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::PhoneNumber | Self::PreferredUserName => "SMS",
        }
    }

    fn is_one(self, typed: &str) -> bool {
        match self {
            Self::Email => typed.split_once('@').is_some_and(|(name, host)| {
                !name.is_empty() && !host.is_empty() && !host.contains('@') && !typed.contains(char::is_whitespace)
            }),
            Self::PhoneNumber => typed
                .strip_prefix('+')
                .is_some_and(|digits| (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())),
            Self::PreferredUserName => true,
        }
    }
}

/// By which names a pool's users sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NameRules {
    /// `UsernameAttributes`: the pool makes the user name, and users sign in with one of these.
    instead: Vec<Alias>,
    /// `AliasAttributes`: users also sign in with these, once they are verified.
    also: Vec<Alias>,
    case_sensitive: bool,
}

impl NameRules {
    pub(crate) fn parse(request: &Request) -> Result<Self, CognitoError> {
        let list = |name| -> Result<Vec<Alias>, CognitoError> {
            let words = request.list(name)?.into_iter();
            words
                .map(|word| {
                    let word = word.as_str().unwrap_or_default();
                    Alias::parse(word).ok_or_else(|| outside_of_enum(name, word))
                })
                .collect()
        };
        let (instead, also) = (list("UsernameAttributes")?, list("AliasAttributes")?);
        if instead.contains(&Alias::PreferredUserName) {
            return Err(outside_of_enum("UsernameAttributes", Alias::PreferredUserName.as_str()));
        }
        if !instead.is_empty() && !also.is_empty() {
            return Err(CognitoError::invalid_parameter(
                "Only one of the aliasAttributes or usernameAttributes can be set.",
            ));
        }
        let case = request.object("UsernameConfiguration")?;
        // What the API leaves out is sensitive; the console's default is not.
        let case_sensitive =
            case.and_then(|case| case.member("CaseSensitive").and_then(Value::as_bool)).unwrap_or(true);
        Ok(Self { instead, also, case_sensitive })
    }

    /// Whether the pool makes the user names.
    pub(crate) fn makes_user_names(&self) -> bool {
        !self.instead.is_empty()
    }

    /// Which attribute a new user's `Username` is; `None` where it is the user name.
    pub(crate) fn attribute_of_new_name(&self, typed: &str) -> Result<Option<Alias>, CognitoError> {
        if self.instead.is_empty() {
            if let Some(alias) =
                self.also.iter().find(|alias| **alias != Alias::PreferredUserName && alias.is_one(typed))
            {
                let what = if *alias == Alias::Email { "email" } else { "phone number" };
                return Err(CognitoError::invalid_parameter(format!(
                    "Username cannot be of {what} format, since user pool is configured for {what} alias."
                )));
            }
            return Ok(None);
        }
        let found = self.instead.iter().copied().find(|alias| alias.is_one(typed));
        found.map(Some).ok_or_else(|| {
            CognitoError::invalid_parameter(match self.instead.as_slice() {
                [Alias::Email] => "Username should be an email.",
                [Alias::PhoneNumber] => "Username should be a phone number.",
                _ => "Username should be either an email or a phone number.",
            })
        })
    }

    /// Whether these are one name.
    pub(crate) fn are_same(&self, name: &str, typed: &str) -> bool {
        name == typed || (!self.case_sensitive && name.to_lowercase() == typed.to_lowercase())
    }

    /// The attributes that no two users may share: all that can be a name, once verified where that is required.
    pub(crate) fn unique(&self) -> impl Iterator<Item = (Alias, bool)> {
        let instead = self.instead.iter().map(|alias| (*alias, false));
        instead.chain(self.also.iter().map(|alias| (*alias, alias.verified().is_some())))
    }
}
