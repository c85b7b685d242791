//! No log holds a secret, passcode, recovery code, private parameter or attribute, and nothing that carries one prints it.
//!
//! Here the functions run in this process and everything that tracing gives is captured, whatever its level and target.
//! tests/bootstraps.rs searches what the real functions write to standard output and standard error.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::io;
use std::marker::PhantomData;
use std::sync::Once;

use local::in_process::NextInProcess;
use pre_token_generation::Guard;
use serde_json::{Value, json};
use shared::authenticator::SealedSecret;
use shared::challenge::{Challenge, IssuedChallenge};
use shared::clock::UnixTime;
use shared::cognito::UserKey;
use shared::error::{ClientError, SealError, StoreError};
use shared::guard_settings::{NextFunctionErrors, ReportOnly};
use shared::ids::Generation;
use shared::invocation::answer;
use shared::next_function::Next;
use shared::operator_code::OperatorCode;
use shared::random::RandomError;
use shared::record::{Record, UnreadableRecord};
use shared::recovery_codes::RecoveryCode;
use shared::requirements::Requirements;
use shared::settings::{Policy, TokenGuard};
use shared::store::memory::{MemorySealer, MemoryStore};
use shared::store::{EncryptionContext, RecordStore, Saved, Sealer, Version, Versioned};
use shared::totp::{Passcode, SharedSecret};
use shared::verification::{Answer, BegunVerification, PendingPasscode, begin_verification};
use shared::verify_answer::verify_answer;
use tests::challenges::{ADMITTED, AT_SIGN_IN, PROMPT, issued};
use tests::clock::NOW;
use tests::driver::{Driver, EventHandler};
use tests::events::{ChallengeTrigger, REQUEST_ID, User, sample_events, sample_events_of_the_guard};
use tests::functions::Functions;
use tests::golden::assert_golden;
use tests::random::{FAKE_SECRET, fill_random, plainly_fake, random};
use tests::sample_users::SampleUsers;
use tests::secrets::{SecretKind, Secrets, decisions};
use tests::user_scenario::UserScenario;
use tracing_subscriber::fmt::format::FmtSpan;
use verify_auth_challenge::Verify;

const SUB: &str = "plainly-fake-sub";

#[tokio::test]
async fn the_log_of_a_full_life_holds_every_decision_and_no_secret() {
    start_capturing();
    let functions = Functions::over(MemoryStore::default(), plainly_fake, plainly_fake);
    let call = async |trigger, event| functions.answer(trigger, event).await;
    let scenario = UserScenario::new(SUB, call, || NOW);
    scenario.run().await;
    let log = captured();
    scenario.into_secrets().assert_none_in(&log);
    let lines = decisions(&log, SUB, &[REQUEST_ID.to_owned()]);
    assert_golden("log_of_a_full_life.txt", &lines.concat());
}

#[tokio::test]
async fn from_the_tenth_wrong_passcode_on_the_log_warns_of_guessing() {
    start_capturing();
    let (functions, ana) = (Functions::default(), User::named("ana", 1));
    let person = functions.enroll(&ana).await;
    for failures in 1..=12 {
        let mut sign_in = functions.sign_in(&ana);
        let shown = sign_in.challenge().await.unwrap();
        functions.wait(shown["retryAfterSeconds"].as_str().unwrap().parse().unwrap());
        captured();
        assert!(!sign_in.answer(&person.wrong_passcode(functions.now())).await.unwrap());
        assert_eq!(captured().contains("passcodes are being guessed"), failures >= 10, "{failures}");
    }
}

