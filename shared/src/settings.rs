//! What an operator decides, read once on startup. There are no silent defaults: a missing or wrong value stops the function
//! and names the variable. Only a variable that is younger than the functions may be missing, and then means what they did before.
//! A variable that is empty, or white space, is one that is not set.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::clock::UnixTime;
use crate::cognito::CognitoMfa;
use crate::totp::Digits;

/// Looks a variable up: in the environment in `main.rs`, in a map in tests.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What Define and Create must agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInSettings {
    accepted_cognito_mfa: AcceptedCognitoMfa,
    enrollment: Enrollment,
    policy: Policy,
}

impl SignInSettings {
    /// Combines the two, where the combination makes sense, under the policy `REQUIRED`.
    ///
    /// # Errors
    /// `AT_SIGN_IN` with an accepted Cognito factor: a user who passes that factor would enroll ours unasked.
    /// `AFTER_COGNITO_MFA` without one: nobody could ever enroll.
    pub fn new(accepted_cognito_mfa: AcceptedCognitoMfa, enrollment: Enrollment) -> Result<Self, SettingError> {
        let problem = match (enrollment, accepted_cognito_mfa.any()) {
            (Enrollment::AtSignIn, true) => "AT_SIGN_IN goes with ACCEPTED_COGNITO_MFA=NONE only",
            (Enrollment::AfterCognitoMfa, false) => "AFTER_COGNITO_MFA needs a factor in ACCEPTED_COGNITO_MFA",
            (Enrollment::AtSignIn, false) | (Enrollment::AfterCognitoMfa, true) | (Enrollment::ByOperator, _) => {
                return Ok(Self { accepted_cognito_mfa, enrollment, policy: Policy::Required });
            }
        };
        Err(SettingError { variable: Enrollment::VARIABLE, problem: problem.to_owned() })
    }

    /// The same, under this policy.
    ///
    /// # Errors
    /// `OPTIONAL` where users do not enroll by themselves: there is nothing to offer them.
    pub fn under(self, policy: Policy) -> Result<Self, SettingError> {
        Ok(Self { policy: policy.with_enrollment(self.enrollment)?, ..self })
    }

    /// Reads `ACCEPTED_COGNITO_MFA`, `ENROLLMENT` and `SECOND_FACTOR_POLICY`.
    ///
    /// # Errors
    /// A variable that is missing, is not understood, or does not go with another.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let accepted = AcceptedCognitoMfa::parse(&required(lookup, AcceptedCognitoMfa::VARIABLE)?)?;
        Self::new(accepted, Enrollment::read(lookup)?)?.under(Policy::read(lookup)?)
    }

    /// Whether users may do without.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Which Cognito factors count as a second factor.
    #[must_use]
    pub fn accepted_cognito_mfa(&self) -> AcceptedCognitoMfa {
        self.accepted_cognito_mfa
    }

    /// When a user without an authenticator may set one up.
    #[must_use]
    pub fn enrollment(&self) -> Enrollment {
        self.enrollment
    }
}

/// The Cognito factors that count as a second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AcceptedCognitoMfa {
    software_token: bool,
    sms: bool,
    email: bool,
}

impl AcceptedCognitoMfa {
    /// The environment variable: `NONE`, or names separated by commas or spaces.
    pub const VARIABLE: &str = "ACCEPTED_COGNITO_MFA";
    /// No Cognito factor suffices.
    pub const NONE: Self = Self { software_token: false, sms: false, email: false };

    /// Reads the value of [`Self::VARIABLE`].
    ///
    /// # Errors
    /// An empty value or an unknown name.
    pub fn parse(value: &str) -> Result<Self, SettingError> {
        if value.trim() == "NONE" {
            return Ok(Self::NONE);
        }
        let mut accepted = Self::NONE;
        for name in value.split([',', ' ']).filter(|name| !name.is_empty()) {
            match CognitoMfa::parse(name) {
                Some(CognitoMfa::SoftwareToken) => accepted.software_token = true,
                Some(CognitoMfa::Sms) => accepted.sms = true,
                Some(CognitoMfa::Email) => accepted.email = true,
                None => return Err(Self::not_understood(value)),
            }
        }
        if accepted.any() { Ok(accepted) } else { Err(Self::not_understood(value)) }
    }

    fn not_understood(value: &str) -> SettingError {
        let problem = format!("must be NONE, or some of SOFTWARE_TOKEN_MFA, SMS_MFA, EMAIL_OTP; it is {value:?}");
        SettingError { variable: Self::VARIABLE, problem }
    }

