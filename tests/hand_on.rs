//! The token guard hands what it passes on to the team's own function, which decides about everything in the tokens but the
//! second factor, and can refuse them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use local::in_process::NextInProcess;
use local::{PoolSettings, PreTokenGenerationVersion};
use pre_token_generation::Guard;
use serde_json::{Map, Value, json};
use shared::cognito::UserKey;
use shared::error::{ClientError, InvokeError, StoreError};
use shared::guard_settings::{FunctionArn, NextFunctionErrors, NextFunctionSettings, ReportOnly};
use shared::hand_on::LONGEST_ANSWER;
use shared::invocation::answer;
use shared::next_function::{Invoked, Next, NextFunction};
use shared::next_refusal::LONGEST_MESSAGE;
use shared::record::Record;
use shared::settings::TokenGuard;
use shared::store::memory::MemoryStore;
use shared::store::{RecordStore, Saved, Version, Versioned};
use shared::token_grant::REPEAT_SECONDS;
use tests::clock::NOW;
use tests::driver::Driver;
use tests::events::{REQUEST_ID, User};
use tests::functions::Functions;
use tests::log::logged;
use tests::person::{Person, set_up_authenticator};
use tests::pool::TestPool;

const SIGN_IN: &str = "TokenGeneration_Authentication";
const REFRESH: &str = "TokenGeneration_RefreshTokens";
const MACHINE: &str = "TokenGeneration_ClientCredentials";

/// A function that answers always alike, and keeps the events that it was invoked with.
struct Team {
    answer: Result<Invoked, &'static str>,
    invoked: Arc<Mutex<Vec<Value>>>,
}

impl Team {
    fn answers(payload: impl Into<Vec<u8>>) -> Self {
        Self { answer: Ok(Invoked { failed: false, payload: payload.into() }), invoked: Arc::default() }
    }

    /// It returns the event with this response.
    fn responds(response: Value) -> Self {
        Self::answers(json!({ "version": "2", "response": response }).to_string())
    }

    fn refuses(error: Value) -> Self {
        Self { answer: Ok(Invoked { failed: true, payload: error.to_string().into() }), invoked: Arc::default() }
    }

    fn invoked(&self) -> Vec<Value> {
        self.invoked.lock().unwrap().clone()
    }
}

impl NextFunction for Team {
    async fn invoke(&self, event: &Value) -> Result<Invoked, InvokeError> {
        self.invoked.lock().unwrap().push(event.clone());
        self.answer.clone().map_err(|cause| InvokeError(cause.into()))
    }
}

fn guard<S>(setting: TokenGuard, store: S, function: Team, errors: NextFunctionErrors) -> Guard<S, Team> {
    Guard::new(setting, store).handing_on(Some(Next { function, errors }))
}

/// Answers for ana, who has just proven her second factor.
async fn granted(team: Team) -> (Functions, User, Guard<Arc<MemoryStore>, Team>) {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    functions.enroll(&ana).await;
    let guard = guard(TokenGuard::Grant, functions.create.store.clone(), team, NextFunctionErrors::Hidden);
    (functions, ana, guard)
}

async fn answered<S: RecordStore>(guard: &Guard<S, Team>, event: &Value) -> (Result<Value, ClientError>, Vec<Value>) {
    logged(answer(REQUEST_ID, event.clone(), async |event| guard.handle(event, NOW).await)).await
}

/// The response to a sign-in with a grant, to which the team's function gave `theirs`.
async fn merged(version: &str, theirs: Value) -> Result<Value, ClientError> {
    let (_functions, ana, guard) = granted(Team::responds(theirs)).await;
    let (answered, lines) = answered(&guard, &ana.token_event(SIGN_IN, version)).await;
    assert_eq!(lines.len(), 1);
    answered.map(|mut answer| answer["response"].take())
}

fn claims_of_the_access_token() -> Value {
    json!({ "second_factor": "totp", "second_factor_at": NOW.0.to_string() })
}

fn claims_of_the_id_token() -> Value {
    with(
        claims_of_the_access_token(),
        json!({ "second_factor_wrong_passcodes": "0", "second_factor_enrolled": "true" }),
    )
}

fn with(mut claims: Value, others: Value) -> Value {
    let (Value::Object(others), Some(fields)) = (others, claims.as_object_mut()) else { panic!("objects") };
    fields.extend(others);
    claims
}

// ── What it receives, and when.

