//! What an update sends, and what it may change: pure, for user pools and for app clients.
//!
//! Invariant: everything that was described is sent, apart from what an update does not take; what it leaves out returns to its
//! default.
//! Source: <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UpdateUserPool.html>; for what is
//! described and not taken, the shapes in the service model (botocore 1.44.8).

use serde_json::{Map, Value, json};

/// The JSON object that Cognito describes a pool or a client by.
pub type Described = Map<String, Value>;

/// The member of a pool that names the triggers.
pub const LAMBDA_CONFIG: &str = "LambdaConfig";

const DCR_CONFIGURATION: &str = "DcrConfiguration";

/// What `DescribeUserPool` returns and `UpdateUserPool` does not take. `DcrConfiguration` is taken, but kept if it is left out;
/// what is sent without `EnableStatus` lets applications register app clients.
const NOT_OF_A_POOL_UPDATE: [&str; 14] = [
    "AliasAttributes",
    "Arn",
    "CreationDate",
    "CustomDomain",
    DCR_CONFIGURATION,
    "Domain",
    "EmailConfigurationFailure",
    "EstimatedNumberOfUsers",
    "LastModifiedDate",
    "SchemaAttributes",
    "SmsConfigurationFailure",
    "Status",
    "UsernameAttributes",
    "UsernameConfiguration",
];

/// What `DescribeUserPoolClient` returns and `UpdateUserPoolClient` does not take.
const NOT_OF_A_CLIENT_UPDATE: [&str; 5] =
    ["ClientSecret", "ClientSecretArn", "ClientType", "CreationDate", "LastModifiedDate"];

/// `UpdateUserPool` of the pool as it is described, with other triggers.
#[must_use]
pub fn pool_update(described: &Described, lambda_config: &Described) -> Value {
    let mut request = described.clone();
    request.retain(|name, _| !NOT_OF_A_POOL_UPDATE.contains(&name.as_str()));
    for (described_as, sent_as) in [("Id", "UserPoolId"), ("Name", "PoolName")] {
        request.remove(described_as).map(|value| request.insert(sent_as.to_owned(), value));
    }
    // Both are described, and both together are refused (aws-sdk-js#3817).
    let temporary = request.get("Policies").and_then(|policies| policies.get("PasswordPolicy"));
    if temporary.is_some_and(|policy| policy.get("TemporaryPasswordValidityDays").is_some()) {
        member(&mut request, "AdminCreateUserConfig").map(|admin| admin.remove("UnusedAccountValidityDays"));
    }
    // AWS's own tags cannot be set, nor are they removed by being left out.
    if let Some(tags) = member(&mut request, "UserPoolTags") {
        tags.retain(|key, _| !key.starts_with("aws:"));
    }
    request.insert(LAMBDA_CONFIG.to_owned(), json!(lambda_config));
    Value::Object(request)
}

/// `UpdateUserPoolClient` of the client as it is described, with one member changed; `None` leaves it out.
#[must_use]
pub fn client_update(described: &Described, name: &str, value: Option<&Value>) -> Value {
    let mut request = described.clone();
    request.retain(|member, _| !NOT_OF_A_CLIENT_UPDATE.contains(&member.as_str()));
    set(&mut request, name, value);
    Value::Object(request)
}

/// Sets a member, or removes it.
pub fn set(of: &mut Described, name: &str, value: Option<&Value>) {
    match value.filter(|value| !value.is_null()) {
        Some(value) => drop(of.insert(name.to_owned(), value.clone())),
        None => drop(of.remove(name)),
    }
}

fn member<'a>(of: &'a mut Described, name: &str) -> Option<&'a mut Described> {
    of.get_mut(name).and_then(Value::as_object_mut)
}

/// Where two descriptions differ in what an update sets, by path and without values, apart from `expected`.
#[must_use]
pub fn differences(before: &Described, after: &Described, expected: &str) -> Vec<String> {
    let names: Vec<&String> = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name))).collect();
    let mut paths = Vec::new();
    for name in names {
        let is_set_by_an_update = name == DCR_CONFIGURATION || !NOT_OF_A_POOL_UPDATE.contains(&name.as_str());
        if name != expected && is_set_by_an_update {
            let of = |described: &Described| described.get(name).cloned().unwrap_or_default();
            compare(name, &of(before), &of(after), &mut paths);
        }
    }
    paths
}

fn compare(path: &str, before: &Value, after: &Value, paths: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for name in before.keys().chain(after.keys().filter(|name| !before.contains_key(*name))) {
                let of = |object: &Described| object.get(name).cloned().unwrap_or_default();
                compare(&format!("{path}.{name}"), &of(before), &of(after), paths);
            }
        }
        (before, after) if before == after => {}
        _ => paths.push(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Described {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn what_an_update_does_not_take_is_left_out_and_the_rest_is_sent() {
        let described = object(json!({
            "Id": "us-east-1_Example", "Name": "users", "Arn": "arn", "Status": "Enabled", "LastModifiedDate": 1.5,
            "DcrConfiguration": { "OpenDcrEnabled": false },
            "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true, "UnusedAccountValidityDays": 7 },
            "Policies": { "PasswordPolicy": { "TemporaryPasswordValidityDays": 7, "AddedLater": 1 } },
            "UserPoolTags": { "aws:cloudformation:stack-name": "users", "team": "web" },
            "LambdaConfig": { "PreSignUp": "old" },
            "AddedLater": { "deep": [1, { "er": null }] },
        }));
        let expected = json!({
            "UserPoolId": "us-east-1_Example", "PoolName": "users",
            "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true },
            "Policies": { "PasswordPolicy": { "TemporaryPasswordValidityDays": 7, "AddedLater": 1 } },
            "UserPoolTags": { "team": "web" },
            "LambdaConfig": { "PreSignUp": "new" },
            "AddedLater": { "deep": [1, { "er": null }] },
        });
        assert_eq!(pool_update(&described, &object(json!({ "PreSignUp": "new" }))), expected);
    }

    #[test]
    fn an_older_pool_keeps_its_days_of_a_temporary_password() {
        let admin = json!({ "UnusedAccountValidityDays": 7 });
        let described = object(json!({ "AdminCreateUserConfig": admin, "Policies": { "PasswordPolicy": {} } }));
        assert_eq!(pool_update(&described, &Described::new())["AdminCreateUserConfig"], admin);
    }

    #[test]
    fn the_secret_of_a_client_is_not_sent_and_a_member_can_be_taken_away() {
        let described =
            object(json!({ "ClientId": "web", "ClientSecret": "plainly fake", "ExplicitAuthFlows": ["A"] }));
        assert_eq!(client_update(&described, "ExplicitAuthFlows", None), json!({ "ClientId": "web" }));
    }

    #[test]
    fn a_difference_is_named_by_its_path_and_without_its_value() {
        let before = object(json!({ "A": { "b": 1, "c": [1] }, "D": null, "LambdaConfig": 1, "LastModifiedDate": 1 }));
        let after =
            object(json!({ "A": { "b": 2, "c": [1], "e": 1 }, "F": 1, "LambdaConfig": 2, "LastModifiedDate": 2 }));
        assert_eq!(differences(&before, &after, LAMBDA_CONFIG), ["A.b", "A.e", "F"]);
    }
}
