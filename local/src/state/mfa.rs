//! Cognito's own MFA: what the pool is set to, and what a user has set up, enabled and preferred.
//!
//! A factor is active once it is set up *and* enabled. Where MFA is on, no user can do without: a verified software token is
//! required whether it is enabled or not, and a user without any factor is sent a code if there is an address for it. A new
//! association replaces the one before at once, as users report: until it is verified the user has no software token.
//!
//! Invariant: a passcode is accepted once, and none older than it afterwards; a code that was sent is good only for the
//! challenge that it was sent for.
//!
//! Source: the Cognito developer guide, "Adding MFA to a user pool"; errors as users published them.

use aws_lc_rs::constant_time;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::clock::UnixTime;
use shared::cognito::CognitoMfa;
use shared::totp::{Match, Parameters, Passcode, SharedSecret, TimeStep, match_passcode};

use crate::error::CognitoError;
use crate::request::Strings;
use crate::settings::MfaConfiguration;

/// What the pool is set to.
#[derive(Serialize, Deserialize)]
pub(crate) struct PoolMfa {
    pub(crate) configuration: MfaConfiguration,
    pub(crate) factors: Vec<CognitoMfa>,
    /// What `SetUserPoolMfaConfig` was given.
    pub(crate) members: Map<String, Value>,
}

impl PoolMfa {
    pub(crate) fn new(configuration: MfaConfiguration) -> Self {
        let factors = match configuration {
            MfaConfiguration::Off => Vec::new(),
            MfaConfiguration::Optional | MfaConfiguration::On => vec![CognitoMfa::SoftwareToken],
        };
        let enabled = |factor: &CognitoMfa| (configuration_member(*factor).to_owned(), json!({ "Enabled": true }));
        Self { configuration, members: factors.iter().map(enabled).collect(), factors }
    }

    /// The response of `GetUserPoolMfaConfig`.
    pub(crate) fn to_json(&self) -> Value {
        let mut members = self.members.clone();
        members.insert("MfaConfiguration".to_owned(), json!(self.configuration.as_str()));
        Value::Object(members)
    }
}

/// The member of `SetUserPoolMfaConfig` that is about a factor.
pub(crate) fn configuration_member(factor: CognitoMfa) -> &'static str {
    match factor {
        CognitoMfa::SoftwareToken => "SoftwareTokenMfaConfiguration",
        CognitoMfa::Sms => "SmsMfaConfiguration",
        CognitoMfa::Email => "EmailMfaConfiguration",
    }
}

/// The member of `SetUserMFAPreference` that is about a factor.
pub(crate) fn preference_member(factor: CognitoMfa) -> &'static str {
    match factor {
        CognitoMfa::SoftwareToken => "SoftwareTokenMfaSettings",
        CognitoMfa::Sms => "SMSMfaSettings",
        CognitoMfa::Email => "EmailMfaSettings",
    }
}

/// What MFA requires of a user whose password was proven.
pub(crate) enum MfaRequirement {
    Nothing,
    Factor(CognitoMfa),
    Choice(Vec<CognitoMfa>),
    /// One of these has to be set up.
    SetUp(Vec<CognitoMfa>),
}

/// What one user has set up and enabled.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct UserMfa {
    software_token: Option<SoftwareToken>,
    enabled: Vec<CognitoMfa>,
    preferred: Option<CognitoMfa>,
}

/// One member of `SetUserMFAPreference`.
pub(crate) struct MfaPreference {
    pub(crate) factor: CognitoMfa,
    pub(crate) enabled: bool,
    pub(crate) preferred: bool,
}

