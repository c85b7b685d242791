//! An import gives each user the authenticator of the file, whole or not at all, however often it is stopped and run again.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_sdk_cognitoidentityprovider::types::AttributeType;
use aws_sdk_dynamodb::types::AttributeValue;
use clap::Parser as _;
use operator::aws::Services;
use operator::cli::{CommandLine, Ended, run};
use operator::import::file::{Line, parse};
use operator::import::plan::{Sorted, name_of, sort};
use operator::import::problem::Problem;
use operator::import::write::{Assigned, Effect, Import, WriteError};
use operator::terminal::{Stopped, Terminal};
use serde_json::{Value, json};
use shared::authenticator::FriendlyName;
use shared::clock::UnixTime;
use shared::cognito::UserKey;
use shared::error::StoreError;
use shared::ids::Generation;
use shared::operator_code::OperatorCode;
use shared::record::{EnrollmentStatus, Record};
use shared::recovery_codes::RecoveryCode;
use shared::settings::{AcceptedCognitoMfa, Enrollment, PasscodeDigits, SignInSettings};
use shared::store::dynamodb::DynamoDbStore;
use shared::store::memory::{MemorySealer, MemoryStore};
use shared::store::{EncryptionContext, RecordStore, Saved, Sealer as _, Version, Versioned};
use shared::totp::{Algorithm, Digits, Parameters, Period, SharedSecret, passcode_at};
use tests::account::Fault;
use tests::clock::NOW;
use tests::driver::Driver as _;
use tests::events::User;
use tests::functions::Functions;
use tests::person::take_codes;
use tests::proxy::Proxy;
use tests::random::{fill_random, random};
use tests::served::{Served, TABLE_NAME};

const BY: &str = "arn:aws:iam::123456789012:user/operator";

/// Keeps `saves` records and fails then; the failing save has taken effect or not.
struct Dying<'a> {
    store: &'a MemoryStore,
    left: AtomicUsize,
    takes_effect: bool,
}

impl RecordStore for Dying<'_> {
    async fn load(&self, user: &UserKey) -> Result<Versioned, StoreError> {
        self.store.load(user).await
    }

    async fn save(&self, user: &UserKey, record: &Record, replacing: Version) -> Result<Saved, StoreError> {
        let is_alive = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if is_alive || self.takes_effect {
            let saved = self.store.save(user, record, replacing).await?;
            if is_alive {
                return Ok(saved);
            }
        }
        Err(StoreError("killed".into()))
    }

    async fn confirm(&self, user_pool_id: &str) -> Result<(), StoreError> {
        self.store.confirm(user_pool_id).await
    }
}

fn assigned(file: &str) -> Vec<Assigned> {
    let Sorted { entries, problems } = sort(parse(file.as_bytes()), PasscodeDigits::SixOrEight);
    assert_eq!(problems, []);
    let user = |sub: &str| UserKey { user_pool_id: "us-east-1_Example".to_owned(), sub: sub.to_owned() };
    entries.into_iter().map(|(line, entry)| Assigned { line, user: user(&entry.user), entry }).collect()
}

/// Writes until something fails.
async fn write_all<S: RecordStore>(
    import: &Import<'_, S, MemorySealer>,
    lines: &[Assigned],
    now: UnixTime,
) -> (BTreeMap<&'static str, usize>, Option<WriteError>) {
    let mut counts = BTreeMap::new();
    for line in lines {
        match import.write(line, now).await {
            Ok(effect) => *counts.entry(effect.code()).or_default() += 1,
            Err(error) => return (counts, Some(error)),
        }
    }
    (counts, None)
}

fn import<'a, S>(store: &'a S, sealer: &'a MemorySealer, file: &'a str, replace: bool) -> Import<'a, S, MemorySealer> {
    Import { store, sealer, random: fill_random, file, replace, by: BY }
}

fn base32(number: u64) -> String {
    SharedSecret::new(format!("plainly fake {number:07}").into_bytes()).to_base32().to_string()
}

fn ten_thousand_lines() -> String {
    let line = |number: u64| format!("user-{number},{}\n", base32(number));
    "user,secret\n".to_owned() + &(0..10_000).map(line).collect::<String>()
}

