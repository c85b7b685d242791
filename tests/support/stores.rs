//! The stores and sealers under test: in memory, and over ministack's DynamoDB and KMS. And a user who owns a record.

#![expect(clippy::disallowed_methods, reason = "test support draws real randomness")]

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
use shared::authenticator::FriendlyName;
use shared::challenge::{Challenge, IssuedChallenge, NewAuthenticator, NewCodes, Prompt};
use shared::clock::UnixTime;
use shared::cognito::UserKey;
use shared::error::HandlerError;
use shared::error::StoreError;
use shared::ids::{AuthenticatorId, Nonce};
use shared::random::{RandomError, draw};
use shared::record::Record;
use shared::recovery_codes::{CODES, CodeSet, RecoveryCode};
use shared::settings::Enrollment;
use shared::settings::Entitlement;
use shared::store::dynamodb::{DynamoDbStore, KEY};
use shared::store::kms::KmsSealer;
use shared::store::memory::{MemorySealer, MemoryStore};
use shared::store::{EncryptionContext, RecordStore, Saved, Sealer, Version, Versioned};
use shared::totp::{Parameters, SECRET_BYTES, SharedSecret, passcode_at};
use shared::verification::Answer;
use shared::verify_answer::{VerifiedAnswer, verify_answer};

use crate::ministack::Ministack;

/// The time of every test; its passcodes are unused, because the owner enrolled a day earlier.
pub const NOW: UnixTime = UnixTime(1_800_000_000);
const ENROLLED: UnixTime = UnixTime(NOW.0 - 24 * 3600);

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

    /// A sealer with a key of its own.
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

/// A store that lets everybody else have a turn between a load and what follows it, as DynamoDB does: in memory nobody
/// waits, so that who is first would always be done before the next begins.
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
}

/// DynamoDB and KMS as ministack plays them.
///
/// Its conditional writes are atomic: one thread serves all requests, and a PutItem compares and sets without giving way.
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
    /// Clients of the one ministack of this process. They live as long as the runtime of the test that made them.
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

    /// A store in a table of its own, and the table's name. The table is template.yaml's.
    ///
    /// # Panics
    /// When ministack refuses.
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

    /// A sealer with a key of its own, and the key's id.
    ///
    /// # Panics
    /// When ministack refuses.
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

    /// Puts an item as somebody else might have left it.
    ///
    /// # Panics
    /// When ministack refuses.
    pub async fn put(&self, table_name: &str, item: HashMap<String, AttributeValue>) {
        self.dynamodb.put_item().table_name(table_name).set_item(Some(item)).send().await.expect("an item");
        self.calls.take();
    }

    /// The item of `user`, as it is.
    ///
    /// # Panics
    /// When ministack refuses.
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

/// Writes down every request.
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

/// The operating system's randomness.
///
/// # Errors
/// It failed.
pub fn fill_random(bytes: &mut [u8]) -> Result<(), RandomError> {
    getrandom::fill(bytes).map_err(|_| RandomError)
}

/// Random bytes.
///
/// # Panics
/// When there are none.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    draw(fill_random).expect("randomness")
}

/// A user of the one pool.
#[must_use]
pub fn user(sub: &str) -> UserKey {
    UserKey { user_pool_id: "us-east-1_Example".to_owned(), sub: sub.to_owned() }
}

/// `challenge`, issued to a sign-in of its own.
#[must_use]
pub fn issued(challenge: Challenge) -> IssuedChallenge {
    IssuedChallenge { nonce: Nonce(random()), challenge }
}

/// A user who has set up an authenticator and kept the recovery codes, by answering the challenges.
pub struct Owner {
    /// Who.
    pub user: UserKey,
    /// The secret in the authenticator.
    pub secret: SharedSecret,
    /// The recovery codes, as they were shown.
    pub codes: Vec<String>,
}

impl Owner {
    /// Saves of the set-up: the authenticator, and the codes.
    pub const SAVES: u64 = 2;

    /// Sets up.
    ///
    /// # Panics
    /// When an answer is not right.
    pub async fn enrolled(store: &impl RecordStore, sealer: &impl Sealer) -> Self {
        let user = user("5d2c2f0e-6f1c-4b0e-9d3b-0c7f5a6e8a11");
        let secret = SharedSecret::new(random::<SECRET_BYTES>().to_vec());
        let challenge = offer_authenticator(store, sealer, &user, &secret).await;
        let answer = Answer::new(passcode(&secret, ENROLLED)).naming(FriendlyName::parse("Ada's phone"));
        let verified = verify_answer(store, sealer, &user, &issued(challenge), &answer, AT_SIGN_IN, ENROLLED).await;
        assert_right(&verified);

        let codes: [RecoveryCode; CODES] = std::array::from_fn(|_| RecoveryCode::new(random()));
        let generation = store.load(&user).await.expect("a record").record.generation();
        let challenge = Challenge::RecoveryCodes(NewCodes { generation, codes: CodeSet::new(&codes, random()) });
        let codes: Vec<String> = codes.iter().map(|code| code.show().to_string()).collect();
        let answer = Answer::new(codes.first().cloned().unwrap_or_default());
        assert_right(&verify_answer(store, sealer, &user, &issued(challenge), &answer, AT_SIGN_IN, ENROLLED).await);
        Self { user, secret, codes }
    }

    /// What the authenticator shows at `time`.
    #[must_use]
    pub fn passcode_at(&self, time: UnixTime) -> String {
        passcode(&self.secret, time)
    }

    /// Passcodes that are wrong at `now`, each another.
    pub fn wrong_passcodes(&self, now: UnixTime) -> impl Iterator<Item = String> {
        let right = [-30, 0, 30].map(|off| self.passcode_at(UnixTime(now.0.saturating_add_signed(off))));
        (0..1_000_000_u32).map(|guess| format!("{guess:06}")).filter(move |guess| !right.contains(guess))
    }
}

/// As template.yaml sets Verify.
pub const AT_SIGN_IN: Enrollment = Enrollment::AtSignIn;
/// The prompt of a user who has codes enough.
pub const PROMPT: Challenge = Challenge::SecondFactor(Prompt::FOR_NOBODY);
/// The prompt of a user who is owed codes.
pub const PROMPT_CODES_DUE: Challenge = Challenge::SecondFactor(Prompt { codes_due: true, ..Prompt::FOR_NOBODY });

/// A set-up challenge as Create would word it now.
///
/// # Panics
/// When the record cannot be read or the secret not be sealed.
pub async fn offer_authenticator(
    store: &impl RecordStore,
    sealer: &impl Sealer,
    user: &UserKey,
    secret: &SharedSecret,
) -> Challenge {
    let generation = store.load(user).await.expect("a record").record.generation();
    let id = AuthenticatorId(random());
    let sealed = sealer.seal(secret, EncryptionContext { user, authenticator: id }).await.expect("a sealed secret");
    Challenge::TotpSetup(NewAuthenticator { entitlement: Entitlement::Password, generation, id, sealed })
}

/// What an authenticator with `secret` shows at `time`.
///
/// # Panics
/// When `secret` is none.
#[must_use]
pub fn passcode(secret: &SharedSecret, time: UnixTime) -> String {
    passcode_at(secret, Parameters::default(), time).expect("a passcode")
}

/// Asserts `answerCorrect: true`.
///
/// # Panics
/// When it is not.
pub fn assert_right(verified: &Result<VerifiedAnswer, HandlerError>) {
    match verified {
        Ok(verified) if verified.is_correct() => {}
        Ok(_) | Err(_) => panic!("not right: {verified:?}"),
    }
}
