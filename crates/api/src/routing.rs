//! Which route is meant? Workspace prefixes and trailing slashes.
//!
//! A prefix counts only before a known route: `/team/events` is `POST /events` in the workspace
//! `team`, `/events/events` is nothing. `/default/…` is the same as no prefix. Characters that need
//! no percent-encoding mean the same with it: `/%74eam/events` too is in `team`.

use std::{any::Any, borrow::Cow, panic::AssertUnwindSafe};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use futures_util::FutureExt as _;
use hooks::name::Workspace;
use http::Uri;
use tower::Layer as _;

use crate::{
    auth::Auth,
    browser,
    error::Refusal,
    resource::Routes,
    wire::arguments::{ArgumentsError, MOST_ARGUMENTS},
};

/// Where routes begin. No workspace can be called so, whether or not this release has the route.
const ROOTS: [&str; 7] =
    ["event-hooks", "events", "poison", "status", "tokens", "openapi.json", "metrics"];

/// The way a request came in.
#[derive(Clone)]
pub(crate) struct Entrance {
    /// Who may come in.
    pub(crate) auth: Auth,
    /// The workspace of its prefix.
    pub(crate) workspace: Workspace,
    has_prefix: bool,
    trailing_slashes: usize,
}

impl Entrance {
    /// The path of a route, with the prefix that was used.
    pub(crate) fn path(&self, route: &str) -> String {
        if self.has_prefix { format!("/{}{route}", self.workspace) } else { route.to_owned() }
    }

    /// Another route, as seen from a route of one name: `events/explain` from `events`.
    pub(crate) fn relative(&self, route: &str) -> String {
        format!("{}{route}", "../".repeat(self.trailing_slashes))
    }
}

/// Can a workspace of this name be put in front of a route, and be told from one?
pub(crate) fn is_prefix(name: &str) -> bool {
    not_prefixes().all(|it| it != name)
}

/// The names that are none, although they look like names of workspaces.
pub(crate) fn not_prefixes() -> impl Iterator<Item = &'static str> {
    ROOTS.into_iter().chain([".", ".."])
}

/// Opens routes to the world: whatever comes, an answer goes out.
pub(crate) fn open(routes: Routes<()>, auth: Auth) -> Router {
    let routes = routes.into_router().fallback(|| async { Refusal::NotFound });
    // Middleware of a router runs after its routing: the path is rewritten in front of it.
    let rewritten = middleware::from_fn_with_state(auth, enter).layer(routes);
    Router::new().fallback_service(rewritten)
}

async fn enter(State(auth): State<Auth>, request: Request, next: Next) -> Response {
    let request = match admit(auth, request) {
        Ok(request) => request,
        Err(refusal) => return refusal.into_response(),
    };
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => Refusal::unexpected(&message(panic.as_ref())).into_response(),
    }
}

fn admit(auth: Auth, mut request: Request) -> Result<Request, Refusal> {
    if auth.is_open() {
        browser::refuse_foreign_page(request.headers(), request.uri())?;
    }
    let arguments = request.uri().query().map_or(0, |it| it.split('&').count());
    if arguments > MOST_ARGUMENTS {
        return Err(ArgumentsError::TooMany.into());
    }
    let path = request.uri().path();
    if percent_encoding::percent_decode_str(path).decode_utf8().is_err() {
        return Err(Refusal::bad_request("the path is not valid UTF-8"));
    }
    let normal = normal(path);
    let (prefix, route) = split(&normal);
    let entrance = Entrance {
        auth,
        has_prefix: prefix.is_some(),
        trailing_slashes: path.len() - path.trim_end_matches('/').len(),
        workspace: prefix.unwrap_or_else(Workspace::default_workspace),
    };
    if route != path {
        let uri = with_path(request.uri(), route)?;
        *request.uri_mut() = uri;
    }
    request.extensions_mut().insert(entrance);
    Ok(request)
}

/// A path without the percent-encoding that it does not need (RFC 3986, 6.2.2.2).
fn normal(path: &str) -> Cow<'_, str> {
    let unreserved = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let encoded = |text: &str| {
        let digits = text.get(..2).filter(|it| it.bytes().all(|it| it.is_ascii_hexdigit()))?;
        u8::from_str_radix(digits, 16).ok().filter(unreserved)
    };
    let mut pieces = path.split('%');
    let mut normal = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match encoded(piece) {
            Some(byte) => {
                normal.push(char::from(byte));
                normal.push_str(&piece[2..]);
            }
            None => normal.extend(["%", piece]),
        }
    }
    if normal == path { Cow::Borrowed(path) } else { Cow::Owned(normal) }
}

/// The workspace in front of a known route, and the route without its trailing slashes.
fn split(path: &str) -> (Option<Workspace>, &str) {
    let trimmed = path.trim_end_matches('/');
    let route = if trimmed.is_empty() { "/" } else { trimmed };
    let prefixed = || {
        let (first, rest) = route.strip_prefix('/')?.split_once('/')?;
        let root = rest.split('/').next()?;
        let is_before_a_route = ROOTS.contains(&root) && is_prefix(first);
        let workspace = Workspace::parse(first).ok().filter(|_| is_before_a_route)?;
        Some((Some(workspace), &route[first.len() + 1..]))
    };
    prefixed().unwrap_or((None, route))
}

fn with_path(uri: &Uri, path: &str) -> Result<Uri, Refusal> {
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    target.parse().map_err(|_| Refusal::NotFound)
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_no_encoding_means_the_same_with_it() {
        for (name, path, expected) in [
            ("nothing encoded", "/team/events", "/team/events"),
            ("all that needs none", "/%61%5A%39%2d%2E%5f%7e", "/aZ9-._~"),
            ("what needs it", "/a%2Fb%3A%25%20%C3%A4", "/a%2Fb%3A%25%20%C3%A4"),
            ("once only", "/%2565vents", "/%2565vents"),
            ("what encodes nothing", "/%/%4/%zz/%+1", "/%/%4/%zz/%+1"),
            ("beside other characters", "/%6ä%", "/%6ä%"),
        ] {
            assert_eq!(normal(path), expected, "{name}");
        }
    }

    #[test]
    fn a_prefix_counts_only_before_a_known_route() {
        for (name, path, workspace, route) in [
            ("no prefix", "/events", None, "/events"),
            ("a prefix", "/team/events", Some("team"), "/events"),
            ("the default prefix", "/default/event-hooks/x", Some("default"), "/event-hooks/x"),
            ("a trailing slash", "/event-hooks/", None, "/event-hooks"),
            ("several, after a prefix", "/team/events//", Some("team"), "/events"),
            ("a route that another release has", "/team/tokens", Some("team"), "/tokens"),
            ("a route for a prefix", "/events/events", None, "/events/events"),
            ("another route for a prefix", "/poison/events", None, "/poison/events"),
            ("two prefixes", "/a/b/events", None, "/a/b/events"),
            ("an unknown route", "/team/other", None, "/team/other"),
            ("a workspace that is none", "/te%20am/events", None, "/te%20am/events"),
            ("up", "/../events", None, "/../events"),
            ("an empty prefix", "//events", None, "//events"),
            ("the root", "/", None, "/"),
            ("nothing", "", None, "/"),
        ] {
            let (found, rest) = split(path);
            assert_eq!(found.as_ref().map(Workspace::as_str), workspace, "{name}");
            assert_eq!(rest, route, "{name}");
        }
    }
}
