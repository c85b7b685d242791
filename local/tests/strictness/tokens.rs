//! Tokens: their claims, their signature, and their end.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use local::{ClientSettings, CognitoError, PoolSettings, PreTokenGenerationVersion, Trigger, TriggerFailure};
use serde_json::{Value, json};

use crate::test_bed::{CLIENT_ID, POOL_ID, TestBed, assert_error, usual_answer};

/// The claims of a token, once its signature was verified with nothing but the pool's key set.
fn verified(bed: &TestBed, token: &Value) -> Value {
    let parts: Vec<&str> = token.as_str().unwrap().split('.').collect();
    let bytes = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
    let jwks = bed.pool.jwks();
    let key = &jwks["keys"][0];
    let header: Value = serde_json::from_slice(&bytes(parts[0])).unwrap();
    assert_eq!(header, json!({ "kid": key["kid"], "alg": "RS256" }));
    RsaPublicKeyComponents { n: bytes(key["n"].as_str().unwrap()), e: bytes(key["e"].as_str().unwrap()) }
        .verify(&RSA_PKCS1_2048_8192_SHA256, format!("{}.{}", parts[0], parts[1]).as_bytes(), &bytes(parts[2]))
        .unwrap();
    serde_json::from_slice(&bytes(parts[1])).unwrap()
}

async fn refresh(bed: &TestBed, client_id: &str, token: &Value) -> Result<Value, CognitoError> {
    let parameters = json!({ "REFRESH_TOKEN": token });
    bed.call(
        "InitiateAuth",
        json!({ "ClientId": client_id, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": parameters }),
    )
    .await
}

async fn get_user(bed: &TestBed, token: &Value) -> Result<Value, CognitoError> {
    bed.call("GetUser", json!({ "AccessToken": token })).await
}

#[tokio::test]
async fn the_claims_are_cognitos_and_verify_with_the_key_set() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let result = bed.sign_in("alice").await;
    assert_eq!((&result["TokenType"], &result["ExpiresIn"]), (&json!("Bearer"), &json!(3600)));

    let access = verified(&bed, &result["AccessToken"]);
    let id = verified(&bed, &result["IdToken"]);
    let common = |claims: &Value| {
        json!({
            "sub": claims["sub"],
            "iss": format!("http://127.0.0.1:9229/{POOL_ID}"),
            "origin_jti": claims["origin_jti"],
            "event_id": claims["event_id"],
            "jti": claims["jti"],
            "auth_time": bed.now(),
            "iat": bed.now(),
            "exp": bed.now().plus(3600),
        })
    };
    let mut expected = common(&access);
    expected["token_use"] = json!("access");
    expected["client_id"] = json!(CLIENT_ID);
    expected["username"] = json!("alice");
    expected["scope"] = json!("aws.cognito.signin.user.admin");
    assert_eq!(access, expected);
    let mut expected = common(&id);
    expected["token_use"] = json!("id");
    expected["aud"] = json!(CLIENT_ID);
    expected["cognito:username"] = json!("alice");
    expected["email"] = json!("alice@example.com");
    expected["email_verified"] = json!(true);
    assert_eq!(id, expected);

    assert_eq!((&access["sub"], &access["origin_jti"]), (&id["sub"], &id["origin_jti"]));
    assert_ne!(access["jti"], id["jti"]);
}

#[tokio::test]
async fn a_refresh_gives_tokens_of_the_same_sign_in_and_no_refresh_token() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let first = bed.sign_in("alice").await;
    bed.advance(3600);
    assert_error(get_user(&bed, &first["AccessToken"]).await, "NotAuthorizedException", "Access Token has expired");
    let second = refresh(&bed, CLIENT_ID, &first["RefreshToken"]).await.unwrap()["AuthenticationResult"].clone();
    assert_eq!(second.get("RefreshToken"), None);
    let (old, new) = (verified(&bed, &first["AccessToken"]), verified(&bed, &second["AccessToken"]));
    assert_eq!((&old["origin_jti"], &old["auth_time"]), (&new["origin_jti"], &new["auth_time"]));
    assert_ne!(old["jti"], new["jti"]);
    get_user(&bed, &second["AccessToken"]).await.unwrap();
    let sources: Vec<Value> =
        bed.take_events(Trigger::PreTokenGeneration).iter().map(|event| event["triggerSource"].clone()).collect();
    assert_eq!(sources, ["TokenGeneration_Authentication", "TokenGeneration_RefreshTokens"]);
}

