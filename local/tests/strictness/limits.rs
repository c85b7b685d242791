//! Limits: the lockout after wrong passwords, and the limit on requests.

use std::num::NonZeroU32;

use local::{ClientSettings, CognitoError, ExplicitAuthFlow, PoolSettings, Service};
use serde_json::{Value, json};

use crate::test_bed::{
    CLIENT_ID, PASSWORD, POOL_ID, TestBed, assert_error, assert_incorrect, usual_answer, with_client,
};

const WRONG: &str = "Wrong-Horse-7";
const EXCEEDED: &str = "Password attempts exceeded";

/// The ways to give a password.
const FLOWS: [&str; 4] = ["USER_PASSWORD_AUTH", "ADMIN_USER_PASSWORD_AUTH", "USER_SRP_AUTH", "CUSTOM_AUTH"];

async fn bed() -> TestBed {
    use ExplicitAuthFlow::{AdminUserPassword, CustomAuth, RefreshToken, UserPassword, UserSrp};
    let explicit_auth_flows = vec![CustomAuth, RefreshToken, UserSrp, UserPassword, AdminUserPassword];
    let client = ClientSettings { explicit_auth_flows, ..ClientSettings::default() };
    let bed = TestBed::with(with_client(client), usual_answer);
    bed.add_user("alice").await;
    bed
}

/// Gives a password by one of the flows.
async fn give(bed: &TestBed, flow: &str, user_name: &str, password: &str) -> Result<Value, CognitoError> {
    let parameters = json!({ "USERNAME": user_name, "PASSWORD": password });
    let body = json!({ "UserPoolId": POOL_ID, "ClientId": CLIENT_ID, "AuthFlow": flow, "AuthParameters": parameters });
    match flow {
        "USER_PASSWORD_AUTH" => bed.call("InitiateAuth", body).await,
        "ADMIN_USER_PASSWORD_AUTH" => bed.call("AdminInitiateAuth", body).await,
        "USER_SRP_AUTH" => {
            let (srp, asked) = bed.initiate_flow(flow, user_name).await?;
            let claim = srp.answer(&asked["ChallengeParameters"], password, bed.now()).unwrap();
            bed.respond(&asked, claim).await
        }
        _ => bed.prove_password(user_name, password).await,
    }
}

#[track_caller]
fn assert_exceeded(result: Result<Value, CognitoError>) {
    assert_error(result, "NotAuthorizedException", EXCEEDED);
}

/// Gives as many wrong passwords as lock a user out for a second.
async fn lock_out(bed: &TestBed, flow: &str, user_name: &str) {
    for _ in 0..5 {
        assert_incorrect(give(bed, flow, user_name, WRONG).await);
    }
}

#[tokio::test]
async fn five_wrong_passwords_lock_a_user_out_by_every_flow() {
    for flow in FLOWS {
        for user_name in ["alice", "nobody"] {
            let bed = bed().await;
            lock_out(&bed, flow, user_name).await;
            for other_flow in FLOWS {
                assert_exceeded(give(&bed, other_flow, user_name, PASSWORD).await);
            }
        }
    }
}

#[tokio::test]
async fn each_further_wrong_password_doubles_the_lockout_up_to_15_minutes() {
    let bed = bed().await;
    for user_name in ["alice", "nobody"] {
        lock_out(&bed, "USER_PASSWORD_AUTH", user_name).await;
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] {
            bed.advance(seconds - 1);
            assert_exceeded(give(&bed, "USER_PASSWORD_AUTH", user_name, WRONG).await);
            bed.advance(1);
            assert_incorrect(give(&bed, "USER_PASSWORD_AUTH", user_name, WRONG).await);
        }
        bed.advance(15 * 60 - 1);
        assert_exceeded(give(&bed, "USER_PASSWORD_AUTH", user_name, WRONG).await);
    }
}

#[tokio::test]
async fn attempts_during_a_lockout_do_not_count() {
    let bed = bed().await;
    for user_name in ["alice", "nobody"] {
        lock_out(&bed, "USER_PASSWORD_AUTH", user_name).await;
        for flow in [FLOWS, FLOWS].concat() {
            assert_exceeded(give(&bed, flow, user_name, WRONG).await);
        }
        bed.advance(1);
        assert_incorrect(give(&bed, "USER_PASSWORD_AUTH", user_name, WRONG).await);
        bed.advance(2);
        assert_incorrect(give(&bed, "USER_PASSWORD_AUTH", user_name, WRONG).await);
    }
}

#[tokio::test]
async fn a_right_password_ends_the_count() {
    for flow in FLOWS {
        let bed = bed().await;
        lock_out(&bed, flow, "alice").await;
        bed.advance(1);
        give(&bed, flow, "alice", PASSWORD).await.unwrap();
        lock_out(&bed, flow, "alice").await;
    }
}