#[tokio::test]
async fn ten_thousand_lines_are_imported_though_the_first_run_was_killed() {
    let (file, sealer) = (ten_thousand_lines(), MemorySealer::new(fill_random).unwrap());
    let (name, lines) = (name_of(file.as_bytes()), assigned(&file));
    for (replace, takes_effect) in [(false, false), (true, false), (false, true), (true, true)] {
        let store = MemoryStore::default();
        let dying = Dying { store: &store, left: AtomicUsize::new(5000), takes_effect };
        let (counts, error) = write_all(&import(&dying, &sealer, &name, replace), &lines, NOW).await;
        assert!(matches!(error, Some(WriteError::Store(_))));
        assert_eq!(counts, BTreeMap::from([("imported", 5000)]));
        let written = 5000 + usize::from(takes_effect);
        assert_eq!(store.records().len(), written);

        let (counts, error) = write_all(&import(&store, &sealer, &name, replace), &lines, NOW.plus(600)).await;
        assert!(error.is_none());
        assert_eq!(counts, BTreeMap::from([("imported", 10_000 - written), ("imported-before", written)]));
        assert_eq!(store.records().len(), 10_000);
        assert!(store.records().iter().all(|(_, version, _)| *version == Version(1)), "each was saved once");
        for line in [&lines[0], &lines[5000], &lines[9999]] {
            let record = store.load(&line.user).await.unwrap().record;
            assert_eq!(record.enrollment_status(NOW), EnrollmentStatus::EnrolledCodesDue);
            assert_eq!(record.last_change().map(|change| (change.by(), change.what())), Some((BY, "import")));
        }
    }
}

#[tokio::test]
async fn no_secret_is_readable_in_a_record_and_each_opens_for_its_user_only() {
    let (file, sealer, store) = (ten_thousand_lines(), MemorySealer::new(fill_random).unwrap(), MemoryStore::default());
    let lines = &assigned(&file)[..20];
    write_all(&import(&store, &sealer, "file", false), lines, NOW).await;
    let stored: String = store.records().into_iter().map(|(_, _, text)| text).collect();
    assert!(!stored.contains("plainly fake") && !stored.contains(&base32(0)[..16]));
    let sealed = |text: &str| {
        let record: Value = serde_json::from_str(text).unwrap();
        let authenticator = &record["record"]["authenticator"];
        let id = shared::ids::AuthenticatorId::from_text(authenticator["id"].as_str().unwrap()).unwrap();
        (id, shared::authenticator::SealedSecret::from_text(authenticator["sealed"].as_str().unwrap()).unwrap())
    };
    for line in lines {
        let (id, secret) = sealed(&store.stored(&line.user).unwrap().1);
        let context = EncryptionContext { user: &line.user, authenticator: id };
        assert_eq!(sealer.open(&secret, context).await.unwrap().expose(), line.entry.secret.expose());
        let other =
            EncryptionContext { user: &UserKey { sub: "other".to_owned(), ..line.user.clone() }, authenticator: id };
        assert!(sealer.open(&secret, other).await.is_err());
    }
}

// ── Over the functions.

fn one(user: &User, fields: &str) -> Assigned {
    let line = format!("{{\"user\":\"{}\",{fields}}}", user.key().sub);
    let mut lines = parse(line.as_bytes());
    let Line { number, entry } = lines.remove(0);
    Assigned { line: number, user: user.key(), entry: entry.unwrap() }
}

async fn imports(functions: &Functions, line: &Assigned, file: &str, replace: bool) -> Effect {
    let sealer = &functions.create.sealer;
    let import = Import { store: functions.store(), sealer, random: fill_random, file, replace, by: BY };
    assert_eq!(import.preview(&line.user, functions.now()).await.unwrap(), {
        let record = functions.store().load(&line.user).await.unwrap().record;
        import.effect(&record, functions.now())
    });
    import.write(line, functions.now()).await.unwrap()
}

const OTHER: &str = "\"secret\":\"JBSWY3DPEHPK3PXP\"";

#[tokio::test]
async fn a_user_who_has_an_authenticator_keeps_it_without_replace() {
    let (functions, user) = (Functions::default(), User::named("ana", 1));
    let person = functions.enroll_yesterday(&user).await;
    let before = functions.stored(&user).await;
    assert_eq!(imports(&functions, &one(&user, OTHER), "file", false).await, Effect::HasAnother);
    assert_eq!(functions.stored(&user).await, before);

    assert_eq!(imports(&functions, &one(&user, OTHER), "file", true).await, Effect::Imported);
    functions.wait(120);
    assert!(!functions.passes_prompt(&user, &person.passcode(functions.now())).await, "the replaced authenticator");
    assert!(!functions.passes_prompt(&user, &person.codes[1]).await, "a code from before");
}

