//! `AdminCreateUser`, `AdminGetUser` and `GetUser`.

use serde_json::{Value, json};

use crate::error::CognitoError;
use crate::pool::Pool;
use crate::random;
use crate::request::Request;
use crate::state::message::{Message, MessageReason};
use crate::state::user::{Password, User, UserStatus, check_attributes, check_new_user_name};

pub(crate) fn admin_create_user(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let user_name = check_new_user_name(request.required("Username")?)?;
    let attributes = check_attributes(request.attributes("UserAttributes")?)?;
    let silent = match request.optional("MessageAction")? {
        None => false,
        Some("SUPPRESS") => true,
        Some(_) => return Err(CognitoError::invalid_parameter("The local user pool does not resend messages")),
    };
    let temporary_password = match request.optional("TemporaryPassword")? {
        Some(password) => password.to_owned(),
        None => format!("{}aA1!", random::opaque::<9>()?),
    };
    let password = Password::parse(&temporary_password)?.verifier(&pool.settings.user_pool_id, user_name)?;
    let email = attributes.get("email").cloned();

    let user = User::new(user_name, attributes, UserStatus::ForceChangePassword, password, pool.now())?;
    let response = json!({ "User": user.description("Attributes") });
    pool.state().users.add(user, "User account already exists")?;
    if let Some(to) = email.filter(|_| !silent) {
        pool.send(Message {
            to,
            user_name: user_name.to_owned(),
            reason: MessageReason::TemporaryPassword,
            code: temporary_password,
        });
    }
    Ok(response)
}

pub(crate) fn admin_get_user(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let user_name = request.required("Username")?;
    let state = pool.state();
    let user = state.users.find(user_name).ok_or_else(CognitoError::user_not_found)?;
    Ok(user.description("UserAttributes"))
}

pub(crate) fn get_user(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let user_name = pool.user_of_access_token(request)?;
    let state = pool.state();
    let user = state.users.find(&user_name).ok_or_else(CognitoError::user_not_found)?;
    let mut description = json!({ "Username": user.user_name, "UserAttributes": user.attribute_list() });
    user.describe_mfa(&mut description);
    Ok(description)
}
