//! What a record says, without a secret: for people, and for programs.

use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::passcode_limit::RateLimit;
use shared::record::{EnrollmentStatus, Record};

use crate::time::when;

/// What a record says, line by line.
pub(crate) fn in_words(record: &Record, now: UnixTime) -> Vec<String> {
    let mut lines = Vec::new();
    lines.push(match record.authenticator() {
        None => "Authenticator: none".to_owned(),
        Some(authenticator) => {
            let name = authenticator.name().map(|name| format!("\"{}\", ", name.as_str())).unwrap_or_default();
            let used = match authenticator.last_used_at() {
                Some(at) => format!("last used about {}", when(at)),
                None => "not used yet".to_owned(),
            };
            format!("Authenticator: {name}since {}, {used}", when(authenticator.enrolled_at()))
        }
    });
    lines.push(format!("Recovery codes: {} left", record.recovery_codes_left()));
    let failures = record.failures(now);
    lines.push(match record.rate_limit(now) {
        RateLimit::Allow => format!("Wrong passcodes that count: {failures}; passcodes are accepted"),
        RateLimit::RetryAfter { seconds } => {
            format!("Wrong passcodes that count: {failures}; passcodes wait until {}", when(now.plus(seconds)))
        }
        RateLimit::Blocked { seconds } => {
            format!("Wrong passcodes that count: {failures}; passcodes are blocked until {}", when(now.plus(seconds)))
        }
    });
    if record.is_alerting(now) {
        lines.push("Somebody who knows the password is guessing passcodes.".to_owned());
    }
    if let Some(offset) = record.clock_offset() {
        let direction = if offset.seconds < 0 { "behind" } else { "ahead" };
        lines.push(format!(
            "A wrong passcode at {} was one of a clock that is about {} seconds {direction}: the phone's clock is off, or {}.",
            when(offset.at),
            offset.seconds.unsigned_abs(),
            if offset.seconds < 0 { "somebody typed an earlier passcode" } else { "somebody guessed" },
        ));
    }
    lines.push(match record.last_proof() {
        None => "Last second factor: none".to_owned(),
        Some(proof) => format!("Last second factor: {} at {}", proof.factor.as_str(), when(proof.at)),
    });
    if let Some(until) = record.operator_code_until(now) {
        lines.push(format!("An operator's code is good until {}", when(until)));
    } else if record.enrollment_status(now) == EnrollmentStatus::OperatorCode {
        lines.push(
            "An operator's code was used, withdrawn or is too old: the user needs another one to enroll".to_owned(),
        );
    }
    if let Some(at) = record.turned_off_at() {
        lines.push(format!("The user turned the second factor off at {}", when(at)));
    }
    if let Some(since) = record.required_since() {
        lines.push(format!("A second factor is required, as the token guard saw first at {}", when(since)));
    }
    if let Some(at) = record.last_unproven_at() {
        lines.push(format!("Last sign-in without a second factor: {}", when(at)));
    }
    if let Some(at) = record.signed_out_at() {
        lines.push(format!("All sessions were ended at {}", when(at)));
    }
    if let Some(at) = record.forgotten_at() {
        lines.push(format!("The user was forgotten at {}", when(at)));
    }
    if let Some(at) = record.missing_since() {
        lines.push(format!("The pool does not have the user, as was seen first at {}", when(at)));
    }
    if let Some(change) = record.last_change() {
        lines.push(format!(
            "Last change by an operator: {} at {} by {}",
            change.what(),
            when(change.at()),
            change.by()
        ));
    }
    lines
}

/// The same for programs.
pub(crate) fn to_json(record: &Record, now: UnixTime) -> Value {
    let time = |time: Option<UnixTime>| time.map(when);
    let (state, seconds) = match record.rate_limit(now) {
        RateLimit::Allow => ("accepted", None),
        RateLimit::RetryAfter { seconds } => ("wait", Some(seconds)),
        RateLimit::Blocked { seconds } => ("blocked", Some(seconds)),
    };
    json!({
        "authenticator": record.authenticator().map(|authenticator| json!({
            "name": authenticator.name().map(shared::authenticator::FriendlyName::as_str),
            "enrolledAt": when(authenticator.enrolled_at()),
            "lastUsedAt": time(authenticator.last_used_at()),
        })),
        "recoveryCodesLeft": record.recovery_codes_left(),
        "passcodes": { "state": state, "until": time(seconds.map(|seconds| now.plus(seconds))), "wrong": record.failures(now) },
        "guessing": record.is_alerting(now),
        "clockOffset": record.clock_offset().map(|offset| json!({ "seconds": offset.seconds, "at": when(offset.at) })),
        "lastSecondFactor": record.last_proof().map(|proof| json!({ "factor": proof.factor.as_str(), "at": when(proof.at) })),
        "operatorCodeUntil": time(record.operator_code_until(now)),
        "needsOperatorCode": record.enrollment_status(now) == EnrollmentStatus::OperatorCode,
        "turnedOffAt": time(record.turned_off_at()),
        "requiredSince": time(record.required_since()),
        "lastUnprovenAt": time(record.last_unproven_at()),
        "signedOutAt": time(record.signed_out_at()),
        "forgottenAt": time(record.forgotten_at()),
        "missingSince": time(record.missing_since()),
        "lastChange": record.last_change().map(|change| {
            json!({ "what": change.what(), "at": when(change.at()), "by": change.by() })
        }),
    })
}
