//! The AWS services behind a record and the next function, reached with as little work as can be: the start of a function is
//! part of a sign-in.
//!
//! What Lambda's variables say is all there is to know, so nothing is looked for anywhere else. The connections are opened
//! during the start, where Lambda lends a whole processor, and one HTTP client serves all services. Budgets fit a
//! trigger of 5 s. `docs/performance.md` has what each of these is worth.

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, IdentityCache, Region, SharedCredentialsProvider, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::byte_stream::ByteStream;
use aws_types::SdkConfig;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

pub use super::dynamodb::DynamoDbStore;
pub use super::kms::KmsSealer;
use crate::error::Cause;
#[cfg(feature = "next-function")]
use crate::guard_settings::NextFunctionSettings;
#[cfg(feature = "next-function")]
use crate::next_function::{Next, lambda::LambdaFunction};
use crate::settings::{Lookup, SettingError, StoreSettings, optional, required};
use crate::timeouts;

const FIPS: &str = "AWS_USE_FIPS_ENDPOINT";
const DUAL_STACK: &str = "AWS_USE_DUALSTACK_ENDPOINT";

/// The five that Amazon Trust Services names for trust stores of one's own.
///
/// Source: <https://www.amazontrust.com/repository/>
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

/// Clients for the table and the key.
///
/// # Errors
/// A variable of Lambda's that is missing or is not understood.
pub async fn connect(lookup: Lookup<'_>, settings: StoreSettings) -> Result<(DynamoDbStore, KmsSealer), SettingError> {
    let access = Access::read(lookup)?;
    let (dynamodb, kms) = (access.dynamodb(lookup).await?, access.kms(lookup).await?);
    futures_util::join!(access.open(dynamodb.endpoint_url()), access.open(kms.endpoint_url()));
    Ok((
        DynamoDbStore::new(aws_sdk_dynamodb::Client::new(&dynamodb), settings.table_name),
        KmsSealer::new(aws_sdk_kms::Client::new(&kms), settings.key_id),
    ))
}

/// Clients for the table alone, and for the next function if there is one.
///
/// # Errors
/// The same.
#[cfg(feature = "next-function")]
pub async fn connect_guard(
    lookup: Lookup<'_>,
    table_name: String,
    next: Option<NextFunctionSettings>,
) -> Result<(DynamoDbStore, Option<Next<LambdaFunction>>), SettingError> {
    let access = Access::read(lookup)?;
    let dynamodb = access.dynamodb(lookup).await?;
    let store = DynamoDbStore::new(aws_sdk_dynamodb::Client::new(&dynamodb), table_name);
    let Some(NextFunctionSettings { function, errors }) = next else {
        access.open(dynamodb.endpoint_url()).await;
        return Ok((store, None));
    };
    let lambda = access.lambda(lookup).await?;
    futures_util::join!(access.open(dynamodb.endpoint_url()), access.open(lambda.endpoint_url()));
    let function = LambdaFunction::new(aws_sdk_lambda::Client::new(&lambda), function);
    Ok((store, Some(Next { function, errors })))
}

/// How AWS is reached: the variables that Lambda sets, and those by which AWS's tools let an operator lead them elsewhere.
struct Access {
    region: String,
    fips: bool,
    dual_stack: bool,
    connector: SharedHttpConnector,
    config: SdkConfig,
}

impl Access {
    const REGION: &str = "AWS_REGION";