/// Typed too early, wrongly, rightly and again, and at the end of its time.
#[tokio::test]
async fn an_operators_code_is_in_no_log_no_record_and_nothing_that_prints() {
    start_capturing();
    let (functions, ana) = (Functions::default(), User::named("ana", 1));
    let (mut secrets, mut printed) = (Secrets::default(), Vec::new());
    let mut reasons = Vec::new();
    for lifetime in [72 * 3600, 0] {
        functions.enroll(&ana).await;
        let mut sign_in = functions.sign_in(&ana);
        sign_in.challenge().await.unwrap();
        let code = RecoveryCode::new(random());
        let shown = code.show().to_string();
        secrets.note_code(&shown);
        let given = OperatorCode::new(&code, random(), functions.now().plus(lifetime));
        let Versioned { record, version } = functions.stored(&ana).await;
        let record = record.with_operator_code(given.clone(), Generation(random()));
        functions.store().save(&ana.key(), &record, version).await.unwrap();
        printed.extend([print(&given), print(&record), record.to_json().unwrap()]);
        assert_eq!(sign_in.answer(&shown).await, Ok(false), "at the prompt from before");
        for typed in ["AAAA-AAAA-AAAA-AAAA", &shown, &shown] {
            if sign_in.define().await.unwrap()["challengeName"] != "CUSTOM_CHALLENGE" {
                break;
            }
            sign_in.challenge().await.unwrap();
            let verified = functions.verify(sign_in.answer_event(typed)).await;
            printed.push(format!("{:?}", verified.map(|answered| answered["response"].clone())));
            let again = functions.verify(sign_in.answer_event(typed)).await;
            printed.push(format!("{:?}", again.map(|answered| answered["response"].clone())));
            sign_in.answer(typed).await.unwrap();
        }
        let stored = functions.stored(&ana).await;
        printed.extend([print(&stored), stored.record.to_json().unwrap()]);
        functions.store().save(&ana.key(), &Record::reset(Generation(random())), stored.version).await.unwrap();
        let log = captured();
        secrets.assert_none_in(&log);
        reasons.extend(["OperatorCodeUsed", "WrongRecoveryCode"].map(|reason| log.contains(reason)));
    }
    assert_eq!(reasons, [true, true, false, true], "the log says what became of it");
    secrets.assert_none_in(&printed.concat());
}

/// The passcode of a phone whose clock is off, and one that was never shown: only the record can tell one from the other.
#[tokio::test]
async fn the_clocks_offset_is_in_no_parameter_log_or_error() {
    start_capturing();
    let mut seen = Vec::new();
    for steps in [None, Some(-10), Some(-2), Some(4), Some(10)] {
        let (functions, ana) = (Functions::default(), User::named("ana", 1));
        let person = functions.enroll(&ana).await;
        functions.wait(3600);
        let typed = match steps {
            Some(steps) => person.passcode(UnixTime(functions.now().0.saturating_add_signed(30 * steps))),
            None => person.wrong_passcode(functions.now()),
        };
        let mut sign_in = functions.sign_in(&ana);
        sign_in.challenge().await.unwrap();
        captured();
        assert_eq!(sign_in.answer(&typed).await, Ok(false));
        let offset = functions.stored(&ana).await.record.clock_offset();
        assert_eq!(offset.map(|offset| offset.seconds), steps.map(|steps| 30 * steps));
        let shown = sign_in.challenge().await.unwrap();
        let metadata = sign_in.issued["challengeMetadata"].as_str().unwrap().len();
        let private = sign_in.issued["privateChallengeParameters"].to_string().len();
        let mut outdated = sign_in.answer_event(&typed);
        outdated["request"]["privateChallengeParameters"] = json!({});
        let error = functions.verify(outdated).await;
        seen.push(format!("{shown} {metadata} {private} {error:?} {}", captured()));
    }
    assert!(seen.iter().all(|received| *received == seen[0]), "{seen:#?}");
}

#[tokio::test]
async fn a_function_that_logged_its_events_and_answers_would_be_found_out() {
    let functions = Functions::over(MemoryStore::default(), plainly_fake, plainly_fake);
    let log = RefCell::new(String::new());
    let call = async |trigger, event: Value| {
        log.borrow_mut().push_str(&event.to_string());
        let answered = functions.answer(trigger, event).await?;
        log.borrow_mut().push_str(&answered.to_string());
        Ok(answered)
    };
    let scenario = UserScenario::new(SUB, call, || NOW);
    scenario.enroll().await;
    let secrets = scenario.into_secrets();
    let found: BTreeSet<SecretKind> = secrets.found_in(&log.borrow()).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(found, SecretKind::ALL.into());
}

