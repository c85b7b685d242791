//! Users: their attributes, passwords and confirmation codes.
//!
//! User names are compared without regard to case and kept as they were first written.

use std::collections::BTreeMap;

use aws_lc_rs::constant_time;
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::cognito::{FORCE_CHANGE_PASSWORD, USER_STATUS};

use crate::error::CognitoError;
use crate::random;
use crate::request::Strings;
use crate::srp::PasswordVerifier;
use crate::state::mfa::UserMfa;

/// A user name in the form in which it is compared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UserNameKey(String);

impl UserNameKey {
    pub(crate) fn new(user_name: &str) -> Self {
        Self(user_name.to_lowercase())
    }
}

/// All users of the pool.
#[derive(Default)]
pub(crate) struct Users(BTreeMap<UserNameKey, User>);

impl Users {
    pub(crate) fn find(&self, user_name: &str) -> Option<&User> {
        self.by_key(&UserNameKey::new(user_name))
    }

    pub(crate) fn by_key(&self, key: &UserNameKey) -> Option<&User> {
        self.0.get(key)
    }

    pub(crate) fn get_mut(&mut self, user_name: &str) -> Result<&mut User, CognitoError> {
        self.0.get_mut(&UserNameKey::new(user_name)).ok_or_else(CognitoError::user_not_found)
    }

    /// `taken` is the message where there is a user of that name.
    pub(crate) fn add(&mut self, user: User, taken: &str) -> Result<(), CognitoError> {
        if self.find(&user.user_name).is_some() {
            return Err(CognitoError::new("UsernameExistsException", taken));
        }
        self.0.insert(UserNameKey::new(&user.user_name), user);
        Ok(())
    }
}

pub(crate) struct User {
    pub(crate) user_name: String,
    pub(crate) sub: String,
    /// All but `sub`.
    pub(crate) attributes: Strings,
    pub(crate) status: UserStatus,
    pub(crate) password: PasswordVerifier,
    pub(crate) mfa: UserMfa,
    /// What `ConfirmSignUp` takes.
    pub(crate) sign_up_code: Option<ConfirmationCode>,
    /// What `ConfirmForgotPassword` takes.
    pub(crate) password_reset_code: Option<ConfirmationCode>,
    created_at: UnixTime,
    modified_at: UnixTime,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserStatus {
    Unconfirmed,
    Confirmed,
    ForceChangePassword,
}

impl UserStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unconfirmed => "UNCONFIRMED",
            Self::Confirmed => "CONFIRMED",
            Self::ForceChangePassword => FORCE_CHANGE_PASSWORD,
        }
    }
}

impl User {
    pub(crate) fn new(
        user_name: &str,
        attributes: Strings,
        status: UserStatus,
        password: PasswordVerifier,
        now: UnixTime,
    ) -> Result<Self, CognitoError> {
        Ok(Self {
            user_name: user_name.to_owned(),
            sub: random::uuid()?.to_string(),
            attributes,
            status,
            password,
            mfa: UserMfa::default(),
            sign_up_code: None,
            password_reset_code: None,
            created_at: now,
            modified_at: now,
        })
    }

    pub(crate) fn set_password(&mut self, password: PasswordVerifier, status: UserStatus, now: UnixTime) {
        self.password = password;
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
            "Enabled": true,
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

/// A password that the policy in template.yaml allows: it limits the length and requires no kinds of characters.
pub(crate) struct Password<'a>(&'a str);

impl<'a> Password<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, CognitoError> {
        let problem = match text.chars().count() {
            0..12 => "Password not long enough",
            12..=256 => return Ok(Self(text)),
            257.. => "Password too long",
        };
        Err(CognitoError::new("InvalidPasswordException", format!("Password did not conform with policy: {problem}")))
    }

    pub(crate) fn verifier(&self, user_pool_id: &str, user_name: &str) -> Result<PasswordVerifier, CognitoError> {
        Ok(PasswordVerifier::new(user_pool_id, user_name, self.0)?)
    }
}

/// The `Username` of a new user.
pub(crate) fn check_new_user_name(user_name: &str) -> Result<&str, CognitoError> {
    let is_allowed = |character: char| !character.is_whitespace() && !character.is_control();
    if (1..=128).contains(&user_name.chars().count()) && user_name.chars().all(is_allowed) {
        Ok(user_name)
    } else {
        Err(CognitoError::invalid_parameter(
            "1 validation error detected: Value at 'username' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]+",
        ))
    }
}

/// Refuses the attributes that only Cognito sets.
pub(crate) fn check_attributes(attributes: Strings) -> Result<Strings, CognitoError> {
    match attributes.keys().find(|name| *name == "sub" || name.starts_with("cognito:")) {
        Some(name) => Err(CognitoError::invalid_parameter(format!("Cannot modify the non-mutable attribute {name}"))),
        None => Ok(attributes),
    }
}
