//! All records of a pool, page by page.

use aws_sdk_dynamodb::types::AttributeValue;
use shared::record::Record;
use shared::store::dynamodb::{KEY, RECORD};

use crate::aws::{CallError, Services, failed};

/// A record as the scan found it.
pub(crate) struct Scanned {
    pub(crate) sub: String,
    /// `None` where it cannot be read.
    pub(crate) record: Option<Record>,
}

/// Where the next page begins.
pub(crate) type Start = std::collections::HashMap<String, AttributeValue>;

impl Services {
    /// The records of a page that are this pool's, and where the next page begins. The item that says whose table it is
    /// (`#userPoolId`) is no record: its key has no pool's id before the sign.
    pub(crate) async fn scan(
        &self,
        table: &str,
        user_pool_id: &str,
        start: Option<Start>,
    ) -> Result<(Vec<Scanned>, Option<Start>), CallError> {
        let request = self.dynamodb.scan().table_name(table).set_exclusive_start_key(start);
        let page = request.send().await.map_err(failed("Scan"))?;
        let scanned = page.items.unwrap_or_default().into_iter().filter_map(|item| {
            let (pool, sub) = item.get(KEY)?.as_s().ok()?.split_once('#')?;
            let record = item.get(RECORD).and_then(|record| Record::from_json(record.as_s().ok()?).ok());
            (pool == user_pool_id).then(|| Scanned { sub: sub.to_owned(), record })
        });
        Ok((scanned.collect(), page.last_evaluated_key.filter(|key| !key.is_empty())))
    }
}