    /// Whether `mfa` counts.
    #[must_use]
    pub fn contains(self, mfa: CognitoMfa) -> bool {
        match mfa {
            CognitoMfa::SoftwareToken => self.software_token,
            CognitoMfa::Sms => self.sms,
            CognitoMfa::Email => self.email,
        }
    }

    fn any(self) -> bool {
        self.software_token || self.sms || self.email
    }
}

/// What a sign-in has proven when it is offered an authenticator. Verify checks it against `ENROLLMENT`, which may have changed
/// since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entitlement {
    /// The password, and nothing else.
    Password,
    /// A Cognito factor that the settings accept.
    CognitoFactor,
    /// A second factor of ours.
    SecondFactor,
}

/// When a user without an authenticator may set one up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrollment {
    /// `AT_SIGN_IN`: at the first sign-in, with the password alone.
    AtSignIn,
    /// `BY_OPERATOR`: only an operator gives out authenticators.
    ByOperator,
    /// `AFTER_COGNITO_MFA`: after an accepted Cognito factor.
    AfterCognitoMfa,
}

impl Enrollment {
    /// The environment variable.
    pub const VARIABLE: &str = "ENROLLMENT";

    /// Reads [`Policy::VARIABLE`], which must go with this.
    ///
    /// # Errors
    /// An unknown word, or `OPTIONAL` where users do not enroll by themselves.
    pub fn policy(self, lookup: Lookup<'_>) -> Result<Policy, SettingError> {
        Policy::read(lookup)?.with_enrollment(self)
    }

    /// Reads [`Self::VARIABLE`].
    ///
    /// # Errors
    /// It is missing, or an unknown word.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        Self::parse(&required(lookup, Self::VARIABLE)?)
    }

    /// Whether a user who has proven this much may set an authenticator up.
    #[must_use]
    pub fn admits(self, entitlement: Entitlement) -> bool {
        match (self, entitlement) {
            (_, Entitlement::SecondFactor) => true,
            (Self::AtSignIn, Entitlement::Password | Entitlement::CognitoFactor) => true,
            (Self::AfterCognitoMfa, Entitlement::CognitoFactor) => true,
            (Self::AfterCognitoMfa, Entitlement::Password) => false,
            (Self::ByOperator, Entitlement::Password | Entitlement::CognitoFactor) => false,
        }
    }

    /// Reads the value of [`Self::VARIABLE`].
    ///
    /// # Errors
    /// An unknown word.
    pub fn parse(value: &str) -> Result<Self, SettingError> {
        match value {
            "AT_SIGN_IN" => Ok(Self::AtSignIn),
            "BY_OPERATOR" => Ok(Self::ByOperator),
            "AFTER_COGNITO_MFA" => Ok(Self::AfterCognitoMfa),
            _ => Err(SettingError {
                variable: Self::VARIABLE,
                problem: format!("must be AT_SIGN_IN, BY_OPERATOR or AFTER_COGNITO_MFA; it is {value:?}"),
            }),
        }
    }
}

/// Whether a user may do without a second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// `REQUIRED`: nobody.
    #[default]
    Required,
    /// `OPTIONAL`: who has no authenticator, unless something requires one.
    Optional,
}

impl Policy {
    /// The environment variable.
    pub const VARIABLE: &str = "SECOND_FACTOR_POLICY";

    /// Reads [`Self::VARIABLE`]; `REQUIRED` where it is not set, as every function before it had it.
    ///
    /// # Errors
    /// An unknown word.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        optional(lookup, Self::VARIABLE).map_or(Ok(Self::default()), |value| Self::parse(&value))
    }

    /// Reads the value of [`Self::VARIABLE`].
    ///
    /// # Errors
    /// An unknown word.
    pub fn parse(value: &str) -> Result<Self, SettingError> {
        match value {
            "REQUIRED" => Ok(Self::Required),
            "OPTIONAL" => Ok(Self::Optional),
            _ => Err(Self::wrong(format!("must be REQUIRED or OPTIONAL; it is {value:?}"))),
        }
    }

    /// As in [`Self::VARIABLE`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "REQUIRED",
            Self::Optional => "OPTIONAL",
        }
    }

    fn with_enrollment(self, enrollment: Enrollment) -> Result<Self, SettingError> {
        match (self, enrollment) {
            (Self::Optional, Enrollment::ByOperator | Enrollment::AfterCognitoMfa) => {
                Err(Self::wrong(format!("OPTIONAL goes with {} AT_SIGN_IN only", Enrollment::VARIABLE)))
            }
            (Self::Required, _) | (Self::Optional, Enrollment::AtSignIn) => Ok(self),
        }
    }

    fn wrong(problem: String) -> SettingError {
        SettingError { variable: Self::VARIABLE, problem }
    }
}

