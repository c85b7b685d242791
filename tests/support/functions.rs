//! The three triggers over one store, called with events as Cognito calls them, and a client that signs in through them.

#![expect(clippy::disallowed_methods, reason = "test support draws real randomness")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use create_auth_challenge::Create;
use serde_json::{Map, Value, json};
use shared::clock::UnixTime;
use shared::cognito::UserKey;
use shared::error::{ClientError, HandlerError};
use shared::invocation::answer;
use shared::random::{FillRandom, RandomError};
use shared::record::Record;
use shared::settings::{AcceptedCognitoMfa, CreateSettings, Enrollment, SignInSettings};
use shared::store::memory::{MemorySealer, MemoryStore};
use shared::store::{RecordStore, Saved, Version, Versioned};
use shared::totp::{Parameters, SECRET_BYTES, SharedSecret, passcode_at};
use verify_auth_challenge::Verify;

/// The time at which sample events happen, and new [`Functions`] begin.
pub const NOW: UnixTime = UnixTime(1_800_000_000);
/// The user pool of every event here.
pub const USER_POOL_ID: &str = "us-east-1_Example01";
/// The request id of every call here.
pub const REQUEST_ID: &str = "plainly-fake-request-id";
/// Every secret that [`plainly_fake`] draws.
pub const FAKE_SECRET: &[u8; SECRET_BYTES] = b"plainly fake secret!";

/// Which trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeTrigger {
    /// Define Auth Challenge.
    Define,
    /// Create Auth Challenge.
    Create,
    /// Verify Auth Challenge Response.
    Verify,
}

impl ChallengeTrigger {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Define, Self::Create, Self::Verify];

    /// Its function, and the folder of its events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Define => "define-auth-challenge",
            Self::Create => "create-auth-challenge",
            Self::Verify => "verify-auth-challenge",
        }
    }

    /// `triggerSource`
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Self::Define => "DefineAuthChallenge_Authentication",
            Self::Create => "CreateAuthChallenge_Authentication",
            Self::Verify => "VerifyAuthChallengeResponse_Authentication",
        }
    }

    /// `response` as Cognito sends it.
    #[must_use]
    pub fn unanswered(self) -> Value {
        match self {
            Self::Define => json!({ "challengeName": null, "issueTokens": null, "failAuthentication": null }),
            Self::Create => json!({
                "publicChallengeParameters": null, "privateChallengeParameters": null, "challengeMetadata": null,
            }),
            Self::Verify => json!({ "answerCorrect": null }),
        }
    }
}

/// A user of Cognito's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// `userName`
    pub name: String,
    /// `userAttributes`, `sub` among them.
    pub attributes: Map<String, Value>,
}

impl User {
    /// A confirmed user with an e-mail address; `number` makes the `sub`.
    #[must_use]
    pub fn named(name: &str, number: u8) -> Self {
        let attributes = json!({
            "sub": format!("00000000-0000-4000-8000-0000000000{number:02x}"),
            "cognito:user_status": "CONFIRMED",
            "email_verified": "true",
            "email": format!("{name}@example.com"),
        });
        let Value::Object(attributes) = attributes else { panic!("an object") };
        Self { name: name.to_owned(), attributes }
    }

    /// Whose record.
    #[must_use]
    pub fn key(&self) -> UserKey {
        let sub = self.attributes["sub"].as_str().expect("a sub");
        UserKey { user_pool_id: USER_POOL_ID.to_owned(), sub: sub.to_owned() }
    }

    /// An event about this user, with the trigger's `own` fields of `request`.
    #[must_use]
    pub fn event(&self, trigger: ChallengeTrigger, own: Value) -> Value {
        let mut request = json!({ "userAttributes": self.attributes, "userNotFound": false });
        let (Value::Object(own), Some(fields)) = (own, request.as_object_mut()) else { panic!("an object") };
        fields.extend(own);
        json!({
            "version": "1",
            "triggerSource": trigger.source(),
            "region": "us-east-1",
            "userPoolId": USER_POOL_ID,
            "userName": self.name,
            "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "plainlyfakeclientid" },
            "request": request,
            "response": trigger.unanswered(),
        })
    }
}

/// The three triggers, their store and their clock. `ACCEPTED_COGNITO_MFA=NONE`, `ENROLLMENT=AT_SIGN_IN`.
pub struct Functions<S = MemoryStore> {
    /// Create, and with it the settings.
    pub create: Create<Arc<S>, Arc<MemorySealer>>,
    /// Verify.
    pub verify: Verify<Arc<S>, Arc<MemorySealer>>,
    now: AtomicU64,
}

