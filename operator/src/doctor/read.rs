//! Reads a deployment from AWS. It calls what describes, lists or gets, and nothing that changes.
//!
//! Source: <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>

use aws_sdk_cognitoidentityprovider::error::ProvideErrorMetadata as _;
use aws_sdk_cognitoidentityprovider::types::{
    LambdaConfigType, UserPoolClientDescription, UserPoolClientType, UserPoolType,
};
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_lambda::types::EnvironmentResponse;
use shared::clock::UnixTime;
use shared::requirements::Requirements;
use shared::settings::Policy;

use super::deployment::{
    Client, Configuration, Deployment, Function, Given, KEY_ID, Key, ListedClient, Pool, PoolTrigger, Read, TABLE_NAME,
    Table, TableDescription, Triggers, Validity, Variables,
};
use crate::aws::{CallError, Cause, Services, UserPoolId, failed};

/// Reads everything.
///
/// # Errors
/// Nothing of the pool can be read, so neither can what it names.
pub async fn read(
    services: &Services,
    user_pool_id: UserPoolId,
    given: Given,
    read_at: UnixTime,
) -> Result<Deployment, CallError> {
    let id = user_pool_id.to_string();
    let pool = match services.pool(&id).await {
        Err(unreadable) if is_in_the_way_of_all(unreadable.cause) => return Err(unreadable),
        pool => pool,
    };
    let mfa_configuration = services.mfa_configuration(&id).await;
    let identity_providers = services.identity_providers(&id).await;
    let clients = services.clients(&id).await;
    let trail_logs = services.trail_logs().await;
    let pool = match pool {
        Err(unreadable) if mfa_configuration.is_err() && identity_providers.is_err() && clients.is_err() => {
            return Err(unreadable);
        }
        pool => pool,
    };
    let named = |given: &Option<String>, variable| {
        let told = || pool.as_ref().ok()?.triggers.told(variable).next().map(|(_, value)| value.to_owned());
        given.clone().or_else(told)
    };
    let table = match named(&given.table_name, TABLE_NAME) {
        Some(name) => Some(services.table(name).await),
        None => None,
    };
    let key = match named(&given.key_id, KEY_ID) {
        Some(id) => Some(services.key(id).await),
        None => None,
    };
    let no_triggers = Triggers::default();
    let triggers = pool.as_ref().map_or(&no_triggers, |pool| &pool.triggers);
    let set_up = match &table {
        Some(table)
            if triggers.told(Policy::VARIABLE).any(|(_, policy)| policy.trim() == Policy::Optional.as_str()) =>
        {
            Some(services.set_up(&table.name, &id).await.map(|set_up| set_up.table()))
        }
        Some(_) | None => None,
    };
    let mut groups = Vec::new();
    let named = triggers.variables(PoolTrigger::Guard).and_then(|variables| variables.get(Requirements::GROUPS));
    for group in named.unwrap_or_default().split_whitespace() {
        groups.push((group.to_owned(), services.has_group(&id, group).await));
    }
    Ok(Deployment {
        set_up,
        groups,
        user_pool_id,
        pool,
        mfa_configuration,
        identity_providers,
        trail_logs,
        clients,
        table,
        key,
        read_at,
        given,
    })
}

/// The pool's other calls would end the same way, and some only after seconds.
fn is_in_the_way_of_all(cause: Cause) -> bool {
    match cause {
        Cause::NoCredentials
        | Cause::CredentialsNotLoaded
        | Cause::CredentialsExpired
        | Cause::CredentialsRefused
        | Cause::NotReached
        | Cause::NotFound => true,
        Cause::Denied | Cause::Throttled | Cause::Conflict | Cause::NoSuchUser | Cause::Other => false,
    }
}

impl Services {
    async fn pool(&self, id: &str) -> Read<Pool> {
        const CALL: &str = "DescribeUserPool";
        let described = self.cognito.describe_user_pool().user_pool_id(id).send().await;
        let pool = there(CALL, described.map_err(failed(CALL))?.user_pool)?;
        let UserPoolType { arn, deletion_protection, device_configuration, policies, domain, custom_domain, .. } = pool;
        Ok(Pool {
            arn: there(CALL, arn)?,
            deletion_protection: deletion_protection.map(|word| word.as_str().to_owned()).unwrap_or_default(),
            remembers_devices: device_configuration.is_some(),
            first_factors: policies
                .and_then(|policies| policies.sign_in_policy)
                .map(|policy| words(policy.allowed_first_auth_factors(), |factor| factor.as_str()))
                .unwrap_or_default(),
            domains: [domain, custom_domain].into_iter().flatten().filter(|domain| !domain.is_empty()).collect(),
            plan: pool.user_pool_tier.map(|plan| plan.as_str().to_owned()).unwrap_or_default(),
            triggers: match pool.lambda_config {
                Some(attached) => self.triggers(attached).await,
                None => Triggers::default(),
            },
        })
    }

