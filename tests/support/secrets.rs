//! What no log may hold, and what a log says instead.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use shared::encoding::{decode, encode};

use crate::person::base32;

/// What events and answers held and no log may hold: everything but `sub`, in every form that it might take.
#[derive(Clone, Debug, Default)]
pub struct Secrets(BTreeMap<String, SecretKind>);

/// What kind of secret a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretKind {
    /// `userName`, `userPoolId`, `clientId`.
    Header,
    /// A user attribute, or its name.
    Attribute,
    /// A value in `clientMetadata`, or its key.
    ClientMetadata,
    /// The authenticator's secret.
    Secret,
    /// A recovery code, or an operator's code.
    RecoveryCode,
    /// `challengeAnswer`
    Answer,
    /// The nonce of an issued challenge.
    Nonce,
    /// The id of an authenticator.
    AuthenticatorId,
    /// A sealed secret, or the salt and hashes of recovery codes.
    Sealed,
}

impl SecretKind {
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
    pub fn found_in(&self, text: &str) -> Vec<(SecretKind, &str)> {
        assert!(!self.0.is_empty(), "nothing to look for");
        let text = text.to_lowercase();
        self.0.iter().filter(|(secret, _)| text.contains(*secret)).map(|(secret, what)| (*what, &**secret)).collect()
    }

    /// Asserts that none of this occurs in `log`.
    pub fn assert_none_in(&self, log: &str) {
        let found = self.found_in(log);
        assert!(found.is_empty(), "{found:?} in\n{log}");
    }

    /// Adds what `event` holds, answered or not.
    pub fn note(&mut self, event: &Value) {
        let text = |place: &str| event.pointer(place).and_then(Value::as_str);
        let map = |place: &str| event.pointer(place).and_then(Value::as_object).into_iter().flat_map(Map::iter);
        for header in ["/userName", "/userPoolId", "/callerContext/clientId"].into_iter().filter_map(text) {
            self.add(SecretKind::Header, header);
        }
        for (name, value) in map("/request/userAttributes").filter(|(name, _)| *name != "sub") {
            self.add(SecretKind::Attribute, name);
            // A flag's value is also a decision's, so only its name is looked for.
            value
                .as_str()
                .filter(|value| *value != "true")
                .into_iter()
                .for_each(|value| self.add(SecretKind::Attribute, value));
        }
        for (key, value) in map("/request/clientMetadata") {
            self.add(SecretKind::ClientMetadata, key);
            self.add(SecretKind::ClientMetadata, value.as_str().expect("text"));
        }
        if let Some(answer) = text("/request/challengeAnswer") {
            self.add(SecretKind::Answer, answer);
            self.add(SecretKind::Answer, &answer.replace([' ', '-'], ""));
            self.add_bytes(SecretKind::Answer, answer.as_bytes());
        }
        for private in ["/request/privateChallengeParameters", "/response/privateChallengeParameters"] {
            text(&format!("{private}/challenge")).into_iter().for_each(|challenge| self.add_challenge(challenge));
            if let Some(nonce) = text(&format!("{private}/nonce")) {
                self.add(SecretKind::Nonce, nonce);
                decode(nonce).into_iter().for_each(|bytes| self.add_bytes(SecretKind::Nonce, &bytes));
            }
        }
        text("/response/challengeMetadata").into_iter().for_each(|metadata| self.add_challenge(metadata));
        if let Some(secret) = text("/response/publicChallengeParameters/secretCode") {
            self.add(SecretKind::Secret, secret);
            self.add_bytes(SecretKind::Secret, &base32(secret).expect("base32"));
        }
        text("/response/publicChallengeParameters/otpauthUri")
            .into_iter()
            .for_each(|uri| self.add(SecretKind::Secret, uri));
        let codes = text("/response/publicChallengeParameters/recoveryCodes").unwrap_or_default();
        codes.split(' ').filter(|code| !code.is_empty()).for_each(|code| self.note_code(code));
    }

    /// Adds a recovery code, or an operator's code, as it is shown.
    pub fn note_code(&mut self, code: &str) {
        self.add(SecretKind::RecoveryCode, code);
        self.add(SecretKind::RecoveryCode, &code.replace('-', ""));
        self.add_bytes(SecretKind::RecoveryCode, &crockford(code));
    }

    /// The log names the kind, and the generation is short; what follows them may not be logged.
    fn add_challenge(&mut self, challenge: &str) {
        let words: Vec<&str> = challenge.split(' ').collect();
        match words.as_slice() {
            ["TOTP_SETUP", _, _, id, sealed] => {
                for (what, word) in [(SecretKind::AuthenticatorId, id), (SecretKind::Sealed, sealed)] {
                    self.add(what, word);
                    self.add_bytes(what, &decode(word).expect("base64url"));
                }
            }
            ["RECOVERY_CODES", _, codes] => {
                self.add(SecretKind::Sealed, codes);
                let bytes = decode(codes).expect("base64url");
                bytes.chunks(16).for_each(|block| self.add_bytes(SecretKind::Sealed, block));
            }
            ["SECOND_FACTOR", _, _] | ["TOTP_SETUP" | "RECOVERY_CODES", "AGAIN"] => {}
            other => other.iter().for_each(|word| self.add(SecretKind::Answer, word)),
        }
    }

    fn add_bytes(&mut self, what: SecretKind, bytes: &[u8]) {
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

    fn add(&mut self, what: SecretKind, text: &str) {
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
/// is JSON, names `sub` and one of `request_ids`, and holds nothing else.
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
