//! The stores and sealers under test: in memory, and over ministack's DynamoDB and KMS.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, ConfigBag, Credentials, Intercept, Region, RuntimeComponents, SharedHttpClient,
};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use serde_json::Value;
use shared::cognito::UserKey;
use shared::error::StoreError;
use shared::ids::Nonce;
use shared::record::Record;
use shared::store::dynamodb::{DynamoDbStore, KEY};
use shared::store::kms::KmsSealer;
use shared::store::memory::{MemorySealer, MemoryStore};
use shared::store::{RecordStore, Saved, Sealer, Version, Versioned};

use crate::ministack::Ministack;
use crate::random::{fill_random, random};

/// Makes tests of generic functions: each sentence is proven for memory, and for DynamoDB and KMS on ministack.
#[macro_export]
macro_rules! for_memory_and_ministack {
    ($($sentence:ident,)*) => {
        mod memory {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $sentence() {
                    super::$sentence::<$crate::stores::Memory>().await;
                }
            )*
        }
        mod ministack {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $sentence() {
                    super::$sentence::<$crate::stores::OnMinistack>().await;
                }
            )*
        }
    };
}

/// A kind of store and sealer.
pub trait Backend {
    /// Where the records are.
    type Store: RecordStore + 'static;
    /// What seals the secrets.
    type Sealer: Sealer + 'static;

    /// A store without a record.
    fn store() -> impl Future<Output = Self::Store> + Send;

    /// A sealer with its own key.
    fn sealer() -> impl Future<Output = Self::Sealer> + Send;
}

/// In memory.
pub struct Memory;

impl Backend for Memory {
    type Store = MemoryStore;
    type Sealer = MemorySealer;

    async fn store() -> MemoryStore {
        MemoryStore::default()
    }

    async fn sealer() -> MemorySealer {
        MemorySealer::new(fill_random).expect("a key")
    }
}

/// A store that yields between a load and what follows it, as DynamoDB does: in memory nothing waits, so the first caller
/// would always be done before the next begins.
pub struct TakingTurns<S>(pub S);

impl<S: RecordStore> RecordStore for TakingTurns<S> {
    async fn load(&self, user: &UserKey) -> Result<Versioned, StoreError> {
        let loaded = self.0.load(user).await;
        tokio::task::yield_now().await;
        loaded
    }

    async fn save(&self, user: &UserKey, record: &Record, replacing: Version) -> Result<Saved, StoreError> {
        self.0.save(user, record, replacing).await
    }

    async fn confirm(&self, user_pool_id: &str) -> Result<(), StoreError> {
        self.0.confirm(user_pool_id).await
    }
}

/// DynamoDB and KMS as ministack emulates them.
///
/// Its conditional writes are atomic: one thread serves all requests, and a PutItem compares and sets without yielding.
pub struct OnMinistack {
    /// Its DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Its KMS.
    pub kms: aws_sdk_kms::Client,
    /// What was sent to either.
    pub calls: Calls,
}

impl Backend for OnMinistack {
    type Store = DynamoDbStore;
    type Sealer = KmsSealer;

    async fn store() -> DynamoDbStore {
        Self::connect().new_store().await.0
    }

    async fn sealer() -> KmsSealer {
        Self::connect().new_sealer().await.0
    }
}

impl OnMinistack {
    /// Clients of the one ministack of this process. They last as long as the runtime of the test that made them.
    #[must_use]
    pub fn connect() -> Self {
        static RUNNING: LazyLock<Ministack> = LazyLock::new(Ministack::start);
        Self::connect_to(&RUNNING.endpoint())
    }

