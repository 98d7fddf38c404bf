//! What does the ledger say of a delivery, and what does it say after another record?
//!
//! Everything stands in one row as long as it is small, so that a delivery that succeeds at once
//! costs one write. What is large is kept apart from the row and named by it. A row is replaced as
//! a whole, by those who saw the one before only: what it names and what it says are of one moment.

mod row;

use std::collections::BTreeMap;

use hooks::{
    delivery::{Attempt, Delivery, Record, State, Status, Step},
    event::{Data, Event},
    id::{DeliveryId, Generation, HookId},
    ports::{DeliveryEntry, Progress},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{age::GRACE, apart::Apart, condition::new_seal};
use crate::fault::Fault;

pub(super) use row::{LISTED, hook, id, listed, progress};

/// So many bytes of an event's data stand in the row of what was delivered: it is written once.
const MOST_DATA: usize = 32 * 1024;

/// So many stand in the row of anything else: each attempt to come writes it again.
const MOST_DATA_OF_UNFINISHED: usize = 4 * 1024;

/// So many bytes of the first attempt stand in the row.
const MOST_OF_FIRST: usize = 16 * 1024;

/// So many bytes of attempts stand in a row that is written again.
const MOST_OF_ATTEMPTS: usize = 8 * 1024;

/// So many bytes of a row may name pages of attempts, hundreds of pages of dozens of attempts: who
/// sends a delivery again ten thousand times sees the latest of them.
const MOST_OF_PAGES: usize = 96 * 1024;

/// A delivery, as its row has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    id: DeliveryId,
    hook: HookId,
    generation: Generation,
    /// The event without its data, as JSON.
    event: String,
    data: Text,
    progress: Progress,
    state: State,
    updated: Timestamp,
    ends: Timestamp,
    /// The latest attempts.
    attempts: Vec<Attempt>,
    /// The others, the oldest page first.
    pages: Vec<Page>,
    /// Until when all that is kept apart is kept.
    apart_until: Option<Timestamp>,
    /// The end that its mark has, of what is not delivered.
    marked: Option<Timestamp>,
    /// Which writing of the row this is.
    seal: String,
}

/// A text in a row, or named by it.
#[derive(Debug, Clone, PartialEq)]
enum Text {
    Here(String),
    Apart(Apart),
}

/// Attempts that are kept apart, as a list in JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Page {
    #[serde(flatten)]
    apart: Apart,
    /// Runs, each with the first and the last of attempts that follow each other.
    steps: Vec<(u32, u32, u32)>,
}

/// A row that is to be written.
#[derive(Debug)]
pub(super) struct Writing {
    /// The row.
    pub(super) entry: Entry,
    /// The writing in whose place it is put; `None` where there must be none.
    pub(super) seen: Option<String>,
    /// What has to be written apart before.
    pub(super) apart: Vec<(Apart, String)>,
    /// What is kept apart already, and has to be kept for longer.
    pub(super) renewed: Vec<Apart>,
    /// A status that it no longer has.
    pub(super) unmarked: Option<Status>,
    /// A status that has to be marked, until the end of the row.
    pub(super) marked: Option<Status>,
}

impl Entry {
    /// What the ledger says after the first record of a delivery.
    pub(super) fn first(record: &Record, ends: Timestamp) -> Result<Writing, Fault> {
        let Delivery { hook, generation, event, .. } = &record.delivery;
        let most = match record.state {
            State::Delivered => MOST_DATA,
            _ => MOST_DATA_OF_UNFINISHED,
        };
        let mut apart = Vec::new();
        let data = Text::of(serde_json::to_string(&event.data)?, most, &mut apart);
        let entry = Self {
            id: record.delivery.id(),
            hook: *hook,
            generation: *generation,
            event: serde_json::to_string(&Event { data: Data::default(), ..event.clone() })?,
            data,
            progress: Progress { step: record.step, status: record.state.status() },
            state: record.state.clone(),
            updated: record.at,
            ends,
            attempts: record.attempt.iter().cloned().collect(),
            pages: Vec::new(),
            apart_until: None,
            marked: None,
            seal: String::new(),
        };
        entry.writing(None, MOST_OF_FIRST, apart)
    }

    /// What it says after another record; `None` where that changes nothing.
    pub(super) fn after(&self, record: &Record, ends: Timestamp) -> Result<Option<Writing>, Fault> {
        let mut next = self.clone();
        next.add(record, ends);
        if next == *self {
            return Ok(None);
        }
        next.writing(Some(self), MOST_OF_ATTEMPTS, Vec::new()).map(Some)
    }

    fn add(&mut self, record: &Record, ends: Timestamp) {
        let recorded = Progress { step: record.step, status: record.state.status() };
        match self.progress.after(recorded) {
            Some(next) if next == self.progress => self.put_off(record, ends),
            Some(next) => {
                if let Some(attempt) = &record.attempt {
                    self.attempts.retain(|it| it.step != attempt.step);
                    self.attempts.push(attempt.clone());
                }
                self.progress = next;
                self.stand(record, ends);
            }
            None if record.step != self.progress.step => self.add_attempt(record),
            None => {}
        }
    }

    /// The same step, still pending: it waits for something else, or its attempt comes late.
    fn put_off(&mut self, record: &Record, ends: Timestamp) {
        self.add_attempt(record);
        if record.attempt.is_none() && record.at >= self.updated {
            self.stand(record, ends);
        }
    }

    fn stand(&mut self, record: &Record, ends: Timestamp) {
        self.state = record.state.clone();
        self.updated = record.at;
        self.ends = ends;
    }

