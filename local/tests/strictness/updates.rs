//! What an update of a pool or of an app client leaves: everything that it was given, and of what it was not given the default.
//!
//! `members.json` has every member of the service model, by tests/clients/test_service_model.py. Each is set here, and next to the
//! members of every structure one that no model has.

use std::sync::Arc;

use local::{MfaConfiguration, PoolSettings, Service};
use serde_json::{Map, Value, json};

use crate::test_bed::{TestBed, assert_error, usual_answer, with_user_pool};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:test";
const ROLE: &str = "arn:aws:iam::123456789012:role/test";
/// A member that no model has.
const UNKNOWN: &str = "NotInTheModel";

/// Every member of `UpdateUserPool` but the pool's id and `UnusedAccountValidityDays`, the older name of a member that is here: one
/// excludes the other.
fn full_pool() -> Value {
    with_unknown_members(&full("UpdateUserPool"))
}

fn sms_configuration() -> Value {
    json!({
        "SnsCallerArn": ROLE,
        "ExternalId": "external",
        "SnsRegion": "us-east-1",
        "EumsSms": {
            "CallerArn": ROLE,
            "ExternalId": "external",
            "OriginationIdentity": "origin",
            "ConfigurationSetName": "set",
            "InEntityId": "entity",
            "InTemplateId": "template",
            "Region": "us-east-1",
        },
    })
}

/// Every member of `UpdateUserPoolClient` but the ids.
fn full_client() -> Value {
    with_unknown_members(&full("UpdateUserPoolClient"))
}

/// `full.json` has a value for every member.
fn full(operation: &str) -> Value {
    let full: Value = serde_json::from_str(include_str!("full.json")).unwrap();
    full[operation].clone()
}

/// With [`UNKNOWN`] in every structure, those in lists included; the map of tags has names of the operator's own.
fn with_unknown_members(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = |(name, value): (&String, &Value)| match name.as_str() {
                "UserPoolTags" => (name.clone(), value.clone()),
                _ => (name.clone(), with_unknown_members(value)),
            };
            let unknown = (UNKNOWN.to_owned(), json!({ "Some": [1, { "Thing": "x" }] }));
            members.iter().map(kept).chain([unknown]).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(with_unknown_members).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// The pointers to the members of every structure, in whatever depth; a list is one value.
fn pointers(value: &Value, to: &str) -> Vec<String> {
    let members = value.as_object().into_iter().flatten();
    let own = members.flat_map(|(name, value)| {
        let pointer = format!("{to}/{name}");
        let inner = if name == UNKNOWN { Vec::new() } else { pointers(value, &pointer) };
        [vec![pointer], inner].concat()
    });
    own.collect()
}

fn model(operation: &str) -> Vec<String> {
    let members: Value = serde_json::from_str(include_str!("members.json")).unwrap();
    members[operation].as_array().unwrap().iter().map(|member| member.as_str().unwrap().to_owned()).collect()
}

/// The members of the service model that are not in `value`.
fn not_set(value: &Value, operation: &str) -> Vec<String> {
    let is_set = |pointer: &&String| {
        pointer.split('/').skip(1).try_fold(value, |at, part| match part {
            "*" => at.as_object()?.values().next(),
            "0" => at.get(0),
            name => at.get(name),
        })
    };
    model(operation).iter().filter(|pointer| is_set(pointer).is_none()).cloned().collect()
}

/// Nothing but one member, in its structures.
fn only(full: &Value, pointer: &str) -> Value {
    let mut value = full.pointer(pointer).unwrap().clone();
    for name in pointer.split('/').skip(1).collect::<Vec<_>>().into_iter().rev() {
        value = json!({ name: value });
    }
    value
}

/// Removes a member, or gives it another value.
fn replace(members: &mut Value, pointer: &str, value: Option<Value>) {
    let (to, name) = pointer.rsplit_once('/').unwrap();
    let structure = members.pointer_mut(to).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => drop(structure.insert(name.to_owned(), value)),
        None => drop(structure.remove(name)),
    }
}

fn without(members: &Value, pointer: &str) -> Value {
    let mut members = members.clone();
    replace(&mut members, pointer, None);
    members
}

/// A pool in a service, and what is done to it.
struct Updated {
    service: Arc<Service>,
    id: Value,
}

impl Updated {
    /// One that `CreateUserPool` makes.
    async fn created(members: Value) -> Self {
        let service = TestBed::new().service();
        let mut members = members;
        members["PoolName"] = json!("test");
        let created = service.call("us-east-1", "CreateUserPool", members).await.unwrap();
        Self { service, id: created["UserPool"]["Id"].clone() }
    }

