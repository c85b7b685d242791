//! Attributes: a pool's schema, who may write which, and how a new address is verified.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::test_bed::{
    CLIENT_ID, PASSWORD, TestBed, assert_error, attribute, attributes, usual_answer, with_user_pool,
};

/// A signed-in user, and what only the user does.
struct Alice {
    bed: TestBed,
    token: Value,
}

impl Alice {
    async fn of(user_pool: Value) -> Self {
        let bed = TestBed::with(with_user_pool(user_pool), usual_answer);
        bed.add_user("alice").await;
        let token = bed.sign_in("alice").await["AccessToken"].clone();
        Self { bed, token }
    }

    async fn call(&self, operation: &str, mut body: Value) -> Result<Value, local::CognitoError> {
        body["AccessToken"] = self.token.clone();
        self.bed.call(operation, body).await
    }

    async fn update<const N: usize>(&self, pairs: [(&str, &str); N]) -> Result<Value, local::CognitoError> {
        self.call("UpdateUserAttributes", json!({ "UserAttributes": attributes(pairs) })).await
    }

    async fn verify(&self, code: &str) -> Result<Value, local::CognitoError> {
        self.call("VerifyUserAttribute", json!({ "AttributeName": "email", "Code": code })).await
    }

    async fn value(&self, name: &str) -> Option<String> {
        let user = self.call("GetUser", json!({})).await.unwrap();
        attribute(&user["UserAttributes"], name).map(str::to_owned)
    }

    fn last_code(&self) -> String {
        self.bed.pool.messages().pop().unwrap().code
    }
}

fn verified_first() -> Value {
    json!({ "UserAttributeUpdateSettings": { "AttributesRequireVerificationBeforeUpdate": ["email"] } })
}

const INVALID: &str = "InvalidParameterException";

#[tokio::test]
async fn a_new_address_is_sent_a_code_and_is_not_verified_before() {
    let alice = Alice::of(json!({})).await;
    let sent = alice.update([("email", "new@example.com")]).await.unwrap();
    let details = json!({ "AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": "n***@e***" });
    assert_eq!(sent["CodeDeliveryDetailsList"], json!([details]));
    assert_eq!(alice.value("email").await.as_deref(), Some("new@example.com"));
    assert_eq!(alice.value("email_verified").await.as_deref(), Some("false"));
    alice.verify(&alice.last_code()).await.unwrap();
    assert_eq!(alice.value("email_verified").await.as_deref(), Some("true"));
}

#[tokio::test]
async fn the_old_address_stays_until_the_new_one_is_verified_if_set_so() {
    let alice = Alice::of(verified_first()).await;
    alice.update([("email", "new@example.com"), ("name", "Alice")]).await.unwrap();
    assert_eq!(alice.value("email").await.as_deref(), Some("alice@example.com"));
    assert_eq!(alice.value("email_verified").await.as_deref(), Some("true"));
    assert_eq!(alice.value("name").await.as_deref(), Some("Alice"));
    let code = alice.last_code();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let message = "Invalid verification code provided, please try again.";
    assert_error(alice.verify(wrong).await, "CodeMismatchException", message);
    alice.verify(&code).await.unwrap();
    assert_eq!(alice.value("email").await.as_deref(), Some("new@example.com"));
    assert_eq!(alice.value("email_verified").await.as_deref(), Some("true"));
}

#[tokio::test]
async fn a_code_for_an_address_works_once_and_for_a_day() {
    let alice = Alice::of(json!({})).await;
    alice.update([("email", "new@example.com")]).await.unwrap();
    let code = alice.last_code();
    alice.verify(&code).await.unwrap();
    let expired = "Invalid code provided, please request a code again.";
    assert_error(alice.verify(&code).await, "ExpiredCodeException", expired);

    let ask = json!({ "AttributeName": "email" });
    let sent = alice.call("GetUserAttributeVerificationCode", ask.clone()).await.unwrap();
    assert_eq!(sent["CodeDeliveryDetails"]["Destination"], "n***@e***");
    let first = alice.last_code();
    alice.call("GetUserAttributeVerificationCode", ask).await.unwrap();
    if first != alice.last_code() {
        // A newer code replaces the one before.
        assert_eq!(alice.verify(&first).await.unwrap_err().kind, "CodeMismatchException");
    }
    alice.verify(&alice.last_code()).await.unwrap();
}

