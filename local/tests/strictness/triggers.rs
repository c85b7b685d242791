//! The triggers: what they are sent, how often, and what becomes of their answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use local::{PoolSettings, Trigger, TriggerFailure, TriggerFuture, Triggers};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::test_bed::{
    Answer, CLIENT_ID, PASSWORD, POOL_ID, TestBed, assert_error, assert_incorrect, challenge, failure, legacy,
    response, tokens, usual_answer,
};

/// What is to be answered in place of one trigger, once there is something.
type HandlerError = Arc<Mutex<Option<(Trigger, Answer)>>>;

/// A pool with alice, whose triggers are the usual ones but for a fault.
async fn bed_with_a_fault() -> (TestBed, HandlerError) {
    let fault = HandlerError::default();
    let armed = fault.clone();
    let bed = TestBed::with(PoolSettings::default(), move |trigger, event| match &*armed.lock().unwrap() {
        Some((faulty, answer)) if *faulty == trigger => answer.clone(),
        _ => usual_answer(trigger, event),
    });
    bed.add_user("alice").await;
    (bed, fault)
}

/// A sign-in up to the custom challenge, whose next answer meets `answer` in place of one trigger.
async fn bed_where(faulty: Trigger, answer: Answer) -> (TestBed, Value) {
    let (bed, fault) = bed_with_a_fault().await;
    let asked = bed.prove_password("alice", PASSWORD).await.unwrap();
    *fault.lock().unwrap() = Some((faulty, answer));
    (bed, asked)
}

#[tokio::test]
async fn the_events_are_cognitos() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    bed.sign_in("alice").await;
    let calls = bed.take_calls();
    let order: Vec<Trigger> = calls.iter().map(|(trigger, _)| *trigger).collect();
    use Trigger::{CreateAuthChallenge, DefineAuthChallenge, PreTokenGeneration, VerifyAuthChallengeResponse};
    assert_eq!(
        order,
        [
            DefineAuthChallenge,
            DefineAuthChallenge,
            CreateAuthChallenge,
            VerifyAuthChallengeResponse,
            DefineAuthChallenge,
            PreTokenGeneration
        ]
    );

    let sub = calls[0].1["request"]["userAttributes"]["sub"].clone();
    assert_eq!(sub.as_str().unwrap().len(), 36);
    let user_attributes = json!({
        "sub": sub,
        "cognito:user_status": "CONFIRMED",
        "email": "alice@example.com",
        "email_verified": "true",
    });
    let event = |source: &str, request: Value, response: Value| {
        let mut event = json!({
            "version": "1",
            "triggerSource": source,
            "region": "us-east-1",
            "userPoolId": POOL_ID,
            "userName": "alice",
            "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": CLIENT_ID },
            "request": { "userAttributes": user_attributes, "userNotFound": false },
            "response": response,
        });
        event["request"].as_object_mut().unwrap().extend(request.as_object().unwrap().clone());
        event
    };
    let entry = |name: &str, metadata: Value| json!({ "challengeName": name, "challengeResult": true, "challengeMetadata": metadata });
    let srp_a = entry("SRP_A", Value::Null);
    let password = entry("PASSWORD_VERIFIER", Value::Null);
    let custom = entry("CUSTOM_CHALLENGE", json!("TEST"));
    let define = |session: Value| {
        let nulls = json!({ "challengeName": null, "issueTokens": null, "failAuthentication": null });
        event("DefineAuthChallenge_Authentication", json!({ "session": session }), nulls)
    };
    assert_eq!(calls[0].1, define(json!([srp_a])));
    assert_eq!(calls[1].1, define(json!([srp_a, password])));
    assert_eq!(
        calls[2].1,
        event(
            "CreateAuthChallenge_Authentication",
            json!({ "session": [srp_a, password], "challengeName": "CUSTOM_CHALLENGE" }),
            json!({
                "publicChallengeParameters": null, "privateChallengeParameters": null, "challengeMetadata": null,
            }),
        )
    );
    assert_eq!(
        calls[3].1,
        event(
            "VerifyAuthChallengeResponse_Authentication",
            json!({ "privateChallengeParameters": { "answer": "42" }, "challengeAnswer": "42" }),
            json!({ "answerCorrect": null }),
        )
    );
    assert_eq!(calls[4].1, define(json!([srp_a, password, custom])));
    let mut generation = event(
        "TokenGeneration_Authentication",
        json!({
            "groupConfiguration": { "groupsToOverride": [], "iamRolesToOverride": [], "preferredRole": null },
            "scopes": ["aws.cognito.signin.user.admin"],
        }),
        json!({ "claimsAndScopeOverrideDetails": null }),
    );
    generation["version"] = json!("2");
    generation["request"].as_object_mut().unwrap().remove("userNotFound");
    assert_eq!(calls[5].1, generation);
}

