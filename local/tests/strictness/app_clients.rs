//! App clients: their secret, what an update leaves, how long tokens are valid, and which flows go together.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use local::CognitoError;
use serde_json::{Value, json};

use crate::test_bed::{PASSWORD, TestBed, assert_error, attributes, usual_answer, with_user_pool};

const EMAIL: &str = "alice@example.com";

/// An app client that was created here.
struct Client<'a> {
    bed: &'a TestBed,
    described: Value,
}

impl<'a> Client<'a> {
    async fn create(bed: &'a TestBed, mut members: Value) -> Result<Self, CognitoError> {
        members["ClientName"] = json!("test");
        let created = bed.operate("CreateUserPoolClient", members).await?;
        Ok(Self { bed, described: created["UserPoolClient"].clone() })
    }

    fn id(&self) -> &str {
        self.described["ClientId"].as_str().unwrap()
    }

    async fn update(&self, mut members: Value) -> Result<Value, CognitoError> {
        members["ClientId"] = json!(self.id());
        Ok(self.bed.operate("UpdateUserPoolClient", members).await?["UserPoolClient"].clone())
    }

    /// Of the name that goes with it.
    fn secret_hash(&self, name: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.described["ClientSecret"].as_str().unwrap().as_bytes());
        BASE64_STANDARD.encode(hmac::sign(&key, format!("{name}{}", self.id()).as_bytes()))
    }

    /// An operation that carries `SecretHash`.
    async fn call(&self, operation: &str, mut body: Value, hash: Option<&str>) -> Result<Value, CognitoError> {
        body["ClientId"] = json!(self.id());
        body["SecretHash"] = json!(hash);
        self.bed.call(operation, body).await
    }

    async fn initiate(&self, flow: &str, parameters: Value) -> Result<Value, CognitoError> {
        let body = json!({ "ClientId": self.id(), "AuthFlow": flow, "AuthParameters": parameters });
        self.bed.call("InitiateAuth", body).await
    }
}

fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

const FLOWS: [&str; 3] = ["ALLOW_CUSTOM_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"];

#[tokio::test]
async fn a_secret_is_made_where_it_is_asked_for_and_no_update_changes_it() {
    let bed = TestBed::new();
    let plain = Client::create(&bed, json!({})).await.unwrap();
    assert_eq!(plain.described.get("ClientSecret"), None);
    let with_secret = Client::create(&bed, json!({ "GenerateSecret": true })).await.unwrap();
    let updated = with_secret.update(json!({})).await.unwrap();
    assert_eq!(updated["ClientSecret"], with_secret.described["ClientSecret"]);
    assert_eq!(updated["ClientSecret"].as_str().unwrap().len(), 51);
}