impl Functions {
    /// Nobody has a record; randomness is real.
    #[must_use]
    pub fn new() -> Self {
        Self::over(MemoryStore::default(), fill_random, fill_random)
    }
}

impl Default for Functions {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: RecordStore> Functions<S> {
    /// Over `store`, with a sealing key from `key_from` and everything else from `random`.
    ///
    /// # Panics
    /// When there is no key.
    #[must_use]
    pub fn over(store: S, key_from: FillRandom, random: FillRandom) -> Self {
        let store = Arc::new(store);
        let sealer = Arc::new(MemorySealer::new(key_from).expect("a key"));
        let settings = CreateSettings { sign_in: template_settings(), issuer: "Example".to_owned() };
        let enrollment = settings.sign_in.enrollment();
        Self {
            create: Create { settings, store: store.clone(), sealer: sealer.clone(), random },
            verify: Verify { enrollment, store, sealer },
            now: AtomicU64::new(NOW.0),
        }
    }

    /// Changes what the three are set to.
    pub fn set(&mut self, settings: SignInSettings) {
        self.create.settings.sign_in = settings;
        self.verify.enrollment = settings.enrollment();
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.create.store
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        UnixTime(self.now.load(Ordering::SeqCst))
    }

    /// Sets the clock.
    pub fn set_clock(&self, now: UnixTime) {
        self.now.store(now.0, Ordering::SeqCst);
    }

    /// Lets `seconds` pass.
    pub fn wait(&self, seconds: u64) {
        self.set_clock(self.now().plus(seconds));
    }

    /// What `trigger` does with `event`, in its own words. A panic is the test's.
    ///
    /// # Errors
    /// The function's.
    pub async fn handle(&self, trigger: ChallengeTrigger, event: Value) -> Result<Value, HandlerError> {
        match trigger {
            ChallengeTrigger::Define => define_auth_challenge::handle(event, &self.create.settings.sign_in),
            ChallengeTrigger::Create => self.create.handle(event, self.now()).await,
            ChallengeTrigger::Verify => self.verify.handle(event, self.now()).await,
        }
    }

    /// What Cognito hears from `trigger`.
    ///
    /// # Errors
    /// The one error.
    pub async fn answer(&self, trigger: ChallengeTrigger, event: Value) -> Result<Value, ClientError> {
        answer(REQUEST_ID, event, async |event| self.handle(trigger, event).await).await
    }

    /// What Cognito hears from Define.
    ///
    /// # Errors
    /// The one error.
    pub async fn define(&self, event: Value) -> Result<Value, ClientError> {
        self.answer(ChallengeTrigger::Define, event).await
    }

    /// What Cognito hears from Create.
    ///
    /// # Errors
    /// The one error.
    pub async fn create(&self, event: Value) -> Result<Value, ClientError> {
        self.answer(ChallengeTrigger::Create, event).await
    }

    /// What Cognito hears from Verify.
    ///
    /// # Errors
    /// The one error.
    pub async fn verify(&self, event: Value) -> Result<Value, ClientError> {
        self.answer(ChallengeTrigger::Verify, event).await
    }

    /// Brings a user without an authenticator through TOTP_SETUP and RECOVERY_CODES to the tokens. The present passcode
    /// is used up by it.
    ///
    /// # Panics
    /// When the sign-in takes another way.
    pub async fn enroll(&self, user: &User) -> Enrolled {
        let mut sign_in = SignIn::after_password(self, user);
        let shown = sign_in.challenge().await.expect("TOTP_SETUP");
        let secret = secret_shown(&shown);
        assert!(sign_in.answer(&passcode(&secret, self.now())).await.expect("a judgement"), "the first passcode");
        let shown = sign_in.challenge().await.expect("RECOVERY_CODES");
        let codes: Vec<String> =
            shown["recoveryCodes"].as_str().expect("codes").split(' ').map(ToOwned::to_owned).collect();
        assert!(sign_in.answer(&codes[0]).await.expect("a judgement"), "one of the codes");
        assert!(sign_in.define().await.expect("an answer")["issueTokens"] == true, "tokens");
        Enrolled { secret, codes }
    }
}

/// What a user has in hand after [`Functions::enroll`].
pub struct Enrolled {
    /// The secret in the authenticator.
    pub secret: SharedSecret,
    /// The recovery codes as shown, all unused.
    pub codes: Vec<String>,
}

/// One sign-in as Cognito drives it, from where the password was right.
pub struct SignIn<'a, S = MemoryStore> {
    functions: &'a Functions<S>,
    user: &'a User,
    /// What Define and Create see of it.
    pub session: Vec<Value>,
    /// What the client sends with each answer.
    pub client_metadata: Option<Value>,
    /// The whole answer of the last Create.
    pub issued: Value,
}

