//! Has this hook already said so?
//!
//! A gate keeps a memory for each *group* of events: what the last event that passed said, and
//! when events passed. From the rules of the hook, that memory and an event follows a verdict,
//! with its reason.
//!
//! **Invariants:** the verdict depends on the event and the memory, never on the time of asking.
//! An event that passed passes again: a crash after the gate must not turn it into an event
//! held by its own mark. The memory's times never go back.

use std::{num::NonZeroU32, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    catalog::GateFields,
    digest::Digest,
    event::{Event, Order},
    hook::EventHook,
    id::{Generation, HookId, OccurrenceId},
    name::EventName,
    time::Timestamp,
};

/// What a hook's gate goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// Fire only when the key parts differ from those of the last event that passed.
    pub on_change: bool,
    /// Keep quiet for so many seconds around an event that fired.
    pub snooze: Option<NonZeroU32>,
}

impl Rules {
    /// Is there anything to decide?
    pub fn is_gated(self) -> bool {
        self.on_change || self.snooze.is_some()
    }

    fn window(self) -> Option<Duration> {
        self.snooze.map(|seconds| Duration::from_secs(seconds.get().into()))
    }
}

/// Whose memory it is: a group of events, to one life of one hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GateKey {
    /// The hook.
    pub hook: HookId,
    /// Its life.
    pub generation: Generation,
    /// The event's name and the values that keep memories apart.
    pub group: Digest,
}

/// An event before a gate: all of it that the gate looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Which event.
    pub occurrence: OccurrenceId,
    /// Its place among all events.
    pub order: Order,
    /// Its key parts.
    pub said: Digest,
    /// Whose snooze it is, within a group that has several.
    pub subject: Option<Digest>,
    /// Was it handed over before? Then it may have passed before, too.
    pub again: bool,
}

/// What a gate remembers of a group.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// What the last event that passed said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    said: Option<Digest>,
    /// The latest event that passed, or was held for saying the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latest: Option<Order>,
    /// When each subject last fired, the most recent last. Beyond [`Memory::MOST_SUBJECTS`] the
    /// oldest are forgotten: those hooks fire sooner than their snooze allows, never later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fired: Vec<(Option<Digest>, Timestamp)>,
    /// The newest events that passed, at most [`Memory::MOST_PASSED`], the newest last.
    #[serde(default, skip_serializing_if = "Passed::is_empty")]
    passed: Passed,
    /// Up to when events may have passed that are no longer among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forgotten: Option<Timestamp>,
}

/// Does the event pass?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "because", rename_all = "snake_case")]
pub enum Verdict {
    /// It passes: the handler runs.
    Fire(FireReason),
    /// It does not, and is not sent later either.
    Hold(HoldReason),
}

/// Why an event passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FireReason {
    /// The hook has no rules.
    NoRules,
    /// Nothing is remembered of its group.
    First,
    /// Its key parts differ from the last ones.
    Changed,
    /// It lies outside the snooze.
    SnoozeOver,
    /// It passed before: a crash came in between.
    PassedBefore,
    /// It was handed over before, and the memory no longer knows whether it passed. Twice is
    /// harmless, never is not.
    MayHavePassed,
}

impl FireReason {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::NoRules,
        Self::First,
        Self::Changed,
        Self::SnoozeOver,
        Self::PassedBefore,
        Self::MayHavePassed,
    ];
}

/// Why an event is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum HoldReason {
    /// Its key parts are those of the last event that passed.
    Unchanged,
    /// It is older than the event that the memory speaks of.
    Stale,
    /// The hook keeps quiet.
    Snoozed {
        /// The end of it, if nothing fires meanwhile.
        until: Timestamp,
    },
}

impl HoldReason {
    /// The reason in one word, as metrics and logs name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Stale => "stale",
            Self::Snoozed { .. } => "snoozed",
        }
    }
}

/// Decides one event.
pub fn decide(rules: Rules, memory: &Memory, event: &Candidate) -> Verdict {
    if !rules.is_gated() {
        return Verdict::Fire(FireReason::NoRules);
    }
    if memory.passed.contains(event.occurrence) {
        return Verdict::Fire(FireReason::PassedBefore);
    }
    if event.again && memory.forgotten.is_some_and(|until| event.order.accepted <= until) {
        return Verdict::Fire(FireReason::MayHavePassed);
    }
    if rules.on_change {
        if memory.latest.is_some_and(|latest| event.order < latest) {
            return Verdict::Hold(HoldReason::Stale);
        }
        if memory.said == Some(event.said) {
            return Verdict::Hold(HoldReason::Unchanged);
        }
    }
    if let (Some(window), Some(fired)) = (rules.window(), memory.fired_at(event.subject)) {
        if event.order.accepted.distance(fired) < window {
            return Verdict::Hold(HoldReason::Snoozed { until: fired + window });
        }
        return Verdict::Fire(FireReason::SnoozeOver);
    }
    Verdict::Fire(match memory.said {
        Some(_) if rules.on_change => FireReason::Changed,
        _ => FireReason::First,
    })
}

