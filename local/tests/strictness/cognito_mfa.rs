//! Cognito's own MFA: how a factor is set up, when it is asked for, and what is insisted on.

use local::{
    ClientSettings, CognitoError, ExplicitAuthFlow, MfaConfiguration, PoolSettings, Takeover, Trigger, UnixSeconds,
};
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::totp::{Parameters, SharedSecret, passcode_at};

use crate::test_bed::{CLIENT_ID, PASSWORD, POOL_ID, TestBed, assert_error, assert_incorrect, usual_answer};

const NOT_SET_UP: &str = "User has not set up software token mfa";
const MISMATCH: &str = "Invalid code received for user";

/// A pool whose client allows passwords beside `CUSTOM_AUTH`.
fn bed(mfa_configuration: MfaConfiguration, after_cognito_mfa: Takeover) -> TestBed {
    let flows = [ExplicitAuthFlow::CustomAuth, ExplicitAuthFlow::RefreshToken, ExplicitAuthFlow::UserPassword];
    let client = ClientSettings { explicit_auth_flows: flows.to_vec(), ..ClientSettings::default() };
    let settings =
        PoolSettings { mfa_configuration, after_cognito_mfa, clients: vec![client], ..PoolSettings::default() };
    TestBed::with(settings, usual_answer)
}