/// The hash is over the name that the same call carries: what was typed until the user has a name in the sign-in.
#[tokio::test]
async fn each_call_takes_the_hash_of_the_name_that_it_carries() {
    let bed = TestBed::with(with_user_pool(json!({ "UsernameAttributes": ["email"] })), usual_answer);
    let client = Client::create(&bed, json!({ "GenerateSecret": true, "ExplicitAuthFlows": FLOWS })).await.unwrap();
    let typed = client.secret_hash(EMAIL);
    let missing = format!("Client {} is configured with secret but SECRET_HASH was not received", client.id());
    let wrong = format!("Unable to verify secret hash for client {}", client.id());
    let last_code = || bed.pool.messages().pop().unwrap().code;

    let user = json!({ "Username": EMAIL, "Password": PASSWORD, "UserAttributes": attributes([("name", "Alice")]) });
    assert_error(client.call("SignUp", user.clone(), None).await, "NotAuthorizedException", &missing);
    assert_error(client.call("SignUp", user.clone(), Some("bm8=")).await, "NotAuthorizedException", &wrong);
    let signed_up = client.call("SignUp", user, Some(&typed)).await.unwrap();
    let user_name = signed_up["UserSub"].as_str().unwrap();
    let of_user = client.secret_hash(user_name);
    client.call("ResendConfirmationCode", json!({ "Username": EMAIL }), Some(&typed)).await.unwrap();

    let named = |name: &str, code: String| json!({ "Username": name, "ConfirmationCode": code, "Password": PASSWORD });
    for operation in ["ConfirmSignUp", "ConfirmForgotPassword"] {
        if operation == "ConfirmForgotPassword" {
            let of_another = client.call("ForgotPassword", json!({ "Username": EMAIL }), Some(&of_user)).await;
            assert_error(of_another, "NotAuthorizedException", &wrong);
            client.call("ForgotPassword", json!({ "Username": EMAIL }), Some(&typed)).await.unwrap();
        }
        for (hash, message) in [(None, &missing), (Some(of_user.as_str()), &wrong)] {
            let refused = client.call(operation, named(EMAIL, last_code()), hash).await;
            assert_error(refused, "NotAuthorizedException", message);
        }
        client.call(operation, named(EMAIL, last_code()), Some(&typed)).await.unwrap();
    }

    let password = |hash: &str| {
        let parameters = json!({ "USERNAME": EMAIL, "PASSWORD": PASSWORD, "SECRET_HASH": hash });
        client.initiate("USER_PASSWORD_AUTH", parameters)
    };
    assert_error(password(&of_user).await, "NotAuthorizedException", &wrong);
    let tokens = password(&typed).await.unwrap()["AuthenticationResult"].clone();

    let (_, asked) = bed.initiate(EMAIL).await.unwrap();
    assert_eq!(asked["ChallengeParameters"]["USER_ID_FOR_SRP"], user_name);
    let parameters = json!({ "USERNAME": EMAIL, "SECRET_HASH": typed });
    // Without SRP_A, the usual Define fails the sign-in: the hash was right.
    let failed = client.initiate("CUSTOM_AUTH", parameters).await;
    assert_error(failed, "NotAuthorizedException", "Incorrect username or password.");

    // Reported: a refresh carries no name, and its hash is over the user's own.
    let refresh = |hash: &str| {
        let parameters = json!({ "REFRESH_TOKEN": tokens["RefreshToken"], "SECRET_HASH": hash });
        client.initiate("REFRESH_TOKEN_AUTH", parameters)
    };
    assert_error(refresh(&typed).await, "NotAuthorizedException", &wrong);
    refresh(&of_user).await.unwrap();
}

#[tokio::test]
async fn a_response_to_a_challenge_takes_the_hash_of_the_user_name() {
    let bed = TestBed::with(with_user_pool(json!({ "UsernameAttributes": ["email"] })), usual_answer);
    let client = Client::create(&bed, json!({ "GenerateSecret": true, "ExplicitAuthFlows": FLOWS })).await.unwrap();
    bed.operate("AdminCreateUser", json!({ "Username": EMAIL, "TemporaryPassword": PASSWORD })).await.unwrap();
    let parameters = json!({ "USERNAME": EMAIL, "PASSWORD": PASSWORD, "SECRET_HASH": client.secret_hash(EMAIL) });
    let asked = client.initiate("USER_PASSWORD_AUTH", parameters).await.unwrap();
    let user_name = asked["ChallengeParameters"]["USER_ID_FOR_SRP"].as_str().unwrap();
    let respond = |hash: String| {
        let responses = json!({ "USERNAME": user_name, "NEW_PASSWORD": "Another-Horse-8", "SECRET_HASH": hash });
        let body = json!({
            "ClientId": client.id(),
            "ChallengeName": asked["ChallengeName"],
            "Session": asked["Session"],
            "ChallengeResponses": responses,
        });
        bed.call("RespondToAuthChallenge", body)
    };
    let wrong = format!("Unable to verify secret hash for client {}", client.id());
    assert_error(respond(client.secret_hash(EMAIL)).await, "NotAuthorizedException", &wrong);
    respond(client.secret_hash(user_name)).await.unwrap();
}

#[tokio::test]
async fn some_operations_take_the_secret_itself() {
    let bed = TestBed::new();
    let client = Client::create(&bed, json!({ "GenerateSecret": true, "ExplicitAuthFlows": FLOWS })).await.unwrap();
    bed.add_user("alice").await;
    let hash = client.secret_hash("alice");
    let parameters = json!({ "USERNAME": "alice", "PASSWORD": PASSWORD, "SECRET_HASH": hash });
    let tokens = client.initiate("USER_PASSWORD_AUTH", parameters).await.unwrap()["AuthenticationResult"].clone();
    for (operation, member, kind) in [
        ("GetTokensFromRefreshToken", "RefreshToken", "NotAuthorizedException"),
        ("RevokeToken", "Token", "UnauthorizedException"),
    ] {
        let mut body = json!({ "ClientId": client.id(), (member): tokens["RefreshToken"] });
        assert_error(bed.call(operation, body.clone()).await, kind, "Invalid client secret");
        body["ClientSecret"] = client.described["ClientSecret"].clone();
        bed.call(operation, body).await.unwrap();
    }
}

