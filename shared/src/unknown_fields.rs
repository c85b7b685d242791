//! The fields of a stored record that this version does not know: a newer version wrote them, and they outlive a save by this one.
//!
//! Invariant: a field is kept as it was read, and dropped with the object that it describes: a new authenticator has none of the
//! old one's fields.

use serde_json::{Map, Value};

/// The fields that tell one authenticator, outcome, proof or grant from another; an object without any is always the same.
const IDENTITY: [&str; 6] = ["id", "nonce", "clientId", "until", "factor", "at"];

/// A record as it was stored, and what this version read of it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct UnknownFields {
    stored: Value,
    known: Value,
}

impl UnknownFields {
    /// The fields of `stored` that are not in `known`, which is the same record as this version writes it.
    pub(crate) fn of(stored: &str, known: &str) -> Option<Self> {
        Some(Self { stored: serde_json::from_str(stored).ok()?, known: serde_json::from_str(known).ok()? })
    }

    /// Adds them to the record that is about to replace the stored one.
    pub(crate) fn keep_in(&self, record: &mut Value) {
        keep(&self.stored, &self.known, record);
    }
}

impl std::fmt::Debug for UnknownFields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UnknownFields(…)")
    }
}

fn keep(stored: &Value, known: &Value, new: &mut Value) {
    match (stored, known, new) {
        (Value::Object(stored), Value::Object(known), Value::Object(new)) if is_same(stored, new) => {
            for (name, value) in stored {
                match (known.get(name), new.get_mut(name)) {
                    (None, None) => drop(new.insert(name.clone(), value.clone())),
                    (Some(known), Some(new)) => keep(value, known, new),
                    // Known and gone, or written now by this version.
                    (Some(_), None) | (None, Some(_)) => {}
                }
            }
        }
        (Value::Array(stored), Value::Array(known), Value::Array(new)) => {
            for element in new {
                for (stored, known) in stored.iter().zip(known) {
                    keep(stored, known, element);
                }
            }
        }
        _ => {}
    }
}

fn is_same(stored: &Map<String, Value>, new: &Map<String, Value>) -> bool {
    IDENTITY.into_iter().all(|name| stored.get(name) == new.get(name))
}
