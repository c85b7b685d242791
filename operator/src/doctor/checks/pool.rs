//! The pool.

use super::known::{Guard, Known};
use super::verdict::Verdict::{self, Fine, Weak};
use super::verdict::{Row, federated_users, open_by_source, others_than};
use crate::doctor::deployment::Pool;

pub(super) const POOL: &[Row<Pool>] = &[
    ("pool-deletion-protection", pool_deletion_protection),
    ("pool-devices", pool_devices),
    ("pool-first-factors", pool_first_factors),
    ("pool-domain", pool_domain),
];
pub(super) const MFA: &[Row<str>] = &[("pool-mfa", pool_mfa)];
pub(super) const TRAIL: &[Row<bool>] = &[("pool-trail", pool_trail)];
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

fn pool_first_factors(pool: &Pool, known: &Known<'_>) -> Verdict {
    let others = others_than(&["PASSWORD"], &pool.first_factors);
    if others.is_empty() {
        return Fine("offers no first factor but the password".to_owned());
    }
    let denied = if matches!(known.guard, Guard::Grant) { "; the token guard denies its tokens" } else { "" };
    let sentence = format!("offers sign-in by {others} alone to app clients that allow USER_AUTH{denied}");
    Weak(sentence, "Set AllowedFirstAuthFactors to PASSWORD, once nobody signs in that way.")
}

fn pool_domain(pool: &Pool, known: &Known<'_>) -> Verdict {
    let domains = pool.domains.join(", ");
    if domains.is_empty() {
        Fine("has no domain for managed login".to_owned())
    } else if known.guard.denies_managed_login() {
        Fine(format!("has managed login at {domains}, and the token guard denies its users' tokens"))
    } else {
        Weak(
            format!("has managed login at {domains}, for any app client that allows OAuth"),
            "Attach the token guard, which denies its users' tokens; machines that get tokens there need the domain.",
        )
    }
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

fn pool_trail(logs: &bool, _: &Known<'_>) -> Verdict {
    match logs {
        true => Fine("is in a region whose calls a CloudTrail trail logs".to_owned()),
        false => Weak(
            "can be changed by anybody's tool without a word: no CloudTrail trail logs the calls of this region"
                .to_owned(),
            "Create a trail that logs management events; the rule UserPoolChanged needs one.",
        ),
    }
}

fn pool_identity_providers(names: &[String], known: &Known<'_>) -> Verdict {
    let what = format!("has the identity providers {}", names.join(", "));
    if names.is_empty() {
        Fine("has no identity providers".to_owned())
    } else if known.users_are_federated {
        federated_users(&what, &names.iter().map(String::as_str).collect::<Vec<_>>(), known)
    } else {
        Fine(format!("{what}, and no app client lets their users in"))
    }
}
