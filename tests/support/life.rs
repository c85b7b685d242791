//! A user's whole life with the second factor, through whatever answers the triggers' events, and what of it no log may
//! hold.
//!
//! The user's `sub` and the request ids have no digits, and neither has a log line of this life, so that a passcode that
//! is found in a log was not put there by chance.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use shared::clock::UnixTime;
use shared::encoding::{decode, encode};
use shared::totp::{Parameters, SharedSecret, passcode_at};

use crate::functions::{Trigger, User, base32, entry, passcode, secret_shown};

/// A user, all of whose attributes can be told from everything else.
#[must_use]
pub fn user(sub: &str) -> User {
    let attributes = json!({
        "sub": sub,
        "cognito:user_status": "CONFIRMED",
        "email_verified": "true",
        "email": "plainly-fake@example.com",
        "phone_number": "+15555550100",
        "custom:tenant": "plainly fake tenant",
    });
    let Value::Object(attributes) = attributes else { panic!("an object") };
    User { name: "plainly-fake-user-name".to_owned(), attributes }
}

/// One user's sign-ins. `answer` answers a trigger's event, or with nothing but the one error; `now` is its clock.
pub struct Life<A, N> {
    user: User,
    answer: A,
    now: N,
    /// What has occurred so far.
    pub secrets: Secrets,
}

impl<A: AsyncFnMut(Trigger, Value) -> Option<Value>, N: Fn() -> UnixTime> Life<A, N> {
    /// Of a user without an authenticator, who will call a new one `plainly fake phone`.
    #[must_use]
    pub fn new(user: User, answer: A, now: N) -> Self {
        Self { user, answer, now, secrets: Secrets::default() }
    }

    /// Everything that can become of a sign-in, and then one fault in each trigger.
    ///
    /// Needs no waiting, as a passcode of the next time step is right, but must not be held up for half a minute.
    ///
    /// # Panics
    /// When a sign-in takes another way.
    pub async fn live(&mut self) {
        let enrolled = self.enroll_and_return().await;
        let enrolled = self.lose_the_phone(&enrolled).await;
        let codes = self.renew_codes(&enrolled.codes[1]).await;
        let codes = self.use_up_codes(&codes).await;
        self.hold_a_challenge_too_long(&codes[1]).await;
        self.confuse_the_triggers().await;
    }

    /// The first sign-in and some that follow, and then one fault in each trigger.
    ///
    /// # Panics
    /// When a sign-in takes another way.
    pub async fn live_shortly(&mut self) {
        self.enroll_and_return().await;
        self.confuse_the_triggers().await;
    }

    async fn enroll_and_return(&mut self) -> Enrolled {
        let enrolled = self.enroll().await;
        self.use_passcodes(&enrolled).await;
        enrolled
    }

    /// A first sign-in, with a mistake at each challenge.
    ///
    /// # Panics
    /// When it takes another way.
    pub async fn enroll(&mut self) -> Enrolled {
        let mut sign_in = self.sign_in("plainly fake after_second_factor").await;
        let secret = secret_shown(&sign_in.challenge("TOTP_SETUP").await);
        let wrong = sign_in.life.wrong_passcode(&secret);
        sign_in.answer(&wrong, false).await;
        sign_in.challenge("TOTP_SETUP").await;
        sign_in.answer_first_passcode(&secret).await;
        let codes = sign_in.take_codes().await;
        assert_eq!(sign_in.outcome().await, "issueTokens");
        Enrolled { secret, codes }
    }

    /// Passcodes right, used and wrong, until they have to wait.
    async fn use_passcodes(&mut self, enrolled: &Enrolled) {
        let next = UnixTime((self.now)().0.saturating_add(30));
        let passcode = passcode(&enrolled.secret, next);
        let mut sign_in = self.sign_in("NOTHING").await;
        sign_in.challenge("SECOND_FACTOR").await;
        let (three, three_more) = passcode.split_at(3);
        sign_in.answer(&format!("{three} {three_more}"), true).await;
        sign_in.deliver_again(&passcode).await;
        assert_eq!(sign_in.outcome().await, "issueTokens");

        let wrong = self.wrong_passcode(&enrolled.secret);
        for typed in [[&passcode, &wrong, "PLAINLY-FAKE-AAAAA"], [&wrong, &wrong, &wrong]] {
            let mut sign_in = self.sign_in("NOTHING").await;
            for typed in typed {
                sign_in.challenge("SECOND_FACTOR").await;
                sign_in.answer(typed, false).await;
            }
            assert_eq!(sign_in.outcome().await, "failAuthentication");
        }
    }

