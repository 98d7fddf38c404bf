//! Which paths are there, and what can each of them be asked?
//!
//! A handler is registered together with what `GET /openapi.json` says of it: there is no other
//! way. Which permission it asks for is read off its own type; where that depends on the request,
//! and the type does not have it, the description says it (`POST /events`).

use axum::{
    Router,
    handler::Handler,
    response::{IntoResponse as _, Response},
    routing::{MethodFilter, MethodRouter},
};
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::{
    auth::Asks,
    error::Refusal,
    openapi::{Describe, Described},
};

/// A path that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Without a workspace, and with names in braces for what varies.
    pub path: &'static str,
    /// What it can be asked, in order: `DELETE`, `GET`, `HEAD`, `OPTIONS`…
    pub methods: Vec<&'static str>,
}

/// Paths with what they can be asked.
pub(crate) struct Routes<S> {
    router: Router<S>,
    served: Vec<Served>,
}

/// A path that is served, with what is said of it.
pub(crate) struct Served {
    /// The path, and what it can be asked.
    pub(crate) route: Route,
    /// What each method does, but for HEAD and OPTIONS, which every path has.
    pub(crate) described: Vec<Described>,
    /// The path that this one is another name of.
    pub(crate) same_as: Option<&'static str>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), served: Vec::new() }
    }

    /// These, and one more.
    pub(crate) fn route(self, path: &'static str, resource: Resource<S>) -> Self {
        self.add(path, resource, None)
    }

    /// These, and another name for one of them.
    pub(crate) fn same(
        self,
        path: &'static str,
        as_path: &'static str,
        resource: Resource<S>,
    ) -> Self {
        self.add(path, resource, Some(as_path))
    }

    fn add(
        mut self,
        path: &'static str,
        mut resource: Resource<S>,
        same_as: Option<&'static str>,
    ) -> Self {
        let described = std::mem::take(&mut resource.described);
        let (methods, router) = resource.into_methods();
        self.served.push(Served { route: Route { path, methods }, described, same_as });
        Self { router: self.router.route(path, router), ..self }
    }

    /// These, and those.
    pub(crate) fn merge(mut self, others: Self) -> Self {
        self.served.extend(others.served);
        Self { router: self.router.merge(others.router), ..self }
    }

    /// These, over what stands behind them.
    pub(crate) fn with_state(self, state: S) -> Routes<()> {
        Routes { router: self.router.with_state(state), served: self.served }
    }

    /// The paths, whatever stands behind them.
    pub(crate) fn into_served(self) -> Vec<Served> {
        self.served
    }
}

impl Routes<()> {
    /// What answers at these paths.
    pub(crate) fn into_router(self) -> Router {
        self.router
    }
}

/// What one path can be asked. It answers OPTIONS, and 405 to everything that it was not told.
pub(crate) struct Resource<S> {
    methods: MethodRouter<S>,
    allowed: Vec<&'static str>,
    described: Vec<Described>,
}

impl<S: Clone + Send + Sync + 'static> Resource<S> {
    /// A path that can be asked for its options, and nothing else yet.
    pub(crate) fn new() -> Self {
        Self { methods: MethodRouter::new(), allowed: vec!["OPTIONS"], described: Vec::new() }
    }

    /// GET of something that is done by asking for it, so that there is no HEAD.
    pub(crate) fn get_alone<H: Handler<T, S>, T: Asks + 'static>(
        self,
        handler: H,
        describe: Describe,
    ) -> Self {
        self.on(MethodFilter::GET, "GET", handler, describe)
    }

    /// GET, and HEAD with it.
    pub(crate) fn get<H: Handler<T, S>, T: Asks + 'static>(
        mut self,
        handler: H,
        describe: Describe,
    ) -> Self {
        self.allowed.push("HEAD");
        self.on(MethodFilter::GET, "GET", handler, describe)
    }

    /// POST
    pub(crate) fn post<H: Handler<T, S>, T: Asks + 'static>(
        self,
        handler: H,
        describe: Describe,
    ) -> Self {
        self.on(MethodFilter::POST, "POST", handler, describe)
    }

    /// PUT
    pub(crate) fn put<H: Handler<T, S>, T: Asks + 'static>(
        self,
        handler: H,
        describe: Describe,
    ) -> Self {
        self.on(MethodFilter::PUT, "PUT", handler, describe)
    }

    /// PATCH
    pub(crate) fn patch<H: Handler<T, S>, T: Asks + 'static>(
        self,
        handler: H,
        describe: Describe,
    ) -> Self {
        self.on(MethodFilter::PATCH, "PATCH", handler, describe)
    }

    /// DELETE
    pub(crate) fn delete<H: Handler<T, S>, T: Asks + 'static>(
        self,
        handler: H,
        describe: Describe,
    ) -> Self {
        self.on(MethodFilter::DELETE, "DELETE", handler, describe)
    }

    fn on<H: Handler<T, S>, T: Asks + 'static>(
        mut self,
        filter: MethodFilter,
        method: &'static str,
        handler: H,
        describe: Describe,
    ) -> Self {
        self.allowed.push(method);
        self.described.push(Described { method, needs: T::NEEDS, describe });
        Self { methods: self.methods.on(filter, handler), ..self }
    }

    /// The methods by their names, and all of it for a router.
    fn into_methods(mut self) -> (Vec<&'static str>, MethodRouter<S>) {
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
        (self.allowed, methods.fallback(refuse()))
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
