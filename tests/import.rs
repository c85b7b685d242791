//! An import gives each user the authenticator of the file, whole or not at all, however often it is stopped and run again.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use operator::import::file::{Line, parse};
use operator::import::plan::{Sorted, name_of, sort};
use operator::import::problem::Problem;
use operator::import::write::{Assigned, Effect, Import, WriteError};
use shared::authenticator::FriendlyName;
use shared::clock::UnixTime;
use shared::cognito::UserKey;
use shared::error::StoreError;
use shared::ids::Generation;
use shared::record::{EnrollmentStatus, Record};
use shared::settings::{AcceptedCognitoMfa, Enrollment, PasscodeDigits, SignInSettings};
use shared::store::memory::{MemorySealer, MemoryStore};
use shared::store::{EncryptionContext, RecordStore, Saved, Sealer as _, Version, Versioned};
use shared::totp::{Algorithm, Digits, Parameters, Period, SharedSecret, passcode_at};
use tests::clock::NOW;
use tests::driver::Driver as _;
use tests::events::User;
use tests::functions::Functions;
use tests::person::take_codes;
use tests::random::{fill_random, random};

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
}

fn assigned(file: &str) -> Vec<Assigned> {
    let Sorted { entries, problems } = sort(parse(file.as_bytes()), PasscodeDigits::SixOrEight);
    assert_eq!(problems, []);
    let user = |sub: &str| UserKey { user_pool_id: "us-east-1_Example".to_owned(), sub: sub.to_owned() };
    entries.into_iter().map(|(line, entry)| Assigned { line, user: user(&entry.user), entry }).collect()
}

/// Writes until something fails.
async fn run<S: RecordStore>(
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
async fn ten_thousand_lines_are_imported_by_the_second_run_after_the_first_was_killed() {
    let (file, sealer) = (ten_thousand_lines(), MemorySealer::new(fill_random).unwrap());
    let (name, lines) = (name_of(file.as_bytes()), assigned(&file));
    for (replace, takes_effect) in [(false, false), (true, false), (false, true), (true, true)] {
        let store = MemoryStore::default();
        let dying = Dying { store: &store, left: AtomicUsize::new(5000), takes_effect };
        let (counts, error) = run(&import(&dying, &sealer, &name, replace), &lines, NOW).await;
        assert!(matches!(error, Some(WriteError::Store(_))));
        assert_eq!(counts, BTreeMap::from([("imported", 5000)]));
        let written = 5000 + usize::from(takes_effect);
        assert_eq!(store.records().len(), written);

        let (counts, error) = run(&import(&store, &sealer, &name, replace), &lines, NOW.plus(600)).await;
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
    run(&import(&store, &sealer, "file", false), lines, NOW).await;
    let stored: String = store.records().into_iter().map(|(_, _, text)| text).collect();
    assert!(!stored.contains("plainly fake") && !stored.contains(&base32(0)[..16]));
    let sealed = |text: &str| {
        let record: serde_json::Value = serde_json::from_str(text).unwrap();
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
async fn a_user_who_has_an_authenticator_is_left_alone_unless_told() {
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
async fn a_second_run_with_replace_leaves_users_alone_who_have_taken_codes_since() {
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
async fn the_prompt_tells_the_digits_of_the_pool_and_never_the_users() {
    for setting in [PasscodeDigits::Six, PasscodeDigits::Eight, PasscodeDigits::SixOrEight] {
        let mut told = HashSet::new();
        for fields in [None, Some(OTHER), Some("\"secret\":\"JBSWY3DPEHPK3PXP\",\"digits\":8")] {
            let (mut functions, user) = (Functions::default(), User::named("ana", 1));
            functions.create.settings.passcode_digits = setting;
            functions.set(SignInSettings::new(AcceptedCognitoMfa::NONE, Enrollment::ByOperator).unwrap());
            if let Some(fields) = fields {
                imports(&functions, &one(&user, fields), "file", false).await;
            }
            let mut sign_in = functions.sign_in(&user);
            told.insert(sign_in.challenge().await.unwrap().to_string());
        }
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told.iter().all(|told| told.contains(&format!("\"passcodeDigits\":\"{}\"", setting.as_str()))));
    }
}

// ── What lines say together.

#[test]
fn the_same_user_or_secret_twice_and_digits_that_the_pool_has_not_are_refused() {
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
