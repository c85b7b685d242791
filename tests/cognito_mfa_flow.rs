//! Cognito's own MFA alongside ours, with the real triggers in the local user pool: what each setting of
//! `ACCEPTED_COGNITO_MFA` and `ENROLLMENT` makes of a sign-in, and how users move over from Cognito's token to ours.

use local::{AfterCognitoChallenge, ClientSettings, CognitoError, ExplicitAuthFlow, MfaConfiguration, PoolSettings};
use serde_json::{Value, json};
use shared::settings::{AcceptedCognitoMfa, Enrollment, SignInSettings};
use shared::totp::SharedSecret;
use tests::person::{Person, passcode};
use tests::pool::{PASSWORD, Step, TestPool};

const TOKEN: &str = "SOFTWARE_TOKEN_MFA";

/// A pool with optional MFA where Define is called after a Cognito factor, and Ana in it.
async fn pool(accepted: &str, enrollment: Enrollment) -> TestPool {
    pool_where(accepted, enrollment, PoolSettings::default()).await
}

async fn pool_where(accepted: &str, enrollment: Enrollment, settings: PoolSettings) -> TestPool {
    let accepted = AcceptedCognitoMfa::parse(accepted).unwrap();
    let sign_in = SignInSettings::new(accepted, enrollment).unwrap();
    let mut client = ClientSettings::as_deployed();
    // The attack with a stolen access token needs one that the password alone gives.
    client.explicit_auth_flows.push(ExplicitAuthFlow::UserPassword);
    let mfa_configuration = MfaConfiguration::Optional;
    let pool = TestPool::with(sign_in, PoolSettings { mfa_configuration, clients: vec![client], ..settings });
    pool.add_user("ana").await;
    pool
}

/// An operation that succeeds; those of an operator name the pool.
async fn call(pool: &TestPool, operation: &str, request: Value) -> Value {
    let mut request = request;
    request["UserPoolId"] = json!(pool.settings().user_pool_id);
    pool.call(operation, request).await.unwrap()
}

fn code(pool: &TestPool, secret: &SharedSecret) -> String {
    passcode(secret, pool.now())
}

/// Ana gets a Cognito software token; `access_token` is hers.
async fn with_cognitos_token(pool: &TestPool, access_token: &Value) -> SharedSecret {
    let associated = call(pool, "AssociateSoftwareToken", json!({ "AccessToken": access_token })).await;
    let secret = SharedSecret::from_base32(associated["SecretCode"].as_str().unwrap()).unwrap();
    let verify = json!({ "AccessToken": access_token, "UserCode": code(pool, &secret) });
    call(pool, "VerifySoftwareToken", verify).await;
    prefer_token(pool, true).await;
    pool.wait(30);
    secret
}

async fn prefer_token(pool: &TestPool, on: bool) {
    let settings = json!({ "Enabled": on, "PreferredMfa": on });
    call(pool, "AdminSetUserMFAPreference", json!({ "Username": "ana", "SoftwareTokenMfaSettings": settings })).await;
}

