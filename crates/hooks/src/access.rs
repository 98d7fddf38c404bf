//! Who may do what: tokens, roles, and the workspaces they are tied to.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    id::TokenId,
    name::{Scope, Workspace},
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
        use fmt::Write;
        let mut text = String::with_capacity(64);
        for byte in Sha256::digest(token) {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        }
        Self(text)
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "TokenHash({}…)", self.0.get(..8).unwrap_or_default())
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
