//! The services of AWS that the local pool answers for, as the SDKs call them: over the records that its functions have.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use operator::aws::Services;
use operator::doctor::Severity::{Fine, Unreadable, Weak};
use operator::doctor::deployment::Given;
use operator::doctor::read::read;
use operator::doctor::report::{self, Outcome};
use operator::doctor::{Finding, findings};
use serde_json::{Value, json};
use shared::authenticator::SealedSecret;
use shared::clock::UnixTime;
use shared::error::ClientError;
use shared::ids::{AuthenticatorId, Generation};
use shared::record::Record;
use shared::settings::{AcceptedCognitoMfa, Enrollment, SignInSettings};
use shared::store::dynamodb::DynamoDbStore;
use shared::store::kms::KmsSealer;
use shared::store::{EncryptionContext, RecordStore as _, Saved, Sealer as _, Version};
use tests::driver::{Driver as _, EventHandler, SignIn};
use tests::events::{ChallengeTrigger, User};
use tests::person::Person;
use tests::served::{KEY_ALIAS, Served, TABLE_NAME};
use tests::stores::user;

/// The functions behind Lambda's Invoke.
struct Invoked {
    lambda: aws_sdk_lambda::Client,
    now: UnixTime,
}

impl Invoked {
    fn of(served: &Served) -> Self {
        Self { lambda: aws_sdk_lambda::Client::new(&served.config), now: served.clock.now() }
    }
}

fn function(trigger: ChallengeTrigger) -> &'static str {
    match trigger {
        ChallengeTrigger::Define => "second-factor-DefineAuthChallenge",
        ChallengeTrigger::Create => "arn:aws:lambda:us-east-1:123456789012:function:second-factor-CreateAuthChallenge",
        ChallengeTrigger::Verify => "123456789012:function:second-factor-VerifyAuthChallengeResponse",
    }
}

impl EventHandler for Invoked {
    fn now(&self) -> UnixTime {
        self.now
    }

    async fn answer(&self, trigger: ChallengeTrigger, event: Value) -> Result<Value, ClientError> {
        let invoke = self.lambda.invoke().function_name(function(trigger));
        let invoked = invoke.payload(Blob::new(event.to_string())).send().await.unwrap();
        let answer: Value = serde_json::from_slice(invoked.payload.unwrap().as_ref()).unwrap();
        match invoked.function_error.as_deref() {
            None => Ok(answer),
            Some(kind) => {
                let failure = json!({ "errorType": "SignInError", "errorMessage": ClientError::SENTENCE });
                assert_eq!((kind, answer), ("Unhandled", failure));
                Err(ClientError::Fixed)
            }
        }
    }
}

fn store(served: &Served) -> DynamoDbStore {
    DynamoDbStore::new(aws_sdk_dynamodb::Client::new(&served.config), TABLE_NAME.to_owned())
}

async fn examined(served: &Served, user_pool_id: &str) -> Vec<Finding> {
    let services = Services::new(&served.config);
    findings(
        &read(&services, user_pool_id.parse().unwrap(), Given::default(), "2027-01-15T08:00:00Z".to_owned())
            .await
            .unwrap(),
    )
}

fn above_fine(found: &[Finding]) -> Vec<(&'static str, String)> {
    let above = found.iter().filter(|finding| finding.severity != Fine);
    above.map(|finding| (finding.id, finding.subject.to_string())).collect()
}

#[tokio::test]
async fn the_doctor_finds_the_local_pool_as_the_template_deploys_it() {
    let served = Served::start().await;
    let found = examined(&served, &served.user_pool_id).await;
    assert_eq!(above_fine(&found), []);
    assert_eq!(Outcome::of(&found), Outcome::NothingOpen);
    let printed = report::text(&found, false);
    for line in [
        "table-deletion-protection     table second-factor-SecondFactors         is protected from deletion",
        "has point-in-time recovery on",
        "key arn:aws:kms:us-east-1:123456789012:key/5ea11a90-0000-4000-8000-000000000000  rotates",
        "calls arn:aws:lambda:us-east-1:123456789012:function:second-factor-DefineAuthChallenge",
        "may be called by Cognito for this pool",
        "issue tokens against a grant only (GRANT)",
        "name one TABLE_NAME: second-factor-SecondFactors",
        "0 open, 0 broken, 0 unreadable, 0 weak, ",
    ] {
        assert!(printed.contains(line), "{line}: {printed}");
    }
}

