//! Events that Cognito would not send, answers that people would not type, and stores that fail: never a panic, never
//! tokens, never a reason for the client.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use shared::cognito::UserKey;
use shared::error::{ClientError, HandlerError, StoreError};
use shared::random::RandomError;
use shared::record::{EnrollmentStatus, Record};
use shared::store::memory::{MemorySealer, MemoryStore};
use shared::store::{RecordStore, Saved, Version, Versioned};
use tests::driver::EventHandler;
use tests::events::{ChallengeTrigger, User, entry, sample_events};
use tests::functions::Functions;
use tests::golden::assert_golden;
use tests::random::{fill_random, plainly_fake};
use tests::sample_users::SampleUsers;
use verify_auth_challenge::Verify;

// ── Every place of every sample event, replaced in turn by each of what does not belong there.

#[tokio::test]
async fn no_replaced_field_makes_define_issue_tokens_without_a_second_factor() {
    let functions = Functions::default();
    let mut tokens_by_replacement = BTreeMap::<_, Vec<_>>::new();
    for (case, event) in sample_events(ChallengeTrigger::Define) {
        let issued_before = response(&functions, ChallengeTrigger::Define, event.clone()).await["issueTokens"] == true;
        for Replaced { place, by, event } in replaced_everywhere(&event) {
            let response = response(&functions, ChallengeTrigger::Define, event.clone()).await;
            if response["issueTokens"] == true {
                assert!(proves_a_second_factor(&event), "{case}: tokens after {place} became {by}");
                if !issued_before {
                    tokens_by_replacement.entry(format!("{case}: {place}")).or_default().push(by);
                }
            }
        }
    }
    let lines = tokens_by_replacement.iter().map(|(place, by)| format!("{place} became {}\n", by.join(", ")));
    let tokens_by_replacement: String = lines.collect();
    // In every line, Cognito's own results or the user's own `afterSecondFactor` must have changed.
    assert_golden("hostile_events_tokens_by_replacement.txt", &tokens_by_replacement);
}

#[tokio::test]
async fn no_replaced_field_makes_create_show_a_secret_too_early_or_write() {
    let users = SampleUsers::prepare().await;
    let functions = users.functions().await;
    let untouched = SampleUsers::stored(&functions).await;
    for (case, event) in sample_events(ChallengeTrigger::Create) {
        if ISSUES_CODES_LIKE_ANOTHER.contains(&case.as_str()) {
            continue;
        }
        for Replaced { place, by, event } in replaced_everywhere(&event) {
            let response = response(&functions, ChallengeTrigger::Create, event.clone()).await;
            let length = response.to_string().len();
            assert!(length < 1024, "{case}: {length} bytes after {place} became {by}");
            let proven = proves_a_second_factor(&event);
            if response.pointer("/publicChallengeParameters/secretCode").is_some() {
                let has_one = enrollment_status(&functions, &event).await != EnrollmentStatus::NotEnrolled;
                assert!(proven || !has_one, "{case}: a secret after {place} became {by}");
            }
            if response.pointer("/publicChallengeParameters/recoveryCodes").is_some() {
                assert!(proven, "{case}: recovery codes after {place} became {by}");
            }
        }
    }
    assert_eq!(SampleUsers::stored(&functions).await, untouched);
}

/// Hashing ten codes is slow; one event that does it suffices.
const ISSUES_CODES_LIKE_ANOTHER: [&str; 3] =
    ["authenticator-replaced", "totp-setup-right", "after-second-factor-new-recovery-codes"];

