//! The password: SRP, users who do not exist, and temporary passwords.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use local::{ClientSettings, PoolSettings, SrpClient, Trigger};
use num_bigint::BigUint;
use serde_json::{Value, json};
use shared::clock::UnixTime;

use crate::test_bed::{
    CLIENT_ID, PASSWORD, POOL_ID, TestBed, assert_error, assert_incorrect, legacy, usual_answer, with_client,
};

#[tokio::test]
async fn the_password_and_the_right_answer_sign_in() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let asked = bed.prove_password("alice", PASSWORD).await.unwrap();
    assert_eq!(asked["ChallengeParameters"], json!({ "challenge": "TEST", "USERNAME": "alice" }));
    let result = bed.answer(&asked, "42").await.unwrap();
    assert!(result["AuthenticationResult"]["AccessToken"].is_string());
}

#[tokio::test]
async fn many_handshakes_agree_on_a_key() {
    let bed = TestBed::new();
    for number in 0..8 {
        let user_name = format!("user-{number}");
        bed.add_user(&user_name).await;
        bed.prove_password(&user_name, PASSWORD).await.unwrap();
    }
}

#[tokio::test]
async fn user_names_are_compared_without_regard_to_case() {
    let bed = TestBed::new();
    bed.add_user("Alice").await;
    let (srp, asked) = bed.initiate("aLICE").await.unwrap();
    assert_eq!(asked["ChallengeParameters"]["USER_ID_FOR_SRP"], "Alice");
    let mut claim = srp.answer(&asked["ChallengeParameters"], PASSWORD, bed.now()).unwrap();
    claim["USERNAME"] = json!("aLICE");
    bed.respond(&asked, claim).await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_define_is_not_asked() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    assert_incorrect(bed.prove_password("alice", "Wrong-Horse-7").await);
    assert_eq!(bed.take_calls().len(), 1, "Define, for SRP_A");
}

#[tokio::test]
async fn define_sees_a_wrong_password_where_the_pool_is_set_so() {
    let settings = PoolSettings { define_sees_wrong_password: true, ..PoolSettings::default() };
    let bed = TestBed::with(settings, usual_answer);
    bed.add_user("alice").await;
    assert_incorrect(bed.prove_password("alice", "Wrong-Horse-7").await);
    let events = bed.take_events(Trigger::DefineAuthChallenge);
    let entry = json!({ "challengeName": "PASSWORD_VERIFIER", "challengeResult": false, "challengeMetadata": null });
    assert_eq!(events[1]["request"]["session"][1], entry);
}

#[tokio::test]
async fn a_wrong_password_spends_the_session() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let (srp, asked) = bed.initiate("alice").await.unwrap();
    let parameters = &asked["ChallengeParameters"];
    assert_incorrect(bed.respond(&asked, srp.answer(parameters, "Wrong-Horse-7", bed.now()).unwrap()).await);
    assert_error(
        bed.respond(&asked, srp.answer(parameters, PASSWORD, bed.now()).unwrap()).await,
        "NotAuthorizedException",
        "Invalid session for the user, session can only be used once.",
    );
}

#[tokio::test]
async fn a_public_value_that_n_divides_is_refused() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let n = group_modulus();
    for srp_a in [BigUint::ZERO, n.clone(), n * 2_u8] {
        let parameters = json!({ "CHALLENGE_NAME": "SRP_A", "USERNAME": "alice", "SRP_A": srp_a.to_str_radix(16) });
        assert_error(bed.initiate_with(parameters).await, "InvalidParameterException", "Invalid SRP_A");
    }
}

#[tokio::test]
async fn a_public_value_that_is_no_number_is_refused() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    for srp_a in ["", "xyz", "-2", "+2", &"f".repeat(5000)] {
        let parameters = json!({ "CHALLENGE_NAME": "SRP_A", "USERNAME": "alice", "SRP_A": srp_a });
        assert_error(bed.initiate_with(parameters).await, "InvalidParameterException", "Invalid SRP_A");
    }
}

#[tokio::test]
async fn a_forged_secret_block_is_refused() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let (srp, mut asked) = bed.initiate("alice").await.unwrap();
    asked["ChallengeParameters"]["SECRET_BLOCK"] = json!(BASE64_STANDARD.encode([7; 256]));
    let claim = srp.answer(&asked["ChallengeParameters"], PASSWORD, bed.now()).unwrap();
    assert_incorrect(bed.respond(&asked, claim).await);
}

