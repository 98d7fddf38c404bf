//! What things are called: sources, events, workspaces.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// Why a text is no name. The wording of the length errors is the gateway's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing at all.
    #[error("length must be at least 1")]
    Empty,
    /// More than [`MOST_BYTES`].
    #[error("length must be at most {MOST_BYTES}")]
    TooLong,
    /// Line breaks, NUL and their kin.
    #[error("must not contain control characters")]
    Control,
    /// A workspace with a character that does not belong in a path.
    #[error("a workspace is made of letters, digits, '_', '.', '~' and '-'")]
    NotAWorkspace,
}

/// The longest name that is taken, in bytes.
pub const MOST_BYTES: usize = 255;

fn checked(text: &str) -> Result<Arc<str>, NameError> {
    match text {
        "" => Err(NameError::Empty),
        long if long.len() > MOST_BYTES => Err(NameError::TooLong),
        text if text.contains(char::is_control) => Err(NameError::Control),
        text => Ok(text.into()),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a text as this kind of name.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                $check(text).map(Self)
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }
    };
}

name! {
    /// The action that triggers a hook: `crud`, `balancer`, a plugin's own.
    SourceName, checked
}
name! {
    /// What happened, within its source: `consumers`, `health`.
    EventName, checked
}
name! {
    /// A tenant of the gateway. Workspaces need no creation.
    Workspace, checked_workspace
}

fn checked_workspace(text: &str) -> Result<Arc<str>, NameError> {
    let name = checked(text)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.~-".contains(c);
    if name.chars().all(fits) { Ok(name) } else { Err(NameError::NotAWorkspace) }
}

impl Workspace {
    /// The workspace of requests without a prefix. Hooks made in it see every workspace.
    pub fn default_workspace() -> Self {
        Self("default".into())
    }

    /// Is this the workspace whose hooks see every workspace?
    pub fn is_default(&self) -> bool {
        self == "default"
    }
}

/// Which workspaces a request looks at: one, or all of them where it came without a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every workspace.
    All,
    /// Only this one.
    Only(Workspace),
}

impl Scope {
    /// What a request made under this workspace's prefix looks at.
    pub fn of(workspace: &Workspace) -> Self {
        if workspace.is_default() { Self::All } else { Self::Only(workspace.clone()) }
    }

    /// Is this workspace looked at?
    pub fn includes(&self, workspace: &Workspace) -> bool {
        match self {
            Self::All => true,
            Self::Only(only) => only == workspace,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_visible() {
        for (name, text, expected) in [
            ("a plain one", "consumers", Ok(())),
            ("with a colon", "dao:crud", Ok(())),
            ("in any script", "событие", Ok(())),
            ("nothing", "", Err(NameError::Empty)),
            ("a line break", "a\nb", Err(NameError::Control)),
            ("too long", &"x".repeat(256), Err(NameError::TooLong)),
        ] {
            assert_eq!(EventName::parse(text).map(drop), expected, "{name}");
        }
    }

    #[test]
    fn a_workspace_fits_into_a_path() {
        assert!(Workspace::parse("team-a_1.x~").is_ok());
        assert_eq!(Workspace::parse("a/b"), Err(NameError::NotAWorkspace));
        assert_eq!(Workspace::parse("a%20b"), Err(NameError::NotAWorkspace));
    }
}