    /// A recovery code while passcodes wait, then another authenticator and other codes.
    async fn lose_the_phone(&mut self, lost: &Enrolled) -> Enrolled {
        let wrong = self.wrong_passcode(&lost.secret);
        let mut sign_in = self.sign_in("REPLACE_AUTHENTICATOR").await;
        sign_in.challenge("SECOND_FACTOR").await;
        sign_in.answer(&wrong, false).await;
        sign_in.challenge("SECOND_FACTOR").await;
        sign_in.answer(&lost.codes[1].to_lowercase().replace('-', ""), true).await;
        let secret = secret_shown(&sign_in.challenge("TOTP_SETUP").await);
        sign_in.answer_first_passcode(&secret).await;
        let codes = sign_in.take_codes().await;
        assert_eq!(sign_in.outcome().await, "issueTokens");
        Enrolled { secret, codes }
    }

    async fn renew_codes(&mut self, code: &str) -> Vec<String> {
        let mut sign_in = self.sign_in("NEW_RECOVERY_CODES").await;
        sign_in.challenge("SECOND_FACTOR").await;
        sign_in.answer(code, true).await;
        let codes = sign_in.take_codes().await;
        assert_eq!(sign_in.outcome().await, "issueTokens");
        codes
    }

    /// Eight of ten codes, until new ones are owed.
    async fn use_up_codes(&mut self, codes: &[String]) -> Vec<String> {
        for code in &codes[..8] {
            let mut sign_in = self.sign_in("NOTHING").await;
            sign_in.challenge("SECOND_FACTOR").await;
            sign_in.answer(code, true).await;
            assert_eq!(sign_in.outcome().await, "issueTokens");
        }
        let mut sign_in = self.sign_in("NOTHING").await;
        sign_in.challenge("SECOND_FACTOR").await;
        sign_in.answer(&codes[8], true).await;
        let codes = sign_in.take_codes().await;
        assert_eq!(sign_in.outcome().await, "issueTokens");
        codes
    }

    /// A set-up challenge that is answered once more when the record has moved on, which is the one error.
    async fn hold_a_challenge_too_long(&mut self, code: &str) {
        let mut sign_in = self.sign_in("REPLACE_AUTHENTICATOR").await;
        sign_in.challenge("SECOND_FACTOR").await;
        sign_in.answer(code, true).await;
        let secret = secret_shown(&sign_in.challenge("TOTP_SETUP").await);
        let passcode = passcode(&secret, (sign_in.life.now)());
        let mut held = sign_in.answer_event(&passcode);
        sign_in.answer(&passcode, true).await;
        sign_in.take_codes().await;
        held["request"]["privateChallengeParameters"]["nonce"] = json!(encode(b"another posing.."));
        assert_eq!(self.call(Trigger::Verify, held).await, None);
    }

    /// Secrets where they do not belong: each is the one error.
    async fn confuse_the_triggers(&mut self) {
        let mut sign_in = self.sign_in("NOTHING").await;
        sign_in.challenge("SECOND_FACTOR").await;
        let answer = "PLAINLY-FAKE-BBBBB";
        let event = sign_in.answer_event(answer);
        for trigger in [Trigger::Define, Trigger::Create] {
            assert_eq!(self.call(trigger, event.clone()).await, None);
        }
        let mut misplaced = event;
        misplaced["request"]["privateChallengeParameters"] = json!({ "challenge": answer, "nonce": answer });
        assert_eq!(self.call(Trigger::Verify, misplaced).await, None);
    }