    fn read(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let region = required(lookup, Self::REGION)?;
        // Lambda sets these once, at process start.
        let credentials = Credentials::new(
            required(lookup, "AWS_ACCESS_KEY_ID")?,
            required(lookup, "AWS_SECRET_ACCESS_KEY")?,
            optional(lookup, "AWS_SESSION_TOKEN"),
            None,
            "environment",
        );
        let connector = connector(lookup)?;
        let shared = connector.clone();
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .identity_cache(IdentityCache::no_cache())
            .http_client(http_client_fn(move |_, _| shared.clone()))
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(timeouts::ATTEMPTS)
                    .with_initial_backoff(timeouts::FIRST_BACKOFF),
            )
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(timeouts::ATTEMPT).build())
            // The attempt's timeout ends a stalled answer, too.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        let fips = flag(lookup, FIPS)?;
        let dual_stack = flag(lookup, DUAL_STACK)?;
        Ok(Self { region, fips, dual_stack, connector, config })
    }

    async fn dynamodb(&self, lookup: Lookup<'_>) -> Result<SdkConfig, SettingError> {
        use aws_sdk_dynamodb::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
        let Self { region, fips, dual_stack, .. } = self;
        let of_aws = async {
            let params =
                Params::builder().region(region.clone()).use_fips(*fips).use_dual_stack(*dual_stack).build()?;
            Ok(DefaultResolver::new().resolve_endpoint(&params).await?.url().to_owned())
        };
        self.at(lookup, "AWS_ENDPOINT_URL_DYNAMODB", of_aws).await
    }

    async fn kms(&self, lookup: Lookup<'_>) -> Result<SdkConfig, SettingError> {
        use aws_sdk_kms::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
        let Self { region, fips, dual_stack, .. } = self;
        let of_aws = async {
            let params =
                Params::builder().region(region.clone()).use_fips(*fips).use_dual_stack(*dual_stack).build()?;
            Ok(DefaultResolver::new().resolve_endpoint(&params).await?.url().to_owned())
        };
        self.at(lookup, "AWS_ENDPOINT_URL_KMS", of_aws).await
    }

    /// Without a limit for one attempt: a function may take long to start, and an attempt that is given up would run it again.
    /// The invocation's own limit remains.
    #[cfg(feature = "next-function")]
    async fn lambda(&self, lookup: Lookup<'_>) -> Result<SdkConfig, SettingError> {
        use aws_sdk_lambda::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
        let Self { region, fips, dual_stack, .. } = self;
        let of_aws = async {
            let params =
                Params::builder().region(region.clone()).use_fips(*fips).use_dual_stack(*dual_stack).build()?;
            Ok(DefaultResolver::new().resolve_endpoint(&params).await?.url().to_owned())
        };
        let config = self.at(lookup, "AWS_ENDPOINT_URL_LAMBDA", of_aws).await?;
        Ok(config.to_builder().timeout_config(TimeoutConfig::disabled()).build())
    }

    /// The configuration for one service. Its endpoint is verified here, so that what is opened is what is called.
    async fn at(
        &self,
        lookup: Lookup<'_>,
        variable: &'static str,
        of_aws: impl Future<Output = Result<String, Cause>>,
    ) -> Result<SdkConfig, SettingError> {
        const BOTH: &str = "AWS_ENDPOINT_URL";
        let set = |variable| optional(lookup, variable).map(|url| (variable, url));
        let wrong = |variable, problem: &str| Err(SettingError { variable, problem: problem.to_owned() });
        let url = match set(variable).or_else(|| set(BOTH)) {
            // The SDK, too, refuses to guess which of the two is meant.
            Some(_) if self.fips => return wrong(FIPS, "must be false where an endpoint is named"),
            Some(_) if self.dual_stack => return wrong(DUAL_STACK, "must be false where an endpoint is named"),
            Some((_, url)) if is_url(&url) => url,
            Some((variable, _)) => return wrong(variable, "must be a URL, its scheme http or https"),
            None => of_aws.await.map_err(|fault| {
                let problem = format!("must be a region of AWS; it is {:?}: {fault}", self.region);
                SettingError { variable: Self::REGION, problem }
            })?,
        };
        Ok(self.config.to_builder().endpoint_url(url).build())
    }

    /// Opens a connection, for the first call to find. Whatever fails is left to that call, which tries again and says so.
    async fn open(&self, endpoint: Option<&str>) {
        // Without credentials and an operation: it reads nothing, costs nothing and is in no trail.
        let Ok(request) = HttpRequest::get(endpoint.unwrap_or_default()) else {
            return;
        };
        let opening = async {
            if let Ok(response) = self.connector.call(request).await {
                // To the end, or the connection is not kept.
                let _read = ByteStream::new(response.into_body()).collect().await;
            }
        };
        let _late = tokio::time::timeout(timeouts::PRECONNECT, opening).await;
    }
}

fn is_url(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme)) && HttpRequest::get(text).is_ok()
}

fn flag(lookup: Lookup<'_>, variable: &'static str) -> Result<bool, SettingError> {
    match optional(lookup, variable).map(|value| value.to_ascii_lowercase()).as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(value) => Err(SettingError { variable, problem: format!("must be true or false; it is {value:?}") }),
    }
}

fn connector(lookup: Lookup<'_>) -> Result<SharedHttpConnector, SettingError> {
    let tls = TlsContext::builder().with_trust_store(roots(lookup)?).build();
    // Never the default in its place, which would trust whom the system does.
    let tls = tls.map_err(|error| SettingError { variable: CA_BUNDLE, problem: format!("must be usable: {error}") })?;
    let settings = HttpConnectorSettings::builder().connect_timeout(timeouts::CONNECTION).build();
    let connector = Connector::builder()
        .connector_settings(settings)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build();
    Ok(SharedHttpConnector::new(connector))
}