    async fn call(&self, operation: &str, mut body: Value) -> Result<Value, local::CognitoError> {
        body["UserPoolId"] = self.id.clone();
        self.service.call("us-east-1", operation, body).await
    }

    async fn update(&self, members: Value) {
        let shown = members.to_string();
        self.call("UpdateUserPool", members).await.unwrap_or_else(|error| panic!("{error}: {shown}"));
    }

    async fn described(&self) -> Value {
        self.call("DescribeUserPool", json!({})).await.unwrap()["UserPool"].clone()
    }

    /// What it says of itself, as far as an update takes it: the name has another name there, and of two members one is taken.
    async fn as_an_update(&self) -> Value {
        let mut described = self.described().await;
        let taken = model("UpdateUserPool");
        for name in model("DescribeUserPool") {
            if !taken.contains(&format!("/{name}")) {
                let value = described.as_object_mut().unwrap().remove(&name);
                if name == "Name" {
                    described["PoolName"] = value.unwrap();
                }
            }
        }
        without(&described, "/AdminCreateUserConfig/UnusedAccountValidityDays")
    }

    async fn create_client(&self, members: Value) -> Client<'_> {
        let mut members = members;
        members["ClientName"] = json!("test");
        members["GenerateSecret"] = json!(true);
        let created = self.call("CreateUserPoolClient", members).await.unwrap();
        Client { pool: self, id: created["UserPoolClient"]["ClientId"].clone() }
    }
}

/// An app client with a secret.
struct Client<'a> {
    pool: &'a Updated,
    id: Value,
}

impl Client<'_> {
    async fn call(&self, operation: &str, mut body: Value) -> Result<Value, local::CognitoError> {
        body["ClientId"] = self.id.clone();
        self.pool.call(operation, body).await
    }

    async fn update(&self, members: Value) {
        let shown = members.to_string();
        self.call("UpdateUserPoolClient", members).await.unwrap_or_else(|error| panic!("{error}: {shown}"));
    }

    async fn described(&self) -> Value {
        self.call("DescribeUserPoolClient", json!({})).await.unwrap()["UserPoolClient"].clone()
    }

    async fn as_an_update(&self) -> Value {
        let mut described = self.described().await;
        let taken = model("UpdateUserPoolClient");
        let names = model("DescribeUserPoolClient");
        for name in names.iter().filter(|name| !taken.contains(&format!("/{name}"))) {
            described.as_object_mut().unwrap().remove(name);
        }
        described
    }
}

fn undated(described: &Value) -> Value {
    without(described, "/LastModifiedDate")
}

#[test]
fn these_tests_set_every_member_of_the_model() {
    assert_eq!(not_set(&full_pool(), "UpdateUserPool"), ["/AdminCreateUserConfig/UnusedAccountValidityDays"]);
    assert_eq!(not_set(&full_client(), "UpdateUserPoolClient"), Vec::<String>::new());
    assert_eq!(not_set(&full_mfa(), "SetUserPoolMfaConfig"), Vec::<String>::new());
}

#[tokio::test]
async fn a_pool_is_described_as_given_and_an_update_with_that_changes_nothing() {
    let full = full_pool();
    let pool = Updated::created(full.clone()).await;
    pool.update(full.clone()).await;
    let described = pool.described().await;
    for pointer in pointers(&full, "") {
        let value = if pointer == "/PoolName" { &described["Name"] } else { described.pointer(&pointer).unwrap() };
        let mut expected = full.pointer(&pointer).unwrap().clone();
        if pointer == "/AdminCreateUserConfig" {
            // Described under both of its names.
            expected["UnusedAccountValidityDays"] = json!(2);
        }
        assert_eq!(*value, expected, "{pointer}");
    }
    pool.update(pool.as_an_update().await).await;
    assert_eq!(undated(&pool.described().await), undated(&described));
}

#[tokio::test]
async fn create_user_pool_takes_what_an_update_takes() {
    let full = without(&full_pool(), "/PoolName");
    let pool = Updated::created(full.clone()).await;
    let created = pool.as_an_update().await;
    pool.update(full).await;
    assert_eq!(pool.as_an_update().await, created);
}