    /// Cognito has checked the password.
    async fn sign_in(&mut self, after_second_factor: &str) -> SignIn<'_, A, N> {
        // A word that is unknown would end the sign-in where it is looked at.
        let client_metadata = match after_second_factor {
            "plainly fake after_second_factor" => {
                json!({ "friendlyDeviceName": "plainly fake phone", "plainly fake key": after_second_factor })
            }
            after_second_factor => {
                json!({ "friendlyDeviceName": "plainly fake phone", "afterSecondFactor": after_second_factor })
            }
        };
        let mut sign_in =
            SignIn { life: self, session: vec![entry("SRP_A", true, None)], issued: Value::Null, client_metadata };
        assert_eq!(sign_in.define().await["challengeName"], "PASSWORD_VERIFIER");
        sign_in.session.push(entry("PASSWORD_VERIFIER", true, None));
        sign_in
    }

    async fn call(&mut self, trigger: Trigger, event: Value) -> Option<Value> {
        self.secrets.note(&event);
        let answered = (self.answer)(trigger, event).await;
        answered.iter().for_each(|answered| self.secrets.note(answered));
        answered
    }

    /// Wrong now and for minutes to come, whatever the secret is.
    fn wrong_passcode(&self, secret: &SharedSecret) -> String {
        let now = (self.now)().0;
        let near: Vec<_> = (0..21)
            .map(|steps| now.saturating_sub(300).saturating_add(steps * 30))
            .map(|time| passcode_at(secret, Parameters::default(), UnixTime(time)))
            .collect();
        let mut guesses = (111_111..1_000_000).map(|guess: u32| guess.to_string());
        guesses.find(|guess| !near.contains(&Some(guess.clone()))).expect("a wrong passcode")
    }
}

/// What a user has in hand after a set-up.
pub struct Enrolled {
    /// The secret in the authenticator.
    pub secret: SharedSecret,
    /// The recovery codes as shown; the first was typed back.
    pub codes: Vec<String>,
}

struct SignIn<'a, A, N> {
    life: &'a mut Life<A, N>,
    session: Vec<Value>,
    issued: Value,
    client_metadata: Value,
}

impl<A: AsyncFnMut(Trigger, Value) -> Option<Value>, N: Fn() -> UnixTime> SignIn<'_, A, N> {
    /// The public parameters of the next challenge, which is a `kind`.
    async fn challenge(&mut self, kind: &str) -> Value {
        let asked = self.define().await;
        assert_eq!(asked["challengeName"], "CUSTOM_CHALLENGE", "{kind} {asked}");
        let event =
            self.event(Trigger::Create, json!({ "session": self.session, "challengeName": "CUSTOM_CHALLENGE" }));
        self.issued = self.life.call(Trigger::Create, event).await.expect("a challenge")["response"].take();
        let shown = self.issued["publicChallengeParameters"].clone();
        assert_eq!(shown["challenge"], kind);
        shown
    }

    async fn answer(&mut self, typed: &str, right: bool) {
        let judged = self.life.call(Trigger::Verify, self.answer_event(typed)).await.expect("a judgement");
        assert_eq!(judged["response"]["answerCorrect"], right, "{typed}");
        self.session.push(entry("CUSTOM_CHALLENGE", right, self.issued["challengeMetadata"].as_str()));
    }

    async fn answer_first_passcode(&mut self, secret: &SharedSecret) {
        let first = passcode(secret, (self.life.now)());
        self.answer(&first, true).await;
    }

    /// Takes new recovery codes, by one of them and at the second attempt.
    async fn take_codes(&mut self) -> Vec<String> {
        let shown = self.challenge("RECOVERY_CODES").await;
        let codes: Vec<String> =
            shown["recoveryCodes"].as_str().expect("codes").split(' ').map(ToOwned::to_owned).collect();
        self.answer("PLAINLY-FAKE-CCCCC", false).await;
        self.challenge("RECOVERY_CODES").await;
        self.answer(&codes[0], true).await;
        codes
    }

    /// As Cognito does when the first call was slow.
    async fn deliver_again(&mut self, typed: &str) {
        let judged = self.life.call(Trigger::Verify, self.answer_event(typed)).await.expect("a judgement");
        assert_eq!(judged["response"]["answerCorrect"], true);
    }

    /// Which of Define's flags is true.
    async fn outcome(&mut self) -> &'static str {
        let ended = self.define().await;
        let flags = ["issueTokens", "failAuthentication"];
        flags.into_iter().find(|flag| ended[flag] == true).unwrap_or("neither")
    }

    async fn define(&mut self) -> Value {
        let event = self.event(Trigger::Define, json!({ "session": self.session }));
        self.life.call(Trigger::Define, event).await.expect("a next step")["response"].take()
    }

    fn answer_event(&self, typed: &str) -> Value {
        let private_parameters = &self.issued["privateChallengeParameters"];
        let own = json!({ "privateChallengeParameters": private_parameters, "challengeAnswer": typed });
        self.event(Trigger::Verify, own)
    }

    fn event(&self, trigger: Trigger, own: Value) -> Value {
        let mut event = self.life.user.event(trigger, own);
        event["request"]["clientMetadata"] = self.client_metadata.clone();
        event
    }
}

