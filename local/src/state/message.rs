//! Messages: what Cognito would send by email or SMS.

use serde_json::{Value, json};

/// Something that Cognito would send.
#[derive(Clone)]
pub struct Message {
    /// The email address or phone number.
    pub to: String,
    /// The user that it is about.
    pub user_name: String,
    /// Why it is sent.
    pub reason: MessageReason,
    /// The code or the temporary password.
    pub code: String,
}

/// Why a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageReason {
    /// To confirm a sign-up.
    SignUp,
    /// To deliver a temporary password.
    TemporaryPassword,
    /// To set a new password in place of a forgotten one.
    ForgotPassword,
    /// To verify a new address or number.
    VerifyAttribute,
    /// To sign in with a Cognito factor.
    Mfa,
}

impl Message {
    /// An item of `GET /messages`.
    pub fn to_json(&self) -> Value {
        let reason = match self.reason {
            MessageReason::SignUp => "SIGN_UP",
            MessageReason::TemporaryPassword => "TEMPORARY_PASSWORD",
            MessageReason::ForgotPassword => "FORGOT_PASSWORD",
            MessageReason::VerifyAttribute => "VERIFY_ATTRIBUTE",
            MessageReason::Mfa => "MFA",
        };
        json!({ "to": self.to, "userName": self.user_name, "reason": reason, "code": self.code })
    }
}

/// An address as Cognito masks it: `a***@e***`.
pub(crate) fn masked_address(address: &str) -> String {
    let first = |part: &str| part.chars().take(1).collect::<String>();
    match address.split_once('@') {
        Some((user, host)) => format!("{}***@{}***", first(user), first(host)),
        None => "***".to_owned(),
    }
}

/// A phone number as Cognito masks it: its last four digits.
pub(crate) fn masked_number(number: &str) -> String {
    let shown: String = number.chars().rev().take(4).collect();
    format!("+*******{}", shown.chars().rev().collect::<String>())
}
