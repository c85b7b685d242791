//! The table and the key.

use super::known::Known;
use super::verdict::Row;
use super::verdict::Verdict::{self, Broken, Fine, Open, Weak};
use crate::doctor::deployment::TableDescription;

pub(super) const TABLE: &[Row<TableDescription>] =
    &[("table-status", table_status), ("table-deletion-protection", table_deletion_protection)];
pub(super) const BACKUPS: &[Row<str>] = &[("table-point-in-time-recovery", table_point_in_time_recovery)];
pub(super) const KEY: &[Row<str>] = &[("key-state", key_state)];
pub(super) const ROTATION: &[Row<bool>] = &[("key-rotation", key_rotation)];

const RESTORE: &str = "Read the runbook on restoring the table.";

pub(super) fn table_missing() -> Verdict {
    Broken("does not exist, so every sign-in fails".to_owned(), RESTORE)
}

fn table_status(table: &TableDescription, _: &Known<'_>) -> Verdict {
    match table.status.as_str() {
        status @ ("ACTIVE" | "UPDATING") => Fine(format!("is {status}")),
        status => Broken(format!("is {status}, so every sign-in fails"), RESTORE),
    }
}

fn table_deletion_protection(table: &TableDescription, _: &Known<'_>) -> Verdict {
    if table.deletion_protection {
        return Fine("is protected from deletion".to_owned());
    }
    Open(
        "can be deleted by one call, and without it the password alone enrolls".to_owned(),
        "Set DeletionProtectionEnabled to true.",
    )
}

fn table_point_in_time_recovery(status: &str, _: &Known<'_>) -> Verdict {
    match status {
        "ENABLED" => Fine("has point-in-time recovery on".to_owned()),
        _ => Open(
            "cannot be restored once lost, and without it the password alone enrolls".to_owned(),
            "Turn point-in-time recovery on.",
        ),
    }
}

pub(super) fn key_missing() -> Verdict {
    Broken(
        "does not exist, and without it every authenticator's secret is lost".to_owned(),
        "Set KEY_ID to the right key; if it was deleted, give every user a code (second-factor operator-code).",
    )
}

fn key_state(state: &str, _: &Known<'_>) -> Verdict {
    match state {
        "Enabled" => Fine("is enabled".to_owned()),
        "PendingDeletion" => Broken(
            "waits for its deletion, and with it every authenticator's secret is lost".to_owned(),
            "Cancel the deletion and enable the key.",
        ),
        state => Broken(format!("is {state}, so passcodes end in errors"), "Enable the key."),
    }
}

fn key_rotation(rotates: &bool, _: &Known<'_>) -> Verdict {
    if *rotates {
        return Fine("rotates".to_owned());
    }
    Weak("does not rotate".to_owned(), "Enable key rotation.")
}