#[tokio::test]
async fn fifteen_minutes_without_an_attempt_end_the_count() {
    let bed = bed().await;
    for user_name in ["alice", "nobody"] {
        lock_out(&bed, "CUSTOM_AUTH", user_name).await;
        bed.advance(15 * 60 - 1);
        assert_incorrect(give(&bed, "CUSTOM_AUTH", user_name, WRONG).await);
        assert_exceeded(give(&bed, "CUSTOM_AUTH", user_name, WRONG).await);
        bed.advance(15 * 60);
        lock_out(&bed, "CUSTOM_AUTH", user_name).await;
    }
}

#[tokio::test]
async fn a_new_password_ends_a_lockout() {
    let bed = bed().await;
    lock_out(&bed, "CUSTOM_AUTH", "alice").await;
    let body = json!({ "UserPoolId": POOL_ID, "Username": "alice", "Password": PASSWORD, "Permanent": true });
    bed.call("AdminSetUserPassword", body).await.unwrap();
    give(&bed, "CUSTOM_AUTH", "alice", PASSWORD).await.unwrap();

    lock_out(&bed, "CUSTOM_AUTH", "alice").await;
    bed.call("ForgotPassword", json!({ "ClientId": CLIENT_ID, "Username": "alice" })).await.unwrap();
    let code = bed.pool.messages().pop().unwrap().code;
    let user = json!({ "ClientId": CLIENT_ID, "Username": "alice", "ConfirmationCode": code, "Password": PASSWORD });
    bed.call("ConfirmForgotPassword", user).await.unwrap();
    let tokens = bed.sign_in("alice").await;

    lock_out(&bed, "CUSTOM_AUTH", "alice").await;
    bed.advance(1);
    let change =
        json!({ "AccessToken": tokens["AccessToken"], "PreviousPassword": PASSWORD, "ProposedPassword": PASSWORD });
    bed.call("ChangePassword", change).await.unwrap();
    lock_out(&bed, "CUSTOM_AUTH", "alice").await;
}

#[tokio::test]
async fn wrong_passwords_count_for_one_user_by_whatever_name() {
    let bed = bed().await;
    bed.add_user("bob").await;
    for user_name in ["alice", "ALICE", "Alice", "aLice", "alicE"] {
        assert_incorrect(give(&bed, "USER_PASSWORD_AUTH", user_name, WRONG).await);
    }
    assert_exceeded(give(&bed, "USER_PASSWORD_AUTH", "alice", PASSWORD).await);
    give(&bed, "USER_PASSWORD_AUTH", "bob", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_wrong_previous_password_counts_and_tokens_still_refresh() {
    let bed = bed().await;
    let tokens = bed.sign_in("alice").await;
    let change = json!({ "AccessToken": tokens["AccessToken"], "PreviousPassword": WRONG, "ProposedPassword": "Another-Horse-8" });
    for _ in 0..5 {
        assert_incorrect(bed.call("ChangePassword", change.clone()).await);
    }
    assert_exceeded(bed.call("ChangePassword", change).await);
    assert_exceeded(give(&bed, "CUSTOM_AUTH", "alice", PASSWORD).await);
    let refresh = json!({ "ClientId": CLIENT_ID, "RefreshToken": tokens["RefreshToken"] });
    bed.call("GetTokensFromRefreshToken", refresh).await.unwrap();
}

// ── Requests.

#[tokio::test]
async fn more_requests_in_a_second_than_the_limit_are_too_many() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let none = |_: PoolSettings| panic!("no other pool is made");
    let service = Service::new(bed.pool.clone(), none).limited_to(NonZeroU32::new(3).unwrap());
    let user = json!({ "UserPoolId": POOL_ID, "Username": "alice" });
    for _ in 0..2 {
        // One that is refused for another reason counts, too.
        for (operation, succeeds) in [("AdminGetUser", true), ("ListUsers", true), ("GetUser", false)] {
            assert_eq!(service.call("us-east-1", operation, user.clone()).await.is_ok(), succeeds);
        }
        for _ in 0..2 {
            let refused = service.call("us-east-1", "AdminGetUser", user.clone()).await;
            assert_error(refused, "TooManyRequestsException", "Rate exceeded");
        }
        bed.advance(1);
        for _ in 0..3 {
            service.call("us-east-1", "AdminGetUser", user.clone()).await.unwrap();
        }
        bed.advance(1);
    }
}

#[tokio::test]
async fn without_a_limit_no_request_is_too_many() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let (service, user) = (bed.service(), json!({ "UserPoolId": POOL_ID, "Username": "alice" }));
    for _ in 0..1000 {
        service.call("us-east-1", "AdminGetUser", user.clone()).await.unwrap();
    }
}