    /// Adds the attempt, unless there is one of its step.
    fn add_attempt(&mut self, record: &Record) {
        let holds = |step| {
            self.attempts.iter().any(|it| it.step == step)
                || self.pages.iter().any(|it| it.holds(step))
        };
        if let Some(attempt) = record.attempt.as_ref().filter(|it| !holds(it.step)) {
            self.attempts.push(attempt.clone());
        }
    }

    /// What has to be written so that this stands in the place of the row `before`.
    fn writing(
        mut self,
        before: Option<&Self>,
        most: usize,
        mut apart: Vec<(Apart, String)>,
    ) -> Result<Writing, Fault> {
        let attempts = serde_json::to_string(&self.attempts)?;
        if attempts.len() > most {
            self.pages.push(Page::of(&mut self.attempts, &attempts));
            apart.push((self.pages[self.pages.len() - 1].apart.clone(), attempts));
        }
        while serde_json::to_string(&self.pages)?.len() > MOST_OF_PAGES {
            self.pages.remove(0);
        }
        let renewed = self.renew(before, !apart.is_empty());
        let (unmarked, marked) = self.mark(before);
        self.seal = new_seal();
        let seen = before.map(|it| it.seal.clone());
        Ok(Writing { entry: self, seen, apart, renewed, unmarked, marked })
    }

    /// Sees to it that what is kept apart is kept for as long as the row; answers what has to be
    /// kept for longer.
    fn renew(&mut self, before: Option<&Self>, is_more: bool) -> Vec<Apart> {
        let until = self.ends + GRACE;
        match self.apart_until {
            Some(kept) if kept < self.ends => {
                self.apart_until = Some(until);
                return before.map(Self::apart).into_iter().flatten().cloned().collect();
            }
            Some(kept) if is_more => self.apart_until = Some(kept.min(until)),
            None if is_more => self.apart_until = Some(until),
            _ => {}
        }
        Vec::new()
    }

    /// What has to become of its marks. One that only says an earlier end than the row is left as
    /// it is: who finds it ended looks at the row.
    fn mark(&mut self, before: Option<&Self>) -> (Option<Status>, Option<Status>) {
        let is_marked = |it: &Status| *it != Status::Delivered;
        let status = Some(self.progress.status).filter(is_marked);
        let former = before.map(|it| it.progress.status).filter(is_marked);
        let holds = self.marked.is_some_and(|it| it <= self.ends && self.ends <= it + GRACE);
        if status == former && (status.is_none() || holds) {
            return (None, None);
        }
        self.marked = status.map(|_| self.ends);
        (former.filter(|_| former != status), status)
    }

    /// To whom it is owed.
    pub(super) fn hook(&self) -> HookId {
        self.hook
    }

    /// When it ends.
    pub(super) fn ends(&self) -> Timestamp {
        self.ends
    }

    /// What is kept apart from its row: its data, where they are, then its pages of attempts.
    pub(super) fn apart(&self) -> impl Iterator<Item = &Apart> {
        let data = match &self.data {
            Text::Here(_) => None,
            Text::Apart(apart) => Some(apart),
        };
        data.into_iter().chain(self.pages.iter().map(|it| &it.apart))
    }

    /// The delivery, with what is kept apart from its row.
    pub(super) fn whole(self, apart: Vec<String>) -> Result<DeliveryEntry, Fault> {
        let mut apart = apart.into_iter();
        let data = match self.data {
            Text::Here(data) => data,
            Text::Apart(_) => apart.next().unwrap_or_default(),
        };
        let mut event: Event = serde_json::from_str(&self.event)?;
        event.data = serde_json::from_str(&data)?;
        let mut attempts: Vec<Attempt> = Vec::new();
        for page in apart {
            attempts.append(&mut serde_json::from_str(&page)?);
        }
        attempts.extend(self.attempts);
        let run = self.progress.step.run;
        Ok(DeliveryEntry {
            id: self.id,
            delivery: Delivery { hook: self.hook, generation: self.generation, run, event },
            step: self.progress.step,
            state: self.state,
            updated: self.updated,
            attempts: in_order(attempts),
        })
    }
}

impl Text {
    /// This text, apart where it is larger than that.
    fn of(text: String, most: usize, apart: &mut Vec<(Apart, String)>) -> Self {
        if text.len() <= most {
            return Self::Here(text);
        }
        let name = Apart::of(&text);
        apart.push((name.clone(), text));
        Self::Apart(name)
    }
}

impl Page {
    /// These attempts, which are this text, on a page.
    fn of(attempts: &mut Vec<Attempt>, text: &str) -> Self {
        let mut steps: Vec<(u32, u32, u32)> = Vec::new();
        for attempt in in_order(std::mem::take(attempts)) {
            let Step { run, attempt } = attempt.step;
            match steps.last_mut() {
                Some((of, _, last)) if *of == run && *last + 1 == attempt => *last = attempt,
                _ => steps.push((run, attempt, attempt)),
            }
        }
        Self { apart: Apart::of(text), steps }
    }

    fn holds(&self, step: Step) -> bool {
        let mut runs = self.steps.iter().filter(|(run, _, _)| *run == step.run);
        runs.any(|(_, first, last)| (*first..=*last).contains(&step.attempt))
    }
}

/// Oldest first; of several of one step, the one that came last.
fn in_order(attempts: Vec<Attempt>) -> Vec<Attempt> {
    let by_step: BTreeMap<_, _> = attempts.into_iter().map(|it| (it.step, it)).collect();
    by_step.into_values().collect()
}

#[cfg(test)]
mod tests;
