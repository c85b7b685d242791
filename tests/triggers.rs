//! Every sample event gets the answer that its golden file shows, as Cognito would receive it.
//!
//! `UPDATE_GOLDEN=1` rewrites tests/golden/<function>/<case>.json, for the diff to be read. What Create draws at random is
//! masked there, and its shape checked before. A folder that names settings (events/README.md) is above <function> in both.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use create_auth_challenge::Create;
use pre_token_generation::Guard;
use serde_json::{Value, json};
use shared::authenticator::{FriendlyName, SealedSecret};
use shared::cognito::ClientId;
use shared::encoding::decode;
use shared::error::{ClientError, SealError};
use shared::event::CognitoEvent;
use shared::invocation::answer;
use shared::record::Record;
use shared::recovery_codes::{CODES, RecoveryCode};
use shared::requirements::Requirements;
use shared::settings::{Issuer, PasscodeDigits, SignInSettings, TokenGuard};
use shared::store::memory::MemoryStore;
use shared::store::{EncryptionContext, RecordStore, Sealer, Version};
use shared::totp::{SECRET_BYTES, SharedSecret};
use tests::clock::NOW;
use tests::driver::EventHandler;
use tests::events::{
    ChallengeTrigger, REQUEST_ID, User, entry, sample_events, sample_events_in, sample_events_of_the_guard_in,
    sample_settings,
};
use tests::functions::Functions;
use tests::golden::assert_golden;
use tests::person::{base32, set_up_authenticator};
use tests::random::fill_random;
use tests::sample_users::SampleUsers;

#[tokio::test]
async fn define_answers_every_sample_event_as_its_golden_file_shows() {
    assert_golden_answers(ChallengeTrigger::Define).await;
}

#[tokio::test]
async fn create_answers_every_sample_event_as_its_golden_file_shows() {
    assert_golden_answers(ChallengeTrigger::Create).await;
}

#[tokio::test]
async fn verify_answers_every_sample_event_as_its_golden_file_shows() {
    assert_golden_answers(ChallengeTrigger::Verify).await;
}

#[tokio::test]
async fn the_guard_answers_every_sample_event_as_its_golden_file_shows() {
    let users = SampleUsers::prepare().await;
    for (folder, case, event) in all_sample_events_of_the_guard() {
        let store = users.functions().await.create.store;
        let policy = sample_settings()[&folder].policy();
        let guard = Guard { policy, ..Guard::new(TokenGuard::Grant, store) };
        let answered = answer(REQUEST_ID, event.clone(), async |event| guard.handle(event, NOW).await).await;
        if let Ok(answer) = &answered {
            let mut restored = answer.clone();
            restored["response"] = event["response"].clone();
            assert_eq!(restored, event, "{case}: only the response is replaced");
        }
        let readable = answered.unwrap_or_else(|error| json!({ "errorMessage": error.to_string() }));
        let golden = Path::new(&folder).join(GUARD).join(format!("{case}.json"));
        assert_golden(golden.to_str().unwrap(), &format!("{readable:#}\n"));
    }
}

/// With the folder of its settings and its name.
fn all_sample_events_of_the_guard() -> impl Iterator<Item = (String, String, Value)> {
    sample_settings().into_keys().flat_map(|folder| {
        sample_events_of_the_guard_in(&folder).into_iter().map(move |(case, event)| (folder.clone(), case, event))
    })
}

const GUARD: &str = "pre-token-generation";

async fn assert_golden_answers(trigger: ChallengeTrigger) {
    let users = SampleUsers::prepare().await;
    for (folder, settings) in sample_settings() {
        for (case, event) in sample_events_in(&folder, trigger) {
            let answer = users.functions_set_to(settings).await.answer(trigger, event).await;
            let readable = match masked(trigger, answer) {
                Ok(readable) => format!("{readable:#}\n"),
                Err(problem) => format!("not shaped as it must be: {problem}"),
            };
            let golden = Path::new(&folder).join(trigger.name()).join(format!("{case}.json"));
            assert_golden(golden.to_str().unwrap(), &readable);
        }
    }
}