#[tokio::test]
async fn get_tokens_from_refresh_token_is_the_same_by_another_name() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let first = bed.sign_in("alice").await;
    let request = json!({ "ClientId": CLIENT_ID, "RefreshToken": first["RefreshToken"] });
    let second = bed.call("GetTokensFromRefreshToken", request.clone()).await.unwrap();
    let second = &second["AuthenticationResult"];
    assert_eq!(second.get("RefreshToken"), None);
    let (old, new) = (verified(&bed, &first["IdToken"]), verified(&bed, &second["IdToken"]));
    assert_eq!((&old["origin_jti"], &old["auth_time"]), (&new["origin_jti"], &new["auth_time"]));
    assert_ne!(old["jti"], new["jti"]);
    get_user(&bed, &second["AccessToken"]).await.unwrap();

    let mut with_secret = request.clone();
    with_secret["ClientSecret"] = json!("this client has none");
    assert_error(
        bed.call("GetTokensFromRefreshToken", with_secret).await,
        "NotAuthorizedException",
        "Invalid client secret",
    );
    bed.call("RevokeToken", json!({ "ClientId": CLIENT_ID, "Token": first["RefreshToken"] })).await.unwrap();
    assert_error(
        bed.call("GetTokensFromRefreshToken", request).await,
        "NotAuthorizedException",
        "Refresh Token has been revoked",
    );
}

#[tokio::test]
async fn a_refresh_token_expires() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let result = bed.sign_in("alice").await;
    bed.advance(30 * 24 * 3600 - 1);
    refresh(&bed, CLIENT_ID, &result["RefreshToken"]).await.unwrap();
    bed.advance(1);
    assert_error(
        refresh(&bed, CLIENT_ID, &result["RefreshToken"]).await,
        "NotAuthorizedException",
        "Refresh Token has expired",
    );
}

#[tokio::test]
async fn a_refresh_token_is_good_for_its_client_only() {
    let other = ClientSettings { client_id: "other".to_owned(), ..ClientSettings::default() };
    let settings = PoolSettings { clients: vec![ClientSettings::default(), other], ..PoolSettings::default() };
    let bed = TestBed::with(settings, usual_answer);
    bed.add_user("alice").await;
    let result = bed.sign_in("alice").await;
    assert_error(
        refresh(&bed, "other", &result["RefreshToken"]).await,
        "NotAuthorizedException",
        "Invalid Refresh Token",
    );
    let revoked = bed.call("RevokeToken", json!({ "ClientId": "other", "Token": result["RefreshToken"] })).await;
    assert_eq!(revoked.unwrap_err().kind, "UnauthorizedException");
    refresh(&bed, CLIENT_ID, &result["RefreshToken"]).await.unwrap();
}

#[tokio::test]
async fn revoking_a_refresh_token_ends_only_its_own_sign_ins_access_tokens() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let (first, second) = (bed.sign_in("alice").await, bed.sign_in("alice").await);
    bed.call("RevokeToken", json!({ "ClientId": CLIENT_ID, "Token": first["RefreshToken"] })).await.unwrap();
    assert_error(
        refresh(&bed, CLIENT_ID, &first["RefreshToken"]).await,
        "NotAuthorizedException",
        "Refresh Token has been revoked",
    );
    assert_error(
        get_user(&bed, &first["AccessToken"]).await,
        "NotAuthorizedException",
        "Access Token has been revoked",
    );
    get_user(&bed, &second["AccessToken"]).await.unwrap();
    refresh(&bed, CLIENT_ID, &second["RefreshToken"]).await.unwrap();
}

#[tokio::test]
async fn only_refresh_tokens_are_revoked() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let result = bed.sign_in("alice").await;
    let revoked = bed.call("RevokeToken", json!({ "ClientId": CLIENT_ID, "Token": result["AccessToken"] })).await;
    assert_error(revoked, "UnsupportedTokenTypeException", "Unsupported token type");
}

#[tokio::test]
async fn a_global_sign_out_ends_every_token_of_the_user_and_of_nobody_else() {
    for by_operator in [false, true] {
        let bed = TestBed::new();
        bed.add_user("alice").await;
        bed.add_user("bob").await;
        let (first, second, bobs) = (bed.sign_in("alice").await, bed.sign_in("alice").await, bed.sign_in("bob").await);
        if by_operator {
            let body = json!({ "UserPoolId": POOL_ID, "Username": "ALICE" });
            bed.call("AdminUserGlobalSignOut", body).await.unwrap();
        } else {
            bed.call("GlobalSignOut", json!({ "AccessToken": first["AccessToken"] })).await.unwrap();
        }
        for result in [&first, &second] {
            get_user(&bed, &result["AccessToken"]).await.unwrap_err();
            refresh(&bed, CLIENT_ID, &result["RefreshToken"]).await.unwrap_err();
        }
        get_user(&bed, &bobs["AccessToken"]).await.unwrap();
        refresh(&bed, CLIENT_ID, &bobs["RefreshToken"]).await.unwrap();
    }
}

#[tokio::test]
async fn an_access_token_is_taken_only_as_the_pool_signed_it() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let result = bed.sign_in("alice").await;
    let user = get_user(&bed, &result["AccessToken"]).await.unwrap();
    assert_eq!(user["Username"], "alice");

    let token = result["AccessToken"].as_str().unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    claims["username"] = json!("bob");
    let claims = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
    let unsigned = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let elsewhere = TestBed::new();
    elsewhere.add_user("alice").await;
    for forged in [
        format!("{}.{claims}.{}", parts[0], parts[2]),
        format!("{unsigned}.{claims}."),
        String::new(),
        "...".to_owned(),
        result["IdToken"].as_str().unwrap().to_owned(),
        elsewhere.sign_in("alice").await["AccessToken"].as_str().unwrap().to_owned(),
    ] {
        assert_error(get_user(&bed, &json!(forged)).await, "NotAuthorizedException", "Invalid Access Token");
    }
}

