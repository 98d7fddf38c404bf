//! Which paths are there, and what can each of them be asked?

use axum::{
    Router,
    handler::Handler,
    response::{IntoResponse as _, Response},
    routing::{MethodFilter, MethodRouter},
};
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::error::Refusal;

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
    served: Vec<Route>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), served: Vec::new() }
    }

    /// These, and one more.
    pub(crate) fn route(mut self, path: &'static str, resource: Resource<S>) -> Self {
        let (methods, router) = resource.into_methods();
        self.served.push(Route { path, methods });
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
}

impl Routes<()> {
    /// What answers at these paths.
    pub(crate) fn into_router(self) -> Router {
        self.router
    }

    /// The paths.
    pub(crate) fn into_served(self) -> Vec<Route> {
        self.served
    }
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