#[tokio::test]
async fn a_secret_block_belongs_to_one_session() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let (_, earlier) = bed.initiate("alice").await.unwrap();
    let (srp, mut asked) = bed.initiate("alice").await.unwrap();
    asked["ChallengeParameters"]["SECRET_BLOCK"] = earlier["ChallengeParameters"]["SECRET_BLOCK"].clone();
    let claim = srp.answer(&asked["ChallengeParameters"], PASSWORD, bed.now()).unwrap();
    assert_incorrect(bed.respond(&asked, claim).await);
}

#[tokio::test]
async fn a_claim_of_five_minutes_ago_or_ahead_is_too_far_from_now() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let now = bed.now().0;
    for (stated, accepted) in [(now - 300, true), (now + 300, true), (now - 301, false), (now + 301, false)] {
        let (srp, asked) = bed.initiate("alice").await.unwrap();
        let claim = srp.answer(&asked["ChallengeParameters"], PASSWORD, UnixTime(stated)).unwrap();
        let answered = bed.respond(&asked, claim).await;
        if accepted { drop(answered.unwrap()) } else { assert_incorrect(answered) }
    }
}

#[tokio::test]
async fn a_timestamp_in_another_form_is_refused() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let (srp, asked) = bed.initiate("alice").await.unwrap();
    let claim = srp.answer(&asked["ChallengeParameters"], PASSWORD, bed.now()).unwrap();
    let right = claim["TIMESTAMP"].as_str().unwrap();
    assert_eq!(right, "Fri Jan 15 08:00:00 UTC 2027");
    for wrong in [
        "2027-01-15T08:00:00Z",
        "Thu Jan 15 08:00:00 UTC 2027",
        "Fri Jan 15 8:00:00 UTC 2027",
        "Tue Jan 05 08:00:00 UTC 2027",
        "",
    ] {
        let mut claim = claim.clone();
        claim["TIMESTAMP"] = json!(wrong);
        assert_error(
            bed.respond(&asked, claim).await,
            "InvalidParameterException",
            "TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english",
        );
    }
}

#[tokio::test]
async fn an_unknown_user_is_asked_for_a_password_and_never_signs_in() {
    let bed = TestBed::new();
    let (srp, asked) = bed.initiate("nobody").await.unwrap();
    let (_, again) = bed.initiate("Nobody").await.unwrap();
    let (_, other) = bed.initiate("somebody").await.unwrap();
    let salt = |asked: &Value| asked["ChallengeParameters"]["SALT"].clone();
    assert_eq!(asked["ChallengeName"], "PASSWORD_VERIFIER");
    assert_eq!(salt(&asked), salt(&again), "a real user's salt stays the same");
    assert_ne!(salt(&asked), salt(&other));
    assert_ne!(asked["ChallengeParameters"]["SRP_B"], again["ChallengeParameters"]["SRP_B"]);
    let claim = srp.answer(&asked["ChallengeParameters"], PASSWORD, bed.now()).unwrap();
    assert_incorrect(bed.respond(&asked, claim).await);
    for (_, event) in bed.take_calls() {
        assert_eq!(event["request"]["userNotFound"], true);
        assert_eq!(event["request"]["userAttributes"], json!({}));
    }
}

#[tokio::test]
async fn an_unknown_user_gets_no_tokens_even_if_define_issues_them() {
    let bed = TestBed::with(PoolSettings::default(), |_, _| Ok(crate::test_bed::tokens()));
    assert_incorrect(bed.initiate_with(json!({ "USERNAME": "nobody" })).await);
}

#[tokio::test]
async fn under_legacy_an_unknown_user_is_not_found_and_no_trigger_is_called() {
    let bed = TestBed::with(legacy(), usual_answer);
    let result = bed.initiate("nobody").await.map(|(_, asked)| asked);
    assert_error(result, "UserNotFoundException", "User does not exist.");
    assert!(bed.take_calls().is_empty());
}

#[tokio::test]
async fn an_unconfirmed_user_learns_so_only_with_the_password() {
    let bed = TestBed::new();
    let body = json!({ "ClientId": CLIENT_ID, "Username": "alice", "Password": PASSWORD });
    bed.call("SignUp", body).await.unwrap();
    assert_incorrect(bed.prove_password("alice", "Wrong-Horse-7").await);
    let result = bed.prove_password("alice", PASSWORD).await;
    assert_error(result, "UserNotConfirmedException", "User is not confirmed.");
    let result = bed.initiate_with(json!({ "USERNAME": "alice" })).await;
    assert_error(result, "UserNotConfirmedException", "User is not confirmed.");
}

