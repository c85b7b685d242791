//! Passwords: a pool's policy, and what satisfies it.
//!
//! Source: `PasswordPolicyType` of the API reference; its defaults are those of `CreateUserPool`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::clock::UnixTime;

use crate::error::CognitoError;
use crate::request::Request;
use crate::srp::PasswordVerifier;

const DEFAULT_TEMPORARY_VALIDITY_DAYS: u64 = 7;

/// `PasswordPolicy`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PasswordPolicy {
    pub(crate) minimum_length: u64,
    lowercase: bool,
    uppercase: bool,
    numbers: bool,
    symbols: bool,
    pub(crate) temporary_validity_days: u64,
    /// Whether the request named them.
    pub(crate) names_temporary_validity: bool,
}

impl PasswordPolicy {
    /// Of `Policies`; the default where there is none.
    pub(crate) fn parse(policies: Option<&Request>) -> Result<Self, CognitoError> {
        let Some(policy) = policies.map(|policies| policies.object("PasswordPolicy")).transpose()?.flatten() else {
            return Ok(Self {
                minimum_length: 8,
                lowercase: true,
                uppercase: true,
                numbers: true,
                symbols: true,
                temporary_validity_days: DEFAULT_TEMPORARY_VALIDITY_DAYS,
                names_temporary_validity: false,
            });
        };
        let number = |name, default| policy.number(name).map(|number| number.unwrap_or(default));
        let minimum_length = number("MinimumLength", 6)?;
        if !(6..=99).contains(&minimum_length) {
            return Err(CognitoError::invalid_parameter(format!(
                "1 validation error detected: Value '{minimum_length}' at 'policies.passwordPolicy.minimumLength' failed to \
                 satisfy constraint: Member must have value between 6 and 99"
            )));
        }
        Ok(Self {
            minimum_length,
            lowercase: policy.flag("RequireLowercase")?,
            uppercase: policy.flag("RequireUppercase")?,
            numbers: policy.flag("RequireNumbers")?,
            symbols: policy.flag("RequireSymbols")?,
            // Documented: zero is the default, too.
            temporary_validity_days: match number("TemporaryPasswordValidityDays", 0)? {
                0 => DEFAULT_TEMPORARY_VALIDITY_DAYS,
                days => days,
            },
            names_temporary_validity: policy.member("TemporaryPasswordValidityDays").is_some(),
        })
    }

    /// Until when a temporary password that is set now can be used.
    pub(crate) fn temporary_until(&self, now: UnixTime) -> UnixTime {
        now.plus(self.temporary_validity_days.saturating_mul(24 * 60 * 60))
    }

    /// Its members, where each has a value in any case.
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let members: [(&str, Value); 6] = [
            ("MinimumLength", json!(self.minimum_length)),
            ("RequireLowercase", json!(self.lowercase)),
            ("RequireUppercase", json!(self.uppercase)),
            ("RequireNumbers", json!(self.numbers)),
            ("RequireSymbols", json!(self.symbols)),
            ("TemporaryPasswordValidityDays", json!(self.temporary_validity_days)),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// A password that it allows.
    pub(crate) fn password<'a>(&self, text: &'a str) -> Result<Password<'a>, CognitoError> {
        const SYMBOLS: &str = "^$*.[]{}()?-\"!@#%&/\\,><':;|_~`=+";
        let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        let any = |is_one: &dyn Fn(char) -> bool| text.chars().any(is_one);
        let problem = if length < self.minimum_length {
            "Password not long enough"
        } else if length > 256 {
            "Password too long"
        } else if self.lowercase && !any(&|c| c.is_ascii_lowercase()) {
            "Password must have lowercase characters"
        } else if self.uppercase && !any(&|c| c.is_ascii_uppercase()) {
            "Password must have uppercase characters"
        } else if self.numbers && !any(&|c| c.is_ascii_digit()) {
            "Password must have numeric characters"
        } else if self.symbols && !any(&|c| SYMBOLS.contains(c)) {
            "Password must have symbol characters"
        } else {
            return Ok(Password(text));
        };
        Err(CognitoError::new("InvalidPasswordException", format!("Password did not conform with policy: {problem}")))
    }
}

/// A password that the pool's policy allows.
pub(crate) struct Password<'a>(&'a str);

impl Password<'_> {
    pub(crate) fn verifier(&self, user_pool_id: &str, user_name: &str) -> Result<PasswordVerifier, CognitoError> {
        Ok(PasswordVerifier::new(user_pool_id, user_name, self.0)?)
    }
}