#[tokio::test]
async fn it_receives_the_event_as_sent_and_only_its_response_counts() {
    for version in ["1", "2", "3"] {
        let answer = json!({
            "userName": "somebody else", "request": { "userAttributes": { "sub": "x" } }, "triggerSource": "x",
            "response": null, "added": true,
        });
        let (_functions, ana, guard) = granted(Team::answers(answer.to_string())).await;
        let event = ana.token_event(SIGN_IN, version);
        let (answered, lines) = answered(&guard, &event).await;
        assert_eq!(guard.next.unwrap().function.invoked(), std::slice::from_ref(&event));
        let mut restored = answered.unwrap();
        assert_ne!(restored["response"], event["response"]);
        restored["response"] = event["response"].clone();
        assert_eq!(restored, event, "{version}");
        assert_eq!((lines.len(), &lines[0]["message"]), (1, &json!("passed")));
    }
}

#[tokio::test]
async fn the_grant_is_spent_before_the_function_is_invoked() {
    struct Looks(Arc<MemoryStore>, UserKey, Mutex<Vec<Record>>);
    impl NextFunction for Looks {
        async fn invoke(&self, event: &Value) -> Result<Invoked, InvokeError> {
            let record = self.0.load(&self.1).await.unwrap().record;
            self.2.lock().unwrap().push(record);
            Ok(Invoked { failed: false, payload: event.to_string().into() })
        }
    }
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    functions.enroll(&ana).await;
    let granted = functions.stored(&ana).await.record;
    let store = functions.create.store.clone();
    let function = Looks(store.clone(), ana.key(), Mutex::default());
    let next = Some(Next { function, errors: NextFunctionErrors::Hidden });
    let guard = Guard::new(TokenGuard::Grant, store).handing_on(next);
    guard.handle(ana.token_event(SIGN_IN, "2"), NOW).await.unwrap();
    let spent = functions.stored(&ana).await.record;
    assert_ne!(spent, granted);
    assert_eq!(*guard.next.unwrap().function.2.lock().unwrap(), [spent]);
}

#[tokio::test]
async fn a_refused_sign_in_has_spent_its_grant_but_cognitos_repeat_passes() {
    let (functions, ana, refusing) = granted(Team::refuses(json!({ "errorMessage": "not today" }))).await;
    let event = ana.token_event(SIGN_IN, "2");
    assert_eq!(answered(&refusing, &event).await.0, Err(ClientError::Fixed));
    let again = guard(TokenGuard::Grant, refusing.store, Team::responds(Value::Null), NextFunctionErrors::Hidden);
    let soon = again.handle(event.clone(), NOW.plus(5)).await.unwrap();
    let claims = &soon["response"]["claimsAndScopeOverrideDetails"]["idTokenGeneration"]["claimsToAddOrOverride"];
    assert_eq!(*claims, claims_of_the_id_token());
    functions.wait(REPEAT_SECONDS);
    again.handle(event, functions.now()).await.unwrap_err();
    assert_eq!(again.next.unwrap().function.invoked().len(), 1, "denied tokens are not handed on");
}

#[tokio::test]
async fn denied_tokens_and_faults_are_not_handed_on() {
    let ana = User::named("ana", 0xaa);
    for (setting, source) in [
        (TokenGuard::Grant, SIGN_IN),
        (TokenGuard::Grant, "TokenGeneration_HostedAuth"),
        (TokenGuard::Grant, "TokenGeneration_AddedLater"),
        (TokenGuard::TriggerSource, "TokenGeneration_NewPasswordChallenge"),
        // For a user.
        (TokenGuard::TriggerSource, MACHINE),
        (TokenGuard::Grant, "PostAuthentication_Authentication"),
    ] {
        let team = Team::responds(json!({ "claimsAndScopeOverrideDetails": {} }));
        let guard = guard(setting, MemoryStore::default(), team, NextFunctionErrors::Shown);
        assert!(answered(&guard, &ana.token_event(source, "2")).await.0.is_err(), "{source}");
        assert_eq!(guard.next.unwrap().function.invoked(), [] as [Value; 0], "{source}");
    }
    let guard = guard(TokenGuard::Grant, Broken, Team::responds(Value::Null), NextFunctionErrors::Shown);
    assert_eq!(answered(&guard, &ana.token_event(SIGN_IN, "2")).await.0, Err(ClientError::Fixed));
    assert_eq!(guard.next.unwrap().function.invoked(), [] as [Value; 0]);
}

