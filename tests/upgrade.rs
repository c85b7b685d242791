//! During a deploy, and after one was taken back: functions of an older commit and of this one on the same records.

#![expect(clippy::disallowed_methods, reason = "the functions have the real clock")]

use std::cell::Cell;
use std::time::SystemTime;

use aws_sdk_dynamodb::types::AttributeValue;
use pre_token_generation::Guard;
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::cognito::UserKey;
use shared::error::ClientError;
use shared::ids::Generation;
use shared::operator_code::{OPERATOR_CODE_HOURS, OperatorCode};
use shared::record::Record;
use shared::recovery_codes::RecoveryCode;
use shared::settings::TokenGuard;
use shared::store::{RecordStore as _, Saved, Versioned};
use tests::driver::{Driver as _, SignIn};
use tests::events::{CLIENT_ID, ChallengeTrigger, USER_POOL_ID};
use tests::lambda::Lambda;
use tests::later::{fields_added_later, with_fields_added_later};
use tests::ministack::Ministack;
use tests::person::{Person, passcode, secret_shown};
use tests::random::random;
use tests::stores::OnMinistack;
use tests::user_scenario::UserScenario;
use tokio::sync::Mutex;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Older,
    Newer,
}

/// Both versions of the three functions and the older token guard, on one table and one key.
struct Deploy {
    aws: OnMinistack,
    table_name: String,
    functions: Mutex<Vec<(Version, ChallengeTrigger, Lambda)>>,
    older_guard: Mutex<Lambda>,
}

impl Deploy {
    async fn start(ministack: &Ministack) -> Self {
        let endpoint = ministack.endpoint();
        let aws = OnMinistack::connect_to(&endpoint);
        let ((_, table_name), (_, key_id)) = (aws.new_store().await, aws.new_sealer().await);
        let variables = [
            ("ACCEPTED_COGNITO_MFA", "NONE"),
            ("ENROLLMENT", "AT_SIGN_IN"),
            ("TOTP_ISSUER", "Example"),
            ("TOKEN_GUARD", "GRANT"),
            ("TABLE_NAME", &table_name),
            ("KEY_ID", &key_id),
            ("AWS_REGION", Ministack::REGION),
            ("AWS_ACCESS_KEY_ID", Ministack::KEY),
            ("AWS_SECRET_ACCESS_KEY", Ministack::KEY),
            ("AWS_ENDPOINT_URL", &endpoint),
        ];
        let mut functions = Vec::new();
        for trigger in ChallengeTrigger::ALL {
            functions.push((Version::Older, trigger, Lambda::start_older(trigger, &variables).await));
            functions.push((Version::Newer, trigger, Lambda::start(trigger, &variables).await));
        }
        let older_guard = Mutex::new(Lambda::start_older_guard(&variables).await);
        Self { aws, table_name, functions: Mutex::new(functions), older_guard }
    }

    async fn invoke(&self, version: Version, trigger: ChallengeTrigger, event: Value) -> Result<Value, ClientError> {
        let mut functions = self.functions.lock().await;
        let found = functions.iter_mut().find(|(of, function, _)| (*of, *function) == (version, trigger));
        let (_, _, function) = found.unwrap();
        function.invoke(event.to_string()).await.map_err(|_| ClientError::Fixed)
    }

    /// Answers by the functions of whichever version is set.
    fn answering<'a>(
        &'a self,
        version: &'a Cell<Version>,
    ) -> impl AsyncFn(ChallengeTrigger, Value) -> Result<Value, ClientError> + 'a {
        async move |trigger, event| self.invoke(version.get(), trigger, event).await
    }

    /// Saves what an operator's command would.
    async fn change(&self, user: &UserKey, change: impl FnOnce(Record) -> Record) {
        let store = self.aws.store_in(&self.table_name);
        let Versioned { record, version } = store.load(user).await.unwrap();
        assert_eq!(store.save(user, &change(record), version).await.unwrap(), Saved::Recorded);
    }

    /// Gives the user a code, as it is shown.
    async fn give_code(&self, user: &UserKey) -> String {
        let code = RecoveryCode::new(random());
        let given = OperatorCode::new(&code, random(), now().plus(OPERATOR_CODE_HOURS * 3600));
        self.change(user, |record| record.with_operator_code(given, Generation(random()))).await;
        code.show().to_string()
    }

    async fn record(&self, user: &UserKey) -> Value {
        let item = self.aws.item(&self.table_name, user).await.unwrap();
        serde_json::from_str(item["record"].as_s().unwrap()).unwrap()
    }
}

