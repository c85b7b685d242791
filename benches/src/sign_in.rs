//! The events of a sign-in, as Cognito would send them, and the record that they meet.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::record::Record;
use shared::totp::{Parameters, SharedSecret, passcode_at};

use crate::aws::Aws;
use crate::program::{Function, Language, Program, Scenario};

type Items = HashMap<String, Value>;

const STEP_SECONDS: u64 = 30;

/// A user, from the first sign-in on.
pub struct User {
    session: Vec<Value>,
    secret: String,
    set_up: Value,
    code: String,
    codes: Value,
    /// What a later sign-in is asked.
    prompt: Value,
    with_authenticator: Items,
    with_codes: Items,
}

impl User {
    /// Enrolls a user, by our own functions.
    pub fn enroll(program: impl Fn(Language, Function) -> Program, aws: &Aws) -> Self {
        let invoke = |function, event: &Value| program(Language::Rust, function).invoke_once(event)["response"].clone();
        let mut session = vec![right("SRP_A", &Value::Null), right("PASSWORD_VERIFIER", &Value::Null)];
        let set_up = invoke(Function::Create, &with_session(Function::Create, &session));
        let secret = set_up["publicChallengeParameters"]["secretCode"].as_str().expect("a secret").to_owned();
        // Of the step before: the present one is left for the sign-ins that are measured.
        let answer = passcode(&secret, UnixTime(now().0 - STEP_SECONDS));
        assert_eq!(invoke(Function::Verify, &to_verify(&set_up, &answer))["answerCorrect"], true);
        let with_authenticator = aws.items();
        session.push(right("CUSTOM_CHALLENGE", &set_up["challengeMetadata"]));
        let codes = invoke(Function::Create, &with_session(Function::Create, &session));
        let shown = codes["publicChallengeParameters"]["recoveryCodes"].as_str().expect("codes");
        let code = shown.split(' ').next().expect("a code").to_owned();
        assert_eq!(invoke(Function::Verify, &to_verify(&codes, &code))["answerCorrect"], true);
        let prompt = invoke(Function::Create, &sample(Function::Create));
        let with_codes = signed_in_often(aws.items());
        Self { session, secret, set_up, code, codes, prompt, with_authenticator, with_codes }
    }

    /// The table that an event finds. The guard's has a mark in it, which is good for a quarter of an hour.
    pub fn items(&self, function: Function, scenario: Scenario, verify: &Program, aws: &Aws) -> Items {
        match scenario {
            Scenario::SetUp => Items::new(),
            Scenario::Codes => self.with_authenticator.clone(),
            Scenario::Later if function == Function::Guard => {
                aws.set_items(&self.with_codes);
                verify.invoke_once(&self.event(Function::Verify, Scenario::Later));
                aws.items()
            }
            Scenario::Later => self.with_codes.clone(),
        }
    }

    /// The event of one function; of a later sign-in a new one each time.
    pub fn event(&self, function: Function, scenario: Scenario) -> Value {
        match (function, scenario) {
            (Function::Guard, _) | (Function::Create, Scenario::Later) => sample(function),
            (Function::Define, _) => {
                let answered = right("CUSTOM_CHALLENGE", &self.prompt["challengeMetadata"]);
                with_session(function, &[&self.session[..2], &[answered]].concat())
            }
            (Function::Create, Scenario::SetUp) => with_session(function, &self.session[..2]),
            (Function::Create, Scenario::Codes) => with_session(function, &self.session),
            (Function::Verify, Scenario::SetUp) => to_verify(&self.set_up, &passcode(&self.secret, now())),
            (Function::Verify, Scenario::Codes) => to_verify(&self.codes, &self.code),
            (Function::Verify, Scenario::Later) => {
                let mut issued = self.prompt.clone();
                issued["privateChallengeParameters"]["nonce"] = nonce().into();
                to_verify(&issued, &passcode(&self.secret, now()))
            }
        }
    }

