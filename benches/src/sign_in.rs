//! The events of a sign-in, as Cognito would send them, and the record that they meet.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::totp::{Parameters, SharedSecret, passcode_at};

use crate::aws::Aws;
use crate::subject::{Function, Language, Subject};

/// A user who has signed in before.
pub struct Enrolled {
    secret: String,
    items: HashMap<String, Value>,
}

const STEP_SECONDS: u64 = 30;

impl Enrolled {
    /// Enrols a user, by our own functions.
    pub fn new(subject: impl Fn(Language, Function) -> Subject, aws: &Aws) -> Self {
        let invoke = |function, event| subject(Language::Rust, function).invoke_once(event);
        let create = |session: Value| {
            let mut event = sample(Function::Create);
            event["request"]["session"] = session;
            invoke(Function::Create, event)["response"].clone()
        };
        let verify = |posed: &Value, answer: String| {
            let mut event = sample(Function::Verify);
            event["request"]["privateChallengeParameters"] = posed["privateChallengeParameters"].clone();
            event["request"]["challengeAnswer"] = answer.into();
            assert_eq!(invoke(Function::Verify, event)["response"]["answerCorrect"], true);
        };
        let mut session = vec![right("SRP_A", &Value::Null), right("PASSWORD_VERIFIER", &Value::Null)];
        let posed = create(session.clone().into());
        let secret = posed["publicChallengeParameters"]["secretCode"].as_str().expect("a secret").to_owned();
        // Of the step before: the present one is left for the sign-ins that are measured.
        verify(&posed, passcode(&secret, UnixTime(now().0 - STEP_SECONDS)));
        session.push(right("CUSTOM_CHALLENGE", &posed["challengeMetadata"]));
        let posed = create(session.into());
        let codes = posed["publicChallengeParameters"]["recoveryCodes"].as_str().expect("codes");
        verify(&posed, codes.split(' ').next().expect("a code").to_owned());
        Self { secret, items: aws.items() }
    }

    /// The table that the event of a later sign-in finds. The guard's has a mark in it, which is good for a quarter of an hour.
    pub fn items(&self, function: Function, verify: &Subject, aws: &Aws) -> HashMap<String, Value> {
        if function == Function::Guard {
            aws.set_items(&self.items);
            verify.invoke_once(self.event(Function::Verify));
            return aws.items();
        }
        self.items.clone()
    }

    /// The event of a later sign-in for one function; a new one each time.
    pub fn event(&self, function: Function) -> Value {
        let mut event = sample(function);
        match function {
            Function::Define | Function::Create | Function::Guard => {}
            Function::Verify => {
                static POSED: AtomicU64 = AtomicU64::new(0);
                let number = POSED.fetch_add(1, Ordering::Relaxed);
                let nonce = URL_SAFE_NO_PAD.encode(format!("plain{number:011}"));
                event["request"]["privateChallengeParameters"] = json!({ "challenge": "TOTP", "nonce": nonce });
                event["request"]["challengeAnswer"] = passcode(&self.secret, now()).into();
            }
        }
        event
    }
}

/// Checks that `answer` is what a later sign-in gets.
///
/// # Panics
/// When it is not.
pub fn assert_answered(function: Function, answer: &Value) {
    let response = &answer["response"];
    let holds = match function {
        Function::Define => response["issueTokens"] == true,
        Function::Create => response["challengeMetadata"] == "TOTP",
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
        Function::Define => include_str!("../../events/define-auth-challenge/totp-right.json"),
        Function::Create => include_str!("../../events/create-auth-challenge/totp.json"),
        Function::Verify => include_str!("../../events/verify-auth-challenge/passcode-right.json"),
        Function::Guard => include_str!("../../events/pre-token-generation/paid.json"),
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
