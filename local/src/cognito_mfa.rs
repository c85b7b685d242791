//! Cognito's own MFA: its software token, and codes by SMS and email. It guards every flow that asks for a password, and
//! stands between the password and Define inside of `CUSTOM_AUTH`.
//!
//! A user has a factor once it is set up *and* enabled. Where MFA is on, nobody can be without: a software token that was
//! verified is asked for whether it is enabled or not, and who has no factor is sent a code if the pool knows where to. A new
//! association takes the place of the one before at once, as users report: until it is verified the user has no software token.
//!
//! Invariant: a passcode is right once (a later one ends it, too), and a code that was sent is good for the one challenge that
//! it was sent for.
//!
//! Source: the Cognito developer guide, "Adding MFA to a user pool"; the API reference of the operations below; errors as users
//! published them.

use aws_lc_rs::constant_time;
use serde_json::{Map, Value, json};
use shared::clock::UnixTime;
use shared::totp::{Match, Parameters, Passcode, SECRET_BYTES, SharedSecret, TimeStep, match_passcode};

use crate::accounts::User;
use crate::error::CognitoError;
use crate::pool::{Message, MessageReason, Pool};
use crate::random;
use crate::request::{Request, outside_of_enum};
use crate::settings::{MfaConfiguration, UnixSeconds};
use crate::sign_in::SetUp;

/// `UserCode` has so many, and nothing else.
const PASSCODE_DIGITS: usize = 6;

/// A second factor that Cognito checks itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Factor {
    SoftwareToken,
    Sms,
    Email,
}

impl Factor {
    pub(crate) const ALL: [Self; 3] = [Self::SoftwareToken, Self::Sms, Self::Email];

    /// Its challenge, and its name wherever it is chosen.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SoftwareToken => "SOFTWARE_TOKEN_MFA",
            Self::Sms => "SMS_MFA",
            Self::Email => "EMAIL_OTP",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|factor| factor.name() == name)
    }

    /// Its code in `ChallengeResponses`.
    pub(crate) fn answer_key(self) -> &'static str {
        match self {
            Self::SoftwareToken => "SOFTWARE_TOKEN_MFA_CODE",
            Self::Sms => "SMS_MFA_CODE",
            Self::Email => "EMAIL_OTP_CODE",
        }
    }

    /// Its member in the preference of a user, and in the configuration of a pool.
    fn settings_keys(self) -> (&'static str, &'static str) {
        match self {
            Self::SoftwareToken => ("SoftwareTokenMfaSettings", "SoftwareTokenMfaConfiguration"),
            Self::Sms => ("SMSMfaSettings", "SmsMfaConfiguration"),
            Self::Email => ("EmailMfaSettings", "EmailMfaConfiguration"),
        }
    }
}

/// What the pool is set to.
pub(crate) struct PoolMfa {
    pub(crate) configuration: MfaConfiguration,
    pub(crate) factors: Vec<Factor>,
}

impl PoolMfa {
    pub(crate) fn new(configuration: MfaConfiguration) -> Self {
        let factors = match configuration {
            MfaConfiguration::Off => Vec::new(),
            MfaConfiguration::Optional | MfaConfiguration::On => vec![Factor::SoftwareToken],
        };
        Self { configuration, factors }
    }

    fn to_json(&self) -> Value {
        let mut members = Map::from_iter([("MfaConfiguration".to_owned(), json!(self.configuration.as_str()))]);
        for factor in &self.factors {
            let configuration = match factor {
                Factor::SoftwareToken => json!({ "Enabled": true }),
                Factor::Sms => json!({ "SmsConfiguration": {} }),
                Factor::Email => json!({}),
            };
            members.insert(factor.settings_keys().1.to_owned(), configuration);
        }
        Value::Object(members)
    }
}

/// What one user has set up and enabled.
#[derive(Default)]
pub(crate) struct UserMfa {
    software_token: Option<SoftwareToken>,
    enabled: Vec<Factor>,
    preferred: Option<Factor>,
}

struct SoftwareToken {
    secret: SharedSecret,
    verified: bool,
    name: Option<String>,
    last_step: Option<TimeStep>,
}

/// What MFA asks of a user whose password was proven.
pub(crate) enum Demand {
    Nothing,
    Factor(Factor),
    Choice(Vec<Factor>),
    /// One of these is to be set up.
    SetUp(Vec<Factor>),
}

impl UserMfa {
    fn has_software_token(&self) -> bool {
        self.software_token.as_ref().is_some_and(|token| token.verified)
    }

    /// Enabled and set up, in the order that they were enabled in.
    fn active(&self) -> impl Iterator<Item = Factor> {
        self.enabled.iter().copied().filter(|factor| *factor != Factor::SoftwareToken || self.has_software_token())
    }