#[tokio::test]
async fn only_an_address_or_number_that_is_there_is_verified() {
    let alice = Alice::of(json!({})).await;
    for name in ["name", "preferred_username", "phone_number"] {
        let refused = alice.call("GetUserAttributeVerificationCode", json!({ "AttributeName": name })).await;
        assert_eq!(refused.unwrap_err().kind, INVALID, "{name}");
    }
}

#[tokio::test]
async fn nobody_but_an_operator_says_that_an_address_is_verified() {
    let alice = Alice::of(json!({})).await;
    let message = "A client attempted to write unauthorized attribute";
    assert_error(alice.update([("email_verified", "true")]).await, "NotAuthorizedException", message);
    let by_operator = json!({
        "Username": "alice",
        "UserAttributes": attributes([("email", "new@example.com"), ("email_verified", "true")]),
    });
    alice.bed.operate("AdminUpdateUserAttributes", by_operator).await.unwrap();
    assert_eq!(alice.value("email_verified").await.as_deref(), Some("true"));
    let address_only = json!({ "Username": "alice", "UserAttributes": attributes([("email", "b@example.com")]) });
    alice.bed.operate("AdminUpdateUserAttributes", address_only).await.unwrap();
    assert_eq!(alice.value("email_verified").await.as_deref(), Some("false"));
}