impl<'a, S: RecordStore> SignIn<'a, S> {
    /// Cognito has checked the password.
    #[must_use]
    pub fn after_password(functions: &'a Functions<S>, user: &'a User) -> Self {
        let session = vec![entry("SRP_A", true, None), entry("PASSWORD_VERIFIER", true, None)];
        Self { functions, user, session, client_metadata: None, issued: Value::Null }
    }

    fn event(&self, trigger: ChallengeTrigger, own: Value) -> Value {
        let mut event = self.user.event(trigger, own);
        if let Some(client_metadata) = &self.client_metadata {
            event["request"]["clientMetadata"] = client_metadata.clone();
        }
        event
    }

    /// Define's `response`.
    ///
    /// # Errors
    /// The one error.
    pub async fn define(&self) -> Result<Value, ClientError> {
        let event = self.event(ChallengeTrigger::Define, json!({ "session": self.session }));
        Ok(self.functions.define(event).await?["response"].take())
    }

    /// The public parameters of the next challenge.
    ///
    /// # Errors
    /// The one error.
    ///
    /// # Panics
    /// When Define asks for none of ours.
    pub async fn challenge(&mut self) -> Result<Value, ClientError> {
        let asked = self.define().await?;
        assert!(asked["challengeName"] == "CUSTOM_CHALLENGE", "no challenge of ours: {asked}");
        let own = json!({ "session": self.session, "challengeName": "CUSTOM_CHALLENGE" });
        self.issued = self.functions.create(self.event(ChallengeTrigger::Create, own)).await?["response"].take();
        Ok(self.issued["publicChallengeParameters"].clone())
    }

    /// Verify's event for `answer`, for deliveries of one's own.
    #[must_use]
    pub fn answer_event(&self, answer: &str) -> Value {
        let private_parameters = &self.issued["privateChallengeParameters"];
        let own = json!({ "privateChallengeParameters": private_parameters, "challengeAnswer": answer });
        self.event(ChallengeTrigger::Verify, own)
    }

    /// Whether `answer` to the challenge was right; the session grows by it.
    ///
    /// # Errors
    /// The one error.
    ///
    /// # Panics
    /// When Verify says neither.
    pub async fn answer(&mut self, answer: &str) -> Result<bool, ClientError> {
        let answered = self.functions.verify(self.answer_event(answer)).await?;
        let right = answered["response"]["answerCorrect"].as_bool().expect("answerCorrect");
        self.session.push(entry("CUSTOM_CHALLENGE", right, self.issued["challengeMetadata"].as_str()));
        Ok(right)
    }
}

/// An entry of `session`.
#[must_use]
pub fn entry(name: &str, result: bool, metadata: Option<&str>) -> Value {
    json!({ "challengeName": name, "challengeResult": result, "challengeMetadata": metadata })
}

/// The secret in the public parameters of TOTP_SETUP.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn secret_shown(public_parameters: &Value) -> SharedSecret {
    let text = public_parameters["secretCode"].as_str().expect("a secret");
    SharedSecret::new(base32(text).expect("base32"))
}

/// Reads base32 without padding (RFC 4648 §6); `None` when it is something else.
#[must_use]
pub fn base32(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: Option<String> = text.chars().map(|c| ALPHABET.find(c).map(|value| format!("{value:05b}"))).collect();
    let (bytes, _) = bits.as_deref()?.as_bytes().as_chunks::<8>();
    bytes.iter().map(|byte| u8::from_str_radix(std::str::from_utf8(byte).ok()?, 2).ok()).collect()
}

/// What an authenticator with `secret` shows at `time`.
///
/// # Panics
/// When `secret` is none.
#[must_use]
pub fn passcode(secret: &SharedSecret, time: UnixTime) -> String {
    passcode_at(secret, Parameters::default(), time).expect("a passcode")
}

/// A passcode that is wrong at `now`.
///
/// # Panics
/// Never: of four, one is wrong.
#[must_use]
pub fn wrong_passcode(secret: &SharedSecret, now: UnixTime) -> String {
    let right = [-30, 0, 30].map(|off| passcode(secret, UnixTime(now.0.saturating_add_signed(off))));
    let wrong = ["531864", "642975", "753186", "864297"].into_iter().find(|guess| !right.iter().any(|r| r == guess));
    wrong.expect("a wrong passcode").to_owned()
}

/// The operating system's randomness.
///
/// # Errors
/// It failed.
pub fn fill_random(bytes: &mut [u8]) -> Result<(), RandomError> {
    getrandom::fill(bytes).map_err(|_| RandomError)
}

