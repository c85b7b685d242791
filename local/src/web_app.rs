//! The sign-in page of `clients/web`, from files in this binary, so that nobody needs Node.js to see it.
//!
//! Invariant: the page loads nothing from elsewhere, sends nothing elsewhere, and is kept by no cache.
//! Source: Content Security Policy Level 3; Trusted Types.

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::json;

use crate::pool::Pool;

macro_rules! built {
    ($path:literal, $file:literal, $content_type:literal) => {
        ($path, $content_type, include_bytes!(concat!("../../clients/web/dist/", $file)).as_slice())
    };
}

/// Path, content type and content.
const FILES: [(&str, &str, &[u8]); 10] = [
    built!("/", "index.html", "text/html; charset=utf-8"),
    built!("/app.js", "app.js", "text/javascript; charset=utf-8"),
    built!("/app.css", "app.css", "text/css; charset=utf-8"),
    built!("/qr.js", "qr.js", "text/javascript; charset=utf-8"),
    built!("/messages.js", "messages.js", "text/javascript; charset=utf-8"),
    built!("/en.js", "en.js", "text/javascript; charset=utf-8"),
    built!("/de.js", "de.js", "text/javascript; charset=utf-8"),
    built!("/ja.js", "ja.js", "text/javascript; charset=utf-8"),
    built!("/zh.js", "zh.js", "text/javascript; charset=utf-8"),
    built!("/licenses.md", "licenses.md", "text/markdown; charset=utf-8"),
];

/// `docs/page.md` has the same for a static host; its `connect-src` names Cognito in addition.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
];

/// The files of the page. Its `config.json` is [`config`].
pub(crate) fn files<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.into_iter().fold(Router::new(), |router, (path, content_type, content)| {
        router.route(path, get(move || async move { file(content_type, content) }))
    })
}

fn file(content_type: &'static str, content: impl IntoResponse) -> impl IntoResponse {
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static(content_type))];
    (content_type, HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))), content)
}

/// What the page needs to know of the pool that serves it. `optional` is whether users may do without a second factor.
pub(crate) fn config(pool: &Pool, optional: bool) -> impl IntoResponse {
    let client_id = pool.first_client().map(|client| client.client_id);
    let configuration = &pool.state().configuration;
    let config = json!({
        "userPoolId": pool.settings().user_pool_id,
        "userPoolClientId": client_id,
        "userPoolEndpoint": "/",
        "support": "support@example.com",
        "selfSignUp": !configuration.only_operators_create_users,
        "passwordLength": configuration.password_policy.minimum_length,
        "optional": optional,
        "local": true,
    });
    file("application/json", config.to_string())
}