#[tokio::test]
async fn refreshes_and_machines_are_handed_on_without_our_claims() {
    let ana = User::named("ana", 0xaa);
    let mut machine = ana.token_event(MACHINE, "3");
    machine["request"]["userAttributes"] = Value::Null;
    for setting in [TokenGuard::Grant, TokenGuard::TriggerSource] {
        for event in [ana.token_event(REFRESH, "2"), machine.clone()] {
            let forged = json!({ "second_factor": "totp", "tenant": "a" });
            let theirs = |claims: Value| {
                json!({ "claimsAndScopeOverrideDetails": {
                    "accessTokenGeneration": { "claimsToAddOrOverride": claims, "scopesToAdd": ["orders/read"] },
                } })
            };
            let guard = guard(setting, Broken, Team::responds(theirs(forged)), NextFunctionErrors::Hidden);
            let (answered, _) = answered(&guard, &event).await;
            assert_eq!(answered.unwrap()["response"], theirs(json!({ "tenant": "a" })));
            assert_eq!(guard.next.unwrap().function.invoked(), [event]);
        }
    }
}

/// A sign-in costs two calls of DynamoDB and a refresh none; the next function costs one of Lambda on top, and nothing else.
#[tokio::test]
async fn handing_on_costs_one_call_and_no_more_of_the_table() {
    for (source, loads, saves) in [(SIGN_IN, 1, 1), (REFRESH, 0, 0)] {
        for invocations in [0, 1] {
            let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
            functions.enroll(&ana).await;
            let store = Counting { store: functions.create.store.clone(), calls: Default::default() };
            let mut guard = guard(TokenGuard::Grant, store, Team::responds(Value::Null), NextFunctionErrors::Hidden);
            let invoked = Arc::clone(&guard.next.as_ref().unwrap().function.invoked);
            if invocations == 0 {
                guard.next = None;
            }
            guard.handle(ana.token_event(source, "2"), NOW).await.unwrap();
            let [loaded, saved] = guard.store.calls.map(AtomicUsize::into_inner);
            assert_eq!((loaded, saved, invoked.lock().unwrap().len()), (loads, saves, invocations), "{source}");
        }
    }
}

// ── What becomes of its response.

#[tokio::test]
async fn in_v1_its_claims_and_groups_stay_and_ours_are_added() {
    let theirs = json!({ "claimsOverrideDetails": {
        "claimsToAddOrOverride": { "tenant": "a" },
        "claimsToSuppress": ["email"],
        "groupOverrideDetails": { "groupsToOverride": ["theirs"], "preferredRole": null },
    } });
    let mut expected = theirs.clone();
    expected["claimsOverrideDetails"]["claimsToAddOrOverride"] =
        with(claims_of_the_id_token(), json!({ "tenant": "a" }));
    assert_eq!(merged("1", theirs).await, Ok(expected));
}

#[tokio::test]
async fn in_v2_and_v3_claims_of_any_type_scopes_and_unknown_members_stay() {
    for version in ["2", "3"] {
        let any = json!({
            "text": "x", "number": 1.5, "flag": false, "null": null, "list": [1, [2]],
            "object": { "second_factor": "inside of a claim" },
        });
        let theirs = json!({
            "claimsAndScopeOverrideDetails": {
                "idTokenGeneration": { "claimsToAddOrOverride": any, "claimsToSuppress": ["email"], "addedLater": [1] },
                "accessTokenGeneration": {
                    "claimsToAddOrOverride": any, "claimsToSuppress": [],
                    "scopesToAdd": ["orders/read"], "scopesToSuppress": ["aws.cognito.signin.user.admin"],
                },
                "groupOverrideDetails": { "groupsToOverride": ["theirs"], "iamRolesToOverride": [], "preferredRole": "r" },
                "addedLater": { "a": null },
            },
            "addedLater": true,
        });
        let mut expected = theirs.clone();
        let details = &mut expected["claimsAndScopeOverrideDetails"];
        details["idTokenGeneration"]["claimsToAddOrOverride"] = with(claims_of_the_id_token(), any.clone());
        details["accessTokenGeneration"]["claimsToAddOrOverride"] = with(claims_of_the_access_token(), any.clone());
        assert_eq!(merged(version, theirs).await, Ok(expected));
    }
}

#[tokio::test]
async fn groups_are_only_those_that_the_function_returns() {
    for version in ["1", "2", "3"] {
        let response = merged(version, Value::Null).await.unwrap();
        assert!(!response.to_string().contains("groupOverrideDetails"), "{response}");
    }
}