/// What the settings admit to one user: when an authenticator may be set up, and whether there must be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// When.
    pub enrollment: Enrollment,
    /// Whether others may do without.
    pub policy: Policy,
    /// Whether a second factor is required of this user, as far as it shows outside of the record.
    pub required: bool,
}

/// What Create needs apart from the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSettings {
    /// What Define and Create must agree on.
    pub sign_in: SignInSettings,
    /// The service's name in the user's authenticator.
    pub issuer: Issuer,
    /// How many digits the passcodes of the pool have.
    pub passcode_digits: PasscodeDigits,
}

impl CreateSettings {
    /// Reads `ACCEPTED_COGNITO_MFA`, `ENROLLMENT`, `TOTP_ISSUER` and `PASSCODE_DIGITS`.
    ///
    /// # Errors
    /// A variable that is missing or wrong.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        Ok(Self {
            sign_in: SignInSettings::read(lookup)?,
            issuer: Issuer::read(lookup)?,
            passcode_digits: PasscodeDigits::read(lookup)?,
        })
    }
}

/// The service's name in the user's authenticator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer(String);

impl Issuer {
    /// The environment variable.
    pub const VARIABLE: &str = "TOTP_ISSUER";
    /// Characters at most, of any script: template.yaml allows so many, and a longer key URI makes a QR code wider than a
    /// terminal.
    pub const LONGEST: usize = 32;

    /// Reads [`Self::VARIABLE`].
    ///
    /// # Errors
    /// It is missing, too long or holds a colon.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        Self::parse(&required(lookup, Self::VARIABLE)?)
    }

    /// Reads the value of [`Self::VARIABLE`].
    ///
    /// # Errors
    /// It is too long or holds a colon, which ends the issuer in an authenticator's label.
    pub fn parse(value: &str) -> Result<Self, SettingError> {
        let (length, longest) = (value.chars().count(), Self::LONGEST);
        let problem = match length {
            _ if value.contains(':') => format!("must not contain a colon; it is {value:?}"),
            _ if length > longest => format!("must be at most {longest} characters long; it has {length}: {value:?}"),
            _ => return Ok(Self(value.to_owned())),
        };
        Err(SettingError { variable: Self::VARIABLE, problem })
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How many digits the passcodes of the pool have: what clients receive, the same for every user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PasscodeDigits {
    /// `6`: every authenticator has six.
    #[default]
    Six,
    /// `8`: every authenticator has eight, and key URIs say so.
    Eight,
    /// `6 8`: new authenticators have six, and imported ones may have eight.
    SixOrEight,
}

impl PasscodeDigits {
    /// The environment variable.
    pub const VARIABLE: &str = "PASSCODE_DIGITS";

    /// Reads [`Self::VARIABLE`]; six where it is not set, as every function before it had it.
    ///
    /// # Errors
    /// It is not understood.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        optional(lookup, Self::VARIABLE).map_or(Ok(Self::default()), |value| Self::parse(&value))
    }

    /// Reads the value of [`Self::VARIABLE`]: numbers separated by commas or spaces.
    ///
    /// # Errors
    /// It is not understood.
    pub fn parse(value: &str) -> Result<Self, SettingError> {
        let numbers = value.split([',', ' ']).filter(|number| !number.is_empty());
        let digits = numbers.map(|number| number.parse().ok().and_then(|number: u8| Digits::try_from(number).ok()));
        let not_understood =
            || SettingError { variable: Self::VARIABLE, problem: format!("must be 6, 8, or both; it is {value:?}") };
        let digits: Vec<Digits> = digits.collect::<Option<_>>().ok_or_else(not_understood)?;
        match (digits.contains(&Digits::Six), digits.contains(&Digits::Eight)) {
            (true, false) => Ok(Self::Six),
            (false, true) => Ok(Self::Eight),
            (true, true) => Ok(Self::SixOrEight),
            (false, false) => Err(not_understood()),
        }
    }

    /// As in [`Self::VARIABLE`], and as clients receive it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Six => "6",
            Self::Eight => "8",
            Self::SixOrEight => "6 8",
        }
    }

    /// Whether an authenticator may have so many.
    #[must_use]
    pub fn contains(self, digits: Digits) -> bool {
        match (self, digits) {
            (Self::Six | Self::SixOrEight, Digits::Six) | (Self::Eight | Self::SixOrEight, Digits::Eight) => true,
            (Self::Six, Digits::Eight) | (Self::Eight, Digits::Six) => false,
        }
    }

    /// What a new authenticator has.
    #[must_use]
    pub fn of_new_authenticators(self) -> Digits {
        match self {
            Self::Six | Self::SixOrEight => Digits::Six,
            Self::Eight => Digits::Eight,
        }
    }
}

