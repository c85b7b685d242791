//! Users: their names, attributes, passwords and confirmation codes.

use std::collections::BTreeMap;

use aws_lc_rs::constant_time;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::cognito::{FORCE_CHANGE_PASSWORD, USER_STATUS};

use crate::error::CognitoError;
use crate::random;
use crate::request::Strings;
use crate::srp::PasswordVerifier;
use crate::state::alias::{Alias, NameRules};
use crate::state::mfa::UserMfa;

/// All users of a pool, by user name.
#[derive(Serialize, Deserialize)]
pub(crate) struct Users {
    rules: NameRules,
    users: BTreeMap<String, User>,
}

impl Users {
    pub(crate) fn new(rules: NameRules) -> Self {
        Self { rules, users: BTreeMap::new() }
    }

    /// Whom somebody means who types this: the user name, a name that the pool takes in its place, or the `sub`.
    pub(crate) fn find(&self, typed: &str) -> Option<&User> {
        self.users.get(typed).or_else(|| self.users.values().find(|user| user.is_called(typed, &self.rules)))
    }

    /// The user of exactly this user name.
    pub(crate) fn named(&self, user_name: &str) -> Option<&User> {
        self.users.get(user_name)
    }

    pub(crate) fn get(&self, typed: &str) -> Result<&User, CognitoError> {
        self.find(typed).ok_or_else(CognitoError::user_not_found)
    }

    pub(crate) fn get_mut(&mut self, typed: &str) -> Result<&mut User, CognitoError> {
        let user_name = self.get(typed)?.user_name.clone();
        self.users.get_mut(&user_name).ok_or_else(CognitoError::user_not_found)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    pub(crate) fn len(&self) -> usize {
        self.users.len()
    }

    pub(crate) fn remove(&mut self, typed: &str) -> Result<User, CognitoError> {
        let user_name = self.get(typed)?.user_name.clone();
        self.users.remove(&user_name).ok_or_else(CognitoError::user_not_found)
    }

    /// `taken` is the message where there is a user of that name.
    pub(crate) fn add(&mut self, user: User, taken: &str) -> Result<(), CognitoError> {
        if self.find(&user.user_name).is_some() {
            return Err(CognitoError::new("UsernameExistsException", taken));
        }
        // Reported of an alias, too (boto3#3213), and the only one of the two that the API reference lists for new users.
        self.unique(&user).map_err(|error| match self.rules.makes_user_names() {
            true => CognitoError::new("UsernameExistsException", taken),
            false => CognitoError::new("UsernameExistsException", error.message),
        })?;
        self.users.insert(user.user_name.clone(), user);
        Ok(())
    }

    /// The same, taking verified aliases from whoever has them (`ForceAliasCreation`).
    pub(crate) fn add_and_take_aliases(&mut self, user: User, taken: &str) -> Result<(), CognitoError> {
        let user_name = user.user_name.clone();
        if self.find(&user_name).is_some() {
            return Err(CognitoError::new("UsernameExistsException", taken));
        }
        self.users.insert(user_name.clone(), user);
        self.take_aliases_for(&user_name)
    }

    /// Whether what names this user names no other.
    pub(crate) fn check_unique(&self, user_name: &str) -> Result<(), CognitoError> {
        self.unique(self.get(user_name)?)
    }

    fn unique(&self, user: &User) -> Result<(), CognitoError> {
        for (alias, only_verified) in self.rules.unique() {
            let Some(value) =
                user.attributes.get(alias.as_str()).filter(|_| !only_verified || user.has_verified(alias))
            else {
                continue;
            };
            let others = || self.users.values().filter(|other| other.user_name != user.user_name);
            let taken = others().any(|other| other.is_called(value, &self.rules));
            if taken {
                let what = alias.as_str();
                let message = match self.rules.makes_user_names() {
                    true => format!("An account with the given {what} already exists."),
                    false => format!("An account with the {what} already exists."),
                };
                return Err(CognitoError::new("AliasExistsException", message));
            }
        }
        Ok(())
    }

    /// Takes the aliases that this user has verified away from whoever else has them (`ForceAliasCreation`).
    pub(crate) fn take_aliases_for(&mut self, user_name: &str) -> Result<(), CognitoError> {
        let user = self.get(user_name)?;
        let verified = self.rules.unique().filter(|(alias, _)| user.has_verified(*alias));
        let taken: Vec<(Alias, String)> =
            verified.filter_map(|(alias, _)| Some((alias, user.attributes.get(alias.as_str())?.clone()))).collect();
        for (alias, value) in taken {
            let Some(verified) = alias.verified() else { continue };
            for other in self.users.values_mut().filter(|other| other.user_name != user_name) {
                if other.attributes.get(alias.as_str()).is_some_and(|theirs| self.rules.are_same(theirs, &value)) {
                    other.attributes.insert(verified.to_owned(), "false".to_owned());
                }
            }
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) user_name: String,
    pub(crate) sub: String,
    /// All but `sub`.
    pub(crate) attributes: Strings,
    pub(crate) status: UserStatus,
    pub(crate) enabled: bool,
    pub(crate) password: PasswordVerifier,
    pub(crate) mfa: UserMfa,
    /// What `ConfirmSignUp` takes.
    pub(crate) sign_up_code: Option<(Alias, ConfirmationCode)>,
    /// What `ConfirmForgotPassword` takes.
    pub(crate) password_reset_code: Option<ConfirmationCode>,
    /// What `VerifyUserAttribute` takes, by attribute, and the value that it is about.
    pub(crate) attribute_codes: BTreeMap<String, (String, ConfirmationCode)>,
    /// When the temporary password expires; `None` where it is none.
    pub(crate) password_expires_at: Option<UnixTime>,
    created_at: UnixTime,
    modified_at: UnixTime,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum UserStatus {
    Unconfirmed,
    Confirmed,
    ForceChangePassword,
    ResetRequired,
}

impl UserStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unconfirmed => "UNCONFIRMED",
            Self::Confirmed => "CONFIRMED",
            Self::ForceChangePassword => FORCE_CHANGE_PASSWORD,
            Self::ResetRequired => "RESET_REQUIRED",
        }
    }
}

