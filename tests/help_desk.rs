//! The commands for users who need help, over the SDKs on the local service: what they do, whom they mean, what they refuse, and
//! that nothing is half done whatever call fails.

use std::collections::BTreeSet;
use std::io::{BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use clap::Parser as _;
use operator::aws::Services;
use operator::cli::{CommandLine, Ended, run};
use operator::terminal::{Stopped, Terminal};
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::cognito::{ClientId, UserKey};
use shared::guard_settings::LongestSession;
use shared::ids::Generation;
use shared::record::{EnrollmentStatus, Record};
use shared::redeem_grant::pass_refresh;
use shared::requirements::Required;
use shared::settings::{AcceptedCognitoMfa, Enrollment, Policy, SignInSettings};
use shared::store::dynamodb::{DynamoDbStore, set_up_key};
use shared::store::{RecordStore as _, Saved, Versioned};
use shared::token_grant::ISSUED_WITHIN_SECONDS;
use tests::account::Fault;
use tests::driver::Driver as _;
use tests::person::{Person, take_codes};
use tests::pool::PASSWORD;
use tests::proxy::Proxy;
use tests::random::fill_random;
use tests::served::{Served, TABLE_NAME};

const ANA: &str = "ana@example.com";
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// An operator, and the pool whose users need help.
struct HelpDesk {
    served: Served,
    proxy: Arc<Proxy>,
    services: Services,
}

/// How a command ended, and what it printed.
struct Ran {
    ended: Result<Ended, Stopped>,
    said: String,
    audit: Vec<Value>,
}

impl Ran {
    /// It did what it was asked for.
    #[track_caller]
    fn well(self) -> Self {
        assert_eq!(self.ended, Ok(Ended::Well), "{}", self.said);
        self
    }

    /// It stopped, and this is why.
    #[track_caller]
    fn sentence(&self) -> &str {
        match &self.ended {
            Err(Stopped::NothingChanged(sentence) | Stopped::Failed(sentence)) => sentence,
            Ok(well) => panic!("{well:?}: {}", self.said),
        }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.said).unwrap_or_else(|error| panic!("{error}: {}", self.said))
    }

    /// The code that was printed.
    #[track_caller]
    fn code(&self) -> String {
        let code = self.said.lines().find_map(|line| line.strip_prefix("Code: "));
        code.unwrap_or_else(|| panic!("no code: {}", self.said)).to_owned()
    }
}

impl HelpDesk {
    async fn new() -> Self {
        Self::with(Enrollment::AtSignIn).await
    }

    async fn with(enrollment: Enrollment) -> Self {
        let settings = SignInSettings::new(AcceptedCognitoMfa::NONE, enrollment).unwrap();
        let served = Served::with(settings).await;
        let proxy = Proxy::start(&served.endpoint).await;
        let config = served.config.to_builder().endpoint_url(&proxy.endpoint);
        let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
        let services = Services::new(&config.retry_config(retries).build());
        Self { services: services.with_first_pause(Duration::from_millis(1)), served, proxy }
    }

    /// A user who can sign in.
    async fn user(&self, email: &str, verified: bool) -> UserKey {
        let attributes = json!([
            { "Name": "email", "Value": email }, { "Name": "email_verified", "Value": verified.to_string() },
        ]);
        let request = json!({
            "UserPoolId": self.served.user_pool_id, "Username": email, "UserAttributes": attributes, "MessageAction": "SUPPRESS",
        });
        let created = self.served.pool.call("AdminCreateUser", request).await.unwrap();
        let name = created["User"]["Username"].as_str().unwrap();
        self.served.pool.set_password(name, PASSWORD, true).await;
        self.served.pool.user_key(name).await
    }

    async fn run(&self, arguments: &[&str], typed: &str) -> Ran {
        self.run_with(arguments, &mut typed.as_bytes()).await
    }

    async fn run_with(&self, arguments: &[&str], input: &mut dyn BufRead) -> Ran {
        let named = ["--user-pool-id", &self.served.user_pool_id];
        let command_line = ["second-factor"].iter().chain(arguments).chain(&named);
        let command_line = CommandLine::try_parse_from(command_line).unwrap();
        let (mut output, mut log) = (Vec::new(), Vec::new());
        let mut terminal = Terminal { output: &mut output, input, log: &mut log };
        let now = self.served.clock.now();
        let ended = run(command_line, &self.services, &|| now, fill_random, false, &mut terminal).await;
        let lines = |text: Vec<u8>| String::from_utf8(text).unwrap();
        let audit = lines(log).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Ran { ended, said: lines(output), audit }
    }

    fn store(&self) -> DynamoDbStore {
        DynamoDbStore::new(aws_sdk_dynamodb::Client::new(&self.served.config), TABLE_NAME.to_owned())
    }

    async fn stored(&self, user: &UserKey) -> Versioned {
        self.store().load(user).await.unwrap()
    }

    async fn status(&self, user: &UserKey) -> EnrollmentStatus {
        self.stored(user).await.record.enrollment_status(self.served.clock.now())
    }

    /// Ana has an authenticator and codes.
    async fn enroll(&self, email: &str) -> Person {
        Person::enroll(&mut self.served.pool.sign_in(email).await).await
    }

    async fn guess(&self, email: &str, person: &Person, times: usize) {
        for _ in 0..times {
            let mut sign_in = self.served.pool.sign_in(email).await;
            let wrong = person.wrong_passcode(self.served.clock.now());
            assert!(!sign_in.answer(&wrong).await.unwrap());
        }
    }
}

/// A person at the terminal who types yes, after something else has happened.
struct Meanwhile<F>(Option<F>, &'static [u8]);

impl<F: FnOnce()> Meanwhile<F> {
    fn then_yes(happens: F) -> Self {
        Self(Some(happens), b"yes\n")
    }
}

impl<F: FnOnce()> Read for Meanwhile<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.1.read(buffer)
    }
}

impl<F: FnOnce()> BufRead for Meanwhile<F> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if let Some(happens) = self.0.take() {
            happens();
        }
        Ok(self.1)
    }

    fn consume(&mut self, amount: usize) {
        self.1 = &self.1[amount..];
    }
}

// ── What each command does.

#[tokio::test]
async fn status_says_what_is_kept_and_no_secret() {
    let desk = HelpDesk::new().await;
    let ana = desk.user(ANA, true).await;
    let said = desk.run(&["status", ANA], "").await.well().said;
    assert!(said.contains("Authenticator: none"), "{said}");

    let person = desk.enroll(ANA).await;
    desk.guess(ANA, &person, 1).await;
    let ran = desk.run(&["status", ANA], "").await.well();
    for expected in [
        &format!("sub {}, ", ana.sub),
        "email address ana@example.com, verified",
        "Authenticator: since 2027-01-15T08:00:00Z, last used about 2027-01-15T08:00:00Z",
        "Recovery codes: 10 left",
        "Wrong passcodes that count: 1; passcodes are accepted",
        "Last second factor: totp at 2027-01-15T08:00:00Z",
    ] {
        assert!(ran.said.contains(expected), "{expected}: {}", ran.said);
    }
    let json = desk.run(&["status", ANA, "--json"], "").await.well().json();
    assert_eq!(json["recoveryCodesLeft"], 10);
    assert_eq!(json["passcodes"], json!({ "state": "accepted", "until": null, "wrong": 1 }));
    let sealed = desk.stored(&ana).await.record.to_json().unwrap();
    let sealed = serde_json::from_str::<Value>(&sealed).unwrap()["record"]["authenticator"]["sealed"].clone();
    assert!(!json.to_string().contains(sealed.as_str().unwrap()));
    assert!(!desk.proxy.calls().contains(&"PutItem".to_owned()));
}

