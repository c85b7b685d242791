//! Delivering codes to users: which address a code goes to, and what `CodeDeliveryDetails` says about it.

use serde_json::{Value, json};

use crate::pool::Pool;
use crate::state::alias::Alias;
use crate::state::configuration::{Configuration, Recovery};
use crate::state::message::{Message, MessageReason, masked_address, masked_number};
use crate::state::user::User;

/// Where the code goes that confirms a sign-up: to the phone first, as Cognito does.
pub(crate) fn auto_verified(configuration: &Configuration, user: &User) -> Option<(Alias, String)> {
    let one = |alias: Alias| Some((alias, user.attributes.get(alias.as_str())?.clone()));
    let automatic = |alias: &Alias| configuration.auto_verified.contains(alias);
    [Alias::PhoneNumber, Alias::Email].into_iter().filter(automatic).find_map(one)
}

/// Where a code for a new password goes: by `AccountRecoverySetting`, or where there is none to the phone first.
pub(crate) fn recovery_address(configuration: &Configuration, user: &User) -> Option<(Alias, String)> {
    let verified = |alias: Alias| {
        let value = user.attributes.get(alias.as_str()).filter(|_| user.has_verified(alias))?;
        Some((alias, value.clone()))
    };
    recovery_ways(configuration).into_iter().find_map(verified)
}

fn recovery_ways(configuration: &Configuration) -> Vec<Alias> {
    let ways = configuration.recovery.as_ref().map(|ways| {
        ways.iter().filter_map(|way| match way {
            Recovery::By(alias) => Some(*alias),
            Recovery::AdminOnly => None,
        })
    });
    ways.map_or_else(|| vec![Alias::PhoneNumber, Alias::Email], Iterator::collect)
}

/// `CodeDeliveryDetails`
pub(crate) fn details(alias: Alias, to: &str) -> Value {
    let destination = match alias {
        Alias::Email => masked_address(to),
        Alias::PhoneNumber | Alias::PreferredUserName => masked_number(to),
    };
    json!({ "AttributeName": alias.as_str(), "DeliveryMedium": alias.medium(), "Destination": destination })
}

/// The same for a user who does not exist, or has no address: made up, so that nobody can tell.
pub(crate) fn simulated_details(configuration: &Configuration, typed: &str) -> Value {
    match recovery_ways(configuration).first() {
        Some(Alias::PhoneNumber | Alias::PreferredUserName) => details(Alias::PhoneNumber, "0000"),
        Some(Alias::Email) | None => details(Alias::Email, &format!("{typed}@example.com")),
    }
}

pub(crate) fn send_code(pool: &Pool, to: String, user_name: &str, reason: MessageReason, code: String) {
    pool.send(Message { to, user_name: user_name.to_owned(), reason, code });
}
