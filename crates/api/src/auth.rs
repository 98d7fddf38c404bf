//! Who is asking, and may they?
//!
//! A handler that needs permission takes it as an extractor: [`May`] is only ever held by
//! somebody who has it, and is the only way to learn which workspace a request looks at.

mod guard;
mod known;
mod place;

use std::{marker::PhantomData, net::IpAddr, sync::Arc};

use axum::extract::{FromRequestParts, State};
use hooks::{
    access::{Action, By, Caller, FirstToken, Role, Who},
    handler::Secrets,
    id::TokenId,
    name::{Scope, Workspace},
    ports::{Clock, TokenStore},
};
use http::{HeaderMap, Method, header, request::Parts};

use self::{guard::Guard, place::Place};
use crate::{error::Refusal, routing::Entrance};

/// Who may come in.
#[derive(Clone)]
pub struct Auth(Option<Arc<Guard>>);

/// Where a request comes from: an extension that whoever takes connections adds to it. Headers can
/// say anything, and are not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl Auth {
    /// Everybody is an admin, and tokens are not looked at: for a process that nobody reaches but
    /// those on its own machine.
    pub fn open() -> Self {
        Self(None)
    }

    /// The holder of `first` is an admin, the holders of `tokens` are what those say, and nobody
    /// else comes in.
    pub fn guarded(
        first: Arc<dyn FirstToken>,
        tokens: Arc<dyn TokenStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Some(Arc::new(Guard::new(first, tokens, clock))))
    }

    /// Is everybody an admin?
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_none()
    }

    async fn admit(&self, headers: &HeaderMap, at: Option<IpAddr>) -> Result<Holder, Refusal> {
        let Some(guard) = &self.0 else {
            return Ok(Holder { who: Who::Anybody, caller: Caller::admin() });
        };
        let token = shown(headers).ok_or(Refusal::Unauthenticated)?;
        guard.admit(token, Place::of(at)).await
    }
}

/// Somebody whose token is known.
#[derive(Debug, PartialEq, Eq)]
struct Holder {
    who: Who,
    caller: Caller,
}

impl Holder {
    /// What they are called when they are refused something.
    fn name(self) -> String {
        match self.who {
            Who::Holder { name, .. } => name,
            Who::First | Who::Anybody => "admin".to_owned(),
        }
    }
}

/// The token that a request shows, in the gateway's header or the usual one.
fn shown(headers: &HeaderMap) -> Option<&str> {
    if let Some(token) = headers.get("kong-admin-token") {
        return token.to_str().ok();
    }
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Something that needs permission.
pub(crate) trait Deed: Send + Sync {
    /// What it is.
    const ACTION: Action;
    /// Does it concern all workspaces, whichever the request names?
    const EVERYWHERE: bool = false;
}

macro_rules! deed {
    ($($(#[$doc:meta])* $name:ident = $action:ident $($everywhere:ident)?),+ $(,)?) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name;
            impl Deed for $name {
                const ACTION: Action = Action::$action;
                $(const $everywhere: bool = true;)?
            }
        )+
    };
}

deed! {
    /// To look.
    ToRead = Read,
    /// To change hooks, run them, or send deliveries again.
    ToWrite = Write,
    /// To see to what could not be processed, whose ever it is.
    ToMend = Write EVERYWHERE,
    /// To give tokens out, take them back, and see who has one.
    ToGrant = Write EVERYWHERE,
    /// To publish sources.
    ToPublish = Publish,
    /// To post events.
    ToEmit = Emit,
}

/// What somebody needs who asks for something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needs {
    action: Action,
    is_everywhere: bool,
}

impl Needs {
    /// What this deed needs.
    pub(crate) const fn of<D: Deed>() -> Self {
        Self { action: D::ACTION, is_everywhere: D::EVERYWHERE }
    }

    /// The roles that have it.
    pub(crate) fn roles(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| {
            let caller = Caller { role: *role, workspaces: Vec::new() };
            caller.may(self.action, &Scope::All)
        })
    }

    /// Must their token be good in every workspace?
    pub(crate) fn is_everywhere(self) -> bool {
        self.is_everywhere
    }
}