#[tokio::test]
async fn a_second_run_leaves_users_alone_who_have_taken_codes_since() {
    let (functions, user) = (Functions::default(), User::named("ana", 1));
    functions.enroll_yesterday(&user).await;
    let line = one(&user, OTHER);
    assert_eq!(imports(&functions, &line, "file", true).await, Effect::Imported);
    functions.wait(60);
    let mut sign_in = functions.sign_in(&user);
    sign_in.challenge().await.unwrap();
    let passcode = passcode_at(&line.entry.secret, line.entry.parameters, functions.now()).unwrap();
    assert!(sign_in.answer(&passcode).await.unwrap());
    let codes = take_codes(&mut sign_in).await;
    let before = functions.stored(&user).await;
    assert_eq!(imports(&functions, &line, "file", true).await, Effect::ImportedBefore);
    assert_eq!(functions.stored(&user).await, before);
    assert!(functions.passes_prompt(&user, &codes[5]).await);
    assert_eq!(imports(&functions, &line, "another file", true).await, Effect::Imported);
}

#[tokio::test]
async fn a_record_that_waits_for_a_code_or_is_forgotten_is_left_alone() {
    let generation = Generation(random());
    for replace in [false, true] {
        let (functions, user) = (Functions::default(), User::named("ana", 1));
        let forgotten = Record::forgotten(generation, functions.now());
        functions.store().save(&user.key(), &forgotten, Version::MISSING).await.unwrap();
        assert_eq!(imports(&functions, &one(&user, OTHER), "file", replace).await, Effect::Forgotten);
        assert_eq!(functions.stored(&user).await.record, forgotten);

        let ben = User::named("ben", 2);
        let code = OperatorCode::new(&RecoveryCode::new(random()), random(), functions.now().plus(3600));
        let waiting = Record::default().with_operator_code(code, generation);
        functions.store().save(&ben.key(), &waiting, Version::MISSING).await.unwrap();
        assert_eq!(imports(&functions, &one(&ben, OTHER), "file", replace).await, Effect::HasCode);
        // A closed record stays closed: who let the code pass unused waits for another one.
        functions.wait(2 * 3600);
        assert_eq!(imports(&functions, &one(&ben, OTHER), "file", replace).await, Effect::HasCode);
        assert_eq!(functions.stored(&ben).await.record, waiting);
    }
}

/// The first save of an import comes too late: the user has just enrolled.
struct Overtaken<'a> {
    functions: &'a Functions,
    user: &'a User,
    saves: AtomicUsize,
}

impl RecordStore for Overtaken<'_> {
    async fn load(&self, user: &UserKey) -> Result<Versioned, StoreError> {
        self.functions.store().load(user).await
    }

    async fn save(&self, user: &UserKey, record: &Record, replacing: Version) -> Result<Saved, StoreError> {
        if self.saves.fetch_add(1, Ordering::SeqCst) == 0 {
            Box::pin(self.functions.enroll(self.user)).await;
        }
        self.functions.store().save(user, record, replacing).await
    }

    async fn confirm(&self, _: &str) -> Result<(), StoreError> {
        panic!("nobody may do without here, so nobody asks")
    }
}

#[tokio::test]
async fn a_user_who_enrolls_during_the_import_keeps_that_authenticator() {
    let (functions, user) = (Functions::default(), User::named("ana", 1));
    let store = Overtaken { functions: &functions, user: &user, saves: AtomicUsize::new(0) };
    let sealer = &functions.create.sealer;
    let import = Import { store: &store, sealer, random: fill_random, file: "file", replace: false, by: BY };
    assert_eq!(import.write(&one(&user, OTHER), functions.now()).await.unwrap(), Effect::HasAnother);
}

