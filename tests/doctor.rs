//! The doctor over a pool, app clients, functions, a table and a key on ministack: what it checks is found there too.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cognitoidentityprovider::types::{
    AuthFactorType, DeletionProtectionType, DeviceConfigurationType, ExplicitAuthFlowsType, IdentityProviderTypeType,
    LambdaConfigType, OAuthFlowType, PreTokenGenerationLambdaVersionType, PreTokenGenerationVersionConfigType,
    PreventUserExistenceErrorTypes, SignInPolicyType, TimeUnitsType, TokenValidityUnitsType, UserPoolMfaType,
    UserPoolPolicyType,
};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, PointInTimeRecoverySpecification, ScalarAttributeType,
};
use aws_sdk_kms::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, FunctionCode, Runtime};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use operator::aws::Services;
use operator::doctor::Severity::{Broken, Fine, Open, Weak};
use operator::doctor::deployment::Given;
use operator::doctor::read::read;
use operator::doctor::{Finding, Severity, findings, report};
use tests::clock::NOW;
use tests::ministack::Ministack;

const TABLE: &str = "second-factors";
const COGNITO: &str = "cognito-idp.amazonaws.com";
/// A zip of no files.
const NO_CODE: &[u8] = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// A ministack with everything as template.yaml deploys it.
struct Deployed {
    _ministack: Ministack,
    config: SdkConfig,
    cognito: aws_sdk_cognitoidentityprovider::Client,
    lambda: aws_sdk_lambda::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    kms: aws_sdk_kms::Client,
    pool_id: String,
    pool_arn: String,
    client_id: String,
    key_id: String,
    attached: LambdaConfigType,
}