#[tokio::test]
async fn the_doctor_reads_the_settings_that_the_functions_have() {
    let accepted = AcceptedCognitoMfa::parse("SMS_MFA,EMAIL_OTP").unwrap();
    let served = Served::with(SignInSettings::new(accepted, Enrollment::AfterCognitoMfa).unwrap()).await;
    let found = examined(&served, &served.user_pool_id).await;
    assert_eq!(above_fine(&found), [("pool-mfa", "pool".to_owned())]);
    assert!(report::text(&found, false).contains("issue tokens by their trigger source (TRIGGER_SOURCE)"));
}

#[tokio::test]
async fn the_doctor_finds_what_is_wrong_with_a_pool_that_was_made_here() {
    let served = Served::start().await;
    let cognito = aws_sdk_cognitoidentityprovider::Client::new(&served.config);
    let function = |name: &str| format!("arn:aws:lambda:us-east-1:123456789012:function:{name}");
    let attached = aws_sdk_cognitoidentityprovider::types::LambdaConfigType::builder()
        .define_auth_challenge(function("second-factor-DefineAuthChallenge"))
        .create_auth_challenge(function("elsewhere"))
        .verify_auth_challenge_response(function("second-factor-VerifyAuthChallengeResponse"))
        .pre_token_generation(function("second-factor-PreTokenGeneration"))
        .build();
    let made = cognito.create_user_pool().pool_name("other").lambda_config(attached).send().await.unwrap();
    let found = examined(&served, &made.user_pool.unwrap().id.unwrap()).await;
    // What is elsewhere is not judged.
    assert_eq!(Outcome::of(&found), Outcome::NotAllSeen);
    let above: Vec<_> = found.iter().filter(|finding| finding.severity != Fine).collect();
    let above: BTreeSet<_> =
        above.iter().map(|finding| (finding.severity, finding.id, finding.subject.to_string())).collect();
    let expected = [
        (Weak, "pool-deletion-protection", "pool".to_owned()),
        (Weak, "trigger-events", "PreTokenGeneration".to_owned()),
        (Unreadable, "unreadable", "CreateAuthChallenge".to_owned()),
    ];
    assert_eq!(above, BTreeSet::from(expected));
}

#[tokio::test]
async fn an_enrollment_by_invoke_is_an_item_sealed_for_that_user() {
    let served = Served::start().await;
    let (handler, ana) = (Invoked::of(&served), User::named("ana", 1));
    let person = Person::enroll(&mut SignIn::after_password(&handler, &ana)).await;

    let stored = store(&served).load(&ana.key()).await.unwrap();
    let authenticator = serde_json::to_value(stored.record.authenticator().unwrap()).unwrap();
    let id = AuthenticatorId::from_text(authenticator["id"].as_str().unwrap()).unwrap();
    let sealed = SealedSecret::from_text(authenticator["sealed"].as_str().unwrap()).unwrap();
    let sealer = KmsSealer::new(aws_sdk_kms::Client::new(&served.config), KEY_ALIAS.to_owned());
    let (key, other) = (ana.key(), User::named("bea", 2).key());
    let context = EncryptionContext { user: &key, authenticator: id };
    let opened = sealer.open(&sealed, context).await.unwrap();
    assert_eq!(opened.expose(), person.secret.expose());
    let context = EncryptionContext { user: &other, authenticator: id };
    assert!(sealer.open(&sealed, context).await.is_err());

    // What is put there is what the functions read.
    let reset = Record::reset(Generation([7; 8]));
    assert_eq!(store(&served).save(&key, &reset, stored.version).await.unwrap(), Saved::Recorded);
    let mut next = SignIn::after_password(&handler, &ana);
    assert_eq!(next.challenge().await.unwrap()["challenge"], "TOTP_SETUP");
}

