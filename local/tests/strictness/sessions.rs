//! Session strings, and what an answer to a challenge has to match.

use local::{AuthSessionValidity, ClientSettings, PoolSettings, SrpClient, Trigger};
use serde_json::{Value, json};

use crate::test_bed::{CLIENT_ID, PASSWORD, POOL_ID, TestBed, assert_error, response, usual_answer, with_client};

const ONCE: &str = "Invalid session for the user, session can only be used once.";
const EXPIRED: &str = "Invalid session for the user, session is expired.";
const INVALID: &str = "Invalid session for the user.";

#[tokio::test]
async fn a_session_string_works_once() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let asked = bed.prove_password("alice", PASSWORD).await.unwrap();
    let asked_again = bed.answer(&asked, "wrong").await.unwrap();
    assert_error(bed.answer(&asked, "42").await, "NotAuthorizedException", ONCE);
    assert_ne!(asked["Session"], asked_again["Session"]);
    bed.answer(&asked_again, "42").await.unwrap();
}

#[tokio::test]
async fn of_many_answers_to_one_challenge_at_once_one_is_verified() {
    let bed = std::sync::Arc::new(TestBed::new());
    bed.add_user("alice").await;
    let asked = bed.prove_password("alice", PASSWORD).await.unwrap();
    let answers: Vec<_> = (0..20)
        .map(|_| {
            let (bed, asked) = (bed.clone(), asked.clone());
            tokio::spawn(async move { bed.answer(&asked, "42").await })
        })
        .collect();
    let mut verified = 0;
    for answer in answers {
        verified += usize::from(answer.await.unwrap().is_ok());
    }
    assert_eq!(verified, 1);
}

#[tokio::test]
async fn a_session_string_expires_after_three_minutes_by_default() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let asked = bed.prove_password("alice", PASSWORD).await.unwrap();
    bed.advance(179);
    let asked = bed.answer(&asked, "wrong").await.unwrap();
    bed.advance(180);
    assert_error(bed.answer(&asked, "42").await, "NotAuthorizedException", EXPIRED);
}

#[tokio::test]
async fn a_session_string_lives_as_long_as_the_client_says() {
    let auth_session_validity = AuthSessionValidity::minutes(15).unwrap();
    let settings = with_client(ClientSettings { auth_session_validity, ..ClientSettings::default() });
    let bed = TestBed::with(settings, usual_answer);
    bed.add_user("alice").await;
    let asked = bed.prove_password("alice", PASSWORD).await.unwrap();
    bed.advance(15 * 60 - 1);
    bed.answer(&asked, "42").await.unwrap();
}

#[test]
fn a_session_lives_for_three_to_fifteen_minutes() {
    let allowed: Vec<u8> = (0..=u8::MAX).filter(|&minutes| AuthSessionValidity::minutes(minutes).is_some()).collect();
    assert_eq!(allowed, (3..=15).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_session_string_of_another_client_is_invalid() {
    let other = ClientSettings { client_id: "other".to_owned(), ..ClientSettings::default() };
    let settings = PoolSettings { clients: vec![ClientSettings::default(), other], ..PoolSettings::default() };
    let bed = TestBed::with(settings, usual_answer);
    bed.add_user("alice").await;
    let asked = bed.prove_password("alice", PASSWORD).await.unwrap();
    let mut body = response(&asked, json!({ "USERNAME": "alice", "ANSWER": "42" }));
    body["ClientId"] = json!("other");
    assert_error(bed.call("RespondToAuthChallenge", body).await, "NotAuthorizedException", INVALID);
}

#[tokio::test]
async fn a_session_string_of_another_user_is_invalid() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    bed.add_user("bob").await;
    let asked = bed.prove_password("alice", PASSWORD).await.unwrap();
    let answered = bed.respond(&asked, json!({ "USERNAME": "bob", "ANSWER": "42" })).await;
    assert_error(answered, "NotAuthorizedException", INVALID);
}

#[tokio::test]
async fn a_session_string_of_another_challenge_is_invalid() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let (_, asked) = bed.initiate("alice").await.unwrap();
    let mut body = response(&asked, json!({ "USERNAME": "alice", "ANSWER": "42" }));
    body["ChallengeName"] = json!("CUSTOM_CHALLENGE");
    assert_error(bed.call("RespondToAuthChallenge", body).await, "NotAuthorizedException", INVALID);
}

#[tokio::test]
async fn a_made_up_session_string_is_invalid() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let mut asked = bed.prove_password("alice", PASSWORD).await.unwrap();
    asked["Session"] = json!("A".repeat(128));
    assert_error(bed.answer(&asked, "42").await, "NotAuthorizedException", INVALID);
}

