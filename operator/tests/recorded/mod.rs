//! AWS's answers for one deployment, of the shapes of its API models, on 127.0.0.1. The ids are nobody's.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const USER_POOL_ID: &str = "us-east-1_Example12";
/// In the answers, and never printed.
pub(crate) const SECRETS: [&str; 2] =
    ["example0client0secret0that0nobody0may0see", "example-password-that-nobody-may-see"];

/// A status and a body.
pub(crate) type Answer = (u16, Value);

/// Answers until the test ends. `Calls` is the names of the operations that were called.
pub(crate) async fn serve(answer: impl Fn(&str, &str) -> Answer + Clone + Send + Sync + 'static) -> (String, Calls) {
    let calls = Calls::default();
    let written = Arc::clone(&calls);
    let handler = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
        let (operation, of) = operation(&method, uri.path(), &headers, &body);
        written.lock().unwrap().insert(operation.clone());
        let answered = answer(&operation, &of);
        async move { response(answered) }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, Router::new().fallback(handler)).await });
    (endpoint, calls)
}

pub(crate) type Calls = Arc<Mutex<BTreeSet<String>>>;

/// The operation, and what it is about where there is more than one: a client, a page, a function.
fn operation(method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> (String, String) {
    if let Some(target) = headers.get("x-amz-target") {
        let (_, operation) = target.to_str().unwrap().rsplit_once('.').unwrap();
        let input: Value = serde_json::from_slice(body).unwrap();
        let of = ["ClientId", "NextToken", "KeyId", "GroupName"].iter().find_map(|member| input[*member].as_str());
        return (operation.to_owned(), of.unwrap_or_default().to_owned());
    }
    assert_eq!(method, Method::GET);
    let path = path.strip_prefix("/2015-03-31/functions/").unwrap();
    let (function, what) = path.split_once('/').unwrap();
    let operation = match what {
        "configuration" => "GetFunctionConfiguration",
        "policy" => "GetPolicy",
        other => panic!("{other}"),
    };
    (operation.to_owned(), function.rsplit_once('-').unwrap().1.to_owned())
}

fn response((status, body): Answer) -> Response {
    let content = (header::CONTENT_TYPE, "application/x-amz-json-1.1".to_owned());
    // Lambda says the error's name here; the others in the body.
    let name = ("x-amzn-errortype".try_into().unwrap(), body["__type"].as_str().unwrap_or_default().to_owned());
    let headers = if status == 200 { vec![content] } else { vec![content, name] };
    let mut response = (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response();
    response.headers_mut().extend(headers.into_iter().map(|(name, value)| (name, value.parse().unwrap())));
    response
}

/// Everything as template.yaml deploys it, and a second app client, which has a secret.
pub(crate) fn sound(operation: &str, of: &str) -> Answer {
    let body = match (operation, of) {
        ("DescribeUserPool", _) => include_str!("DescribeUserPool.json"),
        ("GetUserPoolMfaConfig", _) => include_str!("GetUserPoolMfaConfig.json"),
        ("ListIdentityProviders", _) => include_str!("ListIdentityProviders.json"),
        ("ListUserPoolClients", "") => include_str!("ListUserPoolClients.1.json"),
        ("ListUserPoolClients", "ExampleTokenOfTheSecondPage") => include_str!("ListUserPoolClients.2.json"),
        ("DescribeUserPoolClient", "1exampleclient0000000000001") => include_str!("DescribeUserPoolClient.web.json"),
        ("DescribeUserPoolClient", "1exampleclient0000000000002") => include_str!("DescribeUserPoolClient.server.json"),
        ("GetFunctionConfiguration", "define") => include_str!("GetFunctionConfiguration.define.json"),
        ("GetFunctionConfiguration", "create") => include_str!("GetFunctionConfiguration.create.json"),
        ("GetFunctionConfiguration", "verify") => include_str!("GetFunctionConfiguration.verify.json"),
        ("GetFunctionConfiguration", "guard") => include_str!("GetFunctionConfiguration.guard.json"),
        ("GetPolicy", _) => include_str!("GetPolicy.json"),
        ("DescribeTrails", _) => include_str!("DescribeTrails.json"),
        ("GetTrailStatus", _) => include_str!("GetTrailStatus.json"),
        ("DescribeTable", _) => include_str!("DescribeTable.json"),
        ("DescribeContinuousBackups", _) => include_str!("DescribeContinuousBackups.json"),
        ("DescribeKey", _) => include_str!("DescribeKey.json"),
        ("GetKeyRotationStatus", _) => include_str!("GetKeyRotationStatus.json"),
        (operation, of) => return refused("UnknownOperationException", &format!("{operation} {of}")),
    };
    (200, serde_json::from_str(body).unwrap())
}

/// The same, but for one member of `operation`'s answer, by its JSON pointer; `null` takes it away.
pub(crate) fn changed(operation: &str, of: &str, pointer: &str, value: Value) -> Answer {
    let (status, mut body) = sound(operation, of);
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[member] = value;
    (status, body)
}

/// An error as AWS words it.
pub(crate) fn refused(code: &str, message: &str) -> Answer {
    (400, json!({ "__type": code, "message": message, "Message": message }))
}