#[tokio::test]
async fn an_invoked_function_that_fails_gives_its_error_and_no_reason() {
    let served = Served::start().await;
    let answered = Invoked::of(&served).answer(ChallengeTrigger::Create, json!({})).await;
    assert_eq!(answered, Err(ClientError::Fixed));
}

#[tokio::test]
async fn only_one_of_many_saves_replaces_a_version() {
    let served = Served::start().await;
    let (store, user) = (store(&served), user("ana"));
    for version in [Version::MISSING, Version(1), Version(2)] {
        let record = Record::reset(Generation([7; 8]));
        let save = || store.save(&user, &record, version);
        let saved = futures_util::future::join_all((0..20).map(|_| save())).await;
        let recorded = saved.into_iter().filter(|saved| *saved.as_ref().unwrap() == Saved::Recorded).count();
        assert_eq!(recorded, 1, "{version:?}");
        assert_eq!(store.load(&user).await.unwrap().version, version.next());
    }
}

#[tokio::test]
async fn a_scan_reads_every_item_once_page_by_page() {
    let served = Served::start().await;
    let subs = ["a", "b", "c", "d", "e"];
    for sub in subs {
        let record = Record::reset(Generation([7; 8]));
        store(&served).save(&user(sub), &record, Version::MISSING).await.unwrap();
    }
    let dynamodb = aws_sdk_dynamodb::Client::new(&served.config);
    for limit in [1, 2, 5, 6] {
        let pages = dynamodb.scan().table_name(TABLE_NAME).limit(limit).into_paginator().items().send();
        let items: Vec<HashMap<String, AttributeValue>> = pages.try_collect().await.unwrap();
        let keys: Vec<&str> = items.iter().map(|item| item["user"].as_s().unwrap().as_str()).collect();
        assert_eq!(keys, subs.map(|sub| user(sub).to_string()), "{limit}");
    }
}

#[tokio::test]
async fn a_ciphertext_opens_with_its_context_in_any_order_and_no_other() {
    let served = Served::start().await;
    let kms = aws_sdk_kms::Client::new(&served.config);
    let context = |pairs: &[(&str, &str)]| {
        Some(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<HashMap<_, _>>())
    };
    let sealed_for = context(&[("sub", "a"), ("purpose", "p")]);
    let encrypt =
        kms.encrypt().key_id(KEY_ALIAS).plaintext(Blob::new("plainly fake")).set_encryption_context(sealed_for);
    let sealed = encrypt.send().await.unwrap().ciphertext_blob.unwrap();
    let decrypt = |context| kms.decrypt().ciphertext_blob(sealed.clone()).set_encryption_context(context).send();
    let opened = decrypt(context(&[("purpose", "p"), ("sub", "a")])).await.unwrap();
    assert_eq!(opened.plaintext.unwrap().as_ref(), b"plainly fake");
    for other in [&[("sub", "b"), ("purpose", "p")][..], &[("sub", "a")], &[]] {
        let refused = decrypt(context(other)).await.unwrap_err();
        assert_eq!(refused.code(), Some("InvalidCiphertextException"), "{other:?}");
    }
    let mut changed = sealed.into_inner();
    *changed.last_mut().unwrap() ^= 1;
    let request = kms.decrypt().ciphertext_blob(Blob::new(changed));
    let refused = request.set_encryption_context(context(&[("sub", "a"), ("purpose", "p")])).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidCiphertextException"));
}

#[tokio::test]
async fn the_caller_is_of_the_account_of_everything_here() {
    let sts = aws_sdk_sts::Client::new(&Served::start().await.config);
    assert_eq!(sts.get_caller_identity().send().await.unwrap().account.unwrap(), "123456789012");
    let refused = sts.get_session_token().send().await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidAction"));
    assert!(refused.message().unwrap().ends_with("It has GetCallerIdentity."));
}

