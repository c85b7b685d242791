//! What could not be read: why, and what to do.

use super::verdict::{Finding, Severity, Verdict};
use crate::doctor::deployment::{Cause, Unreadable};

/// The only finding, when nothing of the pool could be read.
#[must_use]
pub fn nothing_was_read(unreadable: &Unreadable) -> Finding {
    Finding {
        severity: Severity::Unreadable,
        id: "unreadable",
        subject: "pool".into(),
        sentence: format!("could not be read, so nothing was checked: {}", why(unreadable)),
        remedy: Some(remedy(unreadable.cause)),
    }
}

pub(super) fn not_read(unreadable: &Unreadable) -> Verdict {
    Verdict::Unreadable(format!("could not be read: {}", why(unreadable)), remedy(unreadable.cause))
}

/// A cause that is no matter of the call is said without it.
fn why(Unreadable { call, cause, reason }: &Unreadable) -> String {
    match cause {
        Cause::NoCredentials => "no AWS credentials were found".to_owned(),
        Cause::CredentialsNotLoaded => format!("the AWS credentials could not be loaded: {reason}"),
        Cause::CredentialsExpired => "the AWS credentials have expired".to_owned(),
        Cause::CredentialsRefused => format!("AWS refuses the credentials: {reason}"),
        Cause::NotReached => format!("AWS was not reached: {reason}"),
        Cause::NotFound | Cause::Denied | Cause::Other => format!("{call}: {reason}"),
    }
}

fn remedy(cause: Cause) -> &'static str {
    match cause {
        Cause::NoCredentials => {
            "Sign in as for the AWS CLI, or set AWS_PROFILE to a profile that has some, and run it again."
        }
        Cause::CredentialsNotLoaded => {
            "Sign in to AWS (aws sso login), correct the profile, \
             or export the credentials (aws configure export-credentials), and run it again."
        }
        Cause::CredentialsExpired => "Sign in to AWS, and run it again.",
        Cause::CredentialsRefused => {
            "Check the access key, the computer's clock, and that the account has enabled the region, and run it again."
        }
        Cause::NotReached => {
            "Check the network, AWS_ENDPOINT_URL, and the region that the pool's id begins with, and run it again."
        }
        Cause::NotFound => {
            "Check the name, the region, and the account of the credentials (aws sts get-caller-identity), \
             and run it again."
        }
        Cause::Denied => "Allow the actions that docs/doctor.md lists, and run it again.",
        Cause::Other => "Run it again.",
    }
}
