//! `ForgotPassword`, `ConfirmForgotPassword`, `ChangePassword`, `AdminSetUserPassword` and `AdminResetUserPassword`.

use serde_json::{Value, json};

use crate::delivery::{details, recovery_address, send_code, simulated_details};
use crate::error::CognitoError;
use crate::pool::Pool;
use crate::random;
use crate::request::Request;
use crate::settings::PreventUserExistenceErrors;
use crate::state::configuration::Recovery;
use crate::state::message::MessageReason;
use crate::state::user::{ConfirmationCode, User, UserStatus, expired_code};

const CODE_VALIDITY_SECONDS: u64 = 60 * 60;

/// Where existence is hidden, the response for an unknown user is like any other, and nothing is sent.
pub(crate) fn forgot_password(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let client = pool.client(request)?;
    let typed = request.required("Username")?;
    client.check_secret_hash(typed, request.optional("SecretHash")?)?;
    let configuration = pool.state().configuration.clone();
    if configuration.recovery.as_deref() == Some(&[Recovery::AdminOnly]) {
        return Err(CognitoError::not_authorized("Contact administrator to reset password."));
    }
    let code = random::confirmation_code()?;
    let now = pool.now();
    let sent = {
        let mut state = pool.state();
        match state.users.get_mut(typed) {
            Ok(user) => {
                check_may_reset(user)?;
                let address = recovery_address(&configuration, user).ok_or_else(no_recovery_address)?;
                user.password_reset_code = Some(ConfirmationCode::new(&code, now, CODE_VALIDITY_SECONDS));
                Some((address, user.user_name.clone()))
            }
            Err(_) => match client.prevent_user_existence_errors {
                PreventUserExistenceErrors::Enabled => None,
                PreventUserExistenceErrors::Legacy => return Err(CognitoError::unknown_combination()),
            },
        }
    };
    let Some(((alias, to), user_name)) = sent else {
        return Ok(json!({ "CodeDeliveryDetails": simulated_details(&configuration, typed) }));
    };
    let details = details(alias, &to);
    send_code(pool, to, &user_name, MessageReason::ForgotPassword, code);
    Ok(json!({ "CodeDeliveryDetails": details }))
}

fn check_may_reset(user: &User) -> Result<(), CognitoError> {
    match (user.enabled, user.status) {
        (false, _) => Err(CognitoError::user_disabled()),
        (true, UserStatus::ForceChangePassword) => {
            Err(CognitoError::not_authorized("User password cannot be reset in the current state."))
        }
        (true, UserStatus::Unconfirmed | UserStatus::Confirmed | UserStatus::ResetRequired) => Ok(()),
    }
}

fn no_recovery_address() -> CognitoError {
    CognitoError::invalid_parameter(
        "Cannot reset password for the user as there is no registered/verified email or phone_number",
    )
}

pub(crate) fn confirm_forgot_password(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let client = pool.client(request)?;
    let typed = request.required("Username")?;
    client.check_secret_hash(typed, request.optional("SecretHash")?)?;
    let code = request.required("ConfirmationCode")?;
    let policy = pool.state().configuration.password_policy.clone();
    let password = policy.password(request.required("Password")?)?;
    let known = pool.state().users.find(typed).map(|user| user.user_name.clone());
    let user_name = known.ok_or_else(|| client.hide(CognitoError::unknown_combination(), expired_code))?;
    let password = password.verifier(&pool.settings.user_pool_id, &user_name)?;
    let now = pool.now();
    let mut state = pool.state();
    let user = state.users.get_mut(&user_name)?;
    ConfirmationCode::check(user.password_reset_code.as_ref(), code, now)?;
    user.password_reset_code = None;
    let status = if user.status == UserStatus::Unconfirmed { user.status } else { UserStatus::Confirmed };
    user.set_password(password, status, now);
    state.lockouts.forget(&user_name);
    Ok(json!({}))
}

pub(crate) fn change_password(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let user_name = pool.user_of_access_token(request)?;
    let policy = pool.state().configuration.password_policy.clone();
    let proposed = policy.password(request.required("ProposedPassword")?)?;
    let now = pool.now();
    pool.check_not_locked_out(&user_name)?;
    let known = pool.state().users.get(&user_name)?.password.clone();
    // Without a password, as users of other ways to sign in are, the previous one is left out.
    let previous = request.required("PreviousPassword")?;
    if !known.is_of(&pool.settings.user_pool_id, &user_name, previous) {
        pool.count_wrong_password(&user_name);
        return Err(CognitoError::incorrect_username_or_password());
    }
    let password = proposed.verifier(&pool.settings.user_pool_id, &user_name)?;
    let mut state = pool.state();
    state.users.get_mut(&user_name)?.set_password(password, UserStatus::Confirmed, now);
    state.lockouts.forget(&user_name);
    Ok(json!({}))
}

pub(crate) fn admin_set_user_password(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let typed = request.required("Username")?;
    let policy = pool.state().configuration.password_policy.clone();
    let password = policy.password(request.required("Password")?)?;
    let status = match request.flag("Permanent")? {
        true => UserStatus::Confirmed,
        false => UserStatus::ForceChangePassword,
    };
    let user_name = pool.state().users.get(typed)?.user_name.clone();
    let password = password.verifier(&pool.settings.user_pool_id, &user_name)?;
    let now = pool.now();
    let mut state = pool.state();
    let user = state.users.get_mut(&user_name)?;
    user.set_password(password, status, now);
    if status == UserStatus::ForceChangePassword {
        user.password_expires_at = Some(policy.temporary_until(now));
    }
    state.lockouts.forget(&user_name);
    Ok(json!({}))
}

/// The user must choose a new password by a code that is sent now; the old one signs in no more.
pub(crate) fn admin_reset_user_password(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let code = random::confirmation_code()?;
    let now = pool.now();
    let ((_, to), user_name) = {
        let mut state = pool.state();
        let configuration = state.configuration.clone();
        let user = state.users.get_mut(request.required("Username")?)?;
        if !user.enabled {
            return Err(CognitoError::not_authorized("User is disabled"));
        }
        match user.status {
            UserStatus::Confirmed | UserStatus::ResetRequired => {}
            UserStatus::Unconfirmed | UserStatus::ForceChangePassword => {
                return Err(CognitoError::not_authorized("User password cannot be reset in the current state."));
            }
        }
        let address = recovery_address(&configuration, user).ok_or_else(no_recovery_address)?;
        user.password_reset_code = Some(ConfirmationCode::new(&code, now, CODE_VALIDITY_SECONDS));
        user.status = UserStatus::ResetRequired;
        user.touch(now);
        (address, user.user_name.clone())
    };
    send_code(pool, to, &user_name, MessageReason::ForgotPassword, code);
    Ok(json!({}))
}