/// Error codes that a program acts on, and a sentence for whoever reads them.
#[tokio::test]
async fn what_is_not_here_is_refused_and_what_is_here_is_named() {
    let served = Served::start().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&served.config);
    let kms = aws_sdk_kms::Client::new(&served.config);
    let lambda = aws_sdk_lambda::Client::new(&served.config);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let key = || text("us-east-1_Example#ana");
    let mut refusals = Vec::new();
    macro_rules! refused {
        ($request:expr, $code:literal, $said:literal) => {
            let refused = $request.send().await.unwrap_err();
            let said = refused.message().unwrap_or_default().to_owned();
            refusals.push((refused.code().unwrap_or_default().to_owned(), said, $code, $said));
        };
    }
    let delete = dynamodb.delete_item().table_name(TABLE_NAME).key("user", key());
    refused!(delete, "UnknownOperationException", "It has GetItem, PutItem, UpdateItem, Scan, ");
    let get = || dynamodb.get_item().table_name(TABLE_NAME);
    refused!(get().key("user", key()).projection_expression("a"), "ValidationException", "`ProjectionExpression`");
    refused!(get().key("user", text("ana")), "ValidationException", "userPoolId#sub");
    refused!(get().key("user", key()).table_name("other"), "ResourceNotFoundException", "The local pool has second-");
    let put = || dynamodb.put_item().table_name(TABLE_NAME).item("user", key()).item("record", text("{}"));
    refused!(put(), "ValidationException", "version (N, 1 or more)");
    let zero = AttributeValue::N("0".to_owned());
    refused!(put().item("version", zero), "ValidationException", "version (N, 1 or more)");
    let one = || AttributeValue::N("1".to_owned());
    refused!(put().item("version", one()).item("more", text("")), "ValidationException", "and nothing else");
    let put = || put().item("version", one());
    refused!(put().condition_expression("attribute_exists(user)"), "ValidationException", "is not defined: user");
    refused!(put().condition_expression("size(#a) > :b"), "ValidationException", "The local pool takes conditions of");
    refused!(put().expression_attribute_names("#a", "user"), "ValidationException", "is unused in expressions: #a");
    let exists = put().condition_expression("attribute_exists(#a)").expression_attribute_names("#a", "user");
    refused!(exists, "ConditionalCheckFailedException", "The conditional request failed");
    let update = |expression| {
        let update = dynamodb.update_item().table_name(TABLE_NAME).key("user", key()).update_expression(expression);
        update.expression_attribute_names("#a", "version")
    };
    refused!(update("REMOVE #a"), "ValidationException", "The local pool takes updates of SET");
    let added = update("ADD #a :b").expression_attribute_values(":b", one());
    refused!(added, "ValidationException", "and record (S)");
    let backups = dynamodb.describe_continuous_backups().table_name("other");
    refused!(backups, "TableNotFoundException", "The local pool has second-factor-SecondFactors");
    refused!(
        kms.describe_key().key_id("alias/other"),
        "NotFoundException",
        "with the alias alias/second-factor-sealing"
    );
    refused!(kms.create_key(), "UnknownOperationException", "It has Encrypt, Decrypt, ");
    refused!(kms.encrypt().key_id(KEY_ALIAS).plaintext(Blob::new("")), "ValidationException", "1 to 4096 bytes");
    refused!(
        lambda.get_policy().function_name("other"),
        "ResourceNotFoundException",
        "second-factor-PreTokenGeneration"
    );
    refused!(lambda.list_functions(), "UnknownOperationException", "It has GetFunction, ");
    let event =
        lambda.invoke().function_name(function(ChallengeTrigger::Define)).invocation_type(InvocationType::Event);
    refused!(event, "InvalidParameterValueException", "RequestResponse only");
    for (code, said, expected, part) in refusals {
        assert_eq!(code, expected, "{said}");
        assert!(said.contains(part), "{said}: {part}");
    }
    assert_eq!(store(&served).load(&user("ana")).await.unwrap().version, Version::MISSING, "nothing was written");
}
