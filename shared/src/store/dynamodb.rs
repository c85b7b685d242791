//! Records in DynamoDB: one consistent GetItem to load, one conditional PutItem to save.
//!
//! An item has the attributes `user` (S, the key: `userPoolId#sub`), `version` (N) and `record` (S, the record's JSON). The item
//! with the key `#userPoolId` says whose table it is: its `record` has the table's name, so that a copy is none.
//!
//! Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html>

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::{Record, RecordStore, Saved, StoreError, UserKey, Version, Versioned};
use crate::clock::UnixTime;

/// The attribute that is the table's key.
pub const KEY: &str = "user";
/// The attribute that counts the saves.
pub const VERSION: &str = "version";
/// The attribute that has the record, as JSON.
pub const RECORD: &str = "record";

/// The key of the item that says that a table has the records of this user pool.
#[must_use]
pub fn set_up_key(user_pool_id: &str) -> String {
    format!("#{user_pool_id}")
}

/// The `record` of that item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetUp {
    /// The table that it was written for: in a copy it is another one.
    pub table_name: String,
    /// When an operator began to end every session of every user, the last time that this was finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub everybody_signed_out_at: Option<UnixTime>,
}

impl SetUp {
    /// Parses it; `None` if it is no such record.
    #[must_use]
    pub fn parse(record: &str) -> Option<Self> {
        serde_json::from_str(record).ok()
    }

    /// As it is stored.
    ///
    /// # Errors
    /// None in practice: every part has a JSON form.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// Records in one table.
pub struct DynamoDbStore {
    client: Client,
    table_name: String,
}

impl DynamoDbStore {
    /// Records in the table `table_name`.
    #[must_use]
    pub fn new(client: Client, table_name: String) -> Self {
        Self { client, table_name }
    }

    /// What the item says that says whose table this is; `None` if it is missing, or another table's.
    async fn set_up(&self, user_pool_id: &str) -> Result<Option<SetUp>, StoreError> {
        let request = self.client.get_item().table_name(&self.table_name).consistent_read(true);
        let response = request.key(KEY, AttributeValue::S(set_up_key(user_pool_id))).send().await;
        let item = response.map_err(|fault| StoreError(fault.into()))?.item.unwrap_or_default();
        let set_up = item.get(RECORD).and_then(|record| SetUp::parse(record.as_s().ok()?));
        Ok(set_up.filter(|set_up| set_up.table_name == self.table_name))
    }
}

impl RecordStore for DynamoDbStore {
    async fn load(&self, user: &UserKey) -> Result<Versioned, StoreError> {
        let request = self.client.get_item().table_name(&self.table_name).consistent_read(true);
        let response = request.key(KEY, AttributeValue::S(user.to_string())).send().await;
        let Some(item) = response.map_err(|fault| StoreError(fault.into()))?.item else {
            return Ok(Versioned { record: Record::default(), version: Version::MISSING });
        };
        let version = item.get(VERSION).and_then(|version| version.as_n().ok()?.parse().ok());
        let text = item.get(RECORD).and_then(|record| record.as_s().ok());
        let (Some(version), Some(text)) = (version, text) else {
            return Err(StoreError("the stored item is not a record".into()));
        };
        // It could never be saved: no save makes it, and the first one expects no item.
        if version == Version::MISSING.0 {
            return Err(StoreError("the stored item has version 0".into()));
        }
        let record = Record::from_json(text).map_err(|fault| StoreError(fault.into()))?;
        Ok(Versioned { record, version: Version(version) })
    }

    async fn save(&self, user: &UserKey, record: &Record, replacing: Version) -> Result<Saved, StoreError> {
        let text = record.to_json().map_err(|fault| StoreError(fault.into()))?;
        let request = self
            .client
            .put_item()
            .table_name(&self.table_name)
            .item(KEY, AttributeValue::S(user.to_string()))
            .item(VERSION, AttributeValue::N(replacing.next().0.to_string()))
            .item(RECORD, AttributeValue::S(text));
        let request = if replacing == Version::MISSING {
            request.condition_expression("attribute_not_exists(#key)").expression_attribute_names("#key", KEY)
        } else {
            request
                .condition_expression("#version = :replacing")
                .expression_attribute_names("#version", VERSION)
                .expression_attribute_values(":replacing", AttributeValue::N(replacing.0.to_string()))
        };
        match request.send().await {
            Ok(_) => Ok(Saved::Recorded),
            Err(SdkError::ServiceError(fault))
                if matches!(fault.err(), PutItemError::ConditionalCheckFailedException(_)) =>
            {
                Ok(Saved::Conflict)
            }
            Err(fault) => Err(StoreError(fault.into())),
        }
    }

    async fn confirm(&self, user_pool_id: &str) -> Result<(), StoreError> {
        match self.set_up(user_pool_id).await? {
            Some(_) => Ok(()),
            None => Err(StoreError("the table is not set up for this user pool: run `second-factor init`".into())),
        }
    }

    async fn everybody_signed_out_at(&self, user_pool_id: &str) -> Result<Option<UnixTime>, StoreError> {
        Ok(self.set_up(user_pool_id).await?.and_then(|set_up| set_up.everybody_signed_out_at))
    }
}