/// The arguments of a handler, which say what it needs: those that ask for permission have it in
/// front.
pub(crate) trait Asks {
    /// It, if they ask for any.
    const NEEDS: Option<Needs>;
}

macro_rules! asks {
    ($(($($other:ident),*)),+) => {
        $(
            impl<M, D: Deed, $($other),*> Asks for (M, May<D>, $($other),*) {
                const NEEDS: Option<Needs> = Some(Needs::of::<D>());
            }

            impl<M, T, $($other),*> Asks for (M, State<T>, $($other),*) {
                const NEEDS: Option<Needs> = None;
            }
        )+
    };
}

asks!((), (A), (A, B), (A, B, C));

impl Asks for ((),) {
    const NEEDS: Option<Needs> = None;
}

/// Permission to do something, somewhere.
pub(crate) struct May<D> {
    role: Role,
    is_tied: bool,
    by: By,
    entrance: Entrance,
    deed: PhantomData<D>,
}

impl<D> May<D> {
    /// Who has it.
    pub(crate) fn by(&self) -> &By {
        &self.by
    }

    /// The workspace of the request.
    pub(crate) fn workspace(&self) -> &Workspace {
        &self.entrance.workspace
    }

    /// What the request looks at.
    pub(crate) fn scope(&self) -> Scope {
        Scope::of(&self.entrance.workspace)
    }

    /// Is the caller's token good in some workspaces only?
    pub(crate) fn is_tied(&self) -> bool {
        self.is_tied
    }

    /// May the answer show secrets?
    pub(crate) fn secrets(&self) -> Secrets {
        if self.role == Role::Admin { Secrets::Shown } else { Secrets::Hidden }
    }

    /// The path of a route as this caller reaches it, with the prefix they used.
    pub(crate) fn path(&self, route: &str) -> String {
        self.entrance.path(route)
    }

    /// The same, seen from the path that the request was sent to: whatever stands in front of our
    /// paths is kept.
    pub(crate) fn relative(&self, route: &str) -> String {
        self.entrance.relative(route)
    }
}

impl May<ToGrant> {
    /// A token was taken back: here, it is not trusted for any longer.
    pub(crate) fn forget(&self, token: TokenId) {
        if let Some(guard) = &self.entrance.auth.0 {
            guard.forget(token);
        }
    }
}

impl<D: Deed, S: Sync> FromRequestParts<S> for May<D> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let Some(entrance) = parts.extensions.get::<Entrance>().cloned() else {
            return Err(Refusal::unexpected(&"a route without an entrance"));
        };
        let address = parts.extensions.get::<ClientAddress>().map(|it| it.0);
        let holder = entrance.auth.admit(&parts.headers, address).await?;
        let is_tied = !holder.caller.workspaces.is_empty();
        let is_elsewhere = D::EVERYWHERE && is_tied;
        if is_elsewhere || !holder.caller.may(D::ACTION, &Scope::of(&entrance.workspace)) {
            return Err(Refusal::Forbidden { name: holder.name(), verb: verb(&parts.method) });
        }
        let by = By { who: holder.who, address };
        Ok(Self { role: holder.caller.role, is_tied, by, entrance, deed: PhantomData })
    }
}

/// What a method does, as the gateway's permissions name it.
fn verb(method: &Method) -> &'static str {
    match *method {
        Method::POST => "create",
        Method::PUT | Method::PATCH => "update",
        Method::DELETE => "delete",
        _ => "read",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_in_either_header() {
        for (name, headers, expected) in [
            ("none", &[][..], None),
            ("the gateway's", &[("kong-admin-token", "t")], Some("t")),
            ("the usual one", &[("authorization", "Bearer t")], Some("t")),
            ("in small letters", &[("authorization", "bearer t")], Some("t")),
            ("another scheme", &[("authorization", "Basic t")], None),
            ("no scheme", &[("authorization", "t")], None),
            ("both", &[("kong-admin-token", "a"), ("authorization", "Bearer b")], Some("a")),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, value.parse().unwrap());
            }
            assert_eq!(shown(&map), expected, "{name}");
        }
    }
}
