//! The local pool as `serve` runs it, for clients of AWS: on a free port of 127.0.0.1, with a clock that the test sets.

use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_kms::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use local::by_arn::ByArn;
use local::in_process::InProcess;
use local::{Clock, Pool, PoolSettings, Service, WebPages};
use shared::settings::SignInSettings;
use tokio::net::TcpListener;

use crate::clock::TestClock;
use crate::events::template_settings;
use crate::pool::TestPool;

/// The table of the records.
pub const TABLE_NAME: &str = "second-factor-SecondFactors";
/// The key that seals their secrets.
pub const KEY_ALIAS: &str = "alias/second-factor-sealing";

/// A running local pool.
pub struct Served {
    /// Its address, which is also that of every other service of AWS.
    pub endpoint: String,
    /// For the clients of AWS.
    pub config: SdkConfig,
    /// The id of the pool that is there from the start.
    pub user_pool_id: String,
    /// Its clock.
    pub clock: TestClock,
    /// The pool itself, for a client of it.
    pub pool: TestPool,
}

impl Served {
    /// Starts one with the settings of template.yaml.
    pub async fn start() -> Self {
        Self::with(template_settings()).await
    }

    /// Starts one whose functions have other settings.
    pub async fn with(sign_in: SignInSettings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let clock = TestClock::default();
        let reads = clock.clone();
        let reads: Clock = Arc::new(move || reads.now());
        let functions = Arc::new(InProcess::with_settings(sign_in, Arc::clone(&reads)).expect("functions"));
        let triggers = Arc::new(ByArn::new(Arc::<InProcess>::clone(&functions), None));
        let make = move |settings| Pool::new(settings, triggers.clone(), Arc::clone(&reads));
        let settings = PoolSettings { endpoint: endpoint.clone(), ..PoolSettings::as_deployed(false) };
        let user_pool_id = settings.user_pool_id.clone();
        let pool = Arc::new(make(settings).expect("a pool"));
        let service = Service::new(Arc::clone(&pool), make).with_functions(functions);
        tokio::spawn(local::serve(listener, Arc::new(service), WebPages::default()));
        let credentials = Credentials::new("test", "test", None, None, "tests");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(&endpoint)
            .http_client(
                aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https(),
            )
            .build();
        let pool = TestPool::of_pool(pool, clock.clone());
        Self { endpoint, config, user_pool_id, clock, pool }
    }
}