async fn optional() -> TestBed {
    let bed = bed(MfaConfiguration::Optional, Takeover::DefineIsAsked);
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

fn passcode(secret: &SharedSecret, at: UnixSeconds) -> String {
    passcode_at(secret, Parameters::default(), UnixTime(at)).unwrap()
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
    assert!(has_tokens(&by_password(&bed, "alice").await.unwrap()), "nothing is asked of who has nothing");
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
    assert_error(
        answer_token(&bed, &one, &passcode(&secret, bed.now() + 30)).await,
        "NotAuthorizedException",
        "Invalid session for the user, session can only be used once.",
    );
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
async fn where_mfa_is_on_the_first_sign_in_sets_it_up_step_by_step() {
    let bed = bed(MfaConfiguration::On, Takeover::DefineIsAsked);
    bed.add_user("alice").await;
    let mut asked = by_password(&bed, "alice").await.unwrap();
    assert_eq!(asked["ChallengeName"], "MFA_SETUP");
    assert_eq!(asked["ChallengeParameters"]["MFAS_CAN_SETUP"], "[\"SOFTWARE_TOKEN_MFA\"]");
    let set_up = json!({ "USERNAME": "alice" });
    let early = bed.respond(&asked, set_up.clone()).await;
    assert_error(early, "InvalidParameterException", NOT_SET_UP);

    let associated = bed.call("AssociateSoftwareToken", json!({ "Session": asked["Session"] })).await.unwrap();
    let again = bed.call("AssociateSoftwareToken", json!({ "Session": asked["Session"] })).await;
    let once = "Invalid session for the user, session can only be used once.";
    assert_error(again, "NotAuthorizedException", once);
    asked["Session"] = associated["Session"].clone();
    let early = bed.respond(&asked, set_up.clone()).await;
    assert_error(early, "InvalidParameterException", NOT_SET_UP);

    let verify = |code: &str| json!({ "Session": associated["Session"], "UserCode": code });
    let wrong = bed.call("VerifySoftwareToken", verify("000000")).await;
    assert_error(wrong, "EnableSoftwareTokenMFAException", "Code mismatch");
    let secret = secret(&associated);
    let verified = bed.call("VerifySoftwareToken", verify(&passcode(&secret, bed.now()))).await.unwrap();
    assert_eq!(verified["Status"], "SUCCESS");
    asked["Session"] = verified["Session"].clone();
    assert!(has_tokens(&bed.respond(&asked, set_up).await.unwrap()));

    bed.advance(30);
    let asked = by_password(&bed, "alice").await.unwrap();
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    assert!(has_tokens(&answer_token(&bed, &asked, &passcode(&secret, bed.now())).await.unwrap()));
}

#[tokio::test]
async fn an_association_after_the_verification_must_be_verified_itself() {
    let bed = bed(MfaConfiguration::On, Takeover::DefineIsAsked);
    bed.add_user("alice").await;
    let mut asked = by_password(&bed, "alice").await.unwrap();
    let associated = bed.call("AssociateSoftwareToken", json!({ "Session": asked["Session"] })).await.unwrap();
    let code = passcode(&secret(&associated), bed.now());
    let verify = json!({ "Session": associated["Session"], "UserCode": code });
    let verified = bed.call("VerifySoftwareToken", verify).await.unwrap();
    let associated = bed.call("AssociateSoftwareToken", json!({ "Session": verified["Session"] })).await.unwrap();
    asked["Session"] = associated["Session"].clone();
    let early = bed.respond(&asked, json!({ "USERNAME": "alice" })).await;
    assert_error(early, "InvalidParameterException", NOT_SET_UP);
}

#[tokio::test]
async fn set_up_takes_an_access_token_or_the_session_of_mfa_setup_and_nothing_else() {
    let bed = optional().await;
    let token = access_token(&bed, "alice").await;
    let custom = bed.prove_password("alice", PASSWORD).await.unwrap();
    for operation in ["AssociateSoftwareToken", "VerifySoftwareToken"] {
        let call = async |mut body: Value| {
            body["UserCode"] = json!("000000");
            bed.call(operation, body).await
        };
        let neither = call(json!({})).await;
        assert_eq!(neither.unwrap_err().kind, "InvalidParameterException");
        let both = call(json!({ "AccessToken": token, "Session": custom["Session"] })).await;
        assert_eq!(both.unwrap_err().kind, "InvalidParameterException");
        let invalid = "Invalid session for the user.";
        let foreign = call(json!({ "Session": custom["Session"] })).await;
        assert_error(foreign, "NotAuthorizedException", invalid);
        assert_error(call(json!({ "Session": "made up" })).await, "NotAuthorizedException", invalid);
    }
    bed.call("GlobalSignOut", json!({ "AccessToken": token })).await.unwrap();
    for body in [json!({ "AccessToken": token }), json!({ "AccessToken": "made up" })] {
        let stale = bed.call("AssociateSoftwareToken", body.clone()).await;
        assert_eq!(stale.unwrap_err().kind, "NotAuthorizedException");
        let stale = prefer(&bed, &body["AccessToken"], "SoftwareTokenMfaSettings").await;
        assert_eq!(stale.unwrap_err().kind, "NotAuthorizedException");
    }
}

#[tokio::test]
async fn a_set_up_session_expires() {
    let bed = bed(MfaConfiguration::On, Takeover::DefineIsAsked);
    bed.add_user("alice").await;
    let asked = by_password(&bed, "alice").await.unwrap();
    bed.advance(180);
    assert_error(
        bed.call("AssociateSoftwareToken", json!({ "Session": asked["Session"] })).await,
        "NotAuthorizedException",
        "Invalid session for the user, session is expired.",
    );
}

#[tokio::test]
async fn a_session_string_of_one_factor_is_not_taken_for_another_challenge_user_or_client() {
    let bed = optional().await;
    bed.add_user("bob").await;
    let secret = with_software_token(&bed, "alice").await;
    let asked = by_password(&bed, "alice").await.unwrap();
    let code = passcode(&secret, bed.now());
    for (challenge, responses) in [
        ("SMS_MFA", json!({ "USERNAME": "alice", "SMS_MFA_CODE": code })),
        ("CUSTOM_CHALLENGE", json!({ "USERNAME": "alice", "ANSWER": "42" })),
        ("MFA_SETUP", json!({ "USERNAME": "alice" })),
        ("SOFTWARE_TOKEN_MFA", json!({ "USERNAME": "bob", "SOFTWARE_TOKEN_MFA_CODE": code })),
    ] {
        let mut foreign = asked.clone();
        foreign["ChallengeName"] = json!(challenge);
        assert_error(bed.respond(&foreign, responses).await, "NotAuthorizedException", "Invalid session for the user.");
    }
    let missing = bed.respond(&asked, json!({ "USERNAME": "alice" })).await;
    assert_error(missing, "InvalidParameterException", "Missing required parameter SOFTWARE_TOKEN_MFA_CODE");
    assert!(has_tokens(&answer_token(&bed, &asked, &code).await.unwrap()), "none of these spent it");
}

#[tokio::test]
async fn of_several_factors_the_user_chooses_and_codes_are_sent_for_one_challenge() {
    let bed = optional().await;
    let config = json!({
        "UserPoolId": POOL_ID,
        "MfaConfiguration": "OPTIONAL",
        "SoftwareTokenMfaConfiguration": { "Enabled": true },
        "SmsMfaConfiguration": {},
        "EmailMfaConfiguration": {},
    });
    bed.call("SetUserPoolMfaConfig", config).await.unwrap();
    let user = json!({
        "UserPoolId": POOL_ID,
        "Username": "carol",
        "UserAttributes": [
            { "Name": "email", "Value": "carol@example.com" }, { "Name": "phone_number", "Value": "+15555550123" },
        ],
    });
    bed.call("AdminCreateUser", user).await.unwrap();
    let password = json!({ "UserPoolId": POOL_ID, "Username": "carol", "Password": PASSWORD, "Permanent": true });
    bed.call("AdminSetUserPassword", password).await.unwrap();
    let enable = json!({
        "UserPoolId": POOL_ID,
        "Username": "carol",
        "SMSMfaSettings": { "Enabled": true },
        "EmailMfaSettings": { "Enabled": true },
    });
    bed.call("AdminSetUserMFAPreference", enable).await.unwrap();

    for (chosen, key, medium, hint) in
        [("SMS_MFA", "SMS_MFA_CODE", "SMS", "+*******0123"), ("EMAIL_OTP", "EMAIL_OTP_CODE", "EMAIL", "c***@e***")]
    {
        let asked = by_password(&bed, "carol").await.unwrap();
        assert_eq!(asked["ChallengeName"], "SELECT_MFA_TYPE");
        assert_eq!(asked["ChallengeParameters"]["MFAS_CAN_CHOOSE"], "[\"SMS_MFA\",\"EMAIL_OTP\"]");
        let absent = answer_mfa(&bed, &asked, "ANSWER", "SOFTWARE_TOKEN_MFA").await;
        assert_error(absent, "InvalidParameterException", "SOFTWARE_TOKEN_MFA is not among MFAS_CAN_CHOOSE");
        let asked = answer_mfa(&bed, &asked, "ANSWER", chosen).await.unwrap();
        assert_eq!(asked["ChallengeName"], chosen);
        assert_eq!(
            asked["ChallengeParameters"],
            json!({
                "CODE_DELIVERY_DELIVERY_MEDIUM": medium,
                "CODE_DELIVERY_DESTINATION": hint,
                "USER_ID_FOR_SRP": "carol",
            })
        );
        let code = bed.pool.messages().last().unwrap().code.clone();
        let wrong = answer_mfa(&bed, &asked, key, "wrong").await;
        assert_error(wrong, "CodeMismatchException", "Invalid code or auth state for the user.");
        assert!(has_tokens(&answer_mfa(&bed, &asked, key, &code).await.unwrap()));
    }
}

#[tokio::test]
async fn inside_of_custom_auth_cognitos_factor_comes_before_define_or_in_its_place() {
    for (after_cognito_mfa, tokens_follow) in [(Takeover::DefineIsAsked, false), (Takeover::TokensFollow, true)] {
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
            // The small Define of these tests knows no such entry.
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
async fn where_mfa_is_off_a_token_cannot_be_set_up_and_an_old_one_is_not_asked_for() {
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
async fn the_pools_configuration_is_read_as_it_was_set_and_needs_a_factor() {
    let bed = optional().await;
    let config = json!({ "MfaConfiguration": "ON", "SoftwareTokenMfaConfiguration": { "Enabled": true } });
    let mut set = config.clone();
    set["UserPoolId"] = json!(POOL_ID);
    assert_eq!(bed.call("SetUserPoolMfaConfig", set).await.unwrap(), config);
    assert_eq!(bed.call("GetUserPoolMfaConfig", json!({ "UserPoolId": POOL_ID })).await.unwrap(), config);
    for wrong in [
        json!({ "UserPoolId": POOL_ID, "MfaConfiguration": "ON" }),
        json!({ "UserPoolId": POOL_ID, "MfaConfiguration": "SOMETIMES" }),
    ] {
        let refused = bed.call("SetUserPoolMfaConfig", wrong).await;
        assert_eq!(refused.unwrap_err().kind, "InvalidParameterException");
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
async fn a_forgotten_password_is_replaced_by_a_code_that_works_once_and_leaves_the_factor_alone() {
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
async fn a_forgotten_password_tells_nobody_who_exists_and_its_code_expires() {
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