#[test]
fn every_sample_event_has_a_golden_answer_and_there_is_no_other() {
    let names = |folder: &Path| -> BTreeSet<String> {
        let files = std::fs::read_dir(folder).into_iter().flatten();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    };
    let golden = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/golden"));
    let settings = sample_settings();
    let named = names(golden).into_iter().filter(|name| name.contains('+'));
    assert_eq!(named.chain([String::new()]).collect::<BTreeSet<_>>(), settings.keys().cloned().collect());
    for folder in settings.keys() {
        for trigger in ChallengeTrigger::ALL {
            let events = sample_events_in(folder, trigger).into_keys().map(|case| format!("{case}.json"));
            assert_eq!(names(&golden.join(folder).join(trigger.name())), events.collect::<BTreeSet<_>>());
        }
        let events = sample_events_of_the_guard_in(folder).into_keys().map(|case| format!("{case}.json"));
        assert_eq!(names(&golden.join(folder).join(GUARD)), events.collect::<BTreeSet<_>>());
    }
}

/// Every sample event with its trigger, its folder's settings and its name.
fn all_sample_events() -> impl Iterator<Item = (ChallengeTrigger, SignInSettings, String, Value)> {
    sample_settings().into_iter().flat_map(|(folder, settings)| {
        ChallengeTrigger::ALL.into_iter().flat_map(move |trigger| {
            let events = sample_events_in(&folder, trigger).into_iter();
            let folder = folder.clone();
            events.map(move |(case, event)| (trigger, settings, format!("{folder} {case}").trim().to_owned(), event))
        })
    })
}

#[test]
fn every_sample_event_has_the_fields_that_cognito_sends() {
    for (trigger, _, case, event) in all_sample_events() {
        let added = case == "fields-added-later";
        assert!(event["version"] == "1" || case == "version-a-number", "{case}");
        assert_eq!(event["triggerSource"], trigger.source(), "{case}");
        assert_eq!(event["response"], trigger.unanswered(), "{case}");
        let keys = ["callerContext", "region", "request", "response", "triggerSource", "userName", "userPoolId"];
        let keys = keys.into_iter().chain(["version"]).chain(added.then_some("addedLater"));
        assert_eq!(keys_of(&event), keys.collect(), "{case}");

        let may_be_absent = ["clientMetadata", "userNotFound"];
        let always: &[&str] = match trigger {
            ChallengeTrigger::Define => &["userAttributes", "session"],
            ChallengeTrigger::Create => &["userAttributes", "session", "challengeName"],
            ChallengeTrigger::Verify => &["userAttributes", "privateChallengeParameters", "challengeAnswer"],
        };
        let mut own = keys_of(&event["request"]);
        if added {
            own.retain(|key| *key != "addedLater" && (*key != "session" || trigger != ChallengeTrigger::Verify));
        }
        own.retain(|key| !may_be_absent.contains(key));
        assert_eq!(own, always.iter().copied().collect(), "{case}");
    }
}

#[test]
fn every_sample_event_of_the_guard_has_the_fields_that_cognito_sends() {
    for (_, case, event) in all_sample_events_of_the_guard() {
        let (details, of_both_tokens) = match event["version"].as_str() {
            Some("1") => ("claimsOverrideDetails", None),
            Some("2" | "3") => ("claimsAndScopeOverrideDetails", Some("scopes")),
            Some(_) | None => panic!("{case}: version"),
        };
        assert!(event["triggerSource"].as_str().unwrap().starts_with("TokenGeneration_"), "{case}");
        assert_eq!(event["response"], json!({ details: null }), "{case}");
        let added = (case == "fields-added-later").then_some("addedLater");
        let keys = ["callerContext", "region", "request", "response", "triggerSource", "userName", "userPoolId"];
        assert_eq!(keys_of(&event), keys.into_iter().chain(["version"]).chain(added).collect(), "{case}");
        let own = ["groupConfiguration", "userAttributes"].into_iter().chain(of_both_tokens).chain(added);
        assert_eq!(keys_of(&event["request"]), own.collect(), "{case}");
    }
}

