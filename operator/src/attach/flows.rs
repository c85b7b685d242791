//! The flows of an app client: `ExplicitAuthFlows`.
//!
//! Source: <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UpdateUserPoolClient.html>

use serde_json::{Map, Value, json};

/// The member of an app client.
pub const EXPLICIT_AUTH_FLOWS: &str = "ExplicitAuthFlows";
/// The flow that the triggers serve.
pub const CUSTOM_AUTH: &str = "ALLOW_CUSTOM_AUTH";
const REFRESH_TOKEN: &str = "ALLOW_REFRESH_TOKEN_AUTH";
const USER_SRP: &str = "ALLOW_USER_SRP_AUTH";
const CUSTOM_AUTH_ONLY: &str = "CUSTOM_AUTH_FLOW_ONLY";

/// The flows of an app client as Cognito describes it. A client without any has the default ones.
pub fn flows(client: &Map<String, Value>) -> Vec<&str> {
    let listed = client.get(EXPLICIT_AUTH_FLOWS).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let named: Vec<&str> = listed.iter().filter_map(Value::as_str).collect();
    if named.is_empty() { vec![CUSTOM_AUTH, REFRESH_TOKEN, USER_SRP] } else { named }
}

/// The names without `ALLOW_` are older: they add to flows that are always on, and do not go together with newer ones.
fn is_older(flow: &str) -> bool {
    !flow.starts_with("ALLOW_")
}

/// Whether users can sign in by the triggers.
pub fn allows_custom_auth(client: &Map<String, Value>) -> bool {
    flows(client).into_iter().any(|flow| flow == CUSTOM_AUTH || is_older(flow))
}

/// The flows by which tokens are issued without the triggers.
pub fn other_flows(client: &Map<String, Value>) -> Vec<&str> {
    let flows = flows(client);
    let srp_is_on = flows.iter().any(|flow| is_older(flow)) && !flows.contains(&CUSTOM_AUTH_ONLY);
    let ours = [CUSTOM_AUTH, REFRESH_TOKEN, CUSTOM_AUTH_ONLY];
    let others = flows.into_iter().filter(|flow| !ours.contains(flow));
    others.chain(srp_is_on.then_some(USER_SRP)).collect()
}

/// Whether each refresh returns a new refresh token. Such a client cannot name `ALLOW_REFRESH_TOKEN_AUTH`.
pub fn rotates(client: &Map<String, Value>) -> bool {
    client.get("RefreshTokenRotation").and_then(|rotation| rotation.get("Feature")).is_some_and(|on| on == "ENABLED")
}

/// The same flows, and that of the triggers.
pub fn with_custom_auth(client: &Map<String, Value>) -> Option<Value> {
    if allows_custom_auth(client) {
        return client.get(EXPLICIT_AUTH_FLOWS).cloned();
    }
    Some(json!(flows(client).into_iter().chain([CUSTOM_AUTH]).collect::<Vec<_>>()))
}

/// The flow of the triggers alone, and the refreshes of its tokens.
pub fn without_others(client: &Map<String, Value>) -> Option<Value> {
    if other_flows(client).is_empty() {
        return client.get(EXPLICIT_AUTH_FLOWS).cloned();
    }
    Some(if rotates(client) { json!([CUSTOM_AUTH]) } else { json!([CUSTOM_AUTH, REFRESH_TOKEN]) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(flows: Value) -> Map<String, Value> {
        json!({ EXPLICIT_AUTH_FLOWS: flows }).as_object().cloned().unwrap()
    }

    #[test]
    #[rustfmt::skip]
    fn older_names_and_none_at_all_mean_what_cognito_takes_them_for() {
        let custom_and_refresh = json!([CUSTOM_AUTH, REFRESH_TOKEN]);
        for (named, custom, others, added, left) in [
            (json!(null),                              true,  vec![USER_SRP],                       json!(null),                          custom_and_refresh.clone()),
            (json!([]),                                true,  vec![USER_SRP],                       json!([]),                            custom_and_refresh.clone()),
            (json!([REFRESH_TOKEN]),                   false, vec![],                               json!([REFRESH_TOKEN, CUSTOM_AUTH]),  json!([REFRESH_TOKEN])),
            (json!([USER_SRP, REFRESH_TOKEN]),         false, vec![USER_SRP],                       json!([USER_SRP, REFRESH_TOKEN, CUSTOM_AUTH]), custom_and_refresh.clone()),
            (json!([CUSTOM_AUTH, "ALLOW_ADDED_LATER"]), true, vec!["ALLOW_ADDED_LATER"],            json!([CUSTOM_AUTH, "ALLOW_ADDED_LATER"]), custom_and_refresh.clone()),
            (json!(["USER_PASSWORD_AUTH"]),            true,  vec!["USER_PASSWORD_AUTH", USER_SRP], json!(["USER_PASSWORD_AUTH"]),        custom_and_refresh.clone()),
            (json!(["CUSTOM_AUTH_FLOW_ONLY"]),         true,  vec![],                               json!(["CUSTOM_AUTH_FLOW_ONLY"]),     json!(["CUSTOM_AUTH_FLOW_ONLY"])),
        ] {
            let client = client(named.clone());
            assert_eq!(allows_custom_auth(&client), custom, "{named}");
            assert_eq!(other_flows(&client), others, "{named}");
            assert_eq!(with_custom_auth(&client), Some(added), "{named}");
            assert_eq!(without_others(&client), Some(left), "{named}");
        }
    }

    #[test]
    fn a_client_whose_refresh_tokens_rotate_keeps_one_flow() {
        let mut client = client(json!([USER_SRP]));
        client.insert("RefreshTokenRotation".to_owned(), json!({ "Feature": "ENABLED" }));
        assert_eq!(without_others(&client), Some(json!([CUSTOM_AUTH])));
    }
}
