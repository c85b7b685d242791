//! A pool that exists: attached phase by phase, detached, and left as it was, whatever happens in between; and its users signed out.

use std::sync::Arc;

use operator::cli::Ended;
use operator::terminal::Stopped;
use serde_json::{Value, json};
use tests::account::{Account, CLAIMS, Desk, Fault, function};

const GUARD: &str = "PreTokenGenerationArn";
/// Later than the tests' clock.
const LATER: &str = "2030-01-01T00:00:00Z";
const PHASES: [&str; 5] = ["challenges", "clients", "watch", "flows", "guard"];

/// An account, a desk, and an app client that users sign in at by SRP.
async fn team() -> (Arc<Account>, Desk, String) {
    let account = Account::new().await;
    let web = json!({
        "ClientName": "web", "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        "RefreshTokenValidity": 24, "TokenValidityUnits": { "RefreshToken": "hours" }, "GenerateSecret": true,
        "PreventUserExistenceErrors": "LEGACY", "AuthSessionValidity": 7,
    });
    let web = account.new_client(web).await;
    // The client that the local pool starts with has no other flows.
    let desk = Desk::new(&account).await;
    (account, desk, web)
}

/// Everything but `watch` while the guard only reports.
async fn phase(account: &Account, desk: &Desk, web: &str, name: &str) -> (Result<Ended, Stopped>, String) {
    account.set("ReportOnlyUntil", if name == "watch" { LATER } else { "NONE" });
    match name {
        "clients" | "flows" => desk.attach(name, &["--client", web]).await,
        "watch" | "guard" => desk.attach(name, &["--accept", "other-flows"]).await,
        _ => desk.attach(name, &[]).await,
    }
}

#[track_caller]
fn is_well(ended: &(Result<Ended, Stopped>, String)) {
    assert_eq!(ended.0, Ok(Ended::Well), "{}", ended.1);
}

fn why(ended: (Result<Ended, Stopped>, String)) -> String {
    match ended.0 {
        Ok(well) => panic!("{well:?}: {}", ended.1),
        Err(Stopped::NothingChanged(sentence) | Stopped::Failed(sentence)) => sentence,
    }
}

trait Said {
    fn failed(self) -> String;
    fn refused(self) -> String;
}

impl Said for (Result<Ended, Stopped>, String) {
    fn failed(self) -> String {
        match self.0 {
            Err(Stopped::Failed(sentence)) => sentence,
            other => panic!("{other:?}: {}", self.1),
        }
    }

    fn refused(self) -> String {
        match self.0 {
            Err(Stopped::NothingChanged(sentence)) => sentence,
            other => panic!("{other:?}: {}", self.1),
        }
    }
}