impl UserMfa {
    /// What `pool` requires after the password of a user with these attributes.
    pub(crate) fn requirement(&self, pool: &PoolMfa, attributes: &Strings) -> MfaRequirement {
        let (factors, otherwise) = match pool.configuration {
            MfaConfiguration::Off => return MfaRequirement::Nothing,
            MfaConfiguration::Optional => (self.active().collect(), MfaRequirement::Nothing),
            MfaConfiguration::On => {
                (self.factors_where_required(attributes), MfaRequirement::SetUp(pool.factors.clone()))
            }
        };
        let factors: Vec<CognitoMfa> = factors.into_iter().filter(|factor| pool.factors.contains(factor)).collect();
        match (factors.as_slice(), self.preferred) {
            ([], _) => otherwise,
            (factors, Some(preferred)) if factors.contains(&preferred) => MfaRequirement::Factor(preferred),
            ([only], _) => MfaRequirement::Factor(*only),
            (several, _) => MfaRequirement::Choice(several.to_vec()),
        }
    }

    /// Enabled and set up, in the order in which they were enabled.
    fn active(&self) -> impl Iterator<Item = CognitoMfa> {
        self.enabled.iter().copied().filter(|factor| *factor != CognitoMfa::SoftwareToken || self.has_software_token())
    }

    fn factors_where_required(&self, attributes: &Strings) -> Vec<CognitoMfa> {
        let mut factors: Vec<CognitoMfa> = self.active().collect();
        if self.has_software_token() && !factors.contains(&CognitoMfa::SoftwareToken) {
            factors.push(CognitoMfa::SoftwareToken);
        }
        if factors.is_empty() {
            let sent = [CognitoMfa::Sms, CognitoMfa::Email];
            factors.extend(sent.into_iter().filter(|factor| destination(*factor, attributes).is_some()));
        }
        factors
    }

    fn has_software_token(&self) -> bool {
        self.software_token.as_ref().is_some_and(|token| token.verified)
    }

    /// `AssociateSoftwareToken`: replaces the token that there was.
    pub(crate) fn associate_software_token(&mut self, secret: SharedSecret) {
        self.software_token = Some(SoftwareToken { secret, verified: false, name: None, last_step: None });
    }

    /// `VerifySoftwareToken`: the passcode counts as used.
    pub(crate) fn verify_software_token(
        &mut self,
        typed: &str,
        name: Option<String>,
        now: UnixTime,
    ) -> Result<(), CognitoError> {
        let token = self.software_token.as_mut().ok_or_else(no_software_token)?;
        match token.redeem(typed, now) {
            Match::Accepted(_) => {
                token.verified = true;
                token.name = name;
                Ok(())
            }
            Match::Replayed | Match::Wrong => {
                Err(CognitoError::new("EnableSoftwareTokenMFAException", "Code mismatch"))
            }
        }
    }

    /// Completing `MFA_SETUP` enables the token; not one that was replaced since.
    pub(crate) fn enable_software_token(&mut self) -> Result<(), CognitoError> {
        if !self.has_software_token() {
            return Err(no_software_token());
        }
        self.enabled.retain(|factor| *factor != CognitoMfa::SoftwareToken);
        self.enabled.push(CognitoMfa::SoftwareToken);
        Ok(())
    }

    pub(crate) fn delete_software_token(&mut self) {
        self.software_token = None;
        self.enabled.retain(|factor| *factor != CognitoMfa::SoftwareToken);
        if self.preferred == Some(CognitoMfa::SoftwareToken) {
            self.preferred = None;
        }
    }

    /// Verifies a passcode of the software token, which counts as used.
    pub(crate) fn redeem_passcode(&mut self, typed: &str, now: UnixTime) -> Result<(), CognitoError> {
        let mismatch = || CognitoError::new("CodeMismatchException", "Invalid code received for user");
        let token = self.software_token.as_mut().filter(|token| token.verified).ok_or_else(mismatch)?;
        match token.redeem(typed, now) {
            Match::Accepted(_) => Ok(()),
            Match::Replayed => {
                Err(CognitoError::new("ExpiredCodeException", "Your software token has already been used once."))
            }
            Match::Wrong => Err(mismatch()),
        }
    }