#[tokio::test]
async fn no_replaced_field_makes_verify_accept_another_answer_challenge_or_user() {
    let users = SampleUsers::prepare().await;
    let decided_by =
        ["/triggerSource", "/userPoolId", "/request", "/request/userAttributes", "/request/userAttributes/sub"];
    let decided_by = decided_by.into_iter().chain(["/request/challengeAnswer", "/request/privateChallengeParameters"]);
    let private = ["/request/privateChallengeParameters/challenge", "/request/privateChallengeParameters/nonce"];
    let decided_by: BTreeSet<&str> = decided_by.chain(private).collect();
    for (case, event) in sample_events(ChallengeTrigger::Verify) {
        let functions = users.functions().await;
        let right_before = response(&functions, ChallengeTrigger::Verify, event.clone()).await["answerCorrect"] == true;
        for Replaced { place, by, event } in replaced_everywhere(&event) {
            let functions = users.functions().await;
            if response(&functions, ChallengeTrigger::Verify, event).await["answerCorrect"] == true {
                let harmless = match place.as_str() {
                    "/request/userNotFound" => by == "missing" || by == "null" || by == "false",
                    place => !decided_by.contains(place),
                };
                assert!(right_before && harmless, "{case}: right after {place} became {by}");
            }
        }
    }
}

struct Replaced {
    place: String,
    by: &'static str,
    event: Value,
}

fn replaced_everywhere(event: &Value) -> impl Iterator<Item = Replaced> {
    let mut places = Vec::new();
    collect_places(event, "", &mut places);
    let replacements = replacements();
    places.into_iter().flat_map(move |place| {
        let event = event.clone();
        replacements.clone().into_iter().map(move |(by, replacement)| {
            let mut event = event.clone();
            replace(&mut event, &place, replacement);
            Replaced { place: place.clone(), by, event }
        })
    })
}

