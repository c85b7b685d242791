//! Users: how they are created, and which attributes clients and operators may set.

use serde_json::{Value, json};

use crate::test_bed::{CLIENT_ID, PASSWORD, POOL_ID, TestBed, assert_error, legacy, usual_answer};

fn sign_up(password: &str) -> Value {
    json!({
        "ClientId": CLIENT_ID,
        "Username": "alice",
        "Password": password,
        "UserAttributes": [{ "Name": "email", "Value": "alice@example.com" }],
    })
}

fn confirmation(code: &str) -> Value {
    json!({ "ClientId": CLIENT_ID, "Username": "alice", "ConfirmationCode": code })
}

#[tokio::test]
async fn a_sign_up_is_confirmed_with_the_code_that_was_sent() {
    let bed = TestBed::new();
    let signed_up = bed.call("SignUp", sign_up(PASSWORD)).await.unwrap();
    assert_eq!(signed_up["UserConfirmed"], false);
    assert_eq!(signed_up["CodeDeliveryDetails"]["Destination"], "a***@e***");
    let message = bed.pool.messages().pop().unwrap();
    assert_eq!((message.to.as_str(), message.user_name.as_str()), ("alice@example.com", "alice"));

    let wrong = if message.code == "000000" { "000001" } else { "000000" };
    assert_error(
        bed.call("ConfirmSignUp", confirmation(wrong)).await,
        "CodeMismatchException",
        "Invalid verification code provided, please try again.",
    );
    bed.call("ConfirmSignUp", confirmation(&message.code)).await.unwrap();
    assert_error(
        bed.call("ConfirmSignUp", confirmation(&message.code)).await,
        "NotAuthorizedException",
        "User cannot be confirmed. Current status is CONFIRMED",
    );
    let user = json!({ "UserPoolId": POOL_ID, "Username": "alice" });
    let user = bed.call("AdminGetUser", user).await.unwrap();
    assert_eq!(user["UserStatus"], "CONFIRMED");
    let attributes = json!([
        { "Name": "sub", "Value": signed_up["UserSub"] },
        { "Name": "email", "Value": "alice@example.com" },
        { "Name": "email_verified", "Value": "true" },
    ]);
    assert_eq!(user["UserAttributes"], attributes);
    bed.sign_in("alice").await;
}

#[tokio::test]
async fn a_confirmation_code_expires_after_a_day() {
    let bed = TestBed::new();
    bed.call("SignUp", sign_up(PASSWORD)).await.unwrap();
    let code = bed.pool.messages().pop().unwrap().code;
    bed.advance(24 * 3600);
    let expired = "Invalid code provided, please request a code again.";
    assert_error(bed.call("ConfirmSignUp", confirmation(&code)).await, "ExpiredCodeException", expired);
}

#[tokio::test]
async fn confirming_an_unknown_user_is_user_not_found_under_legacy_only() {
    let hidden = TestBed::new().call("ConfirmSignUp", confirmation("123456")).await;
    assert_eq!(hidden.unwrap_err().kind, "ExpiredCodeException");
    let error = TestBed::with(legacy(), usual_answer).call("ConfirmSignUp", confirmation("123456")).await;
    assert_error(error, "UserNotFoundException", "Username/client id combination not found.");
}

#[tokio::test]
async fn an_operator_confirms_without_a_code() {
    let bed = TestBed::new();
    bed.call("SignUp", sign_up(PASSWORD)).await.unwrap();
    bed.call("AdminConfirmSignUp", json!({ "UserPoolId": POOL_ID, "Username": "Alice" })).await.unwrap();
    bed.sign_in("alice").await;
}

#[tokio::test]
async fn a_user_name_is_taken_once_in_whatever_case() {
    let bed = TestBed::new();
    bed.add_user("Alice").await;
    assert_error(bed.call("SignUp", sign_up(PASSWORD)).await, "UsernameExistsException", "User already exists");
    let again = json!({ "UserPoolId": POOL_ID, "Username": "ALICE" });
    assert_error(bed.call("AdminCreateUser", again).await, "UsernameExistsException", "User account already exists");
}

#[tokio::test]
async fn a_password_has_to_meet_the_policy() {
    let bed = TestBed::new();
    for (password, kind, message) in [
        ("x".repeat(11), "InvalidPasswordException", "Password did not conform with policy: Password not long enough"),
        (
            "x".repeat(257),
            "InvalidParameterException",
            "1 validation error detected: Value at 'password' failed to satisfy constraint: \
             Member must have length less than or equal to 256",
        ),
    ] {
        assert_error(bed.call("SignUp", sign_up(&password)).await, kind, message);
    }
    bed.call("SignUp", sign_up("no rules of composition")).await.unwrap();
}

#[tokio::test]
async fn a_temporary_password_is_sent_unless_the_operator_suppresses_it() {
    let bed = TestBed::new();
    let body = json!({
        "UserPoolId": POOL_ID,
        "Username": "alice",
        "UserAttributes": [{ "Name": "email", "Value": "alice@example.com" }],
    });
    bed.call("AdminCreateUser", body.clone()).await.unwrap();
    let temporary = bed.pool.messages().pop().unwrap().code;
    let asked = bed.prove_password("alice", &temporary).await.unwrap();
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");

    let bed = TestBed::new();
    let mut silent = body;
    silent["MessageAction"] = json!("SUPPRESS");
    bed.call("AdminCreateUser", silent).await.unwrap();
    assert!(bed.pool.messages().is_empty());
}

#[tokio::test]
async fn a_password_that_an_operator_sets_for_now_has_to_be_changed() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let body = json!({ "UserPoolId": POOL_ID, "Username": "alice", "Password": "For-The-Moment-1" });
    bed.call("AdminSetUserPassword", body).await.unwrap();
    let asked = bed.prove_password("alice", "For-The-Moment-1").await.unwrap();
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
}

#[tokio::test]
async fn nobody_sets_the_sub_and_no_client_says_that_an_address_was_verified() {
    let bed = TestBed::new();
    let with = |name: &str| {
        let mut body = sign_up(PASSWORD);
        body["UserAttributes"] = json!([{ "Name": name, "Value": "true" }]);
        body
    };
    for name in ["sub", "cognito:user_status"] {
        let message = format!("Cannot modify the non-mutable attribute {name}");
        assert_error(bed.call("SignUp", with(name)).await, "InvalidParameterException", &message);
    }
    assert_error(
        bed.call("SignUp", with("email_verified")).await,
        "NotAuthorizedException",
        "A client attempted to write unauthorized attribute",
    );
}

#[tokio::test]
async fn what_is_missing_or_unknown_is_named() {
    let bed = TestBed::new();
    assert_error(
        bed.call("InitiateAuth", json!({ "AuthFlow": "CUSTOM_AUTH" })).await,
        "InvalidParameterException",
        "1 validation error detected: Value null at 'clientId' failed to satisfy constraint: Member must not be null",
    );
    assert_error(
        bed.call("InitiateAuth", json!({ "ClientId": "nobody's", "AuthFlow": "CUSTOM_AUTH" })).await,
        "ResourceNotFoundException",
        "User pool client nobody's does not exist.",
    );
    assert_error(
        bed.call("AdminGetUser", json!({ "UserPoolId": POOL_ID, "Username": "nobody" })).await,
        "UserNotFoundException",
        "User does not exist.",
    );
    let mistyped = bed.call("SignUp", json!({ "ClientId": 7 })).await;
    assert_eq!(mistyped.unwrap_err().kind, "SerializationException");
    let unknown = bed.call("ListDevices", json!({})).await;
    assert_eq!(unknown.unwrap_err().kind, "UnknownOperationException");
}
