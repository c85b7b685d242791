//! The token guard: no token without a grant that Verify recorded, and no claim in one that was not proven.

use std::sync::Arc;
use std::time::Duration;

use pre_token_generation::Guard;
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::cognito::{TokenSource, UserKey};
use shared::error::{ClientError, HandlerError, StoreError};
use shared::guard_settings::{GuardedSince, NoGrantMessage, ReportOnly};
use shared::ids::Generation;
use shared::invocation::answer;
use shared::record::Record;
use shared::settings::TokenGuard;
use shared::store::memory::MemoryStore;
use shared::store::{RecordStore, Saved, Version, Versioned};
use shared::timeouts;
use shared::token_grant::{GRANT_SECONDS, ISSUED_WITHIN_SECONDS, REPEAT_SECONDS, SecondFactor, TokenDenied};
use tests::clock::NOW;
use tests::driver::Driver;
use tests::events::{CLIENT_ID as CLIENT, REQUEST_ID, User};
use tests::functions::Functions;
use tests::log::logged;
use tests::person::{Person, passcode, set_up_authenticator, take_codes};
use tests::stores::Faulty;

/// Sources that never pass for a user. That of a machine client is one of them: it has no user.
const OTHER_SOURCES: [&str; 4] = [
    "TokenGeneration_HostedAuth",
    "TokenGeneration_AuthenticateDevice",
    "TokenGeneration_ClientCredentials",
    "TokenGeneration_AddedLater",
];

fn event(user: &User, client: &str, source: &str, version: &str) -> Value {
    let mut event = user.token_event(source, version);
    event["callerContext"]["clientId"] = json!(client);
    event
}

fn guard(functions: &Functions, setting: TokenGuard) -> Guard<Arc<MemoryStore>> {
    Guard::new(setting, functions.create.store.clone())
}

async fn tokens_for(functions: &Functions, user: &User, client: &str) -> Result<Value, TokenDenied> {
    let event = event(user, client, "TokenGeneration_Authentication", "1");
    match guard(functions, TokenGuard::Grant).handle(event, functions.now()).await {
        Ok(answer) => Ok(answer["response"]["claimsOverrideDetails"]["claimsToAddOrOverride"].clone()),
        Err(HandlerError::NoGrant(_)) => Err(TokenDenied::NoGrant),
        Err(HandlerError::TokenDenied(reason)) => Err(reason),
        Err(fault) => panic!("{fault}"),
    }
}

/// A day after enrollment, when its grant has expired.
async fn enrolled(functions: &Functions, user: &User) -> Person {
    let enrolled = functions.enroll(user).await;
    functions.wait(24 * 3600);
    enrolled
}

#[tokio::test]
async fn the_tokens_of_a_sign_in_pass_and_the_next_need_another() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    let enrolled = enrolled(&functions, &ana).await;
    for _ in 0..2 {
        assert_eq!(tokens_for(&functions, &ana, CLIENT).await, Err(TokenDenied::NoGrant));
        assert!(functions.passes_prompt(&ana, &enrolled.passcode(functions.now())).await);
        tokens_for(&functions, &ana, CLIENT).await.unwrap();
        functions.wait(30);
    }
}

#[tokio::test]
async fn the_call_that_cognito_repeats_passes_and_one_later_does_not() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    functions.enroll(&ana).await;
    let first = tokens_for(&functions, &ana, CLIENT).await.unwrap();
    let used = functions.stored(&ana).await;
    for _ in 0..2 {
        functions.wait(5);
        assert_eq!(tokens_for(&functions, &ana, CLIENT).await, Ok(first.clone()));
    }
    functions.wait(REPEAT_SECONDS - 11);
    tokens_for(&functions, &ana, CLIENT).await.unwrap();
    functions.wait(1);
    assert_eq!(tokens_for(&functions, &ana, CLIENT).await, Err(TokenDenied::NoGrant));
    assert_eq!(functions.stored(&ana).await, used, "one use, one save");
}

