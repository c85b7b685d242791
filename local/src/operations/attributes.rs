//! A user's attributes: `UpdateUserAttributes`, `DeleteUserAttributes`, `GetUserAttributeVerificationCode`, `VerifyUserAttribute`, and
//! what an operator changes by `AdminUpdateUserAttributes` and `AdminDeleteUserAttributes`.

use serde_json::{Map, Value, json};

use crate::delivery::{details, send_code};
use crate::error::CognitoError;
use crate::operations::sign_up::unauthorized_attribute;
use crate::pool::Pool;
use crate::random;
use crate::request::{Request, Strings};
use crate::state::State;
use crate::state::alias::Alias;
use crate::state::message::MessageReason;
use crate::state::user::ConfirmationCode;

const CODE_VALIDITY_SECONDS: u64 = 24 * 60 * 60;

pub(crate) fn update_user_attributes(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let user_name = pool.user_of_access_token(request)?;
    let attributes = request.attributes("UserAttributes")?;
    if attributes.keys().any(|name| name.ends_with("_verified")) {
        return Err(unauthorized_attribute());
    }
    check_may_write(pool, request, attributes.keys())?;
    let now = pool.now();
    let mut sent = Vec::new();
    {
        let mut state = pool.state();
        state.configuration.schema.check(&attributes, false)?;
        let configuration = state.configuration.clone();
        let user = state.users.get_mut(&user_name)?;
        let before = user.attributes.clone();
        let mut changes = attributes;
        for alias in [Alias::Email, Alias::PhoneNumber] {
            let name = alias.as_str();
            let Some(value) = changes.get(name).filter(|value| user.attributes.get(name) != Some(value)).cloned()
            else {
                continue;
            };
            if !configuration.auto_verified.contains(&alias) || value.is_empty() {
                continue;
            }
            let code = random::confirmation_code()?;
            let confirmation = ConfirmationCode::new(&code, now, CODE_VALIDITY_SECONDS);
            user.attribute_codes.insert(name.to_owned(), (value.clone(), confirmation));
            if configuration.verified_before_update.contains(&alias) {
                // The old one stays until the new one is verified.
                changes.remove(name);
            }
            sent.push((alias, value, code));
        }
        user.set_attributes(changes, now);
        check_unique_or(&mut state, &user_name, before)?;
    }
    let list: Value = sent.iter().map(|(alias, to, _)| details(*alias, to)).collect();
    for (_, to, code) in sent {
        send_code(pool, to, &user_name, MessageReason::VerifyAttribute, code);
    }
    Ok(json!({ "CodeDeliveryDetailsList": list }))
}

pub(crate) fn delete_user_attributes(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let user_name = pool.user_of_access_token(request)?;
    check_may_write(pool, request, request.string_list("UserAttributeNames")?.iter())?;
    delete_of(pool, &user_name, request)
}

/// What `WriteAttributes` of the access token's client does not list is refused.
fn check_may_write<'a>(
    pool: &Pool,
    request: &Request,
    mut names: impl Iterator<Item = &'a String>,
) -> Result<(), CognitoError> {
    let client_id = pool.client_of_access_token(request)?;
    let state = pool.state();
    let client = state.clients.get(&client_id)?;
    if names.all(|name| client.may_write(name)) { Ok(()) } else { Err(unauthorized_attribute()) }
}

pub(crate) fn get_user_attribute_verification_code(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let user_name = pool.user_of_access_token(request)?;
    let name = request.required("AttributeName")?;
    let alias = Alias::parse(name).filter(|alias| alias.verified().is_some());
    let alias = alias.ok_or_else(|| CognitoError::invalid_parameter("Invalid attribute name"))?;
    let code = random::confirmation_code()?;
    let now = pool.now();
    let to = {
        let mut state = pool.state();
        let user = state.users.get_mut(&user_name)?;
        let value = user.attributes.get(name).cloned();
        let value =
            value.ok_or_else(|| CognitoError::invalid_parameter("User has no attribute to verify, or it is empty"))?;
        let confirmation = ConfirmationCode::new(&code, now, CODE_VALIDITY_SECONDS);
        user.attribute_codes.insert(name.to_owned(), (value.clone(), confirmation));
        value
    };
    let details = details(alias, &to);
    send_code(pool, to, &user_name, MessageReason::VerifyAttribute, code);
    Ok(json!({ "CodeDeliveryDetails": details }))
}

pub(crate) fn verify_user_attribute(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let user_name = pool.user_of_access_token(request)?;
    let name = request.required("AttributeName")?;
    let typed = request.required("Code")?;
    let now = pool.now();
    let mut state = pool.state();
    let user = state.users.get_mut(&user_name)?;
    let sent = user.attribute_codes.get(name);
    ConfirmationCode::check(sent.map(|(_, code)| code), typed, now)?;
    let before = user.attributes.clone();
    let Some((value, _)) = user.attribute_codes.remove(name) else { return Err(CognitoError::internal()) };
    let verified = Alias::parse(name).and_then(Alias::verified);
    let verified = verified.map(|attribute| (attribute.to_owned(), "true".to_owned()));
    user.set_attributes(std::iter::once((name.to_owned(), value)).chain(verified).collect(), now);
    check_unique_or(&mut state, &user_name, before)?;
    Ok(Value::Object(Map::new()))
}

pub(crate) fn admin_update_user_attributes(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let attributes = request.attributes("UserAttributes")?;
    let now = pool.now();
    let mut state = pool.state();
    state.configuration.schema.check(&attributes, false)?;
    let user = state.users.get_mut(request.required("Username")?)?;
    let (before, user_name) = (user.attributes.clone(), user.user_name.clone());
    user.set_attributes(attributes, now);
    // Reported: a verified alias moves to the user who is updated (boto3#3213). An address that is a name does not.
    if !state.configuration.names.makes_user_names() {
        state.users.take_aliases_for(&user_name)?;
    }
    check_unique_or(&mut state, &user_name, before)?;
    Ok(Value::Object(Map::new()))
}

pub(crate) fn admin_delete_user_attributes(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    delete_of(pool, request.required("Username")?, request)
}

fn delete_of(pool: &Pool, typed: &str, request: &Request) -> Result<Value, CognitoError> {
    let names = request.string_list("UserAttributeNames")?;
    let now = pool.now();
    let mut state = pool.state();
    let unknown: String = names
        .iter()
        .filter(|name| !state.configuration.schema.has(name))
        .map(|name| format!("user.{name}: Attribute does not exist in the schema.\n"))
        .collect();
    let user_name = state.users.get(typed)?.user_name.clone();
    if !unknown.is_empty() {
        return Err(CognitoError::invalid_parameter(format!("Invalid user attributes: {unknown}")));
    }
    state.configuration.schema.check_deletion(&names)?;
    let user = state.users.get_mut(&user_name)?;
    for name in &names {
        user.attributes.remove(name);
        let verified = Alias::parse(name).and_then(Alias::verified);
        verified.map(|verified| user.attributes.remove(verified));
    }
    user.touch(now);
    Ok(Value::Object(Map::new()))
}

/// Takes the change back where it would give two users one name.
fn check_unique_or(state: &mut State, user_name: &str, before: Strings) -> Result<(), CognitoError> {
    let taken = state.users.check_unique(user_name);
    if taken.is_err() {
        state.users.get_mut(user_name)?.attributes = before;
    }
    taken
}