#[tokio::test]
async fn the_answer_is_the_event_with_only_its_response_replaced() {
    let users = SampleUsers::prepare().await;
    for (trigger, settings, case, event) in all_sample_events() {
        let plain = users.functions_set_to(settings).await.answer(trigger, event.clone()).await;
        let mut event = event;
        add_unknown_fields(&mut event);
        let answer = users.functions_set_to(settings).await.answer(trigger, event.clone()).await;
        match (&answer, &plain) {
            (Ok(answer), Ok(plain)) => {
                let answered = keys_of(&answer["response"]);
                assert_eq!(answered, keys_of(&trigger.unanswered()), "{case}: every field, and no other");
                let mut restored = answer.clone();
                restored["response"] = event["response"].clone();
                assert_eq!(restored, event, "{case}");
                let (answer, plain) = (masked(trigger, Ok(answer.clone())), masked(trigger, Ok(plain.clone())));
                assert_eq!(answer.unwrap()["response"], plain.unwrap()["response"], "{case}");
            }
            (Err(answer), Err(plain)) => {
                assert_eq!((answer, plain), (&ClientError::Fixed, &ClientError::Fixed), "{case}")
            }
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => panic!("{case}: unknown fields made a difference"),
        }
    }
}

#[tokio::test]
async fn create_leaves_every_record_as_it_is() {
    let users = SampleUsers::prepare().await;
    let untouched = SampleUsers::stored(&users.functions().await).await;
    for (trigger, settings, case, event) in all_sample_events() {
        if trigger != ChallengeTrigger::Create {
            continue;
        }
        let functions = users.functions_set_to(settings).await;
        let _answered = functions.create(event).await;
        assert_eq!(SampleUsers::stored(&functions).await, untouched, "{case}");
    }
}

#[tokio::test]
async fn an_answer_delivered_three_times_is_answered_alike_and_recorded_once() {
    let users = SampleUsers::prepare().await;
    for (case, event) in sample_events(ChallengeTrigger::Verify) {
        let functions = users.functions().await;
        let first = functions.verify(event.clone()).await;
        let recorded = SampleUsers::stored(&functions).await;
        for delivery in [2, 3] {
            // Cognito gives up on a call after 5 s.
            functions.wait(5);
            assert_eq!(functions.verify(event.clone()).await, first, "{case}: delivery {delivery}");
            assert_eq!(SampleUsers::stored(&functions).await, recorded, "{case}: delivery {delivery}");
        }
    }
}

#[tokio::test]
async fn verify_records_right_answers_and_wrong_passcodes_and_nothing_else() {
    let users = SampleUsers::prepare().await;
    let untouched = SampleUsers::stored(&users.functions().await).await;
    let mut written = Vec::new();
    for (case, event) in sample_events(ChallengeTrigger::Verify) {
        let functions = users.functions().await;
        let right = functions.verify(event).await.is_ok_and(|answer| answer["response"]["answerCorrect"] == true);
        let changed = SampleUsers::stored(&functions).await != untouched;
        assert!(changed || !right, "{case}: right, and not on record");
        if changed && !right {
            written.push(case);
        }
    }
    // Wrong passcodes are counted; nothing else that is wrong is.
    let counted = ["passcode-before-the-used-one", "passcode-of-nobody", "passcode-two-steps-early"];
    let counted = counted.into_iter().chain(["passcode-two-steps-late", "passcode-used", "passcode-wrong"]);
    assert_eq!(written, counted.collect::<Vec<_>>());
}

#[tokio::test]
async fn all_parameters_of_a_challenge_together_stay_under_one_kilobyte() {
    let users = SampleUsers::prepare().await;
    for (case, event) in sample_events(ChallengeTrigger::Create) {
        let functions = users.functions().await;
        let (settings, random) = (functions.create.settings.clone(), functions.create.random);
        let requirements = Requirements::default();
        let create =
            Create { settings, requirements, store: functions.create.store.clone(), sealer: AsLongAsKms, random };
        let Ok(answer) = create.handle(event, NOW).await else { continue };
        let length = answer["response"].to_string().len();
        assert!(length < 1024, "{case}: {length} bytes");
    }
}