/// A pool whose PreTokenGeneration is attached as `version` and answers with `response`.
async fn bed_that_generates(version: PreTokenGenerationVersion, response: Result<Value, TriggerFailure>) -> TestBed {
    let settings = PoolSettings { pre_token_generation: Some(version), ..PoolSettings::default() };
    let bed = TestBed::with(settings, move |trigger, event| match trigger {
        Trigger::PreTokenGeneration => response.clone(),
        Trigger::DefineAuthChallenge | Trigger::CreateAuthChallenge | Trigger::VerifyAuthChallengeResponse => {
            usual_answer(trigger, event)
        }
    });
    bed.add_user("alice").await;
    bed
}

async fn try_to_sign_in(bed: &TestBed) -> Result<Value, CognitoError> {
    let asked = bed.prove_password("alice", crate::test_bed::PASSWORD).await.unwrap();
    bed.answer(&asked, "42").await
}

#[tokio::test]
async fn pre_token_generation_changes_its_versions_tokens_and_not_their_user() {
    let changes = json!({
        "claimsToAddOrOverride": { "second_factor": "totp", "email": "other@example.com", "sub": "somebody", "aud": "x" },
        "claimsToSuppress": ["email_verified", "iss", "cognito:username"],
    });
    let v1 = json!({ "claimsOverrideDetails": changes });
    let both = json!({ "claimsAndScopeOverrideDetails": {
        "idTokenGeneration": changes, "accessTokenGeneration": changes,
    } });
    for (version, response, reaches_access) in [
        (PreTokenGenerationVersion::V1, v1, false),
        (PreTokenGenerationVersion::V2, both.clone(), true),
        (PreTokenGenerationVersion::V3, both, true),
    ] {
        let bed = bed_that_generates(version, Ok(response)).await;
        let result = bed.sign_in("alice").await;
        let (access, id) = (verified(&bed, &result["AccessToken"]), verified(&bed, &result["IdToken"]));
        assert_eq!((&id["second_factor"], &id["email"]), (&json!("totp"), &json!("other@example.com")));
        assert_eq!((&id["aud"], &id["cognito:username"]), (&json!(CLIENT_ID), &json!("alice")));
        assert_ne!(id["sub"], "somebody");
        assert!(id.get("email_verified").is_none() && id["iss"].is_string());
        assert_eq!(access.get("second_factor").is_some(), reaches_access, "{version:?}");
    }
}

#[tokio::test]
async fn a_pre_token_generation_that_fails_or_is_malformed_gives_no_tokens() {
    let version = PreTokenGenerationVersion::V2;
    let failing = bed_that_generates(version, Err(TriggerFailure::Function("not paid".to_owned()))).await;
    assert_error(
        try_to_sign_in(&failing).await,
        "UserLambdaValidationException",
        "PreTokenGeneration failed with error not paid.",
    );
    for nonsense in [
        json!({ "claimsAndScopeOverrideDetails": { "idTokenGeneration": { "claimsToAddOrOverride": ["totp"] } } }),
        json!({ "claimsAndScopeOverrideDetails": { "accessTokenGeneration": { "claimsToSuppress": "email" } } }),
    ] {
        let bed = bed_that_generates(version, Ok(nonsense)).await;
        assert_error(try_to_sign_in(&bed).await, "InvalidLambdaResponseException", "Unrecognizable lambda output");
    }
    let number = json!({ "claimsOverrideDetails": { "claimsToAddOrOverride": { "second_factor_at": 5 } } });
    let bed = bed_that_generates(PreTokenGenerationVersion::V1, Ok(number)).await;
    assert_error(try_to_sign_in(&bed).await, "InvalidLambdaResponseException", "Unrecognizable lambda output");
}

#[tokio::test]
async fn a_refresh_that_pre_token_generation_refuses_gives_nothing() {
    let bed = TestBed::with(PoolSettings::default(), |trigger, event| match &event["triggerSource"] {
        source if source == "TokenGeneration_RefreshTokens" => Err(TriggerFailure::Function("no".to_owned())),
        _ => usual_answer(trigger, event),
    });
    bed.add_user("alice").await;
    let first = bed.sign_in("alice").await;
    let refused = "PreTokenGeneration failed with error no.";
    assert_error(refresh(&bed, CLIENT_ID, &first["RefreshToken"]).await, "UserLambdaValidationException", refused);
    let request = json!({ "ClientId": CLIENT_ID, "RefreshToken": first["RefreshToken"] });
    assert_error(bed.call("GetTokensFromRefreshToken", request).await, "UserLambdaValidationException", refused);
}
