//! `init`: notes in the records' table which pool and table it is (docs/decisions.md, D93).
//!
//! Invariant: the item is written by a condition on what was shown, and another table's is replaced only on demand.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use shared::clock::UnixTime;
use shared::store::dynamodb::{KEY, RECORD, SetUp, VERSION, set_up_key};

use crate::aws::{CallError, Cause, Services, failed};
use crate::desk::Desk;
use crate::places::caller;
use crate::terminal::Stopped;

/// What a table says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing.
    Nothing,
    /// That it was set up, if this is understood; and as it stands there.
    SetUp(Option<SetUp>, String),
}

impl Said {
    fn set_up(&self) -> Option<&SetUp> {
        match self {
            Self::Nothing => None,
            Self::SetUp(set_up, _) => set_up.as_ref(),
        }
    }

    /// The table that it says it is; an empty name is none's.
    pub(crate) fn table(&self) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::SetUp(set_up, _) => Some(set_up.as_ref().map(|set_up| set_up.table_name.clone()).unwrap_or_default()),
        }
    }

    /// When everybody was signed out last, as it says.
    pub(crate) fn everybody_signed_out_at(&self) -> Option<UnixTime> {
        self.set_up()?.everybody_signed_out_at
    }

    pub(crate) fn is_of(&self, table: &str) -> bool {
        self.set_up().is_some_and(|set_up| set_up.table_name == table)
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
        Said::Nothing => desk.say(&format!("The table {table} says nothing about whose records it has."))?,
        Said::SetUp(set_up, _) => {
            let named = set_up.as_ref().map(|set_up| format!("the table {}", set_up.table_name));
            let of = named.unwrap_or_else(|| "something else".to_owned());
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
    let set_up = SetUp { table_name: table.clone(), everybody_signed_out_at: None };
    let saved = desk.services.save_set_up(&pool, &before, &set_up).await;
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
    pub(crate) async fn set_up(&self, table: &str, user_pool_id: &str) -> Result<Said, CallError> {
        let key = AttributeValue::S(set_up_key(user_pool_id));
        let request = self.dynamodb.get_item().table_name(table).consistent_read(true).key(KEY, key);
        let Some(item) = request.send().await.map_err(failed("GetItem"))?.item else { return Ok(Said::Nothing) };
        let record = item.get(RECORD).and_then(|record| record.as_s().ok()).cloned().unwrap_or_default();
        Ok(Said::SetUp(SetUp::parse(&record), record))
    }

    /// Replaces it in the table that it names, if that still says what `before` does.
    pub(crate) async fn save_set_up(&self, user_pool_id: &str, before: &Said, set_up: &SetUp) -> Result<(), CallError> {
        const CALL: &str = "PutItem";
        let record = set_up.to_json().map_err(|error| CallError {
            call: CALL,
            cause: Cause::Other,
            reason: error.to_string(),
        })?;
        let request = self
            .dynamodb
            .put_item()
            .table_name(&set_up.table_name)
            .item(KEY, AttributeValue::S(set_up_key(user_pool_id)))
            .item(VERSION, AttributeValue::N("1".to_owned()))
            .item(RECORD, AttributeValue::S(record));
        let request = match before {
            Said::Nothing => {
                request.condition_expression("attribute_not_exists(#key)").expression_attribute_names("#key", KEY)
            }
            Said::SetUp(_, record) => request
                .condition_expression("#record = :before")
                .expression_attribute_names("#record", RECORD)
                .expression_attribute_values(":before", AttributeValue::S(record.clone())),
        };
        request.send().await.map(drop).map_err(failed(CALL))
    }
}