#[tokio::test]
async fn status_says_by_how_much_a_phones_clock_is_off() {
    let desk = HelpDesk::new().await;
    desk.user(ANA, true).await;
    let person = desk.enroll(ANA).await;
    desk.served.clock.wait(600);
    let mut sign_in = desk.served.pool.sign_in(ANA).await;
    let behind = person.passcode(UnixTime(desk.served.clock.now().0 - 120));
    assert!(!sign_in.answer(&behind).await.unwrap());
    let said = desk.run(&["status", ANA], "").await.well().said;
    assert!(said.contains("was one of a clock that is about 120 seconds behind"), "{said}");
    let shown = sign_in.step.parameters().to_string();
    assert!(!shown.contains("120"), "never to the client: {shown}");
    let now = person.passcode(desk.served.clock.now());
    assert!(sign_in.answer(&now).await.unwrap());
    let said = desk.run(&["status", ANA], "").await.well().said;
    assert!(!said.contains("of a clock"), "{said}");
}

#[tokio::test]
async fn status_of_all_counts_every_record_of_the_pool() {
    let desk = HelpDesk::new().await;
    for (email, what) in [
        ("a@example.com", "enrolled"),
        ("b@example.com", "waits"),
        ("c@example.com", "code"),
        ("d@example.com", "withdrawn"),
        ("e@example.com", "nothing"),
    ] {
        let key = desk.user(email, true).await;
        match what {
            "enrolled" => drop(desk.enroll(email).await),
            "waits" => {
                let person = desk.enroll(email).await;
                desk.guess(email, &person, 5).await;
            }
            "code" => drop(desk.run(&["enroll", &key.sub, "--yes"], "").await.well()),
            "withdrawn" => {
                desk.run(&["enroll", &key.sub, "--yes"], "").await.well();
                desk.run(&["operator-code", &key.sub, "--withdraw", "--yes"], "").await.well();
            }
            _ => {}
        }
    }
    let other = UserKey { user_pool_id: "us-east-1_Another".to_owned(), sub: "someone".to_owned() };
    let saved = desk.store().save(&other, &Record::reset(Generation([1; 8])), shared::store::Version::MISSING).await;
    assert_eq!(saved.unwrap(), Saved::Recorded);
    let json = desk.run(&["status", "--json"], "").await.well().json();
    let expected = json!({
        "records": 4, "enrolled": 2, "withoutRecoveryCodes": 0, "waiting": 1, "blocked": 0, "guessed": 0, "operatorCodes": 1,
        "needOperatorCode": 1, "forgotten": 0, "unreadable": 0, "estimatedUsers": 5, "passedUnproven": 0, "turnedOff": 0,
        "requiredNotEnrolled": 0,
    });
    assert_eq!(json, expected);
    let said = desk.run(&["status"], "").await.well().said;
    assert!(said.contains("        2  users with an authenticator"), "{said}");
}

#[tokio::test]
async fn unlock_lifts_the_wait_as_far_as_recovery_codes_could() {
    let desk = HelpDesk::new().await;
    let ana = desk.user(ANA, true).await;
    let person = desk.enroll(ANA).await;
    let nothing = desk.run(&["unlock", ANA], "yes\n").await;
    assert_eq!(nothing.sentence(), "Nothing was changed: no wrong passcode counts.");
    // Two full counts are forgiven; the third is not.
    for round in 0..3 {
        while desk.stored(&ana).await.record.failures(desk.served.clock.now()) < 20 {
            desk.guess(ANA, &person, 1).await;
            desk.served.clock.wait(HOUR);
        }
        let ran = desk.run(&["unlock", ANA], "yes\n").await;
        match round {
            0 | 1 => assert!(ran.well().said.contains("Unlocked.")),
            _ if ran.ended.is_ok() => {
                let left = desk.stored(&ana).await.record.failures(desk.served.clock.now());
                assert!(left > 10, "what decayed meanwhile may be forgiven, and nothing else: {left}");
                let again = desk.run(&["unlock", ANA], "yes\n").await;
                assert!(again.sentence().contains("as many wrong passcodes were forgiven as may be"));
            }
            _ => assert!(ran.sentence().contains("as many wrong passcodes were forgiven as may be")),
        }
    }
}

#[tokio::test]
async fn a_code_signs_in_once_and_leads_to_a_new_authenticator() {
    for (enrollment, enrolled) in
        [(Enrollment::AtSignIn, true), (Enrollment::AtSignIn, false), (Enrollment::ByOperator, false)]
    {
        let desk = HelpDesk::with(enrollment).await;
        let ana = desk.user(ANA, true).await;
        if enrolled {
            desk.enroll(ANA).await;
        }
        let command = if enrolled { "operator-code" } else { "enroll" };
        let other = if enrolled { "enroll" } else { "operator-code" };
        assert!(desk.run(&[other, ANA], "yes\n").await.sentence().contains(&format!("`{command}`")));
        let ran = desk.run(&[command, ANA], "yes\n").await.well();
        let code = ran.code();
        assert_eq!(ran.audit.len(), 1);
        let audit = &ran.audit[0];
        assert_eq!(audit["command"], command);
        assert_eq!((&audit["sub"], &audit["by"]), (&json!(ana.sub), &json!("arn:aws:iam::123456789012:user/operator")));
        assert!(!audit.to_string().contains(&code));
        let record = desk.stored(&ana).await.record;
        assert_eq!(record.last_change().unwrap().what(), command);
        assert!(!record.to_json().unwrap().contains(&code));

        let mut sign_in = desk.served.pool.sign_in(ANA).await;
        assert_eq!(sign_in.challenge().await.unwrap()["challenge"], "SECOND_FACTOR");
        assert!(sign_in.answer(&code).await.unwrap());
        let person = Person::enroll(&mut sign_in).await;
        let mut again = desk.served.pool.sign_in(ANA).await;
        assert!(!again.answer(&code).await.unwrap(), "used up");
        desk.served.clock.wait(60);
        let passcode = person.passcode(desk.served.clock.now());
        assert!(again.answer(&passcode).await.unwrap());
        assert!(again.has_tokens().await.unwrap());
    }
}

#[tokio::test]
async fn a_code_lasts_as_long_as_it_says_and_can_be_withdrawn() {
    let desk = HelpDesk::with(Enrollment::ByOperator).await;
    let ana = desk.user(ANA, true).await;
    let json = desk.run(&["enroll", &ana.sub, "--hours", "2", "--yes", "--json"], "").await.well().json();
    assert_eq!(json["until"], "2027-01-15T10:00:00Z");
    let code = json["code"].as_str().unwrap().to_owned();
    desk.served.clock.wait(2 * HOUR);
    let mut late = desk.served.pool.sign_in(ANA).await;
    assert!(!late.answer(&code).await.unwrap());
    let said = desk.run(&["status", ANA], "").await.well().said;
    assert!(said.contains("was used, withdrawn or is too old"), "{said}");

    let code = desk.run(&["enroll", ANA], "yes\n").await.well().code();
    assert!(desk.run(&["operator-code", ANA, "--withdraw"], "yes\n").await.well().said.contains("Withdrawn."));
    assert!(!desk.served.pool.sign_in(ANA).await.answer(&code).await.unwrap());
    let nothing = desk.run(&["operator-code", ANA, "--withdraw"], "yes\n").await;
    assert_eq!(nothing.sentence(), "Nothing was changed: no code is outstanding.");
}