#[tokio::test]
async fn without_srp_a_define_sees_an_empty_session() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    assert_incorrect(bed.initiate_with(json!({ "USERNAME": "alice" })).await);
    assert_eq!(bed.take_calls()[0].1["request"]["session"], json!([]));
}

#[tokio::test]
async fn user_not_found_is_absent_under_legacy() {
    let bed = TestBed::with(legacy(), usual_answer);
    bed.add_user("alice").await;
    bed.sign_in("alice").await;
    for (_, event) in bed.take_calls() {
        assert_eq!(event["request"].get("userNotFound"), None);
    }
}

async fn metadata_of_each_trigger(settings: PoolSettings) -> Vec<(Trigger, Option<Value>)> {
    let bed = TestBed::with(settings, usual_answer);
    bed.add_user("alice").await;
    let asked = bed.prove_password("alice", PASSWORD).await.unwrap();
    bed.take_calls();
    let mut body = response(&asked, json!({ "USERNAME": "alice", "ANSWER": "wrong" }));
    body["ClientMetadata"] = json!({ "afterSecondFactor": "NOTHING" });
    bed.call("RespondToAuthChallenge", body).await.unwrap();
    let metadata = |event: Value| event["request"].get("clientMetadata").cloned();
    bed.take_calls().into_iter().map(|(trigger, event)| (trigger, metadata(event))).collect()
}

#[tokio::test]
async fn client_metadata_of_an_answer_reaches_all_three_triggers() {
    let metadata = Some(json!({ "afterSecondFactor": "NOTHING" }));
    assert_eq!(
        metadata_of_each_trigger(PoolSettings::default()).await,
        [
            (Trigger::VerifyAuthChallengeResponse, metadata.clone()),
            (Trigger::DefineAuthChallenge, metadata.clone()),
            (Trigger::CreateAuthChallenge, metadata),
        ]
    );
}

#[tokio::test]
async fn client_metadata_does_not_reach_create_where_the_pool_is_set_so() {
    let settings = PoolSettings { client_metadata_reaches_create: false, ..PoolSettings::default() };
    let metadata = Some(json!({ "afterSecondFactor": "NOTHING" }));
    assert_eq!(
        metadata_of_each_trigger(settings).await,
        [
            (Trigger::VerifyAuthChallengeResponse, metadata.clone()),
            (Trigger::DefineAuthChallenge, metadata),
            (Trigger::CreateAuthChallenge, None),
        ]
    );
}

#[tokio::test]
async fn client_metadata_of_initiate_auth_reaches_no_trigger() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let body = json!({
        "ClientId": CLIENT_ID,
        "AuthFlow": "CUSTOM_AUTH",
        "AuthParameters": { "USERNAME": "alice" },
        "ClientMetadata": { "key": "value" },
    });
    assert_incorrect(bed.call("InitiateAuth", body).await);
    assert_eq!(bed.take_calls()[0].1["request"].get("clientMetadata"), None);
}

/// Answers each delivery after its own delay.
struct Slow {
    delays: Vec<Duration>,
    delivered: Mutex<Vec<Value>>,
    finished: AtomicUsize,
}

impl Triggers for Slow {
    fn call(&self, trigger: Trigger, event: Value) -> TriggerFuture<'_> {
        Box::pin(async move {
            if trigger == Trigger::VerifyAuthChallengeResponse {
                let delay = {
                    let mut delivered = self.delivered.lock().unwrap();
                    let delay = self.delays[delivered.len()];
                    delivered.push(event.clone());
                    delay
                };
                sleep(delay).await;
                self.finished.fetch_add(1, Ordering::Relaxed);
            }
            let mut answer = event;
            answer["response"] = usual_answer(trigger, &answer)?;
            Ok(answer)
        })
    }
}

async fn slow_bed(seconds: [u64; 3]) -> (Arc<Slow>, TestBed, Value) {
    let slow = Arc::new(Slow {
        delays: seconds.map(Duration::from_secs).to_vec(),
        delivered: Mutex::default(),
        finished: AtomicUsize::new(0),
    });
    let bed = TestBed::over(PoolSettings::default(), slow.clone());
    bed.add_user("alice").await;
    let asked = bed.prove_password("alice", PASSWORD).await.unwrap();
    (slow, bed, asked)
}

