//! Bad input to every operation: members that are missing, of a wrong type or too long, tokens that are not good, and what belongs to
//! another pool. The answer is an error that Cognito documents; it is never the pool's own fault.

use std::sync::Arc;
use std::time::Duration;

use local::in_process::InProcess;
use local::{ClientSettings, CognitoError, ExplicitAuthFlow, MfaConfiguration, Pool, PoolSettings, Service};
use serde_json::{Value, json};
use shared::totp::{Parameters, SharedSecret, passcode_at};
use tokio::task::JoinSet;

use crate::test_bed::{CLIENT_ID, PASSWORD, POOL_ID, TestBed, assert_error, response, usual_answer, with_client};

/// Every error that may be the answer to bad input.
const DOCUMENTED: [&str; 18] = [
    "AliasExistsException",
    "CodeMismatchException",
    "DuplicateProviderException",
    "EnableSoftwareTokenMFAException",
    "ExpiredCodeException",
    "GroupExistsException",
    "InvalidParameterException",
    "InvalidPasswordException",
    "NotAuthorizedException",
    "ResourceNotFoundException",
    "SerializationException",
    "SoftwareTokenMFANotFoundException",
    "UnauthorizedException",
    "UnsupportedTokenTypeException",
    "UnsupportedUserStateException",
    "UserNotConfirmedException",
    "UserNotFoundException",
    "UsernameExistsException",
];

/// A pool with a user who has signed in, and one of everything else.
struct Bed {
    bed: TestBed,
    service: Service,
    tokens: Value,
}

impl Bed {
    async fn new() -> Self {
        use ExplicitAuthFlow::{AdminUserPassword, CustomAuth, RefreshToken, UserPassword, UserSrp};
        let explicit_auth_flows = vec![CustomAuth, RefreshToken, UserSrp, UserPassword, AdminUserPassword];
        let client = ClientSettings { explicit_auth_flows, ..ClientSettings::default() };
        let settings = PoolSettings { mfa_configuration: MfaConfiguration::Optional, ..with_client(client) };
        let bed = TestBed::with(settings, usual_answer);
        let now = bed.now();
        let another = move |settings| {
            let triggers = InProcess::new(Arc::new(move || now)).unwrap();
            Pool::new(settings, Arc::new(triggers), Arc::new(move || now))
        };
        let service = Service::new(bed.pool.clone(), another);
        bed.add_user("alice").await;
        let tokens = bed.sign_in("alice").await;
        Self { bed, service, tokens }
    }

    async fn call(&self, operation: &str, body: Value) -> Result<Value, CognitoError> {
        let answer = self.service.call("us-east-1", operation, body);
        tokio::time::timeout(Duration::from_secs(30), answer).await.expect("an answer")
    }

    /// What another operation prepared before may be there already.
    async fn prepare(&self, operation: &str, body: Value) -> Value {
        match self.call(operation, body).await {
            Ok(answer) => answer,
            Err(error) => {
                let is_there = error.message.contains("already") || error.message.contains("exists");
                assert!(is_there, "{operation}: {error}");
                Value::Null
            }
        }
    }

    fn last_code(&self) -> String {
        self.bed.pool.messages().pop().unwrap().code
    }

    async fn signed_up(&self) {
        let address = json!([{ "Name": "email", "Value": "bob@example.com" }]);
        let sign_up =
            json!({ "ClientId": CLIENT_ID, "Username": "bob", "Password": PASSWORD, "UserAttributes": address });
        self.prepare("SignUp", sign_up).await;
    }

    /// The answer to the challenge after the password.
    async fn response(&self) -> Value {
        let asked = self.bed.prove_password("alice", PASSWORD).await.unwrap();
        response(&asked, json!({ "USERNAME": "alice", "ANSWER": "42" }))
    }