    /// The bytes of the user's item, by DynamoDB's count.
    pub fn item_bytes(&self) -> u64 {
        let item = self.with_codes.values().next().expect("the user's item");
        // A number takes a byte for two digits, and one more.
        let version = 1 + 1;
        let texts = [&item["user"]["S"], &item["record"]["S"]].map(|text| text.as_str().expect("text").len());
        let names: usize = ["user", "version", "record"].map(str::len).into_iter().sum();
        u64::try_from(names + version + texts.into_iter().sum::<usize>()).expect("a few")
    }
}

/// The table of a user who has signed in often: it has as many outcomes as a record remembers.
fn signed_in_often(mut items: Items) -> Items {
    const REMEMBERED: usize = 8;
    for item in items.values_mut() {
        let record = item["record"]["S"].as_str().expect("a record");
        let mut record: Value = serde_json::from_str(record).expect("JSON");
        let outcomes = record["record"]["outcomes"].as_array_mut().expect("outcomes");
        outcomes.resize_with(REMEMBERED, || json!({ "nonce": nonce(), "outcome": "correct" }));
        // In the order of fields in which the functions write.
        let record = Record::from_json(&record.to_string()).expect("a record").to_json().expect("JSON");
        item["record"]["S"] = record.into();
    }
    items
}

/// Another each time.
fn nonce() -> String {
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    URL_SAFE_NO_PAD.encode(format!("plain{:011}", DRAWN.fetch_add(1, Ordering::Relaxed)))
}

fn with_session(function: Function, session: &[Value]) -> Value {
    let mut event = sample(function);
    event["request"]["session"] = session.into();
    event
}

fn to_verify(issued: &Value, answer: &str) -> Value {
    let mut event = sample(Function::Verify);
    event["request"]["privateChallengeParameters"] = issued["privateChallengeParameters"].clone();
    event["request"]["challengeAnswer"] = answer.into();
    event
}

/// Checks that `answer` is the one that moves the user on.
///
/// # Panics
/// When it is not.
pub fn assert_answered(function: Function, scenario: Scenario, answer: &Value) {
    let response = &answer["response"];
    let holds = match function {
        Function::Define => response["issueTokens"] == true,
        Function::Create => {
            let metadata = response["challengeMetadata"].as_str().expect("metadata");
            match scenario {
                Scenario::Later => metadata.starts_with("SECOND_FACTOR - "),
                Scenario::SetUp => metadata.starts_with("TOTP_SETUP "),
                Scenario::Codes => metadata.starts_with("RECOVERY_CODES "),
            }
        }
        Function::Verify => response["answerCorrect"] == true,
        Function::Guard => {
            let claims = &response["claimsAndScopeOverrideDetails"]["accessTokenGeneration"]["claimsToAddOrOverride"];
            claims["second_factor"] == "totp"
        }
    };
    assert!(holds, "{function:?}: {answer}");
}

/// The sample event of a later sign-in, of the one user.
fn sample(function: Function) -> Value {
    let text = match function {
        Function::Define => include_str!("../../events/define-auth-challenge/prompt-right.json"),
        Function::Create => include_str!("../../events/create-auth-challenge/prompt.json"),
        Function::Verify => include_str!("../../events/verify-auth-challenge/passcode-right.json"),
        Function::Guard => include_str!("../../events/pre-token-generation/grant.json"),
    };
    let mut event: Value = serde_json::from_str(text).expect("JSON");
    event["request"]["userAttributes"]["sub"] = "00000000-0000-4000-8000-0000000000bb".into();
    event
}

fn right(challenge_name: &str, metadata: &Value) -> Value {
    json!({ "challengeName": challenge_name, "challengeResult": true, "challengeMetadata": metadata })
}

fn passcode(secret: &str, at: UnixTime) -> String {
    let secret = SharedSecret::from_base32(secret).expect("a secret");
    passcode_at(&secret, Parameters::default(), at).expect("a passcode")
}

fn now() -> UnixTime {
    SystemTime::now().into()
}