fn now() -> UnixTime {
    SystemTime::now().into()
}

#[tokio::test]
async fn older_and_newer_functions_take_turns_through_every_sign_in() {
    let ministack = Ministack::start();
    let deploy = Deploy::start(&ministack).await;
    for (sub, first) in [("plainly-fake-sub-a", Version::Older), ("plainly-fake-sub-b", Version::Newer)] {
        let next = Cell::new(first);
        let answer = async |trigger, event| {
            let version = next.get();
            next.set(if version == Version::Older { Version::Newer } else { Version::Older });
            deploy.invoke(version, trigger, event).await
        };
        UserScenario::new(sub, answer, now).run().await;
    }
}

#[tokio::test]
async fn an_older_function_keeps_what_a_newer_one_has_added_to_a_record() {
    let ministack = Ministack::start();
    let deploy = Deploy::start(&ministack).await;
    let version = Cell::new(Version::Newer);
    let scenario = UserScenario::new("plainly-fake-sub", deploy.answering(&version), now);
    let person = scenario.enroll().await;

    let user = UserKey { user_pool_id: USER_POOL_ID.to_owned(), sub: "plainly-fake-sub".to_owned() };
    let mut item = deploy.aws.item(&deploy.table_name, &user).await.unwrap();
    let added = with_fields_added_later(deploy.record(&user).await);
    item.insert("record".to_owned(), AttributeValue::S(added.to_string()));
    deploy.aws.put(&deploy.table_name, item).await;
    let places = fields_added_later(&added);
    assert!(places.len() > 6, "{places:?}");

    for (of, code) in [(Version::Older, &person.codes[1]), (Version::Newer, &person.codes[2])] {
        version.set(of);
        let mut sign_in = SignIn::after_password(&scenario, &scenario.user);
        sign_in.challenge().await.unwrap();
        let wrong = person.wrong_passcode(now());
        assert_eq!(sign_in.answer(&wrong).await, Ok(false));
        sign_in.challenge().await.unwrap();
        assert_eq!(sign_in.answer(code).await, Ok(true));
        // The proof and the grant are others now, or of the same second; whatever else was added is still there.
        let replaced = [".record.grant", ".record.grant.proof", ".record.lastProof"];
        let kept = |place: &String| !replaced.contains(&place.as_str());
        let left = fields_added_later(&deploy.record(&user).await);
        assert!(left.iter().filter(|place| kept(place)).eq(places.iter().filter(|place| kept(place))), "{left:?}");
    }
}

/// What a record notes of sessions and requirements: the older functions know none of it.
const NOTES: [&str; 4] = ["turnedOffAt", "requiredSince", "unprovenAt", "signedOutAt"];

fn with_notes(record: &Record) -> Record {
    let mut stored: Value = serde_json::from_str(&record.to_json().unwrap()).unwrap();
    let notes = [json!(1_800_000_001), json!(1_800_000_002), json!({ CLIENT_ID: 1_800_000_003 }), json!(1_800_000_004)];
    for (name, note) in NOTES.into_iter().zip(notes) {
        stored["record"][name] = note;
    }
    let noted = Record::from_json(&stored.to_string()).unwrap();
    let of_this_version =
        [noted.turned_off_at(), noted.required_since(), noted.last_unproven_at(), noted.signed_out_at()];
    assert_eq!(of_this_version.map(|time| time.unwrap().0 - 1_800_000_000), [1, 2, 3, 4]);
    noted
}