#[tokio::test]
async fn each_member_of_a_pool_alone_is_kept_and_is_given_back() {
    let unused = json!({ "UnusedAccountValidityDays": 5 });
    let full = full_pool();
    // MFA that is on needs a factor.
    let pool = Updated::created(json!({ "MfaConfiguration": "OPTIONAL" })).await;
    let alone = pointers(&full, "").into_iter().map(|pointer| (only(&full, &pointer), pointer));
    let unused =
        (json!({ "AdminCreateUserConfig": unused }), "/AdminCreateUserConfig/UnusedAccountValidityDays".to_owned());
    for (members, pointer) in alone.chain([unused]) {
        pool.update(members.clone()).await;
        let described = pool.described().await;
        let value = if pointer == "/PoolName" { described.get("Name") } else { described.pointer(&pointer) };
        let value = value.unwrap_or_else(|| panic!("{pointer} is not described"));
        let given = members.pointer(&pointer).unwrap();
        // A structure may be described with defaults in it.
        let kept = pointers(given, "").iter().all(|inner| value.pointer(inner) == given.pointer(inner));
        assert!(if given.is_object() { kept } else { value == given }, "{pointer}: {value}");
        pool.update(pool.as_an_update().await).await;
        assert_eq!(undated(&pool.described().await), undated(&described), "{pointer}");
    }
}

/// What `DescribeUserPool` says after an update with everything but this member; nothing where it is not here.
fn left_out_of_pool(full: &Value, pointer: &str) -> Option<Value> {
    let policy = json!({
        "MinimumLength": 8,
        "RequireUppercase": true,
        "RequireLowercase": true,
        "RequireNumbers": true,
        "RequireSymbols": true,
        "TemporaryPasswordValidityDays": 7,
    });
    let texts = json!({
        "SmsMessage": "SMS {####}",
        "EmailMessage": "Email {####}",
        "EmailSubject": "Subject",
        "DefaultEmailOption": "CONFIRM_WITH_CODE",
    });
    match pointer {
        "/Policies" => Some(json!({ "PasswordPolicy": policy })),
        "/Policies/PasswordPolicy" => Some(policy),
        "/Policies/PasswordPolicy/MinimumLength" => Some(json!(6)),
        "/Policies/PasswordPolicy/TemporaryPasswordValidityDays" => Some(json!(7)),
        "/Policies/PasswordPolicy/RequireUppercase"
        | "/Policies/PasswordPolicy/RequireLowercase"
        | "/Policies/PasswordPolicy/RequireNumbers"
        | "/Policies/PasswordPolicy/RequireSymbols"
        | "/AdminCreateUserConfig/AllowAdminCreateUserOnly" => Some(json!(false)),
        "/AdminCreateUserConfig" => Some(json!({ "AllowAdminCreateUserOnly": false, "UnusedAccountValidityDays": 2 })),
        "/DeletionProtection" => Some(json!("INACTIVE")),
        "/LambdaConfig" | "/UserPoolTags" => Some(json!({})),
        "/MfaConfiguration" => Some(json!("OFF")),
        "/EmailConfiguration" => Some(json!({ "EmailSendingAccount": "COGNITO_DEFAULT" })),
        "/UserPoolTier" => Some(json!("ESSENTIALS")),
        "/VerificationMessageTemplate/DefaultEmailOption" => Some(json!("CONFIRM_WITH_CODE")),
        // Two names of one text, and two forms of one trigger: the other one is still given.
        "/VerificationMessageTemplate" => Some(texts),
        "/VerificationMessageTemplate/SmsMessage"
        | "/VerificationMessageTemplate/EmailMessage"
        | "/VerificationMessageTemplate/EmailSubject"
        | "/SmsVerificationMessage"
        | "/EmailVerificationMessage"
        | "/EmailVerificationSubject"
        | "/LambdaConfig/PreTokenGeneration" => full.pointer(pointer).cloned(),
        "/LambdaConfig/PreTokenGenerationConfig" => Some(json!({ "LambdaVersion": "V1_0", "LambdaArn": FUNCTION })),
        // The documented exceptions.
        "/DcrConfiguration" | "/UserAttributeUpdateSettings" => full.pointer(pointer).cloned(),
        "/DcrConfiguration/EnableStatus" => Some(json!("Enabled")),
        _ => None,
    }
}

#[tokio::test]
async fn each_member_of_a_pool_that_an_update_leaves_out_is_its_default() {
    let full = full_pool();
    let pool = Updated::created(full.clone()).await;
    pool.update(full.clone()).await;
    let before = undated(&pool.described().await);
    for pointer in pointers(&full, "") {
        pool.update(without(&full, &pointer)).await;
        let after = undated(&pool.described().await);
        let mut expected = before.clone();
        let default_at = match pointer.as_str() {
            "/PoolName" => "/Name",
            // Without its function, the new form is none, and the old one counts.
            "/LambdaConfig/PreTokenGenerationConfig/LambdaArn" => "/LambdaConfig/PreTokenGenerationConfig",
            other => other,
        };
        let default = if default_at == "/Name" { Some(json!("renamed")) } else { left_out_of_pool(&full, default_at) };
        replace(&mut expected, default_at, default);
        let days = expected["Policies"]["PasswordPolicy"]["TemporaryPasswordValidityDays"].clone();
        replace(&mut expected, "/AdminCreateUserConfig/UnusedAccountValidityDays", Some(days));
        assert_eq!(after, expected, "{pointer}");
        pool.update(full.clone()).await;
        assert_eq!(undated(&pool.described().await), before, "{pointer}");
    }
}