#[tokio::test]
async fn what_an_update_of_a_client_leaves_out_returns_to_its_default() {
    let bed = TestBed::new();
    let full = json!({
        "ExplicitAuthFlows": ["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        "PreventUserExistenceErrors": "LEGACY",
        "EnableTokenRevocation": false,
        "AuthSessionValidity": 15,
        "RefreshTokenValidity": 1,
        "AccessTokenValidity": 2,
        "WriteAttributes": ["name"],
        "ReadAttributes": ["name"],
        "CallbackURLs": ["https://example.com"],
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthFlowsUserPoolClient": true,
    });
    let client = Client::create(&bed, full.clone()).await.unwrap();
    for (member, value) in full.as_object().unwrap() {
        assert_eq!(client.described[member], *value, "{member}");
    }
    bed.advance(60);
    let updated = client.update(json!({})).await.unwrap();
    let default = Client::create(&bed, json!({})).await.unwrap().described;
    for (member, value) in default.as_object().unwrap() {
        if !["ClientId", "CreationDate"].contains(&member.as_str()) {
            assert_eq!(updated[member], *value, "{member}");
        }
    }
    for member in ["WriteAttributes", "ReadAttributes", "CallbackURLs", "AllowedOAuthFlows"] {
        assert_eq!(updated.get(member), None, "{member}");
    }
    assert_eq!(updated["CreationDate"], client.described["CreationDate"]);
    assert_eq!(updated["ClientName"], "test");
    assert_eq!(
        bed.operate("DescribeUserPoolClient", json!({ "ClientId": client.id() })).await.unwrap()["UserPoolClient"],
        updated
    );
}

#[tokio::test]
async fn an_update_takes_effect_at_the_next_call() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let client = Client::create(&bed, json!({ "ExplicitAuthFlows": FLOWS })).await.unwrap();
    let password = || client.initiate("USER_PASSWORD_AUTH", json!({ "USERNAME": "alice", "PASSWORD": PASSWORD }));
    password().await.unwrap();
    // The flows that a client allows by default are without it.
    client.update(json!({})).await.unwrap();
    let refused = password().await;
    assert_error(refused, "InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client");
}

#[tokio::test]
async fn the_units_say_how_long_tokens_are_valid() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let members = json!({
        "ExplicitAuthFlows": FLOWS,
        "AccessTokenValidity": 10,
        "IdTokenValidity": 300,
        "RefreshTokenValidity": 2,
        "TokenValidityUnits": { "AccessToken": "minutes", "IdToken": "seconds", "RefreshToken": "hours" },
    });
    let client = Client::create(&bed, members).await.unwrap();
    let parameters = json!({ "USERNAME": "alice", "PASSWORD": PASSWORD });
    let tokens = client.initiate("USER_PASSWORD_AUTH", parameters).await.unwrap()["AuthenticationResult"].clone();
    assert_eq!(tokens["ExpiresIn"], 600);
    for (token, seconds) in [("AccessToken", 600), ("IdToken", 300)] {
        let claims = claims(&tokens[token]);
        let validity = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        assert_eq!(validity, seconds, "{token}");
    }
    let refresh = || client.initiate("REFRESH_TOKEN_AUTH", json!({ "REFRESH_TOKEN": tokens["RefreshToken"] }));
    bed.advance(2 * 3600 - 1);
    refresh().await.unwrap();
    bed.advance(1);
    assert_error(refresh().await, "NotAuthorizedException", "Refresh Token has expired");
}

#[tokio::test]
async fn a_validity_outside_of_its_range_is_refused() {
    let bed = TestBed::new();
    let units = |token: &str, unit: &str| json!({ (token): unit });
    for members in [
        json!({ "AccessTokenValidity": 4, "TokenValidityUnits": units("AccessToken", "minutes") }),
        json!({ "AccessTokenValidity": 25 }),
        json!({ "IdTokenValidity": 2, "TokenValidityUnits": units("IdToken", "days") }),
        json!({ "RefreshTokenValidity": 3651 }),
        json!({ "RefreshTokenValidity": 30, "TokenValidityUnits": units("RefreshToken", "minutes") }),
        json!({ "RefreshTokenValidity": 30, "TokenValidityUnits": units("RefreshToken", "weeks") }),
        json!({ "AuthSessionValidity": 2 }),
        json!({ "AuthSessionValidity": 16 }),
        json!({ "PreventUserExistenceErrors": "SOMETIMES" }),
        json!({ "ExplicitAuthFlows": ["ALLOW_EVERYTHING"] }),
    ] {
        let refused = Client::create(&bed, members.clone()).await.err().unwrap_or_else(|| panic!("{members}"));
        assert_eq!(refused.kind, "InvalidParameterException", "{members}");
    }
}

