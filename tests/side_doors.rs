//! Other ways to tokens than the sign-in, each opened on purpose in the local user pool: an attacker who knows only the
//! password gets tokens by none of them.
//!
//! Each is shown to be open first: without the token guard it gives tokens.

use local::{
    AfterCognitoChallenge, ClientSettings, CognitoError, ExplicitAuthFlow, MfaConfiguration, PoolSettings,
    PreTokenGenerationVersion, SrpClient,
};
use serde_json::{Value, json};
use shared::error::ClientError;
use shared::guard_settings::NoGrantMessage;
use shared::settings::{AcceptedCognitoMfa, Enrollment, SignInSettings};
use tests::clock::NOW;
use tests::person::Person;
use tests::pool::{PASSWORD, Step, TestPool};

const OTHER_CLIENT: &str = "anotherclient0000000000000";

/// Whether the token guard is attached.
const GUARDED: [Option<PreTokenGenerationVersion>; 4] = [
    None,
    Some(PreTokenGenerationVersion::V1),
    Some(PreTokenGenerationVersion::V2),
    Some(PreTokenGenerationVersion::V3),
];

/// A pool whose deployed client, and another, allow `flow` too.
fn settings(guard: Option<PreTokenGenerationVersion>, flow: Option<ExplicitAuthFlow>) -> PoolSettings {
    let mut client = ClientSettings::as_deployed();
    client.explicit_auth_flows.extend(flow);
    let other = ClientSettings { client_id: OTHER_CLIENT.to_owned(), ..client.clone() };
    PoolSettings { clients: vec![client, other], pre_token_generation: guard, ..PoolSettings::default() }
}

fn client_ids(pool: &TestPool) -> Vec<String> {
    pool.settings().clients.iter().map(|client| client.client_id.clone()).collect()
}

/// Ana enrolls and gets her tokens, and the grant of that has long expired.
async fn enrolled(pool: &TestPool) -> Person {
    pool.add_user("ana").await;
    let ana = Person::enroll(&mut pool.sign_in("ana").await).await;
    pool.wait(24 * 3600);
    ana
}

/// Tokens without the guard, which shows that the way is open, and the client's error with it.
fn holds(guard: Option<PreTokenGenerationVersion>, answer: Result<Value, CognitoError>) {
    match (guard, answer) {
        (None, Ok(answer)) => assert!(answer["AuthenticationResult"]["AccessToken"].is_string(), "{answer}"),
        (None, Err(error)) => panic!("this way is not open: {error}"),
        (Some(_), Ok(answer)) => panic!("{answer}"),
        (Some(_), Err(error)) => {
            assert_eq!(error.kind, "UserLambdaValidationException");
            let sentences = [ClientError::SENTENCE, NoGrantMessage::DEFAULT];
            let messages = sentences.map(|sentence| format!("PreTokenGeneration failed with error {sentence}."));
            assert!(messages.contains(&error.message), "{}", error.message);
        }
    }
}

async fn by_password(pool: &TestPool, operation: &str, flow: &str, client_id: &str) -> Result<Value, CognitoError> {
    let pool_id = &pool.settings().user_pool_id;
    let parameters = json!({ "USERNAME": "ana", "PASSWORD": PASSWORD });
    let request =
        json!({ "UserPoolId": pool_id, "ClientId": client_id, "AuthFlow": flow, "AuthParameters": parameters });
    pool.call(operation, request).await
}