#[tokio::test]
async fn what_only_describe_says_is_ignored_in_an_update() {
    let pool = Updated::created(json!({ "UsernameAttributes": ["email"] })).await;
    let plain = pool.as_an_update().await;
    let before = undated(&pool.described().await);
    let mut members = plain.clone();
    for (name, value) in [
        ("AliasAttributes", json!(["email"])),
        ("Arn", json!("arn")),
        ("CreationDate", json!(1)),
        ("CustomDomain", json!("auth.example.com")),
        ("Domain", json!("app")),
        ("EmailConfigurationFailure", json!("x")),
        ("EstimatedNumberOfUsers", json!(99)),
        ("Id", json!("us-east-1_Other")),
        ("LastModifiedDate", json!(1)),
        ("Name", json!("other")),
        ("SchemaAttributes", json!([])),
        ("SmsConfigurationFailure", json!("x")),
        ("Status", json!("Disabled")),
        ("UsernameAttributes", json!(["phone_number"])),
        ("UsernameConfiguration", json!({ "CaseSensitive": true })),
    ] {
        members[name] = value;
    }
    let taken = model("UpdateUserPool");
    let only_described = model("DescribeUserPool").into_iter().filter(|name| !taken.contains(&format!("/{name}")));
    assert_eq!(only_described.filter(|name| members.get(name).is_none()).collect::<Vec<_>>(), Vec::<String>::new());
    pool.update(members).await;
    assert_eq!(undated(&pool.described().await), before);
}

#[tokio::test]
async fn clients_may_register_themselves_unless_an_update_says_otherwise() {
    let pool = Updated::created(json!({})).await;
    let registration = async || pool.described().await.get("DcrConfiguration").cloned();
    assert_eq!(registration().await, None);
    pool.update(json!({ "DcrConfiguration": { "OpenDcrEnabled": true } })).await;
    let on = json!({ "EnableStatus": "Enabled", "OpenDcrEnabled": true });
    assert_eq!(registration().await, Some(on.clone()));
    pool.update(json!({})).await;
    assert_eq!(registration().await, Some(on));
    let word = pool.call("UpdateUserPool", json!({ "DcrConfiguration": { "EnableStatus": "ON" } })).await;
    let message = "1 validation error detected: Value 'ON' at 'enableStatus' failed to satisfy constraint: \
                   Member must satisfy enum value set";
    assert_error(word, "InvalidParameterException", message);
    // The plan LITE is without it, so it has to be off first or with that.
    let lite = pool.call("UpdateUserPool", json!({ "UserPoolTier": "LITE" })).await;
    let message = "Dynamic client registration is not in the feature plan of this user pool.";
    assert_error(lite, "FeatureUnavailableInTierException", message);
    let off = json!({ "EnableStatus": "Disabled" });
    pool.update(json!({ "UserPoolTier": "LITE", "DcrConfiguration": off })).await;
    assert_eq!(registration().await, Some(off));
    pool.update(json!({})).await;
    assert_eq!(pool.described().await["UserPoolTier"], "ESSENTIALS");
}

#[tokio::test]
async fn the_older_name_of_the_days_of_a_temporary_password_counts_alone() {
    let days = async |pool: &Updated| {
        let described = pool.described().await;
        let new = described["Policies"]["PasswordPolicy"]["TemporaryPasswordValidityDays"].clone();
        (described["AdminCreateUserConfig"]["UnusedAccountValidityDays"].clone(), new)
    };
    let pool = Updated::created(json!({ "AdminCreateUserConfig": { "UnusedAccountValidityDays": 3 } })).await;
    assert_eq!(days(&pool).await, (json!(3), json!(3)));
    // What is described is refused as it stands.
    let described = pool.described().await;
    let both =
        json!({ "Policies": described["Policies"], "AdminCreateUserConfig": described["AdminCreateUserConfig"] });
    let message = "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays";
    assert_error(pool.call("UpdateUserPool", both).await, "InvalidParameterException", message);
    for zero in [
        json!({ "Policies": { "PasswordPolicy": { "TemporaryPasswordValidityDays": 0 } } }),
        json!({ "AdminCreateUserConfig": { "UnusedAccountValidityDays": 0 } }),
    ] {
        pool.update(zero).await;
        assert_eq!(days(&pool).await, (json!(7), json!(7)));
    }
}

