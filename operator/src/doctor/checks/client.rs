//! An app client.

use super::known::Known;
use super::verdict::Verdict::{self, Fine, Moot, Weak};
use super::verdict::{
    Row, counted, federated_users, open_by_source, open_to_the_api, others_than, users_by_managed_login,
};
use crate::doctor::deployment::{Client, Purpose, Validity};

pub(super) const CLIENT: &[Row<Client>] = &[
    ("client-flows", client_flows),
    ("client-oauth", client_oauth),
    ("client-machines", client_machines),
    ("client-identity-providers", client_identity_providers),
    ("client-user-existence", client_user_existence),
    ("client-session", client_session),
    ("client-refresh-token", client_refresh_token),
    ("client-tokens", client_tokens),
    ("client-token-revocation", client_token_revocation),
];

fn client_flows(client: &Client, known: &Known<'_>) -> Verdict {
    let remedy = match (client.allows_custom_auth(), client.purpose()) {
        (true, _) | (false, Purpose::UsersByApi) => {
            "Set ExplicitAuthFlows to ALLOW_CUSTOM_AUTH and ALLOW_REFRESH_TOKEN_AUTH."
        }
        (false, Purpose::UsersByManagedLogin) => {
            "Set ExplicitAuthFlows to ALLOW_REFRESH_TOKEN_AUTH, and ALLOW_CUSTOM_AUTH if users are to sign in by the API."
        }
        (false, Purpose::Machines) => {
            "Set ExplicitAuthFlows to ALLOW_REFRESH_TOKEN_AUTH alone: machines use none of them."
        }
    };
    let foreign = others_than(&["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"], &client.flows);
    if client.flows.is_empty() {
        let what = "has no ExplicitAuthFlows, so ALLOW_USER_SRP_AUTH too issues tokens without asking the triggers";
        open_to_the_api(what, remedy, known)
    } else if foreign.is_empty() {
        Fine(format!("allows {}", client.flows.join(", ")))
    } else {
        open_to_the_api(&format!("allows {foreign}: tokens without asking the triggers"), remedy, known)
    }
}

fn client_oauth(client: &Client, known: &Known<'_>) -> Verdict {
    if !client.allows_managed_login() {
        return Fine("allows no managed login".to_owned());
    }
    let what = match client.oauth_flows.as_slice() {
        [] => "allows managed login".to_owned(),
        flows => format!("allows managed login ({})", flows.join(", ")),
    };
    match client.purpose() {
        // None of the pool's own.
        Purpose::UsersByManagedLogin
            if !client.identity_providers.is_empty()
                && !client.identity_providers.iter().any(|name| name == "COGNITO") =>
        {
            federated_users(&what, &client.foreign_identity_providers(), known)
        }
        Purpose::UsersByManagedLogin => users_by_managed_login(&what, known),
        Purpose::UsersByApi | Purpose::Machines => open_by_source(
            &format!("{what}, which issues tokens without asking the triggers"),
            "Set AllowedOAuthFlowsUserPoolClient to false and leave AllowedOAuthFlows out, unless users need it.",
            known,
        ),
    }
}

fn client_machines(client: &Client, _: &Known<'_>) -> Verdict {
    if !client.allows_machines() {
        return Fine("issues no tokens to machines".to_owned());
    }
    Weak(
        "issues tokens to machines by client_credentials: the client secret is their only factor".to_owned(),
        "Keep the secret where only the machine can read it, and allow only the scopes that it needs.",
    )
}

fn client_identity_providers(client: &Client, known: &Known<'_>) -> Verdict {
    let others = client.foreign_identity_providers().join(", ");
    if others.is_empty() {
        return Fine("supports no foreign identity provider".to_owned());
    }
    if client.allows_managed_login() {
        return federated_users(&format!("supports {others}"), &client.foreign_identity_providers(), known);
    }
    let what = format!("supports {others}: federated users get tokens without asking the triggers");
    open_by_source(
        &what,
        "Set SupportedIdentityProviders to COGNITO: the client allows no managed login, which they would need.",
        known,
    )
}