/// Otherwise an older function would end, at any save, what a refresh and a removal are judged by.
#[tokio::test]
async fn an_older_verify_and_guard_keep_what_is_noted_of_sessions() {
    let ministack = Ministack::start();
    let deploy = Deploy::start(&ministack).await;
    let version = Cell::new(Version::Newer);
    let scenario = UserScenario::new("plainly-fake-sub", deploy.answering(&version), now);
    let user = scenario.user.key();
    let noted = async || {
        let record = deploy.record(&user).await["record"].take();
        NOTES.map(|name| record[name].clone())
    };

    // Without an authenticator: the older functions have one set up, as they know no policy.
    deploy.change(&user, |_| with_notes(&Record::reset(Generation(random())))).await;
    let notes = noted().await;
    assert!(notes.iter().all(|note| !note.is_null()), "{notes:?}");
    version.set(Version::Older);
    let mut sign_in = SignIn::after_password(&scenario, &scenario.user);
    let person = Person::enroll(&mut sign_in).await;
    assert_eq!(noted().await, notes);

    for (of, code) in [(Version::Older, &person.codes[1]), (Version::Newer, &person.codes[2])] {
        version.set(of);
        let mut sign_in = SignIn::after_password(&scenario, &scenario.user);
        assert_eq!(sign_in.challenge().await.unwrap()["challenge"], "SECOND_FACTOR");
        version.set(Version::Older);
        assert_eq!(sign_in.answer(&person.wrong_passcode(now())).await, Ok(false));
        assert_eq!(noted().await, notes, "after a wrong answer");
        sign_in.challenge().await.unwrap();
        version.set(of);
        assert_eq!(sign_in.answer(code).await, Ok(true));
        assert_eq!(noted().await, notes, "after a correct one");

        let saved = deploy.aws.item(&deploy.table_name, &user).await;
        let event = scenario.user.token_event("TokenGeneration_Authentication", "2");
        deploy.older_guard.lock().await.invoke(event.to_string()).await.unwrap();
        assert_ne!(deploy.aws.item(&deploy.table_name, &user).await, saved, "the grant is spent");
        assert_eq!(noted().await, notes, "after tokens");
    }
}

/// Given, withdrawn or used up; and what is left of a user who was forgotten.
#[tokio::test]
async fn an_older_function_refuses_a_closed_record_and_leaves_it() {
    let ministack = Ministack::start();
    let deploy = Deploy::start(&ministack).await;
    for (sub, closed_by) in [
        ("plainly-fake-sub-a", ClosedBy::Code),
        ("plainly-fake-sub-b", ClosedBy::CodeWithdrawn),
        ("plainly-fake-sub-c", ClosedBy::CodeUsed),
        ("plainly-fake-sub-d", ClosedBy::Forgotten),
    ] {
        let version = Cell::new(Version::Older);
        let scenario = UserScenario::new(sub, deploy.answering(&version), now);
        let user = scenario.user.key();
        // Before, an older Create offers a set-up to whoever has the password.
        let mut set_up = SignIn::after_password(&scenario, &scenario.user);
        let secret = secret_shown(&set_up.challenge().await.unwrap());

        let code = deploy.give_code(&user).await;
        version.set(Version::Newer);
        let mut prompted = SignIn::after_password(&scenario, &scenario.user);
        assert_eq!(prompted.challenge().await.unwrap()["challenge"], "SECOND_FACTOR");
        match closed_by {
            ClosedBy::Code => {}
            ClosedBy::CodeWithdrawn => {
                deploy.change(&user, |record| record.with_code_withdrawn(Generation(random()))).await
            }
            ClosedBy::CodeUsed => {
                let mut abandoned = SignIn::after_password(&scenario, &scenario.user);
                abandoned.challenge().await.unwrap();
                assert_eq!(abandoned.answer(&code).await, Ok(true));
            }
            ClosedBy::Forgotten => deploy.change(&user, |_| Record::forgotten(Generation(random()), now())).await,
        }
        let held = deploy.aws.item(&deploy.table_name, &user).await;
        assert_eq!(deploy.record(&user).await["format"], 2);

        version.set(Version::Older);
        let mut sign_in = SignIn::after_password(&scenario, &scenario.user);
        assert_eq!(sign_in.challenge().await, Err(ClientError::Fixed), "Create");
        for (of, typed) in [(&set_up, passcode(&secret, now())), (&prompted, code.clone()), (&prompted, "-".to_owned())]
        {
            let answered = deploy.invoke(Version::Older, ChallengeTrigger::Verify, of.answer_event(&typed)).await;
            assert_eq!(answered, Err(ClientError::Fixed), "Verify");
        }
        let outdated = set_up.answer_event(&passcode(&secret, now()));
        let answered = deploy.invoke(Version::Newer, ChallengeTrigger::Verify, outdated).await;
        assert_eq!(answered, Err(ClientError::Fixed), "what an older Create issued");
        assert_eq!(deploy.aws.item(&deploy.table_name, &user).await, held);

        // The newer functions set an authenticator up by another code, and from there on the older ones work again.
        let code = deploy.give_code(&user).await;
        version.set(Version::Newer);
        let mut sign_in = SignIn::after_password(&scenario, &scenario.user);
        sign_in.challenge().await.unwrap();
        assert_eq!(sign_in.answer(&code).await, Ok(true));
        let person = Person::enroll(&mut sign_in).await;
        assert_eq!(deploy.record(&user).await["format"], 1);
        version.set(Version::Older);
        let mut sign_in = SignIn::after_password(&scenario, &scenario.user);
        sign_in.challenge().await.unwrap();
        assert_eq!(sign_in.answer(&person.codes[1]).await, Ok(true));
        assert_eq!(sign_in.has_tokens().await, Ok(true));
    }
}