#[tokio::test]
async fn a_temporary_password_is_changed_on_the_way_in() {
    let bed = TestBed::new();
    let body = json!({
        "UserPoolId": POOL_ID, "Username": "alice", "TemporaryPassword": PASSWORD, "MessageAction": "SUPPRESS",
    });
    let created = bed.call("AdminCreateUser", body).await.unwrap();
    assert_eq!(created["User"]["UserStatus"], "FORCE_CHANGE_PASSWORD");

    let asked = bed.prove_password("alice", PASSWORD).await.unwrap();
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    let weak = bed.respond(&asked, json!({ "USERNAME": "alice", "NEW_PASSWORD": "short" })).await;
    assert_error(weak, "InvalidPasswordException", "Password did not conform with policy: Password not long enough");
    let new = json!({ "USERNAME": "alice", "NEW_PASSWORD": "Another-Horse-8", "userAttributes.name": "Alice" });
    let asked = bed.respond(&asked, new).await.unwrap();
    assert_eq!(asked["ChallengeName"], "CUSTOM_CHALLENGE");
    bed.answer(&asked, "42").await.unwrap();

    let events = bed.take_events(Trigger::DefineAuthChallenge);
    let status = |event: &Value| event["request"]["userAttributes"]["cognito:user_status"].clone();
    assert_eq!((status(&events[1]), status(&events[2])), (json!("FORCE_CHANGE_PASSWORD"), json!("CONFIRMED")));
    let entry = json!({ "challengeName": "NEW_PASSWORD_REQUIRED", "challengeResult": true, "challengeMetadata": null });
    assert_eq!(events[2]["request"]["session"][2], entry);
    assert_eq!(events[2]["request"]["userAttributes"]["name"], "Alice");

    assert_incorrect(bed.prove_password("alice", PASSWORD).await);
    bed.prove_password("alice", "Another-Horse-8").await.unwrap();
}

#[tokio::test]
async fn a_client_with_a_secret_has_to_send_its_hash_with_every_call() {
    let client = ClientSettings { client_secret: Some("hush".to_owned()), ..ClientSettings::default() };
    let bed = TestBed::with(with_client(client), usual_answer);
    bed.add_user("alice").await;
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"hush");
    let secret_hash = BASE64_STANDARD.encode(hmac::sign(&key, format!("alice{CLIENT_ID}").as_bytes()));
    let missing = format!("Client {CLIENT_ID} is configured with secret but SECRET_HASH was not received");
    let wrong = format!("Unable to verify secret hash for client {CLIENT_ID}");

    let srp = SrpClient::new(POOL_ID).unwrap();
    let mut parameters = json!({ "CHALLENGE_NAME": "SRP_A", "USERNAME": "alice", "SRP_A": srp.public_value() });
    assert_error(bed.initiate_with(parameters.clone()).await, "NotAuthorizedException", &missing);
    parameters["SECRET_HASH"] = json!("bm8=");
    assert_error(bed.initiate_with(parameters.clone()).await, "NotAuthorizedException", &wrong);
    parameters["SECRET_HASH"] = json!(secret_hash);
    let asked = bed.initiate_with(parameters).await.unwrap();

    let mut claim = srp.answer(&asked["ChallengeParameters"], PASSWORD, bed.now()).unwrap();
    assert_error(bed.respond(&asked, claim.clone()).await, "NotAuthorizedException", &missing);
    claim["SECRET_HASH"] = json!(secret_hash);
    let asked = bed.respond(&asked, claim).await.unwrap();
    let answer = json!({ "USERNAME": "alice", "ANSWER": "42", "SECRET_HASH": secret_hash });
    let result = bed.respond(&asked, answer).await.unwrap();

    let refresh = |parameters: Value| {
        bed.call(
            "InitiateAuth",
            json!({ "ClientId": CLIENT_ID, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": parameters }),
        )
    };
    let token = &result["AuthenticationResult"]["RefreshToken"];
    assert_error(refresh(json!({ "REFRESH_TOKEN": token })).await, "NotAuthorizedException", &missing);
    refresh(json!({ "REFRESH_TOKEN": token, "SECRET_HASH": secret_hash })).await.unwrap();
}

#[tokio::test]
async fn a_client_without_a_secret_must_not_send_a_hash() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let result = bed.initiate_with(json!({ "USERNAME": "alice", "SECRET_HASH": "bm8=" })).await;
    let message = format!("Unable to verify secret hash for client {CLIENT_ID}");
    assert_error(result, "NotAuthorizedException", &message);
}

/// RFC 3526 section 4.
fn group_modulus() -> BigUint {
    let hex = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD\
               EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
               EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F\
               83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B\
               E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510\
               15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7\
               ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C\
               BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF";
    BigUint::parse_bytes(hex.as_bytes(), 16).unwrap()
}