    /// Completing `MFA_SETUP` enables the token; not one that was replaced since.
    pub(crate) fn enable_software_token(&mut self) -> Result<(), CognitoError> {
        if !self.has_software_token() {
            return Err(no_software_token());
        }
        self.enabled.retain(|factor| *factor != Factor::SoftwareToken);
        self.enabled.push(Factor::SoftwareToken);
        Ok(())
    }

    pub(crate) fn software_token_name(&self) -> Option<&str> {
        self.software_token.as_ref().and_then(|token| token.name.as_deref())
    }

    /// `UserMFASettingList` and `PreferredMfaSetting`, each only where there is one.
    pub(crate) fn description(&self) -> Map<String, Value> {
        let names: Vec<&str> = self.active().map(Factor::name).collect();
        let preferred = self.preferred.filter(|preferred| names.contains(&preferred.name()));
        let list = (!names.is_empty()).then(|| ("UserMFASettingList".to_owned(), json!(names)));
        list.into_iter()
            .chain(preferred.map(|preferred| ("PreferredMfaSetting".to_owned(), json!(preferred.name()))))
            .collect()
    }
}

impl User {
    /// What `pool` asks of this user after the password.
    pub(crate) fn mfa_demanded(&self, pool: &PoolMfa) -> Demand {
        let (factors, otherwise) = match pool.configuration {
            MfaConfiguration::Off => return Demand::Nothing,
            MfaConfiguration::Optional => (self.mfa.active().collect(), Demand::Nothing),
            MfaConfiguration::On => (self.factors_where_required(), Demand::SetUp(pool.factors.clone())),
        };
        let factors: Vec<Factor> = factors.into_iter().filter(|factor| pool.factors.contains(factor)).collect();
        match (factors.as_slice(), self.mfa.preferred) {
            ([], _) => otherwise,
            (factors, Some(preferred)) if factors.contains(&preferred) => Demand::Factor(preferred),
            ([only], _) => Demand::Factor(*only),
            (several, _) => Demand::Choice(several.to_vec()),
        }
    }

    fn factors_where_required(&self) -> Vec<Factor> {
        let mut factors: Vec<Factor> = self.mfa.active().collect();
        if self.mfa.has_software_token() && !factors.contains(&Factor::SoftwareToken) {
            factors.push(Factor::SoftwareToken);
        }
        if factors.is_empty() {
            factors
                .extend([Factor::Sms, Factor::Email].into_iter().filter(|factor| self.destination(*factor).is_some()));
        }
        factors
    }

    /// Where a code would be sent.
    pub(crate) fn destination(&self, factor: Factor) -> Option<&str> {
        let attribute = match factor {
            Factor::SoftwareToken => return None,
            Factor::Sms => "phone_number",
            Factor::Email => "email",
        };
        self.attributes.get(attribute).map(String::as_str)
    }

    /// Judges a passcode of the software token, and spends it.
    pub(crate) fn spend_passcode(&mut self, typed: &str, now: UnixSeconds) -> Result<(), CognitoError> {
        let mismatch = || CognitoError::new("CodeMismatchException", "Invalid code received for user");
        let token = self.mfa.software_token.as_mut().filter(|token| token.verified).ok_or_else(mismatch)?;
        match token.spend(typed, now) {
            Match::Accepted(_) => Ok(()),
            Match::Replayed => {
                Err(CognitoError::new("ExpiredCodeException", "Your software token has already been used once."))
            }
            Match::Wrong => Err(mismatch()),
        }
    }

    fn prefer(&mut self, wishes: &[(Factor, bool, bool)]) -> Result<(), CognitoError> {
        for (factor, enabled, preferred) in wishes {
            match factor {
                _ if !enabled && !preferred => {}
                Factor::SoftwareToken if !self.mfa.has_software_token() => return Err(no_software_token()),
                Factor::Sms | Factor::Email if self.destination(*factor).is_none() => {
                    return Err(CognitoError::invalid_parameter(format!(
                        "User does not have delivery config set to turn on {}",
                        factor.name()
                    )));
                }
                Factor::SoftwareToken | Factor::Sms | Factor::Email => {}
            }
        }
        if wishes.iter().filter(|(_, _, preferred)| *preferred).count() > 1 {
            return Err(CognitoError::invalid_parameter("Only one MFA factor can be preferred"));
        }
        if wishes.iter().any(|(_, enabled, preferred)| *preferred && !enabled) {
            return Err(CognitoError::invalid_parameter("Only an enabled MFA factor can be preferred"));
        }
        for (factor, enabled, preferred) in wishes {
            self.mfa.enabled.retain(|other| other != factor);
            if *enabled {
                self.mfa.enabled.push(*factor);
            }
            if *preferred {
                self.mfa.preferred = Some(*factor);
            } else if self.mfa.preferred == Some(*factor) {
                self.mfa.preferred = None;
            }
        }
        Ok(())
    }
}

