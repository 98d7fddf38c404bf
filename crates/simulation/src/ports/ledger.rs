//! The ledger, as a process reaches it: conditional, and not always there.

use async_trait::async_trait;
use hooks::{
    delivery::{Record, State as Standing, Step},
    gate::{GateKey, Memory},
    health::{self, Health},
    id::{DeliveryId, Generation, HookId, PoisonId, RecoveryId},
    ports::{
        Claim, DeliveryCursor, DeliveryEntry, DeliveryQuery, KeptHealth, Ledger, Page, PageRequest,
        Poison, PortError, PortResult, Progress, Recovery, Remembered,
    },
    time::Timestamp,
};

use super::{Port, rows::gate};
use crate::{check, sabotage::Sabotage, world::State};

impl Port {
    async fn ledger_call<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut State) -> PortResult<T> + Send,
    ) -> PortResult<T> {
        self.world.call(self.process, what, work).await
    }

    fn tampered_record(&self, record: &Record) -> Record {
        let mut record = record.clone();
        if self.world.suffers(Sabotage::CancelledForParked) && record.state == Standing::Parked {
            record.state = Standing::Cancelled;
        }
        record
    }
}

/// The memory without the events that passed.
fn forgetful(memory: &Memory) -> Memory {
    let mut value = serde_json::to_value(memory).expect("memories are JSON");
    value.as_object_mut().map(|it| it.remove("passed"));
    serde_json::from_value(value).expect("a memory of nothing that passed")
}

#[async_trait]
impl Ledger for Port {
    async fn recall(&self, gates: &[GateKey]) -> PortResult<Vec<Option<Remembered>>> {
        self.ledger_call("recall", |state| {
            let recalled = |key: &GateKey| {
                let (memory, version) = state.rows.memories.get(&gate(key))?;
                Some(Remembered { memory: memory.clone(), version: *version })
            };
            Ok(gates.iter().map(recalled).collect())
        })
        .await
    }

    async fn remember(
        &self,
        key: &GateKey,
        memory: &Memory,
        seen: u64,
        _expires: Option<Timestamp>,
    ) -> PortResult<()> {
        let is_overwritten = self.world.suffers(Sabotage::MemoryOverwritten);
        let is_forgetful = self.world.suffers(Sabotage::PassedForgotten);
        self.ledger_call("remember", |state| {
            let found = state.rows.memories.get(&gate(key)).map_or(0, |(_, version)| *version);
            if found != seen && !is_overwritten {
                state.tally.conflicts += 1;
                return Err(PortError::Conflict);
            }
            let memory = if is_forgetful { forgetful(memory) } else { memory.clone() };
            state.rows.memories.insert(gate(key), (memory, found + 1));
            Ok(())
        })
        .await
    }

    async fn claim(&self, claims: &[Claim]) -> PortResult<Vec<bool>> {
        let are_granted = self.world.suffers(Sabotage::ClaimsGranted);
        self.ledger_call("claim", |state| {
            let answers: Vec<_> = claims.iter().map(|it| state.rows.claim(it)).collect();
            Ok(answers.into_iter().map(|it| it || are_granted).collect())
        })
        .await
    }

    async fn record(&self, record: &Record, expires: Timestamp) -> PortResult<()> {
        let record = self.tampered_record(record);
        let goes_back = self.world.suffers(Sabotage::RecordsGoBack);
        let is_dropped = self.world.suffers(Sabotage::RecordsDropped);
        self.ledger_call("record", |state| {
            let step = state.tick();
            if !is_dropped {
                state.rows.record(&record, expires, step, goes_back);
            }
            state.note(|state| {
                let row = state.rows.deliveries.get(&record.delivery.id()).map(|it| &it.state);
                let delivery = state.facts.names().delivery(&record.delivery);
                let (Step { run, attempt }, status) = (record.step, record.state.status());
                format!(
                    "{} records {delivery} run {run} attempt {attempt}: {}, which makes it {row:?}",
                    self.process,
                    status.as_str(),
                )
            });
            state.put_withheld(self.process, record.delivery.id());
            Ok(())
        })
        .await
    }

