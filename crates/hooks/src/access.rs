//! Who may do what: tokens, roles, and the workspaces they are tied to.

use std::{fmt, net::IpAddr};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    id::TokenId,
    name::{Scope, Workspace},
    ports::PortResult,
    time::Timestamp,
};

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Everything.
    Admin,
    /// To look.
    ReadOnly,
    /// To post events and publish sources.
    Emitter,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Admin, Self::ReadOnly, Self::Emitter];

    /// The role of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// The name that the admin API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::ReadOnly => "read-only",
            Self::Emitter => "emitter",
        }
    }
}

/// A token as it is kept: by its hash, never as itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its name in the admin API.
    pub id: TokenId,
    /// Its name for people.
    pub name: String,
    /// The hash of what the caller shows.
    pub hash: TokenHash,
    /// What it allows.
    pub role: Role,
    /// Where it allows it; everywhere, when empty.
    pub workspaces: Vec<Workspace>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The SHA-256 of a token. Tokens are long and random, so a fast hash serves.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenHash(String);

impl TokenHash {
    /// The hash of a token as the caller shows it.
    pub fn of(token: &str) -> Self {
        Self(sha256(token))
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The SHA-256 of a text, in hexadecimal digits.
pub(crate) fn sha256(text: &str) -> String {
    use fmt::Write;
    let mut digits = String::with_capacity(64);
    for byte in Sha256::digest(text) {
        write!(digits, "{byte:02x}").expect("writing to a String cannot fail");
    }
    digits
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "TokenHash({}…)", self.0.get(..8).unwrap_or_default())
    }
}

/// The token that is there before all others, and gives them out: its holder may do everything.
///
/// **Promise:** when another one has taken its place, that is known within ten seconds.
#[async_trait]
pub trait FirstToken: Send + Sync {
    /// Its hash; where there is `None`, nobody holds it. An error says that it cannot be told now
    /// who does.
    async fn hash(&self) -> PortResult<Option<TokenHash>>;
}

/// A first token that never changes.
#[async_trait]
impl FirstToken for TokenHash {
    async fn hash(&self) -> PortResult<Option<TokenHash>> {
        Ok(Some(self.clone()))
    }
}

/// Who does something, for those who ask later.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct By {
    /// What they showed.
    pub who: Who,
    /// Where they are, as far as that can be told.
    pub address: Option<IpAddr>,
}

/// As whom somebody does something.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Who {
    /// As anybody: no token is configured, and none is asked for.
    #[default]
    Anybody,
    /// As the holder of the first token.
    First,
    /// As the holder of a token.
    Holder {
        /// The token's id.
        id: TokenId,
        /// The token's name.
        name: String,
    },
}

impl Who {
    /// What is said of them: `anybody`, `first_token` or `token`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Anybody => "anybody",
            Self::First => "first_token",
            Self::Holder { .. } => "token",
        }
    }
}

/// Something that a caller wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Look at hooks, sources, deliveries.
    Read,
    /// Change hooks, run them, send deliveries again.
    Write,
    /// Publish sources and withdraw them.
    Publish,
    /// Post events.
    Emit,
}

/// A caller whose token was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// What the token allows.
    pub role: Role,
    /// Where it allows it; everywhere, when empty.
    pub workspaces: Vec<Workspace>,
}

impl Caller {
    /// The holder of the first admin token, or anybody where no token is configured.
    pub fn admin() -> Self {
        Self { role: Role::Admin, workspaces: Vec::new() }
    }

    /// May the caller do this, there? Without a prefix, a caller tied to workspaces may do nothing.
    pub fn may(&self, action: Action, scope: &Scope) -> bool {
        let by_role = match self.role {
            Role::Admin => true,
            Role::ReadOnly => action == Action::Read,
            Role::Emitter => matches!(action, Action::Emit | Action::Publish),
        };
        let by_workspace = self.workspaces.is_empty()
            || matches!(scope, Scope::Only(workspace) if self.workspaces.contains(workspace));
        by_role && by_workspace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_kept_by_the_name_that_it_is_shown_by() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
    }

    #[test]
    fn a_role_allows_what_it_is_for() {
        use Action::{Emit, Publish, Read, Write};
        for (role, allowed) in [
            (Role::Admin, &[Read, Write, Publish, Emit][..]),
            (Role::ReadOnly, &[Read]),
            (Role::Emitter, &[Publish, Emit]),
        ] {
            let caller = Caller { role, workspaces: Vec::new() };
            for action in [Read, Write, Publish, Emit] {
                let expected = allowed.contains(&action);
                assert_eq!(caller.may(action, &Scope::All), expected, "{role:?} {action:?}");
            }
        }
    }

    #[test]
    fn a_tied_token_allows_nothing_elsewhere() {
        let here = Workspace::parse("here").unwrap();
        let there = Workspace::parse("there").unwrap();
        let caller = Caller { role: Role::Admin, workspaces: vec![here.clone()] };
        assert!(caller.may(Action::Write, &Scope::Only(here)));
        assert!(!caller.may(Action::Read, &Scope::Only(there)));
        assert!(!caller.may(Action::Read, &Scope::All));
    }
}
