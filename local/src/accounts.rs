//! The users of the pool: how they come to be, their passwords and attributes.
//!
//! User names are compared without regard to case and kept as they were first written.

use aws_lc_rs::constant_time;
use serde_json::{Value, json};

use crate::cognito_mfa::UserMfa;
use crate::error::CognitoError;
use crate::pool::{Message, MessageReason, Pool, State};
use crate::random;
use crate::request::{Request, Strings};
use crate::settings::{PreventUserExistenceErrors, UnixSeconds};
use crate::srp::PasswordVerifier;

const CONFIRMATION_CODE_VALIDITY: UnixSeconds = 24 * 60 * 60;
const NEW_PASSWORD_CODE_VALIDITY: UnixSeconds = 60 * 60;

pub(crate) struct User {
    pub(crate) user_name: String,
    pub(crate) sub: String,
    /// All but `sub`.
    pub(crate) attributes: Strings,
    pub(crate) status: UserStatus,
    pub(crate) password: PasswordVerifier,
    pub(crate) mfa: UserMfa,
    confirmation: Option<Confirmation>,
    new_password: Option<Confirmation>,
    created_at: UnixSeconds,
    modified_at: UnixSeconds,
}

/// A code that was sent, and until when it is good.
struct Confirmation {
    code: String,
    expires_at: UnixSeconds,
}

impl Confirmation {
    fn new(code: &str, now: UnixSeconds, validity: UnixSeconds) -> Self {
        Self { code: code.to_owned(), expires_at: now.saturating_add(validity) }
    }

    /// `None` is a code that was never sent, or was used.
    fn check(confirmation: Option<&Self>, typed: &str, now: UnixSeconds) -> Result<(), CognitoError> {
        let confirmation = confirmation.filter(|confirmation| now < confirmation.expires_at);
        let confirmation = confirmation.ok_or_else(expired_code)?;
        constant_time::verify_slices_are_equal(confirmation.code.as_bytes(), typed.as_bytes()).map_err(|_| {
            CognitoError::new("CodeMismatchException", "Invalid verification code provided, please try again.")
        })
    }
}

fn expired_code() -> CognitoError {
    CognitoError::new("ExpiredCodeException", "Invalid code provided, please request a code again.")
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
            Self::ForceChangePassword => "FORCE_CHANGE_PASSWORD",
        }
    }
}

/// A user name as it is compared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UserKey(String);

impl UserKey {
    pub(crate) fn of(user_name: &str) -> Self {
        Self(user_name.to_lowercase())
    }
}

/// A password that the policy in template.yaml allows: length, and no rules of composition.
pub(crate) struct Password<'a>(&'a str);

impl<'a> Password<'a> {
    pub(crate) fn read(text: &'a str) -> Result<Self, CognitoError> {
        let objection = match text.chars().count() {
            0..12 => "Password not long enough",
            12..=256 => return Ok(Self(text)),
            257.. => "Password too long",
        };
        Err(CognitoError::new("InvalidPasswordException", format!("Password did not conform with policy: {objection}")))
    }

    pub(crate) fn verifier(&self, pool: &Pool, user_name: &str) -> Result<PasswordVerifier, CognitoError> {
        Ok(PasswordVerifier::new(&pool.settings.user_pool_id, user_name, self.0)?)
    }
}

impl User {
    /// As the triggers see them: strings, `sub` and the status among them.
    pub(crate) fn trigger_attributes(&self) -> Strings {
        let mut attributes = self.attributes.clone();
        attributes.insert("sub".to_owned(), self.sub.clone());
        attributes.insert("cognito:user_status".to_owned(), self.status.as_str().to_owned());
        attributes
    }

    pub(crate) fn set_password(&mut self, password: PasswordVerifier, status: UserStatus, now: UnixSeconds) {
        self.password = password;
        self.status = status;
        self.modified_at = now;
    }

    fn confirm(&mut self, now: UnixSeconds) {
        self.status = UserStatus::Confirmed;
        self.confirmation = None;
        self.modified_at = now;
    }

    /// Cognito's list of `{"Name", "Value"}`.
    fn attribute_list(&self) -> Value {
        let sub = json!({ "Name": "sub", "Value": self.sub });
        let others = self.attributes.iter().map(|(name, value)| json!({ "Name": name, "Value": value }));
        std::iter::once(sub).chain(others).collect()
    }

    /// What the operator's operations tell of a user.
    fn description(&self, attributes_member: &str) -> Value {
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

    fn describe_mfa(&self, description: &mut Value) {
        if let Some(members) = description.as_object_mut() {
            members.extend(self.mfa.description());
        }
    }
}

impl State {
    pub(crate) fn user(&self, user_name: &str) -> Option<&User> {
        self.users.get(&UserKey::of(user_name))
    }

