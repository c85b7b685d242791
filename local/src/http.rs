//! Cognito's JSON protocol over HTTP, on the loopback interface.
//!
//! | request | what it is |
//! |---|---|
//! | `POST /` with `X-Amz-Target: AWSCognitoIdentityProviderService.<operation>` | Cognito's API |
//! | `POST /` with another target or with a form, and `/2015-03-31/…` | other services of AWS: [`crate::aws`] |
//! | `GET /<user pool id>/.well-known/jwks.json` | the keys of the tokens, at Cognito's path |
//! | `GET /<user pool id>/.well-known/openid-configuration` | what a verifier of tokens needs, at Cognito's path |
//! | `GET /`, `/app.js` and the other files of [`web_app`], `/config.json` | this pool only: a page to sign in with |
//! | `GET /messages` | this pool only: what Cognito would have sent by email or SMS, codes included |
//!
//! Callers are not authenticated, not even for the operations that start with `Admin`: this pool holds only test users. Web pages
//! call where [`WebPages`] lets them, and are answered as by Cognito (CORS).

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use serde_json::{Value, json};
use shared::settings::Policy;
use tokio::net::TcpListener;

use crate::aws;
use crate::error::CognitoError;
use crate::random;
use crate::service::Service;
use crate::state::message::Message;
use crate::web_app;
use crate::web_pages::WebPages;

const BODY_LIMIT: usize = 256 * 1024;
const TARGET_PREFIX: &str = "AWSCognitoIdentityProviderService.";
/// What Cognito answers where a firewall in front of it refuses a request.
const FORBIDDEN: &str = "ForbiddenException";
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// Serves requests until the future is dropped.
pub async fn serve(listener: TcpListener, service: Arc<Service>, web_pages: WebPages) -> io::Result<()> {
    let router = Router::new()
        .route("/", post(operation).options(preflight))
        .route("/2015-03-31/{*path}", any(lambda))
        .route("/{user_pool_id}/.well-known/jwks.json", get(jwks))
        .route("/{user_pool_id}/.well-known/openid-configuration", get(openid_configuration))
        .route("/config.json", get(page_config))
        .route("/messages", get(messages))
        .merge(web_app::files())
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(Arc::new(web_pages), answer))
        .with_state(service);
    axum::serve(listener, router).await
}

async fn operation(State(service): State<Arc<Service>>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(response) = aws::answer(&service, &headers, &body) {
        service.save();
        return response;
    }
    match call(&service, &headers, &body).await {
        Ok(answer) => json_response(StatusCode::OK, &answer),
        Err(error) => error_response(&error),
    }
}

async fn call(service: &Service, headers: &HeaderMap, body: &[u8]) -> Result<Value, CognitoError> {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix(TARGET_PREFIX).unwrap_or_default();
    let body = serde_json::from_slice(body)
        .map_err(|_| CognitoError::new("SerializationException", "The body is not JSON"))?;
    let region = region(headers).unwrap_or_else(|| service.first().settings().region.clone());
    service.call(&region, operation, body).await
}

/// The region that a request was signed for: `Credential=KEY/DATE/REGION/cognito-idp/aws4_request`.
fn region(headers: &HeaderMap) -> Option<String> {
    let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (_, scope) = authorization.split_once("Credential=")?;
    scope.split(',').next()?.split('/').nth(2).map(str::to_owned)
}

async fn lambda(
    State(service): State<Arc<Service>>,
    method: Method,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let response = aws::answer_lambda(&service, &method, &path, &headers, &body).await;
    service.save();
    response
}

async fn preflight() -> StatusCode {
    StatusCode::NO_CONTENT
}

async fn jwks(State(service): State<Arc<Service>>, Path(user_pool_id): Path<String>) -> Response {
    match service.pool(&user_pool_id) {
        Some(pool) => json_response(StatusCode::OK, &pool.jwks()),
        None => no_such_pool(&user_pool_id),
    }
}

/// As Cognito's: what a verifier of tokens needs.
async fn openid_configuration(State(service): State<Arc<Service>>, Path(user_pool_id): Path<String>) -> Response {
    match service.pool(&user_pool_id) {
        Some(pool) => json_response(StatusCode::OK, &pool.openid_configuration()),
        None => no_such_pool(&user_pool_id),
    }
}

fn no_such_pool(user_pool_id: &str) -> Response {
    error_response(&CognitoError::resource_not_found(format!("User pool {user_pool_id} does not exist.")))
}

async fn page_config(State(service): State<Arc<Service>>) -> Response {
    let policy = service.functions().map(|functions| functions.settings().sign_in.policy());
    web_app::config(service.first(), policy == Some(Policy::Optional)).into_response()
}

async fn messages(State(service): State<Arc<Service>>) -> Response {
    let messages: Value = service.messages().iter().map(Message::to_json).collect();
    json_response(StatusCode::OK, &messages)
}

fn error_response(error: &CognitoError) -> Response {
    let status = match error.is_internal() {
        true => StatusCode::INTERNAL_SERVER_ERROR,
        false => StatusCode::BAD_REQUEST,
    };
    let mut response = json_response(status, &json!({ "__type": error.kind, "message": error.message }));
    response.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(error.kind));
    response
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    let content_type = [(header::CONTENT_TYPE, "application/x-amz-json-1.1")];
    (status, content_type, body.to_string()).into_response()
}

/// Refuses the pages that may not call, and answers the others as Cognito does, except that it answers every page with `*`.
async fn answer(State(web_pages): State<Arc<WebPages>>, request: Request, next: Next) -> Response {
    let (mut response, origin) = match web_pages.check(request.headers()) {
        Ok(origin) => (next.run(request).await, origin),
        Err(why) => {
            let refusal = json!({ "__type": FORBIDDEN, "message": why });
            let mut response = json_response(StatusCode::FORBIDDEN, &refusal);
            response.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(FORBIDDEN));
            (response, None)
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
            // The wildcard does not cover Authorization.
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "*, Authorization"),
            (header::ACCESS_CONTROL_EXPOSE_HEADERS, "x-amzn-requestid, x-amzn-errortype, x-amzn-errormessage, date"),
            (header::ACCESS_CONTROL_MAX_AGE, "600"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    let request_id = random::uuid().ok().and_then(|id| HeaderValue::try_from(id.to_string()).ok());
    headers.extend(request_id.map(|id| (REQUEST_ID, id)));
    response
}