#[tokio::test]
async fn a_client_writes_only_what_it_may() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let flows = ["ALLOW_USER_PASSWORD_AUTH"];
    let client = json!({ "ClientName": "test", "ExplicitAuthFlows": flows, "WriteAttributes": ["name"] });
    let client = bed.operate("CreateUserPoolClient", client).await.unwrap();
    let client_id = &client["UserPoolClient"]["ClientId"];
    let message = "A client attempted to write unauthorized attribute";
    let sign_up = json!({
        "ClientId": client_id,
        "Username": "bob",
        "Password": PASSWORD,
        "UserAttributes": attributes([("nickname", "Bobby")]),
    });
    assert_error(bed.call("SignUp", sign_up).await, "NotAuthorizedException", message);

    let parameters = json!({ "USERNAME": "alice", "PASSWORD": PASSWORD });
    let body = json!({ "ClientId": client_id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let tokens = bed.call("InitiateAuth", body).await.unwrap()["AuthenticationResult"].clone();
    let update = |name: &str| {
        let pairs = attributes([(name, "Alice")]);
        bed.call("UpdateUserAttributes", json!({ "AccessToken": tokens["AccessToken"], "UserAttributes": pairs }))
    };
    update("name").await.unwrap();
    assert_error(update("nickname").await, "NotAuthorizedException", message);
    let delete = |name: &str| {
        let body = json!({ "AccessToken": tokens["AccessToken"], "UserAttributeNames": [name] });
        bed.call("DeleteUserAttributes", body)
    };
    assert_error(delete("nickname").await, "NotAuthorizedException", message);
    delete("name").await.unwrap();
}

#[tokio::test]
async fn a_client_sees_only_what_it_may_read() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let client = json!({
        "ClientName": "test",
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
        "ReadAttributes": ["name"],
    });
    let client = bed.operate("CreateUserPoolClient", client).await.unwrap();
    let named = json!({ "Username": "alice", "UserAttributes": attributes([("name", "Alice")]) });
    bed.operate("AdminUpdateUserAttributes", named).await.unwrap();
    let body = json!({
        "ClientId": client["UserPoolClient"]["ClientId"],
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": "alice", "PASSWORD": PASSWORD },
    });
    let tokens = bed.call("InitiateAuth", body).await.unwrap()["AuthenticationResult"].clone();
    let user = bed.call("GetUser", json!({ "AccessToken": tokens["AccessToken"] })).await.unwrap();
    let sub = attribute(&user["UserAttributes"], "sub").unwrap();
    assert_eq!(user["UserAttributes"], attributes([("sub", sub), ("name", "Alice")]));
    let payload = tokens["IdToken"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    assert_eq!((&claims["name"], claims.get("email")), (&json!("Alice"), None));
}

#[tokio::test]
async fn what_is_not_in_the_schema_or_has_the_wrong_form_is_refused() {
    let schema = json!([
        { "Name": "plan", "AttributeDataType": "String",
          "StringAttributeConstraints": { "MinLength": "2", "MaxLength": "4" } },
        { "Name": "seats", "AttributeDataType": "Number",
          "NumberAttributeConstraints": { "MinValue": "1", "MaxValue": "9" } },
        { "Name": "trial", "AttributeDataType": "Boolean" },
        { "Name": "once", "AttributeDataType": "String", "Mutable": false },
    ]);
    let alice = Alice::of(json!({ "Schema": schema })).await;
    for (name, value) in [
        ("custom:unknown", "x"),
        ("thing", "x"),
        ("custom:plan", "p"),
        ("custom:plan", "pppppp"),
        ("custom:seats", "many"),
        ("custom:seats", "10"),
        ("custom:trial", "perhaps"),
        ("custom:once", "x"),
        ("email", "nowhere"),
        ("phone_number", "555"),
        ("sub", "x"),
        ("cognito:user_status", "x"),
    ] {
        assert_eq!(alice.update([(name, value)]).await.unwrap_err().kind, INVALID, "{name}={value}");
        let by_operator = json!({ "Username": "alice", "UserAttributes": attributes([(name, value)]) });
        let refused = alice.bed.operate("AdminUpdateUserAttributes", by_operator).await;
        assert_eq!(refused.unwrap_err().kind, INVALID, "{name}={value}");
    }
    for (name, value) in [("custom:plan", "free"), ("custom:seats", "9"), ("custom:trial", "true")] {
        alice.update([(name, value)]).await.unwrap();
        assert_eq!(alice.value(name).await.as_deref(), Some(value));
    }
    // What never changes is set once.
    let carol = json!({ "Username": "carol", "UserAttributes": attributes([("custom:once", "x")]) });
    alice.bed.operate("AdminCreateUser", carol).await.unwrap();
}

#[tokio::test]
async fn what_every_user_must_have_is_asked_for_and_not_deleted() {
    let schema = json!([{ "Name": "name", "AttributeDataType": "String", "Required": true, "Mutable": true }]);
    let bed = TestBed::with(with_user_pool(json!({ "Schema": schema })), usual_answer);
    let mut body = json!({ "ClientId": CLIENT_ID, "Username": "bob", "Password": PASSWORD });
    let message = "Attributes did not conform to the schema: name: The attribute is required\n";
    assert_error(bed.call("SignUp", body.clone()).await, INVALID, message);
    body["UserAttributes"] = attributes([("name", "Bob")]);
    bed.call("SignUp", body).await.unwrap();
    let delete = json!({ "Username": "bob", "UserAttributeNames": ["name"] });
    assert_eq!(bed.operate("AdminDeleteUserAttributes", delete).await.unwrap_err().kind, INVALID);
}

#[tokio::test]
async fn a_custom_attribute_is_added_once_and_never_required() {
    let alice = Alice::of(json!({})).await;
    let add = |attribute: Value| alice.bed.operate("AddCustomAttributes", json!({ "CustomAttributes": [attribute] }));
    add(json!({ "Name": "plan", "AttributeDataType": "String" })).await.unwrap();
    alice.update([("custom:plan", "free")]).await.unwrap();
    let again = add(json!({ "Name": "plan", "AttributeDataType": "String" })).await;
    assert_error(again, INVALID, "custom:plan: Existing attribute already has name custom:plan.");
    let required = add(json!({ "Name": "must", "AttributeDataType": "String", "Required": true })).await;
    assert_error(required, INVALID, "Required custom attributes are not supported currently.");
}

#[tokio::test]
async fn a_deleted_address_takes_its_verification_with_it() {
    let alice = Alice::of(json!({})).await;
    alice.call("DeleteUserAttributes", json!({ "UserAttributeNames": ["email"] })).await.unwrap();
    assert_eq!((alice.value("email").await, alice.value("email_verified").await), (None, None));
    let unknown = alice.call("DeleteUserAttributes", json!({ "UserAttributeNames": ["custom:plan"] })).await;
    let message = "Invalid user attributes: user.custom:plan: Attribute does not exist in the schema.\n";
    assert_error(unknown, INVALID, message);
}
