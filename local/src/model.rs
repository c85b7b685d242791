//! Cognito's service model, as far as requests are checked against it: the operations with the members that each requires, and the
//! members with their types and lengths. A member has the same in all operations.
//!
//! Invariant: a member that the model has is of its type and length, or the operation does not run; one that it does not have is
//! ignored, as AWS's JSON protocol has it, or kept with the others where an operation keeps what it is given.
//!
//! Source: the service model of the Cognito API in botocore 1.44.5.

use serde_json::Value;

use crate::error::CognitoError;
use crate::request::{Request, missing_member, strings, violated_constraint, wrong_type};

/// The operations that a local pool has, in alphabetical order, and the members that each requires.
pub const OPERATIONS: [(&str, &[&str]); 77] = [
    ("AddCustomAttributes", &["UserPoolId", "CustomAttributes"]),
    ("AdminAddUserToGroup", &["UserPoolId", "Username", "GroupName"]),
    ("AdminConfirmSignUp", &["UserPoolId", "Username"]),
    ("AdminCreateUser", &["UserPoolId", "Username"]),
    ("AdminDeleteSoftwareToken", &["UserPoolId", "Username"]),
    ("AdminDeleteUser", &["UserPoolId", "Username"]),
    ("AdminDeleteUserAttributes", &["UserPoolId", "Username", "UserAttributeNames"]),
    ("AdminDisableUser", &["UserPoolId", "Username"]),
    ("AdminEnableUser", &["UserPoolId", "Username"]),
    ("AdminGetUser", &["UserPoolId", "Username"]),
    ("AdminInitiateAuth", &["UserPoolId", "ClientId", "AuthFlow"]),
    ("AdminListGroupsForUser", &["UserPoolId", "Username"]),
    ("AdminRemoveUserFromGroup", &["UserPoolId", "Username", "GroupName"]),
    ("AdminResetUserPassword", &["UserPoolId", "Username"]),
    ("AdminRespondToAuthChallenge", &["UserPoolId", "ClientId", "ChallengeName"]),
    ("AdminSetUserMFAPreference", &["UserPoolId", "Username"]),
    ("AdminSetUserPassword", &["UserPoolId", "Username", "Password"]),
    ("AdminUpdateUserAttributes", &["UserPoolId", "Username", "UserAttributes"]),
    ("AdminUserGlobalSignOut", &["UserPoolId", "Username"]),
    ("AssociateSoftwareToken", &[]),
    ("ChangePassword", &["AccessToken", "ProposedPassword"]),
    ("ConfirmForgotPassword", &["ClientId", "Username", "ConfirmationCode", "Password"]),
    ("ConfirmSignUp", &["ClientId", "Username", "ConfirmationCode"]),
    ("CreateGroup", &["UserPoolId", "GroupName"]),
    ("CreateIdentityProvider", &["UserPoolId", "ProviderName", "ProviderType", "ProviderDetails"]),
    ("CreateResourceServer", &["UserPoolId", "Identifier", "Name"]),
    ("CreateUserPool", &["PoolName"]),
    ("CreateUserPoolClient", &["UserPoolId", "ClientName"]),
    ("CreateUserPoolDomain", &["UserPoolId", "Domain"]),
    ("DeleteGroup", &["UserPoolId", "GroupName"]),
    ("DeleteIdentityProvider", &["UserPoolId", "ProviderName"]),
    ("DeleteResourceServer", &["UserPoolId", "Identifier"]),
    ("DeleteUser", &["AccessToken"]),
    ("DeleteUserAttributes", &["AccessToken", "UserAttributeNames"]),
    ("DeleteUserPool", &["UserPoolId"]),
    ("DeleteUserPoolClient", &["UserPoolId", "ClientId"]),
    ("DeleteUserPoolDomain", &["UserPoolId", "Domain"]),
    ("DescribeIdentityProvider", &["UserPoolId", "ProviderName"]),
    ("DescribeResourceServer", &["UserPoolId", "Identifier"]),
    ("DescribeUserPool", &["UserPoolId"]),
    ("DescribeUserPoolClient", &["UserPoolId", "ClientId"]),
    ("DescribeUserPoolDomain", &["Domain"]),
    ("ForgotPassword", &["ClientId", "Username"]),
    ("GetGroup", &["UserPoolId", "GroupName"]),
    ("GetTokensFromRefreshToken", &["ClientId", "RefreshToken"]),
    ("GetUser", &["AccessToken"]),
    ("GetUserAttributeVerificationCode", &["AccessToken", "AttributeName"]),
    ("GetUserPoolClientSessionConfiguration", &["UserPoolId", "ClientId"]),
    ("GetUserPoolMfaConfig", &["UserPoolId"]),
    ("GetUserPoolSessionConfiguration", &["UserPoolId"]),
    ("GlobalSignOut", &["AccessToken"]),
    ("InitiateAuth", &["ClientId", "AuthFlow"]),
    ("ListGroups", &["UserPoolId"]),
    ("ListIdentityProviders", &["UserPoolId"]),
    ("ListResourceServers", &["UserPoolId"]),
    ("ListUserPoolClients", &["UserPoolId"]),
    ("ListUserPoolReplicas", &["UserPoolId"]),
    ("ListUserPools", &["MaxResults"]),
    ("ListUsers", &["UserPoolId"]),
    ("ListUsersInGroup", &["UserPoolId", "GroupName"]),
    ("ResendConfirmationCode", &["ClientId", "Username"]),
    ("RespondToAuthChallenge", &["ClientId", "ChallengeName"]),
    ("RevokeToken", &["ClientId", "Token"]),
    ("SetUserMFAPreference", &["AccessToken"]),
    ("SetUserPoolClientSessionConfiguration", &["UserPoolId", "ClientId", "SSOSession"]),
    ("SetUserPoolMfaConfig", &["UserPoolId"]),
    ("SetUserPoolSessionConfiguration", &["UserPoolId", "UserSessionTracking", "TokenSession"]),
    ("SignUp", &["ClientId", "Username"]),
    ("UpdateGroup", &["UserPoolId", "GroupName"]),
    ("UpdateIdentityProvider", &["UserPoolId", "ProviderName"]),
    ("UpdateResourceServer", &["UserPoolId", "Identifier", "Name"]),
    ("UpdateUserAttributes", &["AccessToken", "UserAttributes"]),
    ("UpdateUserPool", &["UserPoolId"]),
    ("UpdateUserPoolClient", &["UserPoolId", "ClientId"]),
    ("UpdateUserPoolDomain", &["UserPoolId", "Domain"]),
    ("VerifySoftwareToken", &["UserCode"]),
    ("VerifyUserAttribute", &["AccessToken", "AttributeName", "Code"]),
];

