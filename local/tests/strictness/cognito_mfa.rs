//! Cognito's own MFA: how a factor is set up, when it is asked for, and what is insisted on.

use local::{
    AfterCognitoChallenge, ClientSettings, CognitoError, ExplicitAuthFlow, MfaConfiguration, PoolSettings, Trigger,
};
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::totp::{Parameters, SharedSecret, passcode_at};

use crate::test_bed::{CLIENT_ID, PASSWORD, POOL_ID, TestBed, assert_error, assert_incorrect, response, usual_answer};

const OTHER_CLIENT: &str = "anotherclient0000000000000";
const INVALID: &str = "Invalid session for the user.";
const ONCE: &str = "Invalid session for the user, session can only be used once.";
const EXPIRED: &str = "Invalid session for the user, session is expired.";
const NOT_SET_UP: &str = "User has not set up software token mfa";
const MISMATCH: &str = "Invalid code received for user";

/// A pool with two clients that allow every flow.
fn bed(mfa_configuration: MfaConfiguration, after_cognito_mfa: AfterCognitoChallenge) -> TestBed {
    use ExplicitAuthFlow::{AdminUserPassword, CustomAuth, RefreshToken, UserPassword, UserSrp};
    let flows = [CustomAuth, RefreshToken, UserPassword, UserSrp, AdminUserPassword];
    let client = ClientSettings { explicit_auth_flows: flows.to_vec(), ..ClientSettings::default() };
    let clients = vec![client.clone(), ClientSettings { client_id: OTHER_CLIENT.to_owned(), ..client }];
    let settings = PoolSettings { mfa_configuration, after_cognito_mfa, clients, ..PoolSettings::default() };
    TestBed::with(settings, usual_answer)
}

async fn optional() -> TestBed {
    let bed = bed(MfaConfiguration::Optional, AfterCognitoChallenge::CallDefine);
    bed.add_user("alice").await;
    bed
}

