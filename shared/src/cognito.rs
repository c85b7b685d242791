//! Cognito's words, each written once. The local user pool uses the same ones.
//!
//! Source: <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html>

use serde::{Deserialize, Serialize};

/// Whose record: `sub` is never reused, a user name may be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserKey {
    /// `userPoolId`
    pub user_pool_id: String,
    /// The user's `sub`.
    pub sub: String,
}

impl std::fmt::Display for UserKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.user_pool_id, self.sub)
    }
}

/// An app client: `callerContext.clientId`, not empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(String);

impl ClientId {
    /// Takes `callerContext.clientId`; `None` when it is empty.
    #[must_use]
    pub fn new(client_id: &str) -> Option<Self> {
        (!client_id.is_empty()).then(|| Self(client_id.to_owned()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A challenge of a sign-in, as far as it matters here.
///
/// Source: `ChallengeNameType` of the service model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChallengeName {
    /// `SRP_A`: in a session only.
    SrpA,
    /// `PASSWORD_VERIFIER`
    PasswordVerifier,
    /// `NEW_PASSWORD_REQUIRED`
    NewPasswordRequired,
    /// `SELECT_MFA_TYPE`
    SelectMfaType,
    /// `MFA_SETUP`
    MfaSetup,
    /// `SOFTWARE_TOKEN_MFA`, `SMS_MFA` or `EMAIL_OTP`
    Mfa(CognitoMfa),
    /// `CUSTOM_CHALLENGE`
    CustomChallenge,
}

impl ChallengeName {
    /// Parses `challengeName`; `None` for device challenges, `ADMIN_NO_SRP_AUTH` and whatever may be added.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "SRP_A" => Some(Self::SrpA),
            "PASSWORD_VERIFIER" => Some(Self::PasswordVerifier),
            "NEW_PASSWORD_REQUIRED" => Some(Self::NewPasswordRequired),
            "SELECT_MFA_TYPE" => Some(Self::SelectMfaType),
            "MFA_SETUP" => Some(Self::MfaSetup),
            "CUSTOM_CHALLENGE" => Some(Self::CustomChallenge),
            other => CognitoMfa::parse(other).map(Self::Mfa),
        }
    }

    /// The name in Cognito's API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SrpA => "SRP_A",
            Self::PasswordVerifier => "PASSWORD_VERIFIER",
            Self::NewPasswordRequired => "NEW_PASSWORD_REQUIRED",
            Self::SelectMfaType => "SELECT_MFA_TYPE",
            Self::MfaSetup => "MFA_SETUP",
            Self::Mfa(mfa) => mfa.as_str(),
            Self::CustomChallenge => "CUSTOM_CHALLENGE",
        }
    }
}

/// The second factors that Cognito checks itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CognitoMfa {
    /// `SOFTWARE_TOKEN_MFA`
    #[serde(rename = "SOFTWARE_TOKEN_MFA")]
    SoftwareToken,
    /// `SMS_MFA`
    #[serde(rename = "SMS_MFA")]
    Sms,
    /// `EMAIL_OTP`
    #[serde(rename = "EMAIL_OTP")]
    Email,
}

impl CognitoMfa {
    /// All three.
    pub const ALL: [Self; 3] = [Self::SoftwareToken, Self::Sms, Self::Email];

    /// Parses the name in Cognito's API.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mfa| mfa.as_str() == name)
    }

    /// The name in Cognito's API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SoftwareToken => "SOFTWARE_TOKEN_MFA",
            Self::Sms => "SMS_MFA",
            Self::Email => "EMAIL_OTP",
        }
    }
}

/// Why Cognito is about to issue tokens: `triggerSource` of Pre Token Generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// `TokenGeneration_Authentication`: a sign-in by the API, whatever its flow.
    Authentication,
    /// `TokenGeneration_RefreshTokens`
    RefreshTokens,
    /// `TokenGeneration_NewPasswordChallenge`: a temporary password was changed. Whether Cognito sends this or
    /// `Authentication` when other challenges followed is not published.
    NewPasswordChallenge,
    /// `TokenGeneration_HostedAuth`: managed login or a federated provider.
    HostedAuth,
    /// `TokenGeneration_AuthenticateDevice`: a remembered device.
    AuthenticateDevice,
    /// `TokenGeneration_ClientCredentials`: a machine client, which has no user. Sent with event version V3_0 only.
    ClientCredentials,
    /// Any other.
    Unknown,
}

impl TokenSource {
    /// Parses `triggerSource`; `None` when it is no token generation at all.
    #[must_use]
    pub fn parse(trigger_source: &str) -> Option<Self> {
        Some(match trigger_source.strip_prefix("TokenGeneration_")? {
            "Authentication" => Self::Authentication,
            "RefreshTokens" => Self::RefreshTokens,
            "NewPasswordChallenge" => Self::NewPasswordChallenge,
            "HostedAuth" => Self::HostedAuth,
            "AuthenticateDevice" => Self::AuthenticateDevice,
            "ClientCredentials" => Self::ClientCredentials,
            _ => Self::Unknown,
        })
    }

    /// The `triggerSource`; for [`Self::Unknown`], which stands for several, a value that Cognito never sends.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authentication => "TokenGeneration_Authentication",
            Self::RefreshTokens => "TokenGeneration_RefreshTokens",
            Self::NewPasswordChallenge => "TokenGeneration_NewPasswordChallenge",
            Self::HostedAuth => "TokenGeneration_HostedAuth",
            Self::AuthenticateDevice => "TokenGeneration_AuthenticateDevice",
            Self::ClientCredentials => "TokenGeneration_ClientCredentials",
            Self::Unknown => "TokenGeneration_Unknown",
        }
    }
}

/// `triggerSource` of Define Auth Challenge.
pub const DEFINE_AUTH_CHALLENGE: &str = "DefineAuthChallenge_Authentication";
/// `triggerSource` of Create Auth Challenge.
pub const CREATE_AUTH_CHALLENGE: &str = "CreateAuthChallenge_Authentication";
/// `triggerSource` of Verify Auth Challenge Response.
pub const VERIFY_AUTH_CHALLENGE: &str = "VerifyAuthChallengeResponse_Authentication";

/// The attribute that says whether a user has a temporary password.
pub const USER_STATUS: &str = "cognito:user_status";
/// Its value where the user has one.
pub const FORCE_CHANGE_PASSWORD: &str = "FORCE_CHANGE_PASSWORD";