/// What events and answers have held and no log may hold: everything but `sub`, in every form that it might take.
#[derive(Clone, Debug, Default)]
pub struct Secrets(BTreeMap<String, What>);

/// What a text was that is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// `userName`, `userPoolId`, `clientId`.
    Header,
    /// A user attribute, or its name.
    Attribute,
    /// A value in `clientMetadata`, or its key.
    ClientMetadata,
    /// The authenticator's secret.
    Secret,
    /// A recovery code.
    RecoveryCode,
    /// `challengeAnswer`
    Answer,
    /// The nonce of a posing.
    Nonce,
    /// The id of an authenticator.
    AuthenticatorId,
    /// A sealed secret, or the salt and hashes of recovery codes.
    Sealed,
}

impl What {
    /// All.
    pub const ALL: [Self; 9] = [
        Self::Header,
        Self::Attribute,
        Self::ClientMetadata,
        Self::Secret,
        Self::RecoveryCode,
        Self::Answer,
        Self::Nonce,
        Self::AuthenticatorId,
        Self::Sealed,
    ];
}

impl Secrets {
    /// What of all this occurs in `text`, as found there; upper or lower case does not matter.
    #[must_use]
    pub fn found_in(&self, text: &str) -> Vec<(What, &str)> {
        assert!(!self.0.is_empty(), "nothing to look for");
        let text = text.to_lowercase();
        self.0.iter().filter(|(secret, _)| text.contains(*secret)).map(|(secret, what)| (*what, &**secret)).collect()
    }

    /// Asserts that none of this occurs in `log`.
    ///
    /// # Panics
    /// When some does.
    pub fn assert_none_in(&self, log: &str) {
        let found = self.found_in(log);
        assert!(found.is_empty(), "{found:?} in\n{log}");
    }

    /// Takes down what `event` holds, answered or not.
    pub fn note(&mut self, event: &Value) {
        let text = |place: &str| event.pointer(place).and_then(Value::as_str);
        let map = |place: &str| event.pointer(place).and_then(Value::as_object).into_iter().flat_map(Map::iter);
        for header in ["/userName", "/userPoolId", "/callerContext/clientId"].into_iter().filter_map(text) {
            self.add(What::Header, header);
        }
        for (name, value) in map("/request/userAttributes").filter(|(name, _)| *name != "sub") {
            self.add(What::Attribute, name);
            // Of a flag, the name tells: its value is also a decision's.
            value
                .as_str()
                .filter(|value| *value != "true")
                .into_iter()
                .for_each(|value| self.add(What::Attribute, value));
        }
        for (key, value) in map("/request/clientMetadata") {
            self.add(What::ClientMetadata, key);
            self.add(What::ClientMetadata, value.as_str().expect("text"));
        }
        if let Some(answer) = text("/request/challengeAnswer") {
            self.add(What::Answer, answer);
            self.add(What::Answer, &answer.replace([' ', '-'], ""));
            self.add_bytes(What::Answer, answer.as_bytes());
        }
        for private in ["/request/privateChallengeParameters", "/response/privateChallengeParameters"] {
            text(&format!("{private}/challenge")).into_iter().for_each(|challenge| self.add_challenge(challenge));
            if let Some(nonce) = text(&format!("{private}/nonce")) {
                self.add(What::Nonce, nonce);
                decode(nonce).into_iter().for_each(|bytes| self.add_bytes(What::Nonce, &bytes));
            }
        }
        text("/response/challengeMetadata").into_iter().for_each(|metadata| self.add_challenge(metadata));
        if let Some(secret) = text("/response/publicChallengeParameters/secretCode") {
            self.add(What::Secret, secret);
            self.add_bytes(What::Secret, &base32(secret).expect("base32"));
        }
        text("/response/publicChallengeParameters/otpauthUri").into_iter().for_each(|uri| self.add(What::Secret, uri));
        let codes = text("/response/publicChallengeParameters/recoveryCodes").unwrap_or_default();
        for code in codes.split(' ').filter(|code| !code.is_empty()) {
            self.add(What::RecoveryCode, code);
            self.add(What::RecoveryCode, &code.replace('-', ""));
            self.add_bytes(What::RecoveryCode, &crockford(code));
        }
    }