    /// Clients of an endpoint. They try once: a second attempt would be a second call.
    #[must_use]
    pub fn connect_to(endpoint: &str) -> Self {
        // The connector that a function has.
        let http: SharedHttpClient =
            aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let credentials = Credentials::new(Ministack::KEY, Ministack::KEY, None, None, "tests");
        let region = Region::from_static(Ministack::REGION);
        let calls = Calls::default();
        let dynamodb = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(credentials.clone())
            .region(region.clone())
            .endpoint_url(endpoint)
            .retry_config(RetryConfig::disabled())
            .http_client(http.clone())
            .interceptor(calls.clone())
            .build();
        let kms = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(credentials)
            .region(region)
            .endpoint_url(endpoint)
            .retry_config(RetryConfig::disabled())
            .http_client(http)
            .interceptor(calls.clone())
            .build();
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb),
            kms: aws_sdk_kms::Client::from_conf(kms),
            calls,
        }
    }

    /// A store in its own table, and the table's name. The table is template.yaml's.
    pub async fn new_store(&self) -> (DynamoDbStore, String) {
        let table_name = format!("records-{}", Nonce(random()).to_text());
        let key = KeySchemaElement::builder().attribute_name(KEY).key_type(KeyType::Hash).build();
        let attribute =
            AttributeDefinition::builder().attribute_name(KEY).attribute_type(ScalarAttributeType::S).build();
        self.dynamodb
            .create_table()
            .table_name(&table_name)
            .key_schema(key.expect("a key"))
            .attribute_definitions(attribute.expect("an attribute"))
            .billing_mode(BillingMode::PayPerRequest)
            .send()
            .await
            .expect("a table");
        self.calls.take();
        (self.store_in(&table_name), table_name)
    }

    /// A store in a table that may exist.
    #[must_use]
    pub fn store_in(&self, table_name: &str) -> DynamoDbStore {
        DynamoDbStore::new(self.dynamodb.clone(), table_name.to_owned())
    }

    /// A sealer with its own key, and the key's id.
    pub async fn new_sealer(&self) -> (KmsSealer, String) {
        let created = self.kms.create_key().send().await.expect("a key");
        let key_id = created.key_metadata.expect("a key's metadata").key_id;
        self.calls.take();
        (self.sealer_with(&key_id), key_id)
    }

    /// A sealer with a key that may exist.
    #[must_use]
    pub fn sealer_with(&self, key_id: &str) -> KmsSealer {
        KmsSealer::new(self.kms.clone(), key_id.to_owned())
    }

    /// Puts an item as another program might have left it.
    pub async fn put(&self, table_name: &str, item: HashMap<String, AttributeValue>) {
        self.dynamodb.put_item().table_name(table_name).set_item(Some(item)).send().await.expect("an item");
        self.calls.take();
    }

    /// The item of `user`, as it is.
    pub async fn item(&self, table_name: &str, user: &UserKey) -> Option<HashMap<String, AttributeValue>> {
        let request = self.dynamodb.get_item().table_name(table_name).consistent_read(true);
        let item = request.key(KEY, AttributeValue::S(user.to_string())).send().await.expect("an answer").item;
        self.calls.take();
        item
    }
}

/// A request as it left.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The operation's name.
    pub operation: String,
    /// Its parameters.
    pub parameters: Value,
}

/// Records every request.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<Mutex<Vec<Call>>>);

impl Calls {
    /// The requests since the last time.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "Calls"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let target = request.headers().get("x-amz-target").ok_or("no x-amz-target")?;
        let (_, operation) = target.split_once('.').ok_or("x-amz-target without an operation")?;
        let parameters = serde_json::from_slice(request.body().bytes().ok_or("a body that is not at hand")?)?;
        let call = Call { operation: operation.to_owned(), parameters };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        Ok(())
    }
}

/// The key of a user's record, in the pool of these tests.
#[must_use]
pub fn user(sub: &str) -> UserKey {
    UserKey { user_pool_id: "us-east-1_Example".to_owned(), sub: sub.to_owned() }
}

/// A store from which nothing can be read.
#[derive(Clone, Copy)]
pub enum Faulty {
    /// Each load is an error.
    Fails,
    /// Each load panics.
    Panics,
    /// No load ends.
    NeverAnswers,
}

impl RecordStore for Faulty {
    async fn load(&self, _: &UserKey) -> Result<Versioned, StoreError> {
        match self {
            Self::Fails => Err(StoreError("the store is away".into())),
            Self::Panics => panic!("plainly fake"),
            Self::NeverAnswers => std::future::pending().await,
        }
    }

    async fn save(&self, _: &UserKey, _: &Record, _: Version) -> Result<Saved, StoreError> {
        panic!("nothing was loaded, so nothing is saved")
    }

    async fn confirm(&self, _: &str) -> Result<(), StoreError> {
        panic!("nobody may do without here, so nobody asks")
    }
}