#[tokio::test]
async fn a_grant_is_only_for_its_client_and_user_and_for_fifteen_minutes() {
    let (functions, ana, ben) = (Functions::default(), User::named("ana", 0xaa), User::named("ben", 0xbb));
    enrolled(&functions, &ben).await;
    functions.enroll(&ana).await;
    assert_eq!(tokens_for(&functions, &ana, "anotherclientid").await, Err(TokenDenied::NoGrant));
    assert_eq!(tokens_for(&functions, &ben, CLIENT).await, Err(TokenDenied::NoGrant));
    functions.wait(GRANT_SECONDS);
    assert_eq!(tokens_for(&functions, &ana, CLIENT).await, Err(TokenDenied::NoGrant));
    functions.clock.set(UnixTime(functions.now().0 - 1));
    tokens_for(&functions, &ana, CLIENT).await.unwrap();
}

#[tokio::test]
async fn a_grant_recorded_or_used_by_a_clock_ahead_is_valid_no_longer() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    let now = functions.now();
    functions.clock.set(now.plus(24 * 3600));
    functions.enroll(&ana).await;
    functions.clock.set(now);
    assert_eq!(tokens_for(&functions, &ana, CLIENT).await, Err(TokenDenied::NoGrant), "recorded a day ahead");
    functions.clock.set(now.plus(24 * 3600));
    tokens_for(&functions, &ana, CLIENT).await.unwrap();
    functions.clock.set(now);
    assert_eq!(tokens_for(&functions, &ana, CLIENT).await, Err(TokenDenied::NoGrant), "used a day ahead");
}

#[tokio::test]
async fn the_password_alone_gets_no_grant() {
    let (functions, ana, nobody) = (Functions::default(), User::named("ana", 0xaa), User::named("nobody", 0x00));
    let enrolled = enrolled(&functions, &ana).await;
    assert_eq!(tokens_for(&functions, &nobody, CLIENT).await, Err(TokenDenied::NoGrant));
    assert!(!functions.passes_prompt(&ana, &enrolled.wrong_passcode(functions.now())).await);
    assert!(!functions.passes_prompt(&ana, "AAAA-AAAA-AAAA-AAAA").await);
    assert_eq!(tokens_for(&functions, &ana, CLIENT).await, Err(TokenDenied::NoGrant));
}

#[tokio::test]
async fn a_sign_in_with_recovery_codes_due_has_no_grant() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    // TOTP_SETUP ✓, and away before the codes.
    let mut sign_in = functions.sign_in(&ana);
    let secret = set_up_authenticator(&mut sign_in).await;
    assert_eq!(tokens_for(&functions, &ana, CLIENT).await, Err(TokenDenied::NoGrant));
    // SECOND_FACTOR ✓ with codes due, then the codes.
    functions.wait(30);
    let mut sign_in = functions.sign_in(&ana);
    sign_in.challenge().await.unwrap();
    assert!(sign_in.issued["challengeMetadata"].as_str().unwrap().starts_with("SECOND_FACTOR C "));
    assert!(sign_in.answer(&passcode(&secret, functions.now())).await.unwrap());
    assert_eq!(tokens_for(&functions, &ana, CLIENT).await, Err(TokenDenied::NoGrant));
    take_codes(&mut sign_in).await;
    tokens_for(&functions, &ana, CLIENT).await.unwrap();
}

#[tokio::test]
async fn the_claims_hold_the_factor_that_was_proven_and_when() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    let enrolled = enrolled(&functions, &ana).await;
    let typed = [(enrolled.passcode(functions.now()), "totp"), (enrolled.codes[0].clone(), "recovery_code")];
    for (typed, factor) in typed {
        let proven_at = functions.now();
        assert!(functions.passes_prompt(&ana, &typed).await);
        functions.wait(60);
        let claims = json!({
            "second_factor": factor,
            "second_factor_at": proven_at.0.to_string(),
            "second_factor_wrong_passcodes": "0",
            "second_factor_enrolled": "true",
        });
        assert_eq!(tokens_for(&functions, &ana, CLIENT).await, Ok(claims));
    }
}

