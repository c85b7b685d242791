//! `SignUp`, `ConfirmSignUp` and `AdminConfirmSignUp`.

use serde_json::{Value, json};

use crate::error::CognitoError;
use crate::pool::Pool;
use crate::random;
use crate::request::Request;
use crate::state::message::{Message, MessageReason, masked_address};
use crate::state::user::{
    ConfirmationCode, Password, User, UserStatus, check_attributes, check_new_user_name, expired_code,
};

const CODE_VALIDITY_SECONDS: u64 = 24 * 60 * 60;

pub(crate) fn sign_up(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let client = pool.client(request)?;
    let user_name = check_new_user_name(request.required("Username")?)?;
    client.check_secret_hash(user_name, request.optional("SecretHash")?)?;
    let attributes = check_attributes(request.attributes("UserAttributes")?)?;
    if attributes.keys().any(|name| name.ends_with("_verified")) {
        return Err(CognitoError::not_authorized("A client attempted to write unauthorized attribute"));
    }
    let password = Password::parse(request.required("Password")?)?;
    let password = password.verifier(&pool.settings.user_pool_id, user_name)?;
    let email = attributes.get("email").cloned();
    let code = random::confirmation_code()?;

    let now = pool.now();
    let mut user = User::new(user_name, attributes, UserStatus::Unconfirmed, password, now)?;
    user.sign_up_code = email.is_some().then(|| ConfirmationCode::new(&code, now, CODE_VALIDITY_SECONDS));
    let sub = user.sub.clone();
    pool.state().users.add(user, "User already exists")?;
    let Some(to) = email else {
        return Ok(json!({ "UserConfirmed": false, "UserSub": sub }));
    };
    let delivery = json!({ "AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": masked_address(&to) });
    pool.send(Message { to, user_name: user_name.to_owned(), reason: MessageReason::SignUp, code });
    Ok(json!({ "UserConfirmed": false, "UserSub": sub, "CodeDeliveryDetails": delivery }))
}

pub(crate) fn confirm_sign_up(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let client = pool.client(request)?;
    let user_name = request.required("Username")?;
    client.check_secret_hash(user_name, request.optional("SecretHash")?)?;
    let code = request.required("ConfirmationCode")?;

    let now = pool.now();
    let mut state = pool.state();
    let user = state.users.get_mut(user_name).map_err(|unknown| client.hide(unknown, expired_code))?;
    user.check_unconfirmed()?;
    ConfirmationCode::check(user.sign_up_code.as_ref(), code, now)?;
    user.confirm(now);
    user.attributes.insert("email_verified".to_owned(), "true".to_owned());
    Ok(json!({}))
}

pub(crate) fn admin_confirm_sign_up(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let now = pool.now();
    let mut state = pool.state();
    let user = state.users.get_mut(request.required("Username")?)?;
    user.check_unconfirmed()?;
    user.confirm(now);
    Ok(json!({}))
}
