//! `init`: notes in the records' table which pool and table it is (docs/decisions.md, D93).
//!
//! Invariant: the item is written by a condition on what was shown, and another table's is replaced only on demand.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use shared::clock::UnixTime;
use shared::store::dynamodb::{KEY, RECORD, VERSION, everybody_signed_out_at, set_up_key, set_up_record, set_up_table};

use crate::aws::{CallError, Services, failed};
use crate::desk::Desk;
use crate::places::caller;
use crate::terminal::Stopped;

/// What a table says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SetUp {
    /// Nothing.
    Missing,
    /// It was set up as this table, or, without a name, as something else.
    As(Option<String>, String),
}

impl SetUp {
    /// The table that it says it is; an empty name is none's.
    pub(crate) fn table(self) -> Option<String> {
        match self {
            Self::Missing => None,
            Self::As(name, _) => Some(name.unwrap_or_default()),
        }
    }

    /// When everybody was signed out last, as it says.
    pub(crate) fn everybody_signed_out_at(&self) -> Option<UnixTime> {
        match self {
            Self::Missing => None,
            Self::As(_, record) => everybody_signed_out_at(record),
        }
    }

    pub(crate) fn is_of(&self, table: &str) -> bool {
        match self {
            Self::Missing => false,
            Self::As(name, _) => name.as_deref() == Some(table),
        }
    }
}

/// Does it.
///
/// # Errors
/// See [`Stopped`].
pub(crate) async fn init(mut desk: Desk<'_, '_>, is_restored: bool) -> Result<(), Stopped> {
    desk.must_be_able_to_ask()?;
    let pool = desk.options.user_pool_id.to_string();
    let (_, table) = desk.store().await?;
    let before = desk.services.set_up(&table, &pool).await.map_err(|error| desk.failed(&error))?;
    match &before {
        as_this if as_this.is_of(&table) => {
            desk.say(&format!("The table {table} is set up for the pool {pool} already. There is nothing to change."))?;
            return desk.print_json(&json!({ "table": table, "setUp": true, "changed": false }));
        }
        SetUp::Missing => desk.say(&format!("The table {table} says nothing about whose records it has."))?,
        SetUp::As(name, _) => {
            let of = name.as_ref().map_or_else(|| "something else".to_owned(), |name| format!("the table {name}"));
            desk.say(&format!("The table {table} says that it is {of}: it is a copy, or another table."))?;
            if !is_restored {
                return Err(desk.stop(
                    "make sure that no record in it is missing or older than it should be, as docs/runbook.md says of a restore, \
                     and add --restored.",
                ));
            }
        }
    }
    desk.say(&format!(
        "It will be noted in it that it has the records of the pool {pool}. Under SECOND_FACTOR_POLICY=OPTIONAL, a user without a \
         record in it then needs the password alone."
    ))?;
    if desk.options.dry_run {
        desk.say("Nothing was changed: --dry-run.")?;
        return desk.print_json(&json!({ "table": table, "setUp": false, "dryRun": true }));
    }
    let by = caller(desk.services).await.map_err(|error| desk.failed(&error))?;
    desk.confirm()?;
    let record = set_up_record(&table, None).map_err(|error| desk.stop(&format!("{error}.")))?;
    let saved = desk.services.save_set_up(&table, &pool, &before, record).await;
    if let Err(error) = saved {
        // It may have taken effect; the error may also be that of a second attempt.
        match desk.services.set_up(&table, &pool).await {
            Ok(now) if now.is_of(&table) => {}
            Ok(now) if now == before => return Err(desk.failed(&error)),
            Ok(_) => return Err(desk.stop("somebody else has changed the table's note; run it again.")),
            Err(_) => {
                return Err(Stopped::Failed(format!(
                    "Whether the table was set up is not known; running it again tells: {}. {}",
                    error.why(),
                    error.cause.remedy()
                )));
            }
        }
    }
    desk.audit_about(&by, desk.now, [("table".to_owned(), json!(table))])?;
    desk.say("The table is set up.")?;
    desk.print_json(&json!({ "table": table, "setUp": true, "changed": true }))
}

impl Services {
    /// What `table` says about the pool's records.
    pub(crate) async fn set_up(&self, table: &str, user_pool_id: &str) -> Result<SetUp, CallError> {
        let key = AttributeValue::S(set_up_key(user_pool_id));
        let request = self.dynamodb.get_item().table_name(table).consistent_read(true).key(KEY, key);
        let Some(item) = request.send().await.map_err(failed("GetItem"))?.item else { return Ok(SetUp::Missing) };
        let record = item.get(RECORD).and_then(|record| record.as_s().ok()).cloned().unwrap_or_default();
        Ok(SetUp::As(set_up_table(&record), record))
    }

    /// Replaces it, if it still says what `before` does.
    pub(crate) async fn save_set_up(
        &self,
        table: &str,
        user_pool_id: &str,
        before: &SetUp,
        record: String,
    ) -> Result<(), CallError> {
        let request = self
            .dynamodb
            .put_item()
            .table_name(table)
            .item(KEY, AttributeValue::S(set_up_key(user_pool_id)))
            .item(VERSION, AttributeValue::N("1".to_owned()))
            .item(RECORD, AttributeValue::S(record));
        let request = match before {
            SetUp::Missing => {
                request.condition_expression("attribute_not_exists(#key)").expression_attribute_names("#key", KEY)
            }
            SetUp::As(_, record) => request
                .condition_expression("#record = :before")
                .expression_attribute_names("#record", RECORD)
                .expression_attribute_values(":before", AttributeValue::S(record.clone())),
        };
        request.send().await.map(drop).map_err(failed("PutItem"))
    }
}