#[tokio::test]
async fn an_empty_list_of_attributes_to_verify_is_not_left_out() {
    let attributes =
        |list: Value| json!({ "UserAttributeUpdateSettings": { "AttributesRequireVerificationBeforeUpdate": list } });
    let pool = Updated::created(attributes(json!(["email"]))).await;
    pool.update(json!({})).await;
    let described = async || pool.described().await["UserAttributeUpdateSettings"].clone();
    assert_eq!(described().await, attributes(json!(["email"]))["UserAttributeUpdateSettings"]);
    pool.update(attributes(json!([]))).await;
    assert_eq!(described().await, attributes(json!([]))["UserAttributeUpdateSettings"]);
}

#[tokio::test]
async fn null_is_as_good_as_left_out() {
    let pool = Updated::created(json!({})).await;
    let before = undated(&pool.described().await);
    pool.update(json!({
        "LambdaConfig": { "PreSignUp": null, "PreTokenGenerationConfig": null },
        "DeviceConfiguration": null,
        "UserPoolTags": null,
        "FutureConfiguration": null,
    }))
    .await;
    assert_eq!(undated(&pool.described().await), before);
}

/// AWS's tagging in general: what begins with `aws:` is neither set nor removed by anybody else.
#[tokio::test]
async fn tags_that_are_aws_own_are_refused_and_stay() {
    let system = json!({ "aws:cloudformation:stack-name": "theirs", "stage": "test" });
    let bed = TestBed::with(with_user_pool(json!({ "UserPoolTags": system })), usual_answer);
    let update = async |tags: Value| bed.operate("UpdateUserPool", json!({ "UserPoolTags": tags })).await;
    for key in ["aws:cloudformation:stack-name", "AWS:x", "Aws:"] {
        let message = format!("The tag key {key} is reserved: keys that begin with aws: are for AWS's own use");
        assert_error(update(json!({ key: "x" })).await, "UserPoolTaggingException", &message);
        let create = json!({ "PoolName": "test", "UserPoolTags": { key: "x" } });
        let created = bed.service().call("us-east-1", "CreateUserPool", create).await;
        assert_error(created, "UserPoolTaggingException", &message);
    }
    update(json!({ "awsome": "yes" })).await.unwrap();
    let described = bed.operate("DescribeUserPool", json!({})).await.unwrap();
    let tags = json!({ "aws:cloudformation:stack-name": "theirs", "awsome": "yes" });
    assert_eq!(described["UserPool"]["UserPoolTags"], tags);
}

// Reported: people who changed one thing by UpdateUserPool lost others.

/// The pool as it was, after an update with the one thing alone, and after one with everything.
async fn lost_by(change: Value, expected: &[(&str, Value)]) {
    let pool = Updated::created(full_pool()).await;
    let before = pool.as_an_update().await;
    pool.update(change.clone()).await;
    let after = pool.described().await;
    for (pointer, value) in expected {
        assert_ne!(before.pointer(pointer).unwrap(), value, "{pointer}");
        assert_eq!(after.pointer(pointer).unwrap_or(&Value::Null), value, "{pointer}");
    }
    let mut everything = before.clone();
    everything.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    pool.update(everything.clone()).await;
    assert_eq!(pool.as_an_update().await, everything);
}

#[tokio::test]
async fn aws_cli_3302_an_update_lost_the_policies_the_tags_and_verification() {
    let change = json!({ "SmsAuthenticationMessage": "New {####}" });
    let lost = [
        ("/Policies/PasswordPolicy/MinimumLength", json!(8)),
        ("/UserPoolTags", json!({})),
        ("/AutoVerifiedAttributes", Value::Null),
    ];
    lost_by(change, &lost).await;
}

#[tokio::test]
async fn aws_cli_6484_an_update_lost_the_sender_of_emails() {
    let change = json!({ "UserPoolTags": { "stage": "new" } });
    lost_by(change, &[("/EmailConfiguration", json!({ "EmailSendingAccount": "COGNITO_DEFAULT" }))]).await;
}

#[tokio::test]
async fn aws_cdk_33282_an_update_switched_the_tracking_of_devices_off() {
    lost_by(json!({ "DeletionProtection": "INACTIVE" }), &[("/DeviceConfiguration", Value::Null)]).await;
}