#[tokio::test]
async fn the_claims_are_those_of_the_grant_and_not_of_a_later_proof() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    let enrolled = enrolled(&functions, &ana).await;
    let proven_at = functions.now();
    assert!(functions.passes_prompt(&ana, &enrolled.codes[0]).await);
    functions.wait(60);
    // A sign-in at a client that Cognito does not name leaves a proof and no grant, as does one with recovery codes due.
    let mut unnamed = functions.sign_in(&ana);
    unnamed.challenge().await.unwrap();
    let mut event = unnamed.answer_event(&enrolled.passcode(functions.now()));
    event["callerContext"] = Value::Null;
    assert_eq!(functions.verify(event).await.unwrap()["response"]["answerCorrect"], true);
    let record = functions.stored(&ana).await.record;
    assert_eq!(record.last_proof().unwrap().factor, SecondFactor::Totp);
    let expected = json!({
        "second_factor": "recovery_code",
        "second_factor_at": proven_at.0.to_string(),
        "second_factor_wrong_passcodes": "0",
            "second_factor_enrolled": "true",
    });
    for _ in 0..2 {
        assert_eq!(tokens_for(&functions, &ana, CLIENT).await, Ok(expected.clone()), "in the repeated call, too");
    }
}

#[tokio::test]
async fn a_grant_of_an_older_verify_passes_without_a_claim_about_the_factor() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    functions.enroll(&ana).await;
    let Versioned { record, version } = functions.stored(&ana).await;
    let mut stored: Value = serde_json::from_str(&record.to_json().unwrap()).unwrap();
    assert!(stored["record"]["lastProof"].is_object());
    let grant = stored["record"]["grant"].as_object_mut().unwrap();
    assert_eq!(grant.remove("proof").unwrap()["factor"], "totp");
    let older = Record::from_json(&stored.to_string()).unwrap();
    assert_eq!(functions.store().save(&ana.key(), &older, version).await.unwrap(), Saved::Recorded);
    let claims = tokens_for(&functions, &ana, CLIENT).await.unwrap();
    assert_eq!(claims, json!({ "second_factor_wrong_passcodes": "0", "second_factor_enrolled": "true" }));
}

#[tokio::test]
async fn a_grant_with_a_nonce_passes_with_that_nonce_only() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    let enrolled = enrolled(&functions, &ana).await;
    let guard = guard(&functions, TokenGuard::Grant);
    let (own, other) = ("plainly-fake-nonce-1", "plainly-fake-nonce-2");
    let too_long = "x".repeat(129);
    let sent = |nonce: Option<&str>| nonce.map(|nonce| json!({ "secondFactorNonce": nonce }));
    let redeemed = async |nonce: Option<&str>| {
        let mut event = event(&ana, CLIENT, SIGN_IN, "2");
        event["request"]["clientMetadata"] = json!(sent(nonce));
        guard.handle(event, functions.now()).await.is_ok()
    };
    for (of_grant, wrong, right) in [
        (Some(own), &[None, Some(other), Some(""), Some("plainly-fake-nonce-1 ")][..], Some(Some(own))),
        (None, &[], Some(None)),
        (None, &[], Some(Some(other))),
        // No nonce at all: the client wants a bound grant, and gets none.
        (Some("too-short"), &[None, Some("too-short"), Some(own)], None),
        (Some(&*too_long), &[None, Some(&*too_long)], None),
        (Some("a nonce with spaces"), &[None, Some("a nonce with spaces")], None),
    ] {
        functions.wait(GRANT_SECONDS);
        let mut sign_in = functions.sign_in(&ana);
        sign_in.client_metadata = sent(of_grant);
        sign_in.challenge().await.unwrap();
        assert!(sign_in.answer(&enrolled.passcode(functions.now())).await.unwrap());
        let stored = functions.stored(&ana).await.record.to_json().unwrap();
        assert!(!of_grant.is_some_and(|nonce| stored.contains(nonce)), "{stored}");
        for nonce in wrong {
            assert!(!redeemed(*nonce).await, "{of_grant:?} {nonce:?}");
        }
        if let Some(nonce) = right {
            assert!(redeemed(nonce).await, "{of_grant:?} {nonce:?}");
            // Nor does the repeated call pass for anybody else.
            for nonce in wrong {
                assert!(!redeemed(*nonce).await, "{of_grant:?} {nonce:?}");
            }
            assert!(redeemed(nonce).await, "{of_grant:?} {nonce:?}");
        }
    }
}