/// Each challenge at its longest: a long name for everything that has one, and the longest wait. Only an issuer that percent-encoding
/// makes nine or twelve times as long takes more than a kilobyte, for parameters that Verify and the session do not hold.
#[tokio::test]
async fn the_longest_challenges_of_each_kind_stay_under_one_kilobyte_too() {
    // Of four bytes each, which percent-encoding makes twelve.
    let longest_issuer = "\u{1F511}".repeat(Issuer::LONGEST);
    let longest_email = format!("{}@example.com", "\u{1F511}".repeat(2048 - 12));
    let longest_name = "\u{1F511}".repeat(FriendlyName::CHARACTERS);
    let session = |last: Option<&str>| {
        let password = [entry("SRP_A", true, None), entry("PASSWORD_VERIFIER", true, None)];
        password.into_iter().chain(last.map(|last| entry("CUSTOM_CHALLENGE", true, Some(last)))).collect::<Vec<_>>()
    };
    let empty = Record::default().to_json().unwrap();
    let held = a_record_with_an_authenticator_named(&longest_name).await;
    let waiting = format!("\"retryAt\":{}", NOW.0 + 3600);
    let waiting = held.replace("\"retryAt\":0", &waiting);
    assert_ne!(waiting, held);
    let proven = format!("SECOND_FACTOR C {}", Record::from_json(&held).unwrap().generation().to_text());
    for (issuer, email, allowed) in [
        ("Example", "ana@example.com", 1024),
        ("Example Corporation of Somewhere", "firstname.lastname@department.example.com", 1024),
        (&*"i".repeat(Issuer::LONGEST), &*"e".repeat(2048), 1024),
        (&longest_issuer, &longest_email, 1024 + 10 * Issuer::LONGEST),
    ] {
        let mut ana = User::named("ana", 1);
        ana.attributes.insert("email".to_owned(), json!(email));
        for (kind, last, record) in
            [("SECOND_FACTOR", None, &waiting), ("TOTP_SETUP", None, &empty), ("RECOVERY_CODES", Some(&*proven), &held)]
        {
            let store = MemoryStore::default();
            store.save(&ana.key(), &Record::from_json(record).unwrap(), Version::MISSING).await.unwrap();
            let functions = Functions::over(store, fill_random, fill_random);
            let mut settings = functions.create.settings.clone();
            settings.issuer = Issuer::parse(issuer).unwrap();
            settings.passcode_digits = PasscodeDigits::Eight;
            let store = functions.create.store.clone();
            let requirements = Requirements::default();
            let create = Create { settings, requirements, store, sealer: AsLongAsKms, random: fill_random };
            let own = json!({ "session": session(last), "challengeName": "CUSTOM_CHALLENGE" });
            let response =
                create.handle(ana.event(ChallengeTrigger::Create, own), NOW).await.unwrap()["response"].take();
            let shown = &response["publicChallengeParameters"];
            assert_eq!(shown["challenge"], kind);
            if kind == "SECOND_FACTOR" {
                assert_eq!(response["challengeMetadata"], proven);
                assert_eq!(
                    (&shown["retryAfterSeconds"], &shown["friendlyDeviceName"]),
                    (&json!("3600"), &json!(longest_name))
                );
            }
            // As JSON that escapes what is not ASCII: \uXXXX for each half.
            let length: usize =
                response.to_string().chars().map(|c| if c.is_ascii() { 1 } else { 6 * c.len_utf16() }).sum();
            assert!(length < allowed, "{kind}: {length} bytes for {} and {} bytes of names", issuer.len(), email.len());
        }
    }
}

/// As it is stored after the first passcode and before the recovery codes.
async fn a_record_with_an_authenticator_named(name: &str) -> String {
    let (functions, user) = (Functions::default(), User::named("ana", 1));
    let mut sign_in = functions.sign_in(&user);
    sign_in.client_metadata = Some(json!({ "friendlyDeviceName": name }));
    set_up_authenticator(&mut sign_in).await;
    functions.stored(&user).await.record.to_json().unwrap()
}

/// Seals nothing, at the length of KMS: 152 bytes around the secret.
struct AsLongAsKms;

impl Sealer for AsLongAsKms {
    async fn seal(&self, _: &SharedSecret, _: EncryptionContext<'_>) -> Result<SealedSecret, SealError> {
        Ok(SealedSecret(vec![0xfa; SECRET_BYTES + 152]))
    }

    async fn open(&self, _: &SealedSecret, _: EncryptionContext<'_>) -> Result<SharedSecret, SealError> {
        Err(SealError("nothing is sealed".into()))
    }
}