    pub(crate) fn user_mut(&mut self, user_name: &str) -> Result<&mut User, CognitoError> {
        self.users.get_mut(&UserKey::of(user_name)).ok_or_else(CognitoError::user_not_found)
    }
}

impl Pool {
    pub(crate) fn sign_up(&self, request: &Request) -> Result<Value, CognitoError> {
        let client = self.client(request)?;
        let user_name = read_user_name(request)?;
        client.check_secret_hash(user_name, request.optional("SecretHash")?)?;
        let attributes = read_attributes(request.attributes("UserAttributes")?)?;
        if attributes.keys().any(|name| name.ends_with("_verified")) {
            return Err(CognitoError::not_authorized("A client attempted to write unauthorized attribute"));
        }
        let password = Password::read(request.required("Password")?)?.verifier(self, user_name)?;
        let email = attributes.get("email").cloned();
        let code = random::confirmation_code()?;

        let now = self.now();
        let mut user = new_user(user_name, attributes, UserStatus::Unconfirmed, password, now)?;
        user.confirmation = email.is_some().then(|| Confirmation::new(&code, now, CONFIRMATION_CODE_VALIDITY));
        let sub = user.sub.clone();
        self.add_user(user, "User already exists")?;
        let Some(to) = email else {
            return Ok(json!({ "UserConfirmed": false, "UserSub": sub }));
        };
        let delivery = json!({ "AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": masked(&to) });
        self.send(Message { to, user_name: user_name.to_owned(), reason: MessageReason::SignUp, code });
        Ok(json!({ "UserConfirmed": false, "UserSub": sub, "CodeDeliveryDetails": delivery }))
    }

    pub(crate) fn confirm_sign_up(&self, request: &Request) -> Result<Value, CognitoError> {
        let client = self.client(request)?;
        let user_name = request.required("Username")?;
        client.check_secret_hash(user_name, request.optional("SecretHash")?)?;
        let code = request.required("ConfirmationCode")?;

        let now = self.now();
        let mut state = self.state();
        let user = state.user_mut(user_name).map_err(|unknown| client.hide(unknown, expired_code))?;
        check_unconfirmed(user)?;
        Confirmation::check(user.confirmation.as_ref(), code, now)?;
        user.confirm(now);
        user.attributes.insert("email_verified".to_owned(), "true".to_owned());
        Ok(json!({}))
    }

    /// An unknown user is answered like any other where existence is hidden, and nothing is sent.
    pub(crate) fn forgot_password(&self, request: &Request) -> Result<Value, CognitoError> {
        let client = self.client(request)?;
        let user_name = request.required("Username")?;
        client.check_secret_hash(user_name, request.optional("SecretHash")?)?;
        let code = random::confirmation_code()?;
        let now = self.now();
        let sent = {
            let mut state = self.state();
            match state.user_mut(user_name) {
                Ok(user) => {
                    if user.status == UserStatus::ForceChangePassword {
                        return Err(CognitoError::not_authorized(
                            "User password cannot be reset in the current state.",
                        ));
                    }
                    let verified = user.attributes.get("email_verified").is_some_and(|verified| verified == "true");
                    let to = user.attributes.get("email").filter(|_| verified).cloned().ok_or_else(|| {
                        CognitoError::invalid_parameter(
                            "Cannot reset password for the user as there is no registered/verified email or phone_number",
                        )
                    })?;
                    user.new_password = Some(Confirmation::new(&code, now, NEW_PASSWORD_CODE_VALIDITY));
                    Some((to, user.user_name.clone()))
                }
                Err(unknown) => match client.prevent_user_existence_errors {
                    PreventUserExistenceErrors::Enabled => None,
                    PreventUserExistenceErrors::Legacy => return Err(unknown),
                },
            }
        };
        let destination = sent.as_ref().map_or_else(|| masked(user_name), |(to, _)| masked(to));
        if let Some((to, user_name)) = sent {
            self.send(Message { to, user_name, reason: MessageReason::ForgotPassword, code });
        }
        Ok(json!({ "CodeDeliveryDetails": {
            "AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": destination,
        } }))
    }

    pub(crate) fn confirm_forgot_password(&self, request: &Request) -> Result<Value, CognitoError> {
        let client = self.client(request)?;
        let typed_name = request.required("Username")?;
        client.check_secret_hash(typed_name, request.optional("SecretHash")?)?;
        let code = request.required("ConfirmationCode")?;
        let password = Password::read(request.required("Password")?)?;
        let known = self.state().user(typed_name).map(|user| user.user_name.clone());
        let user_name = known.ok_or_else(|| client.hide(CognitoError::user_not_found(), expired_code))?;
        let password = password.verifier(self, &user_name)?;
        let now = self.now();
        let mut state = self.state();
        let user = state.user_mut(&user_name)?;
        Confirmation::check(user.new_password.as_ref(), code, now)?;
        user.new_password = None;
        user.set_password(password, UserStatus::Confirmed, now);
        Ok(json!({}))
    }

