//! What a pool keeps only to describe it: identity providers, resource servers, a domain. Nobody signs in by them here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The members of each as they were given, by name; resource servers in the order in which they were made.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Described {
    pub(crate) identity_providers: BTreeMap<String, Map<String, Value>>,
    pub(crate) resource_servers: Vec<(String, Map<String, Value>)>,
    pub(crate) domain: Option<(String, Map<String, Value>)>,
}