#[tokio::test]
async fn what_create_draws_at_random_is_new_in_every_challenge() {
    let users = SampleUsers::prepare().await;
    let random = ["/privateChallengeParameters/nonce", "/publicChallengeParameters/secretCode"];
    let random = random.into_iter().chain(["/publicChallengeParameters/recoveryCodes"]);
    for pointer in random {
        let mut seen = BTreeSet::new();
        for (case, event) in sample_events(ChallengeTrigger::Create).iter().cycle().take(100) {
            let Ok(answer) = users.functions().await.create(event.clone()).await else { continue };
            if let Some(drawn) = answer["response"].pointer(pointer) {
                assert!(seen.insert(drawn.to_string()), "{case}: {pointer} again");
            }
        }
        assert!(seen.len() > 1, "{pointer} was never drawn");
    }
}

#[tokio::test]
async fn the_masks_let_nothing_through_that_is_not_shaped_as_it_must_be() {
    let events = sample_events(ChallengeTrigger::Create);
    let users = SampleUsers::prepare().await;
    let nonce = "/privateChallengeParameters/nonce";
    let (secret, uri) = ("/publicChallengeParameters/secretCode", "/publicChallengeParameters/otpauthUri");
    let codes = "/publicChallengeParameters/recoveryCodes";
    let (challenge, metadata) = ("/privateChallengeParameters/challenge", "/challengeMetadata");
    let nine = ["CSGP-PS90-CDQP-8S9G"; 9].join(" ");
    let same = ["CSGP-PS90-CDQP-8S9G"; 10].join(" ");
    for (case, pointer, bad) in [
        ("prompt", nonce, ""),
        ("prompt", nonce, "cGxhaW5seSBmYWtlIDAw"),
        ("prompt", nonce, "cGxhaW5seSBmYWtlIDAwMT=="),
        ("prompt", metadata, "SECOND_FACTOR C MDAwMDAxNSA"),
        ("totp-setup", secret, "OBWGC2LONR4SAZTBNNSSA43FMNZGK5BB"),
        ("totp-setup", secret, "obwgc2lonr4saztbnnssa43fmnzgk5bb"),
        ("totp-setup", uri, "otpauth://totp/Example:ana@example.com?issuer=Example"),
        ("totp-setup", challenge, "TOTP_SETUP P AAAAAAAAAAA ZmFrZSAwMDAwMDAwMDgxIA cGxhaW5seSBmYWtl"),
        ("totp-setup", metadata, "TOTP_SETUP P AAAAAAAAAAA ZmFrZSAwMDAwMDAwMDgxIA"),
        ("codes-due-right", codes, ""),
        ("codes-due-right", codes, &nine),
        ("codes-due-right", codes, &same),
        ("codes-due-right", codes, "CSGPPS90CDQP8S9G"),
        ("codes-due-right", metadata, "RECOVERY_CODES MDAwMDA3NSA ZmFrZQ"),
    ] {
        let mut answer = users.functions().await.create(events[case].clone()).await.unwrap();
        assert!(masked(ChallengeTrigger::Create, Ok(answer.clone())).is_ok(), "{case}");
        *answer["response"].pointer_mut(pointer).unwrap() = json!(bad);
        assert!(masked(ChallengeTrigger::Create, Ok(answer)).is_err(), "{case} {pointer} {bad}");
    }
}

#[tokio::test]
async fn the_users_of_the_sample_events_hold_what_the_read_me_says() {
    let functions = SampleUsers::prepare().await.functions().await;
    let mut enrollment_status = BTreeMap::new();
    for (name, number) in SampleUsers::USERS {
        let stored = functions.stored(&User::named(name, number)).await;
        let failures = stored.record.failures(NOW);
        assert_eq!(stored.version == Version::MISSING, stored.record == Record::default());
        enrollment_status.insert(
            name,
            format!("{:?} {failures} {:?}", stored.record.enrollment_status(NOW), stored.record.rate_limit(NOW)),
        );
    }
    let expected = [
        ("ana", "NotEnrolled 0 Allow"),
        ("ben", "Enrolled 0 Allow"),
        ("cleo", "EnrolledCodesDue 0 Allow"),
        ("dora", "Enrolled 5 RetryAfter { seconds: 20 }"),
        ("emil", "Enrolled 20 Blocked { seconds: 14400 }"),
        ("fay", "Enrolled 0 Allow"),
    ];
    assert_eq!(enrollment_status, expected.map(|(name, holds)| (name, holds.to_owned())).into());
    let nobody = Functions::over(MemoryStore::default(), fill_random, fill_random);
    assert_eq!(nobody.now(), NOW);
}