#[tokio::test]
async fn authenticators_of_every_kind_sign_in_and_lead_to_new_recovery_codes() {
    for (algorithm, bytes) in
        [(Algorithm::Sha1, 10), (Algorithm::Sha1, 20), (Algorithm::Sha256, 32), (Algorithm::Sha512, 64)]
    {
        for (digits, seconds) in [(Digits::Six, 30), (Digits::Eight, 30), (Digits::Six, 15), (Digits::Eight, 120)] {
            let (functions, user) = (Functions::default(), User::named("ana", 1));
            let secret = SharedSecret::new(vec![0x5A; bytes]);
            let parameters = Parameters { algorithm, digits, period: Period::seconds(seconds).unwrap() };
            let (secret, digits) = (secret.to_base32(), u8::from(digits));
            let line = one(
                &user,
                &format!(
                    "\"uri\":\"otpauth://totp/a?secret={}&algorithm={algorithm:?}&digits={digits}&period={seconds}\",\"name\":\"Ana's phone\"",
                    secret.as_str()
                ),
            );
            assert_eq!(line.entry.parameters, parameters);
            assert_eq!(imports(&functions, &line, "file", false).await, Effect::Imported);
            let shown = |time| passcode_at(&line.entry.secret, parameters, time).unwrap();

            // What was perhaps just used elsewhere is dead here.
            let now = functions.now();
            for late in [0, u64::from(seconds)] {
                assert!(!functions.passes_prompt(&user, &shown(now.plus(late))).await, "{parameters:?} {late}");
            }
            functions.wait(u64::from(seconds) * 2);
            let mut sign_in = functions.sign_in(&user);
            let prompt = sign_in.challenge().await.unwrap();
            assert_eq!(
                (&prompt["friendlyDeviceName"], &prompt["passcodeDigits"]),
                (&"Ana's phone".into(), &"6".into())
            );
            let passcode = shown(functions.now());
            assert_eq!(passcode.len(), usize::from(digits));
            assert!(sign_in.answer(&passcode).await.unwrap(), "{parameters:?}");
            let codes = take_codes(&mut sign_in).await;
            assert!(sign_in.has_tokens().await.unwrap());
            assert!(!functions.passes_prompt(&user, &passcode).await, "once");
            assert!(functions.passes_prompt(&user, &codes[1]).await);
        }
    }
}

#[tokio::test]
async fn a_new_authenticator_has_as_many_digits_as_its_first_passcode() {
    for (setting, in_uri) in
        [(PasscodeDigits::Six, false), (PasscodeDigits::Eight, true), (PasscodeDigits::SixOrEight, false)]
    {
        for digits in [Digits::Six, Digits::Eight] {
            let (mut functions, user) = (Functions::default(), User::named("ana", 1));
            functions.create.settings.passcode_digits = setting;
            let parameters = Parameters { digits, ..Parameters::default() };
            let mut sign_in = functions.sign_in(&user);
            let shown = sign_in.challenge().await.unwrap();
            assert_eq!(shown["passcodeDigits"], setting.as_str());
            assert_eq!(shown["otpauthUri"].as_str().unwrap().ends_with("&digits=8"), in_uri);
            let secret = tests::person::secret_shown(&shown);
            assert!(!sign_in.answer(if digits == Digits::Six { "00000000" } else { "000000" }).await.unwrap());
            assert_eq!(sign_in.challenge().await.unwrap()["passcodeDigits"], setting.as_str(), "again");
            assert!(sign_in.answer(&passcode_at(&secret, parameters, functions.now()).unwrap()).await.unwrap());
            take_codes(&mut sign_in).await;
            functions.wait(60);
            let now = functions.now();
            let other = if digits == Digits::Six { Digits::Eight } else { Digits::Six };
            let of_other = passcode_at(&secret, Parameters { digits: other, ..parameters }, now).unwrap();
            assert!(!functions.passes_prompt(&user, &of_other).await);
            assert!(functions.passes_prompt(&user, &passcode_at(&secret, parameters, now).unwrap()).await);
        }
    }
}

#[tokio::test]
async fn the_prompt_has_the_digits_of_the_pool_and_never_the_users() {
    for setting in [PasscodeDigits::Six, PasscodeDigits::Eight, PasscodeDigits::SixOrEight] {
        let mut shown = HashSet::new();
        for fields in [None, Some(OTHER), Some("\"secret\":\"JBSWY3DPEHPK3PXP\",\"digits\":8")] {
            let (mut functions, user) = (Functions::default(), User::named("ana", 1));
            functions.create.settings.passcode_digits = setting;
            functions.set(SignInSettings::new(AcceptedCognitoMfa::NONE, Enrollment::ByOperator).unwrap());
            if let Some(fields) = fields {
                imports(&functions, &one(&user, fields), "file", false).await;
            }
            let mut sign_in = functions.sign_in(&user);
            shown.insert(sign_in.challenge().await.unwrap().to_string());
        }
        assert_eq!(shown.len(), 1, "{shown:?}");
        assert!(shown.iter().all(|prompt| prompt.contains(&format!("\"passcodeDigits\":\"{}\"", setting.as_str()))));
    }
}

// ── What lines say together.

