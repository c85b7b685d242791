//! Times as AWS writes them.

use shared::clock::UnixTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A time in UTC.
pub(crate) fn rfc3339(at: UnixTime) -> String {
    let at = i64::try_from(at.0).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}
