//! What the pool keeps in memory, and all of it but sessions and messages in a data file where there is one. A file holds one kind of data and the methods that need nothing else.

pub(crate) mod alias;
pub(crate) mod app_client;
pub(crate) mod configuration;
pub(crate) mod described;
pub(crate) mod filter;
pub(crate) mod grant;
pub(crate) mod group;
pub(crate) mod lockout;
pub(crate) mod message;
pub(crate) mod mfa;
pub(crate) mod modified;
pub(crate) mod password;
pub(crate) mod schema;
pub(crate) mod session;
pub(crate) mod user;

use self::app_client::AppClients;
use self::configuration::Configuration;
use self::described::Described;
use self::grant::Grants;
use self::group::Groups;
use self::lockout::Lockouts;
use self::message::Message;
use self::mfa::PoolMfa;
use self::session::Sessions;
use self::user::Users;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) configuration: Configuration,
    pub(crate) clients: AppClients,
    pub(crate) groups: Groups,
    pub(crate) lockouts: Lockouts,
    pub(crate) described: Described,
    pub(crate) users: Users,
    #[serde(skip)]
    pub(crate) sessions: Sessions,
    pub(crate) grants: Grants,
    /// Oldest first.
    #[serde(skip)]
    pub(crate) messages: Vec<Message>,
    pub(crate) mfa: PoolMfa,
    /// What `SetUserPoolSessionConfiguration` was given.
    pub(crate) session_configuration: Option<Map<String, Value>>,
}
