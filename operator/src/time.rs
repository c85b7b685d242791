//! Times as people and programs read them.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use shared::clock::UnixTime;

/// RFC 3339, UTC.
pub(crate) fn when(time: UnixTime) -> String {
    let seconds = i64::try_from(time.0).unwrap_or(i64::MAX);
    DateTime::from_secs(seconds).fmt(Format::DateTime).unwrap_or_else(|_| format!("{seconds} seconds after 1970"))
}