#[tokio::test]
async fn a_secret_is_found_in_a_log_in_whatever_form() {
    let event = json!({ "response": { "publicChallengeParameters": {
        "secretCode": "OBWGC2LONR4SAZTBNNSSA43FMNZGK5BB",
        "recoveryCodes": "CSGP-PS90-CDQP-8S9G",
    } } });
    let mut secrets = Secrets::default();
    secrets.note(&event);
    for form in [
        "obwgc2lonr4saztbnnssa43fmnzgk5bb",
        "plainly fake secret!",
        "cGxhaW5seSBmYWtlIHNlY3JldCE=",
        "706C61696E6C792066616B652073656372657421",
        &format!("{FAKE_SECRET:?}"),
        &format!("{:?}", json!(FAKE_SECRET.to_vec()).to_string()),
        "csgp-ps90-cdqp-8s9g",
        "CSGPPS90CDQP8S9G",
        "ZmFrZSBjb2RlMA==",
    ] {
        assert!(!secrets.found_in(&format!("{{\"reason\":\"{form}\"}}")).is_empty(), "{form}");
    }
    secrets.assert_none_in(r#"{"reason":"the store: the stored item is not a record"}"#);
}

#[tokio::test]
async fn a_secret_at_any_place_of_any_event_stays_out_of_the_log() {
    const MISPLACED: &str = "plainly misplaced";
    start_capturing();
    let functions = SampleUsers::prepare().await.functions().await;
    captured();
    let mut seen = BTreeSet::new();
    for trigger in ChallengeTrigger::ALL {
        for (case, event) in sample_events(trigger) {
            // The log must have it.
            for place in places(&event, "").iter().filter(|place| *place != "/request/userAttributes/sub") {
                let first = seen.insert((trigger.name(), place.clone()));
                let forms = [json!(MISPLACED), json!([MISPLACED]), json!({ MISPLACED: MISPLACED })];
                for misplaced in forms.into_iter().take(if first { 3 } else { 1 }) {
                    let mut event = event.clone();
                    *event.pointer_mut(place).unwrap() = misplaced;
                    let _answered = functions.answer(trigger, event).await;
                    let log = captured();
                    assert_eq!(log.lines().count(), 2, "a span and its result: {log}");
                    assert!(!log.contains(MISPLACED), "{case}: {place}: {log}");
                }
            }
        }
    }
}

/// Where the guard refuses, where it only reports, and where its next function returns all that it was given.
#[tokio::test]
async fn a_secret_at_any_place_of_an_event_of_the_guard_stays_out_of_the_log() {
    const MISPLACED: &str = "plainly misplaced";
    start_capturing();
    let users = SampleUsers::prepare().await;
    let echo = || {
        let function = NextInProcess::new(Ok);
        Some(Next { function, errors: NextFunctionErrors::Shown })
    };
    for (report_only, next) in [
        (ReportOnly::NEVER, None),
        (ReportOnly::until(NOW.plus(1)), None),
        (ReportOnly::NEVER, echo()),
        (ReportOnly::until(NOW.plus(1)), echo()),
    ] {
        let store = users.functions().await.create.store;
        let guard = Guard { report_only, ..Guard::new(TokenGuard::Grant, store) }.handing_on(next);
        captured();
        for (case, event) in sample_events_of_the_guard() {
            // The log must have the one, and the report the other.
            let logged = ["/request/userAttributes/sub", "/callerContext/clientId"];
            for place in places(&event, "").iter().filter(|place| !logged.contains(&place.as_str())) {
                for misplaced in [json!(MISPLACED), json!([MISPLACED]), json!({ MISPLACED: MISPLACED })] {
                    let mut event = event.clone();
                    *event.pointer_mut(place).unwrap() = misplaced;
                    let answered = answer(REQUEST_ID, event, async |event| guard.handle(event, NOW).await).await;
                    let log = captured();
                    // A report can be followed by what the next function makes of the event.
                    assert!((2..=3).contains(&log.lines().count()), "a span and its result: {log}");
                    assert!(!log.contains(MISPLACED), "{case}: {place}: {log}");
                    let told = answered.map_or_else(|error| error.to_string(), |_| String::new());
                    assert!(!told.contains(MISPLACED), "{case}: {place}: {told}");
                }
            }
        }
    }
}

fn places(value: &Value, place: &str) -> Vec<String> {
    let below = |key: &str, value: &Value| {
        let place = format!("{place}/{}", key.replace('~', "~0").replace('/', "~1"));
        let mut places = places(value, &place);
        places.push(place);
        places
    };
    match value {
        Value::Object(fields) => fields.iter().flat_map(|(key, value)| below(key, value)).collect(),
        Value::Array(entries) => {
            (0..).zip(entries).flat_map(|(index, value)| below(&format!("{index}"), value)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

#[tokio::test]
async fn every_fault_is_logged_by_its_cause_and_without_a_secret() {
    start_capturing();
    let users = SampleUsers::prepare().await;
    let mut create = sample_events(ChallengeTrigger::Create).remove("totp-setup").unwrap();
    let mut verify = sample_events(ChallengeTrigger::Verify).remove("totp-setup-right").unwrap();
    let mut secrets = Secrets::default();
    for event in [&mut create, &mut verify] {
        // Ana's own would be found anywhere.
        event["userName"] = json!("plainly-fake-user-name");
        secrets.note(event);
    }
    captured();

    let of_later = Failing(|| Record::from_json(r#"{"format":3,"record":{"secret":"plainly fake secret!"}}"#));
    let no_record = Failing(|| Record::from_json(r#"{"format":1,"record":{"generation":"plainly fake secret!"}}"#));
    let no_json = Failing(|| Record::from_json("plainly fake secret!"));
    let broken = Failing(|| panic!("plainly fake secret!"));
    for (store, reason) in [
        (of_later, "the store: the record has format 3, this version reads 1 and 2"),
        (no_record, "the store: the stored item is not a record"),
        (no_json, "the store: the stored item is not a record"),
        (broken, "the function panicked"),
    ] {
        let functions = Functions::over(store, plainly_fake, plainly_fake);
        for (trigger, event) in [(ChallengeTrigger::Create, &create), (ChallengeTrigger::Verify, &verify)] {
            assert_eq!(functions.answer(trigger, event.clone()).await, Err(ClientError::Fixed));
            assert_fault(&secrets, event, reason);
        }
    }

    let functions = Functions::over(Failing(|| Ok(Record::default())), plainly_fake, plainly_fake);
    assert_eq!(functions.verify(verify.clone()).await, Err(ClientError::Fixed));
    assert_fault(&secrets, &verify, "the store: not saved");

    let functions = Functions::over(MemoryStore::default(), plainly_fake, |_| Err(RandomError));
    assert_eq!(functions.create(create.clone()).await, Err(ClientError::Fixed));
    assert_fault(&secrets, &create, "randomness: the source of randomness failed");

    let store = users.functions().await.create.store;
    let another_key = Verify {
        enrollment: AT_SIGN_IN,
        policy: Policy::Required,
        requirements: Requirements::default(),
        store: store.clone(),
        sealer: MemorySealer::new(fill_random).unwrap(),
    };
    let answered = answer(REQUEST_ID, verify.clone(), async |event| another_key.handle(event, NOW).await).await;
    assert_eq!(answered, Err(ClientError::Fixed));
    assert_fault(&secrets, &verify, "the sealing: the sealed secret does not open for this user and authenticator");

    let settings = users.functions().await.create.settings;
    let requirements = Requirements::default();
    let no_key = create_auth_challenge::Create { settings, requirements, store, sealer: NoKey, random: plainly_fake };
    let answered = answer(REQUEST_ID, create.clone(), async |event| no_key.handle(event, NOW).await).await;
    assert_eq!(answered, Err(ClientError::Fixed));
    assert_fault(&secrets, &create, "the sealing: no key");
}

/// Asserts that `reason` is all that was logged since the last time.
fn assert_fault(secrets: &Secrets, event: &Value, reason: &str) {
    let log = captured();
    let sub = event["request"]["userAttributes"]["sub"].as_str().unwrap();
    let expected = format!("shared::invocation: failed, {reason}\n");
    secrets.assert_none_in(&log);
    assert!(!log.contains("plainly fake secret!"), "{log}");
    assert_eq!(decisions(&log, sub, &[REQUEST_ID.to_owned()]), [expected]);
}

/// Loads whatever comes of it, and saves nothing.
struct Failing(fn() -> Result<Record, UnreadableRecord>);

impl RecordStore for Failing {
    async fn load(&self, _: &UserKey) -> Result<Versioned, StoreError> {
        let record = (self.0)().map_err(|fault| StoreError(fault.into()))?;
        Ok(Versioned { record, version: Version::MISSING })
    }

    async fn save(&self, _: &UserKey, _: &Record, _: Version) -> Result<Saved, StoreError> {
        Err(StoreError("not saved".into()))
    }

    async fn confirm(&self, _: &str) -> Result<(), StoreError> {
        panic!("nobody may do without here, so nobody asks")
    }
}

struct NoKey;

impl Sealer for NoKey {
    async fn seal(&self, _: &SharedSecret, _: EncryptionContext<'_>) -> Result<SealedSecret, SealError> {
        Err(SealError("no key".into()))
    }

    async fn open(&self, _: &SealedSecret, _: EncryptionContext<'_>) -> Result<SharedSecret, SealError> {
        Err(SealError("no key".into()))
    }
}

// ── Types.

#[tokio::test]
async fn what_carries_a_secret_does_not_print_it() {
    // The ids of a challenge, an authenticator and an app client, and the authenticator's name, prove nothing.
    let harmless = [SecretKind::Nonce, SecretKind::AuthenticatorId, SecretKind::ClientMetadata, SecretKind::Header];
    let functions = Functions::over(MemoryStore::default(), plainly_fake, plainly_fake);
    let parameters = RefCell::new(Vec::<Value>::new());
    let call = async |trigger, event: Value| {
        let answered = functions.answer(trigger, event).await?;
        let private = &answered["response"]["privateChallengeParameters"];
        parameters.borrow_mut().extend(private.is_object().then(|| private.clone()));
        Ok(answered)
    };
    let scenario = UserScenario::new(SUB, call, || NOW);
    let enrolled = scenario.enroll().await;
    let (key, store, sealer) = (scenario.user.key(), functions.store(), &functions.create.sealer);
    let mut secrets = scenario.into_secrets();
    let mut printed = vec![print(&enrolled.secret)];

    for parameters in parameters.take() {
        let issued = IssuedChallenge::from_private_parameters(|name| parameters[name].as_str()).expect("our challenge");
        printed.push(print(&issued));
        match &issued.challenge {
            Challenge::TotpSetup(new) => printed.extend([print(new), print(&new.sealed)]),
            Challenge::RecoveryCodes(new) => printed.extend([print(new), print(&new.codes)]),
            Challenge::SecondFactor(_) | Challenge::Offer(_) | Challenge::RemoveAuthenticator(_) => {}
        }
    }
    let now = UnixTime(NOW.0 + 30);
    let prompt = issued(PROMPT);
    let typed = enrolled.passcode(now);
    secrets.note(&json!({ "request": { "challengeAnswer": typed } }));
    let loaded = store.load(&key).await.unwrap();
    printed.extend([print(&loaded), print(&loaded.record.authenticator())]);
    for typed in [&typed, &enrolled.codes[1], "no code"] {
        let verification =
            match begin_verification(&loaded.record, &prompt, &Answer::new((*typed).to_owned()), ADMITTED, now) {
                BegunVerification::Pending(pending) => pending.verify(&enrolled.secret),
                BegunVerification::Done(verification) => verification,
            };
        printed.push(print(&verification));
    }
    printed.push(print(&verify_answer(store, sealer, &key, &prompt, &Answer::new(typed), ADMITTED, now).await));

    for printed in printed {
        let mut found = secrets.found_in(&printed);
        found.retain(|(kind, _)| !harmless.contains(kind));
        assert!(found.is_empty(), "{found:?} in {printed}");
    }
}

/// In a line, as logs have it; bytes and all.
fn print(value: &impl Debug) -> String {
    format!("{value:?}")
}

#[test]
fn what_a_user_types_or_has_in_hand_cannot_be_printed_at_all() {
    macro_rules! assert_not_printed {
        ($($type:ty),*) => { $(
            const { assert!(!Is::<$type>::DEBUG && !Is::<$type>::DISPLAY, stringify!($type)) };
        )* };
    }
    assert_not_printed!(Answer, Passcode, RecoveryCode, BegunVerification<'static>, PendingPasscode<'static>);
    const {
        assert!(
            !Is::<SharedSecret>::DISPLAY
                && !Is::<SealedSecret>::DISPLAY
                && !Is::<OperatorCode>::DISPLAY
                && !Is::<IssuedChallenge>::DISPLAY
        )
    };
    // The check can also succeed.
    const { assert!(Is::<SharedSecret>::DEBUG && Is::<UserKey>::DISPLAY) };
}

/// What a type implements: its own constant where the bound holds, and the trait's where it does not.
struct Is<T>(PhantomData<T>);

impl<T: Debug> Is<T> {
    const DEBUG: bool = true;
}

impl<T: Display> Is<T> {
    const DISPLAY: bool = true;
}

trait IsNot {
    const DEBUG: bool = false;
    const DISPLAY: bool = false;
}

impl<T> IsNot for Is<T> {}

// ── The capture.

thread_local! {
    static CAPTURED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// From here on, whatever this process logs goes to its own thread's capture: every level, every target, every span.
fn start_capturing() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .with_span_events(FmtSpan::NEW)
            .without_time()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(|| Capture)
            .init();
    });
    captured();
}

/// What this thread has logged since the last time.
fn captured() -> String {
    String::from_utf8(CAPTURED.take()).unwrap()
}

struct Capture;

impl io::Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        CAPTURED.with_borrow_mut(|captured| captured.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