#[tokio::test]
async fn a_response_that_is_null_or_absent_at_any_depth_has_our_claims() {
    let of_v1 = json!({ "claimsOverrideDetails": { "claimsToAddOrOverride": claims_of_the_id_token() } });
    for theirs in [
        Value::Null,
        json!({}),
        json!({ "claimsOverrideDetails": null }),
        json!({ "claimsOverrideDetails": {} }),
        json!({ "claimsOverrideDetails": { "claimsToAddOrOverride": null } }),
        json!({ "claimsOverrideDetails": { "claimsToAddOrOverride": {} } }),
    ] {
        assert_eq!(merged("1", theirs.clone()).await.as_ref(), Ok(&of_v1), "{theirs}");
    }
    let of_both = json!({ "claimsAndScopeOverrideDetails": {
        "idTokenGeneration": { "claimsToAddOrOverride": claims_of_the_id_token() },
        "accessTokenGeneration": { "claimsToAddOrOverride": claims_of_the_access_token() },
    } });
    for theirs in [
        Value::Null,
        json!({}),
        json!({ "claimsAndScopeOverrideDetails": null }),
        json!({ "claimsAndScopeOverrideDetails": { "idTokenGeneration": null, "accessTokenGeneration": null } }),
        json!({ "claimsAndScopeOverrideDetails": { "idTokenGeneration": { "claimsToAddOrOverride": null } } }),
        json!({ "claimsAndScopeOverrideDetails": { "accessTokenGeneration": {} } }),
    ] {
        for version in ["2", "3"] {
            assert_eq!(merged(version, theirs.clone()).await.as_ref(), Ok(&of_both), "{theirs}");
        }
    }
    // An answer without a response changes nothing.
    let guard = guard(TokenGuard::Grant, Broken, Team::answers("{}"), NextFunctionErrors::Hidden);
    let (answered, _) = answered(&guard, &User::named("ana", 0xaa).token_event(REFRESH, "2")).await;
    assert_eq!(answered.unwrap()["response"], json!({}));
}

/// Names that are ours or begin as ours do.
const FORGED: [&str; 7] = [
    "second_factor",
    "second_factor_at",
    "second_factor_wrong_passcodes",
    "second_factor_since",
    "second_factory",
    "second_factor\u{0}",
    "second_factor\u{301}",
];
/// Names that only look like ours; the last one has a Cyrillic letter.
const OTHERS: [&str; 6] =
    ["Second_factor", "SECOND_FACTOR", " second_factor", "x_second_factor", "second-factor", "s\u{435}cond_factor"];

/// What a token is to have: `own`, and each of `names`, added and suppressed.
fn of_token(own: Value, names: &[&str]) -> Value {
    let added: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!("forged"))).collect();
    json!({ "claimsToAddOrOverride": with(own, added.into()), "claimsToSuppress": names })
}

/// In both shapes, whatever the event's version.
#[tokio::test]
async fn it_can_neither_forge_nor_suppress_a_claim_about_the_second_factor() {
    let response = |of_v1: Value, id_token: Value, access_token: Value, names: &[&str]| {
        json!({
            "claimsOverrideDetails": of_token(of_v1, names),
            "claimsAndScopeOverrideDetails": {
                "idTokenGeneration": of_token(id_token, names), "accessTokenGeneration": of_token(access_token, names),
            },
        })
    };
    let none = || json!({});
    let theirs = response(none(), none(), none(), &[&FORGED[..], &OTHERS].concat());
    for version in ["2", "3"] {
        let expected = response(none(), claims_of_the_id_token(), claims_of_the_access_token(), &OTHERS);
        assert_eq!(merged(version, theirs.clone()).await, Ok(expected));
    }
    assert_eq!(merged("1", theirs.clone()).await, Ok(response(claims_of_the_id_token(), none(), none(), &OTHERS)));
    // Without our claims there are none.
    let guard = guard(TokenGuard::Grant, Broken, Team::responds(theirs), NextFunctionErrors::Hidden);
    let (answered, _) = answered(&guard, &User::named("ana", 0xaa).token_event(REFRESH, "2")).await;
    assert_eq!(answered.unwrap()["response"], response(none(), none(), none(), &OTHERS));
}

#[tokio::test]
async fn a_name_that_is_written_twice_or_escaped_is_removed_all_the_same() {
    let payload = r#"{"response":{"claimsOverrideDetails":{"claimsToAddOrOverride":{"a":"b"}},
        "claimsOverrideDetails":{"claimsToAddOrOverride":{"\u0073econd_factor":"x","second_factor":"y","tenant":"a"}}}}"#;
    let guard = guard(TokenGuard::Grant, Broken, Team::answers(payload), NextFunctionErrors::Hidden);
    let (answered, _) = answered(&guard, &User::named("ana", 0xaa).token_event(REFRESH, "1")).await;
    assert_eq!(
        answered.unwrap()["response"],
        json!({ "claimsOverrideDetails": { "claimsToAddOrOverride": { "tenant": "a" } } })
    );
}