#[tokio::test]
async fn the_id_token_counts_wrong_passcodes_since_tokens_were_last_issued() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    let enrolled = enrolled(&functions, &ana).await;
    for wrong in [3, 0, 1] {
        for _ in 0..wrong {
            assert!(!functions.passes_prompt(&ana, &enrolled.wrong_passcode(functions.now())).await);
        }
        // A sign-in that proves the factor and leaves without tokens takes no count away from the one that gets them.
        assert!(functions.passes_prompt(&ana, &enrolled.passcode(functions.now())).await);
        functions.wait(30);
        assert!(functions.passes_prompt(&ana, &enrolled.passcode(functions.now())).await);
        for _ in 0..2 {
            let claims = tokens_for(&functions, &ana, CLIENT).await.unwrap();
            assert_eq!(claims["second_factor_wrong_passcodes"], wrong.to_string(), "in the call that is repeated, too");
        }
        functions.wait(30);
    }
}

#[tokio::test]
async fn each_event_version_gets_its_response_shape_and_groups_stay_unchanged() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    functions.enroll(&ana).await;
    let claims = json!({ "second_factor": "totp", "second_factor_at": functions.now().0.to_string() });
    // For the app and not for an API.
    let mut of_id_token = claims.clone();
    of_id_token["second_factor_wrong_passcodes"] = json!("0");
    of_id_token["second_factor_enrolled"] = json!("true");
    for version in [json!("1"), json!("2"), json!("3"), json!(1), json!(2), json!(3)] {
        let mut event = event(&ana, CLIENT, "TokenGeneration_Authentication", "");
        event["version"] = version.clone();
        let groups = &event["request"]["groupConfiguration"];
        let expected = if version == "1" || version == 1 {
            json!({ "claimsOverrideDetails": { "claimsToAddOrOverride": of_id_token, "groupOverrideDetails": groups } })
        } else {
            json!({ "claimsAndScopeOverrideDetails": {
                "idTokenGeneration": { "claimsToAddOrOverride": of_id_token },
                "accessTokenGeneration": { "claimsToAddOrOverride": claims },
                "groupOverrideDetails": groups,
            } })
        };
        let guard = guard(&functions, TokenGuard::Grant);
        let mut answer = guard.handle(event.clone(), functions.now()).await.unwrap();
        assert_eq!(answer["response"].take(), expected, "{version}");
        event["response"] = Value::Null;
        assert_eq!(answer, event, "{version}: something else than the response was changed");
    }
    for version in [json!(null), json!("0"), json!("4"), json!(4), json!(1.5), json!([1]), json!("")] {
        let mut event = event(&ana, CLIENT, "TokenGeneration_Authentication", "");
        event["version"] = version.clone();
        let answered = guard(&functions, TokenGuard::Grant).handle(event, functions.now()).await;
        assert!(matches!(answered, Err(HandlerError::NotThisTriggersEvent("version"))), "{version}");
    }
}

#[tokio::test]
async fn another_trigger_source_gets_no_tokens_even_with_a_grant() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    functions.enroll(&ana).await;
    let granted = functions.stored(&ana).await;
    for setting in [TokenGuard::Grant, TokenGuard::TriggerSource] {
        for source in OTHER_SOURCES {
            let event = event(&ana, CLIENT, source, "2");
            let answered = guard(&functions, setting).handle(event, functions.now()).await;
            let read = TokenSource::parse(source).unwrap();
            assert!(
                matches!(answered, Err(HandlerError::TokenDenied(TokenDenied::Source(refused))) if refused == read),
                "{source}"
            );
        }
    }
    assert_eq!(functions.stored(&ana).await, granted, "the grant is unused");
}

#[tokio::test]
async fn a_changed_temporary_password_gets_tokens_only_against_a_grant() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    let enrolled = enrolled(&functions, &ana).await;
    let event = event(&ana, CLIENT, "TokenGeneration_NewPasswordChallenge", "2");
    let answered = async |setting| guard(&functions, setting).handle(event.clone(), functions.now()).await;
    assert!(matches!(answered(TokenGuard::Grant).await, Err(HandlerError::NoGrant(_))));
    assert!(functions.passes_prompt(&ana, &enrolled.passcode(functions.now())).await);
    let denied = answered(TokenGuard::TriggerSource).await;
    assert!(matches!(denied, Err(HandlerError::TokenDenied(TokenDenied::Source(TokenSource::NewPasswordChallenge)))));
    let passed = answered(TokenGuard::Grant).await.unwrap();
    let claims = &passed["response"]["claimsAndScopeOverrideDetails"]["idTokenGeneration"]["claimsToAddOrOverride"];
    assert_eq!(claims["second_factor"], "totp");
    functions.wait(REPEAT_SECONDS);
    assert!(matches!(answered(TokenGuard::Grant).await, Err(HandlerError::NoGrant(_))));
}