#[tokio::test]
async fn a_reset_takes_the_account_back_without_a_moment_for_the_password() {
    let desk = HelpDesk::new().await;
    let ana = desk.user(ANA, true).await;
    let thief = desk.enroll(ANA).await;
    // Held by somebody who has the password, the phone and the codes.
    let held = desk.served.pool.start(ANA, PASSWORD).await.unwrap();
    let tokens = {
        desk.served.clock.wait(60);
        let mut sign_in = desk.served.pool.sign_in(ANA).await;
        assert!(sign_in.answer(&thief.passcode(desk.served.clock.now())).await.unwrap());
        sign_in.step.answer["AuthenticationResult"].clone()
    };
    let ran = desk.run(&["reset", ANA], "yes\n").await.well();
    let code = ran.code();
    assert!(!ran.said.contains("The password is "), "it is not printed unless asked: {}", ran.said);
    assert_eq!(ran.audit.len(), 3, "the record, and the two calls");

    desk.served.clock.wait(60);
    for typed in [thief.passcode(desk.served.clock.now()), thief.codes[3].clone()] {
        let mut sign_in = desk.served.pool.resume(held.clone());
        assert!(!sign_in.answer(&typed).await.unwrap_or_default(), "{typed} passes a prompt held from before");
    }
    assert!(desk.served.pool.start(ANA, PASSWORD).await.is_err(), "the password is another");
    let client = &desk.served.pool.settings().clients[0].client_id;
    let refresh = json!({
        "ClientId": client, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": { "REFRESH_TOKEN": tokens["RefreshToken"] },
    });
    assert!(desk.served.pool.call("InitiateAuth", refresh).await.is_err(), "the sessions have ended");
    // An attacker who has the mailbox sets the next password, and gets no further than the prompt.
    desk.served.pool.set_password(ANA, PASSWORD, true).await;
    let mut sign_in = desk.served.pool.sign_in(ANA).await;
    assert_eq!(sign_in.challenge().await.unwrap()["challenge"], "SECOND_FACTOR");
    assert!(sign_in.answer(&code).await.unwrap());
    Person::enroll(&mut sign_in).await;
    assert_eq!(desk.status(&ana).await, EnrollmentStatus::Enrolled);
}

#[tokio::test]
async fn a_reset_is_refused_where_the_user_could_not_come_back() {
    let desk = HelpDesk::new().await;
    let ana = desk.user(ANA, false).await;
    let ran = desk.run(&["reset", &ana.sub], "yes\n").await;
    assert!(ran.sentence().contains("--print-password"), "{}", ran.sentence());
    assert_eq!(desk.stored(&ana).await.version.0, 0);
    let ran = desk.run(&["reset", &ana.sub, "--print-password"], "yes\n").await.well();
    let password = ran.said.lines().find_map(|line| line.strip_prefix("2. The password is ")).unwrap().to_owned();
    let mut sign_in = desk.served.pool.resume(desk.served.pool.start(ANA, &password).await.unwrap());
    assert!(sign_in.answer(&ran.code()).await.unwrap());

    let request = json!({
        "ClientId": desk.served.pool.settings().clients[0].client_id, "Username": "new@example.com", "Password": PASSWORD,
        "UserAttributes": [{ "Name": "email", "Value": "new@example.com" }],
    });
    if let Ok(signed_up) = desk.served.pool.call("SignUp", request).await {
        let sub = signed_up["UserSub"].as_str().unwrap();
        let ran = desk.run(&["reset", sub, "--print-password"], "yes\n").await;
        assert!(ran.sentence().contains("has never confirmed the account"), "{}", ran.sentence());
    }
}

#[tokio::test]
async fn a_deleted_user_is_forgotten_and_does_not_come_back_by_the_password() {
    let desk = HelpDesk::new().await;
    let ana = desk.user(ANA, true).await;
    desk.enroll(ANA).await;
    let ran = desk.run(&["forget", &ana.sub], "yes\n").await;
    assert!(ran.sentence().contains("the pool still has this user"));
    let ran = desk.run(&["forget", ANA], "yes\n").await;
    assert!(ran.sentence().contains("is named by sub"));
    let request = json!({ "UserPoolId": desk.served.user_pool_id, "Username": ANA });
    desk.served.pool.call("AdminDeleteUser", request).await.unwrap();
    desk.run(&["forget", &ana.sub], "yes\n").await.well();
    let record = desk.stored(&ana).await.record;
    assert!(record.authenticator().is_none() && record.recovery_codes_left() == 0 && record.last_proof().is_none());
    assert_eq!(desk.status(&ana).await, EnrollmentStatus::Forgotten);
    let again = desk.run(&["forget", &ana.sub], "yes\n").await;
    assert!(again.sentence().contains("the user was forgotten at"));
}

#[tokio::test]
async fn prune_forgets_after_two_looks_fifteen_days_apart() {
    let desk = HelpDesk::new().await;
    let (ana, ben) = (desk.user(ANA, true).await, desk.user("ben@example.com", true).await);
    desk.enroll(ANA).await;
    desk.enroll("ben@example.com").await;
    let nothing = desk.run(&["prune"], "yes\n").await.well();
    assert!(nothing.said.contains("There is nothing to change."), "{}", nothing.said);
    let request = json!({ "UserPoolId": desk.served.user_pool_id, "Username": ANA });
    desk.served.pool.call("AdminDeleteUser", request).await.unwrap();
    desk.run(&["prune"], "yes\n").await.well();
    assert_eq!(desk.stored(&ana).await.record.missing_since(), Some(desk.served.clock.now()));
    for (waits, forgotten) in [(15 * DAY - 1, false), (1, true)] {
        desk.served.clock.wait(waits);
        desk.run(&["prune"], "yes\n").await.well();
        assert_eq!(desk.stored(&ana).await.record.forgotten_at().is_some(), forgotten);
    }
    assert_eq!(desk.status(&ben).await, EnrollmentStatus::Enrolled);
    assert_eq!(desk.stored(&ben).await.record.missing_since(), None);
}

#[tokio::test]
async fn prune_that_is_stopped_says_how_far_it_came_and_goes_on() {
    let desk = HelpDesk::new().await;
    desk.user(ANA, true).await;
    let mut gone = Vec::new();
    for email in ["ben@example.com", "cleo@example.com"] {
        let key = desk.user(email, true).await;
        desk.run(&["enroll", &key.sub, "--yes"], "").await.well();
        let request = json!({ "UserPoolId": desk.served.user_pool_id, "Username": email });
        desk.served.pool.call("AdminDeleteUser", request).await.unwrap();
        gone.push(key);
    }
    let saves = AtomicUsize::new(0);
    desk.proxy.fault(move |_, call| {
        let second = call == "PutItem" && saves.fetch_add(1, Ordering::SeqCst) == 1;
        second.then_some(Fault::Refused("AccessDeniedException", "not you"))
    });
    let ran = desk.run(&["prune"], "yes\n").await;
    assert!(ran.sentence().starts_with("1 of 2 records were changed: PutItem: "), "{}", ran.sentence());
    assert!(matches!(ran.ended, Err(Stopped::Failed(_))) && ran.audit.len() == 1);
    desk.proxy.fault(|_, _| None);
    desk.run(&["prune"], "yes\n").await.well();
    for key in gone {
        assert!(desk.stored(&key).await.record.missing_since().is_some());
    }
}

