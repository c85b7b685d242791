//! Federated users at the token guard: which of them pass without our second factor.

use pre_token_generation::Guard;
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::cognito::TokenSource;
use shared::error::HandlerError;
use shared::federated::FederatedProviders;
use shared::guard_settings::GuardedSince;
use shared::settings::TokenGuard;
use shared::token_grant::TokenDenied;
use tests::clock::NOW;
use tests::events::User;
use tests::functions::Functions;
use tests::stores::Faulty;

const HOSTED: &str = "TokenGeneration_HostedAuth";

/// The attribute as Cognito writes it.
fn identities(providers: &[&str]) -> String {
    let identity = |(number, provider): (usize, &&str)| {
        json!({
            "userId": number.to_string(), "providerName": provider, "providerType": "OIDC", "issuer": null,
            "primary": number == 0, "dateCreated": 1_700_000_000_000_u64,
        })
    };
    json!(providers.iter().enumerate().map(identity).collect::<Vec<_>>()).to_string()
}

fn event(source: &str, version: &str, status: Option<&str>, identities: Option<&str>) -> Value {
    let mut event = User::named("google_1", 1).token_event(source, version);
    let attributes = event["request"]["userAttributes"].as_object_mut().unwrap();
    attributes.remove("cognito:user_status");
    attributes.extend(status.map(|status| ("cognito:user_status".to_owned(), json!(status))));
    attributes.extend(identities.map(|identities| ("identities".to_owned(), json!(identities))));
    event
}

async fn answer(trusted: &str, guard: TokenGuard, event: Value) -> Result<Value, HandlerError> {
    let federated = FederatedProviders::parse(trusted).unwrap();
    // No record is read.
    Guard { federated, ..Guard::new(guard, Faulty::Fails) }.handle(event, NOW).await
}

async fn passes(trusted: &str, status: Option<&str>, identities: Option<&str>) -> bool {
    let both = [TokenGuard::Grant, TokenGuard::TriggerSource];
    let mut passed = Vec::new();
    for (guard, version) in both.into_iter().flat_map(|guard| ["1", "2", "3"].map(|version| (guard, version))) {
        passed.push(match answer(trusted, guard, event(HOSTED, version, status, identities)).await {
            Ok(_) => true,
            Err(HandlerError::TokenDenied(TokenDenied::Source(TokenSource::HostedAuth))) => false,
            Err(error) => panic!("{error}"),
        });
    }
    assert!(passed.iter().all(|one| *one == passed[0]), "the same under both settings and in every version");
    passed[0]
}

#[tokio::test]
async fn users_of_a_trusted_provider_pass_and_carry_no_claim() {
    let google = identities(&["Google"]);
    assert!(passes("Google", Some("EXTERNAL_PROVIDER"), Some(&google)).await);
    assert!(passes("Okta-1 Google", Some("EXTERNAL_PROVIDER"), Some(&google)).await);
    for version in ["1", "2", "3"] {
        let event = event(HOSTED, version, Some("EXTERNAL_PROVIDER"), Some(&google));
        let answered = answer("Google", TokenGuard::Grant, event).await.unwrap();
        assert!(!answered["response"].to_string().contains("second_factor"), "{answered}");
    }
}

#[tokio::test]
async fn a_federated_session_never_says_since_when_a_factor_was_proven() {
    let (functions, user) = (Functions::default(), User::named("google_1", 1));
    functions.enroll(&user).await;
    let refresh = "TokenGeneration_RefreshTokens";
    for (status, says) in [("EXTERNAL_PROVIDER", false), ("CONFIRMED", true)] {
        let guarded_since = GuardedSince::new(UnixTime(1_700_000_000));
        let guard = Guard { guarded_since, ..Guard::new(TokenGuard::Grant, functions.create.store.clone()) };
        let event = event(refresh, "2", Some(status), Some(&identities(&["Google"])));
        let answered = guard.handle(event, functions.now().plus(60)).await.unwrap();
        assert_eq!(answered["response"].to_string().contains("second_factor_since"), says, "{status}: {answered}");
    }
}

#[tokio::test]
async fn without_the_setting_no_federated_user_passes() {
    let google = identities(&["Google"]);
    assert!(!passes("", Some("EXTERNAL_PROVIDER"), Some(&google)).await);
}

#[tokio::test]
async fn a_local_user_who_is_linked_to_a_provider_is_denied() {
    let google = identities(&["Google"]);
    for status in
        ["CONFIRMED", "FORCE_CHANGE_PASSWORD", "RESET_REQUIRED", "external_provider", "EXTERNAL_PROVIDER ", ""]
    {
        assert!(!passes("Google", Some(status), Some(&google)).await, "{status}");
    }
    assert!(!passes("Google", None, Some(&google)).await, "an event without the status");
}

#[tokio::test]
async fn one_provider_that_is_not_named_denies_the_user() {
    for providers in [&["Google", "Weak"][..], &["Weak", "Google"], &["Weak"], &["google"], &["Google2"], &[""]] {
        let identities = identities(providers);
        assert!(!passes("Google", Some("EXTERNAL_PROVIDER"), Some(&identities)).await, "{providers:?}");
    }
    let both = identities(&["Google", "Okta"]);
    assert!(passes("Google Okta", Some("EXTERNAL_PROVIDER"), Some(&both)).await);
}

#[tokio::test]
async fn identities_that_are_not_understood_deny_the_user() {
    for identities in [
        "",
        "[]",
        "{}",
        "null",
        "[null]",
        "[{}]",
        "Google",
        r#"["Google"]"#,
        r#"{"providerName":"Google"}"#,
        r#"[{"providerName":null}]"#,
        r#"[{"providerName":["Google"]}]"#,
        r#"[{"ProviderName":"Google"}]"#,
        r#"[{"providerName":"Google"}] "x""#,
        r#"[{"providerName":"Weak","providerName":"Google"}]"#,
    ] {
        assert!(!passes("Google", Some("EXTERNAL_PROVIDER"), Some(identities)).await, "{identities}");
    }
    assert!(!passes("Google", Some("EXTERNAL_PROVIDER"), None).await);
}

#[tokio::test]
async fn no_other_source_passes_for_a_federated_user() {
    let google = identities(&["Google"]);
    for source in
        ["TokenGeneration_AuthenticateDevice", "TokenGeneration_AddedLater", "TokenGeneration_ClientCredentials"]
    {
        let event = event(source, "2", Some("EXTERNAL_PROVIDER"), Some(&google));
        let denied = answer("Google", TokenGuard::Grant, event).await;
        assert!(matches!(denied, Err(HandlerError::TokenDenied(_))), "{source}");
    }
    for source in ["TokenGeneration_Authentication", "TokenGeneration_NewPasswordChallenge"] {
        let event = event(source, "2", Some("EXTERNAL_PROVIDER"), Some(&google));
        assert!(
            matches!(answer("Google", TokenGuard::Grant, event).await, Err(HandlerError::Store(_))),
            "asks for a grant"
        );
    }
}

#[test]
fn a_name_that_no_provider_can_have_stops_the_guard() {
    for (value, named) in [("COGNITO", "COGNITO"), ("Google COGNITO", "COGNITO"), (&"x".repeat(33), "xxx")] {
        let error = FederatedProviders::parse(value).unwrap_err();
        assert_eq!(error.variable, "FEDERATED_PROVIDERS");
        assert!(error.problem.contains(named), "{}", error.problem);
    }
    assert_eq!(FederatedProviders::read(&|_| Some("  ".to_owned())).unwrap(), FederatedProviders::default());
}
