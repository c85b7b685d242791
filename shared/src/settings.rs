//! What an operator decides, read once on startup. There are no silent defaults: a missing or wrong value stops the function
//! and names the variable. Only a variable that is younger than the functions may be missing, and then means what they did before.
//! A variable that is empty, or white space, is one that is not set.

use crate::cognito::CognitoMfa;
use crate::totp::Digits;

/// Looks a variable up: in the environment in `main.rs`, in a map in tests.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What Define and Create must agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInSettings {
    accepted_cognito_mfa: AcceptedCognitoMfa,
    enrollment: Enrollment,
}

impl SignInSettings {
    /// Combines the two, where the combination makes sense.
    ///
    /// # Errors
    /// `AT_SIGN_IN` with an accepted Cognito factor: a user who passes that factor would enroll ours unasked.
    /// `AFTER_COGNITO_MFA` without one: nobody could ever enroll.
    pub fn new(accepted_cognito_mfa: AcceptedCognitoMfa, enrollment: Enrollment) -> Result<Self, SettingError> {
        let problem = match (enrollment, accepted_cognito_mfa.any()) {
            (Enrollment::AtSignIn, true) => "AT_SIGN_IN goes with ACCEPTED_COGNITO_MFA=NONE only",
            (Enrollment::AfterCognitoMfa, false) => "AFTER_COGNITO_MFA needs a factor in ACCEPTED_COGNITO_MFA",
            (Enrollment::AtSignIn, false) | (Enrollment::AfterCognitoMfa, true) | (Enrollment::ByOperator, _) => {
                return Ok(Self { accepted_cognito_mfa, enrollment });
            }
        };
        Err(SettingError { variable: Enrollment::VARIABLE, problem: problem.to_owned() })
    }

    /// Reads `ACCEPTED_COGNITO_MFA` and `ENROLLMENT`.
    ///
    /// # Errors
    /// A variable that is missing, is not understood, or does not go with the other.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        Self::new(
            AcceptedCognitoMfa::parse(&required(lookup, AcceptedCognitoMfa::VARIABLE)?)?,
            Enrollment::read(lookup)?,
        )
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

    /// Reads [`Self::VARIABLE`], the one setting of the sign-in that Verify needs.
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
