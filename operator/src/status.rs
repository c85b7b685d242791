//! `status`: what is kept about one user, or how many users have what. Reads, and prints no secret.

use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::passcode_limit::RateLimit;
use shared::record::{EnrollmentStatus, Record};

use crate::desk::Desk;
use crate::record_in_words::{in_words, to_json};
use crate::terminal::Stopped;

/// Of one user.
///
/// # Errors
/// See [`Stopped`].
pub(crate) async fn of_user(mut desk: Desk<'_, '_>, typed: &str) -> Result<(), Stopped> {
    let user = desk.user(typed).await?;
    let (store, _) = desk.store().await?;
    let (record, _) = desk.load(&store, &desk.key(&user.sub)).await?;
    desk.say(&user.in_words())?;
    for line in in_words(&record, desk.now) {
        desk.say(&line)?;
    }
    let mut printed = to_json(&record, desk.now);
    if let Some(printed) = printed.as_object_mut() {
        printed.insert("user".to_owned(), user.to_json());
    }
    desk.print_json(&printed)
}

/// How many users have what.
#[derive(Default)]
struct Counts {
    records: u64,
    unreadable: u64,
    enrolled: u64,
    without_codes: u64,
    waiting: u64,
    blocked: u64,
    guessed: u64,
    operator_codes: u64,
    need_code: u64,
    forgotten: u64,
    passed_unproven: u64,
    turned_off: u64,
    required: u64,
}

impl Counts {
    fn count(&mut self, record: Option<&Record>, now: UnixTime) {
        let add = |count: &mut u64, if_so: bool| *count = count.saturating_add(u64::from(if_so));
        add(&mut self.records, true);
        let Some(record) = record else { return add(&mut self.unreadable, true) };
        let limit = record.rate_limit(now);
        let needs_code = record.enrollment_status(now) == EnrollmentStatus::OperatorCode;
        let has_code = record.operator_code_until(now).is_some();
        add(&mut self.enrolled, record.authenticator().is_some());
        add(&mut self.without_codes, record.authenticator().is_some() && record.recovery_codes_left() == 0);
        add(&mut self.waiting, matches!(limit, RateLimit::RetryAfter { .. }));
        add(&mut self.blocked, matches!(limit, RateLimit::Blocked { .. }));
        add(&mut self.guessed, record.is_alerting(now));
        add(&mut self.operator_codes, has_code);
        add(&mut self.need_code, needs_code && !has_code);
        add(&mut self.forgotten, record.forgotten_at().is_some());
        let has_none = record.authenticator().is_none();
        add(&mut self.passed_unproven, has_none && record.last_unproven_at().is_some());
        add(&mut self.turned_off, has_none && record.turned_off_at().is_some());
        add(&mut self.required, has_none && record.required_since().is_some());
    }

    fn rows(&self) -> [(&'static str, &'static str, u64); 13] {
        [
            ("records", "records", self.records),
            ("enrolled", "users with an authenticator", self.enrolled),
            ("withoutRecoveryCodes", "of them without a recovery code", self.without_codes),
            ("passedUnproven", "users without an authenticator who signed in without one", self.passed_unproven),
            ("turnedOff", "users who turned the second factor off", self.turned_off),
            ("requiredNotEnrolled", "users who must set an authenticator up and have not", self.required),
            ("waiting", "users whose passcodes wait", self.waiting),
            ("blocked", "users whose passcodes are blocked", self.blocked),
            ("guessed", "users whose passcodes somebody is guessing", self.guessed),
            ("operatorCodes", "users with an operator's code that works", self.operator_codes),
            ("needOperatorCode", "users who need another operator's code", self.need_code),
            ("forgotten", "users who were forgotten", self.forgotten),
            ("unreadable", "records that this version cannot read", self.unreadable),
        ]
    }
}

/// Of all users.
///
/// # Errors
/// See [`Stopped`].
pub(crate) async fn of_all(mut desk: Desk<'_, '_>) -> Result<(), Stopped> {
    let pool = desk.options.user_pool_id.to_string();
    let described = desk.services.cognito("DescribeUserPool", &json!({ "UserPoolId": pool })).await;
    let described = described.map_err(|error| desk.failed(&error))?;
    let users = described.pointer("/UserPool/EstimatedNumberOfUsers").and_then(Value::as_u64).unwrap_or_default();
    let (_, table) = desk.store().await?;
    desk.say(&format!(
        "Reading the whole table {table}, which costs half a read unit for every 4 KB, whatever pools its records are of."
    ))?;
    let (mut counts, mut start) = (Counts::default(), None);
    loop {
        let page = desk.services.scan(&table, &pool, start).await;
        let (scanned, next) = page.map_err(|error| desk.failed(&error))?;
        for scanned in scanned {
            counts.count(scanned.record.as_ref(), desk.now);
        }
        start = next;
        if start.is_none() {
            break;
        }
        desk.say(&format!("{} records so far", counts.records))?;
    }
    for (_, what, count) in counts.rows() {
        desk.say(&format!("{count:>9}  {what}"))?;
    }
    desk.say(&format!("{users:>9}  users in the pool, as Cognito estimates"))?;
    let mut printed: Value =
        counts.rows().into_iter().map(|(name, _, count)| (name.to_owned(), json!(count))).collect();
    if let Some(printed) = printed.as_object_mut() {
        printed.insert("estimatedUsers".to_owned(), json!(users));
    }
    desk.print_json(&printed)
}