#[test]
fn a_user_or_secret_twice_and_other_digits_are_refused() {
    let file = "user,secret,digits\n\
                ana,JBSWY3DPEHPK3PXP,\n\
                ben,jbsw-y3dp-ehpk-3pxp,\n\
                ana,GEZDGNBVGY3TQOJQ,\n\
                cleo,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,8\n";
    let problems = |digits| sort(parse(file.as_bytes()), digits).problems;
    let twice = [(3, Problem::SameSecretAs(2)), (4, Problem::SameUserAs(2))];
    assert_eq!(problems(PasscodeDigits::SixOrEight), twice);
    let other = |digits, setting| Problem::NotThePoolsDigits(digits, setting);
    let six = [&twice[..], &[(5, other(Digits::Eight, PasscodeDigits::Six))]].concat();
    assert_eq!(problems(PasscodeDigits::Six), six);
    let eight = [&[(2, other(Digits::Six, PasscodeDigits::Eight))], &twice[..]].concat();
    assert_eq!(problems(PasscodeDigits::Eight), eight);
}

#[test]
fn a_name_for_an_authenticator_is_the_users_own_or_none() {
    let line = |name: &str| format!("{{\"user\":\"a\",{OTHER},\"name\":\"{name}\"}}");
    let named = |name: &str| parse(line(name).as_bytes()).remove(0).entry.unwrap().name;
    assert_eq!(named("Ana's \\u202ephone").as_ref().map(FriendlyName::as_str), Some("Ana's phone"));
    assert_eq!(named(" \\u200b"), None);
}

// ── Over the SDKs, and the local pool behind them.

/// A local pool with users, and an operator at a desk.
struct Office {
    served: Served,
    proxy: Arc<Proxy>,
    services: Services,
    folder: PathBuf,
    /// Email address and `sub`.
    users: Vec<(String, String)>,
}

impl Office {
    async fn with_users(count: usize) -> Self {
        static FOLDERS: AtomicUsize = AtomicUsize::new(0);
        let served = Served::start().await;
        let proxy = Proxy::start(&served.endpoint).await;
        let config = served.config.to_builder().endpoint_url(&proxy.endpoint).retry_config(RetryConfig::disabled());
        let services = Services::new(&config.build()).with_first_pause(Duration::from_millis(1));
        let folder = format!("office-{}-{}", std::process::id(), FOLDERS.fetch_add(1, Ordering::SeqCst));
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        let mut office = Self { served, proxy, services, folder, users: Vec::new() };
        for number in 0..count {
            let email = format!("user{number}@example.com");
            let sub = office.create(&email, "true").await;
            office.users.push((email, sub));
        }
        office
    }

    fn cognito(&self) -> aws_sdk_cognitoidentityprovider::Client {
        aws_sdk_cognitoidentityprovider::Client::new(&self.served.config)
    }

    async fn create(&self, email: &str, verified: &str) -> String {
        let attribute = |name: &str, value: &str| AttributeType::builder().name(name).value(value).build().unwrap();
        let create = self.cognito().admin_create_user().user_pool_id(&self.served.user_pool_id).username(email);
        let create = create.user_attributes(attribute("email", email));
        let created = create.user_attributes(attribute("email_verified", verified)).send().await.unwrap();
        created.user.unwrap().username.unwrap()
    }

    /// CSV that names the first users by `sub`.
    fn file_of(&self, count: u64) -> String {
        let line = |(number, (_, sub)): (u64, &(String, String))| format!("{sub},{}\n", base32(number));
        "user,secret\n".to_owned() + &(0..count).zip(&self.users).map(line).collect::<String>()
    }

    async fn import(&self, file: &str, options: &[&str], typed: &str) -> (Result<Ended, Stopped>, String) {
        let (ended, said, _) = self.import_and_log(file, options, typed).await;
        (ended, said)
    }

    /// With the audit lines.
    async fn import_and_log(
        &self,
        file: &str,
        options: &[&str],
        typed: &str,
    ) -> (Result<Ended, Stopped>, String, Vec<Value>) {
        let path = self.folder.join("file");
        std::fs::write(&path, file).unwrap();
        let path = path.display().to_string();
        let arguments = ["second-factor", "import", &path, "--user-pool-id", &self.served.user_pool_id];
        let command_line = CommandLine::try_parse_from(arguments.iter().chain(options)).unwrap();
        let (mut output, mut input, mut log) = (Vec::new(), typed.as_bytes(), Vec::new());
        let mut terminal = Terminal { output: &mut output, input: &mut input, log: &mut log };
        let now = self.served.clock.now();
        let ended = run(command_line, &self.services, &|| now, fill_random, false, &mut terminal).await;
        let log = String::from_utf8(log).unwrap();
        let log = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (ended, String::from_utf8(output).unwrap(), log)
    }

