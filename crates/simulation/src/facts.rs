//! What happened so far, as far as promises are judged by it?

use std::collections::BTreeMap;

use hooks::{
    delivery::{Delivery, Step},
    event::Event,
    hook::EventHook,
    id::{DeliveryId, Generation, HookId, OccurrenceId, RecoveryId},
    task::Task,
    time::Timestamp,
};

use crate::ports::Handout;

/// Everything that checks look at.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) events: BTreeMap<OccurrenceId, EventFact>,
    pub(crate) lives: Vec<Life>,
    pub(crate) attempts: BTreeMap<DeliveryId, Vec<AttemptFact>>,
    /// What was sent to hooks without a match (pings, and what was sent on), and whether whoever
    /// sent it was told so.
    pub(crate) owed: Vec<(Pair, bool)>,
    pub(crate) redeliveries: Vec<(Pair, u32)>,
    pub(crate) recoveries: Vec<RecoveryFact>,
    pub(crate) circuits: BTreeMap<(HookId, u64), Circuit>,
    /// The promises that were seen broken.
    pub(crate) broken: Vec<String>,
    /// The retries that the queue took.
    retries: BTreeMap<(DeliveryId, Step), u32>,
}

/// An event, and what was said about it.
pub(crate) struct EventFact {
    /// Its name in histories.
    pub(crate) number: usize,
    pub(crate) event: Event,
    /// Was it answered with 202, or sent by the system itself and taken?
    pub(crate) is_promised: bool,
    /// Did a queue ever have it?
    pub(crate) is_taken: bool,
    /// From when on hooks were looked up for it, and up to when; `None` before the last of its
    /// messages is deleted.
    pub(crate) since: u64,
    pub(crate) until: Option<u64>,
    /// How many of its messages are not deleted.
    pub(crate) standing: u32,
    /// How often something about it was handed out again, or sent again.
    pub(crate) disturbed: u32,
}

/// A hook, from its making to its removal.
pub(crate) struct Life {
    pub(crate) hook: HookId,
    pub(crate) generation: Generation,
    pub(crate) versions: Vec<(u64, EventHook)>,
    pub(crate) ended: Option<u64>,
}

/// An event and one life of a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) event: OccurrenceId,
    pub(crate) hook: HookId,
    pub(crate) generation: Generation,
}

/// A run of a handler.
pub(crate) struct AttemptFact {
    /// Which one, and by which message, where that can be told.
    pub(crate) step: Option<Step>,
    /// When it ended, by the clock of its process, and how.
    pub(crate) ended: Option<(Timestamp, Ended)>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Well,
    /// To be tried again.
    Ill,
    /// For good.
    ForGood,
    Gone,
}

/// A recovery that was answered.
pub(crate) struct RecoveryFact {
    pub(crate) id: RecoveryId,
    pub(crate) hook: HookId,
    pub(crate) generation: Generation,
    pub(crate) asked: u64,
    /// The deliveries in its range, and their runs then.
    pub(crate) rows: Vec<(DeliveryId, u32)>,
}

/// What was seen of a hook's circuit.
#[derive(Default)]
pub(crate) struct Circuit {
    /// Was its health out of reach for somebody?
    pub(crate) is_in_doubt: bool,
    /// The version of the hook for which it is open, and since when.
    pub(crate) open: Option<(u64, u64)>,
    /// Probes that were let through and have not begun.
    pub(crate) granted: u32,
}

impl Life {
    /// The hook as it was at that step; `None` before and after.
    pub(crate) fn at(&self, step: u64) -> Option<&EventHook> {
        let is_over = self.ended.is_some_and(|ended| ended <= step);
        let version = self.versions.iter().rev().find(|(since, _)| *since <= step);
        version.filter(|_| !is_over).map(|(_, hook)| hook)
    }

    /// All versions that were in force at some time in between, both ends included.
    pub(crate) fn between(&self, since: u64, until: u64) -> impl Iterator<Item = &EventHook> {
        let later = self.versions.iter().filter(move |(at, _)| since < *at && *at <= until);
        self.at(since).into_iter().chain(later.map(|(_, hook)| hook))
    }