#[tokio::test]
async fn serverless_9635_an_update_with_one_trigger_dropped_the_others() {
    let one = json!({ "LambdaConfig": { "PreSignUp": FUNCTION } });
    let pool = Updated::created(full_pool()).await;
    let mut everything = pool.as_an_update().await;
    everything["LambdaConfig"] = one["LambdaConfig"].clone();
    pool.update(everything.clone()).await;
    assert_eq!(pool.as_an_update().await, everything);
    lost_by(json!({ "UserPoolTags": { "stage": "new" } }), &[("/LambdaConfig", json!({}))]).await;
}

// App clients.

/// What a client is made with here: rotation goes with these flows only.
fn flows() -> Value {
    json!({ "ExplicitAuthFlows": ["ALLOW_CUSTOM_AUTH"] })
}

#[tokio::test]
async fn a_client_is_described_as_given_and_an_update_with_that_changes_nothing() {
    let full = full_client();
    let pool = Updated::created(json!({})).await;
    let client = pool.create_client(full.clone()).await;
    let secret = client.described().await["ClientSecret"].clone();
    client.update(full.clone()).await;
    let described = client.described().await;
    for pointer in pointers(&full, "") {
        assert_eq!(described.pointer(&pointer), full.pointer(&pointer), "{pointer}");
    }
    client.update(client.as_an_update().await).await;
    assert_eq!(undated(&client.described().await), undated(&described));
    assert_eq!(described["ClientSecret"], secret);
}

#[tokio::test]
async fn each_member_of_a_client_alone_is_kept_and_is_given_back() {
    let full = full_client();
    let pool = Updated::created(json!({})).await;
    let client = pool.create_client(flows()).await;
    for pointer in pointers(&full, "") {
        let mut members = only(&full, &pointer);
        if pointer != "/ExplicitAuthFlows" {
            members.as_object_mut().unwrap().extend(flows().as_object().unwrap().clone());
        }
        client.update(members.clone()).await;
        let described = client.described().await;
        let (value, given) = (described.pointer(&pointer).unwrap(), members.pointer(&pointer).unwrap());
        let kept = pointers(given, "").iter().all(|inner| value.pointer(inner) == given.pointer(inner));
        assert!(if given.is_object() { kept } else { value == given }, "{pointer}: {value}");
        client.update(client.as_an_update().await).await;
        assert_eq!(undated(&client.described().await), undated(&described), "{pointer}");
    }
}

fn left_out_of_client(pointer: &str) -> Option<Value> {
    match pointer {
        "/ClientName" => Some(json!("renamed")),
        "/RefreshTokenValidity" => Some(json!(30 * 24)),
        "/AccessTokenValidity" | "/IdTokenValidity" => Some(json!(60)),
        "/TokenValidityUnits" => Some(json!({ "RefreshToken": "days", "AccessToken": "hours", "IdToken": "hours" })),
        "/TokenValidityUnits/RefreshToken" => Some(json!("days")),
        "/TokenValidityUnits/AccessToken" | "/TokenValidityUnits/IdToken" => Some(json!("hours")),
        "/PreventUserExistenceErrors" => Some(json!("ENABLED")),
        "/EnableTokenRevocation" => Some(json!(true)),
        "/AuthSessionValidity" => Some(json!(3)),
        "/AllowedOAuthFlowsUserPoolClient" | "/EnablePropagateAdditionalUserContextData" => Some(json!(false)),
        _ => None,
    }
}

#[tokio::test]
async fn each_member_of_a_client_that_an_update_leaves_out_is_its_default() {
    let full = full_client();
    let pool = Updated::created(json!({})).await;
    let client = pool.create_client(json!({})).await;
    client.update(full.clone()).await;
    let before = undated(&client.described().await);
    for pointer in pointers(&full, "") {
        if pointer == "/ExplicitAuthFlows" {
            // Those of the default do not go with rotation.
            client.call("UpdateUserPoolClient", without(&full, &pointer)).await.unwrap_err();
            continue;
        }
        client.update(without(&full, &pointer)).await;
        let mut expected = before.clone();
        replace(&mut expected, &pointer, left_out_of_client(&pointer));
        assert_eq!(undated(&client.described().await), expected, "{pointer}");
        client.update(full.clone()).await;
        assert_eq!(undated(&client.described().await), before, "{pointer}");
    }
}

#[tokio::test]
async fn without_the_units_twenty_four_hours_become_twenty_four_days() {
    let pool = Updated::created(json!({})).await;
    let units = json!({ "TokenValidityUnits": { "RefreshToken": "hours" }, "RefreshTokenValidity": 24 });
    let client = pool.create_client(units).await;
    client.update(json!({ "RefreshTokenValidity": 24 })).await;
    let described = client.described().await;
    assert_eq!(described["RefreshTokenValidity"], 24);
    assert_eq!(described["TokenValidityUnits"]["RefreshToken"], "days");
}

