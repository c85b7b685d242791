//! The two AWS services behind a record, with budgets that fit a trigger of 5 s.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

pub use super::dynamodb::DynamoDbStore;
pub use super::kms::KmsSealer;
use crate::settings::StoreSettings;

/// Time for one connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Time for one attempt of one call; a function's whole budget is `runtime::BUDGET`.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1500);

/// Clients for the table and the key, over one HTTP client.
pub async fn connect(settings: StoreSettings) -> (DynamoDbStore, KmsSealer) {
    let config = config().await;
    (
        DynamoDbStore::new(aws_sdk_dynamodb::Client::new(&config), settings.table_name),
        KmsSealer::new(aws_sdk_kms::Client::new(&config), settings.key_id),
    )
}

/// A client for the table alone.
pub async fn connect_store(table_name: String) -> DynamoDbStore {
    DynamoDbStore::new(aws_sdk_dynamodb::Client::new(&config().await), table_name)
}

/// Credentials, region and endpoint as AWS's tools find them.
async fn config() -> SdkConfig {
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
    let https = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).http_client(https).load().await
}