    /// A body that the operation takes, after what it needs.
    async fn valid(&self, operation: &str) -> Value {
        let token = &self.tokens["AccessToken"];
        let refresh_token = &self.tokens["RefreshToken"];
        let metadata = json!({ "a": "b" });
        let password = json!({ "USERNAME": "alice", "PASSWORD": PASSWORD });
        let group = json!({ "UserPoolId": POOL_ID, "GroupName": "staff", "Description": "All", "Precedence": 1 });
        let member = json!({ "UserPoolId": POOL_ID, "GroupName": "staff", "Username": "alice" });
        let user = json!({ "UserPoolId": POOL_ID, "Username": "alice" });
        let name = json!([{ "Name": "name", "Value": "Alice" }]);
        let provider = json!({
            "UserPoolId": POOL_ID,
            "ProviderName": "idp",
            "ProviderType": "OIDC",
            "ProviderDetails": { "client_id": "a" },
            "AttributeMapping": { "email": "email" },
            "IdpIdentifiers": ["a"],
        });
        let scopes = json!([{ "ScopeName": "read", "ScopeDescription": "Read" }]);
        let server = json!({ "UserPoolId": POOL_ID, "Identifier": "api", "Name": "API", "Scopes": scopes });
        let domain = json!({ "UserPoolId": POOL_ID, "Domain": "app", "ManagedLoginVersion": 1 });
        let client = json!({ "UserPoolId": POOL_ID, "ClientId": CLIENT_ID });
        let pool = json!({ "UserPoolId": POOL_ID });
        let limited = |limit: &str| json!({ "UserPoolId": POOL_ID, limit: 5 });
        let enabled = json!({ "Enabled": true, "PreferredMfa": true });
        let tracking = json!({ "UserSessionTracking": "ENABLED", "TokenSession": { "MaxPerUser": 5 } });
        let attribute = json!({ "Name": "plan", "AttributeDataType": "String", "StringAttributeConstraints": { "MaxLength": "9" } });
        let policy = json!({ "PasswordPolicy": { "MinimumLength": 8, "TemporaryPasswordValidityDays": 3 } });
        let pool_settings = json!({
            "Policies": policy,
            "AutoVerifiedAttributes": ["email"],
            "UserPoolTags": { "a": "b" },
            "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true },
            "AccountRecoverySetting": { "RecoveryMechanisms": [{ "Name": "verified_email", "Priority": 1 }] },
            "LambdaConfig": { "PreTokenGenerationConfig": { "LambdaArn": "a", "LambdaVersion": "V2_0" } },
            "VerificationMessageTemplate": { "DefaultEmailOption": "CONFIRM_WITH_CODE" },
            "UserAttributeUpdateSettings": { "AttributesRequireVerificationBeforeUpdate": ["email"] },
            "MfaConfiguration": "OFF",
            "DeletionProtection": "INACTIVE",
            "DcrConfiguration": { "EnableStatus": "Disabled", "AllowedScopes": ["a"] },
            "AcrConfiguration": { "Level1": { "AcrValue": "a" } },
            "KeyConfiguration": { "KeyType": "AWS_OWNED_KEY" },
            "IssuerConfiguration": { "Type": "ORIGINAL" },
        });
        let with = |base: &Value, more: Value| {
            let mut body = base.clone();
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        match operation {
            "InitiateAuth" => {
                json!({ "ClientId": CLIENT_ID, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": password, "ClientMetadata": metadata })
            }
            "AdminInitiateAuth" => {
                with(&client, json!({ "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "AuthParameters": password }))
            }
            "RespondToAuthChallenge" => with(&self.response().await, json!({ "ClientMetadata": metadata })),
            "AdminRespondToAuthChallenge" => with(&self.response().await, pool),
            "SignUp" => json!({
                "ClientId": CLIENT_ID,
                "Username": "carol",
                "Password": PASSWORD,
                "UserAttributes": name,
                "ValidationData": name,
            }),
            "ConfirmSignUp" => {
                self.signed_up().await;
                let code = self.last_code();
                json!({ "ClientId": CLIENT_ID, "Username": "bob", "ConfirmationCode": code, "ForceAliasCreation": false })
            }
            "AdminConfirmSignUp" => {
                self.signed_up().await;
                json!({ "UserPoolId": POOL_ID, "Username": "bob" })
            }
            "ResendConfirmationCode" => {
                self.signed_up().await;
                json!({ "ClientId": CLIENT_ID, "Username": "bob" })
            }
            "ForgotPassword" => json!({ "ClientId": CLIENT_ID, "Username": "alice", "ClientMetadata": metadata }),
            "ConfirmForgotPassword" => {
                self.prepare("ForgotPassword", json!({ "ClientId": CLIENT_ID, "Username": "alice" })).await;
                let code = self.last_code();
                json!({ "ClientId": CLIENT_ID, "Username": "alice", "ConfirmationCode": code, "Password": PASSWORD })
            }
            "ChangePassword" => {
                json!({ "AccessToken": token, "PreviousPassword": PASSWORD, "ProposedPassword": "Another-Horse-8" })
            }
            "AdminSetUserPassword" => with(&user, json!({ "Password": PASSWORD, "Permanent": true })),
            "UpdateUserAttributes" => json!({ "AccessToken": token, "UserAttributes": name }),
            "DeleteUserAttributes" => json!({ "AccessToken": token, "UserAttributeNames": ["name"] }),
            "GetUserAttributeVerificationCode" => json!({ "AccessToken": token, "AttributeName": "email" }),
            "VerifyUserAttribute" => {
                let code = json!({ "AccessToken": token, "AttributeName": "email" });
                self.prepare("GetUserAttributeVerificationCode", code).await;
                json!({ "AccessToken": token, "AttributeName": "email", "Code": self.last_code() })
            }
            "AdminUpdateUserAttributes" => with(&user, json!({ "UserAttributes": name })),
            "AdminDeleteUserAttributes" => with(&user, json!({ "UserAttributeNames": ["name"] })),
            "AdminCreateUser" => json!({
                "UserPoolId": POOL_ID,
                "Username": "carol",
                "TemporaryPassword": PASSWORD,
                "UserAttributes": name,
                "MessageAction": "SUPPRESS",
                "ForceAliasCreation": true,
                "DesiredDeliveryMediums": ["EMAIL"],
            }),
            "ListUsers" => with(
                &limited("Limit"),
                json!({ "Filter": "username = \"alice\"", "AttributesToGet": ["email"], "PaginationToken": "0" }),
            ),
            "GetUser" | "DeleteUser" | "GlobalSignOut" | "AssociateSoftwareToken" => json!({ "AccessToken": token }),
            "AdminDeleteUser"
            | "AdminDisableUser"
            | "AdminEnableUser"
            | "AdminGetUser"
            | "AdminResetUserPassword"
            | "AdminUserGlobalSignOut"
            | "AdminDeleteSoftwareToken" => user,
            "CreateGroup" => group,
            "GetGroup"
            | "UpdateGroup"
            | "DeleteGroup"
            | "AdminAddUserToGroup"
            | "AdminRemoveUserFromGroup"
            | "ListUsersInGroup" => {
                self.prepare("CreateGroup", group.clone()).await;
                match operation {
                    "UpdateGroup" => group,
                    "AdminAddUserToGroup" | "AdminRemoveUserFromGroup" => member,
                    _ => json!({ "UserPoolId": POOL_ID, "GroupName": "staff" }),
                }
            }
            "AdminListGroupsForUser" => with(&user, limited("Limit")),
            "ListGroups" => with(&limited("Limit"), json!({ "NextToken": "0" })),
            "CreateIdentityProvider" => provider,
            "DescribeIdentityProvider" | "UpdateIdentityProvider" | "DeleteIdentityProvider" => {
                self.prepare("CreateIdentityProvider", provider.clone()).await;
                match operation {
                    "UpdateIdentityProvider" => provider,
                    _ => json!({ "UserPoolId": POOL_ID, "ProviderName": "idp" }),
                }
            }
            "CreateResourceServer" => server,
            "DescribeResourceServer" | "UpdateResourceServer" | "DeleteResourceServer" => {
                self.prepare("CreateResourceServer", server.clone()).await;
                match operation {
                    "UpdateResourceServer" => server,
                    _ => json!({ "UserPoolId": POOL_ID, "Identifier": "api" }),
                }
            }
            "CreateUserPoolDomain" => domain,
            "DescribeUserPoolDomain" | "UpdateUserPoolDomain" | "DeleteUserPoolDomain" => {
                self.prepare("CreateUserPoolDomain", domain.clone()).await;
                match operation {
                    "DescribeUserPoolDomain" => json!({ "Domain": "app" }),
                    "DeleteUserPoolDomain" => json!({ "UserPoolId": POOL_ID, "Domain": "app" }),
                    _ => domain,
                }
            }
            "ListIdentityProviders" | "ListResourceServers" | "ListUserPoolClients" => {
                with(&limited("MaxResults"), json!({ "NextToken": "0" }))
            }
            "CreateUserPoolClient" | "UpdateUserPoolClient" => {
                let settings = json!({
                    "ClientName": "app",
                    "ExplicitAuthFlows": ["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
                    "AuthSessionValidity": 15,
                    "AccessTokenValidity": 1,
                    "RefreshTokenValidity": 1,
                    "TokenValidityUnits": { "AccessToken": "hours", "RefreshToken": "days" },
                    "PreventUserExistenceErrors": "ENABLED",
                    "EnableTokenRevocation": true,
                    "WriteAttributes": ["email"],
                    "RefreshTokenRotation": { "Feature": "DISABLED" },
                });
                match operation {
                    "CreateUserPoolClient" => with(&with(&pool, settings), json!({ "GenerateSecret": true })),
                    _ => with(&client, settings),
                }
            }
            "DescribeUserPoolClient" | "DeleteUserPoolClient" => client,
            "VerifySoftwareToken" => {
                let secret = self.prepare("AssociateSoftwareToken", json!({ "AccessToken": token })).await;
                let secret = SharedSecret::from_base32(secret["SecretCode"].as_str().unwrap()).unwrap();
                let code = passcode_at(&secret, Parameters::default(), self.bed.now()).unwrap();
                json!({ "AccessToken": token, "UserCode": code, "FriendlyDeviceName": "phone" })
            }
            "SetUserMFAPreference" => json!({ "AccessToken": token, "EmailMfaSettings": enabled }),
            "AdminSetUserMFAPreference" => with(&user, json!({ "EmailMfaSettings": enabled })),
            "SetUserPoolMfaConfig" => {
                let factor = json!({ "Enabled": true });
                with(&pool, json!({ "MfaConfiguration": "ON", "SoftwareTokenMfaConfiguration": factor }))
            }
            "GetUserPoolMfaConfig"
            | "GetUserPoolSessionConfiguration"
            | "DescribeUserPool"
            | "DeleteUserPool"
            | "ListUserPoolReplicas" => pool,
            "SetUserPoolSessionConfiguration" => with(&pool, tracking),
            "GetUserPoolClientSessionConfiguration" => client,
            "SetUserPoolClientSessionConfiguration" => {
                self.prepare("SetUserPoolSessionConfiguration", with(&pool, tracking)).await;
                with(&client, json!({ "SSOSession": { "MaxValidityMinutes": 5 } }))
            }
            "UpdateUserPool" => with(&pool, pool_settings),
            "AddCustomAttributes" => with(&pool, json!({ "CustomAttributes": [attribute] })),
            // What UpdateUserPool takes, too, is tried there: each new pool makes a key.
            "CreateUserPool" => json!({
                "PoolName": "other",
                "AliasAttributes": ["email"],
                "UsernameConfiguration": { "CaseSensitive": false },
                "Schema": [attribute],
            }),
            "ListUserPools" => json!({ "MaxResults": 5, "NextToken": "0" }),
            "GetTokensFromRefreshToken" => json!({ "ClientId": CLIENT_ID, "RefreshToken": refresh_token }),
            "RevokeToken" => json!({ "ClientId": CLIENT_ID, "Token": refresh_token }),
            other => panic!("no body for {other}: add one"),
        }
    }
}

/// All operations, each with a body that it takes.
async fn valid_bodies(bed: &Bed) -> Vec<(&'static str, Value)> {
    let mut bodies = Vec::new();
    for (operation, _) in local::OPERATIONS {
        bodies.push((operation, bed.valid(operation).await));
    }
    bodies
}

/// Every operation with its own bed, several at once.
async fn with_every_operation<F>(check: impl Fn(&'static str) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut checks = JoinSet::new();
    local::OPERATIONS.into_iter().for_each(|(operation, _)| drop(checks.spawn(check(operation))));
    while let Some(checked) = checks.join_next().await {
        checked.unwrap();
    }
}

/// What may stand in the place of a value.
fn replacements() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(7),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(""),
        json!("é\u{0}\"}{"),
        json!("x".repeat(100_000)),
        json!([]),
        json!([null]),
        json!([7]),
        json!(["x"]),
        json!([{}]),
        json!({}),
        json!({ "x": 7 }),
        json!({ "x": "x" }),
    ]
}

/// The body with one value replaced or removed, for every value in it; and where that was.
fn mutated(body: &Value) -> Vec<(String, Value)> {
    let mut all: Vec<(String, Value)> =
        replacements().into_iter().filter(|other| other != body).map(|other| (String::new(), other)).collect();
    match body {
        Value::Object(members) => {
            for (name, value) in members {
                let mut without = members.clone();
                without.remove(name);
                all.push((format!("/{name} removed"), Value::Object(without)));
                for (place, other) in mutated(value) {
                    let mut changed = members.clone();
                    changed.insert(name.clone(), other);
                    all.push((format!("/{name}{place}"), Value::Object(changed)));
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                for (place, other) in mutated(item) {
                    let mut changed = items.clone();
                    changed[index] = other;
                    all.push((format!("/{index}{place}"), Value::Array(changed)));
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_member_is_ignored_by_every_operation() {
    with_every_operation(|operation| async move {
        let bed = Bed::new().await;
        let mut body = bed.valid(operation).await;
        body["NotInTheModel"] = json!({ "UserPoolId": 7, "AccessToken": [null] });
        let answer = bed.call(operation, body).await;
        assert!(answer.is_ok(), "{operation}: {answer:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_value_anywhere_is_an_error_that_cognito_documents() {
    with_every_operation(|operation| async move {
        let bed = Bed::new().await;
        let body = bed.valid(operation).await;
        for (place, changed) in mutated(&body) {
            let shown: String = changed.to_string().chars().take(300).collect();
            if let Err(error) = bed.call(operation, changed).await {
                assert!(DOCUMENTED.contains(&error.kind), "{operation} {place}: {error} for {shown}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_member_of_another_type_is_a_serialization_error() {
    let kind = |value: &Value| std::mem::discriminant(value);
    let bed = Bed::new().await;
    for (operation, body) in valid_bodies(&bed).await {
        for (name, value) in body.as_object().unwrap() {
            for other in replacements().into_iter().filter(|other| !other.is_null() && kind(other) != kind(value)) {
                let mut changed = body.clone();
                changed[name] = other.clone();
                let message = format!("Unexpected type of {name}");
                assert_error(bed.call(operation, changed).await, "SerializationException", &message);
            }
        }
        for other in replacements().into_iter().filter(|other| !other.is_object()) {
            assert_error(bed.call(operation, other).await, "SerializationException", "Unexpected type of the body");
        }
    }
}

#[tokio::test]
async fn what_is_too_long_or_empty_breaks_a_constraint() {
    let bed = Bed::new().await;
    let user = |name: &str| json!({ "UserPoolId": POOL_ID, "Username": name });
    for (name, constraint) in [
        (String::new(), "have length greater than or equal to 1"),
        ("x".repeat(129), "have length less than or equal to 128"),
    ] {
        let message = format!(
            "1 validation error detected: Value at 'username' failed to satisfy constraint: Member must {constraint}"
        );
        assert_error(bed.call("AdminGetUser", user(&name)).await, "InvalidParameterException", &message);
    }
    assert_eq!(bed.call("AdminGetUser", user(&"é".repeat(128))).await.unwrap_err().kind, "UserNotFoundException");
}

#[tokio::test]
async fn a_required_member_that_is_missing_or_null_is_named() {
    let bed = Bed::new().await;
    for (operation, body) in valid_bodies(&bed).await {
        let (_, required) = local::OPERATIONS.into_iter().find(|(name, _)| *name == operation).unwrap();
        for name in required {
            let (mut null, mut missing) = (body.clone(), body.clone());
            null[name] = Value::Null;
            missing.as_object_mut().unwrap().remove(*name);
            let (first, rest) = name.split_at(1);
            let message = format!(
                "1 validation error detected: Value null at '{}{rest}' failed to satisfy constraint: Member must not be null",
                first.to_lowercase()
            );
            for changed in [null, missing] {
                assert_error(bed.call(operation, changed).await, "InvalidParameterException", &message);
            }
        }
    }
}

#[tokio::test]
async fn a_token_that_is_not_good_is_refused_by_every_operation() {
    let (bed, foreign) = (Bed::new().await, Bed::new().await);
    let mut bodies = valid_bodies(&bed).await;
    bodies.retain(|(_, body)| body.get("AccessToken").is_some());
    let refused_with = async |wrong: Option<&Value>, message: &str| {
        for (operation, body) in &bodies {
            let mut body = body.clone();
            body["AccessToken"] = wrong.cloned().unwrap_or_else(|| body["AccessToken"].clone());
            let error = bed.call(operation, body).await.expect_err(operation);
            assert_eq!((error.kind, error.message.as_str()), ("NotAuthorizedException", message), "{operation}");
        }
    };
    let of = |name: &str| bed.tokens[name].clone();
    let token = of("AccessToken");
    let (signed, _) = token.as_str().unwrap().rsplit_once('.').unwrap();
    let forged = [json!(format!("{signed}.AAAA")), json!(signed), json!("x"), json!("a.b.c"), json!("")];
    let others = [foreign.tokens["AccessToken"].clone(), of("IdToken"), of("RefreshToken")];
    for wrong in forged.iter().chain(&others) {
        refused_with(Some(wrong), "Invalid Access Token").await;
    }
    let revoke = json!({ "ClientId": CLIENT_ID, "Token": of("RefreshToken") });
    bed.call("RevokeToken", revoke).await.unwrap();
    refused_with(None, "Access Token has been revoked").await;
    bed.bed.advance(60 * 60);
    refused_with(None, "Access Token has expired").await;
}

#[tokio::test]
async fn a_client_or_a_pool_that_is_not_there_is_not_found() {
    let bed = Bed::new().await;
    let bodies = valid_bodies(&bed).await;
    let other = bed.prepare("CreateUserPool", json!({ "PoolName": "other" })).await["UserPool"]["Id"].clone();
    let client = json!({ "UserPoolId": other, "ClientName": "app" });
    let client = bed.prepare("CreateUserPoolClient", client).await["UserPoolClient"]["ClientId"].clone();
    for (operation, body) in bodies {
        let has = |name: &str| body.get(name).is_some();
        let wrong = [
            ("UserPoolId", json!("us-east-1_Nowhere"), has("UserPoolId")),
            ("ClientId", json!("nobody"), has("ClientId")),
            ("ClientId", client.clone(), has("ClientId") && has("UserPoolId")),
        ];
        for (name, wrong, _) in wrong.into_iter().filter(|(.., is_member)| *is_member) {
            let mut changed = body.clone();
            changed[name] = wrong;
            let error = bed.call(operation, changed).await.expect_err(operation);
            assert_eq!(error.kind, "ResourceNotFoundException", "{operation} {name}: {error}");
        }
    }
}

#[tokio::test]
async fn what_belongs_to_another_client_is_refused() {
    let bed = Bed::new().await;
    let client = json!({ "UserPoolId": POOL_ID, "ClientName": "app" });
    let of_this_pool = bed.prepare("CreateUserPoolClient", client).await["UserPoolClient"]["ClientId"].clone();
    let other = bed.prepare("CreateUserPool", json!({ "PoolName": "other" })).await["UserPool"]["Id"].clone();
    let client = json!({ "UserPoolId": other, "ClientName": "app" });
    let of_another = bed.prepare("CreateUserPoolClient", client).await["UserPoolClient"]["ClientId"].clone();
    let refresh = |client: &Value| json!({ "ClientId": client, "RefreshToken": bed.tokens["RefreshToken"] });
    let mut response = bed.valid("RespondToAuthChallenge").await;
    for client in [&of_this_pool, &of_another] {
        let refused = bed.call("GetTokensFromRefreshToken", refresh(client)).await;
        assert_error(refused, "NotAuthorizedException", "Invalid Refresh Token");
        response["ClientId"] = client.clone();
        let refused = bed.call("RespondToAuthChallenge", response.clone()).await;
        assert_error(refused, "NotAuthorizedException", "Invalid session for the user.");
    }
    let revoke = json!({ "ClientId": of_this_pool, "Token": bed.tokens["RefreshToken"] });
    let refused = bed.call("RevokeToken", revoke).await;
    assert_error(refused, "UnauthorizedException", "The token was issued to another client");
}

#[tokio::test]
async fn an_operation_that_is_not_there_is_told_what_is() {
    let error = Bed::new().await.call("ListDevices", json!({})).await.unwrap_err();
    assert_eq!(error.kind, "UnknownOperationException");
    assert!(error.message.starts_with("The local user pool does not have the operation ListDevices. It has Add"));
    assert!(local::OPERATIONS.iter().all(|(operation, _)| error.message.contains(operation)));
}