async fn access_token(pool: &TestPool) -> Value {
    let parameters = json!({ "USERNAME": "ana", "PASSWORD": PASSWORD });
    let client_id = &pool.settings().clients[0].client_id;
    let request = json!({ "ClientId": client_id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    call(pool, "InitiateAuth", request).await["AuthenticationResult"]["AccessToken"].clone()
}

/// Answers SOFTWARE_TOKEN_MFA after the password.
async fn answer_cognito(
    pool: &TestPool,
    secret: &SharedSecret,
    after_second_factor: Option<&str>,
) -> Result<Step, CognitoError> {
    let asked = pool.start("ana", PASSWORD).await?;
    assert_eq!(asked.challenge_name(), Some(TOKEN));
    let responses = json!({ "USERNAME": "ana", "SOFTWARE_TOKEN_MFA_CODE": code(pool, secret) });
    pool.respond(&asked, responses, after_second_factor.map(requesting)).await
}

/// From TOTP_SETUP to the tokens.
async fn enroll_ours(pool: &TestPool, asked: Step, after_second_factor: Option<&str>) -> Person {
    let mut sign_in = pool.resume(asked);
    sign_in.client_metadata = after_second_factor.map(requesting);
    let person = Person::enroll(&mut sign_in).await;
    pool.wait(30);
    person
}

fn requesting(after_second_factor: &str) -> Value {
    json!({ "afterSecondFactor": after_second_factor })
}

// ── ACCEPTED_COGNITO_MFA

#[tokio::test]
async fn an_accepted_cognito_factor_is_the_second_factor_and_no_other_is_asked() {
    for enrollment in [Enrollment::ByOperator, Enrollment::AfterCognitoMfa] {
        let pool = pool(TOKEN, enrollment).await;
        let cognitos = with_cognitos_token(&pool, &access_token(&pool).await).await;
        assert!(answer_cognito(&pool, &cognitos, None).await.unwrap().has_tokens());
    }
}

/// Where nothing is accepted the guard lets no token out for a password alone: without it, Ana can have one.
async fn guardless(accepted: &str, enrollment: Enrollment) -> TestPool {
    pool_where(accepted, enrollment, PoolSettings { pre_token_generation: None, ..PoolSettings::default() }).await
}

#[tokio::test]
async fn where_define_is_called_a_factor_not_accepted_is_followed_by_ours() {
    for accepted in ["NONE", "SMS_MFA", "EMAIL_OTP", "SMS_MFA,EMAIL_OTP"] {
        let pool = guardless(accepted, Enrollment::ByOperator).await;
        let cognitos = with_cognitos_token(&pool, &access_token(&pool).await).await;
        let asked = answer_cognito(&pool, &cognitos, None).await.unwrap();
        assert_eq!(asked.shown("challenge"), "SECOND_FACTOR", "{accepted}");
        // A passcode from the token that Cognito knows is wrong here, too.
        pool.wait(30);
        let wrong = pool.answer(&asked, &code(&pool, &cognitos)).await.unwrap();
        assert_eq!((wrong.shown("challenge"), wrong.shown("attemptsLeft")), ("SECOND_FACTOR", "2"), "{accepted}");
    }
    let pool = guardless("NONE", Enrollment::AtSignIn).await;
    let cognitos = with_cognitos_token(&pool, &access_token(&pool).await).await;
    let asked = answer_cognito(&pool, &cognitos, None).await.unwrap();
    enroll_ours(&pool, asked, None).await;
}

#[tokio::test]
async fn where_define_is_not_called_a_factor_not_accepted_gets_no_tokens() {
    let settings = PoolSettings { after_cognito_mfa: AfterCognitoChallenge::IssueTokens, ..PoolSettings::default() };
    let pool = pool_where("NONE", Enrollment::AtSignIn, settings).await;
    let mut sign_in = pool.sign_in("ana").await;
    Person::enroll(&mut sign_in).await;
    let token = &sign_in.step.answer["AuthenticationResult"]["AccessToken"];
    let cognitos = with_cognitos_token(&pool, token).await;
    // The grant of the enrollment must have expired, or it would let this sign-in pass.
    pool.wait(20 * 60);
    let refused = answer_cognito(&pool, &cognitos, None).await.unwrap_err();
    assert_eq!(refused.kind, "UserLambdaValidationException");
}

#[tokio::test]
async fn an_accepted_factor_never_suffices_to_replace_our_authenticator() {
    let pool = pool(TOKEN, Enrollment::AfterCognitoMfa).await;
    let cognitos = with_cognitos_token(&pool, &access_token(&pool).await).await;
    let asked = answer_cognito(&pool, &cognitos, Some("REPLACE_AUTHENTICATOR")).await.unwrap();
    let ours = enroll_ours(&pool, asked, Some("REPLACE_AUTHENTICATOR")).await;

    for after_second_factor in ["REPLACE_AUTHENTICATOR", "NEW_RECOVERY_CODES"] {
        let asked = answer_cognito(&pool, &cognitos, Some(after_second_factor)).await.unwrap();
        assert_eq!(asked.shown("challenge"), "SECOND_FACTOR", "{after_second_factor}");
        pool.wait(30);
        let wrong = pool.answer_requesting(&asked, &code(&pool, &cognitos), after_second_factor).await.unwrap();
        assert_eq!(wrong.shown("challenge"), "SECOND_FACTOR", "{after_second_factor}");
        let proven = pool.answer_requesting(&wrong, &ours.passcode(pool.now()), after_second_factor).await.unwrap();
        let follows = if after_second_factor == "REPLACE_AUTHENTICATOR" { "TOTP_SETUP" } else { "RECOVERY_CODES" };
        assert_eq!(proven.shown("challenge"), follows);
        pool.wait(30);
    }
    // One of our recovery codes proves it as well; and a user who requests nothing is not asked for ours.
    let asked = answer_cognito(&pool, &cognitos, Some("REPLACE_AUTHENTICATOR")).await.unwrap();
    let proven = pool.answer_requesting(&asked, &ours.codes[1], "REPLACE_AUTHENTICATOR").await.unwrap();
    assert_eq!(proven.shown("challenge"), "TOTP_SETUP");
    pool.wait(30);
    assert!(answer_cognito(&pool, &cognitos, None).await.unwrap().has_tokens());
}

#[tokio::test]
async fn a_stolen_access_token_helps_only_where_cognitos_token_is_accepted() {
    for (accepted, passes) in [(TOKEN, true), ("NONE", false)] {
        let enrollment = if passes { Enrollment::AfterCognitoMfa } else { Enrollment::AtSignIn };
        let pool = guardless(accepted, enrollment).await;
        let stolen = access_token(&pool).await;
        if !passes {
            // The owner has enrolled our authenticator by then.
            let asked = pool.start("ana", PASSWORD).await.unwrap();
            enroll_ours(&pool, asked, None).await;
        }
        let thiefs = with_cognitos_token(&pool, &stolen).await;
        let step = answer_cognito(&pool, &thiefs, None).await.unwrap();
        assert_eq!(step.has_tokens(), passes, "{accepted}");
    }
}

#[tokio::test]
async fn where_mfa_is_on_mfa_setup_proves_nothing_before_the_next_sign_in() {
    for (accepted, enrollment, follows) in [
        ("NONE", Enrollment::AtSignIn, "TOTP_SETUP"),
        (TOKEN, Enrollment::ByOperator, "SECOND_FACTOR"),
        (TOKEN, Enrollment::AfterCognitoMfa, "SECOND_FACTOR"),
    ] {
        let pool = pool(accepted, enrollment).await;
        let on = json!({ "MfaConfiguration": "ON", "SoftwareTokenMfaConfiguration": { "Enabled": true } });
        call(&pool, "SetUserPoolMfaConfig", on).await;
        let mut asked = pool.start("ana", PASSWORD).await.unwrap();
        assert_eq!(asked.challenge_name(), Some("MFA_SETUP"));
        let associated = call(&pool, "AssociateSoftwareToken", json!({ "Session": asked.answer["Session"] })).await;
        let cognitos = SharedSecret::from_base32(associated["SecretCode"].as_str().unwrap()).unwrap();
        let verify = json!({ "Session": associated["Session"], "UserCode": code(&pool, &cognitos) });
        asked.answer["Session"] = call(&pool, "VerifySoftwareToken", verify).await["Session"].clone();
        let step = pool.respond(&asked, json!({ "USERNAME": "ana" }), None).await.unwrap();
        assert_eq!(step.shown("challenge"), follows, "MFA_SETUP proves nothing");
        pool.wait(30);
        // What accepting costs: the next sign-in has two factors, and the password gave both.
        let step = answer_cognito(&pool, &cognitos, None).await.unwrap();
        assert_eq!(step.has_tokens(), accepted == TOKEN);
    }
}

/// Before Define is called, Cognito asks for its own factors, each with its own session string: a challenge that an old
/// password led to can be held in each, over a temporary password too.
#[tokio::test]
async fn a_cognito_challenge_held_over_a_temporary_password_chooses_no_new_one() {
    const TEMPORARY: &str = "Plainly-fake-temporary-3";
    let pool = guardless("NONE", Enrollment::AtSignIn).await;
    let secret = with_cognitos_token(&pool, &access_token(&pool).await).await;
    let held_token = pool.start("ana", PASSWORD).await.unwrap();
    assert_eq!(held_token.challenge_name(), Some(TOKEN));
    call(
        &pool,
        "SetUserPoolMfaConfig",
        json!({ "MfaConfiguration": "ON", "SoftwareTokenMfaConfiguration": { "Enabled": true } }),
    )
    .await;
    pool.add_user("ben").await;
    let held_set_up = pool.start("ben", PASSWORD).await.unwrap();
    assert_eq!(held_set_up.challenge_name(), Some("MFA_SETUP"));
    for user in ["ana", "ben"] {
        pool.set_password(user, TEMPORARY, false).await;
    }

    let refused = |answer: Result<Step, CognitoError>| {
        assert_eq!(answer.unwrap_err().message, "Incorrect username or password.");
    };
    let responses = json!({ "USERNAME": "ana", "SOFTWARE_TOKEN_MFA_CODE": code(&pool, &secret) });
    refused(pool.respond(&held_token, responses, None).await);
    let associated = call(&pool, "AssociateSoftwareToken", json!({ "Session": held_set_up.answer["Session"] })).await;
    let secret = SharedSecret::from_base32(associated["SecretCode"].as_str().unwrap()).unwrap();
    let verify = json!({ "Session": associated["Session"], "UserCode": code(&pool, &secret) });
    let mut held_set_up = held_set_up;
    held_set_up.answer["Session"] = call(&pool, "VerifySoftwareToken", verify).await["Session"].clone();
    refused(pool.respond(&held_set_up, json!({ "USERNAME": "ben" }), None).await);
    for user in ["ana", "ben"] {
        let asked = pool.start(user, TEMPORARY).await.unwrap();
        assert_eq!(asked.challenge_name(), Some("NEW_PASSWORD_REQUIRED"));
    }
}

/// All of these can be held one after the other, so a sign-in that an old password began can reach our first challenge so late.
#[tokio::test]
async fn one_three_or_four_session_strings_precede_our_first_challenge() {
    for (mfa, strings) in [("OFF", 1), ("OPTIONAL", 3), ("ON", 4)] {
        let pool = guardless("NONE", Enrollment::AtSignIn).await;
        let user = match mfa {
            "OPTIONAL" => {
                // With two factors, SELECT_MFA_TYPE precedes the one that is chosen.
                with_cognitos_token(&pool, &access_token(&pool).await).await;
                call(
                    &pool,
                    "SetUserPoolMfaConfig",
                    json!({
                        "MfaConfiguration": mfa, "SoftwareTokenMfaConfiguration": { "Enabled": true },
                        "EmailMfaConfiguration": { "Message": "{####}", "Subject": "code" },
                    }),
                )
                .await;
                let on = json!({ "Enabled": true, "PreferredMfa": false });
                call(
                    &pool,
                    "AdminSetUserMFAPreference",
                    json!({
                        "Username": "ana", "SoftwareTokenMfaSettings": on, "EmailMfaSettings": on,
                    }),
                )
                .await;
                "ana"
            }
            _ => {
                let token = json!({ "Enabled": mfa == "ON" });
                call(
                    &pool,
                    "SetUserPoolMfaConfig",
                    json!({ "MfaConfiguration": mfa, "SoftwareTokenMfaConfiguration": token }),
                )
                .await;
                "ana"
            }
        };
        // `start` also answers PASSWORD_VERIFIER, which has its own string.
        let mut held = 1;
        let mut step = pool.start(user, PASSWORD).await.unwrap();
        while step.challenge_name() != Some("CUSTOM_CHALLENGE") {
            held += 1;
            let responses = match step.challenge_name().unwrap() {
                "SELECT_MFA_TYPE" => json!({ "USERNAME": user, "ANSWER": "EMAIL_OTP" }),
                "EMAIL_OTP" => json!({ "USERNAME": user, "EMAIL_OTP_CODE": pool.messages().pop().unwrap().code }),
                "MFA_SETUP" => {
                    let associated =
                        call(&pool, "AssociateSoftwareToken", json!({ "Session": step.answer["Session"] })).await;
                    held += 1;
                    let secret = SharedSecret::from_base32(associated["SecretCode"].as_str().unwrap()).unwrap();
                    let verify = json!({ "Session": associated["Session"], "UserCode": code(&pool, &secret) });
                    step.answer["Session"] = call(&pool, "VerifySoftwareToken", verify).await["Session"].clone();
                    held += 1;
                    json!({ "USERNAME": user })
                }
                other => panic!("{other}"),
            };
            step = pool.respond(&step, responses, None).await.unwrap();
        }
        assert_eq!(held, strings, "{mfa}");
    }
}

// ── Moving over: ENROLLMENT=AFTER_COGNITO_MFA

#[tokio::test]
async fn a_user_moves_over_from_cognitos_token_to_ours_step_by_step() {
    // Step 1: the triggers with ACCEPTED_COGNITO_MFA=SOFTWARE_TOKEN_MFA, ENROLLMENT=AFTER_COGNITO_MFA, TOKEN_GUARD=TRIGGER_SOURCE.
    let pool = pool(TOKEN, Enrollment::AfterCognitoMfa).await;
    let cognitos = with_cognitos_token(&pool, &access_token(&pool).await).await;

    // Step 2: the sign-in as it always was; the client asks for ours.
    let asked = answer_cognito(&pool, &cognitos, Some("REPLACE_AUTHENTICATOR")).await.unwrap();
    let ours = enroll_ours(&pool, asked, Some("REPLACE_AUTHENTICATOR")).await;

    // Step 3: Cognito's is switched off for this user; ours is asked for, still under the settings of the move.
    prefer_token(&pool, false).await;
    let user = call(&pool, "AdminGetUser", json!({ "Username": "ana" })).await;
    assert_eq!((user.get("UserMFASettingList"), user.get("PreferredMfaSetting")), (None, None));
    let asked = pool.start("ana", PASSWORD).await.unwrap();
    assert_eq!(asked.shown("challenge"), "SECOND_FACTOR");
    assert!(pool.answer(&asked, &ours.passcode(pool.now())).await.unwrap().has_tokens());
    pool.wait(30);

    // Step 4: when all have moved, NONE, AT_SIGN_IN and GRANT, and the pool's own MFA is turned off.
    pool.set_triggers(SignInSettings::new(AcceptedCognitoMfa::NONE, Enrollment::AtSignIn).unwrap());
    call(&pool, "SetUserPoolMfaConfig", json!({ "MfaConfiguration": "OFF" })).await;
    let asked = pool.start("ana", PASSWORD).await.unwrap();
    assert_eq!(asked.shown("challenge"), "SECOND_FACTOR");
    assert!(pool.answer(&asked, &ours.passcode(pool.now())).await.unwrap().has_tokens());
    pool.wait(30);
    let asked = pool.start("ana", PASSWORD).await.unwrap();
    let replaced = pool.answer_requesting(&asked, &ours.codes[1], "REPLACE_AUTHENTICATOR").await.unwrap();
    assert_eq!(replaced.shown("challenge"), "TOTP_SETUP", "a lost phone needs no operator from then on");
}

#[tokio::test]
async fn during_the_move_nobody_enrolls_ours_by_password_alone_or_unasked() {
    let pool = pool(TOKEN, Enrollment::AfterCognitoMfa).await;
    // A user without a Cognito token.
    let asked = pool.start("ana", PASSWORD).await.unwrap();
    assert_eq!((asked.shown("challenge"), asked.shown("secretCode")), ("SECOND_FACTOR", ""));
    let refused = pool.answer_requesting(&asked, "000000", "REPLACE_AUTHENTICATOR").await.unwrap();
    assert_eq!(refused.shown("challenge"), "SECOND_FACTOR");
    // A user with one, and a client that does not ask.
    let cognitos = with_cognitos_token(&pool, &access_token(&pool).await).await;
    assert!(answer_cognito(&pool, &cognitos, None).await.unwrap().has_tokens());
    pool.wait(30);
    assert!(answer_cognito(&pool, &cognitos, Some("NOTHING")).await.unwrap().has_tokens());
}

#[tokio::test]
async fn a_move_that_was_broken_off_leaves_cognitos_token_and_begins_again() {
    let pool = pool(TOKEN, Enrollment::AfterCognitoMfa).await;
    let cognitos = with_cognitos_token(&pool, &access_token(&pool).await).await;
    let asked = answer_cognito(&pool, &cognitos, Some("REPLACE_AUTHENTICATOR")).await.unwrap();
    assert_eq!(asked.shown("challenge"), "TOTP_SETUP");
    pool.wait(30);
    let asked = answer_cognito(&pool, &cognitos, Some("REPLACE_AUTHENTICATOR")).await.unwrap();
    enroll_ours(&pool, asked, Some("REPLACE_AUTHENTICATOR")).await;
}
