//! Cognito's API operations, one file per group, and the table from operation name to function.

mod initiate_auth;
mod mfa;
mod password;
mod respond_to_auth_challenge;
mod sign_up;
mod tokens;
mod users;

use serde_json::Value;

use crate::error::CognitoError;
use crate::pool::Pool;
use crate::request::Request;

impl Pool {
    /// Calls one API operation: takes the request as JSON and returns the response as JSON.
    pub async fn call(&self, operation: &str, body: Value) -> Result<Value, CognitoError> {
        let request = &Request::parse(body)?;
        match operation {
            "InitiateAuth" => initiate_auth::initiate_auth(self, request).await,
            "AdminInitiateAuth" => initiate_auth::admin_initiate_auth(self, request).await,
            "RespondToAuthChallenge" => respond_to_auth_challenge::respond_to_auth_challenge(self, request).await,
            "AdminRespondToAuthChallenge" => {
                respond_to_auth_challenge::admin_respond_to_auth_challenge(self, request).await
            }

            "SignUp" => sign_up::sign_up(self, request),
            "ConfirmSignUp" => sign_up::confirm_sign_up(self, request),
            "AdminConfirmSignUp" => sign_up::admin_confirm_sign_up(self, request),

            "ForgotPassword" => password::forgot_password(self, request),
            "ConfirmForgotPassword" => password::confirm_forgot_password(self, request),
            "AdminSetUserPassword" => password::admin_set_user_password(self, request),

            "AdminCreateUser" => users::admin_create_user(self, request),
            "AdminGetUser" => users::admin_get_user(self, request),
            "GetUser" => users::get_user(self, request),

            "AssociateSoftwareToken" => mfa::associate_software_token(self, request),
            "VerifySoftwareToken" => mfa::verify_software_token(self, request),
            "AdminDeleteSoftwareToken" => mfa::admin_delete_software_token(self, request),
            "SetUserMFAPreference" => mfa::set_user_mfa_preference(self, request),
            "AdminSetUserMFAPreference" => mfa::admin_set_user_mfa_preference(self, request),
            "SetUserPoolMfaConfig" => mfa::set_user_pool_mfa_config(self, request),
            "GetUserPoolMfaConfig" => mfa::get_user_pool_mfa_config(self, request),

            "GetTokensFromRefreshToken" => tokens::get_tokens_from_refresh_token(self, request).await,
            "RevokeToken" => tokens::revoke_token(self, request),
            "GlobalSignOut" => tokens::global_sign_out(self, request),
            "AdminUserGlobalSignOut" => tokens::admin_user_global_sign_out(self, request),

            unknown => Err(CognitoError::new(
                "UnknownOperationException",
                format!("The local user pool does not have the operation {unknown}"),
            )),
        }
    }
}