#[tokio::test]
async fn phase_by_phase_and_back_the_pool_is_as_it_was() {
    let (account, desk, web) = team().await;
    let (pool, client) = (account.described().await, account.client(&web).await);
    let mut left = Vec::new();
    for name in PHASES {
        is_well(&phase(&account, &desk, &web, name).await);
        left.push((
            account.described().await["LambdaConfig"].clone(),
            account.client(&web).await["ExplicitAuthFlows"].clone(),
        ));
    }
    let challenges = json!({
        "PreSignUp": pool["LambdaConfig"]["PreSignUp"],
        "PreTokenGeneration": CLAIMS,
        "PreTokenGenerationConfig": { "LambdaVersion": "V2_0", "LambdaArn": CLAIMS },
        "DefineAuthChallenge": function("Define"),
        "CreateAuthChallenge": function("Create"),
        "VerifyAuthChallengeResponse": function("Verify"),
    });
    let mut guarded = challenges.clone();
    guarded["PreTokenGeneration"] = json!(function("Guard"));
    guarded["PreTokenGenerationConfig"]["LambdaArn"] = json!(function("Guard"));
    let srp = json!(["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]);
    let both = json!(["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"]);
    let ours = json!(["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]);
    let sorted = |flows: &Value| {
        let mut flows: Vec<String> = serde_json::from_value(flows.clone()).unwrap();
        flows.sort();
        flows
    };
    let expected = [(&challenges, &srp), (&challenges, &both), (&guarded, &both), (&guarded, &ours), (&guarded, &ours)];
    for ((lambda, flows), (expected_lambda, expected_flows)) in left.iter().zip(expected) {
        assert_eq!(lambda, expected_lambda);
        assert_eq!(sorted(flows), sorted(expected_flows));
    }
    assert!(desk.detach(&[]).await.1.contains("lose the protection"));
    assert_eq!(account.described().await, pool);
    assert_eq!(account.client(&web).await, client);
    assert_eq!(desk.detach(&[]).await.1, "Nothing to change: it is so already.\n");
    let state = std::fs::read_to_string(desk.state()).unwrap();
    assert!(!state.contains(client["ClientSecret"].as_str().unwrap()), "the state file holds the client's secret");
}

#[tokio::test]
async fn a_phase_twice_in_a_row_changes_nothing_the_second_time() {
    let (account, desk, web) = team().await;
    for name in PHASES {
        is_well(&phase(&account, &desk, &web, name).await);
        account.fault(|_, _| None);
        let again = phase(&account, &desk, &web, name).await;
        is_well(&again);
        assert!(again.1.ends_with("Nothing to change: it is so already.\n"), "{}", again.1);
        assert!(account.calls().iter().all(|call| !call.starts_with("Update")));
    }
}

#[tokio::test]
async fn a_phase_needs_those_before_it() {
    let (account, desk, web) = team().await;
    for name in ["clients", "watch", "guard", "flows"] {
        assert!(phase(&account, &desk, &web, name).await.refused().contains("run `attach challenges` first"), "{name}");
    }
    is_well(&phase(&account, &desk, &web, "challenges").await);
    assert!(phase(&account, &desk, &web, "flows").await.refused().contains("run `attach watch` first"));
    is_well(&phase(&account, &desk, &web, "guard").await);
    assert!(phase(&account, &desk, &web, "flows").await.refused().contains("run `attach clients` first"));
}

#[tokio::test]
async fn to_watch_needs_a_guard_that_reports_and_to_guard_one_that_does_not() {
    let (account, desk, web) = team().await;
    is_well(&phase(&account, &desk, &web, "challenges").await);
    // The tests' clock shows 2027-01-15T08:00:00Z.
    for (until, watch) in [("2027-01-15T08:00:00Z", false), ("2027-01-15T08:00:01Z", true), ("NONE", false)] {
        account.set("ReportOnlyUntil", until);
        let accepted = ["--accept", "other-flows", "--dry-run"];
        for (name, is_well) in [("watch", watch), ("guard", !watch)] {
            let ended = desk.attach(name, &accepted).await;
            assert_eq!(ended.0 == Ok(Ended::Well), is_well, "{name} {until}: {:?} {}", ended.0, ended.1);
            let says_since = ended.1.contains("deploy the stack second-factor with GuardedSince=2027-01-15T08:02:00Z");
            assert_eq!(says_since, name == "guard" && is_well, "{name} {until}: {}", ended.1);
        }
    }
}

#[tokio::test]
async fn a_trigger_of_the_team_is_not_lost_without_a_word() {
    let (account, desk, web) = team().await;
    let id = account.id();
    is_well(&phase(&account, &desk, &web, "challenges").await);
    for next in ["NONE", "arn:aws:lambda:us-east-1:123456789012:function:claims"] {
        account.set("NextPreTokenGenerationArn", next);
        let ended = phase(&account, &desk, &web, "guard").await;
        assert!(ended.1.contains(&format!("Deploy the stack with NextPreTokenGenerationArn={CLAIMS}")), "{}", ended.1);
        assert!(ended.refused().contains("--accept own-claims"));
    }
    account.set("NextPreTokenGenerationArn", &function("Guard"));
    assert!(phase(&account, &desk, &web, "guard").await.refused().contains("names the token guard itself"));
    account.set("NextPreTokenGenerationArn", "NONE");
    is_well(&desk.attach("guard", &["--accept", "other-flows", "--accept", "own-claims"]).await);

    let other = json!({ "DefineAuthChallenge": "arn:aws:lambda:us-east-1:123456789012:function:define" });
    account.call("UpdateUserPool", json!({ "UserPoolId": id, "LambdaConfig": other })).await;
    let refused = phase(&account, &desk, &web, "challenges").await.refused();
    assert!(refused.contains("a DefineAuthChallenge trigger of its own"), "{refused}");
    is_well(&desk.attach("challenges", &["--replace-triggers"]).await);
}

#[tokio::test]
async fn the_pool_keeps_the_version_of_its_events() {
    let (account, desk, web) = team().await;
    let id = account.id();
    account.set("NextPreTokenGenerationArn", "NONE");
    for (before, tier, expected) in [
        (json!({ "PreTokenGeneration": CLAIMS }), "ESSENTIALS", "V1_0"),
        (json!({ "PreTokenGenerationConfig": { "LambdaArn": CLAIMS, "LambdaVersion": "V3_0" } }), "ESSENTIALS", "V3_0"),
        (json!({}), "ESSENTIALS", "V3_0"),
        (json!({}), "LITE", "V1_0"),
    ] {
        let request = json!({ "UserPoolId": id, "LambdaConfig": before, "UserPoolTier": tier });
        account.call("UpdateUserPool", request).await;
        is_well(&phase(&account, &desk, &web, "challenges").await);
        is_well(&desk.attach("guard", &["--accept", "other-flows", "--accept", "own-claims"]).await);
        let lambda = account.described().await["LambdaConfig"].clone();
        assert_eq!(lambda["PreTokenGeneration"], function("Guard"));
        assert_eq!(
            lambda["PreTokenGenerationConfig"],
            json!({ "LambdaArn": function("Guard"), "LambdaVersion": expected })
        );
    }
}

#[tokio::test]
async fn a_pool_of_a_stack_gets_the_lines_for_its_template_and_no_change() {
    let (account, desk, web) = team().await;
    *account.owner.lock().unwrap() = Some("amplify-users");
    let before = account.described().await;
    let ended = phase(&account, &desk, &web, "challenges").await;
    assert!(ended.1.contains("the stack amplify-users owns this"), "{}", ended.1);
    assert!(ended.1.contains(&format!("\"DefineAuthChallenge\":\"{}\"", function("Define"))), "{}", ended.1);
    assert!(ended.refused().contains("--accept owned"));
    assert_eq!(account.described().await, before);
    is_well(&desk.attach("challenges", &["--accept", "owned"]).await);
}

#[tokio::test]
async fn what_the_guard_would_deny_stands_in_the_way_until_it_is_accepted() {
    let (account, desk, web) = team().await;
    let id = account.id();
    for number in 0..60 {
        account
            .new_client(
                json!({ "ClientName": format!("app{number}"), "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"] }),
            )
            .await;
    }
    let google = json!({
        "UserPoolId": id, "ProviderName": "Google", "ProviderType": "Google",
        "ProviderDetails": { "client_id": "plainly-fake", "client_secret": "plainly-fake", "authorize_scopes": "openid" },
    });
    account.call("CreateIdentityProvider", google).await;
    let managed = json!({
        "ClientName": "managed", "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"], "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthFlows": ["code"], "AllowedOAuthScopes": ["openid"], "CallbackURLs": ["https://example.com/"],
        "SupportedIdentityProviders": ["COGNITO", "Google"],
    });
    account.new_client(managed).await;
    let rotating = json!({
        "ClientName": "rotating", "ExplicitAuthFlows": ["ALLOW_CUSTOM_AUTH"],
        "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": 0 },
    });
    account.new_client(rotating).await;
    account
        .call(
            "SetUserPoolMfaConfig",
            json!({ "UserPoolId": id, "MfaConfiguration": "OPTIONAL",
        "SoftwareTokenMfaConfiguration": { "Enabled": true } }),
        )
        .await;
    is_well(&phase(&account, &desk, &web, "challenges").await);
    let before = account.described().await;
    let ended = desk.attach("guard", &[]).await;
    for line in [
        "(managed-login): app client managed",
        "(federated-users): app client managed",
        "(rotation): app client rotating",
        " and 56 more: other flows than ALLOW_CUSTOM_AUTH",
        "(cognito-mfa): MfaConfiguration is OPTIONAL",
    ] {
        assert!(ended.1.contains(line), "{line}: {}", ended.1);
    }
    let refused = ended.refused();
    let all = ["managed-login", "federated-users", "rotation", "other-flows", "cognito-mfa"];
    for name in all {
        assert!(refused.contains(&format!("--accept {name}")), "{refused}");
    }
    account.set("FederatedProviders", "Google");
    let refused = desk.attach("guard", &[]).await.refused();
    assert!(
        !refused.contains("federated-users") && refused.contains("managed-login"),
        "its own users come too: {refused}"
    );
    account.set("FederatedProviders", "NONE");
    assert_eq!(account.described().await, before);
    let accepted: Vec<&str> = all.iter().flat_map(|name| ["--accept", name]).collect();
    is_well(&desk.attach("guard", &accepted).await);
    // By their source, tokens of other flows pass.
    account.set("TokenGuard", "TRIGGER_SOURCE");
    let refused = desk.attach("guard", &[]).await.refused();
    assert!(
        !refused.contains("other-flows") && !refused.contains("cognito-mfa") && refused.contains("managed-login"),
        "{refused}"
    );
}

#[tokio::test]
async fn sixty_clients_change_their_flows_and_get_them_back() {
    let (account, desk, web) = team().await;
    let mut clients = Vec::new();
    for number in 0..60 {
        let client = json!({ "ClientName": format!("app{number}"), "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"] });
        clients.push(account.new_client(client).await);
    }
    let mut before = Vec::new();
    for client in &clients {
        before.push(account.client(client).await);
    }
    let named: Vec<&str> = clients.iter().flat_map(|client| ["--client", client.as_str()]).collect();
    is_well(&phase(&account, &desk, &web, "challenges").await);
    is_well(&desk.attach("clients", &named).await);
    is_well(&phase(&account, &desk, &web, "guard").await);
    is_well(&desk.attach("flows", &named).await);
    assert_eq!(
        account.client(&clients[59]).await["ExplicitAuthFlows"],
        json!(["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])
    );
    is_well(&desk.detach(&[]).await);
    for (client, before) in clients.iter().zip(before) {
        assert_eq!(account.client(client).await, before);
    }
}

/// How many calls each phase makes, which is what the two tests after it go through.
async fn calls_of(account: &Account, desk: &Desk, web: &str, name: &str) -> Vec<String> {
    account.fault(|_, _| None);
    is_well(&phase(account, desk, web, name).await);
    account.calls()
}

#[tokio::test]
async fn without_the_right_to_any_one_call_a_phase_says_so_and_can_be_run_again() {
    let (reference, at, client) = team().await;
    for (number, name) in PHASES.into_iter().enumerate() {
        let calls = calls_of(&reference, &at, &client, name).await;
        for (denied, call) in calls.iter().enumerate() {
            let (account, desk, web) = team().await;
            let original = (account.described().await, account.client(&web).await);
            for earlier in &PHASES[..number] {
                is_well(&phase(&account, &desk, &web, earlier).await);
            }
            let before = (account.described().await, account.client(&web).await);
            account.fault(move |at, _| {
                (at == denied).then_some(Fault::Refused("AccessDeniedException", "not authorized"))
            });
            let sentence = phase(&account, &desk, &web, name).await.failed();
            assert!(
                sentence.contains(&format!("{call}: AccessDeniedException: not authorized")),
                "{name} {denied}: {sentence}"
            );
            assert!(sentence.contains("docs/policies"), "{sentence}");
            let updated = calls[..denied].iter().any(|call| call.starts_with("Update"));
            assert_eq!((account.described().await, account.client(&web).await) == before, !updated, "{name} {denied}");
            let said = sentence.contains("The pool was changed") || sentence.contains("web was changed");
            assert_eq!(said, updated, "{name} {denied}: {sentence}");
            account.fault(|_, _| None);
            is_well(&phase(&account, &desk, &web, name).await);
            is_well(&desk.detach(&[]).await);
            assert_eq!((account.described().await, account.client(&web).await), original, "{name} {denied}");
        }
    }
}

#[tokio::test]
async fn killed_at_any_call_a_phase_and_detach_can_be_run_again() {
    let (reference, at, client) = team().await;
    for (number, name) in PHASES.into_iter().chain(["detach"]).enumerate() {
        let calls = match name {
            "detach" => {
                reference.fault(|_, _| None);
                is_well(&at.detach(&[]).await);
                reference.calls()
            }
            _ => calls_of(&reference, &at, &client, name).await,
        };
        for (killed, _) in calls.iter().enumerate() {
            for done in [false, true] {
                let (account, desk, web) = team().await;
                let original = (account.described().await, account.client(&web).await);
                for earlier in PHASES.iter().take(number) {
                    is_well(&phase(&account, &desk, &web, earlier).await);
                }
                let fault = if done { Fault::DoneAndUnanswered } else { Fault::Unanswered };
                account.fault(move |at, _| (at == killed).then(|| fault.clone()));
                let reached = async {
                    while account.calls_so_far() <= killed {
                        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                };
                let running = async {
                    match name {
                        "detach" => desk.detach(&[]).await,
                        _ => phase(&account, &desk, &web, name).await,
                    }
                };
                tokio::select! { ended = running => panic!("{ended:?}"), () = reached => {} }
                account.fault(|_, _| None);
                if name != "detach" {
                    is_well(&phase(&account, &desk, &web, name).await);
                }
                is_well(&desk.detach(&[]).await);
                let now = (account.described().await, account.client(&web).await);
                assert_eq!(now, original, "{name}, killed at call {killed} (done: {done})");
            }
        }
    }
}

#[tokio::test]
async fn a_change_by_somebody_else_in_between_stops_it() {
    let (account, desk, web) = team().await;
    let id = account.id();
    let other = json!({ "UserPoolId": id, "LambdaConfig": { "PreSignUp": CLAIMS } });
    let between = other.clone();
    account.fault(move |at, _| (at == 1).then(|| Fault::After("UpdateUserPool", between.clone())));
    assert!(phase(&account, &desk, &web, "challenges").await.refused().contains("somebody else has changed the pool"));
    assert_eq!(account.described().await["LambdaConfig"], other["LambdaConfig"]);

    account.fault(|_, _| None);
    is_well(&phase(&account, &desk, &web, "challenges").await);
    let mut described = false;
    let request = json!({ "UserPoolId": id, "ClientId": web, "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"] });
    let seen = Arc::new(std::sync::atomic::AtomicBool::new(false));
    account.fault(move |_, call| {
        if call != "DescribeUserPoolClient" {
            return None;
        }
        let second = seen.swap(true, std::sync::atomic::Ordering::SeqCst);
        second.then(|| Fault::After("UpdateUserPoolClient", request.clone()))
    });
    let refused = phase(&account, &desk, &web, "clients").await.refused();
    described |= refused.contains("The app client web was not changed: somebody else has changed it");
    assert!(described, "{refused}");
    assert_eq!(account.client(&web).await["ExplicitAuthFlows"], json!(["ALLOW_USER_PASSWORD_AUTH"]));
}

#[tokio::test]
async fn an_update_that_changes_more_is_put_back_and_named() {
    let (account, desk, web) = team().await;
    let id = account.id();
    let before = account.described().await;
    let policies = json!({ "PasswordPolicy": { "MinimumLength": 20 } });
    let mut more = json!({ "UserPoolId": id, "Policies": policies });
    let mfa = json!({ "UserPoolId": id, "MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": { "Enabled": true } });
    for (call, request, named) in [
        ("UpdateUserPool", more.take(), "Policies.PasswordPolicy.MinimumLength"),
        ("SetUserPoolMfaConfig", mfa, "GetUserPoolMfaConfig"),
    ] {
        let first = Arc::new(std::sync::atomic::AtomicBool::new(true));
        account.fault(move |_, operation| {
            let update = operation == "UpdateUserPool" && first.swap(false, std::sync::atomic::Ordering::SeqCst);
            update.then(|| Fault::Before(call, request.clone()))
        });
        let sentence = phase(&account, &desk, &web, "challenges").await.failed();
        assert!(sentence.contains(named) && sentence.ends_with("It was put back as it was."), "{sentence}");
        assert_eq!(account.described().await, before, "{call}");
        let now = account.call("GetUserPoolMfaConfig", json!({ "UserPoolId": id })).await;
        assert_eq!(now["MfaConfiguration"], "OFF", "{call}");
    }
}

#[tokio::test]
async fn a_throttled_call_is_repeated() {
    let (account, desk, web) = team().await;
    account.fault(|at, _| (at % 3 != 2).then_some(Fault::Refused("TooManyRequestsException", "Too many requests")));
    is_well(&phase(&account, &desk, &web, "challenges").await);
    account.fault(|_, _| Some(Fault::Refused("TooManyRequestsException", "Too many requests")));
    assert!(phase(&account, &desk, &web, "guard").await.failed().contains("TooManyRequestsException"));
}

#[tokio::test]
async fn a_dry_run_and_any_other_answer_than_yes_change_nothing() {
    let (account, desk, _) = team().await;
    let (id, state) = (account.id(), desk.state());
    let before = account.described().await;
    let attach = ["attach", "challenges", "--user-pool-id", &id, "--stack", "second-factor", "--state", &state];
    for typed in ["", "no\n", "YES\n"] {
        let refused = desk.second_factor(&attach, typed).await.refused();
        assert_eq!(refused, "Nothing was changed: \"yes\" was not typed.");
    }
    let shown = desk.attach("challenges", &["--dry-run"]).await;
    is_well(&shown);
    assert!(
        shown.1.contains("LambdaConfig.DefineAuthChallenge\n    is       not set\n    will be  arn:"),
        "{}",
        shown.1
    );
    assert_eq!(account.described().await, before);
    assert!(!std::path::Path::new(&state).exists());
    let yes = desk.second_factor(&attach, "yes\n").await;
    is_well(&yes);
    let detach = ["detach", "--user-pool-id", &id, "--state", &state];
    assert!(desk.second_factor(&detach, "yes\n").await.refused().contains("was not typed"));
    assert!(desk.detach(&["--dry-run"]).await.1.contains("--dry-run"));
    let other = desk.second_factor(&[&detach[..], &["--confirm", "us-east-1_Other"]].concat(), "").await;
    assert!(other.refused().contains("name two pools"));
    is_well(&desk.second_factor(&detach, &format!("{id}\n")).await);
    assert_eq!(account.described().await, before);
}

#[tokio::test]
async fn detach_leaves_alone_what_is_no_longer_as_attach_left_it() {
    let (account, desk, web) = team().await;
    for name in PHASES {
        is_well(&phase(&account, &desk, &web, name).await);
    }
    let id = account.id();
    let mut lambda = account.described().await["LambdaConfig"].clone();
    lambda["DefineAuthChallenge"] = json!(CLAIMS);
    // What attach had nothing to do with may change.
    lambda["CustomMessage"] = json!(CLAIMS);
    account.call("UpdateUserPool", json!({ "UserPoolId": id, "LambdaConfig": lambda.clone() })).await;
    let before = account.described().await;
    assert!(
        desk.detach(&[]).await.refused().contains("LambdaConfig.DefineAuthChallenge is no longer what attach left")
    );
    assert_eq!(account.described().await, before);
    lambda["DefineAuthChallenge"] = json!(function("Define"));
    account.call("UpdateUserPool", json!({ "UserPoolId": id, "LambdaConfig": lambda })).await;
    is_well(&desk.detach(&[]).await);
    let left = account.described().await["LambdaConfig"].clone();
    assert_eq!(left["CustomMessage"], CLAIMS);
    assert_eq!(left["DefineAuthChallenge"], Value::Null);
}

#[tokio::test]
async fn detach_goes_back_to_any_phase() {
    let (account, desk, web) = team().await;
    let mut states = Vec::new();
    for name in PHASES {
        is_well(&phase(&account, &desk, &web, name).await);
        let mut flows: Vec<String> =
            serde_json::from_value(account.client(&web).await["ExplicitAuthFlows"].clone()).unwrap();
        flows.sort();
        states.push((account.described().await["LambdaConfig"].clone(), flows));
    }
    for (name, expected) in PHASES.into_iter().zip(states).rev() {
        is_well(&desk.detach(&["--to", name]).await);
        let mut flows: Vec<String> =
            serde_json::from_value(account.client(&web).await["ExplicitAuthFlows"].clone()).unwrap();
        flows.sort();
        assert_eq!((account.described().await["LambdaConfig"].clone(), flows), expected, "{name}");
    }
}

#[tokio::test]
async fn a_state_file_of_another_pool_or_none_is_refused() {
    let (account, desk, web) = team().await;
    assert!(desk.detach(&[]).await.refused().contains("there is no state file"));
    for (text, said) in [("no JSON", "is not one that attach wrote"), ("{}", "is not one that attach wrote")] {
        std::fs::write(desk.state(), text).unwrap();
        assert!(phase(&account, &desk, &web, "challenges").await.refused().contains(said));
    }
    std::fs::remove_file(desk.state()).unwrap();
    is_well(&phase(&account, &desk, &web, "challenges").await);
    let state = std::fs::read_to_string(desk.state()).unwrap();
    std::fs::write(
        desk.state(),
        state.replace(&format!("\"userPoolId\": \"{}\"", account.id()), "\"userPoolId\": \"us-east-1_Other\""),
    )
    .unwrap();
    assert!(desk.detach(&[]).await.refused().contains("is about the pool us-east-1_Other"));
    std::fs::write(desk.state(), state.replace("\"format\": 1", "\"format\": 2")).unwrap();
    assert!(desk.detach(&[]).await.refused().contains("a format that this version does not know"));
}

#[tokio::test]
async fn a_stack_for_another_pool_is_refused() {
    let (account, desk, web) = team().await;
    account.set("UserPoolId", "us-east-1_Other");
    let refused = phase(&account, &desk, &web, "challenges").await.refused();
    assert!(refused.contains(&format!("Deploy it with ExistingUserPoolId={}", account.id())), "{refused}");
    account.set("UserPoolId", &account.id());
    account.set(GUARD, "NONE");
    assert!(phase(&account, &desk, &web, "challenges").await.refused().contains("no output PreTokenGenerationArn"));
    let (id, state) = (account.id(), desk.state());
    let attach = ["attach", "challenges", "--user-pool-id", &id, "--stack", "other", "--state", &state, "--yes"];
    assert!(desk.second_factor(&attach, "").await.failed().contains("Stack with id other does not exist"));
    let attach = [
        "attach",
        "challenges",
        "--user-pool-id",
        "us-east-1_Other",
        "--stack",
        "second-factor",
        "--state",
        &state,
        "--yes",
    ];
    assert!(why(desk.second_factor(&attach, "").await).contains("ResourceNotFoundException"));
}

#[tokio::test]
async fn what_a_pool_has_that_matters_is_said() {
    let (account, desk, web) = team().await;
    let id = account.id();
    is_well(&phase(&account, &desk, &web, "challenges").await);
    let mut lambda = account.described().await["LambdaConfig"].clone();
    lambda["UserMigration"] = json!(CLAIMS);
    let request = json!({ "UserPoolId": id, "LambdaConfig": lambda, "DeviceConfiguration": { "ChallengeRequiredOnNewDevice": true } });
    account.call("UpdateUserPool", request).await;
    account.new_client(json!({ "ClientName": "choice", "ExplicitAuthFlows": ["ALLOW_USER_AUTH"] })).await;
    let shown = phase(&account, &desk, &web, "watch").await;
    is_well(&shown);
    for said in [
        "UserMigration trigger",
        "ALLOW_USER_AUTH lets",
        "remembers devices",
        "may have to start again",
        &format!("Until {LATER} every token passes"),
    ] {
        assert!(shown.1.contains(said), "{said}: {}", shown.1);
    }
}

/// The actions that a file in docs/policies allows, without their service.
fn allowed(policy: &str) -> Vec<String> {
    let path = format!("{}/../docs/policies/{policy}.json", env!("CARGO_MANIFEST_DIR"));
    let policy: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let actions = statements.iter().flat_map(|statement| statement["Action"].as_array().unwrap());
    let mut actions: Vec<String> =
        actions.map(|action| action.as_str().unwrap().split_once(':').unwrap().1.to_owned()).collect();
    // Putting a pool back, and roles and keys that its settings name.
    actions.retain(|action| {
        !["PassRole", "CreateGrant", "SetUserPoolMfaConfig", "SetUserPoolSessionConfiguration"]
            .contains(&action.as_str())
    });
    actions.sort();
    actions
}

fn distinct(mut calls: Vec<String>) -> Vec<String> {
    calls.sort();
    calls.dedup();
    calls
}

#[tokio::test]
async fn the_policies_allow_what_is_called_and_nothing_else() {
    let (account, desk, web) = team().await;
    account.fault(|_, _| None);
    for name in PHASES {
        is_well(&phase(&account, &desk, &web, name).await);
    }
    assert_eq!(distinct(account.calls()), allowed("attach"));
    is_well(&desk.detach(&[]).await);
    assert_eq!(distinct(account.calls()), allowed("detach"));
}

async fn users(account: &Account, number: usize) {
    for number in 0..number {
        account.pool.add_user(&format!("user{number}")).await;
    }
}

async fn sign_out(account: &Account, desk: &Desk, more: &[&str]) -> (Result<Ended, Stopped>, String) {
    let (id, progress) = (account.id(), desk.folder.join("progress.json").display().to_string());
    let arguments = ["sign-out-all", "--user-pool-id", &id, "--per-second", "25", "--progress", &progress, "--yes"];
    desk.second_factor(&[&arguments, more].concat(), "").await
}

#[tokio::test]
async fn everybody_is_signed_out_page_by_page_and_after_a_stop_from_there() {
    let (account, desk, _) = team().await;
    users(&account, 65).await;
    let unconfirmed = json!({ "ClientId": account.pool.settings().clients[0].client_id, "Username": "new", "Password": "Plainly-fake-1" });
    account.call("SignUp", unconfirmed).await;
    let shown = sign_out(&account, &desk, &["--dry-run"]).await;
    is_well(&shown);
    assert!(
        shown.1.contains("About 66 users, 66 of them left: at 25 calls a second this takes about 3 seconds."),
        "{}",
        shown.1
    );

    // Stopped on the second page; the first is not repeated.
    let pages = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    account.fault(move |_, call| {
        use std::sync::atomic::Ordering::SeqCst;
        let page = pages.fetch_add(usize::from(call == "ListUsers"), SeqCst);
        (page == 2 && call != "ListUsers").then_some(Fault::Refused("AccessDeniedException", "not authorized"))
    });
    let sentence = sign_out(&account, &desk, &[]).await.failed();
    assert!(sentence.starts_with("59 users were signed out, and running it again goes on from there: "), "{sentence}");
    account.fault(|at, _| (at == 2).then_some(Fault::Refused("UserNotFoundException", "User does not exist.")));
    let ended = sign_out(&account, &desk, &[]).await;
    is_well(&ended);
    assert!(ended.1.contains("Going on after 59 users"), "{}", ended.1);
    assert!(
        ended.1.ends_with("64 users were signed out; 2 had never signed in, or were deleted in the meantime.\n"),
        "{}",
        ended.1
    );
    assert_eq!(account.calls().iter().filter(|call| *call == "AdminUserGlobalSignOut").count(), 6);
    assert!(!desk.folder.join("progress.json").exists());
}

#[tokio::test]
async fn a_place_in_the_list_that_has_expired_starts_over() {
    let (account, desk, _) = team().await;
    users(&account, 2).await;
    let progress = json!({ "userPoolId": account.id(), "paginationToken": "expired", "signedOut": 60, "skipped": 0 });
    std::fs::write(desk.folder.join("progress.json"), progress.to_string()).unwrap();
    let ended = sign_out(&account, &desk, &[]).await;
    is_well(&ended);
    assert!(ended.1.contains("so it starts over") && ended.1.contains("2 users were signed out"), "{}", ended.1);
    let other = json!({ "userPoolId": "us-east-1_Other", "signedOut": 60, "skipped": 0 });
    std::fs::write(desk.folder.join("progress.json"), other.to_string()).unwrap();
    assert!(sign_out(&account, &desk, &[]).await.refused().contains("is about another pool"));
}

#[tokio::test]
async fn what_an_update_changed_is_found_after_a_stop_too() {
    let (account, desk, web) = team().await;
    let policies = json!({ "UserPoolId": account.id(), "Policies": { "PasswordPolicy": { "MinimumLength": 20 } } });
    let updated = Arc::new(std::sync::atomic::AtomicBool::new(false));
    account.fault(move |_, call| {
        use std::sync::atomic::Ordering::SeqCst;
        if call == "UpdateUserPool" {
            updated.store(true, SeqCst);
            return Some(Fault::Before("UpdateUserPool", policies.clone()));
        }
        updated.load(SeqCst).then_some(Fault::Unanswered)
    });
    let updated = async {
        let next = |calls: &[String]| calls.iter().skip_while(|call| *call != "UpdateUserPool").nth(1).is_some();
        while !next(&account.calls_made()) {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::select! { ended = phase(&account, &desk, &web, "challenges") => panic!("{ended:?}"), () = updated => {} }
    account.fault(|_, _| None);
    let ended = phase(&account, &desk, &web, "challenges").await;
    assert!(ended.1.contains("before it was compared, and Policies.PasswordPolicy.MinimumLength"), "{}", ended.1);
    assert!(ended.refused().contains("--accept differences"));
}

#[tokio::test]
async fn a_client_of_a_stack_or_one_that_was_deleted_is_known() {
    let (account, desk, web) = team().await;
    is_well(&phase(&account, &desk, &web, "challenges").await);
    is_well(&phase(&account, &desk, &web, "clients").await);
    account.call("DeleteUserPoolClient", json!({ "UserPoolId": account.id(), "ClientId": web })).await;
    let ended = desk.detach(&[]).await;
    is_well(&ended);
    assert!(ended.1.contains("has been deleted"), "{}", ended.1);
    let app = account.new_client(json!({ "ClientName": "app", "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"] })).await;
    is_well(&phase(&account, &desk, &app, "challenges").await);
    *account.owner.lock().unwrap() = Some("apps");
    assert!(phase(&account, &desk, &app, "clients").await.refused().contains("--accept owned"));
}

/// A value for every member of the service model.
fn full(operation: &str) -> serde_json::Map<String, Value> {
    let full: Value = serde_json::from_str(include_str!("../local/tests/strictness/full.json")).unwrap();
    with_unknown_members(&full[operation]).as_object().cloned().unwrap()
}

/// With a member that no model knows in every structure.
fn with_unknown_members(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let unknown = ("AddedLater".to_owned(), json!({ "Some": [1, { "Thing": "x" }] }));
            let kept = |(name, value): (&String, &Value)| match name.as_str() {
                "UserPoolTags" => (name.clone(), value.clone()),
                _ => (name.clone(), with_unknown_members(value)),
            };
            members.iter().map(kept).chain([unknown]).collect::<serde_json::Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(with_unknown_members).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// Attaches the challenge triggers to a pool that has these members, and detaches them: nothing else changes.
async fn keeps(members: serde_json::Map<String, Value>) {
    let (account, desk, _) = team().await;
    let named: Vec<String> = members.keys().cloned().collect();
    let mut request = members;
    request.insert("UserPoolId".to_owned(), json!(account.id()));
    account.call("UpdateUserPool", Value::Object(request)).await;
    let before = account.described().await;
    is_well(&desk.attach("challenges", &["--replace-triggers"]).await);
    let mut attached = account.described().await;
    assert_eq!(attached["LambdaConfig"]["DefineAuthChallenge"], function("Define"), "{named:?}");
    attached["LambdaConfig"] = before["LambdaConfig"].clone();
    assert_eq!(attached, before, "{named:?}");
    is_well(&desk.detach(&[]).await);
    assert_eq!(account.described().await, before, "{named:?}");
}

#[tokio::test]
async fn every_member_of_a_pool_is_kept_alone_and_with_all_others() {
    let full = full("UpdateUserPool");
    keeps(full.clone()).await;
    for name in full.keys() {
        // With MFA on, Cognito requires a way to send its codes.
        let names = match name.as_str() {
            "MfaConfiguration" => &["MfaConfiguration", "SmsConfiguration", "AutoVerifiedAttributes"][..],
            name => &[name],
        };
        keeps(names.iter().map(|name| ((*name).to_owned(), full[*name].clone())).collect()).await;
    }
}

#[tokio::test]
async fn what_other_tools_were_reported_to_destroy_is_kept() {
    let full = full("UpdateUserPool");
    for (report, names) in [
        ("aws-cli#3302", &["Policies", "UserPoolTags", "AutoVerifiedAttributes", "VerificationMessageTemplate"][..]),
        ("aws-cli#6484", &["EmailConfiguration"]),
        ("aws-cdk#33282", &["DeviceConfiguration"]),
        ("amplify-cli#3646", &["UserAttributeUpdateSettings", "AccountRecoverySetting"]),
        ("serverless#9635", &["LambdaConfig"]),
    ] {
        let members: serde_json::Map<_, _> =
            names.iter().map(|name| ((*name).to_owned(), full[*name].clone())).collect();
        assert_eq!(members.len(), names.len(), "{report}");
        keeps(members).await;
    }
}

#[tokio::test]
async fn every_member_of_an_app_client_is_kept_but_its_flows() {
    let (account, desk, web) = team().await;
    let mut client = full("UpdateUserPoolClient");
    client.insert("ClientId".to_owned(), json!(web));
    client.insert("UserPoolId".to_owned(), json!(account.id()));
    client.insert("ExplicitAuthFlows".to_owned(), json!(["ALLOW_TOKEN_EXCHANGE_DELEGATION"]));
    account.call("UpdateUserPoolClient", Value::Object(client)).await;
    let before = account.client(&web).await;
    is_well(&phase(&account, &desk, &web, "challenges").await);
    is_well(&phase(&account, &desk, &web, "clients").await);
    account.set("ReportOnlyUntil", LATER);
    let accepted = ["--accept", "other-flows", "--accept", "managed-login", "--accept", "rotation"];
    is_well(&desk.attach("watch", &accepted).await);
    is_well(&desk.attach("flows", &["--client", &web, "--accept", "rotation"]).await);
    let mut attached = account.client(&web).await;
    // Refresh tokens rotate here.
    assert_eq!(attached["ExplicitAuthFlows"], json!(["ALLOW_CUSTOM_AUTH"]));
    attached["ExplicitAuthFlows"] = before["ExplicitAuthFlows"].clone();
    assert_eq!(attached, before);
    is_well(&desk.detach(&[]).await);
    assert_eq!(account.client(&web).await, before);
}