#[tokio::test]
async fn no_update_of_a_client_touches_its_secret_or_its_ids() {
    let pool = Updated::created(json!({})).await;
    let client = pool.create_client(json!({})).await;
    let before = undated(&client.described().await);
    client
        .update(json!({
            "ClientSecret": "x",
            "ClientSecretArn": "arn",
            "ClientType": "x",
            "CreationDate": 1,
            "GenerateSecret": false,
            "LastModifiedDate": 1,
            "PublishSecretsInAWSSecretsManager": true,
        }))
        .await;
    assert_eq!(undated(&client.described().await), before);
}

// The date, MFA and sessions, which no update carries.

#[tokio::test]
async fn the_date_of_the_last_change_moves_with_every_change() {
    let bed = TestBed::new();
    let client = bed.operate("CreateUserPoolClient", json!({ "ClientName": "test" })).await.unwrap();
    let client_id = &client["UserPoolClient"]["ClientId"];
    let mut dates = Vec::new();
    for advance in [0, 0, 0, 1, 0] {
        bed.advance(advance);
        bed.operate("UpdateUserPool", json!({})).await.unwrap();
        bed.operate("UpdateUserPoolClient", json!({ "ClientId": client_id })).await.unwrap();
        let pool = bed.operate("DescribeUserPool", json!({})).await.unwrap()["UserPool"].clone();
        let listed = bed.service().call("us-east-1", "ListUserPools", json!({ "MaxResults": 1 })).await.unwrap();
        assert_eq!(listed["UserPools"][0]["LastModifiedDate"], pool["LastModifiedDate"]);
        let client = bed.operate("DescribeUserPoolClient", json!({ "ClientId": client_id })).await.unwrap();
        assert_eq!(client["UserPoolClient"]["LastModifiedDate"], pool["LastModifiedDate"]);
        let since = pool["LastModifiedDate"].to_string();
        dates.push(since.trim_start_matches("18000000").to_owned());
        let created = pool["CreationDate"].clone();
        assert_eq!(created, 1_800_000_000);
    }
    assert_eq!(dates, ["00.001", "00.002", "00.003", "01.0", "01.001"]);
    // A change that is refused is none.
    bed.operate("UpdateUserPool", json!({ "DeletionProtection": "MAYBE" })).await.unwrap_err();
    let pool = bed.operate("DescribeUserPool", json!({})).await.unwrap();
    assert_eq!(pool["UserPool"]["LastModifiedDate"], 1_800_000_001.001);
}

#[tokio::test]
async fn the_number_of_users_is_that_of_the_users_who_are_there() {
    let bed = TestBed::new();
    let number = async || {
        bed.operate("DescribeUserPool", json!({})).await.unwrap()["UserPool"]["EstimatedNumberOfUsers"].clone()
    };
    assert_eq!(number().await, 0);
    bed.add_user("alice").await;
    bed.add_user("bob").await;
    assert_eq!(number().await, 2);
    bed.operate("AdminDeleteUser", json!({ "Username": "bob" })).await.unwrap();
    assert_eq!(number().await, 1);
}

fn full_mfa() -> Value {
    with_unknown_members(&json!({
        "MfaConfiguration": "OPTIONAL",
        "SmsMfaConfiguration": { "SmsAuthenticationMessage": "{####}", "SmsConfiguration": sms_configuration() },
        "SoftwareTokenMfaConfiguration": { "Enabled": true },
        "EmailMfaConfiguration": { "Message": "{####}", "Subject": "Code" },
        "WebAuthnConfiguration": {
            "RelyingPartyId": "example.com",
            "UserVerification": "required",
            "FactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION",
        },
    }))
}

#[tokio::test]
async fn the_mfa_of_a_pool_is_kept_whole_and_an_update_of_the_pool_leaves_it() {
    let bed = TestBed::with(
        PoolSettings { mfa_configuration: MfaConfiguration::Optional, ..PoolSettings::default() },
        usual_answer,
    );
    let software_token = json!({ "Enabled": true });
    let started = json!({ "MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": software_token });
    let read = async || bed.operate("GetUserPoolMfaConfig", json!({})).await.unwrap();
    assert_eq!(read().await, started);
    let full = full_mfa();
    assert_eq!(bed.operate("SetUserPoolMfaConfig", full.clone()).await.unwrap(), full);
    bed.operate("UpdateUserPool", json!({ "MfaConfiguration": "OPTIONAL" })).await.unwrap();
    assert_eq!(read().await, full);
    bed.operate("UpdateUserPool", json!({})).await.unwrap();
    assert_eq!(read().await["MfaConfiguration"], "OFF");
    bed.operate("SetUserPoolMfaConfig", started.clone()).await.unwrap();
    assert_eq!(read().await, started);
}

