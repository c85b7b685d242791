//! Groups, and what tokens and the token guard's event say of them.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use local::Trigger;
use serde_json::{Value, json};

use crate::test_bed::{TestBed, assert_error};

const ROLE: &str = "arn:aws:iam::123456789012:role/administrators";

fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// A bed with alice, in two groups of which the one with a role comes first, and a third that she is not in.
async fn bed_with_groups() -> TestBed {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    for group in [
        json!({ "GroupName": "authors", "Precedence": 2 }),
        json!({ "GroupName": "editors", "Precedence": 1, "RoleArn": ROLE, "Description": "they edit" }),
        json!({ "GroupName": "others" }),
    ] {
        bed.operate("CreateGroup", group).await.unwrap();
    }
    for group in ["authors", "editors"] {
        bed.operate("AdminAddUserToGroup", json!({ "GroupName": group, "Username": "alice" })).await.unwrap();
    }
    bed
}

#[tokio::test]
async fn both_tokens_name_the_groups_by_precedence() {
    let bed = bed_with_groups().await;
    let tokens = bed.sign_in("alice").await;
    for token in ["AccessToken", "IdToken"] {
        assert_eq!(claims(&tokens[token])["cognito:groups"], json!(["editors", "authors"]), "{token}");
    }
    bed.add_user("bob").await;
    let tokens = bed.sign_in("bob").await;
    assert_eq!(claims(&tokens["AccessToken"]).get("cognito:groups"), None);
}

#[tokio::test]
async fn the_token_guard_receives_the_groups_and_their_roles() {
    let bed = bed_with_groups().await;
    bed.take_calls();
    bed.sign_in("alice").await;
    let event = bed.take_events(Trigger::PreTokenGeneration).pop().unwrap();
    let expected = json!({
        "groupsToOverride": ["editors", "authors"],
        "iamRolesToOverride": [ROLE],
        "preferredRole": ROLE,
    });
    assert_eq!(event["request"]["groupConfiguration"], expected);
}

#[tokio::test]
async fn a_group_without_a_precedence_comes_last() {
    let bed = bed_with_groups().await;
    bed.operate("AdminAddUserToGroup", json!({ "GroupName": "others", "Username": "alice" })).await.unwrap();
    bed.operate("CreateGroup", json!({ "GroupName": "zeroth", "Precedence": 0 })).await.unwrap();
    bed.operate("AdminAddUserToGroup", json!({ "GroupName": "zeroth", "Username": "alice" })).await.unwrap();
    let listed = bed.operate("AdminListGroupsForUser", json!({ "Username": "alice" })).await.unwrap();
    let names: Vec<&Value> = listed["Groups"].as_array().unwrap().iter().map(|group| &group["GroupName"]).collect();
    assert_eq!(names, ["zeroth", "editors", "authors", "others"]);
}

#[tokio::test]
async fn a_user_who_left_a_group_is_not_in_the_next_tokens() {
    let bed = bed_with_groups().await;
    let left = json!({ "GroupName": "editors", "Username": "alice" });
    bed.operate("AdminRemoveUserFromGroup", left.clone()).await.unwrap();
    // Twice is no error.
    bed.operate("AdminRemoveUserFromGroup", left).await.unwrap();
    assert_eq!(claims(&bed.sign_in("alice").await["IdToken"])["cognito:groups"], json!(["authors"]));
    bed.operate("DeleteGroup", json!({ "GroupName": "authors" })).await.unwrap();
    assert_eq!(claims(&bed.sign_in("alice").await["IdToken"]).get("cognito:groups"), None);
}

#[tokio::test]
async fn a_group_has_one_name_and_what_it_was_given() {
    let bed = bed_with_groups().await;
    let again = bed.operate("CreateGroup", json!({ "GroupName": "authors" })).await;
    assert_error(again, "GroupExistsException", "A group with the name already exists.");
    let group = bed.operate("GetGroup", json!({ "GroupName": "editors" })).await.unwrap()["Group"].clone();
    assert_eq!((&group["Precedence"], &group["RoleArn"]), (&json!(1), &json!(ROLE)));
    let plain = bed.operate("GetGroup", json!({ "GroupName": "others" })).await.unwrap()["Group"].clone();
    assert_eq!((plain.get("Precedence"), plain.get("RoleArn"), plain.get("Description")), (None, None, None));

    bed.advance(5);
    let updated = bed.operate("UpdateGroup", json!({ "GroupName": "editors", "Precedence": 0 })).await.unwrap();
    assert_eq!((&updated["Group"]["Precedence"], &updated["Group"]["RoleArn"]), (&json!(0), &json!(ROLE)));
    assert_ne!(updated["Group"]["LastModifiedDate"], updated["Group"]["CreationDate"]);
}

#[tokio::test]
async fn an_unknown_group_or_user_is_refused_by_every_operation() {
    let bed = bed_with_groups().await;
    let unknown = json!({ "GroupName": "nobody", "Username": "alice" });
    for operation in [
        "GetGroup",
        "UpdateGroup",
        "DeleteGroup",
        "ListUsersInGroup",
        "AdminAddUserToGroup",
        "AdminRemoveUserFromGroup",
    ] {
        let refused = bed.operate(operation, unknown.clone()).await;
        assert_error(refused, "ResourceNotFoundException", "Group not found.");
    }
    let nobody = json!({ "GroupName": "authors", "Username": "nobody" });
    for operation in ["AdminAddUserToGroup", "AdminRemoveUserFromGroup", "AdminListGroupsForUser"] {
        assert_error(bed.operate(operation, nobody.clone()).await, "UserNotFoundException", "User does not exist.");
    }
}

#[tokio::test]
async fn members_and_groups_are_listed_page_by_page() {
    let bed = bed_with_groups().await;
    let first = bed.operate("ListGroups", json!({ "Limit": 2 })).await.unwrap();
    assert_eq!(first["Groups"].as_array().unwrap().len(), 2);
    let rest = bed.operate("ListGroups", json!({ "Limit": 2, "NextToken": first["NextToken"] })).await.unwrap();
    assert_eq!((rest["Groups"].as_array().unwrap().len(), rest.get("NextToken")), (1, None));

    bed.add_user("bob").await;
    bed.operate("AdminAddUserToGroup", json!({ "GroupName": "authors", "Username": "bob" })).await.unwrap();
    let first = bed.operate("ListUsersInGroup", json!({ "GroupName": "authors", "Limit": 1 })).await.unwrap();
    assert_eq!(first["Users"][0]["Username"], "alice");
    let next = json!({ "GroupName": "authors", "NextToken": first["NextToken"] });
    assert_eq!(bed.operate("ListUsersInGroup", next).await.unwrap()["Users"][0]["Username"], "bob");
}

#[tokio::test]
async fn a_deleted_user_is_in_no_group_even_if_the_name_comes_back() {
    let bed = bed_with_groups().await;
    bed.operate("AdminDeleteUser", json!({ "Username": "alice" })).await.unwrap();
    bed.add_user("alice").await;
    let listed = bed.operate("AdminListGroupsForUser", json!({ "Username": "alice" })).await.unwrap();
    assert_eq!(listed["Groups"], json!([]));
}