#[tokio::test]
async fn the_tokens_of_a_machine_client_pass_without_the_store_and_untouched() {
    let mut machines = event(&User::named("", 0xaa), CLIENT, "TokenGeneration_ClientCredentials", "3");
    machines["response"] = json!({ "claimsAndScopeOverrideDetails": null });
    for setting in [TokenGuard::Grant, TokenGuard::TriggerSource] {
        let guard = Guard::new(setting, Broken);
        let now = UnixTime(1_800_000_000);
        for attributes in [Some(json!({})), Some(json!({ "sub": null })), Some(Value::Null), None] {
            let mut event = machines.clone();
            match attributes {
                Some(attributes) => event["request"]["userAttributes"] = attributes,
                None => drop(event["request"].as_object_mut().unwrap().remove("userAttributes")),
            }
            assert_eq!(guard.handle(event.clone(), now).await.unwrap(), event);
        }
        // No source that is a user's passes in this way.
        for source in OTHER_SOURCES.iter().filter(|source| !source.ends_with("ClientCredentials")) {
            let mut event = machines.clone();
            event["triggerSource"] = json!(source);
            event["request"]["userAttributes"] = Value::Null;
            assert!(matches!(guard.handle(event, now).await, Err(HandlerError::NoSub)), "{source}");
        }
    }
}

#[tokio::test]
async fn a_refresh_passes_without_the_store_and_without_claims() {
    let ana = User::named("ana", 0xaa);
    for setting in [TokenGuard::Grant, TokenGuard::TriggerSource] {
        let guard = Guard::new(setting, Broken);
        let event = event(&ana, CLIENT, "TokenGeneration_RefreshTokens", "2");
        let answer = guard.handle(event, NOW).await.unwrap();
        let details = &answer["response"]["claimsAndScopeOverrideDetails"];
        assert_eq!(details["idTokenGeneration"]["claimsToAddOrOverride"], json!({}));
        assert_eq!(details["accessTokenGeneration"]["claimsToAddOrOverride"], json!({}));
    }
}

/// A day before the present.
const GUARDED_SINCE: UnixTime = UnixTime(NOW.0 - 24 * 3600);

fn telling_since<S: RecordStore>(store: S) -> Guard<S> {
    Guard { guarded_since: GuardedSince::new(GUARDED_SINCE), ..Guard::new(TokenGuard::Grant, store) }
}

/// The claims in ID and access token.
async fn claims<S: RecordStore>(guard: &Guard<S>, user: &User, source: &str, now: UnixTime) -> [Value; 2] {
    let answer = guard.handle(event(user, CLIENT, source, "2"), now).await.unwrap();
    let details = &answer["response"]["claimsAndScopeOverrideDetails"];
    ["idTokenGeneration", "accessTokenGeneration"].map(|token| details[token]["claimsToAddOrOverride"].clone())
}

const SIGN_IN: &str = "TokenGeneration_Authentication";
const REFRESH: &str = "TokenGeneration_RefreshTokens";

#[tokio::test]
async fn a_refresh_says_since_when_every_session_has_proven_a_factor() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    let guard = telling_since(functions.create.store.clone());
    let nobody = [json!({ "second_factor_enrolled": "false" }), json!({})];
    assert_eq!(claims(&guard, &ana, REFRESH, functions.now()).await, nobody);
    let enrolled_at = functions.now();
    functions.enroll(&ana).await;
    let since = enrolled_at.0.to_string();
    let of_access = json!({ "second_factor_since": since });
    let of_id = json!({ "second_factor_since": since, "second_factor_enrolled": "true" });
    let held = functions.stored(&ana).await;
    assert_eq!(claims(&guard, &ana, REFRESH, functions.now()).await, [of_id, of_access]);
    assert_eq!(functions.stored(&ana).await, held, "it saves nothing, and leaves the grant");
    for of_token in claims(&guard, &ana, SIGN_IN, functions.now()).await {
        assert_eq!((&of_token["second_factor_since"], &of_token["second_factor"]), (&json!(since), &json!("totp")));
    }
    // For a user who enrolled before the guard refused, the guard's time counts, once the last tokens that it passed unseen are issued.
    let ben = User::named("ben", 0xbb);
    functions.clock.set(UnixTime(GUARDED_SINCE.0 - 1));
    functions.enroll(&ben).await;
    let [_, of_access] = claims(&guard, &ben, REFRESH, NOW).await;
    assert_eq!(of_access, json!({ "second_factor_since": (GUARDED_SINCE.0 + ISSUED_WITHIN_SECONDS).to_string() }));
}