/// No randomness: secrets, codes and keys that anyone can see to be fake, and that sample events can therefore hold.
/// Nonces and ids are different ones in each thread's order, and so are ten codes in a row.
///
/// # Errors
/// None.
pub fn plainly_fake(bytes: &mut [u8]) -> Result<(), RandomError> {
    thread_local! {
        static DRAWN: Cell<u32> = const { Cell::new(0) };
    }
    let number = DRAWN.replace(DRAWN.get().wrapping_add(1));
    let text = match bytes.len() {
        SECRET_BYTES => String::from_utf8_lossy(FAKE_SECRET).into_owned(),
        // A recovery code.
        10 => format!("fake code{}", number % 10),
        // A nonce, an id or a salt.
        16 => format!("fake {number:010} "),
        // A key, or the nonce of a sealing.
        _ => "plainly fake ".to_owned(),
    };
    bytes.iter_mut().zip(text.bytes().cycle()).for_each(|(byte, fake)| *byte = fake);
    Ok(())
}

/// The sample events of `trigger` by name, for the settings of [`Functions`]: what events/ holds.
///
/// # Panics
/// When a file is no JSON.
#[must_use]
pub fn sample_events(trigger: ChallengeTrigger) -> BTreeMap<String, Value> {
    let events = sample_events_in("", trigger);
    assert!(!events.is_empty(), "no events");
    events
}

/// The same, in a folder of [`sample_settings`].
///
/// # Panics
/// When a file is no JSON.
#[must_use]
pub fn sample_events_in(folder: &str, trigger: ChallengeTrigger) -> BTreeMap<String, Value> {
    read_events(&Path::new(EVENTS).join(folder).join(trigger.name()))
}

/// The sample events of the token guard.
///
/// # Panics
/// When there is none, or a file is no JSON.
#[must_use]
pub fn sample_events_of_the_guard() -> BTreeMap<String, Value> {
    let events = read_events(&Path::new(EVENTS).join("pre-token-generation"));
    assert!(!events.is_empty(), "no events");
    events
}

fn read_events(folder: &Path) -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(folder).into_iter().flatten();
    files
        .map(|file| {
            let path = file.expect("a file").path();
            let text = std::fs::read_to_string(&path).expect("text");
            let case = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
            (case.to_owned(), serde_json::from_str(&text).unwrap_or_else(|error| panic!("{case}: {error}")))
        })
        .collect()
}

const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../events");

/// The folders of events/ that name the settings of the events in them, `ENROLLMENT+ACCEPTED_COGNITO_MFA`; and the folder
/// without a name, with the settings of [`Functions`].
///
/// # Panics
/// When a folder names no settings.
#[must_use]
pub fn sample_settings() -> BTreeMap<String, SignInSettings> {
    let files = std::fs::read_dir(EVENTS).expect("the folder of the events");
    let names = files.map(|file| file.expect("a file").file_name().into_string().expect("a name"));
    let named = names.filter_map(|name| {
        let (enrollment, accepted) = name.split_once('+')?;
        let lookup = |variable: &str| match variable {
            Enrollment::VARIABLE => Some(enrollment.to_owned()),
            AcceptedCognitoMfa::VARIABLE => Some(accepted.to_owned()),
            _ => None,
        };
        let settings = SignInSettings::read(&lookup).unwrap_or_else(|error| panic!("{name}: {error}"));
        Some((name, settings))
    });
    named.chain([(String::new(), template_settings())]).collect()
}

fn template_settings() -> SignInSettings {
    SignInSettings::new(AcceptedCognitoMfa::NONE, Enrollment::AtSignIn).expect("settings")
}

/// The users of the sample events (events/README.md) and their records at [`NOW`]. Ana is among them by having none.
pub struct SampleUsers {
    records: Vec<(UserKey, Record)>,
}

impl SampleUsers {
    /// Everyone, with the number of [`User::named`].
    pub const USERS: [(&str, u8); 6] =
        [("ana", 0xaa), ("ben", 0xbb), ("cleo", 0xcc), ("dora", 0xdd), ("emil", 0xee), ("fay", 0xff)];