#[tokio::test]
async fn prune_stops_where_too_many_or_everybody_is_missing() {
    let desk = HelpDesk::new().await;
    for number in 0..12 {
        let email = format!("user{number}@example.com");
        let key = desk.user(&email, true).await;
        desk.run(&["enroll", &key.sub, "--yes"], "").await.well();
        if number > 0 {
            let request = json!({ "UserPoolId": desk.served.user_pool_id, "Username": email });
            desk.served.pool.call("AdminDeleteUser", request).await.unwrap();
        }
    }
    let ran = desk.run(&["prune"], "yes\n").await;
    assert!(ran.sentence().contains("11 of 12 users with a record are missing"), "{}", ran.sentence());
    let json = desk.run(&["prune", "--many", "--yes", "--json"], "").await.well().json();
    assert_eq!(json["marked"], 11);
    let request = json!({ "UserPoolId": desk.served.user_pool_id, "Username": "user0@example.com" });
    desk.served.pool.call("AdminDeleteUser", request).await.unwrap();
    let ran = desk.run(&["prune", "--many"], "yes\n").await;
    assert!(ran.sentence().contains("the pool lists no local user"), "{}", ran.sentence());
}

// ── The user that is meant.

#[tokio::test]
async fn a_command_is_about_exactly_one_user_or_nobody() {
    let desk = HelpDesk::new().await;
    let ana = desk.user(ANA, true).await;
    let other = desk.user("other@example.com", false).await;
    for (typed, expected) in [
        ("nobody@example.com", "the pool has no user with this"),
        ("other@example.com", "this address is not verified"),
        ("00000000-0000-0000-0000-000000000000", "the pool has no user with this"),
        ("ana@example.com\" or sub = \"", "the pool has no user with this"),
        ("", "the pool has no user with this"),
    ] {
        for command in ["unlock", "operator-code", "enroll", "reset", "status"] {
            let ran = desk.run(&[command, typed], "yes\n").await;
            assert!(ran.sentence().to_lowercase().contains(expected), "{command} {typed}: {}", ran.sentence());
            assert!(matches!(ran.ended, Err(Stopped::NothingChanged(_))));
        }
    }
    desk.run(&["enroll", &other.sub], "yes\n").await.well();
    let ran = desk.run(&["enroll", ANA, "--yes"], "").await;
    assert_eq!(ran.sentence(), format!("Nothing was changed: with --yes a user is named by sub; this is {}.", ana.sub));
    let ran = desk.run(&["enroll", &ana.sub, "--json"], "").await;
    assert_eq!(ran.sentence(), "Nothing was changed: --json needs --yes or --dry-run.");
    assert_eq!(desk.stored(&ana).await.version.0, 0);
}

#[tokio::test]
async fn a_user_of_an_identity_provider_is_given_nothing() {
    let desk = HelpDesk::new().await;
    let ana = desk.user(ANA, true).await;
    let listed = json!({ "Users": [{
        "Username": "google_1", "Enabled": true, "UserStatus": "EXTERNAL_PROVIDER",
        "Attributes": [{ "Name": "sub", "Value": ana.sub }],
    }] });
    desk.proxy.fault(move |_, call| (call == "ListUsers").then(|| Fault::Answer(listed.clone())));
    for command in ["enroll", "reset"] {
        let ran = desk.run(&[command, &ana.sub, "--yes"], "").await;
        assert!(ran.sentence().contains("signs in with an identity provider"), "{command}: {}", ran.sentence());
    }
    let file = std::env::temp_dir().join(format!("federated-{}.csv", std::process::id()));
    std::fs::write(&file, format!("user,secret\n{},JBSWY3DPEHPK3PXP\n", ana.sub)).unwrap();
    let ran = desk.run(&["import", &file.display().to_string(), "--yes"], "").await;
    assert!(ran.said.contains("line 2: the user signs in with an identity provider"), "{}", ran.said);
    std::fs::remove_file(file).unwrap();
    assert_eq!(desk.stored(&ana).await.version.0, 0);
}

#[tokio::test]
async fn a_try_or_a_no_changes_nothing() {
    let desk = HelpDesk::new().await;
    let ana = desk.user(ANA, true).await;
    let person = desk.enroll(ANA).await;
    desk.guess(ANA, &person, 5).await;
    let before = desk.stored(&ana).await;
    for command in ["unlock", "operator-code", "reset"] {
        assert!(desk.run(&[command, ANA, "--dry-run"], "").await.well().said.contains("--dry-run"));
        assert!(desk.run(&[command, ANA], "no\n").await.sentence().contains("was not typed"));
        assert!(desk.run(&[command, ANA], "").await.sentence().contains("was not typed"));
    }
    let json = desk.run(&["operator-code", ANA, "--dry-run", "--json"], "").await.well().json();
    assert_eq!((&json["sub"], &json["dryRun"]), (&json!(ana.sub), &json!(true)));
    assert!(json["would"][0].as_str().unwrap().starts_with("The next sign-in will need"), "{json}");
    assert_eq!(desk.stored(&ana).await, before);
    assert!(desk.served.pool.start(ANA, PASSWORD).await.is_ok());
}