#[derive(Clone, Copy)]
enum ClosedBy {
    Code,
    CodeWithdrawn,
    CodeUsed,
    Forgotten,
}

#[tokio::test]
async fn a_user_with_an_authenticator_and_a_code_signs_in_by_older_functions() {
    let ministack = Ministack::start();
    let deploy = Deploy::start(&ministack).await;
    let version = Cell::new(Version::Newer);
    let scenario = UserScenario::new("plainly-fake-sub", deploy.answering(&version), now);
    let user = scenario.user.key();
    let person = scenario.enroll().await;
    let code = deploy.give_code(&user).await;
    let given = deploy.record(&user).await["record"]["operatorCode"].clone();
    assert!(given.is_object(), "{given}");

    version.set(Version::Older);
    for typed in [&person.codes[1], &person.passcode(now().plus(30))] {
        let mut sign_in = SignIn::after_password(&scenario, &scenario.user);
        sign_in.challenge().await.unwrap();
        version.set(Version::Newer);
        assert_eq!(sign_in.answer(&code).await, Ok(false), "a newer Verify, at an unmarked prompt of this generation");
        version.set(Version::Older);
        sign_in.challenge().await.unwrap();
        assert_eq!(sign_in.answer(&code).await, Ok(false), "an older function does not know the code");
        sign_in.challenge().await.unwrap();
        assert_eq!(sign_in.answer(typed).await, Ok(true));
        assert_eq!(sign_in.has_tokens().await, Ok(true));
        assert_eq!(deploy.record(&user).await["record"]["operatorCode"], given, "kept");
    }

    // A marked prompt, of which the older functions make nothing.
    version.set(Version::Newer);
    let mut sign_in = SignIn::after_password(&scenario, &scenario.user);
    sign_in.challenge().await.unwrap();
    assert!(sign_in.issued["challengeMetadata"].as_str().unwrap().starts_with("SECOND_FACTOR A "));
    let held = deploy.aws.item(&deploy.table_name, &user).await;
    for typed in [&code, &person.codes[2]] {
        let answered = deploy.invoke(Version::Older, ChallengeTrigger::Verify, sign_in.answer_event(typed)).await;
        assert_eq!(answered, Err(ClientError::Fixed));
    }
    assert_eq!(deploy.aws.item(&deploy.table_name, &user).await, held);
    assert_eq!(sign_in.answer(&code).await, Ok(true), "the newer Verify accepts it");
    version.set(Version::Older);
    assert_eq!(sign_in.define().await.unwrap()["failAuthentication"], true);
    assert_eq!(sign_in.define().await.unwrap()["issueTokens"], false);
}

#[tokio::test]
async fn the_token_guard_claims_no_factor_that_an_older_verify_did_not_name() {
    let ministack = Ministack::start();
    let deploy = Deploy::start(&ministack).await;
    let version = Cell::new(Version::Newer);
    let scenario = UserScenario::new("plainly-fake-sub", deploy.answering(&version), now);
    let person = scenario.enroll().await;
    let guard = Guard::new(TokenGuard::Grant, deploy.aws.store_in(&deploy.table_name));
    let signs_in =
        [(Version::Newer, Some("recovery_code")), (Version::Older, None), (Version::Newer, Some("recovery_code"))];
    for ((of, named), code) in signs_in.into_iter().zip(&person.codes[1..]) {
        version.set(of);
        // Two grants of the same second look the same.
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        let mut sign_in = SignIn::after_password(&scenario, &scenario.user);
        sign_in.challenge().await.unwrap();
        assert_eq!(sign_in.answer(code).await, Ok(true));
        let event = scenario.user.token_event("TokenGeneration_Authentication", "2");
        let answered = guard.handle(event, now()).await.unwrap();
        let added =
            &answered["response"]["claimsAndScopeOverrideDetails"]["accessTokenGeneration"]["claimsToAddOrOverride"];
        assert_eq!(added["second_factor"].as_str(), named);
        assert_eq!(added["second_factor_at"].is_string(), named.is_some());
    }
}