/// What a member is.
#[derive(Clone, Copy)]
enum Kind {
    /// The least and the most characters.
    Text(usize, usize),
    Number,
    Flag,
    Structure,
    Structures,
    Texts,
    TextMap,
}

/// The members of all these operations.
const MEMBERS: [(&str, Kind); 121] = [
    ("AccessToken", Kind::Text(0, usize::MAX)),
    ("AccessTokenValidity", Kind::Number),
    ("AccountRecoverySetting", Kind::Structure),
    ("AcrConfiguration", Kind::Structure),
    ("AcrMapping", Kind::TextMap),
    ("AdminCreateUserConfig", Kind::Structure),
    ("AliasAttributes", Kind::Texts),
    ("AllowedOAuthFlows", Kind::Texts),
    ("AllowedOAuthFlowsUserPoolClient", Kind::Flag),
    ("AllowedOAuthScopes", Kind::Texts),
    ("AnalyticsConfiguration", Kind::Structure),
    ("AnalyticsMetadata", Kind::Structure),
    ("AttributeMapping", Kind::TextMap),
    ("AttributeName", Kind::Text(1, 32)),
    ("AttributesToGet", Kind::Texts),
    ("AuthFlow", Kind::Text(0, usize::MAX)),
    ("AuthParameters", Kind::TextMap),
    ("AuthSessionValidity", Kind::Number),
    ("AutoVerifiedAttributes", Kind::Texts),
    ("CallbackURLs", Kind::Texts),
    ("ChallengeName", Kind::Text(0, usize::MAX)),
    ("ChallengeResponses", Kind::TextMap),
    ("ClientId", Kind::Text(1, 128)),
    ("ClientMetadata", Kind::TextMap),
    ("ClientName", Kind::Text(1, 128)),
    ("ClientSecret", Kind::Text(0, 64)),
    ("ClientType", Kind::Text(0, usize::MAX)),
    ("Code", Kind::Text(1, 2048)),
    ("ConfirmationCode", Kind::Text(1, 2048)),
    ("ContextData", Kind::Structure),
    ("CustomAttributes", Kind::Structures),
    ("CustomDomainConfig", Kind::Structure),
    ("DcrConfiguration", Kind::Structure),
    ("DefaultRedirectURI", Kind::Text(1, 1024)),
    ("DeletionProtection", Kind::Text(0, usize::MAX)),
    ("Description", Kind::Text(0, 2048)),
    ("DesiredDeliveryMediums", Kind::Texts),
    ("DeviceConfiguration", Kind::Structure),
    ("DeviceKey", Kind::Text(1, 55)),
    ("Domain", Kind::Text(1, 63)),
    ("EmailConfiguration", Kind::Structure),
    ("EmailMfaConfiguration", Kind::Structure),
    ("EmailMfaSettings", Kind::Structure),
    ("EmailVerificationMessage", Kind::Text(0, 20000)),
    ("EmailVerificationSubject", Kind::Text(1, 140)),
    ("EnablePropagateAdditionalUserContextData", Kind::Flag),
    ("EnableTokenRevocation", Kind::Flag),
    ("ExplicitAuthFlows", Kind::Texts),
    ("Filter", Kind::Text(0, 256)),
    ("ForceAliasCreation", Kind::Flag),
    ("FriendlyDeviceName", Kind::Text(0, 131072)),
    ("GenerateSecret", Kind::Flag),
    ("GroupName", Kind::Text(1, 128)),
    ("IdTokenValidity", Kind::Number),
    ("Identifier", Kind::Text(1, 256)),
    ("IdpIdentifiers", Kind::Texts),
    ("IssuerConfiguration", Kind::Structure),
    ("KeyConfiguration", Kind::Structure),
    ("LambdaConfig", Kind::Structure),
    ("Limit", Kind::Number),
    ("LogoutURLs", Kind::Texts),
    ("ManagedLoginVersion", Kind::Number),
    ("MaxResults", Kind::Number),
    ("MessageAction", Kind::Text(0, usize::MAX)),
    ("MfaConfiguration", Kind::Text(0, usize::MAX)),
    ("Name", Kind::Text(1, 256)),
    ("NextToken", Kind::Text(1, usize::MAX)),
    ("PaginationToken", Kind::Text(1, usize::MAX)),
    ("Password", Kind::Text(0, 256)),
    ("Permanent", Kind::Flag),
    ("Policies", Kind::Structure),
    ("PoolName", Kind::Text(1, 128)),
    ("Precedence", Kind::Number),
    ("PreventUserExistenceErrors", Kind::Text(0, usize::MAX)),
    ("PreviousPassword", Kind::Text(0, 256)),
    ("ProposedPassword", Kind::Text(0, 256)),
    ("ProviderDetails", Kind::TextMap),
    ("ProviderName", Kind::Text(1, 32)),
    ("ProviderType", Kind::Text(0, usize::MAX)),
    ("ReadAttributes", Kind::Texts),
    ("RefreshToken", Kind::Text(0, usize::MAX)),
    ("RefreshTokenRotation", Kind::Structure),
    ("RefreshTokenValidity", Kind::Number),
    ("RevokeAssociatedSessions", Kind::Text(0, usize::MAX)),
    ("RoleArn", Kind::Text(0, 2048)),
    ("Routing", Kind::Structure),
    ("SMSMfaSettings", Kind::Structure),
    ("SSOSession", Kind::Structure),
    ("Schema", Kind::Structures),
    ("Scopes", Kind::Structures),
    ("SecretHash", Kind::Text(1, 128)),
    ("Session", Kind::Text(0, 4096)),
    ("SmsAuthenticationMessage", Kind::Text(0, 140)),
    ("SmsConfiguration", Kind::Structure),
    ("SmsMfaConfiguration", Kind::Structure),
    ("SmsVerificationMessage", Kind::Text(0, 140)),
    ("SoftwareTokenMfaConfiguration", Kind::Structure),
    ("SoftwareTokenMfaSettings", Kind::Structure),
    ("SupportedIdentityProviders", Kind::Texts),
    ("TemporaryPassword", Kind::Text(0, 256)),
    ("Token", Kind::Text(0, usize::MAX)),
    ("TokenSession", Kind::Structure),
    ("TokenValidityUnits", Kind::Structure),
    ("UserAttributeNames", Kind::Texts),
    ("UserAttributeUpdateSettings", Kind::Structure),
    ("UserAttributes", Kind::Structures),
    ("UserCode", Kind::Text(0, 6)),
    ("UserContextData", Kind::Structure),
    ("UserPoolAddOns", Kind::Structure),
    ("UserPoolId", Kind::Text(1, 55)),
    ("UserPoolTags", Kind::TextMap),
    ("UserPoolTier", Kind::Text(0, usize::MAX)),
    ("UserSessionTracking", Kind::Text(0, usize::MAX)),
    ("Username", Kind::Text(1, 128)),
    ("UsernameAttributes", Kind::Texts),
    ("UsernameConfiguration", Kind::Structure),
    ("ValidationData", Kind::Structures),
    ("VerificationMessageTemplate", Kind::Structure),
    ("WebAuthnConfiguration", Kind::Structure),
    ("WebAuthnMfaSettings", Kind::Structure),
    ("WriteAttributes", Kind::Texts),
];