// ── Two at once, and what fails.

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_operators_the_second_is_told_and_kills_no_code() {
    let desk = HelpDesk::new().await;
    let ana = desk.user(ANA, true).await;
    desk.enroll(ANA).await;
    for (first, second) in
        [("operator-code", "operator-code"), ("reset", "operator-code"), ("operator-code", "reset"), ("reset", "reset")]
    {
        let runtime = tokio::runtime::Handle::current();
        let mut code = None;
        let mut meanwhile = Meanwhile::then_yes(|| {
            let ran = std::thread::scope(|scope| {
                scope.spawn(|| runtime.block_on(desk.run(&[second, &ana.sub, "--yes"], ""))).join().unwrap()
            });
            code = Some(ran.well().said);
        });
        let ran = desk.run_with(&[first, ANA], &mut meanwhile).await;
        assert!(ran.sentence().contains("somebody else has changed the record"), "{}", ran.sentence());
        assert!(!ran.said.contains("Code: "));
        let code = code.unwrap().lines().find_map(|line| line.strip_prefix("Code: ")).unwrap().to_owned();
        desk.served.pool.set_password(ANA, PASSWORD, true).await;
        let mut sign_in = desk.served.pool.sign_in(ANA).await;
        assert!(sign_in.answer(&code).await.unwrap(), "{first} after {second}");
        Person::enroll(&mut sign_in).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_signs_in_meanwhile_stops_no_operator() {
    let desk = HelpDesk::new().await;
    desk.user(ANA, true).await;
    let person = desk.enroll(ANA).await;
    let runtime = tokio::runtime::Handle::current();
    let mut meanwhile = Meanwhile::then_yes(|| {
        std::thread::scope(|scope| scope.spawn(|| runtime.block_on(desk.guess(ANA, &person, 2))).join().unwrap());
    });
    let ran = desk.run_with(&["operator-code", ANA], &mut meanwhile).await.well();
    let mut sign_in = desk.served.pool.sign_in(ANA).await;
    assert!(sign_in.answer(&ran.code()).await.unwrap());
}

#[tokio::test]
async fn a_call_that_is_refused_ends_in_a_sentence_and_nothing_half_done() {
    let desk = HelpDesk::new().await;
    let ana = desk.user(ANA, true).await;
    let person = desk.enroll(ANA).await;
    let gone = desk.user("gone@example.com", true).await;
    let request = json!({ "UserPoolId": desk.served.user_pool_id, "Username": "gone@example.com" });
    desk.served.pool.call("AdminDeleteUser", request).await.unwrap();
    desk.guess(ANA, &person, 5).await;
    for arguments in [
        &["status", ANA][..],
        &["status"],
        &["unlock", ANA],
        &["operator-code", ANA],
        &["reset", ANA],
        &["forget", &gone.sub],
        &["prune"],
        &["init"],
        &["sign-out", ANA],
    ] {
        desk.proxy.fault(|_, _| None);
        let tried = if arguments[0] == "status" { arguments.to_vec() } else { [arguments, &["--dry-run"]].concat() };
        desk.run(&tried, "").await.well();
        let mut calls: BTreeSet<String> = desk.proxy.calls().into_iter().collect();
        if arguments[0] != "status" {
            calls.extend(["GetCallerIdentity", "PutItem"].map(str::to_owned));
        }
        if arguments[0] == "sign-out" {
            calls.insert("AdminUserGlobalSignOut".to_owned());
        }
        for call in calls {
            let before = (desk.stored(&ana).await, desk.stored(&gone).await);
            for (code, message) in [("AccessDeniedException", "no right"), ("ThrottlingException", "slow down")] {
                let denied = call.clone();
                desk.proxy.fault(move |_, call| (call == denied).then_some(Fault::Refused(code, message)));
                let ran = desk.run(arguments, "yes\n").await;
                if arguments[0] == "prune" && call == "PutItem" || ran.ended == Ok(Ended::Well) {
                    // Nobody's record is to be pruned, so nothing is saved.
                    continue;
                }
                let sentence = ran.sentence().to_owned();
                let saves_last = arguments[0] != "sign-out" || !sentence.starts_with("Nothing was changed");
                assert!(saves_last || call != "PutItem", "{sentence}");
                assert!(matches!(ran.ended, Err(Stopped::Failed(_))), "{arguments:?} {call}: {sentence}");
                assert!(sentence.contains(&call), "{arguments:?} {call}: {sentence}");
                assert!(code != "AccessDeniedException" || sentence.contains("docs/policies"), "{sentence}");
                assert!(!ran.said.contains("Code: "), "{arguments:?} {call}");
            }
            desk.proxy.fault(|_, _| None);
            let after = (desk.stored(&ana).await, desk.stored(&gone).await);
            assert_eq!(after, before, "{arguments:?} {call}");
        }
    }
}

#[tokio::test]
async fn a_save_without_an_answer_is_looked_up() {
    let desk = HelpDesk::new().await;
    let ana = desk.user(ANA, true).await;
    let fault = |fault: Fault| desk.proxy.fault(move |_, call| (call == "PutItem").then(|| fault.clone()));
    fault(Fault::Refused("InternalServerError", "nobody knows"));
    let ran = desk.run(&["enroll", ANA], "yes\n").await;
    assert!(ran.sentence().starts_with("Nothing was changed: PutItem: InternalServerError"), "{}", ran.sentence());
    assert_eq!(desk.stored(&ana).await.version.0, 0);

    fault(Fault::DoneAndRefused("InternalServerError", "nobody knows"));
    let ran = desk.run(&["enroll", ANA], "yes\n").await.well();
    let mut sign_in = desk.served.pool.sign_in(ANA).await;
    assert!(sign_in.answer(&ran.code()).await.unwrap());
    assert_eq!(desk.stored(&ana).await.record.last_change().unwrap().what(), "enroll");
}

#[tokio::test]
async fn a_reset_stopped_at_any_call_leaves_a_safe_account_and_is_run_again() {
    let desk = HelpDesk::new().await;
    let ana = desk.user(ANA, true).await;
    desk.enroll(ANA).await;
    for (call, printed) in [("PutItem", false), ("AdminSetUserPassword", true), ("AdminUserGlobalSignOut", true)] {
        desk.proxy
            .fault(move |_, called| (called == call).then_some(Fault::Refused("AccessDeniedException", "not you")));
        let ran = desk.run(&["reset", ANA], "yes\n").await;
        assert!(ran.sentence().contains(call), "{}", ran.sentence());
        assert_eq!(ran.said.contains("Code: "), printed, "{call}");
        if printed {
            // The password is known to the attacker, and leads to a prompt that nothing else passes.
            desk.served.pool.set_password(ANA, PASSWORD, true).await;
            let mut sign_in = desk.served.pool.sign_in(ANA).await;
            assert_eq!(sign_in.challenge().await.unwrap()["challenge"], "SECOND_FACTOR");
            assert_eq!(desk.status(&ana).await, EnrollmentStatus::OperatorCode);
        }
    }
    desk.proxy.fault(|_, _| None);
    let code = desk.run(&["reset", ANA], "yes\n").await.well().code();
    desk.served.pool.set_password(ANA, PASSWORD, true).await;
    let mut sign_in = desk.served.pool.sign_in(ANA).await;
    assert!(sign_in.answer(&code).await.unwrap());
    take_after_set_up(&mut sign_in).await;
}

async fn take_after_set_up(sign_in: &mut tests::pool::PoolSignIn<'_>) {
    tests::person::set_up_authenticator(sign_in).await;
    take_codes(sign_in).await;
}

#[tokio::test]
async fn a_table_or_a_trigger_that_is_not_there_is_said() {
    let desk = HelpDesk::new().await;
    desk.user(ANA, true).await;
    let ran = desk.run(&["enroll", ANA, "--table", "no-such-table"], "yes\n").await;
    assert!(ran.sentence().contains("GetItem: ResourceNotFoundException"), "{}", ran.sentence());
    let request = json!({ "UserPoolId": desk.served.user_pool_id, "LambdaConfig": {} });
    desk.served.pool.call("UpdateUserPool", request).await.unwrap();
    let ran = desk.run(&["enroll", ANA], "yes\n").await;
    assert!(ran.sentence().contains("has no CreateAuthChallenge trigger"), "{}", ran.sentence());
    desk.run(&["enroll", ANA, "--table", TABLE_NAME], "yes\n").await.well();
}

// ── Sessions.

/// A record that says that tokens passed without a second factor; without an authenticator.
async fn pass_unproven(desk: &HelpDesk, user: &UserKey) {
    let Versioned { record, version } = desk.stored(user).await;
    let client = ClientId::new("web").unwrap();
    let shared::without_second_factor::WithoutGrant::PassNoting(noted) =
        record.without_grant(&client, Required::No, desk.served.clock.now())
    else {
        panic!("{record:?}")
    };
    assert_eq!(desk.store().save(user, &noted, version).await.unwrap(), Saved::Recorded);
}

#[tokio::test]
async fn a_record_that_is_changed_keeps_what_it_says_about_sessions() {
    for (command, is_enrolled) in [
        ("enroll", false),
        ("operator-code", true),
        ("unlock", true),
        ("forget", false),
        ("forget", true),
        ("import", false),
        ("import", true),
    ] {
        let desk = HelpDesk::new().await;
        let ana = desk.user(ANA, true).await;
        desk.run(&["sign-out", &ana.sub, "--yes"], "").await.well();
        let signed_out = desk.served.clock.now();
        desk.served.clock.wait(HOUR);
        pass_unproven(&desk, &ana).await;
        let notes = (Some(signed_out), Some(signed_out.plus(HOUR)));
        if is_enrolled {
            let person = desk.enroll(ANA).await;
            desk.guess(ANA, &person, 5).await;
        }
        desk.served.clock.wait(HOUR);
        let file = std::env::temp_dir().join(format!("second-factor-sessions-{}.csv", std::process::id()));
        let file = file.to_str().unwrap();
        let mut arguments = vec![command, &ana.sub, "--yes"];
        match command {
            "import" => {
                std::fs::write(file, format!("user,secret\n{},JBSWY3DPEHPK3PXP\n", ana.sub)).unwrap();
                arguments = vec![command, file, "--replace", "--yes"];
            }
            "forget" => {
                let request = json!({ "UserPoolId": desk.served.user_pool_id, "Username": ANA });
                desk.served.pool.call("AdminDeleteUser", request).await.unwrap();
            }
            _ => {}
        }
        let before = desk.stored(&ana).await.record;
        assert_eq!((before.signed_out_at(), before.last_unproven_at()), notes, "{command}");
        desk.run(&arguments, "").await.well();
        let after = desk.stored(&ana).await.record;
        assert_eq!(after.last_change().unwrap().what(), command);
        assert_eq!((after.signed_out_at(), after.last_unproven_at()), notes, "{command}");
    }
}

#[tokio::test]
async fn a_reset_ends_what_the_record_says_of_sessions() {
    let desk = HelpDesk::new().await;
    let ana = desk.user(ANA, true).await;
    pass_unproven(&desk, &ana).await;
    let noted = async || {
        let record = desk.stored(&ana).await.record;
        (record.last_unproven_at(), record.signed_out_at())
    };
    let unproven = noted().await.0;
    desk.proxy
        .fault(|_, call| (call == "AdminSetUserPassword").then_some(Fault::Refused("InternalErrorException", "")));
    let ran = desk.run(&["reset", &ana.sub, "--yes"], "").await;
    assert!(ran.sentence().contains("sessions go on"), "{}", ran.sentence());
    assert_eq!(noted().await, (unproven, None));

    desk.proxy.fault(|_, _| None);
    let ran = desk.run(&["reset", &ana.sub, "--yes"], "").await.well();
    assert!(ran.said.contains("run `second-factor sign-out` in two minutes"), "{}", ran.said);
    assert_eq!(noted().await.0, unproven, "the guard has passed tokens just now");

    desk.served.clock.wait(ISSUED_WITHIN_SECONDS);
    let ran = desk.run(&["reset", &ana.sub, "--yes"], "").await.well();
    assert!(!ran.said.contains("second-factor sign-out"), "{}", ran.said);
    assert_eq!(noted().await, (None, Some(desk.served.clock.now())));
    assert_eq!(
        desk.stored(&ana).await.record.enrollment_status(desk.served.clock.now()),
        EnrollmentStatus::OperatorCode
    );
}

/// Where a `sign-out-all` keeps how far it is.
fn progress_file(of: &str) -> String {
    let name = format!("second-factor-{}-{of}.sign-out.json", std::process::id());
    std::env::temp_dir().join(name).display().to_string()
}

#[tokio::test]
async fn sign_out_ends_sessions_and_notes_it_in_a_record_or_a_new_one() {
    let desk = HelpDesk::new().await;
    let (ana, ben) = (desk.user(ANA, true).await, desk.user("ben@example.com", true).await);
    pass_unproven(&desk, &ana).await;
    for user in [&ana, &ben] {
        desk.served.clock.wait(HOUR);
        desk.proxy.calls();
        let ran = desk.run(&["sign-out", &user.sub], "yes\n").await.well();
        assert!(ran.said.ends_with("All sessions have ended.\n"), "{}", ran.said);
        let calls = desk.proxy.calls();
        let at = |name: &str| calls.iter().rposition(|call| call == name).unwrap();
        assert!(at("GetItem") < at("AdminUserGlobalSignOut") && at("AdminUserGlobalSignOut") < at("PutItem"));
        assert_eq!((&ran.audit[0]["command"], &ran.audit[0]["sub"]), (&json!("sign-out"), &json!(user.sub)));
        let record = desk.stored(user).await.record;
        assert_eq!(record.signed_out_at(), Some(desk.served.clock.now()));
        assert_eq!(record.last_unproven_at(), None);
        assert_eq!(record.last_change().unwrap().what(), "sign-out");
    }
    let tried = desk.run(&["sign-out", &ana.sub, "--dry-run"], "").await.well();
    assert!(tried.audit.is_empty() && !desk.proxy.calls().contains(&"AdminUserGlobalSignOut".to_owned()));
}

/// Somebody's sign-in saves the record while Cognito ends the sessions.
fn save_at_the_sign_out(desk: &HelpDesk, user: &UserKey) {
    let (store, user) = (desk.store(), user.clone());
    let runtime = tokio::runtime::Handle::current();
    desk.proxy.fault(move |_, call| {
        if call == "AdminUserGlobalSignOut" {
            let save = async {
                let Versioned { record, version } = store.load(&user).await.unwrap();
                assert_eq!(store.save(&user, &record, version).await.unwrap(), Saved::Recorded);
            };
            std::thread::scope(|scope| scope.spawn(|| runtime.block_on(save)).join().unwrap());
        }
        None
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_during_a_sign_out_is_not_noted_as_ended() {
    let desk = HelpDesk::new().await;
    let ana = desk.user(ANA, true).await;
    pass_unproven(&desk, &ana).await;
    desk.served.clock.wait(HOUR);
    save_at_the_sign_out(&desk, &ana);
    let ran = desk.run(&["sign-out", ANA], "yes\n").await;
    assert!(matches!(ran.ended, Err(Stopped::Failed(_))));
    assert!(ran.sentence().ends_with("Run it again."), "{}", ran.sentence());
    assert_eq!(desk.stored(&ana).await.record.signed_out_at(), None);

    // Everybody: whom it met is named.
    desk.user("ben@example.com", true).await;
    let progress = progress_file("conflict");
    let all = ["sign-out-all", "--yes", "--per-second", "25", "--progress", &progress];
    let ran = desk.run(&all, "").await;
    assert!(ran.said.contains("2 users were signed out; 0 had never signed in"), "{}", ran.said);
    let named = format!("Run `second-factor sign-out` for each: {}.", ana.sub);
    assert!(ran.sentence().starts_with("Of 1 users") && ran.sentence().ends_with(&named), "{}", ran.sentence());
    assert_eq!(desk.stored(&ana).await.record.signed_out_at(), None);
    assert!(desk.stored(&ana).await.record.last_unproven_at().is_some());

    desk.proxy.fault(|_, _| None);
    let ran = desk.run(&all, "").await.well();
    assert_eq!(ran.audit.len(), 2);
    let record = desk.stored(&ana).await.record;
    assert_eq!((record.signed_out_at(), record.last_unproven_at()), (Some(desk.served.clock.now()), None));
}

#[tokio::test]
async fn a_sign_out_seconds_after_a_sign_in_says_to_run_it_again() {
    let desk = HelpDesk::new().await;
    let ana = desk.user(ANA, true).await;
    pass_unproven(&desk, &ana).await;
    // The tokens that the guard has passed may be issued after the sign-out.
    desk.served.clock.wait(ISSUED_WITHIN_SECONDS - 1);
    let ran = desk.run(&["sign-out", ANA], "yes\n").await;
    assert!(ran.sentence().contains("less than 80 seconds before") && ran.sentence().contains("Run it again"));
    assert_eq!(ran.audit.len(), 1);
    let progress = progress_file("recent");
    let all = ["sign-out-all", "--yes", "--per-second", "25", "--progress", &progress];
    let ran = desk.run(&all, "").await;
    assert!(ran.sentence().contains(&format!("for each: {}.", ana.sub)), "{}", ran.sentence());
    let record = desk.stored(&ana).await.record;
    assert!(record.signed_out_at().is_some() && record.last_unproven_at().is_some());

    desk.served.clock.wait(1);
    desk.run(&["sign-out", ANA], "yes\n").await.well();
    assert_eq!(desk.stored(&ana).await.record.last_unproven_at(), None);
}

/// Whether the guard passes a refresh of a user of whom a second factor is required; it began a day ago.
async fn refreshes(desk: &HelpDesk, user: &UserKey) -> bool {
    let (client, now) = (ClientId::new("web"), desk.served.clock.now());
    let longest = LongestSession::new(30, UnixTime(now.0 - DAY));
    pass_refresh(&desk.store(), user, client.as_ref(), longest, Policy::Required, None, now).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_after_everybody_was_signed_out_is_refused_no_refresh() {
    let desk = HelpDesk::new().await;
    let ben = desk.user("ben@example.com", true).await;
    let ana = desk.user(ANA, true).await;
    desk.enroll(ANA).await;
    // Her session may be from before the guard.
    assert!(!refreshes(&desk, &ana).await);
    let progress = progress_file("everybody");
    let all = ["sign-out-all", "--yes", "--per-second", "25", "--progress", &progress];
    let ran = desk.run(&all, "").await.well();
    assert!(ran.said.contains("is not set up for the pool, so it will not say"), "{}", ran.said);
    let new = async |email: &str| {
        let user = desk.user(email, true).await;
        desk.enroll(email).await;
        user
    };
    let clara = new("clara@example.com").await;
    assert!(!refreshes(&desk, &clara).await);

    desk.run(&["init", "--yes"], "").await.well();
    desk.served.clock.wait(HOUR);
    // After the three records, the table.
    let fault_at_the_table = |fault: Fault| {
        let saves = AtomicUsize::new(0);
        desk.proxy.fault(move |_, call| {
            (call == "PutItem" && saves.fetch_add(1, Ordering::SeqCst) >= 3).then(|| fault.clone())
        });
    };
    let (began_at, nobody_knows) = (desk.served.clock.now(), "nobody knows");
    pass_unproven(&desk, &ben).await;
    fault_at_the_table(Fault::Refused("InternalServerError", nobody_knows));
    let ran = desk.run(&all, "").await;
    let sentence = ran.sentence();
    assert!(sentence.contains(&format!("for each: {}.", ben.sub)), "{sentence}");
    assert!(sentence.contains("The table does not say that everybody was signed out"), "{sentence}");
    let noted_at = async || desk.store().everybody_signed_out_at(&desk.served.user_pool_id).await.unwrap();
    assert_eq!(noted_at().await, None);
    // Run again, it does only what is left.
    desk.served.clock.wait(HOUR);
    desk.proxy.fault(move |_, call| {
        (call == "PutItem").then_some(Fault::DoneAndRefused("InternalServerError", nobody_knows))
    });
    let ran = desk.run(&all, "").await;
    assert!(ran.sentence().contains(&ben.sub) && !ran.sentence().contains("The table"), "{}", ran.sentence());
    assert!(ran.said.contains("nobody is signed out again") && !ran.said.contains("Each has to"), "{}", ran.said);
    assert_eq!((ran.audit.len(), &ran.audit[0]["everybodySignedOutAt"]), (1, &json!("2027-01-15T09:00:00Z")));
    assert_eq!(noted_at().await, Some(began_at));
    assert!(!desk.proxy.calls().contains(&"AdminUserGlobalSignOut".to_owned()));
    desk.proxy.fault(|_, _| None);
    desk.store().confirm(&desk.served.user_pool_id).await.unwrap();
    let dora = new("dora@example.com").await;
    assert!(refreshes(&desk, &dora).await && refreshes(&desk, &clara).await);

    // A copy of the table says nothing about this one's users.
    set_up_as(&desk, r#"{"tableName":"older","everybodySignedOutAt":1900000000}"#).await;
    assert!(!refreshes(&desk, &dora).await);
}

#[tokio::test]
async fn a_sign_out_whose_save_has_no_answer_is_looked_up() {
    let desk = HelpDesk::new().await;
    let ana = desk.user(ANA, true).await;
    let fault = |fault: Fault| desk.proxy.fault(move |_, call| (call == "PutItem").then(|| fault.clone()));
    fault(Fault::Refused("InternalServerError", "nobody knows"));
    let ran = desk.run(&["sign-out", ANA], "yes\n").await;
    assert!(ran.sentence().contains("may not be noted: PutItem: InternalServerError"), "{}", ran.sentence());
    assert_eq!(desk.stored(&ana).await.record.signed_out_at(), None);
    fault(Fault::DoneAndRefused("InternalServerError", "nobody knows"));
    desk.run(&["sign-out", ANA], "yes\n").await.well();
    assert_eq!(desk.stored(&ana).await.record.signed_out_at(), Some(desk.served.clock.now()));
}

#[tokio::test]
async fn status_says_who_signs_in_without_a_second_factor_and_who_must_not() {
    let desk = HelpDesk::new().await;
    let (ana, ben) = (desk.user(ANA, true).await, desk.user("ben@example.com", true).await);
    pass_unproven(&desk, &ana).await;
    shared::redeem_grant::note_requirement(&desk.store(), &ben, true, desk.served.clock.now()).await.unwrap();
    let said = desk.run(&["status", &ana.sub], "").await.well().said;
    assert!(said.contains("Last sign-in without a second factor: 2027-01-15T08:00:00Z"), "{said}");
    let said = desk.run(&["status", &ben.sub], "").await.well().said;
    assert!(
        said.contains("A second factor is required, as the token guard saw first at 2027-01-15T08:00:00Z"),
        "{said}"
    );
    let counted = desk.run(&["status", "--json"], "").await.well().json();
    assert_eq!((&counted["passedUnproven"], &counted["requiredNotEnrolled"]), (&json!(1), &json!(1)));

    desk.served.clock.wait(HOUR);
    desk.run(&["sign-out", &ana.sub, "--yes"], "").await.well();
    let json = desk.run(&["status", &ana.sub, "--json"], "").await.well().json();
    assert_eq!(json["signedOutAt"], "2027-01-15T09:00:00Z");
    assert_eq!((&json["lastUnprovenAt"], &json["turnedOffAt"]), (&Value::Null, &Value::Null));
}

// ── Whose table it is.

#[tokio::test]
async fn init_sets_the_table_up_once_and_its_item_is_no_record() {
    let desk = HelpDesk::new().await;
    let pool = desk.served.user_pool_id.clone();
    assert!(desk.store().confirm(&pool).await.is_err());
    let tried = desk.run(&["init", "--dry-run"], "").await.well();
    assert!(tried.said.contains("says nothing about whose records it has"), "{}", tried.said);
    let ran = desk.run(&["init"], "no\n").await;
    assert_eq!(ran.sentence(), "Nothing was changed: \"yes\" was not typed.");
    assert!(desk.store().confirm(&pool).await.is_err());

    let ran = desk.run(&["init"], "yes\n").await.well();
    assert!(ran.said.ends_with("The table is set up.\n"), "{}", ran.said);
    assert_eq!(ran.audit.len(), 1);
    assert_eq!((&ran.audit[0]["command"], &ran.audit[0]["table"]), (&json!("init"), &json!(TABLE_NAME)));
    desk.store().confirm(&pool).await.unwrap();
    assert!(desk.store().confirm("us-east-1_Another").await.is_err());

    desk.proxy.calls();
    let again = desk.run(&["init", "--yes", "--json"], "").await.well();
    assert_eq!(again.json(), json!({ "table": TABLE_NAME, "setUp": true, "changed": false }));
    assert!(again.audit.is_empty() && !desk.proxy.calls().contains(&"PutItem".to_owned()));

    let counted = desk.run(&["status", "--json"], "").await.well().json();
    assert_eq!((&counted["records"], &counted["unreadable"]), (&json!(0), &json!(0)));
    desk.user(ANA, true).await;
    let pruned = desk.run(&["prune", "--dry-run", "--json"], "").await.well().json();
    assert_eq!((&pruned["marked"], &pruned["unreadable"]), (&json!(0), &json!(0)));
}

/// Writes the item that says whose table it is, as the functions of another table would have it.
async fn set_up_as(desk: &HelpDesk, record: &str) {
    use aws_sdk_dynamodb::types::AttributeValue::{N, S};
    let put = aws_sdk_dynamodb::Client::new(&desk.served.config).put_item().table_name(TABLE_NAME);
    let put = put.item("user", S(set_up_key(&desk.served.user_pool_id))).item("version", N("1".to_owned()));
    put.item("record", S(record.to_owned())).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn init_takes_a_copy_of_a_table_only_as_one_that_was_restored() {
    let desk = HelpDesk::new().await;
    let pool = desk.served.user_pool_id.clone();
    for (record, said) in [(r#"{"tableName":"older"}"#, "it is the table older"), ("{}", "it is something else")] {
        set_up_as(&desk, record).await;
        let ran = desk.run(&["init", "--yes"], "").await;
        assert!(matches!(ran.ended, Err(Stopped::NothingChanged(_))), "{}", ran.said);
        assert!(ran.said.contains(said) && ran.sentence().contains("--restored"), "{} {}", ran.said, ran.sentence());
        assert!(desk.store().confirm(&pool).await.is_err());
        desk.run(&["init", "--restored"], "yes\n").await.well();
        desk.store().confirm(&pool).await.unwrap();
    }

    // Somebody else writes it while the person reads the question.
    set_up_as(&desk, r#"{"tableName":"older"}"#).await;
    let runtime = tokio::runtime::Handle::current();
    let mut meanwhile = Meanwhile::then_yes(|| {
        let write = || runtime.block_on(set_up_as(&desk, r#"{"tableName":"newer"}"#));
        std::thread::scope(|scope| scope.spawn(write).join().unwrap());
    });
    let ran = desk.run_with(&["init", "--restored"], &mut meanwhile).await;
    assert!(ran.sentence().contains("somebody else has changed"), "{}", ran.sentence());
    assert!(desk.store().confirm(&pool).await.is_err());
}

#[tokio::test]
async fn an_init_without_an_answer_is_looked_up() {
    let desk = HelpDesk::new().await;
    let fault = |fault: Fault| desk.proxy.fault(move |_, call| (call == "PutItem").then(|| fault.clone()));
    fault(Fault::Refused("InternalServerError", "nobody knows"));
    let ran = desk.run(&["init"], "yes\n").await;
    assert!(ran.sentence().starts_with("Nothing was changed: PutItem: InternalServerError"), "{}", ran.sentence());
    fault(Fault::DoneAndRefused("InternalServerError", "nobody knows"));
    assert_eq!(desk.run(&["init"], "yes\n").await.well().audit.len(), 1);
    desk.store().confirm(&desk.served.user_pool_id).await.unwrap();
}

// ── What each command is allowed.

fn allowed(policy: &str) -> BTreeSet<String> {
    let path = format!("{}/../docs/policies/{policy}.json", env!("CARGO_MANIFEST_DIR"));
    let policy: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let statements = policy["Statement"].as_array().unwrap().iter();
    let actions = statements.flat_map(|statement| statement["Action"].as_array().unwrap().clone());
    actions.map(|action| action.as_str().unwrap().split_once(':').unwrap().1.to_owned()).collect()
}

#[test]
fn who_writes_the_tables_own_item_may() {
    for policy in ["init", "sign-out-all", "doctor"] {
        let path = format!("{}/../docs/policies/{policy}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains("\"#us-east-1_Example12\""), "{policy}");
    }
}

#[tokio::test]
async fn each_policy_allows_what_its_commands_call_and_nothing_else() {
    let desk = HelpDesk::new().await;
    let ana = desk.user(ANA, true).await;
    let person = desk.enroll(ANA).await;
    desk.guess(ANA, &person, 5).await;
    let gone = desk.user("gone@example.com", true).await;
    desk.run(&["enroll", &gone.sub, "--yes"], "").await.well();
    let request = json!({ "UserPoolId": desk.served.user_pool_id, "Username": "gone@example.com" });
    desk.served.pool.call("AdminDeleteUser", request).await.unwrap();
    let progress = progress_file("policy");
    for (policy, commands) in [
        ("support", &[&["status", ANA][..], &["unlock", ANA], &["operator-code", ANA]][..]),
        ("reset", &[&["reset", ANA]]),
        ("status", &[&["status"]]),
        ("init", &[&["init"]]),
        ("sign-out-all", &[&["sign-out", ANA]]),
        ("sign-out-all", &[&["sign-out-all", "--per-second", "25", "--progress", &progress]]),
        ("forget", &[&["prune"], &["forget", &gone.sub]]),
    ] {
        desk.proxy.calls();
        for command in commands {
            desk.run(command, "yes\n").await.well();
        }
        // Nobody needs a right to ask who they are.
        let calls = desk.proxy.calls().into_iter().filter(|call| call != "GetCallerIdentity");
        assert_eq!(calls.collect::<BTreeSet<_>>(), allowed(policy), "{policy}");
    }
    assert_eq!(desk.status(&ana).await, EnrollmentStatus::OperatorCode);
}