impl User {
    pub(crate) fn new(
        name: NewUserName,
        attributes: Strings,
        status: UserStatus,
        password: PasswordVerifier,
        now: UnixTime,
    ) -> Self {
        let NewUserName { user_name, sub, .. } = name;
        Self {
            user_name,
            sub,
            attributes,
            status,
            enabled: true,
            password,
            mfa: UserMfa::default(),
            sign_up_code: None,
            password_reset_code: None,
            attribute_codes: BTreeMap::new(),
            password_expires_at: None,
            created_at: now,
            modified_at: now,
        }
    }

    pub(crate) fn is_verified(&self, attribute: &str) -> bool {
        self.attributes.get(attribute).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    pub(crate) fn has_verified(&self, alias: Alias) -> bool {
        alias.verified().is_none_or(|attribute| self.is_verified(attribute))
    }

    /// Whether somebody who types this means the user: by the user name, the `sub`, or an attribute that is a name.
    fn is_called(&self, typed: &str, rules: &NameRules) -> bool {
        let has = |alias: Alias| self.attributes.get(alias.as_str()).is_some_and(|value| rules.are_same(value, typed));
        rules.are_same(&self.user_name, typed)
            || self.sub == typed
            || rules.unique().any(|(alias, only_verified)| has(alias) && (!only_verified || self.has_verified(alias)))
    }

    pub(crate) fn touch(&mut self, now: UnixTime) {
        self.modified_at = now;
    }

    /// Sets attributes; an empty value removes one, as Cognito does. A new address is not verified, unless it comes with the word.
    pub(crate) fn set_attributes(&mut self, attributes: Strings, now: UnixTime) {
        for alias in [Alias::Email, Alias::PhoneNumber] {
            let changed =
                attributes.get(alias.as_str()).is_some_and(|value| self.attributes.get(alias.as_str()) != Some(value));
            if let Some(verified) = alias.verified().filter(|verified| changed && !attributes.contains_key(*verified)) {
                self.attributes.insert(verified.to_owned(), "false".to_owned());
            }
        }
        self.attributes.extend(attributes);
        self.attributes.retain(|_, value| !value.is_empty());
        self.modified_at = now;
    }

    pub(crate) fn set_password(&mut self, password: PasswordVerifier, status: UserStatus, now: UnixTime) {
        self.password = password;
        self.password_expires_at = None;
        self.status = status;
        self.modified_at = now;
    }

    pub(crate) fn check_unconfirmed(&self) -> Result<(), CognitoError> {
        if self.status == UserStatus::Unconfirmed {
            Ok(())
        } else {
            Err(CognitoError::not_authorized(format!(
                "User cannot be confirmed. Current status is {}",
                self.status.as_str()
            )))
        }
    }

    pub(crate) fn confirm(&mut self, now: UnixTime) {
        self.status = UserStatus::Confirmed;
        self.sign_up_code = None;
        self.modified_at = now;
    }

    /// `userAttributes` of a trigger's event: strings, `sub` and the status among them.
    pub(crate) fn trigger_attributes(&self) -> Strings {
        let mut attributes = self.attributes.clone();
        attributes.insert("sub".to_owned(), self.sub.clone());
        attributes.insert(USER_STATUS.to_owned(), self.status.as_str().to_owned());
        attributes
    }

    /// Cognito's list of `{"Name", "Value"}`.
    pub(crate) fn attribute_list(&self) -> Value {
        let sub = json!({ "Name": "sub", "Value": self.sub });
        let others = self.attributes.iter().map(|(name, value)| json!({ "Name": name, "Value": value }));
        std::iter::once(sub).chain(others).collect()
    }

    /// A user as `AdminCreateUser` and `AdminGetUser` return it; they name the attributes differently.
    pub(crate) fn description(&self, attributes_member: &str) -> Value {
        let mut description = json!({
            "Username": self.user_name,
            attributes_member: self.attribute_list(),
            "UserCreateDate": self.created_at,
            "UserLastModifiedDate": self.modified_at,
            "Enabled": self.enabled,
            "UserStatus": self.status.as_str(),
        });
        self.describe_mfa(&mut description);
        description
    }

    pub(crate) fn describe_mfa(&self, description: &mut Value) {
        if let Some(members) = description.as_object_mut() {
            members.extend(self.mfa.description());
        }
    }
}

/// A confirmation code that was sent, and when it expires.
#[derive(Serialize, Deserialize)]
pub(crate) struct ConfirmationCode {
    code: String,
    expires_at: UnixTime,
}

impl ConfirmationCode {
    pub(crate) fn new(code: &str, now: UnixTime, validity_seconds: u64) -> Self {
        Self { code: code.to_owned(), expires_at: now.plus(validity_seconds) }
    }

