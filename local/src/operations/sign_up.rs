//! `SignUp`, `ConfirmSignUp`, `ResendConfirmationCode` and `AdminConfirmSignUp`.

use serde_json::{Value, json};

use crate::delivery::{auto_verified, details, send_code, simulated_details};
use crate::error::CognitoError;
use crate::pool::Pool;
use crate::random;
use crate::request::Request;
use crate::settings::PreventUserExistenceErrors;
use crate::state::message::MessageReason;
use crate::state::user::{ConfirmationCode, NewUserName, User, UserStatus, expired_code};

const CODE_VALIDITY_SECONDS: u64 = 24 * 60 * 60;

pub(crate) fn sign_up(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let client = pool.client(request)?;
    let typed = request.required("Username")?;
    client.check_secret_hash(typed, request.optional("SecretHash")?)?;
    let configuration = pool.state().configuration.clone();
    if configuration.only_operators_create_users {
        return Err(CognitoError::not_authorized("SignUp is not permitted for this user pool"));
    }
    let name = NewUserName::parse(typed, &configuration.names)?;
    let mut attributes = request.attributes("UserAttributes")?;
    if attributes.keys().any(|name| name.ends_with("_verified")) {
        return Err(unauthorized_attribute());
    }
    pool.check_client_may_write(&client, &attributes)?;
    name.add_to(&mut attributes);
    configuration.schema.check(&attributes, true)?;
    configuration.schema.check_required(&attributes)?;
    let password = configuration.password_policy.password(request.required("Password")?)?;
    let password = password.verifier(&pool.settings.user_pool_id, &name.user_name)?;
    let taken = name.taken("User already exists").into_owned();

    let now = pool.now();
    let mut user = User::new(name, attributes, UserStatus::Unconfirmed, password, now);
    let (user_name, sub) = (user.user_name.clone(), user.sub.clone());
    let to = auto_verified(&configuration, &user);
    let code = random::confirmation_code()?;
    user.sign_up_code =
        to.as_ref().map(|(alias, _)| (*alias, ConfirmationCode::new(&code, now, CODE_VALIDITY_SECONDS)));
    pool.state().users.add(user, &taken)?;
    let mut response = json!({ "UserConfirmed": false, "UserSub": sub });
    if let (Some((alias, to)), Some(members)) = (to, response.as_object_mut()) {
        members.insert("CodeDeliveryDetails".to_owned(), details(alias, &to));
        send_code(pool, to, &user_name, MessageReason::SignUp, code);
    }
    Ok(response)
}

pub(crate) fn confirm_sign_up(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let client = pool.client(request)?;
    let typed = request.required("Username")?;
    client.check_secret_hash(typed, request.optional("SecretHash")?)?;
    let code = request.required("ConfirmationCode")?;

    let now = pool.now();
    let mut state = pool.state();
    let unknown = |_| client.hide(CognitoError::unknown_combination(), expired_code);
    let user = state.users.get_mut(typed).map_err(unknown)?;
    user.check_unconfirmed()?;
    let sent = user.sign_up_code.as_ref();
    ConfirmationCode::check(sent.map(|(_, code)| code), code, now)?;
    let verified = sent.and_then(|(alias, _)| alias.verified());
    let before = user.attributes.clone();
    user.attributes.extend(verified.map(|attribute| (attribute.to_owned(), "true".to_owned())));
    let user_name = user.user_name.clone();
    if request.flag("ForceAliasCreation")? {
        state.users.take_aliases_for(&user_name)?;
    } else if let Err(taken) = state.users.check_unique(&user_name) {
        state.users.get_mut(&user_name)?.attributes = before;
        return Err(taken);
    }
    state.users.get_mut(&user_name)?.confirm(now);
    Ok(json!({}))
}

pub(crate) fn resend_confirmation_code(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let client = pool.client(request)?;
    let typed = request.required("Username")?;
    client.check_secret_hash(typed, request.optional("SecretHash")?)?;
    let now = pool.now();
    let code = random::confirmation_code()?;
    let (alias, to, user_name) = {
        let mut state = pool.state();
        let configuration = state.configuration.clone();
        let user = match (state.users.get_mut(typed), client.prevent_user_existence_errors) {
            (Ok(user), _) => user,
            (Err(_), PreventUserExistenceErrors::Enabled) => {
                return Ok(json!({ "CodeDeliveryDetails": simulated_details(&configuration, typed) }));
            }
            (Err(_), PreventUserExistenceErrors::Legacy) => return Err(CognitoError::unknown_combination()),
        };
        if user.status != UserStatus::Unconfirmed {
            return Err(CognitoError::invalid_parameter("User is already confirmed."));
        }
        let to = auto_verified(&configuration, user);
        let (alias, to) =
            to.ok_or_else(|| CognitoError::invalid_parameter("Cannot resend codes. Auto verification not turned on."))?;
        user.sign_up_code = Some((alias, ConfirmationCode::new(&code, now, CODE_VALIDITY_SECONDS)));
        (alias, to, user.user_name.clone())
    };
    let details = details(alias, &to);
    send_code(pool, to, &user_name, MessageReason::SignUp, code);
    Ok(json!({ "CodeDeliveryDetails": details }))
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

/// What `WriteAttributes` does not list, or only an operator may set.
pub(crate) fn unauthorized_attribute() -> CognitoError {
    CognitoError::not_authorized("A client attempted to write unauthorized attribute")
}