impl SoftwareToken {
    fn spend(&mut self, typed: &str, now: UnixSeconds) -> Match {
        let parameters = Parameters::default();
        let passcode = Passcode::parse(typed);
        let matched = passcode
            .and_then(|passcode| match_passcode(&self.secret, parameters, &passcode, UnixTime(now), self.last_step))
            .unwrap_or(Match::Wrong);
        if let Match::Accepted(step) = matched {
            self.last_step = Some(step);
        }
        matched
    }
}

/// A code that was sent, for one challenge.
pub(crate) struct SentCode(String);

impl SentCode {
    pub(crate) fn check(&self, typed: &str) -> Result<(), CognitoError> {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), typed.as_bytes())
            .map_err(|_| CognitoError::new("CodeMismatchException", "Invalid code or auth state for the user."))
    }
}

impl Pool {
    /// Sends a code to the user, and says where to in the words of `CODE_DELIVERY_DESTINATION`.
    pub(crate) fn send_code(&self, user_name: &str, factor: Factor) -> Result<(SentCode, String), CognitoError> {
        let to = {
            let state = self.state();
            let user = state.user(user_name).ok_or_else(CognitoError::user_not_found)?;
            user.destination(factor).map(str::to_owned)
        };
        let to = to.ok_or_else(|| {
            CognitoError::invalid_parameter(format!("Missing verified destination for {}", factor.name()))
        })?;
        let code = random::confirmation_code()?;
        let hint = match factor {
            Factor::Email => crate::accounts::masked(&to),
            Factor::SoftwareToken | Factor::Sms => masked_number(&to),
        };
        self.send(Message { to, user_name: user_name.to_owned(), reason: MessageReason::Mfa, code: code.clone() });
        Ok((SentCode(code), hint))
    }

    /// By access token, or by the session of `MFA_SETUP`.
    pub(crate) fn associate_software_token(&self, request: &Request) -> Result<Value, CognitoError> {
        let by = self.set_up_by(request)?;
        let secret = SharedSecret::new(random::bytes::<SECRET_BYTES>()?.to_vec());
        let secret_code = secret.to_base32().to_string();
        let token = SoftwareToken { secret, verified: false, name: None, last_step: None };
        self.state().user_mut(by.user_name())?.mfa.software_token = Some(token);
        self.set_up_went_on(by, json!({ "SecretCode": secret_code }), false)
    }