    /// The kind is told by the log, and the generation is a small number; the words after them are not for it.
    fn add_challenge(&mut self, challenge: &str) {
        let words: Vec<&str> = challenge.split(' ').collect();
        match words.as_slice() {
            ["TOTP_SETUP", _, _, id, sealed] => {
                for (what, word) in [(What::AuthenticatorId, id), (What::Sealed, sealed)] {
                    self.add(what, word);
                    self.add_bytes(what, &decode(word).expect("base64url"));
                }
            }
            ["RECOVERY_CODES", _, codes] => {
                self.add(What::Sealed, codes);
                let bytes = decode(codes).expect("base64url");
                bytes.chunks(16).for_each(|block| self.add_bytes(What::Sealed, block));
            }
            ["SECOND_FACTOR", _, _] | ["TOTP_SETUP" | "RECOVERY_CODES", "AGAIN"] => {}
            other => other.iter().for_each(|word| self.add(What::Answer, word)),
        }
    }

    fn add_bytes(&mut self, what: What, bytes: &[u8]) {
        let base64 = encode(bytes);
        self.add(what, &base64);
        self.add(what, &base64.replace('-', "+").replace('_', "/"));
        self.add(what, &bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        let listed = format!("{bytes:?}");
        let listed = listed.trim_matches(['[', ']']);
        self.add(what, listed);
        self.add(what, &listed.replace(' ', ""));
        std::str::from_utf8(bytes).into_iter().for_each(|text| self.add(what, text));
    }

    fn add(&mut self, what: What, text: &str) {
        assert!(text.len() >= "email".len(), "{what:?} {text:?} would be found anywhere");
        self.0.entry(text.to_lowercase()).or_insert(what);
    }
}

/// The bytes of a recovery code.
fn crockford(code: &str) -> Vec<u8> {
    const CROCKFORD: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const RFC_4648: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digits = code.chars().filter_map(|c| CROCKFORD.find(c)).map(|value| char::from(RFC_4648[value]));
    base32(&digits.collect::<String>()).expect("base32")
}

/// The lines of a log without what is the same in all: `function: message, decision, challenge, reason`. Asserts that each
/// is JSON, is about `sub` and one of `request_ids`, and says nothing else.
///
/// # Panics
/// When a line says more or less.
#[must_use]
pub fn decisions(log: &str, sub: &str, request_ids: &[String]) -> Vec<String> {
    let mut decisions = Vec::new();
    for line in log.lines() {
        let line: Map<String, Value> = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let text = |field: &str| match line.get(field) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Bool(flag)) => flag.to_string(),
            _ => panic!("no {field}: {line:?}"),
        };
        let (target, message) = (text("target"), text("message"));
        // What Lambda's runtime makes of the one error, whose fault has a line of its own.
        if (target.as_str(), message.as_str()) == ("lambda_runtime::layers::panic", "ClientError") {
            assert_eq!(line.len(), 3, "{line:?}");
            continue;
        }
        let span = line.get("span").and_then(Value::as_object).unwrap_or_else(|| panic!("no span: {line:?}"));
        assert_eq!((span.len(), &span["name"], &span["sub"]), (3, &json!("trigger"), &json!(sub)), "{line:?}");
        assert!(request_ids.iter().any(|id| span["request_id"] == **id), "{line:?}");
        if message == "new" {
            continue;
        }
        let fields: &[&str] = match message.as_str() {
            "defined" | "issued" => &["decision", "reason"],
            "verified" => &["decision", "challenge", "reason"],
            "failed" | "refused" => &["reason"],
            other => panic!("{other} is no message of the triggers"),
        };
        assert_eq!(line.len(), fields.len() + 4, "{line:?}");
        let said: Vec<String> = fields.iter().map(|field| text(field)).collect();
        decisions.push(format!("{target}: {message}, {}\n", said.join(", ")));
    }
    decisions
}
