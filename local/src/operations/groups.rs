//! Groups, and who is in them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::error::CognitoError;
use crate::page::page;
use crate::pool::Pool;
use crate::request::Request;
use crate::state::group::Group;

pub(crate) fn create_group(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let name = request.required("GroupName")?;
    let now = pool.now();
    let group = Group {
        description: request.optional("Description")?.map(str::to_owned),
        role_arn: request.optional("RoleArn")?.map(str::to_owned),
        precedence: request.number("Precedence")?,
        created_at: now,
        modified_at: now,
        members: BTreeSet::new(),
    };
    let mut state = pool.state();
    if state.groups.0.contains_key(name) {
        return Err(CognitoError::new("GroupExistsException", "A group with the name already exists."));
    }
    let response = json!({ "Group": group.to_json(name, &pool.settings.user_pool_id) });
    state.groups.0.insert(name.to_owned(), group);
    Ok(response)
}

pub(crate) fn get_group(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let name = request.required("GroupName")?;
    Ok(json!({ "Group": pool.state().groups.get(name)?.to_json(name, &pool.settings.user_pool_id) }))
}

pub(crate) fn update_group(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let name = request.required("GroupName")?;
    let now = pool.now();
    let mut state = pool.state();
    let group = state.groups.get_mut(name)?;
    if let Some(description) = request.optional("Description")? {
        group.description = Some(description.to_owned());
    }
    if let Some(role_arn) = request.optional("RoleArn")? {
        group.role_arn = Some(role_arn.to_owned());
    }
    if let Some(precedence) = request.number("Precedence")? {
        group.precedence = Some(precedence);
    }
    group.modified_at = now;
    Ok(json!({ "Group": group.to_json(name, &pool.settings.user_pool_id) }))
}

pub(crate) fn delete_group(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let name = request.required("GroupName")?;
    let mut state = pool.state();
    state.groups.get(name)?;
    state.groups.0.remove(name);
    Ok(empty())
}

pub(crate) fn list_groups(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let state = pool.state();
    let groups = state.groups.0.iter().map(|(name, group)| group.to_json(name, &pool.settings.user_pool_id));
    page(request, "Limit", "NextToken", "Groups", 60, groups.collect())
}

pub(crate) fn admin_add_user_to_group(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let mut state = pool.state();
    let user_name = state.users.get(request.required("Username")?)?.user_name.clone();
    state.groups.get_mut(request.required("GroupName")?)?.members.insert(user_name);
    Ok(empty())
}

pub(crate) fn admin_remove_user_from_group(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let mut state = pool.state();
    let user_name = state.users.get(request.required("Username")?)?.user_name.clone();
    state.groups.get_mut(request.required("GroupName")?)?.members.remove(&user_name);
    Ok(empty())
}

pub(crate) fn admin_list_groups_for_user(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let state = pool.state();
    let user_name = &state.users.get(request.required("Username")?)?.user_name;
    let groups = state.groups.of(user_name).into_iter();
    let groups = groups.map(|(name, group)| group.to_json(name, &pool.settings.user_pool_id));
    page(request, "Limit", "NextToken", "Groups", 60, groups.collect())
}

pub(crate) fn list_users_in_group(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let state = pool.state();
    let group = state.groups.get(request.required("GroupName")?)?;
    let users = group.members.iter().filter_map(|user_name| state.users.named(user_name));
    page(request, "Limit", "NextToken", "Users", 60, users.map(|user| user.description("Attributes")).collect())
}

fn empty() -> Value {
    Value::Object(Map::new())
}
