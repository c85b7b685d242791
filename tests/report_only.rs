//! Until `REPORT_ONLY_UNTIL` the token guard denies nothing, and logs what it would have denied, once and without a secret.

use std::sync::Arc;

use local::{ClientSettings, ExplicitAuthFlow, PoolSettings, PreTokenGenerationVersion};
use pre_token_generation::Guard;
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::cognito::UserKey;
use shared::error::{ClientError, StoreError};
use shared::guard_settings::{NoGrantMessage, ReportOnly};
use shared::invocation::answer;
use shared::record::Record;
use shared::settings::TokenGuard;
use shared::store::memory::MemoryStore;
use shared::store::{RecordStore, Saved, Version, Versioned};
use shared::timeouts;
use shared::token_grant::REPEAT_SECONDS;
use tests::clock::NOW;
use tests::events::{CLIENT_ID, REQUEST_ID, User};
use tests::functions::Functions;
use tests::log::logged;
use tests::person::Person;
use tests::pool::{PASSWORD, TestPool};
use tests::stores::Faulty;

const AUTHENTICATION: &str = "TokenGeneration_Authentication";
/// A week after the present.
const UNTIL: UnixTime = UnixTime(NOW.0 + 7 * 24 * 3600);

fn reporting<S: RecordStore>(setting: TokenGuard, store: S) -> Guard<S> {
    Guard { report_only: ReportOnly::until(UNTIL), ..Guard::new(setting, store) }
}

/// What Cognito receives, and the lines of the log.
async fn answered<S: RecordStore>(
    guard: &Guard<S>,
    event: &Value,
    now: UnixTime,
) -> (Result<Value, ClientError>, Vec<Value>) {
    logged(answer(REQUEST_ID, event.clone(), async |event| guard.handle(event, now).await)).await
}

/// Asserts that the event passes as it came, and that the one line of the log is this.
async fn assert_reported<S: RecordStore>(guard: &Guard<S>, event: &Value, message: &str, reason: &str) {
    let (answered, lines) = answered(guard, event, NOW).await;
    assert_eq!(answered.as_ref(), Ok(event), "{reason}");
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = &lines[0];
    assert_eq!((&line["level"], &line["message"], &line["reason"]), (&json!("WARN"), &json!(message), &json!(reason)));
    assert_eq!(line["target"], "shared::report_only", "which every LOG_LEVEL has");
    let sent = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let source = sent(&event["triggerSource"]).filter(|source| source.starts_with("TokenGeneration_"));
    let source = source.map(|source| source.replace("AddedLater", "Unknown"));
    assert_eq!(line["source"].as_str(), source.as_deref(), "{reason}");
    assert_eq!(line["client_id"].as_str(), sent(&event["callerContext"]["clientId"]).as_deref(), "{reason}");
    let others = ["timestamp", "level", "message", "reason", "source", "client_id", "target", "span", "spans"];
    assert!(line.as_object().unwrap().keys().all(|key| others.contains(&key.as_str())), "{line}");
}

#[tokio::test]
async fn it_passes_one_second_before_the_time_and_refuses_at_it() {
    let ana = User::named("ana", 0xaa);
    let guard = reporting(TokenGuard::Grant, MemoryStore::default());
    let event = ana.token_event(AUTHENTICATION, "2");
    let before = UnixTime(UNTIL.0 - 1);
    for (now, passes) in [(NOW, true), (before, true), (UNTIL, false), (UNTIL.plus(1), false)] {
        let (answered, lines) = answered(&guard, &event, now).await;
        assert_eq!(
            answered,
            if passes { Ok(event.clone()) } else { Err(ClientError::NoGrant(NoGrantMessage::default())) },
            "{now:?}"
        );
        assert_eq!(lines.len(), 1);
        let message = if passes { "would be refused" } else { "refused" };
        assert_eq!((&lines[0]["message"], &lines[0]["reason"]), (&json!(message), &json!("tokens denied: NoGrant")));
    }
}

#[tokio::test]
async fn whatever_would_be_denied_passes_as_it_came_and_is_logged_once() {
    let ana = User::named("ana", 0xaa);
    for (setting, source, reason) in [
        (TokenGuard::Grant, "Authentication", "NoGrant"),
        (TokenGuard::Grant, "NewPasswordChallenge", "NoGrant"),
        (TokenGuard::Grant, "HostedAuth", "Source(HostedAuth)"),
        (TokenGuard::Grant, "AuthenticateDevice", "Source(AuthenticateDevice)"),
        (TokenGuard::Grant, "AddedLater", "Source(Unknown)"),
        // That of a machine, for a user.
        (TokenGuard::Grant, "ClientCredentials", "Source(ClientCredentials)"),
        (TokenGuard::TriggerSource, "NewPasswordChallenge", "Source(NewPasswordChallenge)"),
        (TokenGuard::TriggerSource, "HostedAuth", "Source(HostedAuth)"),
        (TokenGuard::TriggerSource, "ClientCredentials", "Source(ClientCredentials)"),
    ] {
        for version in ["1", "2", "3"] {
            let event = ana.token_event(&format!("TokenGeneration_{source}"), version);
            let guard = reporting(setting, MemoryStore::default());
            assert_reported(&guard, &event, "would be refused", &format!("tokens denied: {reason}")).await;
        }
    }
}