#[tokio::test]
async fn sessions_are_not_tracked_until_a_pool_says_so() {
    let pool = Updated::created(json!({})).await;
    let client = pool.create_client(json!({})).await;
    let of_pool =
        async || without(&pool.call("GetUserPoolSessionConfiguration", json!({})).await.unwrap(), "/UserPoolId");
    let of_client = async || client.call("GetUserPoolClientSessionConfiguration", json!({})).await.unwrap();
    let default = json!({ "UserSessionTracking": "DISABLED", "TokenSession": { "MaxPerUser": 20 } });
    assert_eq!(of_pool().await, default);
    let minutes = |minutes: u64| json!({ "SSOSession": { "MaxValidityMinutes": minutes } });
    let shown = |number: u64| {
        let mut shown = minutes(number);
        shown["UserPoolId"] = pool.id.clone();
        shown["ClientId"] = client.id.clone();
        shown
    };
    assert_eq!(of_client().await, shown(60));
    let set_client = async |members: Value| client.call("SetUserPoolClientSessionConfiguration", members).await;
    let off = "User session tracking is not enabled for this user pool.";
    assert_error(set_client(minutes(5)).await, "InvalidParameterException", off);

    let set_pool = async |members: Value| pool.call("SetUserPoolSessionConfiguration", members).await;
    let on =
        json!({ "UserSessionTracking": "ENABLED", "TokenSession": { "MaxPerUser": 5, UNKNOWN: [1] }, UNKNOWN: {} });
    assert_eq!(without(&set_pool(on.clone()).await.unwrap(), "/UserPoolId"), on);
    assert_eq!(set_client(minutes(5)).await.unwrap(), shown(5));
    // No update touches them.
    pool.update(json!({})).await;
    client.update(json!({})).await;
    assert_eq!((of_pool().await, of_client().await), (on, shown(5)));
    // Documented: what a client was given sleeps while the pool tracks none.
    set_pool(default.clone()).await.unwrap();
    assert_eq!((of_pool().await, of_client().await), (default, shown(5)));
    assert_eq!(pool.call("ListUserPoolReplicas", json!({})).await.unwrap(), json!({ "UserPoolReplicas": [] }));
}

#[tokio::test]
async fn a_session_configuration_that_is_out_of_range_or_plan_is_refused() {
    let pool = Updated::created(json!({ "UserPoolTier": "LITE" })).await;
    let client = pool.create_client(json!({})).await;
    let of_pool =
        |tracking: &str, most: u64| json!({ "UserSessionTracking": tracking, "TokenSession": { "MaxPerUser": most } });
    let of_client = |minutes: u64| json!({ "SSOSession": { "MaxValidityMinutes": minutes } });
    let constraint = |at: &str, constraint: &str| {
        format!("1 validation error detected: Value at '{at}' failed to satisfy constraint: Member must {constraint}")
    };
    let word = "1 validation error detected: Value 'ON' at 'userSessionTracking' failed to satisfy constraint: \
                Member must satisfy enum value set";
    let missing = "1 validation error detected: Value null at 'tokenSession.maxPerUser' failed to satisfy constraint: \
                   Member must not be null";
    for (members, message) in [
        (of_pool("ON", 5), word.to_owned()),
        (of_pool("ENABLED", 0), constraint("tokenSession.maxPerUser", "have value greater than or equal to 1")),
        (of_pool("ENABLED", 101), constraint("tokenSession.maxPerUser", "have value less than or equal to 100")),
        (json!({ "UserSessionTracking": "ENABLED", "TokenSession": {} }), missing.to_owned()),
    ] {
        let refused = pool.call("SetUserPoolSessionConfiguration", members).await;
        assert_error(refused, "InvalidParameterException", &message);
    }
    let most = constraint("sSOSession.maxValidityMinutes", "have value less than or equal to 129600");
    let refused = client.call("SetUserPoolClientSessionConfiguration", of_client(129_601)).await;
    assert_error(refused, "InvalidParameterException", &most);
    let plan = "The session configuration is not in the feature plan of this user pool.";
    let refused = pool.call("SetUserPoolSessionConfiguration", of_pool("ENABLED", 5)).await;
    assert_error(refused, "FeatureUnavailableInTierException", plan);
    let refused = client.call("SetUserPoolClientSessionConfiguration", of_client(5)).await;
    assert_error(refused, "FeatureUnavailableInTierException", plan);
}