    /// Its `FriendlyDeviceName`.
    pub(crate) fn software_token_name(&self) -> Option<&str> {
        self.software_token.as_ref().and_then(|token| token.name.as_deref())
    }

    /// Applies all preferences or none. A factor without one stays as it is.
    pub(crate) fn set_preferences(
        &mut self,
        preferences: &[MfaPreference],
        attributes: &Strings,
    ) -> Result<(), CognitoError> {
        for MfaPreference { factor, enabled, preferred } in preferences {
            match factor {
                _ if !enabled && !preferred => {}
                CognitoMfa::SoftwareToken if !self.has_software_token() => return Err(no_software_token()),
                CognitoMfa::Sms | CognitoMfa::Email if destination(*factor, attributes).is_none() => {
                    return Err(CognitoError::invalid_parameter(format!(
                        "User does not have delivery config set to turn on {}",
                        factor.as_str()
                    )));
                }
                CognitoMfa::SoftwareToken | CognitoMfa::Sms | CognitoMfa::Email => {}
            }
        }
        if preferences.iter().filter(|preference| preference.preferred).count() > 1 {
            return Err(CognitoError::invalid_parameter("Only one MFA factor can be preferred"));
        }
        if preferences.iter().any(|preference| preference.preferred && !preference.enabled) {
            return Err(CognitoError::invalid_parameter("Only an enabled MFA factor can be preferred"));
        }
        for MfaPreference { factor, enabled, preferred } in preferences {
            self.enabled.retain(|other| other != factor);
            if *enabled {
                self.enabled.push(*factor);
            }
            if *preferred {
                self.preferred = Some(*factor);
            } else if self.preferred == Some(*factor) {
                self.preferred = None;
            }
        }
        Ok(())
    }

    /// `UserMFASettingList` and `PreferredMfaSetting`, each only where there is one.
    pub(crate) fn description(&self) -> Map<String, Value> {
        let names: Vec<&str> = self.active().map(CognitoMfa::as_str).collect();
        let preferred = self.preferred.filter(|preferred| names.contains(&preferred.as_str()));
        let list = (!names.is_empty()).then(|| ("UserMFASettingList".to_owned(), json!(names)));
        list.into_iter()
            .chain(preferred.map(|preferred| ("PreferredMfaSetting".to_owned(), json!(preferred.as_str()))))
            .collect()
    }
}

/// The address or number that a factor's codes are sent to.
pub(crate) fn destination(factor: CognitoMfa, attributes: &Strings) -> Option<&str> {
    let attribute = match factor {
        CognitoMfa::SoftwareToken => return None,
        CognitoMfa::Sms => "phone_number",
        CognitoMfa::Email => "email",
    };
    attributes.get(attribute).map(String::as_str)
}

pub(crate) fn no_software_token() -> CognitoError {
    CognitoError::invalid_parameter("User has not set up software token mfa")
}

#[derive(Serialize, Deserialize)]
struct SoftwareToken {
    #[serde(with = "crate::stored::shared_secret")]
    secret: SharedSecret,
    verified: bool,
    name: Option<String>,
    last_step: Option<TimeStep>,
}

impl SoftwareToken {
    fn redeem(&mut self, typed: &str, now: UnixTime) -> Match {
        let parameters = Parameters::default();
        let passcode = Passcode::parse(typed);
        let matched = passcode
            .and_then(|passcode| match_passcode(&self.secret, parameters, &passcode, now, self.last_step))
            .unwrap_or(Match::Wrong);
        if let Match::Accepted(step) = matched {
            self.last_step = Some(step);
        }
        matched
    }
}

/// A code that was sent for one challenge.
pub(crate) struct SentCode(String);

impl SentCode {
    pub(crate) fn new(code: String) -> Self {
        Self(code)
    }

    pub(crate) fn check(&self, typed: &str) -> Result<(), CognitoError> {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), typed.as_bytes())
            .map_err(|_| CognitoError::new("CodeMismatchException", "Invalid code or auth state for the user."))
    }
}