    pub(crate) fn began(&self) -> u64 {
        self.versions[0].0
    }

    pub(crate) fn was_disabled(&self) -> bool {
        self.versions.iter().any(|(_, hook)| !hook.is_enabled())
    }

    pub(crate) fn was_gated(&self) -> bool {
        self.versions.iter().any(|(_, hook)| hook.rules().is_gated())
    }

    pub(crate) fn pair(&self, event: OccurrenceId) -> Pair {
        Pair { event, hook: self.hook, generation: self.generation }
    }
}

impl Pair {
    pub(crate) fn id(self) -> DeliveryId {
        DeliveryId::of(self.event, self.hook, self.generation)
    }

    pub(crate) fn of(delivery: &Delivery) -> Self {
        let (hook, generation) = (delivery.hook, delivery.generation);
        Self { event: delivery.event.id, hook, generation }
    }
}

/// The events of which a message speaks.
fn events_of(task: &Task) -> Vec<&Event> {
    match task {
        Task::Dispatch { events, .. } => events.iter().collect(),
        Task::Deliver { event, .. } => vec![event],
        Task::Retry(retry) => vec![&retry.delivery.event],
        Task::Record(record) => vec![&record.delivery.event],
        Task::Recover(_) => Vec::new(),
    }
}

/// The attempt of this delivery that a message asks for.
pub(crate) fn step_asked_for(task: &Task, delivery: DeliveryId, pair: Pair) -> Option<Step> {
    let is_first = match task {
        Task::Dispatch { events, .. } => events.iter().any(|it| it.id == pair.event),
        Task::Deliver { event, owed } => {
            event.id == pair.event
                && owed.iter().any(|it| it.hook == pair.hook && it.generation == pair.generation)
        }
        Task::Retry(retry) if retry.delivery.id() == delivery => return Some(retry.step()),
        Task::Retry(_) | Task::Record(_) | Task::Recover(_) => false,
    };
    is_first.then_some(Step { run: 0, attempt: 1 })
}

impl Facts {
    fn event(&mut self, event: &Event, step: u64) -> &mut EventFact {
        let number = self.events.len() + 1;
        self.events.entry(event.id).or_insert_with(|| EventFact {
            number,
            event: event.clone(),
            is_promised: false,
            is_taken: false,
            since: step,
            until: None,
            standing: 0,
            disturbed: 0,
        })
    }

    /// A caller was told that this event is accepted.
    pub(crate) fn promised(&mut self, event: &Event, step: u64) {
        self.event(event, step).is_promised = true;
    }

    /// A queue took this task.
    pub(crate) fn taken(&mut self, task: &Task, is_promised: bool, step: u64) {
        match task {
            Task::Dispatch { events, .. } => {
                for event in events {
                    let fact = self.event(event, step);
                    if !fact.is_taken {
                        (fact.is_taken, fact.since) = (true, step);
                        fact.event = event.clone();
                    }
                    fact.standing += 1;
                    fact.until = None;
                }
            }
            Task::Deliver { event, owed } => {
                self.event(event, step);
                let pair = |hook, generation| Pair { event: event.id, hook, generation };
                let owed = owed.iter().map(|it| (pair(it.hook, it.generation), is_promised));
                self.owed.extend(owed);
            }
            Task::Retry(retry) => {
                let sent = self.retries.entry((retry.delivery.id(), retry.step())).or_default();
                *sent += 1;
                if *sent > 1 {
                    self.disturbed(task);
                }
            }
            Task::Record(_) | Task::Recover(_) => {}
        }
    }

    /// Something about these events was handed out or sent again.
    pub(crate) fn disturbed(&mut self, task: &Task) {
        for event in events_of(task) {
            if let Some(fact) = self.events.get_mut(&event.id) {
                fact.disturbed += 1;
            }
        }
    }

    /// A message was deleted.
    pub(crate) fn settled(&mut self, task: &Task, step: u64) {
        let Task::Dispatch { events, .. } = task else { return };
        for event in events {
            if let Some(fact) = self.events.get_mut(&event.id) {
                fact.standing = fact.standing.saturating_sub(1);
                fact.until = (fact.standing == 0).then_some(step);
            }
        }
    }