    async fn progress(
        &self,
        deliveries: &[DeliveryId],
        now: Timestamp,
    ) -> PortResult<Vec<Option<Progress>>> {
        let is_unknown = self.world.suffers(Sabotage::ProgressUnknown);
        self.ledger_call("progress", |state| {
            let progress = |id: &DeliveryId| state.rows.progress(*id, now);
            Ok(deliveries.iter().map(|id| progress(id).filter(|_| !is_unknown)).collect())
        })
        .await
    }

    async fn deliveries(
        &self,
        query: &DeliveryQuery,
        now: Timestamp,
    ) -> PortResult<Page<DeliveryEntry, DeliveryCursor>> {
        self.ledger_call("list deliveries", |state| Ok(state.rows.page(query, now))).await
    }

    async fn delivery(&self, id: DeliveryId, now: Timestamp) -> PortResult<Option<DeliveryEntry>> {
        self.ledger_call("read delivery", |state| Ok(state.rows.entry(id, now))).await
    }

    async fn count(&self, query: &DeliveryQuery, now: Timestamp) -> PortResult<u64> {
        self.ledger_call("count deliveries", |state| Ok(state.rows.count(query, now))).await
    }

    async fn health(
        &self,
        hook: HookId,
        generation: Generation,
        _now: Timestamp,
    ) -> PortResult<Option<KeptHealth>> {
        let read = |state: &mut State| Ok(state.rows.health_of(hook, generation).copied());
        let answer = self.ledger_call("read health", read).await;
        self.doubt(hook, generation, answer.is_err());
        answer
    }

    async fn keep_health(
        &self,
        hook: HookId,
        generation: Generation,
        health: &Health,
        seen: u64,
        expires: Timestamp,
    ) -> PortResult<()> {
        let is_overwritten = self.world.suffers(Sabotage::HealthOverwritten);
        let answer = self
            .ledger_call("keep health", |state| {
                let before = state.rows.health_of(hook, generation).copied();
                let found = before.map_or(0, |it| it.version);
                if found != seen && !is_overwritten {
                    state.tally.conflicts += 1;
                    return Err(PortError::Conflict);
                }
                let kept = KeptHealth { health: *health, version: found + 1 };
                state.rows.health.insert((hook, generation.as_u64()), kept);
                let before = before.map(|it| it.health);
                check::health_written(
                    state,
                    self.process,
                    (hook, generation),
                    before,
                    *health,
                    expires - health::KEPT,
                );
                Ok(())
            })
            .await;
        self.doubt(hook, generation, matches!(answer, Err(PortError::Unavailable { .. })));
        answer
    }

    async fn keep_recovery(&self, recovery: &Recovery, _expires: Timestamp) -> PortResult<()> {
        self.ledger_call("keep recovery", |state| {
            state.rows.keep_recovery(recovery);
            Ok(())
        })
        .await
    }

    async fn recovery(&self, id: RecoveryId, _now: Timestamp) -> PortResult<Option<Recovery>> {
        self.ledger_call("read recovery", |state| Ok(state.rows.recoveries.get(&id).cloned())).await
    }

    async fn poisons(&self, _page: PageRequest<PoisonId>) -> PortResult<Page<Poison, PoisonId>> {
        Ok(Page { items: Vec::new(), next: None })
    }

    async fn poison(&self, _id: PoisonId) -> PortResult<Option<Poison>> {
        Ok(None)
    }

    async fn drop_poison(&self, _id: PoisonId) -> PortResult<bool> {
        Ok(false)
    }
}

impl Port {
    /// Where health was not to be had, attempts are made without it.
    fn doubt(&self, hook: HookId, generation: Generation, is_in_doubt: bool) {
        if is_in_doubt {
            self.world
                .lock()
                .facts
                .circuits
                .entry((hook, generation.as_u64()))
                .or_default()
                .is_in_doubt = true;
        }
    }
}