/// tests/tools/watch.py puts them into a table.
#[tokio::test]
async fn the_records_of_the_users_of_the_sample_events_are_written_down() {
    // In a new thread the fake randomness starts again.
    let assembled = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { SampleUsers::records(&SampleUsers::prepare().await.functions().await).await })
    });
    let records: BTreeMap<String, Value> = assembled.join().unwrap().into_iter().collect();
    assert_golden("users_of_the_sample_events.json", &format!("{:#}\n", json!(records)));
}

fn keys_of(value: &Value) -> BTreeSet<&str> {
    value.as_object().into_iter().flat_map(|fields| fields.keys().map(String::as_str)).collect()
}

/// Into every object, but for the response, whose fields are ours.
fn add_unknown_fields(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.iter_mut().filter(|(key, _)| *key != "response").for_each(|(_, value)| add_unknown_fields(value));
            fields.insert("addedTomorrow".to_owned(), json!("x"));
            fields.insert("addedTomorrowToo".to_owned(), json!({ "deep": [1, null, { "er": true }] }));
        }
        Value::Array(entries) => entries.iter_mut().for_each(add_unknown_fields),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The answer as it is read: what Create drew at random is masked, once its shape was checked.
fn masked(trigger: ChallengeTrigger, answer: Result<Value, ClientError>) -> Result<Value, String> {
    let mut answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Ok(json!({ "errorMessage": error.to_string() })),
    };
    if trigger != ChallengeTrigger::Create {
        return Ok(answer);
    }
    let session = answer.pointer("/request/session").and_then(Value::as_array).cloned().unwrap_or_default();
    let response = answer.get_mut("response").ok_or("no response")?;

    let metadata = text(response, "/challengeMetadata")?;
    let challenge = text(response, "/privateChallengeParameters/challenge")?;
    if let Some(kind) = metadata.strip_suffix(" AGAIN") {
        // It is not random: an earlier entry has it.
        let earlier = session.iter().rev().find(|entry| entry["challengeMetadata"] != metadata);
        if !challenge.starts_with(kind) || earlier.is_none_or(|entry| entry["challengeMetadata"] != challenge) {
            return Err("another challenge than the one before".to_owned());
        }
    } else {
        if challenge != metadata {
            return Err("the private parameters carry another challenge than the metadata".to_owned());
        }
        let mask = mask_challenge(&metadata)?;
        replace(response, "/privateChallengeParameters/challenge", &mask);
        replace(response, "/challengeMetadata", &mask);
    }

    bytes(&text(response, "/privateChallengeParameters/nonce")?, 16)?;
    replace(response, "/privateChallengeParameters/nonce", "<nonce>");

    if let Ok(secret) = text(response, "/publicChallengeParameters/secretCode") {
        if base32(&secret).is_none_or(|bytes| bytes.len() != SECRET_BYTES) {
            return Err(format!("secretCode is not base32 of {SECRET_BYTES} bytes"));
        }
        let uri = text(response, "/publicChallengeParameters/otpauthUri")?;
        let (before, after) = uri.split_once(&secret).ok_or("another secret in otpauthUri")?;
        replace(response, "/publicChallengeParameters/otpauthUri", &format!("{before}<secret>{after}"));
        replace(response, "/publicChallengeParameters/secretCode", "<secret>");
    }
    if let Ok(codes) = text(response, "/publicChallengeParameters/recoveryCodes") {
        let shown = codes.split(' ').filter(|code| {
            // What is shown is what would be parsed, letter by letter.
            RecoveryCode::parse(code).is_some_and(|read| read.show().as_str() == *code)
        });
        if shown.collect::<BTreeSet<_>>().len() != CODES || codes.split(' ').count() != CODES {
            return Err("not ten different recovery codes".to_owned());
        }
        replace(response, "/publicChallengeParameters/recoveryCodes", "<ten recovery codes>");
    }
    Ok(answer)
}

