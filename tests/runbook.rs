//! What docs/runbook.md has an operator type does what it says there, on DynamoDB as ministack emulates it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use shared::cognito::UserKey;
use shared::error::ClientError;
use shared::ids::Generation;
use shared::record::Record;
use shared::store::{RecordStore as _, Version};
use tests::driver::Driver;
use tests::events::User;
use tests::functions::Functions;
use tests::person::{passcode, secret_shown};
use tests::random::fill_random;
use tests::served::{Served, TABLE_NAME};
use tests::stores::OnMinistack;

/// What `openssl rand` gives in the command.
const DRAWN: &str = "cGxhaW5seWY";

#[tokio::test]
async fn a_reset_empties_the_record_and_the_next_sign_in_enrolls() {
    let aws = OnMinistack::connect();
    let (store, table_name) = aws.new_store().await;
    let (functions, user) = (Functions::over(store, fill_random, fill_random), User::named("ana", 1));
    let before_the_reset = functions.enroll(&user).await;
    let held = functions.stored(&user).await;

    reset(&aws, &table_name, &user.key()).await.unwrap();
    let left = functions.stored(&user).await;
    assert_eq!(left.version, held.version.next());
    assert_eq!(left.record, Record::reset(Generation::from_text(DRAWN).unwrap()));
    assert_ne!(left.record.generation(), held.record.generation());

    functions.enroll(&user).await;
    let mut sign_in = functions.sign_in(&user);
    assert_eq!(sign_in.challenge().await.unwrap()["challenge"], "SECOND_FACTOR");
    assert!(!sign_in.answer(&before_the_reset.codes[1]).await.unwrap(), "the old codes no longer work");
}

/// A set-up challenge that an old password led to is held by somebody else, and the user has no record yet.
#[tokio::test]
async fn a_reset_without_a_record_makes_one_that_outdates_a_held_challenge() {
    let aws = OnMinistack::connect();
    let (store, table_name) = aws.new_store().await;
    let (functions, user) = (Functions::over(store, fill_random, fill_random), User::named("ana", 1));
    let mut held = functions.sign_in(&user);
    let secret = secret_shown(&held.challenge().await.unwrap());
    reset(&aws, &table_name, &user.key()).await.unwrap();
    let left = functions.stored(&user).await;
    assert_eq!(left.version, Version::MISSING.next());
    assert_eq!(left.record, Record::reset(Generation::from_text(DRAWN).unwrap()));
    assert_eq!(held.answer(&passcode(&secret, functions.now())).await, Err(ClientError::Fixed));
    functions.enroll(&user).await;
}

/// What an operator practices on the local pool is what happens in AWS.
#[tokio::test]
async fn a_reset_does_the_same_to_the_records_of_the_local_pool() {
    let served = Served::start().await;
    let (aws, user) = (OnMinistack::connect_to(&served.endpoint), User::named("ana", 1));
    let store = aws.store_in(TABLE_NAME);
    for version in [1, 2] {
        reset(&aws, TABLE_NAME, &user.key()).await.unwrap();
        let left = store.load(&user.key()).await.unwrap();
        assert_eq!(left.version, Version(version));
        assert_eq!(left.record, Record::reset(Generation::from_text(DRAWN).unwrap()));
    }
    let refused = reset(&aws, "second-factors", &user.key()).await.unwrap_err();
    assert!(refused.contains(&format!("The local pool has {TABLE_NAME}.")), "{refused}");
}

/// Eight bytes as [`Generation`] is written; the shell runs it.
const DRAW: &str = "'$(openssl rand -base64 8 | tr '+/' '-_' | tr -d '=')'";

#[test]
fn what_the_runbook_draws_is_a_generation_and_another_each_time() {
    let drawn = || {
        let command = DRAW.trim_matches('\'').trim_start_matches("$(").trim_end_matches(')');
        let output = std::process::Command::new("sh").args(["-c", command]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    for _ in 0..50 {
        let (one, other) = (drawn(), drawn());
        assert!(Generation::from_text(&one).is_some(), "{one}");
        assert_ne!(one, other);
    }
}

/// Runs the command of "Reset a record" through the SDK. The error is the whole refusal.
async fn reset(aws: &OnMinistack, table_name: &str, user: &UserKey) -> Result<(), String> {
    let runbook = include_str!("../docs/runbook.md").replace(DRAW, DRAWN);
    let (_, command) = runbook.split_once("aws dynamodb update-item --table-name TABLE ").unwrap();
    let (command, _) = command.split_once("```").unwrap();
    let option = |name: &str| command.split_once(&format!("--{name} '")).unwrap().1.split_once('\'').unwrap().0;
    let key = option("key").replace("POOL", &user.user_pool_id).replace("SUB", &user.sub);
    let names: HashMap<String, String> = serde_json::from_str(option("expression-attribute-names")).unwrap();
    let sent = aws
        .dynamodb
        .update_item()
        .table_name(table_name)
        .set_key(Some(attributes(&key)))
        .update_expression(option("update-expression"))
        .set_expression_attribute_names(Some(names))
        .set_expression_attribute_values(Some(attributes(option("expression-attribute-values"))))
        .send()
        .await;
    sent.map(drop).map_err(|refused| format!("{refused:?}"))
}

/// `{"name":{"S":"text"}}`, as the AWS CLI takes it.
fn attributes(json: &str) -> HashMap<String, AttributeValue> {
    let attributes: HashMap<String, HashMap<String, Value>> = serde_json::from_str(json).unwrap();
    let attribute = |typed: &HashMap<String, Value>| match typed.iter().next().unwrap() {
        (kind, Value::String(text)) if kind == "S" => AttributeValue::S(text.clone()),
        (kind, Value::String(text)) if kind == "N" => AttributeValue::N(text.clone()),
        other => panic!("{other:?}"),
    };
    attributes.iter().map(|(name, typed)| (name.clone(), attribute(typed))).collect()
}
