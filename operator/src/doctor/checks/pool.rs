//! The pool.

use super::known::Known;
use super::verdict::Verdict::{self, Fine, Weak};
use super::verdict::{Row, open_by_source, others_than};
use crate::doctor::deployment::Pool;

pub(super) const POOL: &[Row<Pool>] = &[
    ("pool-deletion-protection", pool_deletion_protection),
    ("pool-devices", pool_devices),
    ("pool-first-factors", pool_first_factors),
    ("pool-domain", pool_domain),
];
pub(super) const MFA: &[Row<str>] = &[("pool-mfa", pool_mfa)];
pub(super) const IDENTITY_PROVIDERS: &[Row<[String]>] = &[("pool-identity-providers", pool_identity_providers)];

fn pool_deletion_protection(pool: &Pool, _: &Known<'_>) -> Verdict {
    match pool.deletion_protection.as_str() {
        "ACTIVE" => Fine("is protected from deletion".to_owned()),
        _ => Weak("can be deleted by one call".to_owned(), "Set DeletionProtection to ACTIVE."),
    }
}

fn pool_devices(pool: &Pool, known: &Known<'_>) -> Verdict {
    if !pool.remembers_devices {
        return Fine("remembers no devices".to_owned());
    }
    let what = "remembers devices, which get tokens by a way of their own";
    open_by_source(what, "Take DeviceConfiguration away.", known)
}

fn pool_first_factors(pool: &Pool, _: &Known<'_>) -> Verdict {
    let others = others_than(&["PASSWORD"], &pool.first_factors);
    if others.is_empty() {
        return Fine("offers no sign-in without a password".to_owned());
    }
    let sentence = format!("offers sign-in by {others} alone to app clients that allow USER_AUTH");
    Weak(sentence, "Set AllowedFirstAuthFactors to PASSWORD.")
}

fn pool_domain(pool: &Pool, _: &Known<'_>) -> Verdict {
    if pool.domains.is_empty() {
        return Fine("has no domain for managed login".to_owned());
    }
    let sentence = format!("has managed login at {}, for any app client that allows OAuth", pool.domains.join(", "));
    Weak(sentence, "Delete the domain.")
}

fn pool_mfa(configuration: &str, known: &Known<'_>) -> Verdict {
    match (configuration, known.cognito_mfa_is_accepted) {
        ("OFF", Some(false) | None) => Fine("has Cognito's own MFA off".to_owned()),
        ("OFF", Some(true)) => Weak(
            "has Cognito's own MFA off, while ACCEPTED_COGNITO_MFA accepts it".to_owned(),
            "Set MfaConfiguration to OPTIONAL, or ACCEPTED_COGNITO_MFA to NONE.",
        ),
        (_, Some(true)) => Weak(
            format!(
                "has Cognito's own MFA {configuration}, and whoever can give a user that factor passes without ours"
            ),
            "Set MfaConfiguration to OFF and ACCEPTED_COGNITO_MFA to NONE once the users have moved over.",
        ),
        (_, Some(false) | None) => Weak(
            format!(
                "has Cognito's own MFA {configuration}, which is asked for in addition to ours and may end a sign-in before it"
            ),
            "Set MfaConfiguration to OFF.",
        ),
    }
}

fn pool_identity_providers(names: &[String], _: &Known<'_>) -> Verdict {
    if names.is_empty() {
        return Fine("has no identity providers".to_owned());
    }
    let sentence = format!("has the identity providers {}, for any app client that supports them", names.join(", "));
    Weak(sentence, "Delete the identity providers.")
}