// ── What is no answer.

#[tokio::test]
async fn a_response_of_another_shape_is_a_fault_and_nothing_of_it_is_used() {
    let mut tried = 0;
    for version in ["1", "2"] {
        for place in [
            "/response",
            "/response/claimsOverrideDetails",
            "/response/claimsOverrideDetails/claimsToAddOrOverride",
            "/response/claimsOverrideDetails/claimsToSuppress",
            "/response/claimsAndScopeOverrideDetails",
            "/response/claimsAndScopeOverrideDetails/idTokenGeneration",
            "/response/claimsAndScopeOverrideDetails/accessTokenGeneration",
            "/response/claimsAndScopeOverrideDetails/idTokenGeneration/claimsToAddOrOverride",
            "/response/claimsAndScopeOverrideDetails/idTokenGeneration/claimsToSuppress",
            "/response/claimsAndScopeOverrideDetails/accessTokenGeneration/claimsToAddOrOverride",
            "/response/claimsAndScopeOverrideDetails/accessTokenGeneration/claimsToSuppress",
        ] {
            let is_list = place.ends_with("claimsToSuppress");
            let others = [json!(true), json!(5), json!("second_factor"), json!([["second_factor"]]), json!([null])];
            for other in others.into_iter().chain([if is_list { json!({}) } else { json!([]) }]) {
                let of_token = json!({ "claimsToAddOrOverride": { "tenant": "a" }, "claimsToSuppress": [] });
                let mut answer = json!({ "response": {
                    "claimsOverrideDetails": of_token,
                    "claimsAndScopeOverrideDetails": {
                        "idTokenGeneration": of_token, "accessTokenGeneration": of_token,
                    },
                } });
                *answer.pointer_mut(place).unwrap() = other.clone();
                let part = place.rsplit('/').next().unwrap();
                assert_fault(Team::answers(answer.to_string()), version, &no_answer(part)).await;
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 2 * 11 * 6);
}

fn no_answer(part: &str) -> String {
    format!("the next function returned no answer of this trigger: {part}")
}

#[tokio::test]
async fn what_is_no_object_is_a_fault() {
    let deep = |levels: usize| {
        let (open, close) = (r#"{"a":"#.repeat(levels), "}".repeat(levels));
        format!(r#"{{"response":{{"claimsOverrideDetails":{open}null{close}}}}}"#)
    };
    for payload in ["", "null", "true", "5", "\"text\"", "[]", "[{}]", "{", "{}{}", "not JSON", "{\"response\":1e999}"]
    {
        assert_fault(Team::answers(payload), "2", &no_answer("its shape")).await;
    }
    assert_fault(Team::answers([0xff, 0xfe]), "2", &no_answer("its shape")).await;
    assert_fault(Team::answers(deep(100_000)), "2", &no_answer("its shape")).await;
    // Nested deeply, and still read.
    let (_functions, ana, guard) = granted(Team::answers(deep(100))).await;
    answered(&guard, &ana.token_event(SIGN_IN, "2")).await.0.unwrap();
}

#[tokio::test]
async fn an_answer_of_over_a_megabyte_is_a_fault() {
    let of_length = |length: usize| {
        let empty = json!({ "response": null, "x": "" }).to_string().len();
        json!({ "response": null, "x": "x".repeat(length - empty) }).to_string()
    };
    assert_fault(Team::answers(of_length(LONGEST_ANSWER + 1)), "2", &no_answer("its length")).await;
    assert_fault(Team::answers(of_length(6 * 1024 * 1024)), "2", &no_answer("its length")).await;
    let (_functions, ana, guard) = granted(Team::answers(of_length(LONGEST_ANSWER))).await;
    answered(&guard, &ana.token_event(SIGN_IN, "2")).await.0.unwrap();
}

#[tokio::test]
async fn a_function_that_cannot_be_invoked_is_a_fault() {
    let team = Team { answer: Err("plainly fake"), invoked: Arc::default() };
    assert_fault(team, "2", "the next function could not be invoked: plainly fake").await;
}

/// The fixed sentence even where errors are shown, and one line with this reason.
async fn assert_fault(team: Team, version: &str, reason: &str) {
    let (_functions, ana, mut guard) = granted(team).await;
    guard.next.as_mut().unwrap().errors = NextFunctionErrors::Shown;
    let (answered, lines) = answered(&guard, &ana.token_event(SIGN_IN, version)).await;
    assert_eq!(answered, Err(ClientError::Fixed), "{reason}");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((&lines[0]["message"], &lines[0]["reason"]), (&json!("failed"), &json!(reason)));
}

// ── What it refuses.

#[tokio::test]
async fn its_refusal_is_the_fixed_sentence_or_its_own_where_that_is_shown() {
    let error = json!({
        "errorType": "AccountSuspended", "errorMessage": "Your account is suspended.", "stackTrace": ["plainly fake"],
    });
    for (errors, sentence) in
        [(NextFunctionErrors::Hidden, ClientError::SENTENCE), (NextFunctionErrors::Shown, "Your account is suspended.")]
    {
        let (_functions, ana, mut guard) = granted(Team::refuses(error.clone())).await;
        guard.next.as_mut().unwrap().errors = errors;
        let (answered, lines) = answered(&guard, &ana.token_event(SIGN_IN, "2")).await;
        assert_eq!(answered.unwrap_err().to_string(), sentence);
        assert_eq!(lines.len(), 1);
        let reason = "the next function refused the tokens: AccountSuspended: Your account is suspended.";
        assert_eq!((&lines[0]["message"], &lines[0]["reason"]), (&json!("refused"), &json!(reason)));
    }
}

#[tokio::test]
async fn a_sentence_that_is_shown_is_one_line_of_at_most_200_characters() {
    let long = "ä".repeat(LONGEST_MESSAGE);
    for (message, sentence) in [
        (json!("two\r\nlines\tand\u{1b}[31m\u{0}\u{2028}more"), "two  lines and [31m  more"),
        (json!(format!("{long}more")), &long),
        (json!("<b>bold</b> & \"quoted\""), "<b>bold</b> & \"quoted\""),
        (json!("  Bitte später.  "), "Bitte später."),
        // There is nothing to show.
        (json!(""), ClientError::SENTENCE),
        (json!("\n\u{7f}"), ClientError::SENTENCE),
        (Value::Null, ClientError::SENTENCE),
        (json!({ "text": "x" }), ClientError::SENTENCE),
        (json!(5), ClientError::SENTENCE),
    ] {
        let error = json!({ "errorType": format!("Type\n{}", "x".repeat(1000)), "errorMessage": message });
        let (_functions, ana, mut guard) = granted(Team::refuses(error)).await;
        guard.next.as_mut().unwrap().errors = NextFunctionErrors::Shown;
        let (answered, lines) = answered(&guard, &ana.token_event(SIGN_IN, "2")).await;
        assert_eq!(answered.unwrap_err().to_string(), sentence);
        let reason = lines[0]["reason"].as_str().unwrap();
        assert!(reason.chars().count() < 400 && !reason.contains('\n'), "{reason}");
    }
    // An error that is no JSON says nothing.
    for payload in [&b""[..], b"plainly fake", b"[]", b"null"] {
        let team = Team { answer: Ok(Invoked { failed: true, payload: payload.to_vec() }), invoked: Arc::default() };
        let (_functions, ana, mut guard) = granted(team).await;
        guard.next.as_mut().unwrap().errors = NextFunctionErrors::Shown;
        assert_eq!(answered(&guard, &ana.token_event(SIGN_IN, "2")).await.0, Err(ClientError::Fixed));
    }
}

// ── While the guard only reports.

#[tokio::test]
async fn while_reporting_denied_tokens_are_handed_on_without_our_claims() {
    let ana = User::named("ana", 0xaa);
    for (source, message) in [(SIGN_IN, "would have failed"), ("TokenGeneration_HostedAuth", "would be refused")] {
        let theirs = |claims: Value| json!({ "claimsOverrideDetails": { "claimsToAddOrOverride": claims } });
        let forged = theirs(json!({ "second_factor": "totp", "tenant": "a" }));
        let mut guard = guard(TokenGuard::Grant, Broken, Team::responds(forged), NextFunctionErrors::Hidden);
        guard.report_only = ReportOnly::until(NOW.plus(1));
        let event = ana.token_event(source, "1");
        let (answered, lines) = answered(&guard, &event).await;
        assert_eq!(answered.unwrap()["response"], theirs(json!({ "tenant": "a" })));
        assert_eq!((lines.len(), &lines[0]["message"]), (1, &json!(message)));
        assert_eq!(guard.next.unwrap().function.invoked(), [event]);
    }
}

#[tokio::test]
async fn while_reporting_the_functions_refusal_and_its_absence_still_deny() {
    let ana = User::named("ana", 0xaa);
    for (team, sentence) in [
        (Team::refuses(json!({ "errorMessage": "Not today." })), "Not today."),
        (Team { answer: Err("plainly fake"), invoked: Arc::default() }, ClientError::SENTENCE),
        (Team::answers("null"), ClientError::SENTENCE),
    ] {
        let mut guard = guard(TokenGuard::TriggerSource, Broken, team, NextFunctionErrors::Shown);
        guard.report_only = ReportOnly::until(NOW.plus(1));
        let (answered, lines) = answered(&guard, &ana.token_event(SIGN_IN, "2")).await;
        assert_eq!(answered.unwrap_err().to_string(), sentence);
        assert_eq!(lines.len(), 1);
    }
}

// ── In a pool.

#[tokio::test]
async fn in_a_pool_tokens_have_the_claims_of_both_and_a_client_reads_a_refusal() {
    let next = NextInProcess::new(|mut event| {
        if event["request"]["userAttributes"]["email"] == "ben@example.com" {
            return Err(json!({ "errorType": "Error", "errorMessage": "Your account is suspended." }));
        }
        let claims = json!({ "claimsToAddOrOverride": { "tenant": "a", "second_factor": "forged" } });
        event["response"] = json!({ "claimsAndScopeOverrideDetails": {
            "idTokenGeneration": claims, "accessTokenGeneration": claims,
        } });
        Ok(event)
    });
    let settings =
        PoolSettings { pre_token_generation: Some(PreTokenGenerationVersion::V2), ..PoolSettings::default() };
    let next = Next { function: next, errors: NextFunctionErrors::Shown };
    let pool = TestPool::guarded(ReportOnly::NEVER, Some(next), settings);
    for user in ["ana", "ben"] {
        pool.add_user(user).await;
    }
    let mut sign_in = pool.sign_in("ana").await;
    Person::enroll(&mut sign_in).await;
    for token in ["IdToken", "AccessToken"] {
        let token = sign_in.step.answer["AuthenticationResult"][token].as_str().unwrap();
        let claims = shared::encoding::decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!((&claims["tenant"], &claims["second_factor"]), (&json!("a"), &json!("totp")));
    }
    let mut sign_in = pool.sign_in("ben").await;
    set_up_authenticator(&mut sign_in).await;
    let shown = sign_in.challenge().await.unwrap();
    let code = shown["recoveryCodes"].as_str().unwrap().split(' ').next().unwrap().to_owned();
    let refused = sign_in.answer(&code).await.unwrap_err();
    assert_eq!(refused.message, "PreTokenGeneration failed with error Your account is suspended..");
}

// ── Settings.

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:our-tokens";

fn read(function: &str, errors: &str) -> Result<Option<NextFunctionSettings>, String> {
    let lookup = |name: &str| match name {
        "NEXT_PRE_TOKEN_GENERATION" => Some(function.to_owned()),
        "NEXT_PRE_TOKEN_GENERATION_ERRORS" => Some(errors.to_owned()),
        "AWS_REGION" => Some("us-east-1".to_owned()),
        "AWS_LAMBDA_FUNCTION_NAME" => Some("stack-PreTokenGeneration-4A".to_owned()),
        _ => None,
    };
    NextFunctionSettings::read(&lookup).map_err(|error| error.variable.to_owned())
}

#[test]
fn the_next_function_is_an_arn_of_this_region_with_or_without_a_qualifier() {
    assert_eq!(read("", ""), Ok(None));
    assert_eq!(read(" ", "HIDDEN"), Ok(None));
    for qualifier in ["", ":live", ":12", ":$LATEST"] {
        let arn = format!("{ARN}{qualifier}");
        let read = read(&arn, "").unwrap().unwrap();
        assert_eq!((read.function.as_str(), read.errors), (&*arn, NextFunctionErrors::Hidden));
    }
    for wrong in [
        "our-tokens",
        "our-tokens:live",
        "123456789012:function:our-tokens",
        "arn:aws:lambda:us-east-1:123456789012:function:",
        "arn:aws:lambda:us-east-1:123456789012:function:our-tokens:",
        "arn:aws:lambda:us-east-1:123456789012:function:our-tokens:live:more",
        "arn:aws:lambda:us-east-1:123456789012:function:our tokens",
        "arn:aws:lambda:us-east-1:123456789012:function:our%2Dtokens",
        "arn:aws:lambda:us-east-1:123456789012:layer:our-tokens",
        "arn:aws:lambda:us-east-1:12345678901:function:our-tokens",
        "arn:aws:lambda:us-east-1:12345678901x:function:our-tokens",
        "arn:aws:lambda::123456789012:function:our-tokens",
        "arn:aws:s3:us-east-1:123456789012:function:our-tokens",
        "ARN:aws:lambda:us-east-1:123456789012:function:our-tokens",
        " arn:aws:lambda:us-east-1:123456789012:function:our-tokens",
        "arn:aws:lambda:eu-west-1:123456789012:function:our-tokens",
        "arn:aws:lambda:US-EAST-1:123456789012:function:our-tokens",
        "*",
    ] {
        assert_eq!(read(wrong, ""), Err(FunctionArn::VARIABLE.to_owned()), "{wrong}");
    }
}

#[test]
fn the_guard_itself_is_refused_in_whatever_spelling() {
    for own in [
        "arn:aws:lambda:us-east-1:123456789012:function:stack-PreTokenGeneration-4A",
        "arn:aws:lambda:us-east-1:123456789012:function:stack-PreTokenGeneration-4A:live",
        "arn:aws:lambda:us-east-1:123456789012:function:stack-PreTokenGeneration-4A:$LATEST",
        "arn:aws:lambda:us-east-1:123456789012:function:stack-PreTokenGeneration-4A:7",
        "arn:aws-cn:lambda:us-east-1:123456789012:function:stack-PreTokenGeneration-4A",
        "arn:aws:lambda:us-east-1:123456789012:function:STACK-PRETOKENGENERATION-4a",
        "arn:aws:lambda:us-east-1:000000000000:function:stack-PreTokenGeneration-4A",
        "stack-PreTokenGeneration-4A",
        "arn:aws:lambda:us-east-1:123456789012:function:stack-PreTokenGeneration-4A ",
        "arn:aws:lambda:us-east-1:123456789012:function:stack%2DPreTokenGeneration-4A",
    ] {
        assert_eq!(read(own, ""), Err(FunctionArn::VARIABLE.to_owned()), "{own}");
    }
    // One whose name only begins with it is another function.
    read("arn:aws:lambda:us-east-1:123456789012:function:stack-PreTokenGeneration-4AB", "").unwrap().unwrap();
    // Without its own name it cannot tell.
    for missing in ["AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME"] {
        let lookup = |name: &str| match name {
            "NEXT_PRE_TOKEN_GENERATION" => Some(ARN.to_owned()),
            "AWS_REGION" | "AWS_LAMBDA_FUNCTION_NAME" if name != missing => Some("us-east-1".to_owned()),
            _ => None,
        };
        assert_eq!(NextFunctionSettings::read(&lookup).unwrap_err().variable, missing);
    }
}

#[test]
fn its_errors_are_hidden_unless_they_are_to_be_shown() {
    assert_eq!(read(ARN, "HIDDEN").unwrap().unwrap().errors, NextFunctionErrors::Hidden);
    assert_eq!(read(ARN, "SHOWN").unwrap().unwrap().errors, NextFunctionErrors::Shown);
    for (function, wrong) in [(ARN, "shown"), (ARN, "YES"), ("", "SHOWN"), ("", "shown")] {
        assert_eq!(read(function, wrong), Err(NextFunctionErrors::VARIABLE.to_owned()), "{wrong}");
    }
}

// ── Stores.

struct Broken;

impl RecordStore for Broken {
    async fn load(&self, _: &UserKey) -> Result<Versioned, StoreError> {
        Err(StoreError("the store is away".into()))
    }

    async fn save(&self, _: &UserKey, _: &Record, _: Version) -> Result<Saved, StoreError> {
        Err(StoreError("the store is away".into()))
    }

    async fn confirm(&self, _: &str) -> Result<(), StoreError> {
        panic!("nobody may do without here, so nobody asks")
    }
}

struct Counting {
    store: Arc<MemoryStore>,
    /// Of load and save.
    calls: [AtomicUsize; 2],
}

impl RecordStore for Counting {
    async fn load(&self, user: &UserKey) -> Result<Versioned, StoreError> {
        self.calls[0].fetch_add(1, Ordering::SeqCst);
        self.store.load(user).await
    }

    async fn save(&self, user: &UserKey, record: &Record, replacing: Version) -> Result<Saved, StoreError> {
        self.calls[1].fetch_add(1, Ordering::SeqCst);
        self.store.save(user, record, replacing).await
    }

    async fn confirm(&self, user_pool_id: &str) -> Result<(), StoreError> {
        self.store.confirm(user_pool_id).await
    }
}
