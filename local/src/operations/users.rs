//! `AdminCreateUser`, `AdminGetUser`, `GetUser`, `ListUsers`, and what an operator does to a user.

use serde_json::{Map, Value, json};

use crate::error::CognitoError;
use crate::page::page;
use crate::pool::Pool;
use crate::random;
use crate::request::{Request, outside_of_enum};
use crate::state::filter::Filter;
use crate::state::message::{Message, MessageReason};
use crate::state::user::{NewUserName, User, UserStatus};

pub(crate) fn admin_create_user(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let silent = match request.optional("MessageAction")? {
        None => false,
        Some("SUPPRESS") => true,
        Some("RESEND") => return resend_invitation(pool, request),
        Some(other) => return Err(outside_of_enum("MessageAction", other)),
    };
    let configuration = pool.state().configuration.clone();
    let name = NewUserName::parse(request.required("Username")?, &configuration.names)?;
    let mut attributes = request.attributes("UserAttributes")?;
    name.add_to(&mut attributes);
    configuration.schema.check(&attributes, true)?;
    attributes.retain(|_, value| !value.is_empty());
    let temporary_password = temporary_password(request)?;
    let password = configuration.password_policy.password(&temporary_password)?;
    let password = password.verifier(&pool.settings.user_pool_id, &name.user_name)?;
    let taken = name.taken("User account already exists").into_owned();

    let now = pool.now();
    let mut user = User::new(name, attributes, UserStatus::ForceChangePassword, password, now);
    user.password_expires_at = Some(configuration.password_policy.temporary_until(now));
    let response = json!({ "User": user.description("Attributes") });
    let (user_name, email) = (user.user_name.clone(), user.attributes.get("email").cloned());
    let mut state = pool.state();
    if request.flag("ForceAliasCreation")? {
        state.users.add_and_take_aliases(user, &taken)?;
    } else {
        state.users.add(user, &taken)?;
    }
    drop(state);
    if !silent {
        invite(pool, &user_name, email, temporary_password);
    }
    Ok(response)
}

fn resend_invitation(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let typed = request.required("Username")?;
    let policy = pool.state().configuration.password_policy.clone();
    let temporary_password = temporary_password(request)?;
    let user_name = {
        let state = pool.state();
        let user = state.users.get(typed)?;
        if user.status != UserStatus::ForceChangePassword {
            let status = user.status.as_str();
            return Err(CognitoError::new(
                "UnsupportedUserStateException",
                format!("Resend not possible. {} status is {status}", user.user_name),
            ));
        }
        user.user_name.clone()
    };
    let password = policy.password(&temporary_password)?.verifier(&pool.settings.user_pool_id, &user_name)?;
    let now = pool.now();
    let (response, email) = {
        let mut state = pool.state();
        let user = state.users.get_mut(&user_name)?;
        user.set_password(password, UserStatus::ForceChangePassword, now);
        user.password_expires_at = Some(policy.temporary_until(now));
        (json!({ "User": user.description("Attributes") }), user.attributes.get("email").cloned())
    };
    invite(pool, &user_name, email, temporary_password);
    Ok(response)
}

/// The given one, or one that every policy allows.
fn temporary_password(request: &Request) -> Result<String, CognitoError> {
    match request.optional("TemporaryPassword")? {
        Some(password) => Ok(password.to_owned()),
        None => Ok(format!("{}aA1!", random::opaque::<9>()?)),
    }
}

fn invite(pool: &Pool, user_name: &str, email: Option<String>, code: String) {
    if let Some(to) = email {
        pool.send(Message { to, user_name: user_name.to_owned(), reason: MessageReason::TemporaryPassword, code });
    }
}

pub(crate) fn admin_get_user(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let state = pool.state();
    Ok(state.users.get(request.required("Username")?)?.description("UserAttributes"))
}

pub(crate) fn get_user(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let user_name = pool.user_of_access_token(request)?;
    let client_id = pool.client_of_access_token(request)?;
    let state = pool.state();
    let user = state.users.get(&user_name)?;
    let client = state.clients.get(&client_id)?;
    let mut attributes = user.attribute_list();
    if let Some(attributes) = attributes.as_array_mut() {
        let may_read = |name: &str| name == "sub" || client.may_read(name);
        attributes.retain(|attribute| attribute.get("Name").and_then(Value::as_str).is_some_and(may_read));
    }
    let mut description = json!({ "Username": user.user_name, "UserAttributes": attributes });
    user.describe_mfa(&mut description);
    Ok(description)
}

pub(crate) fn list_users(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let state = pool.state();
    let filter = Filter::parse(request.optional("Filter")?)?;
    let wanted = request.string_list("AttributesToGet")?;
    let users: Vec<&User> = state.users.iter().filter(|user| filter.matches(user)).collect();
    // Documented: an error if not all users in the result have the attribute. The message is of aws-sdk-js#2570.
    let has_all = |user: &&User| wanted.iter().all(|name| name == "sub" || user.attributes.contains_key(name));
    if !users.iter().all(has_all) {
        return Err(CognitoError::invalid_parameter("One or more requested attributes do not exist."));
    }
    let users = users.into_iter().map(|user| {
        let mut described = user.description("Attributes");
        if let (false, Some(Value::Array(attributes))) = (wanted.is_empty(), described.get_mut("Attributes")) {
            attributes.retain(|attribute| wanted.iter().any(|name| attribute.get("Name").is_some_and(|n| n == name)));
        }
        described
    });
    page(request, "Limit", "PaginationToken", "Users", 60, users.collect())
}

pub(crate) fn admin_disable_user(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    set_enabled(pool, request, false)
}

pub(crate) fn admin_enable_user(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    set_enabled(pool, request, true)
}

fn set_enabled(pool: &Pool, request: &Request, enabled: bool) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let now = pool.now();
    let mut state = pool.state();
    let user = state.users.get_mut(request.required("Username")?)?;
    user.enabled = enabled;
    user.touch(now);
    let user_name = user.user_name.clone();
    if !enabled {
        state.grants.revoke_all_of(&user_name);
    }
    Ok(Value::Object(Map::new()))
}

pub(crate) fn admin_delete_user(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    delete(pool, request.required("Username")?)
}

pub(crate) fn delete_user(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let user_name = pool.user_of_access_token(request)?;
    delete(pool, &user_name)
}

fn delete(pool: &Pool, typed: &str) -> Result<Value, CognitoError> {
    let mut state = pool.state();
    let user = state.users.remove(typed)?;
    state.grants.revoke_all_of(&user.user_name);
    state.groups.forget_user(&user.user_name);
    Ok(Value::Object(Map::new()))
}
