//! `ForgotPassword`, `ConfirmForgotPassword` and `AdminSetUserPassword`.

use serde_json::{Value, json};

use crate::error::CognitoError;
use crate::pool::Pool;
use crate::random;
use crate::request::Request;
use crate::settings::PreventUserExistenceErrors;
use crate::state::message::{Message, MessageReason, masked_address};
use crate::state::user::{ConfirmationCode, Password, UserStatus, expired_code};

const CODE_VALIDITY_SECONDS: u64 = 60 * 60;

/// Where existence is hidden, the response for an unknown user is like any other, and nothing is sent.
pub(crate) fn forgot_password(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let client = pool.client(request)?;
    let user_name = request.required("Username")?;
    client.check_secret_hash(user_name, request.optional("SecretHash")?)?;
    let code = random::confirmation_code()?;
    let now = pool.now();
    let sent = {
        let mut state = pool.state();
        match state.users.get_mut(user_name) {
            Ok(user) => {
                if user.status == UserStatus::ForceChangePassword {
                    return Err(CognitoError::not_authorized("User password cannot be reset in the current state."));
                }
                let verified = user.attributes.get("email_verified").is_some_and(|verified| verified == "true");
                let to = user.attributes.get("email").filter(|_| verified).cloned().ok_or_else(|| {
                    CognitoError::invalid_parameter(
                        "Cannot reset password for the user as there is no registered/verified email or phone_number",
                    )
                })?;
                user.password_reset_code = Some(ConfirmationCode::new(&code, now, CODE_VALIDITY_SECONDS));
                Some((to, user.user_name.clone()))
            }
            Err(unknown) => match client.prevent_user_existence_errors {
                PreventUserExistenceErrors::Enabled => None,
                PreventUserExistenceErrors::Legacy => return Err(unknown),
            },
        }
    };
    let destination = sent.as_ref().map_or_else(|| masked_address(user_name), |(to, _)| masked_address(to));
    if let Some((to, user_name)) = sent {
        pool.send(Message { to, user_name, reason: MessageReason::ForgotPassword, code });
    }
    Ok(json!({ "CodeDeliveryDetails": {
        "AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": destination,
    } }))
}

pub(crate) fn confirm_forgot_password(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let client = pool.client(request)?;
    let typed_name = request.required("Username")?;
    client.check_secret_hash(typed_name, request.optional("SecretHash")?)?;
    let code = request.required("ConfirmationCode")?;
    let password = Password::parse(request.required("Password")?)?;
    let known = pool.state().users.find(typed_name).map(|user| user.user_name.clone());
    let user_name = known.ok_or_else(|| client.hide(CognitoError::user_not_found(), expired_code))?;
    let password = password.verifier(&pool.settings.user_pool_id, &user_name)?;
    let now = pool.now();
    let mut state = pool.state();
    let user = state.users.get_mut(&user_name)?;
    ConfirmationCode::check(user.password_reset_code.as_ref(), code, now)?;
    user.password_reset_code = None;
    user.set_password(password, UserStatus::Confirmed, now);
    Ok(json!({}))
}

pub(crate) fn admin_set_user_password(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let typed_name = request.required("Username")?;
    let password = Password::parse(request.required("Password")?)?;
    let status = match request.flag("Permanent")? {
        true => UserStatus::Confirmed,
        false => UserStatus::ForceChangePassword,
    };
    let user_name = pool.state().users.get_mut(typed_name)?.user_name.clone();
    let password = password.verifier(&pool.settings.user_pool_id, &user_name)?;
    let now = pool.now();
    pool.state().users.get_mut(&user_name)?.set_password(password, status, now);
    Ok(json!({}))
}