    async fn triggers(&self, attached: LambdaConfigType) -> Triggers {
        let (guard, guard_events) = match attached.pre_token_generation_config {
            Some(config) => (Some(config.lambda_arn), config.lambda_version.as_str().to_owned()),
            None => (attached.pre_token_generation, "V1_0".to_owned()),
        };
        let others = [
            ("PreSignUp", attached.pre_sign_up),
            ("CustomMessage", attached.custom_message),
            ("PostConfirmation", attached.post_confirmation),
            ("PreAuthentication", attached.pre_authentication),
            ("PostAuthentication", attached.post_authentication),
            ("UserMigration", attached.user_migration),
            ("CustomSMSSender", attached.custom_sms_sender.map(|sender| sender.lambda_arn)),
            ("CustomEmailSender", attached.custom_email_sender.map(|sender| sender.lambda_arn)),
            ("InboundFederation", attached.inbound_federation.map(|federation| federation.lambda_arn)),
        ];
        Triggers {
            define: self.function(attached.define_auth_challenge).await,
            create: self.function(attached.create_auth_challenge).await,
            verify: self.function(attached.verify_auth_challenge_response).await,
            guard: self.function(guard).await,
            guard_events,
            others: others.into_iter().filter_map(|(name, arn)| Some((name, arn?))).collect(),
        }
    }

    async fn function(&self, arn: Option<String>) -> Option<Function> {
        let arn = arn.filter(|arn| !arn.is_empty())?;
        let configuration = self.lambda.get_function_configuration().function_name(&arn).send().await;
        let policy = self.lambda.get_policy().function_name(&arn).send().await;
        Some(Function {
            configuration: configuration.map(as_configuration).map_err(failed("GetFunctionConfiguration")),
            policy: match policy {
                Ok(answer) => Ok(answer.policy),
                // Lambda's way to say that nobody was given leave.
                Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
                Err(error) => Err(failed("GetPolicy")(error)),
            },
            arn,
        })
    }

    async fn mfa_configuration(&self, id: &str) -> Read<String> {
        const CALL: &str = "GetUserPoolMfaConfig";
        let answer = self.cognito.get_user_pool_mfa_config().user_pool_id(id).send().await;
        let configuration = answer.map_err(failed(CALL))?.mfa_configuration;
        there(CALL, configuration.map(|word| word.as_str().to_owned()))
    }

    async fn identity_providers(&self, id: &str) -> Read<Vec<String>> {
        let pages = self.cognito.list_identity_providers().user_pool_id(id).into_paginator().items().send();
        let listed = pages.try_collect().await.map_err(failed("ListIdentityProviders"))?;
        Ok(listed.into_iter().filter_map(|provider| provider.provider_name).collect())
    }