    /// The version of each user's record; each is whole.
    async fn versions(&self) -> Vec<u64> {
        let store = DynamoDbStore::new(aws_sdk_dynamodb::Client::new(&self.served.config), TABLE_NAME.to_owned());
        let mut versions = Vec::new();
        for (_, sub) in &self.users {
            let user = UserKey { user_pool_id: self.served.user_pool_id.clone(), sub: sub.clone() };
            let Versioned { record, version } = store.load(&user).await.unwrap();
            let enrolled = record.enrollment_status(NOW) == EnrollmentStatus::EnrolledCodesDue;
            assert_eq!(enrolled, version != Version::MISSING);
            versions.push(version.0);
        }
        versions
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[track_caller]
fn sentence(ended: (Result<Ended, Stopped>, String)) -> String {
    match ended.0 {
        Err(Stopped::NothingChanged(sentence) | Stopped::Failed(sentence)) => sentence,
        Ok(well) => panic!("{well:?}: {}", ended.1),
    }
}

#[tokio::test]
async fn fifty_lines_are_imported_over_the_sdks_after_a_first_run_was_killed() {
    for fault in [Fault::Unanswered, Fault::DoneAndUnanswered] {
        let office = Office::with_users(50).await;
        let (file, saves) = (office.file_of(50), AtomicUsize::new(0));
        let written = 24 + usize::from(matches!(fault, Fault::DoneAndUnanswered));
        office.proxy.fault(move |_, call| {
            (call == "PutItem" && saves.fetch_add(1, Ordering::SeqCst) == 24).then(|| fault.clone())
        });
        tokio::select! {
            ended = office.import(&file, &["--yes"], "") => panic!("{ended:?}"),
            () = office.proxy.unanswered() => {}
        }
        assert_eq!(office.versions().await.iter().filter(|version| **version == 1).count(), written);

        office.proxy.fault(|_, _| None);
        let (ended, said) = office.import(&file, &["--yes", "--replace"], "").await;
        assert_eq!(ended, Ok(Ended::Well), "{said}");
        assert!(said.contains(&format!("{} authenticators were imported.", 50 - written)), "{said}");
        assert!(said.contains(&format!("{written} users got it before, from this file.")), "{said}");
        assert_eq!(office.versions().await, [1; 50]);
        assert_eq!(office.proxy.calls().iter().filter(|call| *call == "PutItem").count(), 50 - written);
        let (ended, said) = office.import(&file, &["--yes"], "").await;
        assert_eq!(ended, Ok(Ended::Well));
        assert!(said.ends_with("There was nothing to write.\n"), "{said}");
    }
}

#[tokio::test]
async fn no_right_for_any_call_is_a_clear_sentence_and_nothing_half_done() {
    let office = Office::with_users(3).await;
    let options = ["--yes", "--protect-group", "admins"];
    let group = office.cognito().create_group().user_pool_id(&office.served.user_pool_id).group_name("admins");
    group.send().await.unwrap();
    let (ended, said) = office.import(&office.file_of(3), &[&options[..], &["--dry-run"]].concat(), "").await;
    assert_eq!(ended, Ok(Ended::Well), "{said}");
    assert!(said.ends_with("Nothing was written: --dry-run.\n"), "{said}");
    assert_eq!(office.versions().await, [0; 3]);
    let mut needed: BTreeSet<String> = office.proxy.calls().into_iter().collect();
    needed.extend(["Encrypt", "PutItem"].map(str::to_owned));

    for (place, call) in needed.iter().enumerate() {
        let (refused, denied) = (call.clone(), Fault::Refused("AccessDeniedException", "You may not."));
        let after_one = ["Encrypt", "PutItem"].contains(&call.as_str());
        let first = AtomicUsize::new(0);
        office.proxy.fault(move |_, call| {
            (call == refused && (!after_one || first.fetch_add(1, Ordering::SeqCst) > 0)).then(|| denied.clone())
        });
        // Another file each time, so that nothing was imported before.
        let file = office.file_of(3) + &"\n".repeat(place);
        let ended = office.import(&file, &[&options[..], &["--replace"]].concat(), "").await;
        assert!(matches!(ended.0, Err(Stopped::Failed(_))), "{call}: {ended:?}");
        let sentence = sentence(ended);
        assert!(sentence.contains(&format!("{call}: AccessDeniedException: You may not")), "{sentence}");
        assert!(sentence.ends_with("which docs/policies lists, and run it again."), "{sentence}");
        let begins = if after_one { "1 of 3 authenticators were imported, and" } else { "Nothing was changed: " };
        assert!(sentence.starts_with(begins), "{call}: {sentence}");
        let _whole = office.versions().await;
    }

    let policy: Value = serde_json::from_str(include_str!("../docs/policies/import.json")).unwrap();
    let actions = policy["Statement"].as_array().unwrap().iter().flat_map(|statement| {
        let one = std::slice::from_ref(&statement["Action"]);
        statement["Action"].as_array().map_or(one, Vec::as_slice)
    });
    let allowed: BTreeSet<String> =
        actions.map(|action| action.as_str().unwrap().split_once(':').unwrap().1.to_owned()).collect();
    assert_eq!(allowed, needed);
}

#[tokio::test]
async fn a_key_or_a_table_that_is_not_there_is_said_with_what_to_check() {
    for (call, code, unchanged) in [
        ("Encrypt", "NotFoundException", "0 of 2 authenticators were imported"),
        ("Encrypt", "DisabledException", "0 of 2 authenticators were imported"),
        ("GetItem", "ResourceNotFoundException", "Nothing was changed"),
    ] {
        let office = Office::with_users(2).await;
        office.proxy.fault(move |_, called| (called == call).then_some(Fault::Refused(code, "there is none")));
        let ended = office.import(&office.file_of(2), &["--yes"], "").await;
        assert!(matches!(ended.0, Err(Stopped::Failed(_))));
        let said = sentence(ended);
        assert!(said.starts_with(unchanged) && said.contains(&format!("{call}: {code}")), "{said}");
        assert!(code == "DisabledException" || said.contains("Check the name, the region"), "{said}");
        assert_eq!(office.versions().await, [0; 2]);
    }
}

#[tokio::test]
async fn a_throttled_pool_is_waited_for() {
    let office = Office::with_users(2).await;
    let throttled = AtomicUsize::new(0);
    office.proxy.fault(move |_, call| {
        let is_early = call == "ListUsers" && throttled.fetch_add(1, Ordering::SeqCst) < 3;
        is_early.then_some(Fault::Refused("TooManyRequestsException", "Rate exceeded"))
    });
    assert_eq!(office.import(&office.file_of(2), &["--yes"], "").await.0, Ok(Ended::Well));
    assert_eq!(office.versions().await, [1; 2]);
}

#[tokio::test]
async fn every_problem_of_a_file_is_said_by_its_line_and_nothing_is_written() {
    let office = Office::with_users(4).await;
    office.create("unverified@example.com", "false").await;
    let pool = &office.served.user_pool_id;
    office.cognito().create_group().user_pool_id(pool).group_name("admins").send().await.unwrap();
    let (admin, admins_sub) = &office.users[3];
    let add = office.cognito().admin_add_user_to_group().user_pool_id(pool).username(admins_sub);
    add.group_name("admins").send().await.unwrap();
    let (by_email, by_sub) = &office.users[0];
    let file = format!(
        "user,secret\n{by_sub},{}\n{by_email},{}\nnobody@example.com,{}\n{admin},{}\nunverified@example.com,{}\n\
         00000000-0000-4000-8000-000000000000,{}\nnot base32,0189\n\"a\"\" or username ^= \"\"\",{}\n",
        base32(1),
        base32(2),
        base32(3),
        base32(4),
        base32(5),
        base32(6),
        base32(7)
    );
    let ended = office.import(&file, &["--protect-group", "admins"], "yes\n").await;
    assert!(
        ended.1.ends_with(
            "line 3: it is about the user of line 2\n\
         line 4: the pool has no such user\n\
         line 5: the user is a member of admins\n\
         line 6: the user is named by an email address that is not verified: name the sub\n\
         line 7: the pool has no such user\n\
         line 8: the secret is not base32\n\
         line 9: the pool has no such user\n"
        ),
        "{}",
        ended.1
    );
    assert_eq!(sentence(ended), "Nothing was changed: 7 lines have a problem.");

    let (ended, said) = office.import(&file, &["--yes", "--json"], "").await;
    assert!(matches!(ended, Err(Stopped::NothingChanged(_))));
    let said: Value = serde_json::from_str(&said).unwrap();
    let codes: Vec<&str> =
        said["problems"].as_array().unwrap().iter().map(|p| p["problem"].as_str().unwrap()).collect();
    assert_eq!(codes, ["not-a-sub", "not-a-sub", "not-a-sub", "not-a-sub", "no-such-user", "not-base32", "not-a-sub"]);
    // What is not a record is not replaced, whatever it is.
    let put = aws_sdk_dynamodb::Client::new(&office.served.config).put_item().table_name(TABLE_NAME);
    let key = format!("{pool}#{}", office.users[1].1);
    let item = [("user", AttributeValue::S(key)), ("version", AttributeValue::N("1".to_owned()))];
    let item = item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let put = put.set_item(Some(item)).item("record", AttributeValue::S("{\"format\":9,\"record\":{}}".to_owned()));
    put.send().await.unwrap();
    let unreadable = office.import(&office.file_of(2), &["--yes", "--replace"], "").await;
    assert!(unreadable.1.ends_with("line 3: the user's record cannot be read\n"), "{}", unreadable.1);
    assert_eq!(sentence(unreadable), "Nothing was changed: 1 line has a problem.");
    let missing_group = office.import(&file, &["--protect-group", "owners"], "yes\n").await;
    assert!(sentence(missing_group).starts_with("Nothing was changed: ListUsersInGroup: ResourceNotFoundException: "));
}

#[tokio::test]
async fn a_dry_run_and_a_no_write_nothing_and_a_yes_writes() {
    let office = Office::with_users(2).await;
    let file = format!(
        "user,uri\n{},otpauth://totp/Example:a?secret={}\n{},otpauth://totp/b?secret={}&issuer=Other\n",
        office.users[0].0,
        base32(0),
        office.users[1].1,
        base32(1)
    );
    let no = office.import(&file, &[], "no\n").await;
    assert!(
        no.1.contains(
            "2 users get the authenticator of the file.\n\
         1 of them are named by a verified email address.\n\
         Their authenticators show these issuers: Example (1), Other (1).\n\
         Type yes to go on.\n"
        ),
        "{}",
        no.1
    );
    assert_eq!(sentence(no), "Nothing was changed: \"yes\" was not typed.");
    assert_eq!(
        sentence(office.import(&file, &["--json"], "yes\n").await),
        "Nothing was changed: --json needs --yes or --dry-run."
    );
    assert_eq!(office.versions().await, [0; 2]);
    let (ended, said) = office.import(&file, &["--json", "--dry-run"], "").await;
    assert_eq!(ended, Ok(Ended::Well));
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["lines"][1], json!({ "line": 3, "sub": office.users[1].1, "effect": "imported" }));
    assert_eq!(office.versions().await, [0; 2]);
    let (ended, _, log) = office.import_and_log(&file, &[], "yes\n").await;
    assert_eq!(ended, Ok(Ended::Well));
    assert_eq!(office.versions().await, [1; 2]);
    let who = |place: usize| {
        let (pool, sub) = (&office.served.user_pool_id, &office.users[place].1);
        json!({ "time": "2027-01-15T08:00:00Z", "command": "import", "userPoolId": pool, "sub": sub, "by": BY,
            "file": name_of(file.as_bytes()), "line": place + 2 })
    };
    assert_eq!(log, [who(0), who(1)]);
}

#[tokio::test]
async fn a_large_file_takes_one_list_of_the_pool_and_a_small_one_a_call_or_two() {
    let office = Office::with_users(130).await;
    let listed = async |file: &str| {
        office.proxy.calls();
        let (ended, said) = office.import(file, &["--dry-run"], "").await;
        assert_eq!(ended, Ok(Ended::Well), "{said}");
        office.proxy.calls().iter().filter(|call| *call == "ListUsers").count()
    };
    let by_email = |count: u64| {
        let line = |(number, (email, _)): (u64, &(String, String))| format!("{email},{}\n", base32(number));
        "user,secret\n".to_owned() + &(0..count).zip(&office.users).map(line).collect::<String>()
    };
    assert_eq!(listed(&by_email(1)).await, 2);
    assert_eq!(listed(&office.file_of(1)).await, 1);
    assert_eq!(listed(&office.file_of(3)).await, 3);
    assert_eq!(listed(&by_email(2)).await, 3);
    assert_eq!(listed(&by_email(130)).await, 3);
    assert_eq!(listed(&office.file_of(130)).await, 3);
}