const CA_BUNDLE: &str = "AWS_CA_BUNDLE";

/// Amazon's, or those of the file that `AWS_CA_BUNDLE` names, as with AWS's tools.
fn roots(lookup: Lookup<'_>) -> Result<TrustStore, SettingError> {
    let trust = |pem: &[u8]| TrustStore::empty().with_pem_certificate(pem);
    let Some(path) = optional(lookup, CA_BUNDLE) else {
        return Ok(trust(AMAZON_ROOTS));
    };
    let problem = |problem: String| {
        let problem = format!("must name a file of certificates; of {path:?} it is said: {problem}");
        SettingError { variable: CA_BUNDLE, problem }
    };
    let pem = std::fs::read(&path).map_err(|error| problem(error.to_string()))?;
    // The connector would panic.
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| problem(error.to_string()))?;
        roots.add(certificate).map_err(|error| problem(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(problem("there are none in it".to_owned()));
    }
    Ok(trust(&pem))
}

#[cfg(test)]
mod tests {
    use sha2::Digest;

    use super::*;

    /// As <https://www.amazontrust.com/repository/> tells them, SHA-256.
    const FINGERPRINTS: [&str; 5] = [
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
    ];

    #[test]
    fn amazons_five_roots_are_trusted_and_no_other() {
        let fingerprints: Vec<String> = CertificateDer::pem_slice_iter(AMAZON_ROOTS)
            .map(|certificate| {
                sha2::Sha256::digest(certificate.unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
            })
            .collect();
        assert_eq!(fingerprints, FINGERPRINTS);
    }

    #[tokio::test]
    async fn the_endpoints_are_awss_own_or_those_that_an_operator_names() {
        for (set, dynamodb, kms) in [
            (&[][..], "https://dynamodb.eu-west-1.amazonaws.com", "https://kms.eu-west-1.amazonaws.com"),
            (
                &[("AWS_USE_FIPS_ENDPOINT", "true"), ("AWS_REGION", "us-west-2")],
                "https://dynamodb-fips.us-west-2.amazonaws.com",
                "https://kms-fips.us-west-2.amazonaws.com",
            ),
            (
                &[("AWS_USE_DUALSTACK_ENDPOINT", "true")],
                "https://dynamodb.eu-west-1.api.aws",
                "https://kms.eu-west-1.api.aws",
            ),
            (&[("AWS_ENDPOINT_URL", "http://a"), ("AWS_ENDPOINT_URL_KMS", "https://b")], "http://a", "https://b"),
        ] {
            let lambda =
                [("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];
            let lookup = |name: &str| {
                set.iter().chain(&lambda).find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
            };
            let access = Access::read(&lookup).unwrap();
            assert_eq!(access.dynamodb(&lookup).await.unwrap().endpoint_url(), Some(dynamodb));
            assert_eq!(access.kms(&lookup).await.unwrap().endpoint_url(), Some(kms));
        }
    }

    #[cfg(feature = "next-function")]
    #[tokio::test]
    async fn lambdas_endpoint_is_found_likewise_and_one_attempt_has_no_limit() {
        for (set, lambda) in [
            (&[][..], "https://lambda.eu-west-1.amazonaws.com"),
            (
                &[("AWS_USE_FIPS_ENDPOINT", "true"), ("AWS_REGION", "us-west-2")],
                "https://lambda-fips.us-west-2.amazonaws.com",
            ),
            (&[("AWS_USE_DUALSTACK_ENDPOINT", "true")], "https://lambda.eu-west-1.api.aws"),
            (&[("AWS_ENDPOINT_URL", "http://a"), ("AWS_ENDPOINT_URL_LAMBDA", "https://b")], "https://b"),
            (&[("AWS_ENDPOINT_URL", "http://a"), ("AWS_ENDPOINT_URL_KMS", "https://b")], "http://a"),
        ] {
            let of_lambda =
                [("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];
            let lookup = |name: &str| {
                let mut all = set.iter().chain(&of_lambda);
                all.find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
            };
            let config = Access::read(&lookup).unwrap().lambda(&lookup).await.unwrap();
            assert_eq!(config.endpoint_url(), Some(lambda));
            assert_eq!(config.timeout_config().unwrap().operation_attempt_timeout(), None);
        }
    }
}