    /// By access token, or by the session of `MFA_SETUP`. The passcode counts as used; a wrong one may be typed again.
    pub(crate) fn verify_software_token(&self, request: &Request) -> Result<Value, CognitoError> {
        let code = request.required("UserCode")?;
        if code.len() != PASSCODE_DIGITS || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CognitoError::invalid_parameter(
                "1 validation error detected: Value at 'userCode' failed to satisfy constraint: \
                 Member must satisfy regular expression pattern: [0-9]{6}",
            ));
        }
        let name = request.optional("FriendlyDeviceName")?.map(str::to_owned);
        let by = self.set_up_by(request)?;
        if let Err(refused) = self.verify_token_of(by.user_name(), code, name) {
            if let SetUpBy::Session { session, waiting } = by {
                self.leave_set_up_open(&session, waiting);
            }
            return Err(refused);
        }
        self.set_up_went_on(by, json!({ "Status": "SUCCESS" }), true)
    }

    fn verify_token_of(&self, user_name: &str, code: &str, name: Option<String>) -> Result<(), CognitoError> {
        let now = self.now();
        let mut state = self.state();
        let token = state.user_mut(user_name)?.mfa.software_token.as_mut().ok_or_else(no_software_token)?;
        match token.spend(code, now) {
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

    fn set_up_by(&self, request: &Request) -> Result<SetUpBy, CognitoError> {
        if !self.state().mfa.factors.contains(&Factor::SoftwareToken) {
            return Err(CognitoError::new(
                "SoftwareTokenMFANotFoundException",
                "Software Token MFA has not been enabled by the userPool",
            ));
        }
        match (request.optional("AccessToken")?, request.optional("Session")?) {
            (Some(_), None) => Ok(SetUpBy::AccessToken { user_name: self.user_of_access_token(request)? }),
            (None, Some(session)) => {
                Ok(SetUpBy::Session { session: session.to_owned(), waiting: self.spend_set_up(session)? })
            }
            (Some(_), Some(_)) | (None, None) => {
                Err(CognitoError::invalid_parameter("Exactly one of AccessToken and Session has to be there"))
            }
        }
    }

    /// Each step of `MFA_SETUP` spends its session string and hands on another.
    fn set_up_went_on(&self, by: SetUpBy, mut answer: Value, verified: bool) -> Result<Value, CognitoError> {
        if let (SetUpBy::Session { waiting, .. }, Some(answer)) = (by, answer.as_object_mut()) {
            answer.insert("Session".to_owned(), json!(self.continue_set_up(waiting, verified)?));
        }
        Ok(answer)
    }

    pub(crate) fn set_user_mfa_preference(&self, request: &Request) -> Result<Value, CognitoError> {
        let user_name = self.user_of_access_token(request)?;
        self.prefer(&user_name, request)
    }

    pub(crate) fn admin_set_user_mfa_preference(&self, request: &Request) -> Result<Value, CognitoError> {
        self.check_user_pool(request)?;
        self.prefer(request.required("Username")?, request)
    }

    /// What is not in the request stays.
    fn prefer(&self, user_name: &str, request: &Request) -> Result<Value, CognitoError> {
        let mut wishes = Vec::new();
        for factor in Factor::ALL {
            if let Some(settings) = request.object(factor.settings_keys().0)? {
                wishes.push((factor, settings.flag("Enabled")?, settings.flag("PreferredMfa")?));
            }
        }
        self.state().user_mut(user_name)?.prefer(&wishes)?;
        Ok(json!({}))
    }

    pub(crate) fn set_user_pool_mfa_config(&self, request: &Request) -> Result<Value, CognitoError> {
        self.check_user_pool(request)?;
        let configuration = match request.optional("MfaConfiguration")? {
            None => MfaConfiguration::Off,
            Some(word) => MfaConfiguration::read(word).ok_or_else(|| outside_of_enum("MfaConfiguration", word))?,
        };
        let mut factors = Vec::new();
        for factor in Factor::ALL {
            let settings = request.object(factor.settings_keys().1)?;
            let on = match (factor, settings) {
                (_, None) => false,
                (Factor::SoftwareToken, Some(settings)) => settings.flag("Enabled")?,
                (Factor::Sms | Factor::Email, Some(_)) => true,
            };
            factors.extend(on.then_some(factor));
        }
        let problem = match (configuration, factors.is_empty()) {
            (MfaConfiguration::Off, true) | (MfaConfiguration::Optional | MfaConfiguration::On, false) => None,
            (MfaConfiguration::Off, false) => {
                Some("Invalid MFA configuration given, can't turn off MFA and configure an MFA together.")
            }
            (MfaConfiguration::Optional | MfaConfiguration::On, true) => {
                Some("Invalid MFA Configuration given. SMS MFA, Email MFA, or Software Token MFA must be enabled.")
            }
        };
        if let Some(problem) = problem {
            return Err(CognitoError::invalid_parameter(problem));
        }
        let mut state = self.state();
        state.mfa = PoolMfa { configuration, factors };
        Ok(state.mfa.to_json())
    }

    pub(crate) fn get_user_pool_mfa_config(&self, request: &Request) -> Result<Value, CognitoError> {
        self.check_user_pool(request)?;
        Ok(self.state().mfa.to_json())
    }

    /// The user has no software token afterwards.
    pub(crate) fn admin_delete_software_token(&self, request: &Request) -> Result<Value, CognitoError> {
        self.check_user_pool(request)?;
        let mut state = self.state();
        let mfa = &mut state.user_mut(request.required("Username")?)?.mfa;
        mfa.software_token = None;
        mfa.enabled.retain(|factor| *factor != Factor::SoftwareToken);
        if mfa.preferred == Some(Factor::SoftwareToken) {
            mfa.preferred = None;
        }
        Ok(json!({}))
    }
}

/// By what a software token is set up.
enum SetUpBy {
    AccessToken {
        user_name: String,
    },
    /// The string of an `MFA_SETUP`, which was spent, and what waited under it.
    Session {
        session: String,
        waiting: SetUp,
    },
}

impl SetUpBy {
    fn user_name(&self) -> &str {
        match self {
            Self::AccessToken { user_name } => user_name,
            Self::Session { waiting, .. } => waiting.user_name(),
        }
    }
}

pub(crate) fn no_software_token() -> CognitoError {
    CognitoError::invalid_parameter("User has not set up software token mfa")
}

/// A number as Cognito hints at it: its last four digits.
fn masked_number(number: &str) -> String {
    let shown: String = number.chars().rev().take(4).collect();
    format!("+*******{}", shown.chars().rev().collect::<String>())
}

/// A list inside of `ChallengeParameters`: JSON in a string.
pub(crate) fn names(factors: &[Factor]) -> String {
    json!(factors.iter().copied().map(Factor::name).collect::<Vec<_>>()).to_string()
}