#[tokio::test]
async fn the_time_outlives_a_replacement_and_ends_with_the_record() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    let guard = telling_since(functions.create.store.clone());
    let since = async || claims(&guard, &ana, REFRESH, functions.now()).await[1]["second_factor_since"].clone();
    let person = functions.enroll(&ana).await;
    let first = since().await;
    functions.wait(3600);
    let mut sign_in = functions.sign_in(&ana);
    sign_in.client_metadata = Some(json!({ "afterSecondFactor": "REPLACE_AUTHENTICATOR" }));
    sign_in.challenge().await.unwrap();
    assert!(sign_in.answer(&person.passcode(functions.now())).await.unwrap());
    set_up_authenticator(&mut sign_in).await;
    assert_eq!(since().await, first, "the replaced one was asked for until now");
    let Versioned { record, version } = functions.stored(&ana).await;
    let replaced_at = record.authenticator().unwrap().enrolled_at();
    assert_ne!(json!(replaced_at.0.to_string()), first);

    // A version that does not note it leaves the time of the present authenticator.
    let mut stored: Value = serde_json::from_str(&record.to_json().unwrap()).unwrap();
    assert!(stored["record"].as_object_mut().unwrap().remove("enrolledSince").is_some());
    let older = Record::from_json(&stored.to_string()).unwrap();
    functions.store().save(&ana.key(), &older, version).await.unwrap();
    assert_eq!(since().await, replaced_at.0.to_string());

    for ended in [Record::reset(Generation([7; 8])), Record::forgotten(Generation([8; 8]), functions.now())] {
        let version = functions.stored(&ana).await.version;
        functions.store().save(&ana.key(), &ended, version).await.unwrap();
        assert_eq!(since().await, Value::Null);
    }
}

#[tokio::test(start_paused = true)]
async fn on_any_doubt_a_refresh_passes_without_claims() {
    let ana = User::named("ana", 0xaa);
    for (store, reason) in [
        (Faulty::Fails, "the store: the store is away"),
        (Faulty::Panics, "the function panicked"),
        (Faulty::NeverAnswers, "the calls of this invocation ran out of time"),
    ] {
        let guard = telling_since(store);
        let started = tokio::time::Instant::now();
        let (of_tokens, lines) = logged(claims(&guard, &ana, REFRESH, NOW)).await;
        assert_eq!(of_tokens, [json!({}), json!({})], "{reason}");
        assert_eq!((&lines[0]["message"], &lines[0]["reason"]), (&json!("a refresh without claims"), &json!(reason)));
        assert!(started.elapsed() <= timeouts::REFRESH_CLAIMS + Duration::from_millis(1));
    }
}

#[tokio::test]
async fn a_guard_that_reports_or_looks_at_no_grants_reads_and_says_nothing() {
    let ana = User::named("ana", 0xaa);
    let mut reporting = telling_since(Broken);
    reporting.report_only = ReportOnly::until(NOW.plus(1));
    let mut by_source = telling_since(Broken);
    by_source.setting = TokenGuard::TriggerSource;
    for guard in [reporting, by_source] {
        let (of_tokens, lines) = logged(claims(&guard, &ana, REFRESH, NOW)).await;
        assert_eq!(of_tokens, [json!({}), json!({})]);
        assert_eq!((lines.len(), &lines[0]["message"]), (1, &json!("passed")));
        // By which an operator sums up who signs in without a second factor.
        assert_eq!(lines[0]["client_id"], CLIENT);
    }
}