#[tokio::test]
async fn rotation_and_the_refresh_flow_exclude_each_other() {
    let bed = TestBed::new();
    let rotation = json!({ "Feature": "ENABLED", "RetryGracePeriodSeconds": 10 });
    let message = "ALLOW_REFRESH_TOKEN_AUTH cannot be used with refresh token rotation enabled.";
    // Left out, the flows include it.
    for flows in [json!(null), json!(["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])] {
        let members = json!({ "RefreshTokenRotation": rotation, "ExplicitAuthFlows": flows });
        let refused = Client::create(&bed, members).await.err().unwrap();
        assert_eq!((refused.kind, refused.message.as_str()), ("InvalidParameterException", message));
    }
    let members = json!({ "RefreshTokenRotation": rotation, "ExplicitAuthFlows": ["ALLOW_CUSTOM_AUTH"] });
    let client = Client::create(&bed, members).await.unwrap();
    assert_eq!(client.described["RefreshTokenRotation"], rotation);
    let off = json!({ "RefreshTokenRotation": { "Feature": "DISABLED" }, "ExplicitAuthFlows": FLOWS });
    client.update(off).await.unwrap();
}

/// moto's tests that were run against AWS sign in by `USER_SRP_AUTH` and refresh with such a client.
#[tokio::test]
async fn the_names_without_allow_add_to_what_every_client_allows() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let client = Client::create(&bed, json!({ "ExplicitAuthFlows": ["USER_PASSWORD_AUTH"] })).await.unwrap();
    assert_eq!(client.described["ExplicitAuthFlows"], json!(["USER_PASSWORD_AUTH"]));
    let srp = json!({ "USERNAME": "alice", "SRP_A": "a5" });
    client.initiate("USER_SRP_AUTH", srp.clone()).await.unwrap();
    let tokens = client.initiate("USER_PASSWORD_AUTH", json!({ "USERNAME": "alice", "PASSWORD": PASSWORD })).await;
    let refresh = json!({ "REFRESH_TOKEN": tokens.unwrap()["AuthenticationResult"]["RefreshToken"] });
    client.initiate("REFRESH_TOKEN_AUTH", refresh).await.unwrap();

    let only = Client::create(&bed, json!({ "ExplicitAuthFlows": ["CUSTOM_AUTH_FLOW_ONLY"] })).await.unwrap();
    let message = "USER_SRP_AUTH is not enabled for the client.";
    assert_error(only.initiate("USER_SRP_AUTH", srp).await, "InvalidParameterException", message);
    let mixed = Client::create(&bed, json!({ "ExplicitAuthFlows": ["USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH"] }));
    assert_eq!(mixed.await.err().unwrap().kind, "InvalidParameterException");
}

#[tokio::test]
async fn a_deleted_client_is_gone_and_its_tokens_refresh_no_more() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let client = Client::create(&bed, json!({ "ExplicitAuthFlows": FLOWS })).await.unwrap();
    let signed_in = client.initiate("USER_PASSWORD_AUTH", json!({ "USERNAME": "alice", "PASSWORD": PASSWORD })).await;
    let refresh_token = signed_in.unwrap()["AuthenticationResult"]["RefreshToken"].clone();
    let named = json!({ "ClientId": client.id() });
    bed.operate("DeleteUserPoolClient", named.clone()).await.unwrap();
    let message = format!("User pool client {} does not exist.", client.id());
    for operation in ["DescribeUserPoolClient", "UpdateUserPoolClient", "DeleteUserPoolClient"] {
        assert_error(bed.operate(operation, named.clone()).await, "ResourceNotFoundException", &message);
    }
    let refreshed = client.initiate("REFRESH_TOKEN_AUTH", json!({ "REFRESH_TOKEN": refresh_token })).await;
    assert_error(refreshed, "ResourceNotFoundException", &message);
    let listed = bed.operate("ListUserPoolClients", json!({ "MaxResults": 60 })).await.unwrap();
    assert_eq!(listed["UserPoolClients"].as_array().unwrap().len(), 1);
}