impl Deployed {
    async fn new() -> Self {
        let ministack = Ministack::start();
        let credentials = Credentials::new(Ministack::KEY, Ministack::KEY, None, None, "tests");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(Ministack::REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(ministack.endpoint())
            .http_client(
                aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https(),
            )
            .build();
        let mut deployed = Self {
            _ministack: ministack,
            cognito: aws_sdk_cognitoidentityprovider::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            kms: aws_sdk_kms::Client::new(&config),
            config,
            pool_id: String::new(),
            pool_arn: String::new(),
            client_id: String::new(),
            key_id: String::new(),
            attached: LambdaConfigType::builder().build(),
        };
        deployed.make_table().await;
        deployed.make_key().await;
        deployed.make_functions().await;
        deployed.make_pool().await;
        deployed.make_trail().await;
        for name in ["define", "create", "verify", "guard"] {
            deployed.permit(name, "cognito", COGNITO, Some(&deployed.pool_arn)).await;
        }
        deployed
    }

    async fn make_table(&self) {
        let key = KeySchemaElement::builder().attribute_name("user").key_type(KeyType::Hash).build();
        let user = AttributeDefinition::builder().attribute_name("user").attribute_type(ScalarAttributeType::S).build();
        let request = self.dynamodb.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
        let request = request.key_schema(key.unwrap()).attribute_definitions(user.unwrap());
        request.deletion_protection_enabled(true).send().await.unwrap();
        self.recovers(true).await;
    }

    async fn recovers(&self, enabled: bool) {
        let recovery = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(enabled).build();
        let request = self.dynamodb.update_continuous_backups().table_name(TABLE);
        request.point_in_time_recovery_specification(recovery.unwrap()).send().await.unwrap();
    }

    async fn make_key(&mut self) {
        self.key_id = self.kms.create_key().send().await.unwrap().key_metadata.unwrap().key_id;
        self.kms.enable_key_rotation().key_id(&self.key_id).send().await.unwrap();
    }

    /// A trail that logs, which the rule for changes of the pool needs.
    async fn make_trail(&self) {
        let cloudtrail = aws_sdk_cloudtrail::Client::new(&self.config);
        cloudtrail.create_trail().name("account").s3_bucket_name("trail").send().await.unwrap();
        cloudtrail.start_logging().name("account").send().await.unwrap();
    }

    async fn make_functions(&mut self) {
        let sign_in = [("ACCEPTED_COGNITO_MFA", "NONE"), ("ENROLLMENT", "AT_SIGN_IN")];
        let store = [("TABLE_NAME", TABLE), ("KEY_ID", &self.key_id)];
        let define = self.function("define", &sign_in).await;
        let create = self.function("create", &[&sign_in[..], &store, &[("TOTP_ISSUER", "Example")]].concat()).await;
        let verify = self.function("verify", &[&sign_in[1..], &store].concat()).await;
        let guard = self.function("guard", &[("TABLE_NAME", TABLE), ("TOKEN_GUARD", "GRANT")]).await;
        let guard = PreTokenGenerationVersionConfigType::builder()
            .lambda_arn(guard)
            .lambda_version(PreTokenGenerationLambdaVersionType::V20)
            .build();
        self.attached = LambdaConfigType::builder()
            .define_auth_challenge(define)
            .create_auth_challenge(create)
            .verify_auth_challenge_response(verify)
            .pre_token_generation_config(guard.unwrap())
            .build();
    }

    async fn function(&self, name: &str, variables: &[(&str, &str)]) -> String {
        let mut environment = Environment::builder();
        for &(variable, value) in variables {
            environment = environment.variables(variable, value);
        }
        let request = self.lambda.create_function().function_name(name).runtime(Runtime::Providedal2023);
        let request = request.role("arn:aws:iam::000000000000:role/functions").handler("bootstrap").timeout(5);
        let request = request.code(FunctionCode::builder().zip_file(Blob::new(NO_CODE)).build());
        request.environment(environment.build()).send().await.unwrap().function_arn.unwrap()
    }

    async fn permit(&self, function: &str, statement: &str, principal: &str, source_arn: Option<&str>) {
        let request = self.lambda.add_permission().function_name(function).statement_id(statement);
        let request = request.principal(principal).action("lambda:InvokeFunction");
        request.set_source_arn(source_arn.map(str::to_owned)).send().await.unwrap();
    }

    async fn make_pool(&mut self) {
        let request = self.cognito.create_user_pool().pool_name("second-factor");
        let request = request.deletion_protection(DeletionProtectionType::Active);
        let pool = request.lambda_config(self.attached.clone()).send().await.unwrap().user_pool.unwrap();
        (self.pool_id, self.pool_arn) = (pool.id.unwrap(), pool.arn.unwrap());
        let units = TokenValidityUnitsType::builder()
            .refresh_token(TimeUnitsType::Hours)
            .access_token(TimeUnitsType::Minutes)
            .id_token(TimeUnitsType::Minutes)
            .build();
        let request = self.cognito.create_user_pool_client().user_pool_id(&self.pool_id).client_name("web");
        let client = request
            .generate_secret(true)
            .explicit_auth_flows(ExplicitAuthFlowsType::AllowCustomAuth)
            .explicit_auth_flows(ExplicitAuthFlowsType::AllowRefreshTokenAuth)
            .supported_identity_providers("COGNITO")
            .prevent_user_existence_errors(PreventUserExistenceErrorTypes::Enabled)
            .auth_session_validity(15)
            .enable_token_revocation(true)
            .refresh_token_validity(24)
            .access_token_validity(60)
            .id_token_validity(60)
            .token_validity_units(units)
            .send()
            .await;
        self.client_id = client.unwrap().user_pool_client.unwrap().client_id.unwrap();
    }

    async fn findings(&self) -> Vec<Finding> {
        let read = read(&Services::new(&self.config), self.pool_id.parse().unwrap(), Given::default(), NOW).await;
        // ministack leaves a new function in the state Pending for seconds.
        findings(&read.unwrap()).into_iter().filter(|finding| finding.id != "trigger-state").collect()
    }

    async fn above_fine(&self) -> Vec<(Severity, &'static str, String)> {
        let above = self.findings().await.into_iter().filter(|finding| finding.severity != Fine);
        above.map(|finding| (finding.severity, finding.id, finding.subject.to_string())).collect()
    }

    fn web(&self) -> String {
        format!("client web ({})", self.client_id)
    }
}

#[tokio::test]
async fn nothing_is_open_as_the_template_deploys_it() {
    assert_eq!(Deployed::new().await.above_fine().await, []);
}

#[tokio::test]
async fn a_client_made_with_defaults_is_found_past_the_first_page_too() {
    let deployed = Deployed::new().await;
    for number in 0..60 {
        let request = deployed.cognito.create_user_pool_client().user_pool_id(&deployed.pool_id);
        request.client_name(format!("other {number}")).send().await.unwrap();
    }
    let found = deployed.above_fine().await;
    assert!(report::text(&deployed.findings().await, false).lines().count() < 60);
    let checks = ["client-flows", "client-user-existence", "client-session", "client-refresh-token"];
    assert_eq!(found.len(), 60 * checks.len());
    for (severity, id, subject) in found {
        assert!(severity == Weak && checks.contains(&id) && subject.starts_with("client other "), "{id} {subject}");
    }
}

#[tokio::test]
async fn the_ways_around_the_second_factor_in_a_pool_are_found() {
    let deployed = Deployed::new().await;
    let policies = UserPoolPolicyType::builder().sign_in_policy(
        SignInPolicyType::builder()
            .allowed_first_auth_factors(AuthFactorType::Password)
            .allowed_first_auth_factors(AuthFactorType::EmailOtp)
            .build(),
    );
    let request = deployed.cognito.update_user_pool().user_pool_id(&deployed.pool_id).policies(policies.build());
    let request = request
        .device_configuration(DeviceConfigurationType::builder().device_only_remembered_on_user_prompt(true).build());
    let request = request.mfa_configuration(UserPoolMfaType::Optional);
    let mut attached = deployed.attached.clone();
    attached.pre_token_generation_config = None;
    attached.define_auth_challenge = None;
    request.deletion_protection(DeletionProtectionType::Inactive).lambda_config(attached).send().await.unwrap();
    let request = deployed.cognito.create_user_pool_domain().user_pool_id(&deployed.pool_id);
    request.domain("example").send().await.unwrap();
    let request = deployed.cognito.create_identity_provider().user_pool_id(&deployed.pool_id);
    let request = request.provider_name("Google").provider_type(IdentityProviderTypeType::Google);
    let request = request.provider_details("client_id", "example").provider_details("client_secret", "example");
    request.provider_details("authorize_scopes", "openid").send().await.unwrap();
    let request = deployed.cognito.update_user_pool_client().user_pool_id(&deployed.pool_id);
    let request = request.client_id(&deployed.client_id).allowed_o_auth_flows_user_pool_client(true);
    let request = request.allowed_o_auth_flows(OAuthFlowType::Code).supported_identity_providers("Google");
    request.explicit_auth_flows(ExplicitAuthFlowsType::AllowUserAuth).send().await.unwrap();

    let (pool, web) = (|| "pool".to_owned(), || deployed.web());
    let expected = [
        (Open, "pool-devices", pool()),
        (Open, "pool-identity-providers", pool()),
        (Open, "client-flows", web()),
        (Open, "client-oauth", web()),
        (Open, "client-identity-providers", web()),
        (Open, "trigger-attached", "PreTokenGeneration".to_owned()),
        (Broken, "trigger-attached", "DefineAuthChallenge".to_owned()),
        (Weak, "pool-deletion-protection", pool()),
        (Weak, "pool-first-factors", pool()),
        (Weak, "pool-domain", pool()),
        (Weak, "pool-mfa", pool()),
    ];
    assert_eq!(deployed.above_fine().await, expected);
}

#[tokio::test]
async fn the_faults_of_the_functions_are_found() {
    let deployed = Deployed::new().await;
    deployed.lambda.update_function_configuration().function_name("define").timeout(30).send().await.unwrap();
    let environment = Environment::builder().variables("ACCEPTED_COGNITO_MFA", "NONE").build();
    let request = deployed.lambda.update_function_configuration().function_name("define");
    request.environment(environment).send().await.unwrap();
    deployed.lambda.remove_permission().function_name("create").statement_id("cognito").send().await.unwrap();
    deployed.permit("verify", "everybody", "*", None).await;
    deployed.permit("guard", "every-pool", COGNITO, None).await;
    let expected = [
        (Open, "trigger-other-callers", "VerifyAuthChallengeResponse"),
        (Broken, "trigger-permission", "CreateAuthChallenge"),
        (Broken, "settings-define", "settings"),
        (Weak, "trigger-timeout", "DefineAuthChallenge"),
        (Weak, "trigger-permission", "PreTokenGeneration"),
    ];
    assert_eq!(deployed.above_fine().await, expected.map(|(severity, id, subject)| (severity, id, subject.to_owned())));
}

#[tokio::test]
async fn an_unprotected_table_and_a_disabled_key_are_found() {
    let deployed = Deployed::new().await;
    let request = deployed.dynamodb.update_table().table_name(TABLE);
    request.deletion_protection_enabled(false).send().await.unwrap();
    deployed.recovers(false).await;
    deployed.kms.disable_key_rotation().key_id(&deployed.key_id).send().await.unwrap();
    deployed.kms.disable_key().key_id(&deployed.key_id).send().await.unwrap();
    let (table, key) = (format!("table {TABLE}"), format!("key {}", deployed.key_id));
    let expected = [
        (Open, "table-deletion-protection", table.clone()),
        (Open, "table-point-in-time-recovery", table.clone()),
        (Broken, "key-state", key.clone()),
        (Weak, "key-rotation", key),
    ];
    assert_eq!(deployed.above_fine().await, expected);

    deployed.dynamodb.delete_table().table_name(TABLE).send().await.unwrap();
    let found = deployed.above_fine().await;
    let of_the_table: Vec<_> = found.into_iter().filter(|(_, _, subject)| *subject == table).collect();
    assert_eq!(of_the_table, [(Broken, "table-status", table)]);
}
