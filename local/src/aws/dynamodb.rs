//! DynamoDB with one table, whose items are the records of the functions.
//!
//! An item has the attributes `user` (the key), `version` and `record`, and no others. The key is `userPoolId#sub`, or `#userPoolId`
//! where the item says whose table it is.
//!
//! Invariant: a condition is checked and the item is written under one lock, which the functions' own saves take too.
//!
//! Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB.html>

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::cognito::UserKey;
use shared::store::Version;
use shared::store::memory::MemoryStore;

use crate::aws::error::{AwsError, parse};
use crate::triggers::ACCOUNT;

pub(crate) const TARGET_PREFIX: &str = "DynamoDB_20120810.";
/// The name of the one table.
pub(crate) const TABLE_NAME: &str = "second-factor-SecondFactors";

const OPERATIONS: [&str; 6] =
    ["GetItem", "PutItem", "UpdateItem", "Scan", "DescribeTable", "DescribeContinuousBackups"];
const KEY: &str = "user";
const VERSION: &str = "version";
const RECORD: &str = "record";

type Item = BTreeMap<String, AttributeValue>;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
enum AttributeValue {
    S(String),
    N(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetItem {
    table_name: String,
    key: Item,
    #[expect(dead_code, reason = "every read is consistent")]
    consistent_read: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PutItem {
    table_name: String,
    item: Item,
    condition_expression: Option<String>,
    #[serde(default)]
    expression_attribute_names: BTreeMap<String, String>,
    #[serde(default)]
    expression_attribute_values: Item,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct UpdateItem {
    table_name: String,
    key: Item,
    update_expression: String,
    condition_expression: Option<String>,
    #[serde(default)]
    expression_attribute_names: BTreeMap<String, String>,
    #[serde(default)]
    expression_attribute_values: Item,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Scan {
    table_name: String,
    limit: Option<usize>,
    exclusive_start_key: Option<Item>,
    #[expect(dead_code, reason = "every read is consistent")]
    consistent_read: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct OfTable {
    table_name: String,
}

pub(crate) fn call(store: &MemoryStore, made_at: UnixTime, operation: &str, body: &[u8]) -> Result<Value, AwsError> {
    match operation {
        "GetItem" => get_item(store, parse(body)?),
        "PutItem" => put_item(store, parse(body)?),
        "UpdateItem" => update_item(store, parse(body)?),
        "Scan" => scan(store, parse(body)?),
        "DescribeTable" => describe_table(store, made_at, &parse(body)?),
        "DescribeContinuousBackups" => describe_continuous_backups(made_at, &parse(body)?),
        unknown => Err(AwsError::unknown_operation("DynamoDB", unknown, &OPERATIONS)),
    }
}

fn get_item(store: &MemoryStore, request: GetItem) -> Result<Value, AwsError> {
    check_table(&request.table_name)?;
    let user = user_of(&request.key)?;
    Ok(match store.stored(&user) {
        Some((version, text)) => json!({ "Item": item(&user, version, text) }),
        None => json!({}),
    })
}

fn put_item(store: &MemoryStore, request: PutItem) -> Result<Value, AwsError> {
    check_table(&request.table_name)?;
    let condition = words(request.condition_expression.as_deref().unwrap_or_default());
    let placeholders =
        Placeholders { names: &request.expression_attribute_names, values: &request.expression_attribute_values };
    placeholders.check_all_are_used(&[&condition])?;
    let (user, stored) = record_of(&request.item)?;
    store.change(&user, |before| {
        let before = before.map(|(version, text)| item(&user, *version, text.clone()));
        placeholders.check(&condition, &before.unwrap_or_default())?;
        Ok(stored)
    })?;
    Ok(json!({}))
}

fn update_item(store: &MemoryStore, request: UpdateItem) -> Result<Value, AwsError> {
    check_table(&request.table_name)?;
    let condition = words(request.condition_expression.as_deref().unwrap_or_default());
    let update = words(&request.update_expression);
    let placeholders =
        Placeholders { names: &request.expression_attribute_names, values: &request.expression_attribute_values };
    placeholders.check_all_are_used(&[&condition, &update])?;
    let user = user_of(&request.key)?;
    store.change(&user, |before| {
        let before = before.map(|(version, text)| item(&user, *version, text.clone())).unwrap_or_default();
        placeholders.check(&condition, &before)?;
        // An update makes the item that is missing.
        let before = request.key.clone().into_iter().chain(before).collect();
        Ok(record_of(&placeholders.updated(&update, before)?)?.1)
    })?;
    Ok(json!({}))
}

/// In the order of the keys, which DynamoDB's own is not.
fn scan(store: &MemoryStore, request: Scan) -> Result<Value, AwsError> {
    check_table(&request.table_name)?;
    let start = request.exclusive_start_key.as_ref().map(user_of).transpose()?.map(|user| user.to_string());
    let all = store.records().into_iter();
    let by_key = all.map(|(user, version, text)| (user.to_string(), item(&user, version, text)));
    let by_key: BTreeMap<String, Item> = by_key.collect();
    let mut rest = by_key.into_iter().filter(|(key, _)| Some(key) > start.as_ref());
    let items: Vec<(String, Item)> = rest.by_ref().take(request.limit.unwrap_or(usize::MAX)).collect();
    let last = items.last().filter(|_| rest.next().is_some()).map(|(key, _)| json!({ KEY: { "S": key } }));
    let items: Vec<Item> = items.into_iter().map(|(_, item)| item).collect();
    let mut page = json!({ "Count": items.len(), "ScannedCount": items.len(), "Items": items });
    if let (Some(last), Some(page)) = (last, page.as_object_mut()) {
        page.insert("LastEvaluatedKey".to_owned(), last);
    }
    Ok(page)
}

fn describe_table(store: &MemoryStore, made_at: UnixTime, request: &OfTable) -> Result<Value, AwsError> {
    check_table(&request.table_name)?;
    Ok(json!({ "Table": {
        "TableName": TABLE_NAME,
        "TableArn": table_arn(),
        "TableStatus": "ACTIVE",
        "AttributeDefinitions": [{ "AttributeName": KEY, "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": KEY, "KeyType": "HASH" }],
        "BillingModeSummary": { "BillingMode": "PAY_PER_REQUEST" },
        "CreationDateTime": made_at,
        "DeletionProtectionEnabled": true,
        "ItemCount": store.records().len(),
        "SSEDescription": { "Status": "ENABLED", "SSEType": "KMS" },
    } }))
}

fn describe_continuous_backups(made_at: UnixTime, request: &OfTable) -> Result<Value, AwsError> {
    check_table(&request.table_name)
        .map_err(|AwsError { message, .. }| AwsError::new("TableNotFoundException", message))?;
    Ok(json!({ "ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": 35,
            "EarliestRestorableDateTime": made_at,
        },
    } }))
}

/// By its name or its ARN.
fn check_table(name: &str) -> Result<(), AwsError> {
    if name == TABLE_NAME || name == table_arn() {
        return Ok(());
    }
    let message = format!("Requested resource not found: Table: {name} not found. The local pool has {TABLE_NAME}.");
    Err(AwsError::new("ResourceNotFoundException", message))
}

fn table_arn() -> String {
    format!("arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{TABLE_NAME}")
}

fn item(user: &UserKey, version: Version, text: String) -> Item {
    Item::from([
        (KEY.to_owned(), AttributeValue::S(user.to_string())),
        (VERSION.to_owned(), AttributeValue::N(version.0.to_string())),
        (RECORD.to_owned(), AttributeValue::S(text)),
    ])
}

fn user_of(key: &Item) -> Result<UserKey, AwsError> {
    let user = match (key.get(KEY), key.len()) {
        (Some(AttributeValue::S(key)), 1) => parse_key(key),
        _ => None,
    };
    user.ok_or_else(|| {
        AwsError::validation("The provided key element does not match the schema: user (S), userPoolId#sub.")
    })
}

/// In `#userPoolId` no pool's id comes before the sign, so it is nobody's.
fn parse_key(key: &str) -> Option<UserKey> {
    let (user_pool_id, sub) = key.split_once('#')?;
    Some(UserKey { user_pool_id: user_pool_id.to_owned(), sub: sub.to_owned() })
}

/// What the functions could read. A version starts at 1.
fn record_of(item: &Item) -> Result<(UserKey, (Version, String)), AwsError> {
    use AttributeValue::{N, S};
    let record = match (item.get(KEY), item.get(VERSION), item.get(RECORD), item.len()) {
        (Some(S(key)), Some(N(version)), Some(S(text)), 3) => {
            let version = version.parse().ok().filter(|version| *version > 0).map(Version);
            parse_key(key).zip(version).map(|(user, version)| (user, (version, text.clone())))
        }
        _ => None,
    };
    record.ok_or_else(|| {
        AwsError::validation(
            "An item of this table is user (S, userPoolId#sub), version (N, 1 or more) and record (S), and nothing else.",
        )
    })
}

/// The words and signs of an expression.
fn words(expression: &str) -> Vec<String> {
    let spaced =
        ["(", ")", ",", "="].iter().fold(expression.to_owned(), |text, sign| text.replace(sign, &format!(" {sign} ")));
    spaced.split_whitespace().map(str::to_owned).collect()
}

/// What stands for names and values in an expression.
struct Placeholders<'a> {
    names: &'a BTreeMap<String, String>,
    values: &'a Item,
}

impl Placeholders<'_> {
    fn check_all_are_used(&self, expressions: &[&[String]]) -> Result<(), AwsError> {
        let is_used = |placeholder: &&String| expressions.iter().any(|words| words.contains(*placeholder));
        match self.names.keys().chain(self.values.keys()).find(|placeholder| !is_used(placeholder)) {
            None => Ok(()),
            Some(unused) => Err(AwsError::validation(format!("Value provided is unused in expressions: {unused}"))),
        }
    }

    fn check(&self, condition: &[String], item: &Item) -> Result<(), AwsError> {
        if condition.is_empty() {
            return Ok(());
        }
        for comparison in condition.split(|word| word == "AND") {
            let comparison: Vec<&str> = comparison.iter().map(String::as_str).collect();
            let holds = match *comparison.as_slice() {
                ["attribute_exists", "(", name, ")"] => item.contains_key(self.name(name)?),
                ["attribute_not_exists", "(", name, ")"] => !item.contains_key(self.name(name)?),
                [name, "=", value] => item.get(self.name(name)?) == Some(self.value(value)?),
                _ => {
                    return Err(AwsError::validation(
                        "The local pool takes conditions of attribute_exists(#name), attribute_not_exists(#name) and \
                         #name = :value, joined by AND.",
                    ));
                }
            };
            if !holds {
                return Err(AwsError::new("ConditionalCheckFailedException", "The conditional request failed"));
            }
        }
        Ok(())
    }

    fn updated(&self, update: &[String], mut item: Item) -> Result<Item, AwsError> {
        let mut rest = update;
        while let Some((keyword, after)) = rest.split_first() {
            let end = after.iter().position(|word| is_keyword(word)).unwrap_or(after.len());
            let (clause, next) = after.split_at_checked(end).unwrap_or_default();
            for action in clause.split(|word| word == ",") {
                self.act(keyword, action, &mut item)?;
            }
            rest = next;
        }
        Ok(item)
    }

    fn act(&self, keyword: &str, action: &[String], item: &mut Item) -> Result<(), AwsError> {
        let action: Vec<&str> = action.iter().map(String::as_str).collect();
        let (name, value) = match (keyword, action.as_slice()) {
            ("SET", [name, "=", value]) => (self.name(name)?, self.value(value)?.clone()),
            ("ADD", [name, value]) => {
                let name = self.name(name)?;
                (name, sum(item.get(name), self.value(value)?)?)
            }
            _ => {
                return Err(AwsError::validation(
                    "The local pool takes updates of SET #name = :value and ADD #name :number.",
                ));
            }
        };
        if name == KEY {
            let message = "Cannot update attribute user. This attribute is part of the key";
            return Err(AwsError::validation(message));
        }
        item.insert(name.to_owned(), value);
        Ok(())
    }

    /// Only by a placeholder: `user` and `record` are words that DynamoDB reserves.
    fn name(&self, word: &str) -> Result<&str, AwsError> {
        let name = self.names.get(word).filter(|_| word.starts_with('#'));
        name.map(String::as_str).ok_or_else(|| undefined("name", word))
    }

    fn value(&self, word: &str) -> Result<&AttributeValue, AwsError> {
        self.values.get(word).filter(|_| word.starts_with(':')).ok_or_else(|| undefined("value", word))
    }
}

fn is_keyword(word: &str) -> bool {
    ["SET", "ADD", "REMOVE", "DELETE"].contains(&word)
}

fn undefined(what: &str, word: &str) -> AwsError {
    AwsError::validation(format!("An expression attribute {what} used in an expression is not defined: {word}"))
}

/// What is missing counts as 0.
fn sum(before: Option<&AttributeValue>, added: &AttributeValue) -> Result<AttributeValue, AwsError> {
    use AttributeValue::{N, S};
    let sum = match (before, added) {
        (None, N(added)) => added.parse().ok(),
        (Some(N(before)), N(added)) => before
            .parse()
            .ok()
            .zip(added.parse().ok())
            .and_then(|(before, added): (u64, u64)| before.checked_add(added)),
        (_, S(_)) | (Some(S(_)), N(_)) => None,
    };
    let sum: u64 = sum.ok_or_else(|| AwsError::validation("ADD takes whole numbers that are not negative."))?;
    Ok(N(sum.to_string()))
}
