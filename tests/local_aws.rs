//! The services of AWS that the local pool answers for, as the SDKs call them: over the records that its functions have.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_cloudformation::types::StackStatus;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use clap::Parser as _;
use operator::aws::Services;
use operator::cli::{CommandLine, Ended, run};
use operator::doctor::Severity::{Fine, Unreadable, Weak};
use operator::doctor::deployment::Given;
use operator::doctor::read::read;
use operator::doctor::report::{self, Outcome};
use operator::doctor::{Finding, findings};
use operator::terminal::Terminal;
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
use tests::clock::NOW;
use tests::driver::{Driver as _, EventHandler, SignIn};
use tests::events::{ChallengeTrigger, User};
use tests::person::Person;
use tests::random::fill_random;
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
    findings(&read(&services, user_pool_id.parse().unwrap(), Given::default(), NOW).await.unwrap())
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

/// What the stack of this name says in its outputs.
async fn outputs(served: &Served, stack: &str) -> Result<BTreeMap<String, String>, (String, String)> {
    let cloudformation = aws_sdk_cloudformation::Client::new(&served.config);
    let described = cloudformation.describe_stacks().stack_name(stack).send().await;
    let described = described.map_err(|error| {
        (error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
    })?;
    let [described] = described.stacks() else { panic!("{described:?}") };
    assert_eq!(described.stack_status(), Some(&StackStatus::CreateComplete));
    assert_eq!(described.creation_time().unwrap().secs(), i64::try_from(served.clock.now().0).unwrap());
    let outputs = described.outputs().iter();
    Ok(outputs.map(|output| (output.output_key().unwrap().into(), output.output_value().unwrap().into())).collect())
}

#[tokio::test]
async fn the_stack_of_the_first_pool_has_the_outputs_of_the_template() {
    let served = Served::start().await;
    let function = |name: &str| format!("arn:aws:lambda:us-east-1:123456789012:function:second-factor-{name}");
    let key_arn = "arn:aws:kms:us-east-1:123456789012:key/5ea11a90-0000-4000-8000-000000000000";
    let expected = [
        ("UserPoolId", served.user_pool_id.clone()),
        ("UserPoolClientId", "localpoolclient00000000000".to_owned()),
        ("TableName", TABLE_NAME.to_owned()),
        ("SealingKeyArn", key_arn.to_owned()),
        ("DefineAuthChallengeArn", function("DefineAuthChallenge")),
        ("CreateAuthChallengeArn", function("CreateAuthChallenge")),
        ("VerifyAuthChallengeArn", function("VerifyAuthChallengeResponse")),
        ("PreTokenGenerationArn", function("PreTokenGeneration")),
        ("TokenGuard", "GRANT".to_owned()),
        ("TokenGuardEvents", "V2_0".to_owned()),
        ("FederatedProviders", "NONE".to_owned()),
        ("ReportOnlyUntil", "NONE".to_owned()),
        ("NextPreTokenGenerationArn", "NONE".to_owned()),
    ];
    let mut expected: BTreeMap<String, String> =
        expected.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let all = outputs(&served, "second-factor").await.unwrap();
    assert_eq!(all, expected);
    // The functions that it names are those that are here.
    let lambda = aws_sdk_lambda::Client::new(&served.config);
    for arn in all.iter().filter(|(key, _)| key.ends_with("ChallengeArn") || *key == "PreTokenGenerationArn") {
        lambda.get_function().function_name(arn.1).send().await.unwrap();
    }

    // The same deployment for a pool that was there before.
    let cognito = aws_sdk_cognitoidentityprovider::Client::new(&served.config);
    let made = cognito.create_user_pool().pool_name("theirs").send().await.unwrap().user_pool.unwrap().id.unwrap();
    expected.remove("UserPoolClientId");
    expected.insert("UserPoolId".to_owned(), made.clone());
    assert_eq!(outputs(&served, &format!("second-factor-for-{made}")).await.unwrap(), expected);
    for missing in ["second-factor-for-us-east-1_Nowhere", "second-factor-for-", "<other> & more"] {
        let error = ("ValidationError".to_owned(), format!("Stack with id {missing} does not exist"));
        assert_eq!(outputs(&served, missing).await, Err(error));
    }
}

#[tokio::test]
async fn the_stack_says_the_settings_that_the_functions_have() {
    let accepted = AcceptedCognitoMfa::parse("SMS_MFA").unwrap();
    let served = Served::with(SignInSettings::new(accepted, Enrollment::AfterCognitoMfa).unwrap()).await;
    assert_eq!(outputs(&served, "second-factor").await.unwrap()["TokenGuard"], "TRIGGER_SOURCE");
}

#[tokio::test]
async fn the_first_pool_is_its_stacks_and_a_pool_that_was_made_is_nobodys() {
    let served = Served::start().await;
    let cloudformation = aws_sdk_cloudformation::Client::new(&served.config);
    let of = |id: &str| cloudformation.describe_stack_resources().physical_resource_id(id).send();
    let found = of(&served.user_pool_id).await.unwrap();
    let named = |logical_id: &str| {
        let mut resources = found.stack_resources().iter();
        resources.find(|resource| resource.logical_resource_id() == Some(logical_id)).unwrap()
    };
    let pool = named("UserPool");
    assert_eq!((pool.stack_name(), pool.resource_type()), (Some("second-factor"), Some("AWS::Cognito::UserPool")));
    assert_eq!(pool.physical_resource_id(), Some(served.user_pool_id.as_str()));
    // As CloudFormation does, with everything else of that stack.
    assert_eq!(named("VerifyAuthChallenge").physical_resource_id(), Some("second-factor-VerifyAuthChallengeResponse"));
    assert_eq!(found.stack_resources().len(), 8);
    let by_id = outputs(&served, pool.stack_id().unwrap()).await.unwrap();
    assert_eq!(by_id["UserPoolId"], served.user_pool_id);

    let cognito = aws_sdk_cognitoidentityprovider::Client::new(&served.config);
    let made = cognito.create_user_pool().pool_name("theirs").send().await.unwrap().user_pool.unwrap().id.unwrap();
    for other in [made.as_str(), "us-east-1_Nowhere"] {
        let refused = of(other).await.unwrap_err();
        let said = format!("Stack for {other} does not exist");
        assert_eq!((refused.code(), refused.message()), (Some("ValidationError"), Some(said.as_str())));
    }
}

#[tokio::test]
async fn there_is_one_trail_and_it_logs() {
    let cloudtrail = aws_sdk_cloudtrail::Client::new(&Served::start().await.config);
    let described = cloudtrail.describe_trails().send().await.unwrap();
    let [trail] = described.trail_list() else { panic!("{described:?}") };
    assert_eq!((trail.is_multi_region_trail(), trail.home_region()), (Some(true), Some("us-east-1")));
    for name in [trail.name().unwrap(), trail.trail_arn().unwrap()] {
        assert_eq!(cloudtrail.get_trail_status().name(name).send().await.unwrap().is_logging(), Some(true));
        let named = cloudtrail.describe_trails().trail_name_list(name).send().await.unwrap();
        assert_eq!(named.trail_list().len(), 1);
    }
    let other = cloudtrail.describe_trails().trail_name_list("other").send().await.unwrap();
    assert_eq!(other.trail_list(), []);
    let refused = cloudtrail.get_trail_status().name("other").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("TrailNotFoundException"));
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
    let cloudformation = aws_sdk_cloudformation::Client::new(&served.config);
    refused!(cloudformation.list_stacks(), "InvalidAction", "It has DescribeStacks, DescribeStackResources.");
    refused!(cloudformation.describe_stacks(), "ValidationError", "StackName is missing");
    let by_name = cloudformation.describe_stack_resources().stack_name("second-factor");
    refused!(by_name, "ValidationError", "by PhysicalResourceId, and by nothing else");
    let cloudtrail = aws_sdk_cloudtrail::Client::new(&served.config);
    refused!(cloudtrail.list_trails(), "UnknownOperationException", "It has DescribeTrails, GetTrailStatus.");
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

#[tokio::test]
async fn a_pool_that_was_made_here_is_attached_and_detached() {
    let served = Served::start().await;
    let cognito = aws_sdk_cognitoidentityprovider::Client::new(&served.config);
    let made = cognito.create_user_pool().pool_name("team").send().await.unwrap();
    let id = made.user_pool.unwrap().id.unwrap();
    let describe = || async {
        let described = cognito.describe_user_pool().user_pool_id(&id).send().await.unwrap();
        described.user_pool.unwrap().lambda_config
    };
    let before = describe().await;
    let state = std::env::temp_dir().join(format!("{id}-{}.json", std::process::id())).display().to_string();
    let (stack, services) = (format!("second-factor-for-{id}"), Services::new(&served.config));
    for arguments in [
        &["attach", "challenges", "--stack", &stack, "--yes"][..],
        &["attach", "guard", "--stack", &stack, "--yes"],
        &["detach", "--confirm", &id],
    ] {
        let named = ["--user-pool-id", &id, "--state", &state];
        let command_line = ["second-factor"].iter().chain(arguments).chain(&named);
        let command_line = CommandLine::try_parse_from(command_line).unwrap();
        let (mut output, mut input) = (Vec::new(), std::io::empty());
        let mut log = Vec::new();
        let mut terminal = Terminal { output: &mut output, input: &mut input, log: &mut log };
        let ended = run(command_line, &services, &|| served.clock.now(), fill_random, false, &mut terminal).await;
        assert_eq!(ended, Ok(Ended::Well), "{arguments:?}: {}", String::from_utf8_lossy(&output));
        if arguments[0] == "attach" && arguments[1] == "guard" {
            let guard = describe().await.unwrap().pre_token_generation.unwrap();
            assert!(guard.ends_with(":second-factor-PreTokenGeneration"), "{guard}");
        }
    }
    assert_eq!(describe().await, before);
    std::fs::remove_file(state).unwrap();
}
