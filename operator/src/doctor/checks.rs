//! What is wrong with a deployment: one row a check, and one function a row; a file for each thing that is checked.
//!
//! Invariant: a check judges only what was read; what was not is said by [`Severity::Unreadable`]. Where it cannot tell
//! whether something is open, it says open.
//! Source: <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-authentication-flow-methods.html>

use std::borrow::Borrow;

use super::deployment::{Deployment, ListedClient, PoolTrigger, Read, Triggers};
use crate::aws::Cause;
use client::CLIENT;
use known::{Guard, Known, cognito_mfa_is_accepted, federated_providers, guard, users_are_federated};
use pool::{IDENTITY_PROVIDERS, MFA, POOL, TRAIL};
use rollout::{CLIENT_UNDER_POLICY, SET_UP, is_optional, longest_session_days, required_clients, required_groups};
use settings::SETTINGS;
use table_and_key::{BACKUPS, KEY, ROTATION, TABLE, key_missing, table_missing};
use trigger::{ATTACHED, CONFIGURATION, EVENTS, POLICY, trigger_missing};
use unreadable::not_read;
use verdict::Row;
use verdict::Verdict::{self, Broken, Fine, Moot, Open, Weak};

pub use unreadable::nothing_was_read;
pub use verdict::{Finding, Severity, Subject};

mod client;
mod known;
mod pool;
mod rollout;
mod settings;
mod startup;
mod table_and_key;
mod trigger;
mod unreadable;
mod verdict;

/// Everything that was looked at, the worst first.
#[must_use]
pub fn findings(deployment: &Deployment) -> Vec<Finding> {
    let no_triggers = Triggers::default();
    let triggers = deployment.pool.as_ref().map_or(&no_triggers, |pool| &pool.triggers);
    let known = Known {
        pool_arn: deployment.pool.as_ref().map_or("", |pool| &pool.arn),
        guard: deployment.pool.as_ref().map_or(Guard::Unread, |pool| guard(&pool.triggers, deployment.read_at)),
        cognito_mfa_is_accepted: cognito_mfa_is_accepted(triggers),
        users_are_federated: users_are_federated(&deployment.clients),
        federated: federated_providers(triggers),
        is_optional: is_optional(triggers),
        longest_session_days: longest_session_days(triggers, deployment.read_at),
        table_name: deployment.table.as_ref().map(|table| &table.name),
        read_at: deployment.read_at,
        given: &deployment.given,
    };
    let mut found = Found { known, findings: Vec::new() };

    let pool = "pool".into();
    found.read(POOL, &pool, &deployment.pool);
    found.read(MFA, &pool, &deployment.mfa_configuration);
    found.read(IDENTITY_PROVIDERS, &pool, &deployment.identity_providers);
    found.read(TRAIL, &pool, &deployment.trail_logs);
    if let Some(clients) = found.readable(&"app clients".into(), &deployment.clients) {
        for ListedClient { name, id, client } in clients {
            let subject = Subject::Client { name: name.clone(), id: id.clone() };
            found.read(CLIENT, &subject, client);
            if let Ok(client) = client {
                found.judge(CLIENT_UNDER_POLICY, &subject, client);
            }
        }
    }
    if let Ok(pool) = &deployment.pool {
        found.triggers(triggers);
        found.judge(EVENTS, &PoolTrigger::Guard.name().into(), pool);
        let settings = "settings".into();
        found.judge(SETTINGS, &settings, triggers);
        found.judge(rollout::POLICY, &settings, triggers);
        for verdict in required_clients(deployment, triggers) {
            found.add("settings-required-clients", &settings, verdict);
        }
        for verdict in required_groups(deployment) {
            found.add("settings-required-groups", &settings, verdict);
        }
    }
    match &deployment.table {
        Some(table) => {
            let subject = Subject::Part(format!("table {}", table.name));
            if deployment.given.table_name.is_none() && is_missing(&table.description) {
                found.add("table-status", &subject, table_missing());
            } else {
                found.read(TABLE, &subject, &table.description);
                found.read(BACKUPS, &subject, &table.point_in_time_recovery);
                if let Some(set_up) = &deployment.set_up {
                    found.read(SET_UP, &subject, set_up);
                }
            }
        }
        None => found.unnamed(&"table".into(), "Name it with --table."),
    }
    match &deployment.key {
        Some(key) => {
            let subject = Subject::Part(format!("key {}", key.id));
            if deployment.given.key_id.is_none() && is_missing(&key.state) {
                found.add("key-state", &subject, key_missing());
            } else {
                found.read(KEY, &subject, &key.state);
                found.read(ROTATION, &subject, &key.rotation);
            }
        }
        None => found.unnamed(&"key".into(), "Name it with --key."),
    }
    found.findings.sort_by_key(|finding| finding.severity);
    found.findings
}

/// The functions name it, and AWS says that there is none; a name from the command line may be a slip.
fn is_missing<T>(read: &Read<T>) -> bool {
    read.as_ref().is_err_and(|unreadable| unreadable.cause == Cause::NotFound)
}

struct Found<'a> {
    known: Known<'a>,
    findings: Vec<Finding>,
}

impl Found<'_> {
    fn triggers(&mut self, triggers: &Triggers) {
        for trigger in PoolTrigger::ALL {
            let subject = trigger.name().into();
            let Some(function) = triggers.at(trigger) else {
                self.add("trigger-attached", &subject, trigger_missing(trigger));
                continue;
            };
            self.judge(ATTACHED, &subject, function);
            self.read(CONFIGURATION, &subject, &function.configuration);
            if let Ok(configuration) = &function.configuration {
                self.readable(&subject, &configuration.variables);
            }
            self.read(POLICY, &subject, &function.policy);
        }
        for &(name, ref arn) in &triggers.others {
            self.add("trigger-other", &name.into(), Fine(format!("calls {arn}")));
        }
    }

    fn judge<T: ?Sized>(&mut self, rows: &[Row<T>], subject: &Subject, of: &T) {
        for (id, check) in rows {
            self.add(id, subject, check(of, &self.known));
        }
    }

    fn read<T: ?Sized, U: Borrow<T>>(&mut self, rows: &[Row<T>], subject: &Subject, read: &Read<U>) {
        if let Some(of) = self.readable(subject, read) {
            self.judge(rows, subject, of.borrow());
        }
    }

    fn readable<'r, T>(&mut self, subject: &Subject, read: &'r Read<T>) -> Option<&'r T> {
        match read {
            Ok(read) => Some(read),
            Err(unreadable) => {
                self.add("unreadable", subject, not_read(unreadable));
                None
            }
        }
    }

    fn unnamed(&mut self, subject: &Subject, remedy: &'static str) {
        let sentence = "could not be read: no function that could be read names it".to_owned();
        self.add("unreadable", subject, Verdict::Unreadable(sentence, remedy));
    }

    fn add(&mut self, id: &'static str, subject: &Subject, verdict: Verdict) {
        let (severity, sentence, remedy) = match verdict {
            Open(sentence, remedy) => (Severity::Open, sentence, Some(remedy)),
            Broken(sentence, remedy) => (Severity::Broken, sentence, Some(remedy)),
            Verdict::Unreadable(sentence, remedy) => (Severity::Unreadable, sentence, Some(remedy)),
            Weak(sentence, remedy) => (Severity::Weak, sentence, Some(remedy)),
            Fine(sentence) => (Severity::Fine, sentence, None),
            Moot => return,
        };
        self.findings.push(Finding { severity, id, subject: subject.clone(), sentence, remedy });
    }
}
