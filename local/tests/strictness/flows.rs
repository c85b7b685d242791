//! The flows other than `CUSTOM_AUTH`: which callers may start them, and that none calls a trigger before the tokens.

use local::{ClientSettings, CognitoError, ExplicitAuthFlow, Trigger};
use serde_json::{Value, json};

use crate::test_bed::{
    CLIENT_ID, PASSWORD, POOL_ID, TestBed, assert_error, assert_incorrect, usual_answer, with_client,
};

const NOT_SUPPORTED: &str = "Initiate Auth method not supported.";

async fn bed_allowing(explicit_auth_flows: &[ExplicitAuthFlow]) -> TestBed {
    let client = ClientSettings { explicit_auth_flows: explicit_auth_flows.to_vec(), ..ClientSettings::default() };
    let bed = TestBed::with(with_client(client), usual_answer);
    bed.add_user("alice").await;
    bed
}

async fn bed_allowing_everything() -> TestBed {
    use ExplicitAuthFlow::{AdminUserPassword, CustomAuth, RefreshToken, UserPassword, UserSrp};
    bed_allowing(&[CustomAuth, RefreshToken, UserSrp, UserPassword, AdminUserPassword]).await
}

async fn initiate(bed: &TestBed, operation: &str, flow: &str, password: &str) -> Result<Value, CognitoError> {
    let parameters = json!({ "USERNAME": "alice", "PASSWORD": password });
    let body = json!({ "UserPoolId": POOL_ID, "ClientId": CLIENT_ID, "AuthFlow": flow, "AuthParameters": parameters });
    bed.call(operation, body).await
}

fn triggers_called(bed: &TestBed) -> Vec<Trigger> {
    bed.take_calls().into_iter().map(|(trigger, _)| trigger).collect()
}

#[tokio::test]
async fn a_client_as_deployed_allows_custom_auth_and_refresh_and_no_other_flow() {
    let bed = bed_allowing(&ExplicitAuthFlow::AS_DEPLOYED).await;
    for (operation, flow, message) in [
        ("InitiateAuth", "USER_SRP_AUTH", "USER_SRP_AUTH is not enabled for the client."),
        ("InitiateAuth", "USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH flow not enabled for this client"),
        ("InitiateAuth", "USER_AUTH", "USER_AUTH flow not enabled for this client"),
        ("AdminInitiateAuth", "ADMIN_USER_PASSWORD_AUTH", "Auth flow not enabled for this client"),
        ("AdminInitiateAuth", "ADMIN_NO_SRP_AUTH", "Auth flow not enabled for this client"),
    ] {
        assert_error(initiate(&bed, operation, flow, PASSWORD).await, "InvalidParameterException", message);
    }
}

#[tokio::test]
async fn a_client_allows_what_it_lists_and_nothing_else() {
    let bed = bed_allowing(&[ExplicitAuthFlow::UserPassword]).await;
    for flow in ["CUSTOM_AUTH", "REFRESH_TOKEN_AUTH"] {
        let refused = initiate(&bed, "InitiateAuth", flow, PASSWORD).await;
        assert_error(refused, "InvalidParameterException", "Auth flow not enabled for this client");
    }
    initiate(&bed, "InitiateAuth", "USER_PASSWORD_AUTH", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_flow_belongs_to_clients_or_to_operators() {
    let bed = bed_allowing_everything().await;
    for (operation, flow) in [
        ("InitiateAuth", "ADMIN_USER_PASSWORD_AUTH"),
        ("InitiateAuth", "ADMIN_NO_SRP_AUTH"),
        ("AdminInitiateAuth", "USER_PASSWORD_AUTH"),
    ] {
        assert_error(initiate(&bed, operation, flow, PASSWORD).await, "InvalidParameterException", NOT_SUPPORTED);
    }
}

#[tokio::test]
async fn the_password_alone_gets_tokens_by_every_flow_without_our_triggers() {
    let bed = bed_allowing_everything().await;
    for (operation, flow) in [
        ("InitiateAuth", "USER_PASSWORD_AUTH"),
        ("AdminInitiateAuth", "ADMIN_USER_PASSWORD_AUTH"),
        ("AdminInitiateAuth", "ADMIN_NO_SRP_AUTH"),
    ] {
        let tokens = initiate(&bed, operation, flow, PASSWORD).await.unwrap();
        assert!(tokens["AuthenticationResult"]["RefreshToken"].is_string(), "{flow}");
        assert_eq!(triggers_called(&bed), [Trigger::PreTokenGeneration], "{flow}");
        assert_incorrect(initiate(&bed, operation, flow, "Wrong-password-1").await);
        assert_eq!(triggers_called(&bed), []);
    }
    let (srp, asked) = bed.initiate_flow("USER_SRP_AUTH", "alice").await.unwrap();
    let claim = srp.answer(&asked["ChallengeParameters"], PASSWORD, bed.now()).unwrap();
    let tokens = bed.respond(&asked, claim).await.unwrap();
    assert!(tokens["AuthenticationResult"]["IdToken"].is_string());
    assert_eq!(triggers_called(&bed), [Trigger::PreTokenGeneration]);
}

#[tokio::test]
async fn user_srp_auth_refuses_a_wrong_password_and_hides_who_exists() {
    let bed = bed_allowing_everything().await;
    for user_name in ["alice", "nobody"] {
        let (srp, asked) = bed.initiate_flow("USER_SRP_AUTH", user_name).await.unwrap();
        assert_eq!(asked["ChallengeName"], "PASSWORD_VERIFIER");
        let claim = srp.answer(&asked["ChallengeParameters"], "Wrong-password-1", bed.now()).unwrap();
        assert_incorrect(bed.respond(&asked, claim).await);
    }
}

#[tokio::test]
async fn a_temporary_password_must_be_changed_by_every_flow() {
    let bed = bed_allowing_everything().await;
    let temporary = json!({ "UserPoolId": POOL_ID, "Username": "alice", "Password": PASSWORD, "Permanent": false });
    bed.call("AdminSetUserPassword", temporary).await.unwrap();
    let asked = initiate(&bed, "InitiateAuth", "USER_PASSWORD_AUTH", PASSWORD).await.unwrap();
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    let responses = json!({ "USERNAME": "alice", "NEW_PASSWORD": "Another-horse-8" });
    bed.respond(&asked, responses).await.unwrap();
    let [event] = &bed.take_events(Trigger::PreTokenGeneration)[..] else { panic!("one event") };
    assert_eq!(event["triggerSource"], "TokenGeneration_NewPasswordChallenge");
}

#[tokio::test]
async fn an_unconfirmed_user_gets_no_tokens_for_a_password() {
    let bed = bed_allowing_everything().await;
    let sign_up = json!({ "ClientId": CLIENT_ID, "Username": "new", "Password": PASSWORD });
    bed.call("SignUp", sign_up).await.unwrap();
    let parameters = json!({ "USERNAME": "new", "PASSWORD": PASSWORD });
    let body = json!({ "ClientId": CLIENT_ID, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    assert_error(bed.call("InitiateAuth", body).await, "UserNotConfirmedException", "User is not confirmed.");
}
