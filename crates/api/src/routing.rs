//! Which route is meant? Workspace prefixes, trailing slashes, and what a path can be asked.
//!
//! A prefix counts only before a known route: `/team/events` is `POST /events` in the workspace
//! `team`, `/events/events` is nothing. `/default/…` is the same as no prefix. Characters that need
//! no percent-encoding mean the same with it: `/%74eam/events` too is in `team`.

use std::{any::Any, borrow::Cow, panic::AssertUnwindSafe};

use axum::{
    Router,
    extract::{Request, State},
    handler::Handler,
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{MethodFilter, MethodRouter},
};
use futures_util::FutureExt as _;
use hooks::name::Workspace;
use http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use tower::Layer as _;

use crate::{
    auth::Auth,
    browser,
    error::Refusal,
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
}

impl Entrance {
    /// The path of a route, with the prefix that was used.
    pub(crate) fn path(&self, route: &str) -> String {
        if self.has_prefix { format!("/{}{route}", self.workspace) } else { route.to_owned() }
    }
}

/// Opens routes to the world: whatever comes, an answer goes out.
pub(crate) fn open(routes: Router, auth: Auth) -> Router {
    let routes = routes.fallback(|| async { Refusal::NotFound });
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
        let is_prefix = ROOTS.contains(&root) && !ROOTS.contains(&first) && first != "..";
        let workspace = Workspace::parse(first).ok().filter(|_| is_prefix && first != ".")?;
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

/// What one path can be asked. It answers OPTIONS, and 405 to everything that it was not told.
pub(crate) struct Resource<S> {
    methods: MethodRouter<S>,
    allowed: Vec<&'static str>,
}

impl<S: Clone + Send + Sync + 'static> Resource<S> {
    /// A path that can be asked for its options, and nothing else yet.
    pub(crate) fn new() -> Self {
        Self { methods: MethodRouter::new(), allowed: vec!["OPTIONS"] }
    }

    /// GET of something that is done by asking for it, so that there is no HEAD.
    pub(crate) fn get_alone<H: Handler<T, S>, T: 'static>(self, handler: H) -> Self {
        self.on(MethodFilter::GET, "GET", handler)
    }

    /// GET, and HEAD with it.
    pub(crate) fn get<H: Handler<T, S>, T: 'static>(mut self, handler: H) -> Self {
        self.allowed.push("HEAD");
        self.on(MethodFilter::GET, "GET", handler)
    }

    /// POST
    pub(crate) fn post<H: Handler<T, S>, T: 'static>(self, handler: H) -> Self {
        self.on(MethodFilter::POST, "POST", handler)
    }

    /// PUT
    pub(crate) fn put<H: Handler<T, S>, T: 'static>(self, handler: H) -> Self {
        self.on(MethodFilter::PUT, "PUT", handler)
    }

    /// PATCH
    pub(crate) fn patch<H: Handler<T, S>, T: 'static>(self, handler: H) -> Self {
        self.on(MethodFilter::PATCH, "PATCH", handler)
    }

    /// DELETE
    pub(crate) fn delete<H: Handler<T, S>, T: 'static>(self, handler: H) -> Self {
        self.on(MethodFilter::DELETE, "DELETE", handler)
    }

    fn on<H: Handler<T, S>, T: 'static>(
        mut self,
        filter: MethodFilter,
        name: &'static str,
        handler: H,
    ) -> Self {
        self.allowed.push(name);
        Self { methods: self.methods.on(filter, handler), ..self }
    }

    /// All of it, for a router.
    pub(crate) fn into_methods(mut self) -> MethodRouter<S> {
        self.allowed.sort_unstable();
        let allow = HeaderValue::from_str(&self.allowed.join(", ")).expect("methods are visible");
        let options = allow.clone();
        let refuse = || {
            let allow = allow.clone();
            move || async move { Refusal::MethodNotAllowed { allow } }
        };
        let mut methods =
            self.methods.on(MethodFilter::OPTIONS, move || async move { may_be_asked(options) });
        if !self.allowed.contains(&"HEAD") {
            // Otherwise a GET answers it.
            methods = methods.on(MethodFilter::HEAD, refuse());
        }
        methods.fallback(refuse())
    }
}

fn may_be_asked(methods: HeaderValue) -> Response {
    const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("Content-Type");
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::ALLOW, methods.clone()),
        (header::ACCESS_CONTROL_ALLOW_METHODS, methods),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, CONTENT_TYPE),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
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