async fn by_password(bed: &TestBed, user_name: &str) -> Result<Value, CognitoError> {
    let parameters = json!({ "USERNAME": user_name, "PASSWORD": PASSWORD });
    let body = json!({ "ClientId": CLIENT_ID, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    bed.call("InitiateAuth", body).await
}

async fn access_token(bed: &TestBed, user_name: &str) -> Value {
    by_password(bed, user_name).await.unwrap()["AuthenticationResult"]["AccessToken"].clone()
}

fn passcode(secret: &SharedSecret, at: UnixTime) -> String {
    passcode_at(secret, Parameters::default(), at).unwrap()
}

fn secret(associated: &Value) -> SharedSecret {
    SharedSecret::from_base32(associated["SecretCode"].as_str().unwrap()).unwrap()
}

/// By access token: associated, verified, preferred. Its first passcode is over.
async fn with_software_token(bed: &TestBed, user_name: &str) -> SharedSecret {
    let token = access_token(bed, user_name).await;
    let secret = secret(&bed.call("AssociateSoftwareToken", json!({ "AccessToken": token })).await.unwrap());
    let code = passcode(&secret, bed.now());
    let verify = json!({ "AccessToken": token, "UserCode": code, "FriendlyDeviceName": "Alice's phone" });
    let verified = bed.call("VerifySoftwareToken", verify).await.unwrap();
    assert_eq!(verified, json!({ "Status": "SUCCESS" }));
    prefer(bed, &token, "SoftwareTokenMfaSettings").await.unwrap();
    bed.advance(30);
    bed.take_calls();
    secret
}

async fn prefer(bed: &TestBed, token: &Value, settings: &str) -> Result<Value, CognitoError> {
    let body = json!({ "AccessToken": token, settings: { "Enabled": true, "PreferredMfa": true } });
    bed.call("SetUserMFAPreference", body).await
}

async fn answer_mfa(bed: &TestBed, asked: &Value, key: &str, code: &str) -> Result<Value, CognitoError> {
    bed.respond(asked, json!({ "USERNAME": asked["ChallengeParameters"]["USER_ID_FOR_SRP"], key: code })).await
}

async fn answer_token(bed: &TestBed, asked: &Value, code: &str) -> Result<Value, CognitoError> {
    answer_mfa(bed, asked, "SOFTWARE_TOKEN_MFA_CODE", code).await
}

fn has_tokens(answer: &Value) -> bool {
    answer["AuthenticationResult"]["AccessToken"].is_string()
}

#[tokio::test]
async fn a_software_token_is_associated_verified_preferred_and_then_asked_for() {
    let bed = optional().await;
    assert!(has_tokens(&by_password(&bed, "alice").await.unwrap()), "a user without a factor is not asked for one");
    let secret = with_software_token(&bed, "alice").await;
    let asked = by_password(&bed, "alice").await.unwrap();
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    assert_eq!(
        asked["ChallengeParameters"],
        json!({ "USER_ID_FOR_SRP": "alice", "FRIENDLY_DEVICE_NAME": "Alice's phone" })
    );
    assert!(has_tokens(&answer_token(&bed, &asked, &passcode(&secret, bed.now())).await.unwrap()));
    let user = bed.call("AdminGetUser", json!({ "UserPoolId": POOL_ID, "Username": "alice" })).await.unwrap();
    assert_eq!(user["UserMFASettingList"], json!(["SOFTWARE_TOKEN_MFA"]));
    assert_eq!(user["PreferredMfaSetting"], "SOFTWARE_TOKEN_MFA");
}

#[tokio::test]
async fn the_preference_waits_for_the_token_by_both_operations() {
    let bed = optional().await;
    let token = access_token(&bed, "alice").await;
    let settings = json!({ "Enabled": true });
    let by_operator = json!({ "UserPoolId": POOL_ID, "Username": "alice", "SoftwareTokenMfaSettings": settings });
    for _ in 0..2 {
        let refused = prefer(&bed, &token, "SoftwareTokenMfaSettings").await;
        assert_error(refused, "InvalidParameterException", NOT_SET_UP);
        let refused = bed.call("AdminSetUserMFAPreference", by_operator.clone()).await;
        assert_error(refused, "InvalidParameterException", NOT_SET_UP);
        // Associated is not yet verified.
        bed.call("AssociateSoftwareToken", json!({ "AccessToken": token })).await.unwrap();
    }
    let refused = prefer(&bed, &token, "SMSMfaSettings").await;
    let no_phone = "User does not have delivery config set to turn on SMS_MFA";
    assert_error(refused, "InvalidParameterException", no_phone);
}

#[tokio::test]
async fn a_wrong_passcode_may_be_typed_again_and_a_right_one_works_once() {
    let bed = optional().await;
    let secret = with_software_token(&bed, "alice").await;
    let (one, other) = (by_password(&bed, "alice").await.unwrap(), by_password(&bed, "alice").await.unwrap());
    for wrong in ["000000", "12345", "", "１２３４５６"] {
        assert_error(answer_token(&bed, &one, wrong).await, "CodeMismatchException", MISMATCH);
    }
    let code = passcode(&secret, bed.now());
    assert!(has_tokens(&answer_token(&bed, &one, &code).await.unwrap()));
    assert_error(
        answer_token(&bed, &other, &code).await,
        "ExpiredCodeException",
        "Your software token has already been used once.",
    );
    let after = answer_token(&bed, &one, &passcode(&secret, bed.now().plus(30))).await;
    assert_error(after, "NotAuthorizedException", ONCE);
}

#[tokio::test]
async fn the_passcode_of_the_verification_is_used() {
    let bed = optional().await;
    let token = access_token(&bed, "alice").await;
    let secret = secret(&bed.call("AssociateSoftwareToken", json!({ "AccessToken": token })).await.unwrap());
    let wrong = json!({ "AccessToken": token, "UserCode": "000000" });
    let mismatch = bed.call("VerifySoftwareToken", wrong).await;
    assert_error(mismatch, "EnableSoftwareTokenMFAException", "Code mismatch");
    let code = passcode(&secret, bed.now());
    bed.call("VerifySoftwareToken", json!({ "AccessToken": token, "UserCode": code })).await.unwrap();
    prefer(&bed, &token, "SoftwareTokenMfaSettings").await.unwrap();
    let asked = by_password(&bed, "alice").await.unwrap();
    assert_eq!(answer_token(&bed, &asked, &code).await.unwrap_err().kind, "ExpiredCodeException");
}

#[tokio::test]
async fn a_passcode_of_another_user_is_wrong() {
    let bed = optional().await;
    bed.add_user("bob").await;
    let (alices, bobs) = (with_software_token(&bed, "alice").await, with_software_token(&bed, "bob").await);
    let asked = by_password(&bed, "alice").await.unwrap();
    let refused = answer_token(&bed, &asked, &passcode(&bobs, bed.now())).await;
    assert_error(refused, "CodeMismatchException", MISMATCH);
    assert!(has_tokens(&answer_token(&bed, &asked, &passcode(&alices, bed.now())).await.unwrap()));
}

#[tokio::test]
async fn a_new_association_switches_the_old_token_off_until_it_is_verified() {
    let bed = optional().await;
    let secret = with_software_token(&bed, "alice").await;
    let asked = by_password(&bed, "alice").await.unwrap();
    let tokens = answer_token(&bed, &asked, &passcode(&secret, bed.now())).await.unwrap();
    let token = &tokens["AuthenticationResult"]["AccessToken"];
    bed.call("AssociateSoftwareToken", json!({ "AccessToken": token })).await.unwrap();
    assert!(has_tokens(&by_password(&bed, "alice").await.unwrap()));
}

#[tokio::test]
async fn in_custom_auth_a_cognito_factor_precedes_define_or_replaces_it() {
    for (after_cognito_mfa, tokens_follow) in
        [(AfterCognitoChallenge::CallDefine, false), (AfterCognitoChallenge::IssueTokens, true)]
    {
        let bed = bed(MfaConfiguration::Optional, after_cognito_mfa);
        bed.add_user("alice").await;
        let secret = with_software_token(&bed, "alice").await;
        let asked = bed.prove_password("alice", PASSWORD).await.unwrap();
        assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
        assert_eq!(bed.take_events(Trigger::DefineAuthChallenge).len(), 1, "for PASSWORD_VERIFIER");
        let answer = answer_token(&bed, &asked, &passcode(&secret, bed.now())).await;
        if tokens_follow {
            assert!(has_tokens(&answer.unwrap()));
            assert_eq!(bed.take_events(Trigger::DefineAuthChallenge), Vec::<Value>::new());
        } else {
            // The small Define of these tests does not handle such an entry.
            assert_incorrect(answer);
            let [define] = &bed.take_events(Trigger::DefineAuthChallenge)[..] else { panic!("one event") };
            assert_eq!(
                define["request"]["session"][2],
                json!({
                    "challengeName": "SOFTWARE_TOKEN_MFA", "challengeResult": true, "challengeMetadata": null,
                })
            );
        }
    }
}

#[tokio::test]
async fn with_mfa_off_no_token_is_set_up_and_an_old_one_is_not_asked_for() {
    let bed = optional().await;
    with_software_token(&bed, "alice").await;
    let off = json!({ "UserPoolId": POOL_ID, "MfaConfiguration": "OFF" });
    assert_eq!(bed.call("SetUserPoolMfaConfig", off).await.unwrap(), json!({ "MfaConfiguration": "OFF" }));
    let token = access_token(&bed, "alice").await;
    let refused = bed.call("AssociateSoftwareToken", json!({ "AccessToken": token })).await;
    let not_enabled = "Software Token MFA has not been enabled by the userPool";
    assert_error(refused, "SoftwareTokenMFANotFoundException", not_enabled);
}

#[tokio::test]
async fn mfa_configuration_is_read_as_set_and_is_on_only_with_a_factor() {
    let bed = optional().await;
    let config = json!({ "MfaConfiguration": "ON", "SoftwareTokenMfaConfiguration": { "Enabled": true } });
    let mut set = config.clone();
    set["UserPoolId"] = json!(POOL_ID);
    assert_eq!(bed.call("SetUserPoolMfaConfig", set).await.unwrap(), config);
    let none = "Invalid MFA Configuration given. SMS MFA, Email MFA, or Software Token MFA must be enabled.";
    let both = "Invalid MFA configuration given, can't turn off MFA and configure an MFA together.";
    let word = "1 validation error detected: Value 'SOMETIMES' at 'mfaConfiguration' failed to satisfy constraint: \
                Member must satisfy enum value set";
    for (wrong, message) in [
        (json!({ "MfaConfiguration": "ON" }), none),
        (json!({ "MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": { "Enabled": false } }), none),
        (json!({ "MfaConfiguration": "OFF", "SoftwareTokenMfaConfiguration": { "Enabled": true } }), both),
        (json!({ "MfaConfiguration": "OFF", "EmailMfaConfiguration": {} }), both),
        (json!({ "MfaConfiguration": "SOMETIMES" }), word),
    ] {
        let mut wrong = wrong;
        wrong["UserPoolId"] = json!(POOL_ID);
        assert_error(bed.call("SetUserPoolMfaConfig", wrong).await, "InvalidParameterException", message);
    }
    assert_eq!(bed.call("GetUserPoolMfaConfig", json!({ "UserPoolId": POOL_ID })).await.unwrap(), config);
}

#[tokio::test]
async fn an_operator_deletes_a_software_token() {
    let bed = optional().await;
    with_software_token(&bed, "alice").await;
    let user = json!({ "UserPoolId": POOL_ID, "Username": "alice" });
    bed.call("AdminDeleteSoftwareToken", user.clone()).await.unwrap();
    assert!(has_tokens(&by_password(&bed, "alice").await.unwrap()));
    assert_eq!(bed.call("AdminGetUser", user).await.unwrap().get("UserMFASettingList"), None);
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_code_once_and_the_factor_stays() {
    let bed = optional().await;
    let secret = with_software_token(&bed, "alice").await;
    let forgot = json!({ "ClientId": CLIENT_ID, "Username": "alice" });
    let sent = bed.call("ForgotPassword", forgot).await.unwrap();
    assert_eq!(sent["CodeDeliveryDetails"]["Destination"], "a***@e***");
    let confirm = |code: &str| json!({ "ClientId": CLIENT_ID, "Username": "alice", "ConfirmationCode": code, "Password": PASSWORD });
    let wrong = bed.call("ConfirmForgotPassword", confirm("wrong")).await;
    assert_eq!(wrong.unwrap_err().kind, "CodeMismatchException");
    let code = bed.pool.messages().last().unwrap().code.clone();
    bed.call("ConfirmForgotPassword", confirm(&code)).await.unwrap();
    let again = bed.call("ConfirmForgotPassword", confirm(&code)).await;
    assert_eq!(again.unwrap_err().kind, "ExpiredCodeException");
    let asked = by_password(&bed, "alice").await.unwrap();
    assert!(has_tokens(&answer_token(&bed, &asked, &passcode(&secret, bed.now())).await.unwrap()));
}

#[tokio::test]
async fn a_forgotten_password_reveals_no_user_and_its_code_expires() {
    let bed = optional().await;
    let sent = async |user_name: &str| {
        let answer = bed.call("ForgotPassword", json!({ "ClientId": CLIENT_ID, "Username": user_name })).await;
        answer.unwrap()["CodeDeliveryDetails"]["DeliveryMedium"].clone()
    };
    let before = bed.pool.messages().len();
    assert_eq!(sent("nobody").await, "EMAIL");
    assert_eq!(bed.pool.messages().len(), before);
    assert_eq!(sent("alice").await, "EMAIL");
    let code = bed.pool.messages().last().unwrap().code.clone();
    bed.advance(60 * 60);
    for user_name in ["alice", "nobody"] {
        let confirm = json!({
            "ClientId": CLIENT_ID, "Username": user_name, "ConfirmationCode": code, "Password": PASSWORD,
        });
        assert_error(
            bed.call("ConfirmForgotPassword", confirm).await,
            "ExpiredCodeException",
            "Invalid code provided, please request a code again.",
        );
    }
}

// ── The order of the set-up.

/// Asked to set a factor up, as where MFA is on.
async fn asked_to_set_up(bed: &TestBed) -> Value {
    bed.add_user("alice").await;
    let asked = by_password(bed, "alice").await.unwrap();
    assert_eq!(asked["ChallengeName"], "MFA_SETUP");
    asked
}

fn required() -> TestBed {
    bed(MfaConfiguration::On, AfterCognitoChallenge::CallDefine)
}

/// One step of the set-up by session: what it answered, and the session string that it handed on in `asked`.
async fn step(bed: &TestBed, asked: &mut Value, operation: &str, code: Option<&str>) -> Result<Value, CognitoError> {
    let answer = bed.call(operation, json!({ "Session": asked["Session"], "UserCode": code })).await?;
    asked["Session"] = answer["Session"].clone();
    Ok(answer)
}

async fn finish(bed: &TestBed, asked: &Value) -> Result<Value, CognitoError> {
    bed.respond(asked, json!({ "USERNAME": "alice" })).await
}

#[tokio::test]
async fn with_mfa_on_the_first_sign_in_sets_it_up_in_one_order_only() {
    let bed = required();
    let mut asked = asked_to_set_up(&bed).await;
    assert_eq!(asked["ChallengeParameters"]["MFAS_CAN_SETUP"], "[\"SOFTWARE_TOKEN_MFA\"]");
    let early = step(&bed, &mut asked, "VerifySoftwareToken", Some("000000")).await;
    assert_error(early, "InvalidParameterException", NOT_SET_UP);
    assert_error(finish(&bed, &asked).await, "InvalidParameterException", NOT_SET_UP);

    let first = secret(&step(&bed, &mut asked, "AssociateSoftwareToken", None).await.unwrap());
    assert_error(finish(&bed, &asked).await, "InvalidParameterException", NOT_SET_UP);
    let second = secret(&step(&bed, &mut asked, "AssociateSoftwareToken", None).await.unwrap());
    for wrong in ["000000", &passcode(&first, bed.now())] {
        let wrong = step(&bed, &mut asked, "VerifySoftwareToken", Some(wrong)).await;
        assert_error(wrong, "EnableSoftwareTokenMFAException", "Code mismatch");
    }
    let code = passcode(&second, bed.now());
    let verified = step(&bed, &mut asked, "VerifySoftwareToken", Some(&code)).await.unwrap();
    assert_eq!(verified["Status"], "SUCCESS");
    let again = step(&bed, &mut asked, "VerifySoftwareToken", Some(&code)).await;
    assert_error(again, "EnableSoftwareTokenMFAException", "Code mismatch");

    let third = secret(&step(&bed, &mut asked, "AssociateSoftwareToken", None).await.unwrap());
    assert_error(finish(&bed, &asked).await, "InvalidParameterException", NOT_SET_UP);
    let code = passcode(&third, bed.now());
    step(&bed, &mut asked, "VerifySoftwareToken", Some(&code)).await.unwrap();
    assert!(has_tokens(&finish(&bed, &asked).await.unwrap()));

    bed.advance(30);
    let asked = by_password(&bed, "alice").await.unwrap();
    assert!(has_tokens(&answer_token(&bed, &asked, &passcode(&third, bed.now())).await.unwrap()));
}

#[tokio::test]
async fn a_token_removed_after_its_verification_does_not_end_the_set_up() {
    let bed = required();
    let mut asked = asked_to_set_up(&bed).await;
    let secret = secret(&step(&bed, &mut asked, "AssociateSoftwareToken", None).await.unwrap());
    let code = passcode(&secret, bed.now());
    step(&bed, &mut asked, "VerifySoftwareToken", Some(&code)).await.unwrap();
    bed.call("AdminDeleteSoftwareToken", json!({ "UserPoolId": POOL_ID, "Username": "alice" })).await.unwrap();
    assert_error(finish(&bed, &asked).await, "InvalidParameterException", NOT_SET_UP);
    let mut other = by_password(&bed, "alice").await.unwrap();
    step(&bed, &mut other, "AssociateSoftwareToken", None).await.unwrap();
    assert_error(finish(&bed, &asked).await, "InvalidParameterException", NOT_SET_UP);
}

#[tokio::test]
async fn with_mfa_on_a_verified_token_is_asked_for_even_before_set_up_ends() {
    let bed = required();
    let mut asked = asked_to_set_up(&bed).await;
    let secret = secret(&step(&bed, &mut asked, "AssociateSoftwareToken", None).await.unwrap());
    let code = passcode(&secret, bed.now());
    step(&bed, &mut asked, "VerifySoftwareToken", Some(&code)).await.unwrap();
    let off = json!({ "UserPoolId": POOL_ID, "Username": "alice", "SoftwareTokenMfaSettings": { "Enabled": false } });
    for _ in 0..2 {
        bed.advance(30);
        let asked = by_password(&bed, "alice").await.unwrap();
        assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
        assert!(has_tokens(&answer_token(&bed, &asked, &passcode(&secret, bed.now())).await.unwrap()));
        bed.call("AdminSetUserMFAPreference", off.clone()).await.unwrap();
    }
}

#[tokio::test]
async fn of_many_associations_by_one_session_string_at_once_one_is_made() {
    let bed = std::sync::Arc::new(required());
    let asked = asked_to_set_up(&bed).await;
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let (bed, mut asked) = (bed.clone(), asked.clone());
            tokio::spawn(async move { step(&bed, &mut asked, "AssociateSoftwareToken", None).await })
        })
        .collect();
    let mut made = 0;
    for call in calls {
        made += usize::from(call.await.unwrap().is_ok());
    }
    assert_eq!(made, 1);
}

#[tokio::test]
async fn set_up_takes_an_access_token_or_mfa_setups_session_and_six_digits() {
    let bed = optional().await;
    let token = access_token(&bed, "alice").await;
    let one_of_both = "Exactly one of AccessToken and Session has to be there";
    for operation in ["AssociateSoftwareToken", "VerifySoftwareToken"] {
        for by in [json!({}), json!({ "AccessToken": token, "Session": "x" })] {
            let mut body = by;
            body["UserCode"] = json!("000000");
            assert_error(bed.call(operation, body).await, "InvalidParameterException", one_of_both);
        }
    }
    let early = bed.call("VerifySoftwareToken", json!({ "AccessToken": token, "UserCode": "000000" })).await;
    assert_error(early, "InvalidParameterException", NOT_SET_UP);
    bed.call("AssociateSoftwareToken", json!({ "AccessToken": token })).await.unwrap();
    for code in ["", "12345", "1234567", "12 456", "１２３４５６"] {
        let refused = bed.call("VerifySoftwareToken", json!({ "AccessToken": token, "UserCode": code })).await;
        assert_eq!(refused.unwrap_err().kind, "InvalidParameterException", "{code}");
    }
}

#[tokio::test]
async fn one_factor_that_is_enabled_may_be_preferred() {
    let bed = optional().await;
    with_software_token(&bed, "alice").await;
    let prefer = async |settings: Value| {
        let mut body = settings;
        body["UserPoolId"] = json!(POOL_ID);
        body["Username"] = json!("alice");
        bed.call("AdminSetUserMFAPreference", body).await
    };
    let yes = json!({ "Enabled": true, "PreferredMfa": true });
    let two = prefer(json!({ "SoftwareTokenMfaSettings": yes, "EmailMfaSettings": yes })).await;
    assert_error(two, "InvalidParameterException", "Only one MFA factor can be preferred");
    let off = prefer(json!({ "SoftwareTokenMfaSettings": { "Enabled": false, "PreferredMfa": true } })).await;
    assert_error(off, "InvalidParameterException", "Only an enabled MFA factor can be preferred");
    assert_eq!(by_password(&bed, "alice").await.unwrap()["ChallengeName"], "SOFTWARE_TOKEN_MFA");
}

#[tokio::test]
async fn a_stale_or_foreign_token_associates_verifies_and_prefers_nothing() {
    let bed = optional().await;
    with_software_token(&bed, "alice").await;
    bed.add_user("bob").await;
    let sign_in = async || by_password(&bed, "bob").await.unwrap()["AuthenticationResult"].clone();
    let (revoked, signed_out, signed_out_by_operator, valid) =
        (sign_in().await, sign_in().await, sign_in().await, sign_in().await);
    bed.call("RevokeToken", json!({ "ClientId": CLIENT_ID, "Token": revoked["RefreshToken"] })).await.unwrap();
    let [header, claims, signature] = valid["AccessToken"].as_str().unwrap().split('.').collect::<Vec<_>>()[..] else {
        panic!("a JWT")
    };
    let forged = json!(format!("{header}.{claims}A.{signature}"));
    let unsigned = json!(format!("{header}.{claims}."));
    let check = async |token: &Value, message: &str| {
        let yes = json!({ "Enabled": true, "PreferredMfa": true });
        for (operation, body) in [
            ("AssociateSoftwareToken", json!({})),
            ("VerifySoftwareToken", json!({ "UserCode": "000000" })),
            ("SetUserMFAPreference", json!({ "EmailMfaSettings": yes })),
        ] {
            let mut body = body;
            body["AccessToken"] = token.clone();
            assert_error(bed.call(operation, body).await, "NotAuthorizedException", message);
        }
    };
    for token in [&json!("made up"), &forged, &unsigned, &valid["IdToken"], &valid["RefreshToken"]] {
        check(token, "Invalid Access Token").await;
    }
    check(&revoked["AccessToken"], "Access Token has been revoked").await;
    bed.call("GlobalSignOut", json!({ "AccessToken": signed_out["AccessToken"] })).await.unwrap();
    check(&signed_out["AccessToken"], "Access Token has been revoked").await;
    let user = json!({ "UserPoolId": POOL_ID, "Username": "bob" });
    bed.call("AdminUserGlobalSignOut", user.clone()).await.unwrap();
    check(&signed_out_by_operator["AccessToken"], "Access Token has been revoked").await;
    let expired = sign_in().await;
    bed.advance(60 * 60);
    check(&expired["AccessToken"], "Access Token has expired").await;
    assert_eq!(bed.call("AdminGetUser", user).await.unwrap().get("UserMFASettingList"), None);
}

// ── Which factor is required.

#[tokio::test]
async fn every_flow_that_asks_for_a_password_asks_for_the_factor() {
    let bed = optional().await;
    let secret = with_software_token(&bed, "alice").await;
    let parameters = json!({ "USERNAME": "alice", "PASSWORD": PASSWORD });
    let mut asked = Vec::new();
    for (operation, flow) in [
        ("InitiateAuth", "USER_PASSWORD_AUTH"),
        ("AdminInitiateAuth", "ADMIN_USER_PASSWORD_AUTH"),
        ("AdminInitiateAuth", "ADMIN_NO_SRP_AUTH"),
    ] {
        let body =
            json!({ "UserPoolId": POOL_ID, "ClientId": CLIENT_ID, "AuthFlow": flow, "AuthParameters": parameters });
        asked.push(bed.call(operation, body).await.unwrap());
    }
    let (srp, password) = bed.initiate_flow("USER_SRP_AUTH", "alice").await.unwrap();
    let claim = srp.answer(&password["ChallengeParameters"], PASSWORD, bed.now()).unwrap();
    asked.push(bed.respond(&password, claim).await.unwrap());
    for asked in asked {
        assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
        let mut body =
            response(&asked, json!({ "USERNAME": "alice", "SOFTWARE_TOKEN_MFA_CODE": passcode(&secret, bed.now()) }));
        body["UserPoolId"] = json!(POOL_ID);
        assert!(has_tokens(&bed.call("AdminRespondToAuthChallenge", body).await.unwrap()));
        bed.advance(30);
    }
    assert_eq!(bed.prove_password("alice", PASSWORD).await.unwrap()["ChallengeName"], "SOFTWARE_TOKEN_MFA");
}

async fn set_config(bed: &TestBed, mfa_configuration: &str, factors: Value) {
    let mut config = factors;
    config["UserPoolId"] = json!(POOL_ID);
    config["MfaConfiguration"] = json!(mfa_configuration);
    bed.call("SetUserPoolMfaConfig", config).await.unwrap();
}

fn every_factor() -> Value {
    json!({ "SoftwareTokenMfaConfiguration": { "Enabled": true }, "SmsMfaConfiguration": {}, "EmailMfaConfiguration": {} })
}

async fn add_reachable_user(bed: &TestBed, user_name: &str) {
    let attributes = json!([
        { "Name": "email", "Value": format!("{user_name}@example.com") }, { "Name": "phone_number", "Value": "+15555550123" },
    ]);
    let user = json!({ "UserPoolId": POOL_ID, "Username": user_name, "UserAttributes": attributes });
    bed.call("AdminCreateUser", user).await.unwrap();
    let password = json!({ "UserPoolId": POOL_ID, "Username": user_name, "Password": PASSWORD, "Permanent": true });
    bed.call("AdminSetUserPassword", password).await.unwrap();
}

async fn enable(bed: &TestBed, user_name: &str, settings: &[&str]) {
    let mut body = json!({ "UserPoolId": POOL_ID, "Username": user_name });
    for settings in settings {
        body[*settings] = json!({ "Enabled": true });
    }
    bed.call("AdminSetUserMFAPreference", body).await.unwrap();
}

fn last_code(bed: &TestBed) -> String {
    bed.pool.messages().last().unwrap().code.clone()
}

#[tokio::test]
async fn with_mfa_on_a_user_without_a_factor_gets_a_code_at_a_known_address() {
    let bed = required();
    bed.add_user("alice").await;
    add_reachable_user(&bed, "carol").await;
    bed.call("AdminCreateUser", json!({ "UserPoolId": POOL_ID, "Username": "dan" })).await.unwrap();
    let password = json!({ "UserPoolId": POOL_ID, "Username": "dan", "Password": PASSWORD, "Permanent": true });
    bed.call("AdminSetUserPassword", password).await.unwrap();
    let token_only = json!({ "SoftwareTokenMfaConfiguration": { "Enabled": true } });
    for (factors, expected) in [
        (token_only, [("alice", "MFA_SETUP"), ("carol", "MFA_SETUP"), ("dan", "MFA_SETUP")]),
        (json!({ "SmsMfaConfiguration": {} }), [("alice", "MFA_SETUP"), ("carol", "SMS_MFA"), ("dan", "MFA_SETUP")]),
        (every_factor(), [("alice", "EMAIL_OTP"), ("carol", "SELECT_MFA_TYPE"), ("dan", "MFA_SETUP")]),
    ] {
        set_config(&bed, "ON", factors.clone()).await;
        for (user_name, challenge) in expected {
            let asked = by_password(&bed, user_name).await.unwrap();
            assert_eq!(asked["ChallengeName"], challenge, "{user_name}, {factors}");
        }
    }
    let asked = by_password(&bed, "dan").await.unwrap();
    let offered = "[\"SOFTWARE_TOKEN_MFA\",\"SMS_MFA\",\"EMAIL_OTP\"]";
    assert_eq!(asked["ChallengeParameters"]["MFAS_CAN_SETUP"], offered);
}

#[tokio::test]
async fn the_user_selects_a_factor_and_a_code_is_valid_for_its_challenge_only() {
    let bed = optional().await;
    set_config(&bed, "OPTIONAL", every_factor()).await;
    for user_name in ["carol", "dan"] {
        add_reachable_user(&bed, user_name).await;
        enable(&bed, user_name, &["SMSMfaSettings", "EmailMfaSettings"]).await;
    }
    let choose = async |user_name: &str, factor: &str| {
        let asked = by_password(&bed, user_name).await.unwrap();
        assert_eq!(asked["ChallengeName"], "SELECT_MFA_TYPE");
        assert_eq!(asked["ChallengeParameters"]["MFAS_CAN_CHOOSE"], "[\"SMS_MFA\",\"EMAIL_OTP\"]");
        let absent = answer_mfa(&bed, &asked, "ANSWER", "SOFTWARE_TOKEN_MFA").await;
        assert_error(absent, "InvalidParameterException", "SOFTWARE_TOKEN_MFA is not among MFAS_CAN_CHOOSE");
        let asked = answer_mfa(&bed, &asked, "ANSWER", factor).await.unwrap();
        assert_eq!(asked["ChallengeName"], factor);
        (asked, last_code(&bed))
    };
    for (factor, other, key, medium, hint) in [
        ("SMS_MFA", "EMAIL_OTP", "SMS_MFA_CODE", "SMS", "+*******0123"),
        ("EMAIL_OTP", "SMS_MFA", "EMAIL_OTP_CODE", "EMAIL", "c***@e***"),
    ] {
        let (asked, code) = choose("carol", factor).await;
        let expected = json!({
            "CODE_DELIVERY_DELIVERY_MEDIUM": medium, "CODE_DELIVERY_DESTINATION": hint, "USER_ID_FOR_SRP": "carol",
        });
        assert_eq!(asked["ChallengeParameters"], expected);
        let others = [choose("dan", factor).await.1, choose("carol", factor).await.1, choose("carol", other).await.1];
        for wrong in others.iter().filter(|wrong| **wrong != code).map(String::as_str).chain(["wrong", ""]) {
            let wrong = answer_mfa(&bed, &asked, key, wrong).await;
            assert_error(wrong, "CodeMismatchException", "Invalid code or auth state for the user.");
        }
        assert!(has_tokens(&answer_mfa(&bed, &asked, key, &code).await.unwrap()));
    }
}

// ── Session strings.

/// Every challenge, and a response of the right form to it.
const CHALLENGES: [(&str, &[&str]); 8] = [
    ("PASSWORD_VERIFIER", &["PASSWORD_CLAIM_SECRET_BLOCK", "PASSWORD_CLAIM_SIGNATURE", "TIMESTAMP"]),
    ("NEW_PASSWORD_REQUIRED", &["NEW_PASSWORD"]),
    ("CUSTOM_CHALLENGE", &["ANSWER"]),
    ("SOFTWARE_TOKEN_MFA", &["SOFTWARE_TOKEN_MFA_CODE"]),
    ("SMS_MFA", &["SMS_MFA_CODE"]),
    ("EMAIL_OTP", &["EMAIL_OTP_CODE"]),
    ("SELECT_MFA_TYPE", &["ANSWER"]),
    ("MFA_SETUP", &[]),
];

/// What a user is asked, and the right response.
async fn asked(bed: &TestBed, challenge: &str, user_name: &str) -> (Value, Value) {
    let right = match challenge {
        "PASSWORD_VERIFIER" => {
            let (srp, asked) = bed.initiate(user_name).await.unwrap();
            let claim = srp.answer(&asked["ChallengeParameters"], PASSWORD, bed.now()).unwrap();
            return (asked, claim);
        }
        "CUSTOM_CHALLENGE" => {
            let asked = bed.prove_password(user_name, PASSWORD).await.unwrap();
            return (asked, json!({ "USERNAME": user_name, "ANSWER": "42" }));
        }
        "NEW_PASSWORD_REQUIRED" => {
            let temporary = json!({ "UserPoolId": POOL_ID, "Username": user_name, "Password": PASSWORD });
            bed.call("AdminSetUserPassword", temporary).await.unwrap();
            json!({ "NEW_PASSWORD": "Another-horse-8" })
        }
        "SOFTWARE_TOKEN_MFA" => {
            let secret = with_software_token(bed, user_name).await;
            json!({ "SOFTWARE_TOKEN_MFA_CODE": passcode(&secret, bed.now()) })
        }
        "SMS_MFA" => {
            enable(bed, user_name, &["SMSMfaSettings"]).await;
            json!({})
        }
        "EMAIL_OTP" => {
            enable(bed, user_name, &["EmailMfaSettings"]).await;
            json!({})
        }
        "SELECT_MFA_TYPE" => {
            enable(bed, user_name, &["SMSMfaSettings", "EmailMfaSettings"]).await;
            json!({ "ANSWER": "EMAIL_OTP" })
        }
        "MFA_SETUP" => {
            set_config(bed, "ON", json!({ "SoftwareTokenMfaConfiguration": { "Enabled": true } })).await;
            json!({})
        }
        other => panic!("{other}"),
    };
    let mut asked = by_password(bed, user_name).await.unwrap();
    let mut right = right;
    match challenge {
        "SMS_MFA" => right["SMS_MFA_CODE"] = json!(last_code(bed)),
        "EMAIL_OTP" => right["EMAIL_OTP_CODE"] = json!(last_code(bed)),
        "MFA_SETUP" => {
            let secret = secret(&step(bed, &mut asked, "AssociateSoftwareToken", None).await.unwrap());
            let code = passcode(&secret, bed.now());
            step(bed, &mut asked, "VerifySoftwareToken", Some(&code)).await.unwrap();
        }
        _ => {}
    }
    right["USERNAME"] = json!(user_name);
    (asked, right)
}

async fn bed_for_challenges() -> TestBed {
    let bed = optional().await;
    set_config(&bed, "OPTIONAL", every_factor()).await;
    for user_name in ["carol", "dan"] {
        add_reachable_user(&bed, user_name).await;
    }
    bed
}

#[tokio::test]
async fn at_every_challenge_a_foreign_session_string_fails_and_spends_nothing() {
    for (challenge, keys) in CHALLENGES {
        let bed = bed_for_challenges().await;
        let (carols, right) = asked(&bed, challenge, "carol").await;
        let (dans, dans_right) = asked(&bed, challenge, "dan").await;
        assert_eq!(carols["ChallengeName"], challenge);
        let refused = async |body: Value, what: &str| {
            let error = bed.call("RespondToAuthChallenge", body).await.expect_err(what);
            assert_eq!(
                (error.kind, error.message.as_str()),
                ("NotAuthorizedException", INVALID),
                "{challenge}: {what}"
            );
        };
        let with_session = |session: &str| {
            let mut body = response(&carols, right.clone());
            body["Session"] = json!(session);
            body
        };
        let session = carols["Session"].as_str().unwrap();
        refused(with_session(&"A".repeat(128)), "made up").await;
        refused(with_session(&format!("{session}A")), "longer").await;
        refused(with_session(&session.chars().skip(1).collect::<String>()), "shorter").await;
        refused(with_session(&session.to_uppercase()), "changed").await;
        refused(with_session(dans["Session"].as_str().unwrap()), "another user's").await;
        refused(response(&carols, dans_right.clone()), "another user's, the other way").await;
        let mut body = response(&carols, right.clone());
        body["ClientId"] = json!(OTHER_CLIENT);
        refused(body, "another client").await;
        for (other, keys) in CHALLENGES {
            if other != challenge {
                let mut responses = json!({ "USERNAME": "carol" });
                for key in keys {
                    responses[*key] = json!(match (other, *key) {
                        ("SELECT_MFA_TYPE", _) => "EMAIL_OTP",
                        (_, "TIMESTAMP") => "Tue Nov 3 09:05:07 UTC 2026",
                        (_, "NEW_PASSWORD") => PASSWORD,
                        _ => "000000",
                    });
                }
                let mut body = response(&carols, responses);
                body["ChallengeName"] = json!(other);
                refused(body, other).await;
            }
        }
        let mut without = response(&carols, right.clone());
        without.as_object_mut().unwrap().remove("Session");
        let without = bed.call("RespondToAuthChallenge", without).await;
        assert_error(without, "InvalidParameterException", "Missing required parameter Session");
        for key in keys {
            let mut responses = right.clone();
            responses.as_object_mut().unwrap().remove(*key);
            let missing = bed.respond(&carols, responses).await;
            assert_error(missing, "InvalidParameterException", &format!("Missing required parameter {key}"));
        }
        for (asked, right) in [(carols, right), (dans, dans_right)] {
            bed.respond(&asked, right).await.unwrap_or_else(|error| panic!("{challenge}: {error}"));
        }
    }
}

#[tokio::test]
async fn at_every_challenge_a_session_string_works_once_and_within_its_time() {
    for (challenge, _) in CHALLENGES {
        let bed = bed_for_challenges().await;
        let (carols, right) = asked(&bed, challenge, "carol").await;
        let (dans, dans_right) = asked(&bed, challenge, "dan").await;
        bed.respond(&carols, right.clone()).await.unwrap();
        for responses in [&right, &dans_right] {
            let mut responses = responses.clone();
            responses["USERNAME"] = json!("carol");
            assert_error(bed.respond(&carols, responses).await, "NotAuthorizedException", ONCE);
        }
        bed.advance(180);
        assert_error(bed.respond(&dans, dans_right).await, "NotAuthorizedException", EXPIRED);
    }
}

#[tokio::test]
async fn the_set_up_takes_no_session_string_but_its_own_open_one() {
    for (challenge, _) in CHALLENGES {
        let bed = bed_for_challenges().await;
        let (carols, right) = asked(&bed, challenge, "carol").await;
        let session = carols["Session"].clone();
        let call = async |operation: &str, session: &Value| {
            bed.call(operation, json!({ "Session": session, "UserCode": "000000" })).await
        };
        for operation in ["VerifySoftwareToken", "AssociateSoftwareToken"] {
            assert_error(call(operation, &json!("made up")).await, "NotAuthorizedException", INVALID);
            if challenge != "MFA_SETUP" {
                assert_error(call(operation, &session).await, "NotAuthorizedException", INVALID);
            }
        }
        bed.respond(&carols, right).await.unwrap();
        for operation in ["VerifySoftwareToken", "AssociateSoftwareToken"] {
            assert_error(call(operation, &session).await, "NotAuthorizedException", ONCE);
        }
    }
    let bed = required();
    let asked = asked_to_set_up(&bed).await;
    let mut went_on = asked.clone();
    step(&bed, &mut went_on, "AssociateSoftwareToken", None).await.unwrap();
    for operation in ["VerifySoftwareToken", "AssociateSoftwareToken"] {
        let spent = step(&bed, &mut asked.clone(), operation, Some("000000")).await;
        assert_error(spent, "NotAuthorizedException", ONCE);
    }
    assert_error(finish(&bed, &asked).await, "NotAuthorizedException", ONCE);
    bed.advance(180);
    for operation in ["VerifySoftwareToken", "AssociateSoftwareToken"] {
        let expired = step(&bed, &mut went_on.clone(), operation, Some("000000")).await;
        assert_error(expired, "NotAuthorizedException", EXPIRED);
    }
}
