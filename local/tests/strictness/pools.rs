//! Pools: what makes, changes and deletes one, and that two know nothing of each other.

use std::sync::Arc;

use local::{CognitoError, Service};
use serde_json::{Value, json};

use crate::test_bed::{CLIENT_ID, PASSWORD, TestBed, assert_error};

const REGION: &str = "us-east-1";
const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:test";

async fn call(service: &Service, operation: &str, body: Value) -> Result<Value, CognitoError> {
    service.call(REGION, operation, body).await
}

/// The id of a new pool.
async fn create(service: &Service, mut members: Value) -> String {
    members["PoolName"] = json!("another");
    let created = call(service, "CreateUserPool", members).await.unwrap();
    created["UserPool"]["Id"].as_str().unwrap().to_owned()
}

async fn describe(service: &Service, id: &str) -> Value {
    call(service, "DescribeUserPool", json!({ "UserPoolId": id })).await.unwrap()["UserPool"].clone()
}

async fn update(service: &Service, id: &str, mut members: Value) -> Result<Value, CognitoError> {
    members["UserPoolId"] = json!(id);
    call(service, "UpdateUserPool", members).await
}

fn service() -> Arc<Service> {
    TestBed::new().service()
}

#[tokio::test]
async fn a_new_pool_has_cognitos_defaults() {
    let service = service();
    let pool = describe(&service, &create(&service, json!({})).await).await;
    assert_eq!(pool["Name"], "another");
    assert_eq!(pool["MfaConfiguration"], "OFF");
    assert_eq!(pool["DeletionProtection"], "INACTIVE");
    assert_eq!(pool["UserPoolTier"], "ESSENTIALS");
    assert_eq!(pool["LambdaConfig"], json!({}));
    assert_eq!(pool["EstimatedNumberOfUsers"], 0);
    assert_eq!(pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"], false);
    assert_eq!(pool["EmailConfiguration"], json!({ "EmailSendingAccount": "COGNITO_DEFAULT" }));
    assert_eq!(pool["VerificationMessageTemplate"], json!({ "DefaultEmailOption": "CONFIRM_WITH_CODE" }));
    let policy = json!({
        "MinimumLength": 8,
        "RequireLowercase": true,
        "RequireUppercase": true,
        "RequireNumbers": true,
        "RequireSymbols": true,
        "TemporaryPasswordValidityDays": 7,
    });
    assert_eq!(pool["Policies"]["PasswordPolicy"], policy);
    let id = pool["Id"].as_str().unwrap();
    assert!(id.starts_with("us-east-1_") && pool["Arn"].as_str().unwrap().ends_with(id));
    // Nobody can be sent a code.
    assert_eq!(pool.get("AccountRecoverySetting"), None);
    assert_eq!(pool.get("AutoVerifiedAttributes"), None);
}

#[tokio::test]
async fn a_pool_belongs_to_the_region_of_the_call() {
    let service = service();
    let body = json!({ "PoolName": "elsewhere" });
    let created = service.call("eu-central-1", "CreateUserPool", body).await.unwrap();
    assert!(created["UserPool"]["Id"].as_str().unwrap().starts_with("eu-central-1_"));
    let list = |region: &'static str| service.call(region, "ListUserPools", json!({ "MaxResults": 60 }));
    assert_eq!(list("eu-central-1").await.unwrap()["UserPools"][0]["Name"], "elsewhere");
    assert_eq!(list(REGION).await.unwrap()["UserPools"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_an_update_leaves_out_returns_to_its_default() {
    let service = service();
    let full = json!({
        "UsernameAttributes": ["email"],
        "UsernameConfiguration": { "CaseSensitive": false },
        "Schema": [{ "Name": "plan", "AttributeDataType": "String" }],
        "Policies": { "PasswordPolicy": { "MinimumLength": 20 } },
        "LambdaConfig": { "DefineAuthChallenge": FUNCTION },
        "AutoVerifiedAttributes": ["email"],
        "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true },
        "DeletionProtection": "ACTIVE",
        "UserPoolTags": { "stage": "test" },
        "SmsConfiguration": { "SnsCallerArn": "arn:aws:iam::123456789012:role/test" },
        "MfaConfiguration": "OPTIONAL",
        "UserAttributeUpdateSettings": { "AttributesRequireVerificationBeforeUpdate": ["email"] },
        "AccountRecoverySetting": { "RecoveryMechanisms": [{ "Name": "verified_email", "Priority": 1 }] },
    });
    let id = create(&service, full.clone()).await;
    let before = describe(&service, &id).await;
    update(&service, &id, json!({})).await.unwrap();
    let after = describe(&service, &id).await;
    for (member, default) in [
        ("LambdaConfig", json!({})),
        ("DeletionProtection", json!("INACTIVE")),
        ("UserPoolTags", json!({})),
        ("MfaConfiguration", json!("OFF")),
    ] {
        assert_ne!(before[member], default, "{member}");
        assert_eq!(after[member], default, "{member}");
    }
    assert_eq!(after["Policies"]["PasswordPolicy"]["MinimumLength"], 8);
    assert_eq!(after["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"], false);
    for member in ["AutoVerifiedAttributes", "SmsConfiguration", "AccountRecoverySetting"] {
        assert_eq!(after.get(member), None, "{member}");
    }
    // What no update takes stays, and so does UserAttributeUpdateSettings.
    for member in ["UsernameAttributes", "UsernameConfiguration", "SchemaAttributes", "UserAttributeUpdateSettings"] {
        assert_eq!(after[member], before[member], "{member}");
    }
}

#[tokio::test]
async fn an_update_that_is_refused_changes_nothing() {
    let service = service();
    let id = create(&service, json!({ "UserPoolTags": { "stage": "test" } })).await;
    let before = describe(&service, &id).await;
    let both = json!({ "Priority": 1, "Name": "admin_only" });
    let email = json!({ "Priority": 2, "Name": "verified_email" });
    for (members, message) in [
        (
            json!({ "MfaConfiguration": "ON" }),
            "SMS configuration and Auto verification for phone_number are required when MFA is required/optional",
        ),
        (
            json!({ "AccountRecoverySetting": { "RecoveryMechanisms": [both, email] } }),
            "Account Recovery Setting cannot use admin_only setting with any other recovery mechanisms.",
        ),
        (
            json!({
                "Policies": { "PasswordPolicy": { "TemporaryPasswordValidityDays": 1 } },
                "AdminCreateUserConfig": { "UnusedAccountValidityDays": 1 },
            }),
            "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays",
        ),
    ] {
        assert_error(update(&service, &id, members).await, "InvalidParameterException", message);
    }
    for members in [
        json!({ "Policies": { "PasswordPolicy": { "MinimumLength": 5 } } }),
        json!({ "DeletionProtection": "MAYBE" }),
        json!({ "AutoVerifiedAttributes": ["name"] }),
        json!({ "LambdaConfig": {
            "PreTokenGeneration": FUNCTION,
            "PreTokenGenerationConfig": { "LambdaVersion": "V2_0", "LambdaArn": "arn:aws:lambda:::function:other" },
        } }),
    ] {
        assert_eq!(update(&service, &id, members).await.unwrap_err().kind, "InvalidParameterException");
    }
    assert_eq!(describe(&service, &id).await, before);
}

#[tokio::test]
async fn the_old_form_of_the_token_trigger_means_v1_events() {
    let service = service();
    let id = create(&service, json!({ "LambdaConfig": { "PreTokenGeneration": FUNCTION } })).await;
    let config = json!({ "LambdaVersion": "V1_0", "LambdaArn": FUNCTION });
    assert_eq!(describe(&service, &id).await["LambdaConfig"]["PreTokenGenerationConfig"], config);
    let config = json!({ "LambdaVersion": "V2_0", "LambdaArn": FUNCTION });
    update(&service, &id, json!({ "LambdaConfig": { "PreTokenGenerationConfig": config } })).await.unwrap();
    assert_eq!(describe(&service, &id).await["LambdaConfig"]["PreTokenGeneration"], FUNCTION);
}

#[tokio::test]
async fn a_protected_pool_is_deleted_only_once_the_protection_is_off() {
    let service = service();
    let id = create(&service, json!({ "DeletionProtection": "ACTIVE" })).await;
    let delete = || call(&service, "DeleteUserPool", json!({ "UserPoolId": id }));
    let message = "The user pool cannot be deleted because deletion protection is activated. \
                   Deletion protection must be inactivated first.";
    assert_error(delete().await, "InvalidParameterException", message);
    update(&service, &id, json!({ "DeletionProtection": "INACTIVE" })).await.unwrap();
    delete().await.unwrap();
    let gone = format!("User pool {id} does not exist.");
    assert_error(delete().await, "ResourceNotFoundException", &gone);
    let described = call(&service, "DescribeUserPool", json!({ "UserPoolId": id })).await;
    assert_error(described, "ResourceNotFoundException", &gone);
}

#[tokio::test]
async fn pools_are_listed_page_by_page() {
    let service = service();
    for _ in 0..4 {
        create(&service, json!({})).await;
    }
    let mut body = json!({ "MaxResults": 2 });
    let mut found = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let page = call(&service, "ListUserPools", body.clone()).await.unwrap();
        let pools = page["UserPools"].as_array().unwrap();
        sizes.push(pools.len());
        found.extend(pools.iter().map(|pool| pool["Id"].as_str().unwrap().to_owned()));
        match page.get("NextToken") {
            Some(token) => body["NextToken"] = token.clone(),
            None => break,
        }
    }
    found.sort();
    found.dedup();
    assert_eq!((sizes, found.len()), (vec![2, 2, 1], 5));
    for refused in [json!({}), json!({ "MaxResults": 61 }), json!({ "MaxResults": 1, "NextToken": "made up" })] {
        let error = call(&service, "ListUserPools", refused).await.unwrap_err();
        assert_eq!(error.kind, "InvalidParameterException");
    }
}

#[tokio::test]
async fn two_pools_know_nothing_of_each_others_users_and_clients() {
    let bed = TestBed::new();
    let service = bed.service();
    bed.add_user("alice").await;
    let other = create(&service, json!({})).await;
    let alice = json!({ "UserPoolId": other, "Username": "alice" });
    let unknown = call(&service, "AdminGetUser", alice.clone()).await;
    assert_error(unknown, "UserNotFoundException", "User does not exist.");
    call(&service, "AdminCreateUser", alice).await.unwrap();

    let client = json!({ "UserPoolId": other, "ClientId": CLIENT_ID });
    let message = format!("User pool client {CLIENT_ID} does not exist.");
    let described = call(&service, "DescribeUserPoolClient", client.clone()).await;
    assert_error(described, "ResourceNotFoundException", &message);
    let mut sign_in = client;
    sign_in["AuthFlow"] = json!("CUSTOM_AUTH");
    sign_in["AuthParameters"] = json!({ "USERNAME": "alice" });
    assert_error(call(&service, "AdminInitiateAuth", sign_in).await, "ResourceNotFoundException", &message);
}

#[tokio::test]
async fn two_pools_know_nothing_of_each_others_tokens_and_sessions() {
    let bed = TestBed::new();
    let service = bed.service();
    bed.add_user("alice").await;
    let tokens = bed.sign_in("alice").await;
    let other = create(&service, json!({})).await;
    let flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_CUSTOM_AUTH"];
    let client = json!({ "UserPoolId": other, "ClientName": "test", "ExplicitAuthFlows": flows });
    let client = call(&service, "CreateUserPoolClient", client).await.unwrap();
    let client_id = &client["UserPoolClient"]["ClientId"];
    let user = json!({ "UserPoolId": other, "Username": "alice" });
    call(&service, "AdminCreateUser", user.clone()).await.unwrap();
    let mut password = user.clone();
    password["Password"] = json!(PASSWORD);
    password["Permanent"] = json!(true);
    call(&service, "AdminSetUserPassword", password).await.unwrap();

    let initiate = |flow: &str, parameters: Value| {
        let body = json!({ "ClientId": client_id, "AuthFlow": flow, "AuthParameters": parameters });
        service.call(REGION, "InitiateAuth", body)
    };
    let refreshed = initiate("REFRESH_TOKEN_AUTH", json!({ "REFRESH_TOKEN": tokens["RefreshToken"] })).await;
    assert_error(refreshed, "NotAuthorizedException", "Invalid Refresh Token");
    let (_, asked) = bed.initiate("alice").await.unwrap();
    let foreign = json!({
        "ClientId": client_id,
        "ChallengeName": asked["ChallengeName"],
        "Session": asked["Session"],
        "ChallengeResponses": {
            "USERNAME": "alice",
            "PASSWORD_CLAIM_SIGNATURE": "bm8=",
            "PASSWORD_CLAIM_SECRET_BLOCK": "bm8=",
            "TIMESTAMP": "Fri Jan 15 08:00:00 UTC 2027",
        },
    });
    let responded = call(&service, "RespondToAuthChallenge", foreign).await;
    assert_error(responded, "NotAuthorizedException", "Invalid session for the user.");

    // An access token stands for the user of its own pool.
    let here = initiate("USER_PASSWORD_AUTH", json!({ "USERNAME": "alice", "PASSWORD": PASSWORD })).await.unwrap();
    let of_other = &here["AuthenticationResult"]["AccessToken"];
    let get_user = |token: &Value| service.call(REGION, "GetUser", json!({ "AccessToken": token }));
    let (mine, others) = (get_user(&tokens["AccessToken"]).await.unwrap(), get_user(of_other).await.unwrap());
    assert_ne!(mine["UserAttributes"], others["UserAttributes"]);
    call(&service, "AdminUserGlobalSignOut", user).await.unwrap();
    assert_eq!(get_user(of_other).await.unwrap_err().message, "Access Token has been revoked");
    get_user(&tokens["AccessToken"]).await.unwrap();
}

#[tokio::test]
async fn a_sign_up_is_refused_where_only_operators_create_users() {
    let service = service();
    let id = create(&service, json!({ "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true } })).await;
    let client = json!({ "UserPoolId": id, "ClientName": "test" });
    let client = call(&service, "CreateUserPoolClient", client).await.unwrap();
    let client_id = &client["UserPoolClient"]["ClientId"];
    let body = json!({ "ClientId": client_id, "Username": "alice", "Password": PASSWORD });
    let refused = call(&service, "SignUp", body).await;
    assert_error(refused, "NotAuthorizedException", "SignUp is not permitted for this user pool");
}

#[tokio::test]
async fn a_distribution_is_named_for_a_custom_domain_only() {
    let service = service();
    let id = create(&service, json!({})).await;
    let mut domain = json!({ "UserPoolId": id, "Domain": "test" });
    assert_eq!(call(&service, "CreateUserPoolDomain", domain.clone()).await.unwrap(), json!({}));
    let other = call(&service, "CreateUserPoolDomain", json!({ "UserPoolId": id, "Domain": "other" })).await;
    assert_eq!(other.unwrap_err().kind, "InvalidParameterException");
    assert_eq!(describe(&service, &id).await["Domain"], "test");
    call(&service, "DeleteUserPoolDomain", domain.clone()).await.unwrap();

    domain["CustomDomainConfig"] = json!({ "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/test" });
    let created = call(&service, "CreateUserPoolDomain", domain).await.unwrap();
    assert!(created["CloudFrontDomain"].is_string());
    assert_eq!(describe(&service, &id).await["CustomDomain"], "test");
}