    /// `None` is a code that was never sent, or was used.
    pub(crate) fn check(confirmation: Option<&Self>, typed: &str, now: UnixTime) -> Result<(), CognitoError> {
        let confirmation = confirmation.filter(|confirmation| now < confirmation.expires_at);
        let confirmation = confirmation.ok_or_else(expired_code)?;
        constant_time::verify_slices_are_equal(confirmation.code.as_bytes(), typed.as_bytes()).map_err(|_| {
            CognitoError::new("CodeMismatchException", "Invalid verification code provided, please try again.")
        })
    }
}

pub(crate) fn expired_code() -> CognitoError {
    CognitoError::new("ExpiredCodeException", "Invalid code provided, please request a code again.")
}

/// The names of a user who is about to be added.
pub(crate) struct NewUserName {
    pub(crate) user_name: String,
    pub(crate) sub: String,
    /// The attribute that the caller's `Username` is, where the pool makes the user names.
    attribute: Option<(Alias, String)>,
}

impl NewUserName {
    /// Of the `Username` of `SignUp` and `AdminCreateUser`.
    pub(crate) fn parse(typed: &str, rules: &NameRules) -> Result<Self, CognitoError> {
        let is_allowed = |character: char| !character.is_whitespace() && !character.is_control();
        if !(1..=128).contains(&typed.chars().count()) || !typed.chars().all(is_allowed) {
            return Err(CognitoError::invalid_parameter(
                "1 validation error detected: Value at 'username' failed to satisfy constraint: \
                 Member must satisfy regular expression pattern: [\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]+",
            ));
        }
        let sub = random::uuid()?.to_string();
        let attribute = rules.attribute_of_new_name(typed)?.map(|alias| (alias, typed.to_owned()));
        let user_name = if attribute.is_some() { sub.clone() } else { typed.to_owned() };
        Ok(Self { user_name, sub, attribute })
    }

    /// Adds what the `Username` says to the attributes.
    pub(crate) fn add_to(&self, attributes: &mut Strings) {
        if let Some((alias, value)) = &self.attribute {
            attributes.entry(alias.as_str().to_owned()).or_insert_with(|| value.clone());
        }
    }

    /// What is said where there is such a user already.
    pub(crate) fn taken<'a>(&self, otherwise: &'a str) -> std::borrow::Cow<'a, str> {
        match &self.attribute {
            Some((alias, _)) => format!("An account with the given {} already exists.", alias.as_str()).into(),
            None => otherwise.into(),
        }
    }
}