#[tokio::test]
async fn a_request_of_the_wrong_form_does_not_spend_the_session() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let asked = bed.prove_password("alice", PASSWORD).await.unwrap();
    let answered = bed.respond(&asked, json!({ "USERNAME": "alice" })).await;
    assert_error(answered, "InvalidParameterException", "Missing required parameter ANSWER");
    let mut body = response(&asked, json!({ "USERNAME": "alice", "ANSWER": "42" }));
    body.as_object_mut().unwrap().remove("Session");
    let answered = bed.call("RespondToAuthChallenge", body).await;
    assert_error(answered, "InvalidParameterException", "Missing required parameter Session");
    bed.answer(&asked, "42").await.unwrap();
}

#[tokio::test]
async fn challenges_go_on_for_as_long_as_define_asks_for_them() {
    let bed = TestBed::with(PoolSettings::default(), |trigger, event| {
        let mut response = usual_answer(trigger, event)?;
        if response["failAuthentication"] == true {
            response = crate::test_bed::challenge("CUSTOM_CHALLENGE");
        }
        Ok(response)
    });
    bed.add_user("alice").await;
    let mut asked = bed.prove_password("alice", PASSWORD).await.unwrap();
    for _ in 0..50 {
        asked = bed.answer(&asked, "wrong").await.unwrap();
    }
    bed.answer(&asked, "42").await.unwrap();
}

#[tokio::test]
async fn the_admin_operations_refuse_alike_and_name_the_pool() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let body = json!({
        "UserPoolId": "us-east-1_LocalPool",
        "ClientId": CLIENT_ID,
        "AuthFlow": "CUSTOM_AUTH",
        "AuthParameters": { "USERNAME": "alice" },
    });
    assert_error(
        bed.call("AdminInitiateAuth", body.clone()).await,
        "NotAuthorizedException",
        "Incorrect username or password.",
    );
    let mut elsewhere = body;
    elsewhere["UserPoolId"] = json!("us-east-1_Other");
    assert_error(
        bed.call("AdminInitiateAuth", elsewhere).await,
        "ResourceNotFoundException",
        "User pool us-east-1_Other does not exist.",
    );
}

#[tokio::test]
async fn the_admin_operations_sign_in_from_srp_a_to_a_refresh() {
    use Trigger::{
        CreateAuthChallenge as Create, DefineAuthChallenge as Define, PreTokenGeneration as Guard,
        VerifyAuthChallengeResponse as Verify,
    };
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let initiate = async |flow: &str, parameters: Value| {
        let body = json!({
            "UserPoolId": POOL_ID, "ClientId": CLIENT_ID, "AuthFlow": flow, "AuthParameters": parameters,
        });
        bed.call("AdminInitiateAuth", body).await.unwrap()
    };
    let respond = async |asked: &Value, responses: Value| {
        let mut body = response(asked, responses);
        body["UserPoolId"] = json!(POOL_ID);
        bed.call("AdminRespondToAuthChallenge", body).await.unwrap()
    };
    let srp = SrpClient::new(POOL_ID).unwrap();
    let parameters = json!({ "CHALLENGE_NAME": "SRP_A", "USERNAME": "alice", "SRP_A": srp.public_value() });
    let asked = initiate("CUSTOM_AUTH", parameters).await;
    assert_eq!(asked["ChallengeName"], "PASSWORD_VERIFIER");
    let asked = respond(&asked, srp.answer(&asked["ChallengeParameters"], PASSWORD, bed.now()).unwrap()).await;
    assert_eq!(asked["ChallengeName"], "CUSTOM_CHALLENGE");
    let asked = respond(&asked, json!({ "USERNAME": "alice", "ANSWER": "wrong" })).await;
    let first = respond(&asked, json!({ "USERNAME": "alice", "ANSWER": "42" })).await;
    let refresh_token = &first["AuthenticationResult"]["RefreshToken"];

    let second = initiate("REFRESH_TOKEN_AUTH", json!({ "REFRESH_TOKEN": refresh_token })).await;
    assert_eq!(second["AuthenticationResult"].get("RefreshToken"), None);
    for answer in [&first, &second] {
        let token = &answer["AuthenticationResult"]["AccessToken"];
        assert_eq!(bed.call("GetUser", json!({ "AccessToken": token })).await.unwrap()["Username"], "alice");
    }
    assert_ne!(first["AuthenticationResult"]["AccessToken"], second["AuthenticationResult"]["AccessToken"]);
    let called: Vec<Trigger> = bed.take_calls().into_iter().map(|(trigger, _)| trigger).collect();
    assert_eq!(called, [Define, Define, Create, Verify, Define, Create, Verify, Define, Guard, Guard]);
}
