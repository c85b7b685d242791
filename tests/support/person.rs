//! What a user has in hand, an authenticator and recovery codes, and what the user types.

use serde_json::Value;
use shared::clock::UnixTime;
use shared::totp::{Parameters, SharedSecret, passcode_at};

use crate::driver::Driver;

/// An authenticator and recovery codes.
pub struct Person {
    /// The secret in the authenticator.
    pub secret: SharedSecret,
    /// The recovery codes as shown.
    pub codes: Vec<String>,
}

impl Person {
    /// Answers TOTP_SETUP and RECOVERY_CODES and gets the tokens. The present passcode is used up by it; no code is.
    pub async fn enroll(sign_in: &mut impl Driver) -> Self {
        let secret = set_up_authenticator(sign_in).await;
        let codes = take_codes(sign_in).await;
        assert!(sign_in.has_tokens().await.expect("an answer"), "tokens");
        Self { secret, codes }
    }

    /// What the authenticator shows at `time`.
    #[must_use]
    pub fn passcode(&self, time: UnixTime) -> String {
        passcode(&self.secret, time)
    }

    /// A passcode that is wrong around `now`.
    #[must_use]
    pub fn wrong_passcode(&self, now: UnixTime) -> String {
        wrong_passcodes(&self.secret, now).next().expect("a wrong passcode")
    }
}

/// Answers TOTP_SETUP with the first passcode. The secret that was shown.
pub async fn set_up_authenticator(sign_in: &mut impl Driver) -> SharedSecret {
    let shown = sign_in.challenge().await.expect("TOTP_SETUP");
    assert_eq!(shown["challenge"], "TOTP_SETUP");
    let secret = secret_shown(&shown);
    let first = passcode(&secret, sign_in.now());
    assert!(sign_in.answer(&first).await.expect("an answer"), "the first passcode");
    secret
}

/// Answers RECOVERY_CODES with the first of the codes. All that were shown.
pub async fn take_codes(sign_in: &mut impl Driver) -> Vec<String> {
    let shown = sign_in.challenge().await.expect("RECOVERY_CODES");
    assert_eq!(shown["challenge"], "RECOVERY_CODES");
    let codes = codes_shown(&shown);
    assert!(sign_in.answer(&codes[0]).await.expect("an answer"), "one of the codes");
    codes
}

/// The secret in the public parameters of TOTP_SETUP.
#[must_use]
pub fn secret_shown(public_parameters: &Value) -> SharedSecret {
    let text = public_parameters["secretCode"].as_str().expect("a secret");
    SharedSecret::new(base32(text).expect("base32"))
}

/// The codes in the public parameters of RECOVERY_CODES.
#[must_use]
pub fn codes_shown(public_parameters: &Value) -> Vec<String> {
    public_parameters["recoveryCodes"].as_str().expect("codes").split(' ').map(ToOwned::to_owned).collect()
}

/// What an authenticator with `secret` shows at `time`.
#[must_use]
pub fn passcode(secret: &SharedSecret, time: UnixTime) -> String {
    passcode_at(secret, Parameters::default(), time).expect("a passcode")
}

/// Different passcodes that are wrong from five minutes before `now` to five minutes after.
pub fn wrong_passcodes(secret: &SharedSecret, now: UnixTime) -> impl Iterator<Item = String> + use<> {
    let shown: Vec<String> =
        (-10..=10).map(|step| passcode(secret, UnixTime(now.0.saturating_add_signed(30 * step)))).collect();
    (111_111..1_000_000_u32).map(|guess| guess.to_string()).filter(move |guess| !shown.contains(guess))
}

/// Reads base32 without padding (RFC 4648 §6); `None` when it is something else.
#[must_use]
pub fn base32(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: Option<String> = text.chars().map(|c| ALPHABET.find(c).map(|value| format!("{value:05b}"))).collect();
    let (bytes, _) = bits.as_deref()?.as_bytes().as_chunks::<8>();
    bytes.iter().map(|byte| u8::from_str_radix(std::str::from_utf8(byte).ok()?, 2).ok()).collect()
}
