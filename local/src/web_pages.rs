//! Which web pages may call the pool. A browser lets any page send requests to this machine, and names the page in `Origin`; where
//! the page's own host name was pointed at this machine meanwhile (DNS rebinding), it still names that host in `Host`.
//!
//! Invariant: no request passes whose `Host` is not this machine, or whose `Origin` is neither the pool's own nor allowed. Programs
//! send no `Origin`, and pass.
//!
//! Source: the Fetch standard, "`Origin` header" and "CORS protocol"; RFC 6454 section 7.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri, header};

/// Refusals that are reported; a page that makes up host names does not fill a terminal.
const REPORTED: usize = 20;

/// The origin of a web page, such as `http://localhost:5173`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl FromStr for Origin {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let problem = || "an origin is expected, such as http://localhost:5173, without a path".to_owned();
        let uri: Uri = given.parse().map_err(|_| problem())?;
        let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"));
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        // A URI without a path has the path `/`, but does not end with it.
        let (Some(scheme), Some(authority), false) = (scheme, authority, given.ends_with('/')) else {
            return Err(problem());
        };
        if uri.path() != "/" || uri.query().is_some() {
            return Err(problem());
        }
        // As a browser writes it: without the scheme's own port.
        let own_port = if scheme == "http" { ":80" } else { ":443" };
        let authority = authority.as_str().to_ascii_lowercase();
        let authority = authority.strip_suffix(own_port).unwrap_or(&authority);
        Ok(Self(format!("{scheme}://{authority}")))
    }
}

/// Which web pages may call the pool, and which refusals have been reported on stderr.
pub struct WebPages {
    allowed: Vec<Origin>,
    report: Box<dyn Fn(&str) + Send + Sync>,
    reported: Mutex<BTreeSet<String>>,
}

impl Default for WebPages {
    /// No page but the pool's own.
    fn default() -> Self {
        Self::allowed(Vec::new(), |_| {})
    }
}

impl WebPages {
    /// The pages of these origins; `report` receives why another one was refused, once for each.
    pub fn allowed(allowed: Vec<Origin>, report: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { allowed, report: Box::new(report), reported: Mutex::default() }
    }

    /// The origin to answer with, where a page calls; an error is the sentence that says why it must not.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, String> {
        let checked = self.origin_of(headers);
        if let Err(why) = &checked {
            let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
            if reported.len() < REPORTED && reported.insert(why.clone()) {
                (self.report)(why);
            }
        }
        checked
    }

    fn origin_of(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, String> {
        let host = headers.get(header::HOST).map(|host| host.to_str().unwrap_or_default());
        if let Some(host) = host.filter(|host| !is_this_machine(host)) {
            return Err(format!(
                "The Host \"{}\" is not this machine. Call the pool as 127.0.0.1 or localhost; --allow-origin is for web pages, not for this.",
                host.escape_debug()
            ));
        }
        let Some(value) = headers.get(header::ORIGIN) else { return Ok(None) };
        let origin = value.to_str().unwrap_or_default();
        let is_own = host.is_some_and(|host| origin.strip_prefix("http://") == Some(host));
        if is_own || self.allowed.iter().any(|allowed| allowed.0 == origin) {
            return Ok(Some(value.clone()));
        }
        let may_not = format!("Web pages of the origin \"{}\" may not call this pool.", origin.escape_debug());
        Err(match origin.parse::<Origin>() {
            Ok(Origin(origin)) => format!("{may_not} To let them, start it with --allow-origin {origin}"),
            // Every file and every sandboxed frame of any page has the origin `null`.
            Err(_) => {
                format!("{may_not} Serve the app over HTTP, and start the pool with its origin as --allow-origin")
            }
        })
    }
}

/// A loopback address, `localhost`, or a name below it, which browsers resolve themselves.
fn is_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_local = name == "localhost" || name.ends_with(".localhost");
    !host.contains('@') && (is_local || address.is_ok_and(|address| address.is_loopback()))
}
