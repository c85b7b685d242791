//! Cognito's API operations, one file per group, and the table from operation name to function.

mod app_clients;
mod attributes;
mod described;
mod groups;
mod initiate_auth;
mod mfa;
mod password;
mod respond_to_auth_challenge;
mod session_configuration;
mod sign_up;
mod tokens;
pub(crate) mod user_pools;
mod users;

use serde_json::Value;

use crate::error::CognitoError;
use crate::model::check;
use crate::pool::Pool;
use crate::request::Request;

impl Pool {
    /// Calls one API operation: takes the request as JSON and returns the response as JSON.
    pub async fn call(&self, operation: &str, body: Value) -> Result<Value, CognitoError> {
        let request = &Request::parse(body)?;
        check(operation, request)?;
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

            "ResendConfirmationCode" => sign_up::resend_confirmation_code(self, request),

            "ForgotPassword" => password::forgot_password(self, request),
            "ConfirmForgotPassword" => password::confirm_forgot_password(self, request),
            "ChangePassword" => password::change_password(self, request),
            "AdminSetUserPassword" => password::admin_set_user_password(self, request),
            "AdminResetUserPassword" => password::admin_reset_user_password(self, request),

            "UpdateUserAttributes" => attributes::update_user_attributes(self, request),
            "DeleteUserAttributes" => attributes::delete_user_attributes(self, request),
            "GetUserAttributeVerificationCode" => attributes::get_user_attribute_verification_code(self, request),
            "VerifyUserAttribute" => attributes::verify_user_attribute(self, request),
            "AdminUpdateUserAttributes" => attributes::admin_update_user_attributes(self, request),
            "AdminDeleteUserAttributes" => attributes::admin_delete_user_attributes(self, request),

            "AdminCreateUser" => users::admin_create_user(self, request),
            "AdminGetUser" => users::admin_get_user(self, request),
            "GetUser" => users::get_user(self, request),
            "ListUsers" => users::list_users(self, request),
            "AdminDisableUser" => users::admin_disable_user(self, request),
            "AdminEnableUser" => users::admin_enable_user(self, request),
            "AdminDeleteUser" => users::admin_delete_user(self, request),
            "DeleteUser" => users::delete_user(self, request),

            "CreateGroup" => groups::create_group(self, request),
            "GetGroup" => groups::get_group(self, request),
            "UpdateGroup" => groups::update_group(self, request),
            "DeleteGroup" => groups::delete_group(self, request),
            "ListGroups" => groups::list_groups(self, request),
            "AdminAddUserToGroup" => groups::admin_add_user_to_group(self, request),
            "AdminRemoveUserFromGroup" => groups::admin_remove_user_from_group(self, request),
            "AdminListGroupsForUser" => groups::admin_list_groups_for_user(self, request),
            "ListUsersInGroup" => groups::list_users_in_group(self, request),

            "DescribeUserPool" => user_pools::describe_user_pool(self, request),
            "UpdateUserPool" => user_pools::update_user_pool(self, request),
            "ListUserPoolReplicas" => user_pools::list_user_pool_replicas(self, request),
            "AddCustomAttributes" => user_pools::add_custom_attributes(self, request),
            "CreateIdentityProvider" => described::create_identity_provider(self, request),
            "DescribeIdentityProvider" => described::describe_identity_provider(self, request),
            "UpdateIdentityProvider" => described::update_identity_provider(self, request),
            "DeleteIdentityProvider" => described::delete_identity_provider(self, request),
            "ListIdentityProviders" => described::list_identity_providers(self, request),
            "CreateResourceServer" => described::create_resource_server(self, request),
            "DescribeResourceServer" => described::describe_resource_server(self, request),
            "UpdateResourceServer" => described::update_resource_server(self, request),
            "DeleteResourceServer" => described::delete_resource_server(self, request),
            "ListResourceServers" => described::list_resource_servers(self, request),
            "CreateUserPoolDomain" => described::create_user_pool_domain(self, request),
            "DescribeUserPoolDomain" => described::describe_user_pool_domain(self, request),
            "UpdateUserPoolDomain" => described::update_user_pool_domain(self, request),
            "DeleteUserPoolDomain" => described::delete_user_pool_domain(self, request),

            "CreateUserPoolClient" => app_clients::create_user_pool_client(self, request),
            "DescribeUserPoolClient" => app_clients::describe_user_pool_client(self, request),
            "UpdateUserPoolClient" => app_clients::update_user_pool_client(self, request),
            "DeleteUserPoolClient" => app_clients::delete_user_pool_client(self, request),
            "ListUserPoolClients" => app_clients::list_user_pool_clients(self, request),

            "AssociateSoftwareToken" => mfa::associate_software_token(self, request),
            "VerifySoftwareToken" => mfa::verify_software_token(self, request),
            "AdminDeleteSoftwareToken" => mfa::admin_delete_software_token(self, request),
            "SetUserMFAPreference" => mfa::set_user_mfa_preference(self, request),
            "AdminSetUserMFAPreference" => mfa::admin_set_user_mfa_preference(self, request),
            "SetUserPoolMfaConfig" => mfa::set_user_pool_mfa_config(self, request),
            "GetUserPoolMfaConfig" => mfa::get_user_pool_mfa_config(self, request),

            "GetUserPoolSessionConfiguration" => {
                session_configuration::get_user_pool_session_configuration(self, request)
            }
            "SetUserPoolSessionConfiguration" => {
                session_configuration::set_user_pool_session_configuration(self, request)
            }
            "GetUserPoolClientSessionConfiguration" => {
                session_configuration::get_user_pool_client_session_configuration(self, request)
            }
            "SetUserPoolClientSessionConfiguration" => {
                session_configuration::set_user_pool_client_session_configuration(self, request)
            }

            "GetTokensFromRefreshToken" => tokens::get_tokens_from_refresh_token(self, request).await,
            "RevokeToken" => tokens::revoke_token(self, request),
            "GlobalSignOut" => tokens::global_sign_out(self, request),
            "AdminUserGlobalSignOut" => tokens::admin_user_global_sign_out(self, request),

            // Those that are there without a pool are in `service`.
            _ => Err(CognitoError::new(
                "UnknownOperationException",
                format!("{operation} is not an operation of one pool"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::OPERATIONS;

    #[test]
    fn every_operation_of_the_table_is_in_the_model() {
        let rows = include_str!("operations.rs").lines().chain(include_str!("service.rs").lines());
        let named = rows.filter_map(|row| row.trim().strip_prefix('"')?.split_once("\" => ").map(|(name, _)| name));
        let mut named: Vec<&str> = named.collect();
        named.sort_unstable();
        assert_eq!(named, OPERATIONS.map(|(name, _)| name));
    }
}