    pub(crate) fn admin_confirm_sign_up(&self, request: &Request) -> Result<Value, CognitoError> {
        self.check_user_pool(request)?;
        let now = self.now();
        let mut state = self.state();
        let user = state.user_mut(request.required("Username")?)?;
        check_unconfirmed(user)?;
        user.confirm(now);
        Ok(json!({}))
    }

    pub(crate) fn admin_create_user(&self, request: &Request) -> Result<Value, CognitoError> {
        self.check_user_pool(request)?;
        let user_name = read_user_name(request)?;
        let attributes = read_attributes(request.attributes("UserAttributes")?)?;
        let silent = match request.optional("MessageAction")? {
            None => false,
            Some("SUPPRESS") => true,
            Some(_) => return Err(CognitoError::invalid_parameter("The local user pool sends nothing again")),
        };
        let temporary_password = match request.optional("TemporaryPassword")? {
            Some(password) => password.to_owned(),
            None => format!("{}aA1!", random::opaque::<9>()?),
        };
        let password = Password::read(&temporary_password)?.verifier(self, user_name)?;
        let email = attributes.get("email").cloned();

        let status = UserStatus::ForceChangePassword;
        let user = new_user(user_name, attributes, status, password, self.now())?;
        let answer = json!({ "User": user.description("Attributes") });
        self.add_user(user, "User account already exists")?;
        if let Some(to) = email.filter(|_| !silent) {
            self.send(Message {
                to,
                user_name: user_name.to_owned(),
                reason: MessageReason::TemporaryPassword,
                code: temporary_password,
            });
        }
        Ok(answer)
    }

    pub(crate) fn admin_set_user_password(&self, request: &Request) -> Result<Value, CognitoError> {
        self.check_user_pool(request)?;
        let typed_name = request.required("Username")?;
        let password = Password::read(request.required("Password")?)?;
        let status = match request.flag("Permanent")? {
            true => UserStatus::Confirmed,
            false => UserStatus::ForceChangePassword,
        };
        let user_name = self.state().user_mut(typed_name)?.user_name.clone();
        let password = password.verifier(self, &user_name)?;
        let now = self.now();
        self.state().user_mut(&user_name)?.set_password(password, status, now);
        Ok(json!({}))
    }

    pub(crate) fn admin_get_user(&self, request: &Request) -> Result<Value, CognitoError> {
        self.check_user_pool(request)?;
        let mut state = self.state();
        Ok(state.user_mut(request.required("Username")?)?.description("UserAttributes"))
    }

    pub(crate) fn get_user(&self, request: &Request) -> Result<Value, CognitoError> {
        let user_name = self.user_of_access_token(request)?;
        let mut state = self.state();
        let user = state.user_mut(&user_name)?;
        let mut description = json!({ "Username": user.user_name, "UserAttributes": user.attribute_list() });
        user.describe_mfa(&mut description);
        Ok(description)
    }

    fn add_user(&self, user: User, taken: &str) -> Result<(), CognitoError> {
        let mut state = self.state();
        if state.user(&user.user_name).is_some() {
            return Err(CognitoError::new("UsernameExistsException", taken));
        }
        state.users.insert(UserKey::of(&user.user_name), user);
        Ok(())
    }
}

fn new_user(
    user_name: &str,
    attributes: Strings,
    status: UserStatus,
    password: PasswordVerifier,
    now: UnixSeconds,
) -> Result<User, CognitoError> {
    Ok(User {
        user_name: user_name.to_owned(),
        sub: random::uuid()?.to_string(),
        attributes,
        status,
        password,
        mfa: UserMfa::default(),
        confirmation: None,
        new_password: None,
        created_at: now,
        modified_at: now,
    })
}

fn read_user_name(request: &Request) -> Result<&str, CognitoError> {
    let user_name = request.required("Username")?;
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

/// Nobody sets what Cognito sets itself.
pub(crate) fn read_attributes(attributes: Strings) -> Result<Strings, CognitoError> {
    match attributes.keys().find(|name| *name == "sub" || name.starts_with("cognito:")) {
        Some(name) => Err(CognitoError::invalid_parameter(format!("Cannot modify the non-mutable attribute {name}"))),
        None => Ok(attributes),
    }
}

fn check_unconfirmed(user: &User) -> Result<(), CognitoError> {
    if user.status == UserStatus::Unconfirmed {
        Ok(())
    } else {
        Err(CognitoError::not_authorized(format!(
            "User cannot be confirmed. Current status is {}",
            user.status.as_str()
        )))
    }
}

/// An address as Cognito hints at it: `a***@e***`.
pub(crate) fn masked(address: &str) -> String {
    let first = |part: &str| part.chars().take(1).collect::<String>();
    match address.split_once('@') {
        Some((user, host)) => format!("{}***@{}***", first(user), first(host)),
        None => "***".to_owned(),
    }
}