#[test]
fn the_time_since_when_must_have_passed_and_the_guard_must_refuse() {
    let read =
        |value: &str, guard, report_only| GuardedSince::read(&|_| Some(value.to_owned()), guard, report_only, NOW);
    for unset in ["", " "] {
        for guard in [TokenGuard::Grant, TokenGuard::TriggerSource] {
            assert_eq!(read(unset, guard, ReportOnly::until(NOW)), Ok(GuardedSince::NONE));
        }
    }
    let never = ReportOnly::NEVER;
    // `date -u -d @SECONDS`
    let passed = "2027-01-14T08:00:00Z";
    for (value, time) in
        [(passed, GUARDED_SINCE), ("2027-01-15T08:00:00Z", NOW), ("2027-01-15T08:01:00Z", NOW.plus(60))]
    {
        assert_eq!(read(value, TokenGuard::Grant, never), Ok(GuardedSince::new(time)));
    }
    for (value, guard, report_only) in [
        ("2027-01-15T08:01:01Z", TokenGuard::Grant, never),
        (passed, TokenGuard::TriggerSource, never),
        (passed, TokenGuard::Grant, ReportOnly::until(UnixTime(1))),
        ("yesterday", TokenGuard::Grant, never),
        ("2026-01-01T00:00:00+01:00", TokenGuard::Grant, never),
    ] {
        assert_eq!(read(value, guard, report_only).unwrap_err().variable, "GUARDED_SINCE", "{value}");
    }
}

#[tokio::test]
async fn with_trigger_source_tokens_pass_without_the_store_and_without_claims() {
    // They can end the owner's sign-in, which has a grant, or another flow of the same client.
    let ana = User::named("ana", 0xaa);
    let guard = Guard::new(TokenGuard::TriggerSource, Broken);
    for version in ["1", "2"] {
        let event = event(&ana, CLIENT, "TokenGeneration_Authentication", version);
        let answer = guard.handle(event, NOW).await.unwrap();
        assert!(!answer["response"].to_string().contains("second_factor"), "{answer}");
    }
}

#[tokio::test]
async fn who_has_no_grant_reads_a_sentence_that_helps_and_nobody_else_does() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    let other =
        NoGrantMessage::read(&|_| Some("Please install version 7, and call 555-0100 for help.".to_owned())).unwrap();
    for message in [NoGrantMessage::default(), other] {
        let mut guard = guard(&functions, TokenGuard::Grant);
        guard.no_grant_message = message.clone();
        let answered = async |event: Value| {
            answer(REQUEST_ID, event, async |event| guard.handle(event, functions.now()).await).await.unwrap_err()
        };
        for source in ["TokenGeneration_Authentication", "TokenGeneration_NewPasswordChallenge"] {
            assert_eq!(answered(event(&ana, CLIENT, source, "2")).await, ClientError::NoGrant(message.clone()));
        }
        for source in OTHER_SOURCES {
            assert_eq!(answered(event(&ana, CLIENT, source, "2")).await, ClientError::Fixed, "{source}");
        }
        let mut unnamed = event(&ana, CLIENT, "TokenGeneration_Authentication", "2");
        unnamed["callerContext"] = Value::Null;
        assert_eq!(answered(unnamed).await, ClientError::Fixed);
    }
    assert_eq!(ClientError::NoGrant(NoGrantMessage::default()).to_string(), NoGrantMessage::DEFAULT);
}

#[test]
fn the_sentence_is_plain_ascii_of_bounded_length() {
    let read = |value: &str| NoGrantMessage::read(&|_| Some(value.to_owned()));
    for unset in ["", " "] {
        assert_eq!(read(unset), Ok(NoGrantMessage::default()));
    }
    let longest = "x".repeat(200);
    for fine in [NoGrantMessage::DEFAULT, "It's 100% (new)! #1; a=b?", "~", &longest] {
        assert_eq!(read(fine).unwrap().to_string(), fine);
    }
    for wrong in ["<b>", "a & b", "\"a\"", "a\nb", "a\tb", "\u{7f}", "Zweiter Faktor nötig", &format!("{longest}x")] {
        assert_eq!(read(wrong).unwrap_err().variable, "NO_GRANT_MESSAGE", "{wrong}");
    }
}

#[tokio::test]
async fn a_broken_store_means_no_tokens() {
    let ana = User::named("ana", 0xaa);
    let guard = Guard::new(TokenGuard::Grant, Broken);
    let event = event(&ana, CLIENT, "TokenGeneration_Authentication", "1");
    let now = NOW;
    let answered = answer(REQUEST_ID, event, async |event| guard.handle(event, now).await).await;
    assert_eq!(answered, Err(ClientError::Fixed));
}