    pub(crate) fn hook_changed(&mut self, hook: &EventHook, is_gone: bool, step: u64) {
        let same = |it: &&mut Life| it.hook == hook.id && it.generation == hook.generation;
        match self.lives.iter_mut().find(same) {
            Some(life) if is_gone => life.ended = Some(step),
            Some(life) => life.versions.push((step, hook.clone())),
            None => self.lives.push(Life {
                hook: hook.id,
                generation: hook.generation,
                versions: vec![(step, hook.clone())],
                ended: None,
            }),
        }
    }

    pub(crate) fn life(&self, pair: Pair) -> Option<&Life> {
        self.lives.iter().find(|it| it.hook == pair.hook && it.generation == pair.generation)
    }

    /// The life of a hook that a delivery of this event is owed to.
    pub(crate) fn pair_of(
        &self,
        delivery: DeliveryId,
        event: OccurrenceId,
        hook: HookId,
    ) -> Option<Pair> {
        let lives = self.lives.iter().filter(|it| it.hook == hook);
        lives.map(|it| it.pair(event)).find(|it| it.id() == delivery)
    }

    pub(crate) fn attempts_of(&self, delivery: DeliveryId) -> &[AttemptFact] {
        self.attempts.get(&delivery).map_or(&[], Vec::as_slice)
    }

    /// Short names, for histories and accusations.
    pub(crate) fn names(&self) -> Names<'_> {
        Names(self)
    }
}

/// Gives everything a name that fits into a line.
pub(crate) struct Names<'a>(&'a Facts);

impl Names<'_> {
    #[expect(clippy::unused_self, reason = "a name like the others")]
    pub(crate) fn hook(&self, hook: HookId) -> String {
        format!("h{}", hook.as_uuid().as_u128())
    }

    pub(crate) fn event(&self, event: OccurrenceId) -> String {
        self.0.events.get(&event).map_or("e?".to_owned(), |it| format!("e{}", it.number))
    }

    pub(crate) fn pair(&self, pair: Pair) -> String {
        let same_hook = self.0.lives.iter().filter(|it| it.hook == pair.hook);
        let life = same_hook.take_while(|it| it.generation != pair.generation).count() + 1;
        let (event, hook) = (self.event(pair.event), self.hook(pair.hook));
        if life == 1 {
            format!("{event}→{hook}")
        } else {
            format!("{event}→{hook} (life {life})")
        }
    }

    pub(crate) fn delivery(&self, delivery: &Delivery) -> String {
        self.pair(Pair::of(delivery))
    }

    pub(crate) fn task(&self, task: &Task) -> String {
        match task {
            Task::Dispatch { events, again } => {
                let named = |event: &Event| {
                    let data = serde_json::to_string(&event.data).unwrap_or_default();
                    let data: String = data.chars().take(60).collect();
                    format!("{} {}/{} {data}", self.event(event.id), event.source, event.event)
                };
                let events: Vec<_> = events.iter().map(named).collect();
                format!("dispatch{} [{}]", if *again { " again" } else { "" }, events.join(", "))
            }
            Task::Deliver { event, owed } => {
                let hooks: Vec<_> = owed.iter().map(|it| self.hook(it.hook)).collect();
                format!("deliver {} to {}", self.event(event.id), hooks.join(", "))
            }
            Task::Retry(retry) => {
                let Step { run, attempt } = retry.step();
                format!("retry {} run {run} attempt {attempt}", self.delivery(&retry.delivery))
            }
            Task::Record(record) => {
                let Step { run, attempt } = record.step;
                let status = record.state.status().as_str();
                let delivery = self.delivery(&record.delivery);
                format!("record {delivery} run {run} attempt {attempt}: {status}")
            }
            Task::Recover(recover) => {
                format!("recover {}, {} done", self.hook(recover.hook), recover.done)
            }
        }
    }

    pub(crate) fn handout(&self, handout: &Handout) -> String {
        format!("{}, receive {}", self.task(&handout.task), handout.receives)
    }
}