fn collect_places(value: &Value, place: &str, places: &mut Vec<String>) {
    let mut below = |key: &str, value: &Value| {
        let place = format!("{place}/{key}");
        places.push(place.clone());
        collect_places(value, &place, places);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| below(key, value)),
        Value::Array(entries) => {
            entries.iter().enumerate().for_each(|(index, value)| below(&index.to_string(), value));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `None` is missing.
fn replacements() -> Vec<(&'static str, Option<Value>)> {
    vec![
        ("missing", None),
        ("null", Some(Value::Null)),
        ("0", Some(json!(0))),
        ("1.5e300", Some(json!(1.5e300))),
        ("true", Some(json!(true))),
        ("false", Some(json!(false))),
        ("an empty text", Some(json!(""))),
        ("x", Some(json!("x"))),
        ("NUL", Some(json!("\0"))),
        ("full-width digits", Some(json!("０００００１"))),
        ("10 kB", Some(json!("x".repeat(10 * 1024)))),
        ("an empty array", Some(json!([]))),
        ("an array with null", Some(json!([null]))),
        ("an empty object", Some(json!({}))),
        ("deep arrays", Some(deep())),
    ]
}

/// As deep as JSON is read at all.
fn deep() -> Value {
    (0..100).fold(json!("x"), |inside, depth| if depth % 2 == 0 { json!([inside]) } else { json!({ "deep": inside }) })
}

fn replace(event: &mut Value, place: &str, replacement: Option<Value>) {
    let Some((parent, key)) = place.rsplit_once('/') else { return };
    match (event.pointer_mut(parent), replacement) {
        (Some(Value::Object(fields)), Some(replacement)) => drop(fields.insert(key.to_owned(), replacement)),
        (Some(Value::Object(fields)), None) => drop(fields.remove(key)),
        (Some(Value::Array(entries)), replacement) => {
            let Ok(index) = key.parse::<usize>() else { return };
            drop(entries.splice(index..=index, replacement));
        }
        (Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None, _) => {}
    }
}

/// The response, after what must hold for any: all its fields, each as Cognito takes it, in an event that is otherwise
/// untouched. Null for a fault. A panic is the test's, as the handler is called without what would catch it.
async fn response(functions: &Functions, trigger: ChallengeTrigger, event: Value) -> Value {
    let Ok(answer) = functions.handle(trigger, event.clone()).await else { return Value::Null };
    let response = answer.get("response").cloned().unwrap_or_default();
    let mut restored = answer;
    replace(&mut restored, "/response", event.get("response").cloned());
    assert_eq!(restored, event, "something else than the response was changed");
    assert!(is_well_formed(trigger, &response), "{response}");
    response
}

fn is_well_formed(trigger: ChallengeTrigger, response: &Value) -> bool {
    let fields = |count| response.as_object().is_some_and(|fields| fields.len() == count);
    let flag = |name| response.get(name).and_then(Value::as_bool);
    let strings = |name| {
        let map = response.get(name).and_then(Value::as_object);
        map.is_some_and(|map| !map.is_empty() && map.values().all(Value::is_string))
    };
    match trigger {
        ChallengeTrigger::Define => {
            let name = response.get("challengeName").and_then(Value::as_str);
            let names = [None, Some("PASSWORD_VERIFIER"), Some("NEW_PASSWORD_REQUIRED"), Some("CUSTOM_CHALLENGE")];
            // Exactly one of the three.
            let decisions = (name.is_some(), flag("issueTokens"), flag("failAuthentication"));
            let one = [(true, false, false), (false, true, false), (false, false, true)];
            let one = one.map(|(name, tokens, fail)| (name, Some(tokens), Some(fail)));
            fields(3) && names.contains(&name) && one.contains(&decisions)
        }
        ChallengeTrigger::Create => {
            let metadata = response.get("challengeMetadata").and_then(Value::as_str);
            fields(3)
                && strings("publicChallengeParameters")
                && strings("privateChallengeParameters")
                && metadata.is_some_and(|metadata| !metadata.is_empty())
        }
        ChallengeTrigger::Verify => fields(1) && flag("answerCorrect").is_some(),
    }
}

/// The invariant, read from the event without the code under test: the password, then one of our challenges.
fn proves_a_second_factor(event: &Value) -> bool {
    let session = event.pointer("/request/session").and_then(Value::as_array);
    let right = |entry: &Value, name: &str| {
        entry.get("challengeName").is_some_and(|n| n == name) && entry.get("challengeResult") == Some(&json!(true))
    };
    let ours = |entry: &Value| {
        let metadata = entry.get("challengeMetadata").and_then(Value::as_str).unwrap_or_default();
        let kind = metadata.split(' ').next().unwrap_or_default();
        ["SECOND_FACTOR", "TOTP_SETUP"].contains(&kind) && right(entry, "CUSTOM_CHALLENGE")
    };
    match session.map(Vec::as_slice) {
        Some([first, second, rest @ ..]) => {
            right(first, "SRP_A")
                && right(second, "PASSWORD_VERIFIER")
                && rest.iter().any(ours)
                && event.pointer("/request/userNotFound") != Some(&json!(true))
        }
        Some(_) | None => false,
    }
}

async fn enrollment_status(functions: &Functions, event: &Value) -> EnrollmentStatus {
    let text = |place| event.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned();
    let user = UserKey { user_pool_id: text("/userPoolId"), sub: text("/request/userAttributes/sub") };
    functions
        .store()
        .load(&user)
        .await
        .map_or(EnrollmentStatus::NotEnrolled, |stored| stored.record.enrollment_status(functions.now()))
}

// ── Events as a whole.

#[tokio::test]
async fn a_payload_that_is_no_event_returns_the_client_error() {
    let functions = Functions::default();
    for trigger in ChallengeTrigger::ALL {
        for event in [json!(null), json!(true), json!(5), json!("x"), json!([]), json!({}), json!([{}]), deep()] {
            assert_eq!(functions.answer(trigger, event).await, Err(ClientError::Fixed));
        }
    }
}

#[tokio::test]
async fn another_triggers_event_returns_the_client_error() {
    let users = SampleUsers::prepare().await;
    let functions = users.functions().await;
    let untouched = SampleUsers::stored(&functions).await;
    for called in ChallengeTrigger::ALL {
        for meant in ChallengeTrigger::ALL.into_iter().filter(|meant| *meant != called) {
            for (case, event) in sample_events(meant) {
                assert_eq!(
                    functions.answer(called, event).await,
                    Err(ClientError::Fixed),
                    "{called:?} with {meant:?} {case}"
                );
            }
        }
        for source in [
            "",
            "DefineAuthChallenge",
            "defineAuthChallenge_Authentication",
            "VerifyAuthChallenge_Authentication",
            "PreSignUp_SignUp",
            "TokenGeneration_Authentication",
        ] {
            for (case, mut event) in sample_events(called) {
                event["triggerSource"] = json!(source);
                assert_eq!(
                    functions.answer(called, event).await,
                    Err(ClientError::Fixed),
                    "{called:?} {case} as {source}"
                );
            }
        }
    }
    assert_eq!(SampleUsers::stored(&functions).await, untouched);
}

#[tokio::test]
async fn the_client_receives_one_fixed_sentence_for_every_error() {
    let event = json!({ "triggerSource": "DefineAuthChallenge_Authentication", "request": { "session": "secret" } });
    let error = Functions::default().define(event).await.unwrap_err();
    assert_eq!(error.to_string(), "The sign-in could not be completed. Please start again.");
}

#[tokio::test]
async fn an_empty_or_missing_session_fails_and_gets_no_challenge() {
    let functions = Functions::default();
    let ana = User::named("ana", 0xaa);
    for session in [Some(json!([])), Some(Value::Null), None] {
        let mut define = ana.event(ChallengeTrigger::Define, json!({}));
        let mut create = ana.event(ChallengeTrigger::Create, json!({ "challengeName": "CUSTOM_CHALLENGE" }));
        replace(&mut define, "/request/session", session.clone());
        replace(&mut create, "/request/session", session);
        let response = response(&functions, ChallengeTrigger::Define, define).await;
        assert_eq!(response["failAuthentication"], true);
        assert_eq!(functions.create(create).await, Err(ClientError::Fixed));
    }
}

#[tokio::test]
async fn an_entry_that_is_no_entry_ends_the_sign_in_wherever_it_stands() {
    let functions = Functions::default();
    let ana = User::named("ana", 0xaa);
    let right = [
        entry("SRP_A", true, None),
        entry("PASSWORD_VERIFIER", true, None),
        entry("CUSTOM_CHALLENGE", true, Some("SECOND_FACTOR")),
    ];
    for bad in [json!(null), json!(1), json!(true), json!("SRP_A"), json!([]), json!({}), deep()] {
        for position in 0..=right.len() {
            let mut session = right.to_vec();
            session.insert(position, bad.clone());
            let event = ana.event(ChallengeTrigger::Define, json!({ "session": session }));
            let response = response(&functions, ChallengeTrigger::Define, event).await;
            assert_eq!(response["failAuthentication"], true, "{bad} at {position}");
        }
    }
}

#[tokio::test]
async fn a_result_that_is_not_true_proves_nothing() {
    let functions = Functions::default();
    let ana = User::named("ana", 0xaa);
    for result in [json!(null), json!(false), json!("true"), json!(1), json!([true]), json!({ "true": true })] {
        for position in 0..3 {
            let mut session = vec![
                entry("SRP_A", true, None),
                entry("PASSWORD_VERIFIER", true, None),
                entry("CUSTOM_CHALLENGE", true, Some("SECOND_FACTOR")),
            ];
            session[position]["challengeResult"] = result.clone();
            let event = ana.event(ChallengeTrigger::Define, json!({ "session": session }));
            let response = response(&functions, ChallengeTrigger::Define, event).await;
            assert_ne!(response["issueTokens"], true, "{result} at {position}");
        }
    }
}

#[tokio::test]
async fn a_session_of_ten_thousand_entries_fails() {
    let functions = Functions::default();
    let ana = User::named("ana", 0xaa);
    let mut session = vec![entry("SRP_A", true, None), entry("PASSWORD_VERIFIER", true, None)];
    session.extend(std::iter::repeat_n(entry("CUSTOM_CHALLENGE", false, Some("SECOND_FACTOR")), 10_000));
    session.push(entry("CUSTOM_CHALLENGE", true, Some("SECOND_FACTOR")));
    let event = ana.event(ChallengeTrigger::Define, json!({ "session": session }));
    assert_eq!(response(&functions, ChallengeTrigger::Define, event).await["failAuthentication"], true);
}

// ── Answers.

#[tokio::test]
async fn a_right_passcode_in_another_shape_is_wrong_and_not_counted() {
    let users = SampleUsers::prepare().await;
    let right = "713560";
    let dressed = [
        "⁷¹³⁵⁶⁰".to_owned(),
        "⑦①③⑤⑥⓪".to_owned(),
        "七一三五六〇".to_owned(),
        "71356O".to_owned(),
        format!("+{right}"),
        format!("{right}.0"),
        format!("0x{right}"),
        format!("0{right}"),
        format!("{right}0"),
        format!("{right}{right}"),
        format!("{right} 531864"),
        format!("<{right}>"),
        format!("{{\"passcode\":\"{right}\"}}"),
        "71356".to_owned(),
        right.repeat(10 * 1024 / 6),
        "x".repeat(10 * 1024),
        "\0".repeat(10 * 1024),
        "🔑".repeat(10 * 1024),
    ];
    for answer in dressed {
        assert_wrong_and_unrecorded(&users, "passcode-right", &json!(answer)).await;
        assert_wrong_and_unrecorded(&users, "totp-setup-right", &json!(answer)).await;
    }
}

#[tokio::test]
async fn a_recovery_code_in_another_shape_is_wrong() {
    let users = SampleUsers::prepare().await;
    for answer in [
        "CSGP-PS90-CDQP-8S9",
        "CSGP-PS90-CDQP-8S9GG",
        "CSGP-PS90-CDQP-8S9G CSGP-PS90-CDQP-8S9H",
        "CSGP+PS90+CDQP+8S9G",
        "CſGP-PS90-CDQP-8S9G",
        "ⒸSGP-PS90-CDQP-8S9G",
        "СSGP-PS90-CDQP-8S9G",
        "*",
        "%",
        "    ",
        "----------------",
        "0000-0000-0000-0000",
        "ZZZZ-ZZZZ-ZZZZ-ZZZZ",
    ] {
        assert_wrong_and_unrecorded(&users, "recovery-code-right", &json!(answer)).await;
        assert_wrong_and_unrecorded(&users, "recovery-codes-kept", &json!(answer)).await;
    }
    let long = "CSGP-PS90-CDQP-8S9G".repeat(1000);
    assert_wrong_and_unrecorded(&users, "recovery-code-right", &json!(long)).await;
}

async fn assert_wrong_and_unrecorded(users: &SampleUsers, case: &str, answer: &Value) {
    let functions = users.functions().await;
    let untouched = SampleUsers::stored(&functions).await;
    let mut event = sample_events(ChallengeTrigger::Verify).remove(case).unwrap_or_default();
    replace(&mut event, "/request/challengeAnswer", Some(answer.clone()));
    assert_eq!(
        response(&functions, ChallengeTrigger::Verify, event).await,
        json!({ "answerCorrect": false }),
        "{answer}"
    );
    assert_eq!(SampleUsers::stored(&functions).await, untouched, "{answer}");
}

#[tokio::test]
async fn an_answer_that_is_no_text_fails_and_is_not_counted() {
    let users = SampleUsers::prepare().await;
    let functions = users.functions().await;
    let untouched = SampleUsers::stored(&functions).await;
    for case in ["passcode-right", "totp-setup-right", "recovery-code-right", "recovery-codes-kept"] {
        let answer = &sample_events(ChallengeTrigger::Verify)[case]["request"]["challengeAnswer"];
        for answer in
            [json!(713_560), json!(713_560.0), json!(null), json!(true), json!([answer]), json!({ "ANSWER": answer })]
        {
            let mut event = sample_events(ChallengeTrigger::Verify).remove(case).unwrap();
            event["request"]["challengeAnswer"] = answer;
            assert_eq!(functions.verify(event).await, Err(ClientError::Fixed), "{case}");
        }
    }
    assert_eq!(SampleUsers::stored(&functions).await, untouched);
}

#[tokio::test]
async fn private_parameters_not_written_by_create_fail_and_are_not_counted() {
    let users = SampleUsers::prepare().await;
    let functions = users.functions().await;
    let untouched = SampleUsers::stored(&functions).await;
    let events = sample_events(ChallengeTrigger::Verify);
    let of = |case: &str| events[case]["request"]["privateChallengeParameters"]["challenge"].as_str().unwrap();
    let (setup, codes) = (of("totp-setup-right"), of("recovery-codes-kept"));
    for challenge in [
        "second_factor - AAAAAAAAAAA".to_owned(),
        " TOTP".to_owned(),
        "TOTP ".to_owned(),
        "TOTP TOTP".to_owned(),
        "TOTP\0".to_owned(),
        "TOTP_SETUP".to_owned(),
        "RECOVERY_CODES".to_owned(),
        "SECOND_FACTOR".to_owned(),
        "SECOND_FACTOR -".to_owned(),
        "TOTP  AAAAAAAAAAA".to_owned(),
        "TOTP X AAAAAAAAAAA".to_owned(),
        "SECOND_FACTOR -C AAAAAAAAAAA".to_owned(),
        "SECOND_FACTOR - AAAAAAAAAA".to_owned(),
        "TOTP_SETUP AGAIN".to_owned(),
        "RECOVERY_CODES AGAIN".to_owned(),
        setup.replace(" P ", " X "),
        setup.replace(" P ", " "),
        setup.replace(" AAAAAAAAAAA ", " 0 "),
        setup.replace(" AAAAAAAAAAA ", " AAAAAAAAAAAAAAA "),
        setup.replace(" AAAAAAAAAAA ", "  "),
        format!("{setup}="),
        format!("{setup} x"),
        codes.replace("RECOVERY_CODES", "TOTP_SETUP"),
        format!("{codes}{}", "A".repeat(64)),
        "RECOVERY_CODES AAAAAAAAAAA ".to_owned(),
    ] {
        for case in ["passcode-right", "recovery-code-right", "totp-setup-right", "recovery-codes-kept"] {
            let mut event = events[case].clone();
            event["request"]["privateChallengeParameters"]["challenge"] = json!(challenge);
            assert_eq!(functions.verify(event).await, Err(ClientError::Fixed), "{case}: {challenge}");
        }
    }
    for nonce in ["", "AAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA=="] {
        let mut event = events["passcode-right"].clone();
        event["request"]["privateChallengeParameters"]["nonce"] = json!(nonce);
        assert_eq!(functions.verify(event).await, Err(ClientError::Fixed), "{nonce}");
    }
    assert_eq!(SampleUsers::stored(&functions).await, untouched);
}

#[tokio::test]
async fn codes_on_offer_without_a_hash_accept_no_answer() {
    let users = SampleUsers::prepare().await;
    let mut event = sample_events(ChallengeTrigger::Verify).remove("recovery-codes-kept").unwrap();
    event["request"]["privateChallengeParameters"]["challenge"] =
        json!("RECOVERY_CODES MDAwMDA3NSA AAAAAAAAAAAAAAAAAAAAAA");
    let functions = users.functions().await;
    assert_eq!(response(&functions, ChallengeTrigger::Verify, event).await, json!({ "answerCorrect": false }));
}

// ── Users.

#[tokio::test]
async fn a_user_that_does_not_exist_touches_no_record() {
    let functions = Functions::over(Failing::at(At::Load), fill_random, fill_random);
    for trigger in [ChallengeTrigger::Create, ChallengeTrigger::Verify] {
        for (case, mut event) in sample_events(trigger) {
            event["request"]["userNotFound"] = json!(true);
            if let Ok(answer) = functions.answer(trigger, event).await {
                assert_ne!(answer["response"]["answerCorrect"], true, "{case}");
                if trigger == ChallengeTrigger::Create {
                    assert_eq!(answer["response"]["challengeMetadata"], "SECOND_FACTOR - AAAAAAAAAAA", "{case}");
                }
            }
        }
    }
    assert_eq!(functions.store().calls(), (0, 0));
}

#[tokio::test]
async fn a_known_user_without_sub_fails_before_any_record_is_touched() {
    let functions = Functions::over(Failing::at(At::Load), fill_random, fill_random);
    for trigger in [ChallengeTrigger::Create, ChallengeTrigger::Verify] {
        for sub in [None, Some(Value::Null), Some(json!("")), Some(json!(5)), Some(json!(["x"]))] {
            for (case, mut event) in sample_events(trigger) {
                if event["request"]["userNotFound"] == true {
                    continue;
                }
                replace(&mut event, "/request/userAttributes/sub", sub.clone());
                assert_eq!(functions.answer(trigger, event).await, Err(ClientError::Fixed), "{case}");
            }
        }
    }
    assert_eq!(functions.store().calls(), (0, 0));
}

// ── Stores, sealing and randomness that fail. tests/races.rs has the saves that lose their answer or the race.

/// Where a store fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Load,
    /// The record is there, in the format of a later version.
    Format,
    /// The record is there, and is none.
    Text,
    Save,
    Panic,
}

struct Failing {
    at: At,
    store: MemoryStore,
    loads: AtomicUsize,
    saves: AtomicUsize,
}

impl Failing {
    fn at(at: At) -> Self {
        Self { at, store: MemoryStore::default(), loads: AtomicUsize::new(0), saves: AtomicUsize::new(0) }
    }

    /// Loads and saves.
    fn calls(&self) -> (usize, usize) {
        (self.loads.load(Ordering::SeqCst), self.saves.load(Ordering::SeqCst))
    }
}

impl RecordStore for Failing {
    async fn load(&self, user: &UserKey) -> Result<Versioned, StoreError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let read = |text| {
            let record = Record::from_json(text).map_err(|fault| StoreError(fault.into()))?;
            Ok(Versioned { record, version: Version(1) })
        };
        match self.at {
            At::Load => Err(StoreError("the store is away".into())),
            At::Format => read(r#"{"format":3,"record":{"generation":0}}"#),
            At::Text => read(r#"{"format":1,"record":{"generation":"plainly fake"}}"#),
            At::Panic => std::panic::panic_any("the store is broken"),
            At::Save => self.store.load(user).await,
        }
    }

    async fn save(&self, _: &UserKey, _: &Record, _: Version) -> Result<Saved, StoreError> {
        self.saves.fetch_add(1, Ordering::SeqCst);
        Err(StoreError("the store is away".into()))
    }

    async fn confirm(&self, user_pool_id: &str) -> Result<(), StoreError> {
        self.store.confirm(user_pool_id).await
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_fails_and_is_not_overwritten() {
    for at in [At::Load, At::Format, At::Text, At::Panic] {
        let functions = Functions::over(Failing::at(at), plainly_fake, fill_random);
        for trigger in [ChallengeTrigger::Create, ChallengeTrigger::Verify] {
            for (case, event) in sample_events(trigger) {
                if event["request"]["userNotFound"] != true {
                    assert_eq!(functions.answer(trigger, event).await, Err(ClientError::Fixed), "{at:?}: {case}");
                }
            }
        }
        let (loads, saves) = functions.store().calls();
        assert!(loads > 0 && saves == 0, "{at:?}");
    }
}

#[tokio::test]
async fn a_right_answer_that_cannot_be_saved_returns_the_client_error() {
    let functions = Functions::over(Failing::at(At::Save), plainly_fake, fill_random);
    let event = sample_events(ChallengeTrigger::Verify).remove("totp-setup-right").unwrap();
    assert_eq!(functions.verify(event).await, Err(ClientError::Fixed));
    assert_eq!(functions.store().calls(), (1, 1));
}

#[tokio::test]
async fn a_secret_that_does_not_open_fails_and_is_not_counted() {
    let users = SampleUsers::prepare().await;
    let records = users.functions().await;
    let untouched = SampleUsers::stored(&records).await;
    let another_key = MemorySealer::new(fill_random).unwrap();
    let functions = Verify {
        enrollment: records.verify.enrollment,
        policy: records.verify.policy,
        requirements: records.verify.requirements.clone(),
        store: records.create.store.clone(),
        sealer: another_key,
    };
    for case in ["passcode-right", "passcode-wrong", "totp-setup-right"] {
        let event = sample_events(ChallengeTrigger::Verify).remove(case).unwrap();
        let fault = functions.handle(event, records.now()).await.unwrap_err();
        assert!(matches!(fault, HandlerError::Seal(_)), "{case}: {fault:?}");
    }
    assert_eq!(SampleUsers::stored(&records).await, untouched);
}

#[tokio::test]
async fn without_randomness_no_challenge_is_issued() {
    let functions = Functions::over(MemoryStore::default(), fill_random, |_| Err(RandomError));
    for (case, event) in sample_events(ChallengeTrigger::Create) {
        assert_eq!(functions.create(event).await, Err(ClientError::Fixed), "{case}");
    }
}
