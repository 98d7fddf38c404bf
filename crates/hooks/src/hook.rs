//! The entity: which events, which handler, under which rules.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    event::Event,
    filter::Filter,
    gate::Rules,
    handler::{Handler, Secrets},
    id::{Generation, HookId},
    name::{EventName, SourceName, Workspace},
    time::Timestamp,
};

/// A hook that has passed validation. It is made by [`Draft::into_hook`] and read back from
/// the store; there is no other way to hold one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventHook {
    /// Its name in the admin API.
    pub id: HookId,
    /// Which life of that id this is.
    pub generation: Generation,
    /// Grows with every change; what caches compare.
    pub version: u64,
    /// Where it was made.
    pub workspace: Workspace,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// What the administrator said.
    #[serde(flatten)]
    pub draft: Draft,
}

/// What an administrator says of a hook: everything but its identity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The source it listens to.
    pub source: SourceName,
    /// The event it listens to; every event of the source where there is none.
    pub event: Option<EventName>,
    /// What it does.
    #[serde(flatten)]
    pub handler: Handler,
    /// Does it fire only when the key parts have changed?
    pub on_change: Option<bool>,
    /// How long it keeps quiet after it fired.
    pub snooze: Option<Snooze>,
    /// Extension: a disabled hook's deliveries are parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Extension: the members of the data whose values keep gate memories apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<Vec<String>>,
    /// Extension: which events of its source and event it wants; all of them, where it does not
    /// say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
}

/// How many seconds a hook keeps quiet after it fired, as typed; 0 means not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Snooze(u32);

impl Snooze {
    /// A snooze of so many seconds.
    pub const fn seconds(seconds: u32) -> Self {
        Self(seconds)
    }

    /// The seconds, where there are any.
    pub fn window(self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.0)
    }
}

impl Draft {
    /// A new hook, in its first version.
    pub fn into_hook(self, id: HookId, workspace: Workspace, now: Timestamp) -> EventHook {
        EventHook {
            id,
            generation: Generation::random(),
            version: 1,
            workspace,
            created_at: now,
            updated_at: now,
            draft: self,
        }
    }
}

impl EventHook {
    /// The next version of this hook, as `draft` has it. A replaced secret goes on signing for
    /// its grace.
    #[must_use]
    pub fn changed(&self, mut draft: Draft, now: Timestamp) -> Self {
        let mut old = self.draft.handler.clone();
        if let (Some(before), Some(after)) = (old.signing_mut(), draft.handler.signing_mut()) {
            *after = std::mem::take(before).rotated(after.secret.take(), now);
        }
        Self { version: self.version + 1, updated_at: now, draft, ..self.clone() }
    }

    /// Does it see events of this workspace? Hooks of the default workspace see all.
    pub fn sees(&self, workspace: &Workspace) -> bool {
        self.workspace.is_default() || self.workspace == *workspace
    }

    /// Is it in service? A hook is, until somebody or its health says otherwise.
    pub fn is_enabled(&self) -> bool {
        self.draft.enabled != Some(false)
    }

    /// Does its filter want an event that it sees under this name?
    pub fn wants(&self, event: &Event, name: &EventName) -> bool {
        let Some(filter) = &self.draft.filter else { return true };
        filter.wants(&event.data.merged(&self.draft.source, Some(name)))
    }

    /// The next version of this hook, out of service.
    #[must_use]
    pub fn disabled(&self, now: Timestamp) -> Self {
        let draft = Draft { enabled: Some(false), ..self.draft.clone() };
        Self { version: self.version + 1, updated_at: now, draft, ..self.clone() }
    }

    /// The rules of its gate.
    pub fn rules(&self) -> Rules {
        Rules {
            on_change: self.draft.on_change == Some(true),
            snooze: self.draft.snooze.and_then(Snooze::window),
        }
    }

    /// The hook as the admin API shows it: the reference's members and `updated_at`;
    /// extensions only where somebody set them.
    pub fn view(&self, secrets: Secrets) -> Map<String, Value> {
        let Value::Object(mut view) = json!({
            "id": self.id,
            "source": self.draft.source,
            "event": self.draft.event,
            "handler": self.draft.handler.kind().as_str(),
            "on_change": self.draft.on_change,
            "snooze": self.draft.snooze,
            "config": self.draft.handler.config(secrets),
            "created_at": self.created_at.as_seconds(),
            "updated_at": self.updated_at.as_seconds(),
        }) else {
            unreachable!("an object literal")
        };
        if let Some(enabled) = self.draft.enabled {
            view.insert("enabled".into(), enabled.into());
        }
        if let Some(group_by) = &self.draft.group_by {
            view.insert("group_by".into(), group_by.as_slice().into());
        }
        if let Some(filter) = &self.draft.filter {
            view.insert("filter".into(), filter.as_map().clone().into());
        }
        view
    }
}