/// Checks a request before its operation runs.
pub(crate) fn check(operation: &str, request: &Request) -> Result<(), CognitoError> {
    let required = OPERATIONS.iter().find(|(name, _)| *name == operation).map(|(_, required)| *required);
    let required = required.ok_or_else(|| unknown_operation(operation))?;
    let members = || MEMBERS.iter().filter_map(|(name, kind)| Some((*name, *kind, request.member(name)?)));
    for (name, kind, value) in members() {
        kind.check_type(value).ok_or_else(|| wrong_type(name))?;
    }
    if let Some(missing) = required.iter().find(|name| request.member(name).is_none()) {
        return Err(missing_member(missing));
    }
    for (name, kind, value) in members() {
        kind.check_length(name, value)?;
    }
    Ok(())
}

fn unknown_operation(operation: &str) -> CognitoError {
    let all = OPERATIONS.map(|(name, _)| name).join(", ");
    let message = format!("The local user pool does not have the operation {operation}. It has {all}");
    CognitoError::new("UnknownOperationException", message)
}

impl Kind {
    fn check_type(self, value: &Value) -> Option<()> {
        let all = |is_one: fn(&Value) -> bool| value.as_array().is_some_and(|items| items.iter().all(is_one));
        let fits = match self {
            Self::Text(..) => value.is_string(),
            Self::Number => value.is_i64() || value.is_u64(),
            Self::Flag => value.is_boolean(),
            Self::Structure => value.is_object(),
            Self::Structures => all(Value::is_object),
            Self::Texts => all(Value::is_string),
            Self::TextMap => strings(value).is_some(),
        };
        fits.then_some(())
    }

    fn check_length(self, name: &str, value: &Value) -> Result<(), CognitoError> {
        let violated = |constraint: String| Err(violated_constraint(name, &constraint));
        match (self, value) {
            (Self::Text(least, most), Value::String(text)) => match text.chars().count() {
                length if length < least => violated(format!("have length greater than or equal to {least}")),
                length if length > most => violated(format!("have length less than or equal to {most}")),
                _ => Ok(()),
            },
            (Self::Number, number) if !number.is_u64() => violated("have value greater than or equal to 0".to_owned()),
            _ => Ok(()),
        }
    }
}
