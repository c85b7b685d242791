//! What an operator does to users: finds, invites, disables, resets and deletes them. And a user's own password.

use serde_json::{Value, json};

use crate::test_bed::{
    CLIENT_ID, PASSWORD, TestBed, assert_error, assert_incorrect, attribute, attributes, usual_answer, with_user_pool,
};

const NEW_PASSWORD: &str = "Another-Horse-8";
const DAY: u64 = 24 * 60 * 60;

async fn names(bed: &TestBed, filter: &str) -> Vec<String> {
    let users = bed.operate("ListUsers", json!({ "Filter": filter })).await.unwrap();
    users["Users"].as_array().unwrap().iter().map(|user| user["Username"].as_str().unwrap().to_owned()).collect()
}

async fn add(bed: &TestBed, user_name: &str, pairs: Value) {
    bed.operate("AdminCreateUser", json!({ "Username": user_name, "UserAttributes": pairs })).await.unwrap();
}

async fn status(bed: &TestBed, user_name: &str) -> String {
    let user = bed.operate("AdminGetUser", json!({ "Username": user_name })).await.unwrap();
    user["UserStatus"].as_str().unwrap().to_owned()
}

fn last_code(bed: &TestBed) -> String {
    bed.pool.messages().pop().unwrap().code
}

#[tokio::test]
async fn users_are_found_by_one_attribute_exactly_or_by_its_beginning() {
    let bed = TestBed::new();
    add(&bed, "alice", attributes([("email", "alice@example.com"), ("given_name", "Al")])).await;
    add(&bed, "bob", attributes([("email", "bob@example.org"), ("given_name", "Alan")])).await;
    bed.operate("AdminDisableUser", json!({ "Username": "bob" })).await.unwrap();
    let bob = bed.operate("AdminGetUser", json!({ "Username": "bob" })).await.unwrap();
    let sub = attribute(&bob["UserAttributes"], "sub").unwrap();
    for (filter, found) in [
        ("", vec!["alice", "bob"]),
        (r#"username = "alice""#, vec!["alice"]),
        (r#"username = "Alice""#, vec![]),
        (r#"given_name = "Al""#, vec!["alice"]),
        (r#"given_name ^= "Al""#, vec!["alice", "bob"]),
        (r#"email^="bob@""#, vec!["bob"]),
        (r#""email" = "alice@example.com""#, vec!["alice"]),
        (r#"status = "Disabled""#, vec!["bob"]),
        (r#"cognito:user_status = "force_change_password""#, vec!["alice", "bob"]),
        (&format!(r#"sub = "{sub}""#), vec!["bob"]),
        (r#"name = "nobody""#, vec![]),
    ] {
        assert_eq!(names(&bed, filter).await, found, "{filter}");
    }
}

#[tokio::test]
async fn a_filter_of_another_form_is_refused() {
    let bed = TestBed::new();
    for filter in ["alice", "email = alice", r#"= "alice""#, r#"email = "a" and name = "b"#] {
        let refused = bed.operate("ListUsers", json!({ "Filter": filter })).await;
        assert_error(refused, "InvalidParameterException", "Error while parsing filter");
    }
    for name in ["custom:plan", "email_verified", "nickname"] {
        let refused = bed.operate("ListUsers", json!({ "Filter": format!(r#"{name} = "x""#) })).await;
        assert_error(refused, "InvalidParameterException", &format!("Invalid search attribute: {name}"));
    }
}

#[tokio::test]
async fn users_are_listed_page_by_page() {
    let bed = TestBed::new();
    for user_name in ["alice", "bob", "carol"] {
        add(&bed, user_name, json!([])).await;
    }
    let first = bed.operate("ListUsers", json!({ "Limit": 2 })).await.unwrap();
    assert_eq!(first["Users"].as_array().unwrap().len(), 2);
    let next = json!({ "Limit": 2, "PaginationToken": first["PaginationToken"] });
    let second = bed.operate("ListUsers", next).await.unwrap();
    assert_eq!(second["Users"][0]["Username"], "carol");
    assert_eq!(second.get("PaginationToken"), None);
    assert_eq!(bed.operate("ListUsers", json!({ "Limit": 61 })).await.unwrap_err().kind, "InvalidParameterException");
}

#[tokio::test]
async fn only_attributes_that_every_user_has_can_be_asked_for() {
    let bed = TestBed::new();
    add(&bed, "alice", attributes([("email", "alice@example.com"), ("name", "Alice")])).await;
    let of = |name: &str| bed.operate("ListUsers", json!({ "AttributesToGet": [name] }));
    assert_eq!(of("name").await.unwrap()["Users"][0]["Attributes"], attributes([("name", "Alice")]));
    add(&bed, "bob", attributes([("email", "bob@example.com")])).await;
    of("email").await.unwrap();
    for name in ["name", "custom:plan"] {
        let message = "One or more requested attributes do not exist.";
        assert_error(of(name).await, "InvalidParameterException", message);
    }
}

#[tokio::test]
async fn a_disabled_user_is_refused_and_loses_the_tokens() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let tokens = bed.sign_in("alice").await;
    let asked = bed.prove_password("alice", PASSWORD).await.unwrap();
    bed.operate("AdminDisableUser", json!({ "Username": "alice" })).await.unwrap();
    let disabled = "User is disabled.";
    assert_error(bed.prove_password("alice", PASSWORD).await, "NotAuthorizedException", disabled);
    assert_incorrect(bed.prove_password("alice", NEW_PASSWORD).await);
    let get_user = json!({ "AccessToken": tokens["AccessToken"] });
    assert_eq!(bed.call("GetUser", get_user.clone()).await.unwrap_err().kind, "NotAuthorizedException");
    // A sign-in that was under way ends, too.
    assert_eq!(bed.answer(&asked, "42").await.unwrap_err().kind, "NotAuthorizedException");

    bed.operate("AdminEnableUser", json!({ "Username": "alice" })).await.unwrap();
    bed.sign_in("alice").await;
    // What was revoked stays so.
    assert_error(bed.call("GetUser", get_user).await, "NotAuthorizedException", "Access Token has been revoked");
}

#[tokio::test]
async fn a_deleted_user_has_no_tokens_and_leaves_the_name_free() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let before = bed.operate("AdminGetUser", json!({ "Username": "alice" })).await.unwrap();
    let tokens = bed.sign_in("alice").await;
    bed.call("DeleteUser", json!({ "AccessToken": tokens["AccessToken"] })).await.unwrap();
    assert!(bed.call("GetUser", json!({ "AccessToken": tokens["AccessToken"] })).await.is_err());
    let again = bed.operate("AdminDeleteUser", json!({ "Username": "alice" })).await;
    assert_error(again, "UserNotFoundException", "User does not exist.");
    bed.add_user("alice").await;
    let after = bed.operate("AdminGetUser", json!({ "Username": "alice" })).await.unwrap();
    assert_ne!(before["UserAttributes"], after["UserAttributes"]);
    assert!(bed.call("GetUser", json!({ "AccessToken": tokens["AccessToken"] })).await.is_err());
}

#[tokio::test]
async fn a_reset_user_needs_the_code_that_was_sent() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    bed.operate("AdminResetUserPassword", json!({ "Username": "alice" })).await.unwrap();
    assert_eq!(status(&bed, "alice").await, "RESET_REQUIRED");
    let refused = bed.prove_password("alice", PASSWORD).await;
    assert_error(refused, "PasswordResetRequiredException", "Password reset required for the user");
    let confirmation = json!({
        "ClientId": CLIENT_ID,
        "Username": "alice",
        "ConfirmationCode": last_code(&bed),
        "Password": NEW_PASSWORD,
    });
    bed.call("ConfirmForgotPassword", confirmation).await.unwrap();
    assert_eq!(status(&bed, "alice").await, "CONFIRMED");
    bed.prove_password("alice", NEW_PASSWORD).await.unwrap();
}

#[tokio::test]
async fn only_a_confirmed_user_with_a_verified_address_is_reset() {
    let bed = TestBed::new();
    add(&bed, "invited", attributes([("email", "a@example.com"), ("email_verified", "true")])).await;
    let in_state = "User password cannot be reset in the current state.";
    let reset = |user_name: &str| bed.operate("AdminResetUserPassword", json!({ "Username": user_name }));
    assert_error(reset("invited").await, "NotAuthorizedException", in_state);

    bed.add_user("alice").await;
    let unverified = json!({ "Username": "alice", "UserAttributes": attributes([("email_verified", "false")]) });
    bed.operate("AdminUpdateUserAttributes", unverified).await.unwrap();
    let message = "Cannot reset password for the user as there is no registered/verified email or phone_number";
    assert_error(reset("alice").await, "InvalidParameterException", message);
    assert_eq!(status(&bed, "alice").await, "CONFIRMED");
}

#[tokio::test]
async fn a_temporary_password_expires_and_an_invitation_is_sent_again() {
    let policy = json!({ "MinimumLength": 12, "TemporaryPasswordValidityDays": 3 });
    let settings = with_user_pool(json!({ "Policies": { "PasswordPolicy": policy } }));
    let bed = TestBed::with(settings, usual_answer);
    add(&bed, "alice", attributes([("email", "alice@example.com")])).await;
    let first = last_code(&bed);
    bed.advance(3 * DAY - 1);
    bed.prove_password("alice", &first).await.unwrap();
    bed.advance(1);
    let expired = "Temporary password has expired and must be reset by an administrator.";
    assert_error(bed.prove_password("alice", &first).await, "NotAuthorizedException", expired);

    bed.operate("AdminCreateUser", json!({ "Username": "alice", "MessageAction": "RESEND" })).await.unwrap();
    let second = last_code(&bed);
    assert_ne!(first, second);
    assert_incorrect(bed.prove_password("alice", &first).await);
    let asked = bed.prove_password("alice", &second).await.unwrap();
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
}

#[tokio::test]
async fn only_a_user_who_never_signed_in_is_invited_again() {
    let bed = TestBed::new();
    let resend = || bed.operate("AdminCreateUser", json!({ "Username": "alice", "MessageAction": "RESEND" }));
    assert_error(resend().await, "UserNotFoundException", "User does not exist.");
    bed.add_user("alice").await;
    let message = "Resend not possible. alice status is CONFIRMED";
    assert_error(resend().await, "UnsupportedUserStateException", message);
}

#[tokio::test]
async fn a_user_changes_the_password_with_the_old_one() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let token = bed.sign_in("alice").await["AccessToken"].clone();
    let change = |previous: &str, proposed: &str| {
        let body = json!({ "AccessToken": token, "PreviousPassword": previous, "ProposedPassword": proposed });
        bed.call("ChangePassword", body)
    };
    assert_incorrect(change(NEW_PASSWORD, NEW_PASSWORD).await);
    let message = "Password did not conform with policy: Password not long enough";
    assert_error(change(PASSWORD, "short").await, "InvalidPasswordException", message);
    bed.prove_password("alice", PASSWORD).await.unwrap();
    change(PASSWORD, NEW_PASSWORD).await.unwrap();
    assert_incorrect(bed.prove_password("alice", PASSWORD).await);
    bed.prove_password("alice", NEW_PASSWORD).await.unwrap();
    // The tokens stay good.
    bed.call("GetUser", json!({ "AccessToken": token })).await.unwrap();
}

#[tokio::test]
async fn guesses_of_the_old_password_are_locked_out() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let token = bed.sign_in("alice").await["AccessToken"].clone();
    let body = json!({ "AccessToken": token, "PreviousPassword": "a-wrong-horse", "ProposedPassword": NEW_PASSWORD });
    for _ in 0..5 {
        assert_incorrect(bed.call("ChangePassword", body.clone()).await);
    }
    let locked = bed.call("ChangePassword", body).await;
    assert_error(locked, "NotAuthorizedException", "Password attempts exceeded");
}

#[tokio::test]
async fn every_operation_on_users_names_its_pool() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    for operation in [
        "AdminGetUser",
        "AdminDisableUser",
        "AdminEnableUser",
        "AdminDeleteUser",
        "AdminResetUserPassword",
        "AdminUpdateUserAttributes",
        "AdminDeleteUserAttributes",
        "AdminUserGlobalSignOut",
        "ListUsers",
    ] {
        let mut elsewhere = json!({ "UserPoolId": "us-east-1_Elsewhere", "Username": "alice" });
        match operation {
            "AdminUpdateUserAttributes" => elsewhere["UserAttributes"] = json!([]),
            "AdminDeleteUserAttributes" => elsewhere["UserAttributeNames"] = json!([]),
            _ => {}
        }
        let message = "User pool us-east-1_Elsewhere does not exist.";
        assert_error(bed.call(operation, elsewhere).await, "ResourceNotFoundException", message);
        let missing = bed.call(operation, json!({ "Username": "alice" })).await.unwrap_err();
        assert_eq!(missing.kind, "InvalidParameterException");
    }
}