#[tokio::test]
async fn a_grant_whose_use_cannot_be_saved_gets_no_tokens() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    functions.enroll(&ana).await;
    for (answers, expected) in [(Err(()), "the store"), (Ok(Saved::Conflict), "others kept saving the same record")] {
        let store = SavesNothing { store: functions.create.store.clone(), answers };
        let guard = Guard::new(TokenGuard::Grant, store);
        let event = event(&ana, CLIENT, "TokenGeneration_Authentication", "1");
        let fault = guard.handle(event, functions.now()).await.unwrap_err();
        assert_eq!(fault.to_string(), expected);
    }
}

#[tokio::test]
async fn an_event_without_source_pool_client_or_version_gets_no_tokens() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    functions.enroll(&ana).await;
    for place in ["triggerSource", "userPoolId", "callerContext", "request", "version"] {
        for other in [Value::Null, json!(""), json!(5), json!([]), json!({})] {
            let mut event = event(&ana, CLIENT, "TokenGeneration_Authentication", "1");
            event[place] = other.clone();
            let answered = guard(&functions, TokenGuard::Grant).handle(event, functions.now()).await;
            assert!(answered.is_err(), "{place} became {other}");
        }
    }
    for source in ["DefineAuthChallenge_Authentication", "PreTokenGeneration", "tokengeneration_Authentication"] {
        let event = event(&ana, CLIENT, source, "1");
        let answered = guard(&functions, TokenGuard::Grant).handle(event, functions.now()).await;
        assert!(matches!(answered, Err(HandlerError::NotThisTriggersEvent("triggerSource"))), "{source}");
    }
}

#[test]
fn the_setting_is_required_and_is_one_of_two_words() {
    assert_eq!(TokenGuard::read(&|_| Some("GRANT".to_owned())), Ok(TokenGuard::Grant));
    assert_eq!(TokenGuard::read(&|_| Some("TRIGGER_SOURCE".to_owned())), Ok(TokenGuard::TriggerSource));
    for wrong in [None, Some(""), Some("grant"), Some("GRANT,TRIGGER_SOURCE")] {
        let error = TokenGuard::read(&|_| wrong.map(ToOwned::to_owned)).unwrap_err();
        assert_eq!(error.variable, "TOKEN_GUARD");
    }
}

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

struct SavesNothing {
    store: Arc<MemoryStore>,
    answers: Result<Saved, ()>,
}

impl RecordStore for SavesNothing {
    async fn load(&self, user: &UserKey) -> Result<Versioned, StoreError> {
        self.store.load(user).await
    }

    async fn save(&self, _: &UserKey, _: &Record, _: Version) -> Result<Saved, StoreError> {
        self.answers.map_err(|()| StoreError("the store is away".into()))
    }

    async fn confirm(&self, user_pool_id: &str) -> Result<(), StoreError> {
        self.store.confirm(user_pool_id).await
    }
}

/// Cognito calls the guard a moment after Verify: an operator may have come in between.
#[tokio::test]
async fn a_reset_between_the_proof_and_the_tokens_leaves_none() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    let person = enrolled(&functions, &ana).await;
    type Change = fn(&Record) -> Record;
    let changes: [(Change, bool); 4] = [
        (|_| Record::reset(Generation([9; 8])), false),
        (|_| Record::forgotten(Generation([9; 8]), NOW), false),
        (|record| record.with_code_withdrawn(Generation([9; 8])), true),
        (|record| record.clone().with_missing_since(Some(NOW)), true),
    ];
    let before = functions.stored(&ana).await.record;
    for (change, passes) in changes {
        let stored = functions.stored(&ana).await;
        let store = &functions.create.store;
        assert_eq!(store.save(&ana.key(), &before, stored.version).await.unwrap(), Saved::Recorded);
        functions.wait(30);
        assert!(functions.passes_prompt(&ana, &person.passcode(functions.now())).await);
        let proven = functions.stored(&ana).await;
        let changed = change(&proven.record);
        assert_eq!(store.save(&ana.key(), &changed, proven.version).await.unwrap(), Saved::Recorded);
        assert_eq!(tokens_for(&functions, &ana, CLIENT).await.is_ok(), passes);
    }
}