async fn by_srp(pool: &TestPool, client_id: &str) -> Result<Value, CognitoError> {
    let srp = SrpClient::new(&pool.settings().user_pool_id).unwrap();
    let parameters = json!({ "USERNAME": "ana", "SRP_A": srp.public_value() });
    let request = json!({ "ClientId": client_id, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": parameters });
    let asked = pool.call("InitiateAuth", request).await?;
    let responses = srp.answer(&asked["ChallengeParameters"], PASSWORD, pool.now()).unwrap();
    let request = json!({
        "ClientId": client_id,
        "ChallengeName": "PASSWORD_VERIFIER",
        "Session": asked["Session"],
        "ChallengeResponses": responses,
    });
    pool.call("RespondToAuthChallenge", request).await
}

#[tokio::test]
async fn user_srp_auth_gets_no_tokens_on_the_same_client_or_another() {
    for guard in GUARDED {
        for flows in [vec![ExplicitAuthFlow::UserSrp], ExplicitAuthFlow::LEFT_OUT.to_vec()] {
            let mut settings = settings(guard, None);
            for client in &mut settings.clients {
                client.explicit_auth_flows.extend(&flows);
            }
            let pool = TestPool::new(Enrollment::AtSignIn, settings);
            enrolled(&pool).await;
            for client_id in client_ids(&pool) {
                holds(guard, by_srp(&pool, &client_id).await);
            }
        }
    }
}

#[tokio::test]
async fn a_password_in_the_call_gets_no_tokens_on_the_same_client_or_another() {
    for guard in GUARDED {
        for (flow, operation, name) in [
            (ExplicitAuthFlow::UserPassword, "InitiateAuth", "USER_PASSWORD_AUTH"),
            (ExplicitAuthFlow::AdminUserPassword, "AdminInitiateAuth", "ADMIN_USER_PASSWORD_AUTH"),
            (ExplicitAuthFlow::AdminUserPassword, "AdminInitiateAuth", "ADMIN_NO_SRP_AUTH"),
        ] {
            let pool = TestPool::new(Enrollment::AtSignIn, settings(guard, Some(flow)));
            enrolled(&pool).await;
            for client_id in client_ids(&pool) {
                holds(guard, by_password(&pool, operation, name, &client_id).await);
            }
        }
    }
}

#[tokio::test]
async fn a_user_who_never_enrolled_gets_no_tokens_by_another_flow() {
    for guard in GUARDED {
        let pool = TestPool::new(Enrollment::AtSignIn, settings(guard, Some(ExplicitAuthFlow::UserPassword)));
        pool.add_user("ana").await;
        holds(guard, by_password(&pool, "InitiateAuth", "USER_PASSWORD_AUTH", OTHER_CLIENT).await);
    }
}

#[tokio::test]
async fn another_flow_of_another_client_cannot_use_the_grant_of_a_sign_in() {
    let guard = Some(PreTokenGenerationVersion::V2);
    let pool = TestPool::new(Enrollment::AtSignIn, settings(guard, Some(ExplicitAuthFlow::UserPassword)));
    let ana = enrolled(&pool).await;
    let held = pool.start("ana", PASSWORD).await.unwrap();
    // The grant is there, and unused: the owner is replacing the authenticator.
    let typed = ana.passcode(pool.now());
    let replacing = pool.answer_requesting(&held, &typed, "REPLACE_AUTHENTICATOR").await.unwrap();
    assert_eq!(replacing.shown("challenge"), "TOTP_SETUP");
    holds(guard, by_password(&pool, "InitiateAuth", "USER_PASSWORD_AUTH", OTHER_CLIENT).await);
}

/// Password, NEW_PASSWORD_REQUIRED, and what follows.
async fn change_temporary_password(pool: &TestPool) -> Result<Step, CognitoError> {
    pool.add_user_with_temporary_password("ana").await;
    let asked = pool.start("ana", PASSWORD).await?;
    assert_eq!(asked.challenge_name(), Some("NEW_PASSWORD_REQUIRED"));
    pool.respond(&asked, json!({ "USERNAME": "ana", "NEW_PASSWORD": PASSWORD }), None).await
}

#[tokio::test]
async fn a_temporary_password_gets_no_tokens_before_the_second_factor() {
    for guard in GUARDED {
        let takes_over =
            PoolSettings { temporary_passwords: AfterCognitoChallenge::IssueTokens, ..settings(guard, None) };
        let pool = TestPool::new(Enrollment::AtSignIn, takes_over);
        holds(guard, change_temporary_password(&pool).await.map(|step| step.answer));
        // The user is not locked out: with the new password the sign-in continues.
        Person::enroll(&mut pool.sign_in("ana").await).await;

        let pool = TestPool::new(Enrollment::AtSignIn, settings(guard, None));
        let asked = change_temporary_password(&pool).await.unwrap();
        assert_eq!(asked.shown("challenge"), "TOTP_SETUP");
    }
}

#[tokio::test]
async fn a_temporary_password_gets_no_tokens_by_another_flow() {
    for guard in GUARDED {
        let pool = TestPool::new(Enrollment::AtSignIn, settings(guard, Some(ExplicitAuthFlow::UserPassword)));
        pool.add_user_with_temporary_password("ana").await;
        let asked = by_password(&pool, "InitiateAuth", "USER_PASSWORD_AUTH", OTHER_CLIENT).await.unwrap();
        let request = json!({
            "ClientId": OTHER_CLIENT,
            "ChallengeName": "NEW_PASSWORD_REQUIRED",
            "Session": asked["Session"],
            "ChallengeResponses": { "USERNAME": "ana", "NEW_PASSWORD": PASSWORD },
        });
        holds(guard, pool.call("RespondToAuthChallenge", request).await);
    }
}

/// Ana, for whom an operator turned on a Cognito factor; EMAIL_OTP is answered after the password.
async fn pass_cognitos_mfa(pool: &TestPool) -> Result<Step, CognitoError> {
    let pool_id = &pool.settings().user_pool_id;
    let enabled = json!({ "UserPoolId": pool_id, "Username": "ana", "EmailMfaSettings": { "Enabled": true } });
    pool.call("AdminSetUserMFAPreference", enabled).await.unwrap();
    let asked = pool.start("ana", PASSWORD).await?;
    assert_eq!(asked.challenge_name(), Some("EMAIL_OTP"));
    let code = pool.messages().last().unwrap().code.clone();
    pool.respond(&asked, json!({ "USERNAME": "ana", "EMAIL_OTP_CODE": code }), None).await
}

fn with_cognitos_mfa(
    guard: Option<PreTokenGenerationVersion>,
    after_cognito_mfa: AfterCognitoChallenge,
) -> PoolSettings {
    PoolSettings { mfa_configuration: MfaConfiguration::Optional, after_cognito_mfa, ..settings(guard, None) }
}

async fn accept_email_codes(pool: &TestPool) {
    let pool_id = &pool.settings().user_pool_id;
    let config = json!({ "UserPoolId": pool_id, "MfaConfiguration": "OPTIONAL", "EmailMfaConfiguration": {} });
    pool.call("SetUserPoolMfaConfig", config).await.unwrap();
}

#[tokio::test]
async fn cognitos_mfa_without_define_gets_no_tokens_where_it_is_not_accepted() {
    for guard in GUARDED {
        let pool = TestPool::new(Enrollment::AtSignIn, with_cognitos_mfa(guard, AfterCognitoChallenge::IssueTokens));
        accept_email_codes(&pool).await;
        enrolled(&pool).await;
        holds(guard, pass_cognitos_mfa(&pool).await.map(|step| step.answer));
    }
}

#[tokio::test]
async fn where_define_is_called_a_cognito_factor_not_accepted_precedes_ours() {
    let pool = TestPool::new(
        Enrollment::AtSignIn,
        with_cognitos_mfa(Some(PreTokenGenerationVersion::V2), AfterCognitoChallenge::CallDefine),
    );
    accept_email_codes(&pool).await;
    let ana = enrolled(&pool).await;
    let step = pass_cognitos_mfa(&pool).await.unwrap();
    assert_eq!(step.shown("challenge"), "SECOND_FACTOR");
    assert!(pool.answer(&step, &ana.passcode(pool.now())).await.unwrap().has_tokens());
}

#[tokio::test]
async fn an_accepted_cognito_factor_passes_alone_with_and_without_define() {
    let accepted = AcceptedCognitoMfa::parse("EMAIL_OTP").unwrap();
    let sign_in = SignInSettings::new(accepted, Enrollment::ByOperator).unwrap();
    for after in [AfterCognitoChallenge::CallDefine, AfterCognitoChallenge::IssueTokens] {
        let pool = TestPool::with(sign_in, with_cognitos_mfa(Some(PreTokenGenerationVersion::V2), after));
        accept_email_codes(&pool).await;
        pool.add_user("ana").await;
        assert!(pass_cognitos_mfa(&pool).await.unwrap().has_tokens());
    }
}

#[tokio::test]
async fn tokens_of_a_guarded_sign_in_name_the_factor_and_a_refresh_does_not() {
    let pool = TestPool::new(Enrollment::AtSignIn, settings(Some(PreTokenGenerationVersion::V2), None));
    let ana = enrolled(&pool).await;
    let step = pool.start("ana", PASSWORD).await.unwrap();
    let proven_at = pool.now();
    let tokens = pool.answer(&step, &ana.passcode(proven_at)).await.unwrap().answer;
    let parameters = json!({ "REFRESH_TOKEN": tokens["AuthenticationResult"]["RefreshToken"] });
    let client_id = &client_ids(&pool)[0];
    let request = json!({ "ClientId": client_id, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": parameters });
    let refreshed = pool.call("InitiateAuth", request).await.unwrap();
    for token in ["IdToken", "AccessToken"] {
        let claims = claims(&tokens, token);
        assert_eq!(claims["second_factor"], "totp");
        assert_eq!(claims["second_factor_at"], proven_at.0.to_string());
        let claims = self::claims(&refreshed, token);
        assert_eq!((claims.get("second_factor"), claims.get("second_factor_at")), (None, None));
    }
}

#[tokio::test]
async fn in_a_pool_the_nonce_of_the_last_answer_reaches_verify_and_the_guard() {
    let pool = TestPool::new(Enrollment::AtSignIn, settings(Some(PreTokenGenerationVersion::V2), None));
    let ana = enrolled(&pool).await;
    for nonce in ["plainly-fake-nonce-1", "plainly-fake-nonce-2"] {
        let step = pool.start("ana", PASSWORD).await.unwrap();
        let responses =
            json!({ "USERNAME": step.answer["ChallengeParameters"]["USERNAME"], "ANSWER": ana.passcode(pool.now()) });
        let tokens = pool.respond(&step, responses, Some(json!({ "secondFactorNonce": nonce }))).await.unwrap().answer;
        assert_eq!(claims(&tokens, "AccessToken")["second_factor"], "totp");
        pool.wait(30);
    }
}

/// As docs/clients.md has it.
fn has_second_factor(claims: &Value) -> bool {
    let since = claims["second_factor_since"].as_str().and_then(|since| since.parse::<u64>().ok());
    claims["second_factor"].is_string()
        || since.zip(claims["auth_time"].as_u64()).is_some_and(|(since, auth_time)| auth_time >= since)
}

#[tokio::test]
async fn after_a_refresh_an_api_tells_sessions_that_proved_a_factor_from_others() {
    let since = NOW.plus(48 * 3600);
    let pool = TestPool::guarded_since(since, settings(Some(PreTokenGenerationVersion::V2), None));
    let client_id = &client_ids(&pool)[0];
    let refreshed = async |tokens: &Value| {
        let parameters = json!({ "REFRESH_TOKEN": tokens["AuthenticationResult"]["RefreshToken"] });
        let request = json!({ "ClientId": client_id, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": parameters });
        pool.call("InitiateAuth", request).await.unwrap()
    };
    let ana = enrolled(&pool).await;
    // A session from before: its own tokens name the factor, and nobody knows it of the refreshed ones.
    pool.wait(24 * 3600 - 60);
    let step = pool.start("ana", PASSWORD).await.unwrap();
    let before = pool.answer(&step, &ana.passcode(pool.now())).await.unwrap().answer;
    pool.wait(3660);
    let step = pool.start("ana", PASSWORD).await.unwrap();
    let after = pool.answer(&step, &ana.passcode(pool.now())).await.unwrap().answer;
    for token in ["IdToken", "AccessToken"] {
        assert!(has_second_factor(&claims(&before, token)) && has_second_factor(&claims(&after, token)));
    }
    for hours in [1, 2] {
        pool.wait(hours * 3600);
        for token in ["IdToken", "AccessToken"] {
            assert!(!has_second_factor(&claims(&refreshed(&before).await, token)), "{token}");
            let claims = claims(&refreshed(&after).await, token);
            assert!(has_second_factor(&claims) && claims.get("second_factor").is_none(), "{token}");
        }
    }
}

fn claims(answer: &Value, token: &str) -> Value {
    let token = answer["AuthenticationResult"][token].as_str().unwrap();
    serde_json::from_slice(&shared::encoding::decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}