    /// Brings every user to where the sample events find them, by answering challenges.
    ///
    /// # Panics
    /// When an answer is not judged as planned.
    pub async fn prepare() -> Self {
        let functions = Functions::over(MemoryStore::default(), plainly_fake, plainly_fake);
        let [ben, cleo, dora, emil, fay] =
            [("ben", 0xbb), ("cleo", 0xcc), ("dora", 0xdd), ("emil", 0xee), ("fay", 0xff)]
                .map(|(name, number)| User::named(name, number));

        // Ben has an authenticator and ten codes.
        functions.set_clock(UnixTime(NOW.0.saturating_sub(20 * 3600)));
        let mut sign_in = SignIn::after_password(&functions, &ben);
        sign_in.client_metadata = Some(json!({ "friendlyDeviceName": "Ben's phone" }));
        sign_in.challenge().await.expect("TOTP_SETUP");
        let first_passcode = passcode(&SharedSecret::new(FAKE_SECRET.to_vec()), functions.now());
        assert!(sign_in.answer(&first_passcode).await.expect("a judgement"), "the first passcode");
        let shown = sign_in.challenge().await.expect("RECOVERY_CODES");
        let code = shown["recoveryCodes"].as_str().and_then(|codes| codes.split(' ').next()).expect("a code");
        assert!(sign_in.answer(code).await.expect("a judgement"), "one of the codes");

        // Dora has just mistyped a fifth passcode, and Emil's have stopped.
        for (user, wrong) in [(&emil, 20), (&dora, 5)] {
            let enrolled = functions.enroll(user).await;
            for _ in 0..wrong {
                let mut sign_in = SignIn::after_password(&functions, user);
                let shown = sign_in.challenge().await.expect("SECOND_FACTOR");
                functions.wait(shown["retryAfterSeconds"].as_str().and_then(|s| s.parse().ok()).expect("seconds"));
                if (user, wrong) == (&dora, 5) {
                    functions.set_clock(UnixTime(NOW.0.saturating_sub(10)));
                }
                let passcode = wrong_passcode(&enrolled.secret, functions.now());
                assert!(!sign_in.answer(&passcode).await.expect("a judgement"), "a wrong passcode");
            }
        }

        // Cleo has an authenticator since a moment ago, and lost the connection before the codes.
        functions.set_clock(NOW);
        let mut sign_in = SignIn::after_password(&functions, &cleo);
        let shown = sign_in.challenge().await.expect("TOTP_SETUP");
        let first_passcode = passcode(&secret_shown(&shown), NOW);
        assert!(sign_in.answer(&first_passcode).await.expect("a judgement"), "the first passcode");

        // Fay has just given a passcode, and her tokens are next.
        functions.set_clock(UnixTime(NOW.0.saturating_sub(3600)));
        let enrolled = functions.enroll(&fay).await;
        functions.set_clock(UnixTime(NOW.0.saturating_sub(1)));
        let mut sign_in = SignIn::after_password(&functions, &fay);
        sign_in.challenge().await.expect("SECOND_FACTOR");
        let passcode = passcode(&enrolled.secret, functions.now());
        assert!(sign_in.answer(&passcode).await.expect("a judgement"), "a passcode");

        let mut records = Vec::new();
        for user in [ben, cleo, dora, emil, fay] {
            let record = functions.store().load(&user.key()).await.expect("a record").record;
            records.push((user.key(), record));
        }
        Self { records }
    }

    /// The three triggers over these users' records; what they draw is random.
    ///
    /// # Panics
    /// When a record is not saved.
    pub async fn functions(&self) -> Functions {
        let store = MemoryStore::default();
        for (user, record) in &self.records {
            let saved = store.save(user, record, Version::MISSING).await.expect("a save");
            assert!(saved == Saved::Recorded, "a new record");
        }
        Functions::over(store, plainly_fake, fill_random)
    }

    /// The same, set to other settings.
    ///
    /// # Panics
    /// When a record is not saved.
    pub async fn functions_set_to(&self, settings: SignInSettings) -> Functions {
        let mut functions = self.functions().await;
        functions.set(settings);
        functions
    }

    /// The records that there are, by their keys in the table.
    ///
    /// # Panics
    /// When one cannot be read.
    pub async fn records(functions: &Functions) -> Vec<(String, Value)> {
        let mut records = Vec::new();
        for user in Self::USERS.map(|(name, number)| User::named(name, number).key()) {
            let Versioned { record, version } = functions.store().load(&user).await.expect("a record");
            if version != Version::MISSING {
                let record = serde_json::from_str(&record.to_json().expect("JSON")).expect("JSON");
                records.push((user.to_string(), record));
            }
        }
        records
    }

    /// Every user's record, as text.
    ///
    /// # Panics
    /// When one cannot be read.
    pub async fn stored(functions: &Functions) -> Vec<String> {
        let mut stored = Vec::new();
        for (name, number) in Self::USERS {
            let Versioned { record, version } =
                functions.store().load(&User::named(name, number).key()).await.expect("a record");
            stored.push(format!("{name} {version:?} {}", record.to_json().expect("JSON")));
        }
        stored
    }
}