/// Where records are stored and which key seals secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// `TABLE_NAME`: the DynamoDB table.
    pub table_name: String,
    /// `KEY_ID`: the KMS key, by id, ARN or alias.
    pub key_id: String,
}

impl StoreSettings {
    /// Reads `TABLE_NAME` and `KEY_ID`.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        Ok(Self { table_name: table_name(lookup)?, key_id: required(lookup, "KEY_ID")? })
    }
}

/// Reads `TABLE_NAME`, for functions that decrypt nothing.
///
/// # Errors
/// It is missing.
pub fn table_name(lookup: Lookup<'_>) -> Result<String, SettingError> {
    required(lookup, "TABLE_NAME")
}

/// The value of a variable; an empty one is not set, as in AWS's tools.
pub(crate) fn optional(lookup: Lookup<'_>, variable: &str) -> Option<String> {
    lookup(variable).filter(|value| !value.trim().is_empty())
}

/// A time in UTC: RFC 3339, in whole seconds. A time with another offset is refused, as it is easily an hour off.
pub(crate) fn utc(variable: &'static str, value: &str) -> Result<UnixTime, SettingError> {
    let time = OffsetDateTime::parse(value, &Rfc3339).ok();
    let time = time.filter(|time| value.ends_with('Z') && time.nanosecond() == 0);
    let seconds = time.and_then(|time| u64::try_from(time.unix_timestamp()).ok());
    let problem = || format!("must be a time in UTC such as 2026-12-24T08:00:00Z; it is {value:?}");
    seconds.map(UnixTime).ok_or_else(|| SettingError { variable, problem: problem() })
}

pub(crate) fn required(lookup: Lookup<'_>, variable: &'static str) -> Result<String, SettingError> {
    optional(lookup, variable).ok_or_else(|| SettingError { variable, problem: "must be set".to_owned() })
}

/// Which tokens of a sign-in the token guard passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenGuard {
    /// `GRANT`: only tokens of a sign-in that Verify recorded a grant for.
    Grant,
    /// `TRIGGER_SOURCE`: tokens of any sign-in by the API. For a pool whose own MFA is accepted, which leaves no grant.
    TriggerSource,
}

impl TokenGuard {
    /// The environment variable.
    pub const VARIABLE: &str = "TOKEN_GUARD";

    /// Reads [`Policy::VARIABLE`], which must go with this.
    ///
    /// # Errors
    /// An unknown word, or `OPTIONAL` without `GRANT`: who has an authenticator would not be asked for it.
    pub fn policy(self, lookup: Lookup<'_>) -> Result<Policy, SettingError> {
        match (Policy::read(lookup)?, self) {
            (Policy::Optional, Self::TriggerSource) => {
                Err(Policy::wrong(format!("OPTIONAL goes with {} GRANT only", Self::VARIABLE)))
            }
            (policy, _) => Ok(policy),
        }
    }

    /// Reads [`Self::VARIABLE`].
    ///
    /// # Errors
    /// It is missing, or an unknown word.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        match required(lookup, Self::VARIABLE)?.as_str() {
            "GRANT" => Ok(Self::Grant),
            "TRIGGER_SOURCE" => Ok(Self::TriggerSource),
            value => Err(SettingError {
                variable: Self::VARIABLE,
                problem: format!("must be GRANT or TRIGGER_SOURCE; it is {value:?}"),
            }),
        }
    }
}

/// A setting that stops the function on startup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    /// The environment variable.
    pub variable: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl std::fmt::Display for SettingError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.variable, self.problem)
    }
}

impl std::error::Error for SettingError {}
