//! How does a delivery stand in its row?

use hooks::{
    delivery::{Delivery, Status, Step},
    id::{DeliveryId, HookId},
    ports::{DeliveryEntry, Progress},
    time::Timestamp,
};
use serde::de::DeserializeOwned;

use super::{Entry, Text};
use crate::{
    SORT_KEY,
    fault::Fault,
    item::{Item, Row, json, number, optional_number, text},
    ledger::{age, keys},
};

/// What lists read of a row.
pub(in crate::ledger) const LISTED: &[&str] =
    &["hook", "generation", "run", "attempt", "status", "state", "updated", "ends", "event"];

impl Entry {
    /// Its row.
    pub(in crate::ledger) fn row(&self) -> Result<Row, Fault> {
        let mut row = Row::at(&keys::delivery(self.id))
            .text("hook", self.hook.to_string())
            .number("generation", self.generation)
            .number("run", self.progress.step.run)
            .number("attempt", self.progress.step.attempt)
            .text("status", self.progress.status.as_str())
            .json("state", &self.state)?
            .number("updated", self.updated.as_millis())
            .ends(self.ends)
            .text("event", self.event.as_str())
            .text("seal", self.seal.as_str());
        row = match &self.data {
            Text::Here(data) => row.text("data", data.as_str()),
            Text::Apart(apart) => row.json("data_apart", apart)?,
        };
        if !self.attempts.is_empty() {
            row = row.json("attempts", &self.attempts)?;
        }
        if !self.pages.is_empty() {
            row = row.json("pages", &self.pages)?;
        }
        for (name, at) in [("apart_until", self.apart_until), ("marked", self.marked)] {
            if let Some(at) = at {
                row = row.number(name, at.as_millis());
            }
        }
        Ok(row)
    }

    /// Reads its row.
    pub(in crate::ledger) fn read(item: &Item) -> Result<Self, Fault> {
        let time = |name| Ok::<_, Fault>(optional_number(item, name)?.map(Timestamp::from_millis));
        let data = match item.get("data_apart") {
            None => Text::Here(text(item, "data")?.to_owned()),
            Some(_) => Text::Apart(json(item, "data_apart")?),
        };
        Ok(Self {
            id: id(item)?,
            hook: hook(item)?,
            generation: number::<u64>(item, "generation")?.into(),
            event: text(item, "event")?.to_owned(),
            data,
            progress: progress(item)?,
            state: json(item, "state")?,
            updated: Timestamp::from_millis(number(item, "updated")?),
            ends: age::end(item)?.ok_or_else(|| Fault::lacks("ends"))?,
            attempts: list(item, "attempts")?,
            pages: list(item, "pages")?,
            apart_until: time("apart_until")?,
            marked: time("marked")?,
            seal: text(item, "seal")?.to_owned(),
        })
    }
}

fn list<T: DeserializeOwned>(item: &Item, name: &str) -> Result<Vec<T>, Fault> {
    if item.contains_key(name) { json(item, name) } else { Ok(Vec::new()) }
}

/// Whose row this is.
pub(in crate::ledger) fn id(item: &Item) -> Result<DeliveryId, Fault> {
    text(item, SORT_KEY)?.parse().map_err(|_| Fault::lacks(SORT_KEY))
}

/// To whom it is owed.
pub(in crate::ledger) fn hook(item: &Item) -> Result<HookId, Fault> {
    text(item, "hook")?.parse().map_err(|_| Fault::lacks("hook"))
}

/// How far it has come.
pub(in crate::ledger) fn progress(item: &Item) -> Result<Progress, Fault> {
    let status = Status::parse(text(item, "status")?);
    Ok(Progress {
        step: Step { run: number(item, "run")?, attempt: number(item, "attempt")? },
        status: status.ok_or_else(|| Fault::lacks("status"))?,
    })
}

/// The delivery as lists show it, without its event's data and its attempts.
pub(in crate::ledger) fn listed(item: &Item) -> Result<DeliveryEntry, Fault> {
    let step = progress(item)?.step;
    Ok(DeliveryEntry {
        id: id(item)?,
        delivery: Delivery {
            hook: hook(item)?,
            generation: number::<u64>(item, "generation")?.into(),
            run: step.run,
            event: json(item, "event")?,
        },
        step,
        state: json(item, "state")?,
        updated: Timestamp::from_millis(number(item, "updated")?),
        attempts: Vec::new(),
    })
}