/// Decides the events of one group of a batch, oldest first whatever order they came in, each
/// with what the ones before it left behind. Answers the verdicts in the order of `events`, and
/// the memory to write where it changed.
pub fn decide_all(
    rules: Rules,
    memory: &Memory,
    events: &[Candidate],
) -> (Vec<Verdict>, Option<Memory>) {
    let mut by_order: Vec<usize> = (0..events.len()).collect();
    by_order.sort_by_key(|&index| events[index].order);

    let mut after = memory.clone();
    let mut verdicts = vec![Verdict::Fire(FireReason::NoRules); events.len()];
    for index in by_order {
        verdicts[index] = decide(rules, &after, &events[index]);
        after.note(&events[index], verdicts[index]);
    }
    let changed = after != *memory;
    (verdicts, changed.then_some(after))
}

/// The group and the candidate that an event makes before the gate of a hook that sees it as
/// `name`.
pub fn before(
    hook: &EventHook,
    name: &EventName,
    event: &Event,
    fields: GateFields<'_>,
) -> (GateKey, Candidate) {
    let rules = hook.rules();
    let said = Digest::of_key_parts(&event.data, fields.unique);
    let group_by = Digest::of_members(&event.data, group_by(hook, &fields));
    let mut group = Digest::of_texts([name.as_str()]).and(&group_by);

    // Where key parts are declared, each has a snooze of its own: in a memory of its own, or,
    // where on_change needs to see them all, within the memory that they share.
    let of_subject = fields.unique.is_some() && rules.snooze.is_some();
    let subject = (of_subject && rules.on_change).then_some(said);
    if of_subject && !rules.on_change {
        group = group.and(&said);
    }
    let key = GateKey { hook: hook.id, generation: hook.generation, group };
    (key, Candidate { occurrence: event.id, order: event.order, said, subject, again: false })
}

fn group_by<'a>(hook: &'a EventHook, fields: &GateFields<'a>) -> Vec<&'a str> {
    match hook.draft.group_by.as_deref().or(fields.group_by) {
        Some(members) => members.iter().map(String::as_str).collect(),
        None => fields.built_in_group_by.to_vec(),
    }
}

impl Memory {
    /// How many subjects one memory keeps apart.
    pub const MOST_SUBJECTS: usize = 256;
    /// How many events that passed are remembered by id.
    pub const MOST_PASSED: usize = 256;
    /// How long a queue may still hand an event over again: its retention.
    const REDELIVERY_HORIZON: Duration = Duration::from_hours(7 * 24);

    /// When this memory can no longer matter under these rules: never for `on_change`.
    pub fn expires(&self, rules: Rules) -> Option<Timestamp> {
        let last = self.fired.iter().map(|(_, at)| *at).max()?;
        let window = rules.window().filter(|_| !rules.on_change)?;
        Some(last + window + Self::REDELIVERY_HORIZON)
    }

    fn fired_at(&self, subject: Option<Digest>) -> Option<Timestamp> {
        self.fired.iter().find(|(it, _)| *it == subject).map(|(_, at)| *at)
    }

    fn note(&mut self, event: &Candidate, verdict: Verdict) {
        match verdict {
            Verdict::Fire(
                FireReason::PassedBefore | FireReason::MayHavePassed | FireReason::NoRules,
            )
            | Verdict::Hold(HoldReason::Stale | HoldReason::Snoozed { .. }) => {}
            Verdict::Hold(HoldReason::Unchanged) => {
                self.latest = self.latest.max(Some(event.order));
            }
            Verdict::Fire(_) => {
                self.latest = self.latest.max(Some(event.order));
                self.said = Some(event.said);
                self.note_fired(event);
                if let Some(evicted) = self.passed.push(event.occurrence) {
                    self.forgotten = self.forgotten.max(evicted.accepted());
                }
            }
        }
    }

    fn note_fired(&mut self, event: &Candidate) {
        let at = self.fired_at(event.subject).max(Some(event.order.accepted));
        self.fired.retain(|(subject, _)| *subject != event.subject);
        self.fired.extend(at.map(|at| (event.subject, at)));
        if self.fired.len() > Self::MOST_SUBJECTS {
            self.fired.remove(0);
        }
    }
}

/// Events that passed. Written as one text, 22 bytes an event: memories are rewritten often.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Passed(Vec<OccurrenceId>);

impl Passed {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn contains(&self, occurrence: OccurrenceId) -> bool {
        self.0.contains(&occurrence)
    }

    /// Adds one, and answers the one that had to go for it.
    fn push(&mut self, occurrence: OccurrenceId) -> Option<OccurrenceId> {
        let is_full = self.0.len() == Memory::MOST_PASSED;
        let evicted = is_full.then(|| self.0.remove(0));
        self.0.push(occurrence);
        evicted
    }
}

impl From<Passed> for String {
    fn from(passed: Passed) -> Self {
        let bytes: Vec<u8> = passed.0.iter().flat_map(|it| *it.as_uuid().as_bytes()).collect();
        BASE64_STANDARD_NO_PAD.encode(bytes)
    }
}

impl TryFrom<String> for Passed {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = BASE64_STANDARD_NO_PAD.decode(text)?;
        let (ids, _) = bytes.as_chunks::<16>();
        Ok(Self(ids.iter().map(|id| uuid::Uuid::from_bytes(*id).into()).collect()))
    }
}

#[cfg(test)]
mod tests;