    async fn trail_logs(&self) -> Read<bool> {
        const CALL: &str = "GetTrailStatus";
        let trails = self.cloudtrail.describe_trails().send().await.map_err(failed("DescribeTrails"))?.trail_list;
        for trail in trails.unwrap_or_default() {
            let status = self.cloudtrail.get_trail_status().set_name(trail.trail_arn).send().await;
            if status.map_err(failed(CALL))?.is_logging.unwrap_or(false) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn clients(&self, id: &str) -> Read<Vec<ListedClient>> {
        let pages = self.cognito.list_user_pool_clients().user_pool_id(id).max_results(60).into_paginator().items();
        let listed: Vec<UserPoolClientDescription> =
            pages.send().try_collect().await.map_err(failed("ListUserPoolClients"))?;
        let mut clients = Vec::new();
        for UserPoolClientDescription { client_id, client_name, .. } in listed {
            let client_id = client_id.unwrap_or_default();
            let client = self.client(id, &client_id).await;
            clients.push(ListedClient { name: client_name.unwrap_or_default(), id: client_id, client });
        }
        Ok(clients)
    }

    async fn has_group(&self, user_pool_id: &str, name: &str) -> Read<bool> {
        match self.cognito.get_group().user_pool_id(user_pool_id).group_name(name).send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(false),
            Err(error) => Err(failed("GetGroup")(error)),
        }
    }

    async fn client(&self, user_pool_id: &str, client_id: &str) -> Read<Client> {
        const CALL: &str = "DescribeUserPoolClient";
        let request = self.cognito.describe_user_pool_client().user_pool_id(user_pool_id).client_id(client_id);
        let answer = request.send().await.map_err(failed(CALL))?;
        there(CALL, answer.user_pool_client).map(as_client)
    }

    async fn table(&self, name: String) -> Table {
        Table {
            description: self.table_description(&name).await,
            point_in_time_recovery: self.point_in_time_recovery(&name).await,
            name,
        }
    }

    async fn table_description(&self, name: &str) -> Read<TableDescription> {
        const CALL: &str = "DescribeTable";
        let answer = self.dynamodb.describe_table().table_name(name).send().await;
        let table = there(CALL, answer.map_err(failed(CALL))?.table)?;
        Ok(TableDescription {
            status: there(CALL, table.table_status)?.as_str().to_owned(),
            deletion_protection: table.deletion_protection_enabled.unwrap_or(false),
        })
    }

    async fn point_in_time_recovery(&self, name: &str) -> Read<String> {
        const CALL: &str = "DescribeContinuousBackups";
        let answer = self.dynamodb.describe_continuous_backups().table_name(name).send().await;
        let backups = there(CALL, answer.map_err(failed(CALL))?.continuous_backups_description)?;
        let status =
            backups.point_in_time_recovery_description.and_then(|recovery| recovery.point_in_time_recovery_status);
        Ok(status.map_or_else(|| "DISABLED".to_owned(), |status| status.as_str().to_owned()))
    }

    async fn key(&self, id: String) -> Key {
        match self.key_metadata(&id).await {
            // An alias has no rotation; its key has.
            Ok((key_id, state)) => Key { rotation: self.rotation(&key_id).await, state: Ok(state), id },
            Err(error) => Key { rotation: self.rotation(&id).await, state: Err(error), id },
        }
    }

    /// The key's own id, as an ARN where there is one, and its state.
    async fn key_metadata(&self, id: &str) -> Read<(String, String)> {
        const CALL: &str = "DescribeKey";
        let answer = self.kms.describe_key().key_id(id).send().await;
        let key = there(CALL, answer.map_err(failed(CALL))?.key_metadata)?;
        Ok((key.arn.unwrap_or(key.key_id), there(CALL, key.key_state)?.as_str().to_owned()))
    }

    async fn rotation(&self, id: &str) -> Read<bool> {
        let answer = self.kms.get_key_rotation_status().key_id(id).send().await;
        Ok(answer.map_err(failed("GetKeyRotationStatus"))?.key_rotation_enabled)
    }
}

fn as_configuration(output: GetFunctionConfigurationOutput) -> Configuration {
    let variables = match output.environment {
        None => Ok(Variables::default()),
        // Whoever may not use the key of the variables gets this in their place.
        Some(EnvironmentResponse { error: Some(error), .. }) => {
            let cause = Cause::of(error.error_code.as_deref().unwrap_or_default());
            let said: Vec<String> = [error.error_code, error.message].into_iter().flatten().collect();
            Err(CallError { call: "GetFunctionConfiguration", cause, reason: said.join(": ") })
        }
        Some(EnvironmentResponse { variables, .. }) => Ok(Variables::of(variables.unwrap_or_default())),
    };
    let state = output.state.map(|state| state.as_str().to_owned());
    Configuration { timeout_seconds: output.timeout, state, variables }
}

/// Takes what is looked at; `ClientSecret` stays behind.
fn as_client(client: UserPoolClientType) -> Client {
    let units = client.token_validity_units.as_ref();
    let validity = |value, unit: Option<&str>| Validity { value, unit: unit.map(str::to_owned) };
    Client {
        flows: words(client.explicit_auth_flows(), |flow| flow.as_str()),
        oauth_on: client.allowed_o_auth_flows_user_pool_client.unwrap_or(false),
        oauth_flows: words(client.allowed_o_auth_flows(), |flow| flow.as_str()),
        user_existence_errors: client.prevent_user_existence_errors.as_ref().map(|word| word.as_str().to_owned()),
        session_minutes: client.auth_session_validity,
        token_revocation: client.enable_token_revocation,
        refresh_token: validity(
            Some(client.refresh_token_validity),
            units.and_then(|units| Some(units.refresh_token()?.as_str())),
        ),
        access_token: validity(
            client.access_token_validity,
            units.and_then(|units| Some(units.access_token()?.as_str())),
        ),
        id_token: validity(client.id_token_validity, units.and_then(|units| Some(units.id_token()?.as_str()))),
        identity_providers: client.supported_identity_providers.unwrap_or_default(),
    }
}

fn words<T>(of: &[T], word: impl Fn(&T) -> &str) -> Vec<String> {
    of.iter().map(|one| word(one).to_owned()).collect()
}

/// AWS left out what it always sends.
fn there<T>(call: &'static str, part: Option<T>) -> Read<T> {
    part.ok_or_else(|| CallError { call, cause: Cause::Other, reason: "the answer is incomplete".to_owned() })
}