fn mask_challenge(metadata: &str) -> Result<String, String> {
    match metadata.split(' ').collect::<Vec<_>>().as_slice() {
        ["SECOND_FACTOR", "-" | "C", generation] => {
            bytes(generation, 8)?;
            Ok(metadata.to_owned())
        }
        ["SECOND_FACTOR_OFFER", generation] => {
            bytes(generation, 8)?;
            Ok(metadata.to_owned())
        }
        ["TOTP_SETUP", entitlement @ ("P" | "C" | "S"), generation, id, sealed] => {
            bytes(generation, 8)?;
            bytes(id, 16)?;
            // Of MemorySealer: nonce, secret, tag.
            bytes(sealed, 24 + SECRET_BYTES + 16)?;
            Ok(format!("TOTP_SETUP {entitlement} {generation} <id> <sealed secret>"))
        }
        ["RECOVERY_CODES", generation, codes] => {
            bytes(generation, 8)?;
            bytes(codes, 16 + CODES * 16)?;
            Ok(format!("RECOVERY_CODES {generation} <salt and ten hashes>"))
        }
        _ => Err(format!("no challenge: {metadata}")),
    }
}

fn bytes(text: &str, length: usize) -> Result<(), String> {
    match decode(text) {
        Some(bytes) if bytes.len() == length => Ok(()),
        Some(_) | None => Err(format!("not base64url of {length} bytes: {text}")),
    }
}

fn text(value: &Value, pointer: &str) -> Result<String, String> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.map(ToOwned::to_owned).ok_or_else(|| format!("no text at {pointer}"))
}

fn replace(value: &mut Value, pointer: &str, mask: &str) {
    if let Some(value) = value.pointer_mut(pointer) {
        *value = json!(mask);
    }
}

// ── One view of the event, and the types of aws_lambda_events.

#[test]
fn our_view_of_an_event_reads_what_aws_lambda_events_reads() {
    use aws_lambda_events::event::cognito::{
        CognitoEventUserPoolsCreateAuthChallenge, CognitoEventUserPoolsDefineAuthChallenge,
        CognitoEventUserPoolsVerifyAuthChallenge,
    };
    let mut compared = 0;
    for (trigger, _, case, event) in all_sample_events() {
        let Ok(view) = CognitoEvent::of_any_trigger(&event) else { continue };
        let strings = |map: &std::collections::HashMap<String, String>, read: &dyn Fn(&str) -> Option<String>| {
            map.iter().all(|(key, value)| read(key).as_ref() == Some(value))
        };
        let attribute = |name: &str| view.user_attribute(name).map(ToOwned::to_owned);
        let metadata = |key: &str| view.client_metadata(key).map(ToOwned::to_owned);
        // Its types reject what Cognito varies; those events are read by our view alone.
        let alike = match trigger {
            ChallengeTrigger::Define => {
                serde_json::from_value(event.clone()).ok().map(|typed: CognitoEventUserPoolsDefineAuthChallenge| {
                    let request = &typed.request;
                    let session = view.session().unwrap();
                    request.session.iter().flatten().zip(&session).all(|(theirs, ours)| {
                        (
                            theirs.challenge_name.as_deref(),
                            theirs.challenge_result,
                            theirs.challenge_metadata.as_deref(),
                        ) == (ours.name, ours.correct, ours.metadata)
                    }) && request.session.len() == session.len()
                        && strings(&request.user_attributes, &attribute)
                        && strings(&request.client_metadata, &metadata)
                        && view.user_not_found().unwrap() == request.user_not_found
                })
            }
            ChallengeTrigger::Create => {
                serde_json::from_value(event.clone()).ok().map(|typed: CognitoEventUserPoolsCreateAuthChallenge| {
                    let (header, request) = (&typed.cognito_event_user_pools_header, &typed.request);
                    strings(&request.user_attributes, &attribute)
                        && strings(&request.client_metadata, &metadata)
                        && request.session.len() == view.session().unwrap().len()
                        && view.user_name() == header.user_name.as_deref()
                })
            }
            ChallengeTrigger::Verify => {
                serde_json::from_value(event.clone()).ok().map(|typed: CognitoEventUserPoolsVerifyAuthChallenge| {
                    let (header, request) = (&typed.cognito_event_user_pools_header, &typed.request);
                    let parameter = |name: &str| view.private_parameter(name).map(ToOwned::to_owned);
                    let answer = request.challenge_answer.as_ref().and_then(Value::as_str);
                    strings(&request.private_challenge_parameters, &parameter)
                        && strings(&request.client_metadata, &metadata)
                        && view.challenge_answer().ok() == answer
                        && view.client_id() == header.caller_context.client_id.as_deref().and_then(ClientId::new)
                })
            }
        };
        if let Some(alike) = alike {
            assert!(alike, "{trigger:?} {case}");
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
}