fn client_user_existence(client: &Client, _: &Known<'_>) -> Verdict {
    match client.user_existence_errors.as_deref() {
        Some("ENABLED") => Fine("hides at sign-in which users exist".to_owned()),
        Some(_) | None => {
            Weak("reveals at sign-in which users exist".to_owned(), "Set PreventUserExistenceErrors to ENABLED.")
        }
    }
}

fn client_session(client: &Client, _: &Known<'_>) -> Verdict {
    if signs_nobody_in(client) {
        return Moot;
    }
    match client.session_minutes.unwrap_or(3) {
        minutes @ ..15 => Weak(
            format!("gives a sign-in {}, too short to install an authenticator in", counted(minutes, "minute")),
            "Set AuthSessionValidity to 15.",
        ),
        minutes => Fine(format!("gives a sign-in {}", counted(minutes, "minute"))),
    }
}

fn client_refresh_token(client: &Client, _: &Known<'_>) -> Verdict {
    if signs_nobody_in(client) {
        return Moot;
    }
    let lifetime = Lifetime::of(&client.refresh_token, 30, "days");
    match lifetime.seconds {
        Some(..=86_400) => Fine(format!("refreshes for {}", lifetime.words)),
        Some(_) | None => Weak(
            format!("refreshes for {}, without asking for the second factor again", lifetime.words),
            "Set RefreshTokenValidity to 24 hours or less.",
        ),
    }
}

fn client_tokens(client: &Client, _: &Known<'_>) -> Verdict {
    if signs_nobody_in(client) {
        return Moot;
    }
    let access = Lifetime::of(&client.access_token, 1, "hours");
    let id = Lifetime::of(&client.id_token, 1, "hours");
    let sentence = format!("issues access tokens for {} and ID tokens for {}", access.words, id.words);
    match (access.seconds, id.seconds) {
        (Some(..=3600), Some(..=3600)) => Fine(sentence),
        (_, _) => Weak(
            format!("{sentence}, which outlive a sign-out"),
            "Set AccessTokenValidity and IdTokenValidity to 60 minutes or less.",
        ),
    }
}

fn client_token_revocation(client: &Client, _: &Known<'_>) -> Verdict {
    if signs_nobody_in(client) {
        return Moot;
    }
    match client.token_revocation {
        Some(true) => Fine("can revoke tokens".to_owned()),
        Some(false) | None => Weak("cannot revoke tokens".to_owned(), "Set EnableTokenRevocation to true."),
    }
}

/// Machines alone use it: what is asked of a user's sign-in and tokens does not apply.
fn signs_nobody_in(client: &Client) -> bool {
    client.purpose() == Purpose::Machines && client.flows == ["ALLOW_REFRESH_TOKEN_AUTH"]
}

impl Client {
    /// Seconds of a refresh token, where its unit is known, and the same in words.
    pub(super) fn refreshes_for(&self) -> (Option<i64>, String) {
        let Lifetime { seconds, words } = Lifetime::of(&self.refresh_token, 30, "days");
        (seconds, words)
    }
}

/// A lifetime as Cognito counts it; no seconds when its unit is not known.
struct Lifetime {
    seconds: Option<i64>,
    words: String,
}

impl Lifetime {
    fn of(validity: &Validity, default: i32, default_unit: &str) -> Self {
        let (value, unit) = match (validity.value.unwrap_or(0), validity.unit.as_deref()) {
            (0, _) => (default, default_unit),
            (value, unit) => (value, unit.unwrap_or(default_unit)),
        };
        let unit_seconds = match unit {
            "days" => Some(86_400),
            "hours" => Some(3600),
            "minutes" => Some(60),
            "seconds" => Some(1),
            _ => None,
        };
        let seconds = unit_seconds.and_then(|seconds| i64::from(value).checked_mul(seconds));
        Self { seconds, words: counted(value, unit.trim_end_matches('s')) }
    }
}