#[tokio::test]
async fn an_event_that_the_guard_does_not_understand_passes() {
    let guard = reporting(TokenGuard::Grant, MemoryStore::default());
    for (place, other, reason) in [
        ("/request", Value::Null, "not an event of this trigger: request"),
        ("/request", json!("text"), "not an event of this trigger: request"),
        ("/version", json!("4"), "not an event of this trigger: version"),
        ("/version", Value::Null, "not an event of this trigger: version"),
        ("/triggerSource", json!("PostAuthentication_Authentication"), "not an event of this trigger: triggerSource"),
        ("/triggerSource", json!(5), "not an event of this trigger: triggerSource"),
        ("/request/userAttributes", Value::Null, "the user has no sub"),
        ("/userPoolId", json!(""), "not an event of this trigger: userPoolId"),
        ("/callerContext", Value::Null, "tokens denied: NoClient"),
        ("/callerContext/clientId", Value::Null, "tokens denied: NoClient"),
    ] {
        let mut event = User::named("ana", 0xaa).token_event(AUTHENTICATION, "2");
        *event.pointer_mut(place).unwrap() = other;
        assert_reported(&guard, &event, "would have failed", reason).await;
    }
    for event in [Value::Null, json!([]), json!("text"), json!({})] {
        assert_reported(&guard, &event, "would have failed", "not an event of this trigger: request").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_a_panic_and_a_store_that_never_answers_pass() {
    let event = User::named("ana", 0xaa).token_event(AUTHENTICATION, "2");
    for (store, message, reason) in [
        (Faulty::Fails, "would have failed", "the store: the store is away"),
        (Faulty::Panics, "would have failed", "the function panicked"),
        (Faulty::NeverAnswers, "would have failed", "the calls of this invocation ran out of time"),
    ] {
        let started = tokio::time::Instant::now();
        assert_reported(&reporting(TokenGuard::Grant, store), &event, message, reason).await;
        assert!(started.elapsed() <= timeouts::REPORTED_DECISION + std::time::Duration::from_millis(1), "{reason}");
    }
    let left = timeouts::INVOCATION - timeouts::REPORTED_DECISION;
    assert!(left > std::time::Duration::from_secs(2), "for the next function");
}

#[tokio::test]
async fn a_grant_whose_use_cannot_be_saved_passes_without_a_claim() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    functions.enroll(&ana).await;
    let event = ana.token_event(AUTHENTICATION, "1");
    let Versioned { record, version } = functions.stored(&ana).await;
    let guard = reporting(TokenGuard::Grant, Contended { record, version });
    assert_reported(&guard, &event, "would be refused", "others kept saving the same record").await;
}

#[tokio::test]
async fn grants_are_redeemed_and_no_claims_are_written() {
    let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
    functions.enroll(&ana).await;
    let store = Arc::clone(&functions.create.store);
    let (reporting, refusing) =
        (reporting(TokenGuard::Grant, Arc::clone(&store)), Guard::new(TokenGuard::Grant, store));
    for version in ["1", "2", "3"] {
        let event = ana.token_event(AUTHENTICATION, version);
        let (reported, lines) = answered(&reporting, &event, NOW).await;
        let (refused, _) = answered(&refusing, &event, NOW).await;
        // Another flow at this client could have used the grant up, as everything passes.
        assert!(!reported.unwrap()["response"].to_string().contains("second_factor"));
        assert!(refused.unwrap()["response"].to_string().contains(r#""second_factor":"totp""#));
        assert_eq!((lines.len(), &lines[0]["message"]), (1, &json!("passed")));
    }
    // Used up: the next tokens need another grant, and are reported.
    let event = ana.token_event(AUTHENTICATION, "2");
    let (reported, lines) = answered(&reporting, &event, NOW.plus(REPEAT_SECONDS)).await;
    assert_eq!((reported, &lines[0]["message"]), (Ok(event), &json!("would be refused")));
}

#[tokio::test]
async fn what_passes_anyway_is_not_reported() {
    let ana = User::named("ana", 0xaa);
    let mut machine = ana.token_event("TokenGeneration_ClientCredentials", "3");
    machine["request"]["userAttributes"] = json!({});
    let refresh = ana.token_event("TokenGeneration_RefreshTokens", "2");
    let sign_in = ana.token_event(AUTHENTICATION, "2");
    for (setting, event) in [
        (TokenGuard::Grant, &machine),
        (TokenGuard::TriggerSource, &machine),
        (TokenGuard::Grant, &refresh),
        (TokenGuard::TriggerSource, &sign_in),
    ] {
        let (reported, lines) = answered(&reporting(setting, Faulty::Fails), event, NOW).await;
        let (refused, _) = answered(&Guard::new(setting, Faulty::Fails), event, NOW).await;
        assert_eq!(reported, refused);
        assert_eq!((lines.len(), &lines[0]["message"]), (1, &json!("passed")), "{event}");
    }
}

#[tokio::test]
async fn in_a_pool_the_password_alone_passes_until_the_time_and_not_from_it_on() {
    let mut client = ClientSettings::as_deployed();
    client.explicit_auth_flows.push(ExplicitAuthFlow::UserPassword);
    let settings = PoolSettings {
        clients: vec![client],
        pre_token_generation: Some(PreTokenGenerationVersion::V2),
        ..PoolSettings::default()
    };
    let pool = TestPool::guarded(ReportOnly::until(UNTIL), None, settings);
    pool.add_user("ana").await;
    let by_password = async || {
        let request = json!({
            "AuthFlow": "USER_PASSWORD_AUTH",
            "ClientId": pool.settings().clients[0].client_id,
            "AuthParameters": { "USERNAME": "ana", "PASSWORD": PASSWORD },
        });
        pool.call("InitiateAuth", request).await
    };
    assert!(by_password().await.unwrap()["AuthenticationResult"]["AccessToken"].is_string());
    Person::enroll(&mut pool.sign_in("ana").await).await;
    pool.wait(7 * 24 * 3600 - 1);
    assert!(by_password().await.unwrap()["AuthenticationResult"]["AccessToken"].is_string());
    pool.wait(1);
    assert!(by_password().await.is_err());
}

#[test]
fn the_time_is_one_of_rfc_3339_in_utc_or_not_set() {
    let read = |value: &str| ReportOnly::read(&|name| (name == "REPORT_ONLY_UNTIL").then(|| value.to_owned()));
    for unset in ["", " "] {
        assert_eq!(read(unset), Ok(ReportOnly::NEVER));
    }
    assert_eq!(ReportOnly::read(&|_| None), Ok(ReportOnly::NEVER));
    // `date -u -d 2026-12-24T08:00:00Z +%s`; the last second of a leap day.
    for (value, seconds) in [
        ("2026-12-24T08:00:00Z", 1_798_099_200),
        ("2028-02-29T23:59:59Z", 1_835_481_599),
        ("1970-01-01T00:00:00Z", 0),
        ("2026-12-24T08:00:00.000Z", 1_798_099_200),
    ] {
        assert_eq!(read(value), Ok(ReportOnly::until(UnixTime(seconds))), "{value}");
    }
    for wrong in [
        "2026-12-24",
        "2026-12-24T08:00Z",
        "2026-12-24T08:00:00",
        "2026-12-24T08:00:00+00:00",
        "2026-12-24T09:00:00+01:00",
        "2026-12-24T08:00:00z",
        "2026-12-24 08:00:00 UTC",
        "2026-12-24T08:00:00.5Z",
        "2026-12-24T24:00:00Z",
        "2026-12-24T08:00:60Z",
        "2026-13-24T08:00:00Z",
        "2027-02-29T08:00:00Z",
        " 2026-12-24T08:00:00Z",
        "2026-12-24T08:00:00Z ",
        "1969-12-31T23:59:59Z",
        "12026-12-24T08:00:00Z",
        "1798099200",
        "never",
        "NONE",
    ] {
        let error = read(wrong).expect_err(wrong);
        assert_eq!(error.variable, "REPORT_ONLY_UNTIL");
        assert!(error.problem.contains(wrong), "{}", error.problem);
    }
}

#[tokio::test]
async fn an_id_of_a_client_is_logged_as_one_line_of_bounded_length() {
    let mut event = User::named("ana", 0xaa).token_event(AUTHENTICATION, "2");
    event["callerContext"]["clientId"] = json!(format!("a\r\n\u{2028}b{}", "x".repeat(1000)));
    let (_, lines) = answered(&reporting(TokenGuard::Grant, MemoryStore::default()), &event, NOW).await;
    let client_id = lines[0]["client_id"].as_str().unwrap();
    assert!(client_id.starts_with("a   bx"), "{client_id:?}");
    assert_eq!(client_id.chars().count(), 128);
    assert!(CLIENT_ID.len() < 128);
}

/// Somebody else always saves first.
struct Contended {
    record: Record,
    version: Version,
}

impl RecordStore for Contended {
    async fn load(&self, _: &UserKey) -> Result<Versioned, StoreError> {
        Ok(Versioned { record: self.record.clone(), version: self.version })
    }

    async fn save(&self, _: &UserKey, _: &Record, _: Version) -> Result<Saved, StoreError> {
        Ok(Saved::Conflict)
    }

    async fn confirm(&self, _: &str) -> Result<(), StoreError> {
        panic!("nobody may do without here, so nobody asks")
    }
}