#[tokio::test(start_paused = true)]
async fn a_trigger_without_answer_in_five_seconds_gets_the_same_event_again() {
    let (slow, bed, asked) = slow_bed([6, 6, 4]).await;
    let started = Instant::now();
    let result = bed.answer(&asked, "42").await.unwrap();
    assert!(result["AuthenticationResult"].is_object());
    assert_eq!(started.elapsed().as_secs(), 14);
    let delivered = slow.delivered.lock().unwrap().clone();
    assert_eq!(delivered.len(), 3);
    assert!(delivered.iter().all(|event| *event == delivered[0]));
}

#[tokio::test(start_paused = true)]
async fn after_three_deliveries_without_an_answer_the_sign_in_ends() {
    let (slow, bed, asked) = slow_bed([6, 6, 6]).await;
    let started = Instant::now();
    assert_error(
        bed.answer(&asked, "42").await,
        "UnexpectedLambdaException",
        "VerifyAuthChallengeResponse invocation failed due to error Socket timeout while invoking Lambda function.",
    );
    assert_eq!(started.elapsed().as_secs(), 15);
    assert_eq!(slow.delivered.lock().unwrap().len(), 3);
    assert_error(
        bed.answer(&asked, "42").await,
        "NotAuthorizedException",
        "Invalid session for the user, session can only be used once.",
    );
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_took_too_long_goes_on_alongside_the_next() {
    let (slow, bed, asked) = slow_bed([7, 1, 0]).await;
    bed.answer(&asked, "42").await.unwrap();
    assert_eq!(slow.finished.load(Ordering::Relaxed), 1);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(slow.finished.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_functions_error_reaches_the_client_and_the_session_is_used_up() {
    for trigger in [Trigger::VerifyAuthChallengeResponse, Trigger::DefineAuthChallenge, Trigger::CreateAuthChallenge] {
        let error = TriggerFailure::Function("it broke".to_owned());
        let (bed, asked) = bed_where(trigger, Err(error)).await;
        let message = format!("{trigger} failed with error it broke.");
        assert_error(bed.answer(&asked, "wrong").await, "UserLambdaValidationException", &message);
        assert_error(
            bed.answer(&asked, "42").await,
            "NotAuthorizedException",
            "Invalid session for the user, session can only be used once.",
        );
    }
}

#[tokio::test]
async fn a_function_that_cannot_be_called_is_unexpected() {
    let failure = TriggerFailure::NotCalled("AccessDeniedException".to_owned());
    let (bed, asked) = bed_where(Trigger::DefineAuthChallenge, Err(failure)).await;
    assert_error(
        bed.answer(&asked, "42").await,
        "UnexpectedLambdaException",
        "DefineAuthChallenge invocation failed due to error AccessDeniedException.",
    );
}

#[tokio::test]
async fn a_function_that_panics_has_failed() {
    let bed = TestBed::with(PoolSettings::default(), |_, _| panic!("a bug"));
    assert_error(
        bed.initiate_with(json!({ "USERNAME": "alice" })).await,
        "UserLambdaValidationException",
        "DefineAuthChallenge failed with error Error: Runtime exited with error.",
    );
}

#[tokio::test]
async fn fail_authentication_is_an_incorrect_user_name_or_password() {
    let (bed, asked) = bed_where(Trigger::DefineAuthChallenge, Ok(failure())).await;
    assert_incorrect(bed.answer(&asked, "42").await);
}

#[tokio::test]
async fn empty_private_parameters_end_the_sign_in() {
    for private in [json!({}), Value::Null] {
        let created = json!({
            "publicChallengeParameters": {}, "privateChallengeParameters": private, "challengeMetadata": "TEST",
        });
        let (bed, asked) = bed_where(Trigger::CreateAuthChallenge, Ok(created)).await;
        assert_incorrect(bed.answer(&asked, "wrong").await);
    }
}

#[tokio::test]
async fn a_wrong_shape_is_an_invalid_response() {
    let define = |name: Value, issue: Value, fail: Value| {
        let response = json!({ "challengeName": name, "issueTokens": issue, "failAuthentication": fail });
        (Trigger::DefineAuthChallenge, response)
    };
    let create = |public: Value, private: Value, metadata: Value| {
        let response = json!({
            "publicChallengeParameters": public,
            "privateChallengeParameters": private,
            "challengeMetadata": metadata,
        });
        (Trigger::CreateAuthChallenge, response)
    };
    let verify = |correct: Value| (Trigger::VerifyAuthChallengeResponse, json!({ "answerCorrect": correct }));
    let (yes, no, null) = (json!(true), json!(false), Value::Null);
    let custom = json!("CUSTOM_CHALLENGE");
    let private = json!({ "answer": "42" });
    let shapes = [
        // Both flags, no flag, a flag of another type.
        define(null.clone(), yes.clone(), yes.clone()),
        define(custom.clone(), yes.clone(), yes.clone()),
        define(custom.clone(), null.clone(), null.clone()),
        define(custom.clone(), no.clone(), null.clone()),
        define(null.clone(), yes.clone(), null.clone()),
        define(custom.clone(), json!("false"), no.clone()),
        // A decision and a challenge.
        define(custom.clone(), yes.clone(), no.clone()),
        define(custom.clone(), no.clone(), yes.clone()),
        define(json!(""), yes.clone(), no.clone()),
        // Neither.
        define(null.clone(), no.clone(), no.clone()),
        define(json!(7), no.clone(), no.clone()),
        // Challenges that Define must not ask for, or not now.
        (Trigger::DefineAuthChallenge, challenge("SOFTWARE_TOKEN_MFA")),
        (Trigger::DefineAuthChallenge, challenge("SMS_MFA")),
        (Trigger::DefineAuthChallenge, challenge("EMAIL_OTP")),
        (Trigger::DefineAuthChallenge, challenge("SRP_A")),
        (Trigger::DefineAuthChallenge, challenge("")),
        (Trigger::DefineAuthChallenge, challenge("PASSWORD_VERIFIER")),
        (Trigger::DefineAuthChallenge, challenge("NEW_PASSWORD_REQUIRED")),
        (Trigger::DefineAuthChallenge, json!({})),
        // Values that are not strings.
        create(json!({ "attemptsLeft": 3 }), private.clone(), null.clone()),
        create(json!({}), json!({ "answer": 42 }), null.clone()),
        create(json!({}), json!({ "answer": null }), null.clone()),
        create(json!([]), private.clone(), null.clone()),
        create(json!({}), private, json!({ "kind": "SECOND_FACTOR" })),
        verify(null.clone()),
        verify(json!("true")),
        (Trigger::VerifyAuthChallengeResponse, json!({})),
        (Trigger::VerifyAuthChallengeResponse, null),
        (Trigger::VerifyAuthChallengeResponse, json!("ok")),
    ];
    let (bed, fault) = bed_with_a_fault().await;
    for (trigger, response) in shapes {
        *fault.lock().unwrap() = None;
        let asked = bed.prove_password("alice", PASSWORD).await.unwrap();
        *fault.lock().unwrap() = Some((trigger, Ok(response.clone())));
        let error = bed.answer(&asked, "wrong").await.expect_err("a wrong shape");
        assert_eq!(error.kind, "InvalidLambdaResponseException", "{trigger}: {response}");
        assert_eq!(error.message, "Unrecognizable lambda output");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_event_is_an_invalid_response() {
    struct Mute;
    impl Triggers for Mute {
        fn call(&self, _: Trigger, _: Value) -> TriggerFuture<'_> {
            Box::pin(async { Ok(Value::Null) })
        }
    }
    let bed = TestBed::over(PoolSettings::default(), Arc::new(Mute));
    assert_error(
        bed.initiate_with(json!({ "USERNAME": "alice" })).await,
        "InvalidLambdaResponseException",
        "Unrecognizable lambda output",
    );
}

#[tokio::test]
async fn the_pool_follows_define_even_where_define_is_careless() {
    let bed = TestBed::with(PoolSettings::default(), |_, _| Ok(tokens()));
    bed.add_user("alice").await;
    let result = bed.initiate_with(json!({ "USERNAME": "alice" })).await.unwrap();
    assert!(result["AuthenticationResult"]["AccessToken"].is_string());
}

#[tokio::test]
async fn the_public_parameters_reach_the_client_and_the_private_ones_do_not() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let asked = bed.prove_password("alice", PASSWORD).await.unwrap();
    assert_eq!(asked["ChallengeParameters"], json!({ "USERNAME": "alice", "challenge": "TEST" }));
    assert!(!asked.to_string().contains("42\""));
}
