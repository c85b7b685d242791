//! What the pool keeps, all of it in memory. A file holds one kind of data and the methods that need nothing else.

pub(crate) mod grant;
pub(crate) mod message;
pub(crate) mod mfa;
pub(crate) mod session;
pub(crate) mod user;

use self::grant::Grants;
use self::message::Message;
use self::mfa::PoolMfa;
use self::session::Sessions;
use self::user::Users;

pub(crate) struct State {
    pub(crate) users: Users,
    pub(crate) sessions: Sessions,
    pub(crate) grants: Grants,
    /// Oldest first.
    pub(crate) messages: Vec<Message>,
    pub(crate) mfa: PoolMfa,
}
