//! During a deploy, and after one was taken back: functions of an older commit and of this one on the same records.

#![expect(clippy::disallowed_methods, reason = "the functions have the real clock")]

use std::cell::Cell;
use std::time::SystemTime;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use shared::clock::UnixTime;
use shared::cognito::UserKey;
use shared::error::ClientError;
use tests::driver::{Driver as _, SignIn};
use tests::events::{ChallengeTrigger, USER_POOL_ID};
use tests::lambda::Lambda;
use tests::later::{fields_added_later, with_fields_added_later};
use tests::ministack::Ministack;
use tests::stores::OnMinistack;
use tests::user_scenario::UserScenario;
use tokio::sync::Mutex;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Older,
    Newer,
}

/// Both versions of the three functions, on one table and one key.
struct Deploy {
    aws: OnMinistack,
    table_name: String,
    functions: Mutex<Vec<(Version, ChallengeTrigger, Lambda)>>,
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
        Self { aws, table_name, functions: Mutex::new(functions) }
    }

    async fn invoke(&self, version: Version, trigger: ChallengeTrigger, event: Value) -> Result<Value, ClientError> {
        let mut functions = self.functions.lock().await;
        let found = functions.iter_mut().find(|(of, function, _)| (*of, *function) == (version, trigger));
        let (_, _, function) = found.unwrap();
        function.invoke(event.to_string()).await.map_err(|_| ClientError::Fixed)
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
    let answer = async |trigger, event| deploy.invoke(version.get(), trigger, event).await;
    let scenario = UserScenario::new("plainly-fake-sub", answer, now);
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
        let kept = |place: &String| ![".record.grant", ".record.lastProof"].contains(&place.as_str());
        let left = fields_added_later(&deploy.record(&user).await);
        assert!(left.iter().filter(|place| kept(place)).eq(places.iter().filter(|place| kept(place))), "{left:?}");
    }
}
