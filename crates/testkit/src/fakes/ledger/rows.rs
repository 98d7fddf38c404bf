//! What is kept of a delivery.

use std::collections::BTreeMap;

use hooks::{
    delivery::{Attempt, Delivery, Record, State, Step},
    event::{Data, Event},
    id::DeliveryId,
    ports::{DeliveryEntry, DeliveryQuery, Progress},
    time::Timestamp,
};

/// A delivery, as it is kept.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) delivery: Delivery,
    step: Step,
    state: State,
    updated: Timestamp,
    attempts: BTreeMap<Step, Attempt>,
    pub(super) expires: Timestamp,
}

impl Row {
    pub(super) fn new(record: &Record, expires: Timestamp) -> Self {
        Self {
            delivery: record.delivery.clone(),
            step: record.step,
            state: record.state.clone(),
            updated: record.at,
            attempts: record.attempt.iter().map(|it| (it.step, it.clone())).collect(),
            expires,
        }
    }

    pub(super) fn progress(&self) -> Progress {
        Progress { step: self.step, status: self.state.status() }
    }

    pub(super) fn add(&mut self, record: &Record, expires: Timestamp) {
        let known = self.progress();
        let recorded = Progress { step: record.step, status: record.state.status() };
        match known.after(recorded) {
            Some(next) if next == known => self.put_off(record, expires),
            Some(next) => {
                self.attempts.extend(record.attempt.clone().map(|it| (it.step, it)));
                self.step = next.step;
                self.delivery.run = next.step.run;
                self.stand(record, expires);
            }
            None if record.step != self.step => self.add_attempt(record),
            None => {}
        }
    }

    /// The same step, still pending: it waits for something else, or its attempt comes late.
    fn put_off(&mut self, record: &Record, expires: Timestamp) {
        self.add_attempt(record);
        if record.attempt.is_none() && record.at >= self.updated {
            self.stand(record, expires);
        }
    }

    fn stand(&mut self, record: &Record, expires: Timestamp) {
        self.state = record.state.clone();
        self.updated = record.at;
        self.expires = expires;
    }

    fn add_attempt(&mut self, record: &Record) {
        if let Some(attempt) = &record.attempt {
            self.attempts.entry(attempt.step).or_insert_with(|| attempt.clone());
        }
    }

    pub(super) fn entry(&self, id: DeliveryId) -> DeliveryEntry {
        DeliveryEntry {
            id,
            delivery: self.delivery.clone(),
            step: self.step,
            state: self.state.clone(),
            updated: self.updated,
            attempts: self.attempts.values().cloned().collect(),
        }
    }

    /// As lists show it: without event data and attempts.
    pub(super) fn listed(&self, id: DeliveryId) -> DeliveryEntry {
        let event = Event { data: Data::default(), ..self.delivery.event.clone() };
        let delivery = Delivery { event, ..self.delivery.clone() };
        DeliveryEntry { delivery, attempts: Vec::new(), ..self.entry(id) }
    }

    pub(super) fn is_wanted(&self, query: &DeliveryQuery) -> bool {
        let accepted = self.delivery.event.order.accepted;
        self.delivery.hook == query.hook
            && query.status.is_none_or(|it| it == self.state.status())
            && query.since.is_none_or(|it| it <= accepted)
            && query.until.is_none_or(|it| accepted < it)
    }
}
