//! What is written into the ledger, each deed on things of its own.

use hooks::{
    delivery::{Delivery, Record, State},
    gate::{GateKey, Memory},
    hook::EventHook,
    id::OccurrenceId,
    ports::{Claim, DeliveryQuery, Ledger, PageRequest, PortResult, Recovery, RecoveryState},
};
use testkit::{
    builders::{
        START, attempt_step, claim, failing, gate_key, hook, memory, pending, record_of, recovery,
    },
    fakes::MemoryLedger,
};

use super::MONTH;
use crate::ledger::large;

/// What somebody wants to be written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Deed {
    Remember,
    RememberMore,
    Claim,
    RecordSuccess,
    RecordFailure,
    RecordRetry,
    RecordEnd,
    RecordLarge,
    KeepHealth,
    KeepHealthOn,
    KeepRecovery,
    EndRecovery,
}

pub(super) const DEEDS: [Deed; 12] = [
    Deed::Remember,
    Deed::RememberMore,
    Deed::Claim,
    Deed::RecordSuccess,
    Deed::RecordFailure,
    Deed::RecordRetry,
    Deed::RecordEnd,
    Deed::RecordLarge,
    Deed::KeepHealth,
    Deed::KeepHealthOn,
    Deed::KeepRecovery,
    Deed::EndRecovery,
];

/// One deed, on things of its own.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) deed: Deed,
    pub(super) gate: GateKey,
    memories: [Memory; 2],
    pub(super) claim: Claim,
    pub(super) hook: EventHook,
    pub(super) delivery: Delivery,
    pub(super) recovery: Recovery,
}

impl Case {
    pub(super) fn new(deed: Deed) -> Self {
        let hook = hook();
        let claim = claim(&hook.id.to_string());
        let bytes = if deed == Deed::RecordLarge { 100 * 1024 } else { 1024 };
        let delivery = large::event_of(&hook, bytes);
        Self {
            deed,
            gate: gate_key(),
            memories: [memory(0, "a"), memory(1, "b")],
            claim,
            hook,
            delivery,
            recovery: recovery(),
        }
    }

    fn record(&self, attempt: u32, state: State) -> Record {
        record_of(self.delivery.clone(), attempt_step(attempt), state)
    }

    /// What is there before.
    pub(super) async fn prepare(&self, ledger: &dyn Ledger) -> PortResult<()> {
        let Self { gate, memories, hook, .. } = self;
        let ends = START + MONTH;
        match self.deed {
            Deed::RememberMore => ledger.remember(gate, &memories[0], 0, None).await,
            Deed::RecordRetry | Deed::RecordEnd => {
                ledger.record(&self.record(1, pending()), ends).await
            }
            Deed::KeepHealthOn => {
                ledger.keep_health(hook.id, hook.generation, &failing(1), 0, ends).await
            }
            Deed::EndRecovery => ledger.keep_recovery(&self.recovery, ends).await,
            _ => Ok(()),
        }
    }

    /// Does it; answers whether it was the first to do so.
    pub(super) async fn run(&self, ledger: &dyn Ledger) -> PortResult<bool> {
        let Self { gate, memories, hook, recovery, .. } = self;
        let ends = START + MONTH;
        let (id, generation) = (hook.id, hook.generation);
        let done = match self.deed {
            Deed::Claim => {
                let answers = ledger.claim(std::slice::from_ref(&self.claim)).await?;
                return Ok(answers == [true]);
            }
            Deed::Remember => ledger.remember(gate, &memories[0], 0, None).await,
            Deed::RememberMore => ledger.remember(gate, &memories[1], 1, Some(ends)).await,
            Deed::RecordSuccess => ledger.record(&self.record(1, State::Delivered), ends).await,
            Deed::RecordFailure => ledger.record(&self.record(1, pending()), ends).await,
            Deed::RecordRetry => ledger.record(&self.record(2, pending()), ends).await,
            Deed::RecordEnd => ledger.record(&self.record(2, State::Parked), ends).await,
            Deed::RecordLarge => {
                ledger.record(&large::with_returns(self.record(1, pending())), ends).await
            }
            Deed::KeepHealth => ledger.keep_health(id, generation, &failing(1), 0, ends).await,
            Deed::KeepHealthOn => ledger.keep_health(id, generation, &failing(2), 1, ends).await,
            Deed::KeepRecovery => ledger.keep_recovery(recovery, ends).await,
            Deed::EndRecovery => {
                let ended = Recovery { done: 10, state: RecoveryState::Done, ..recovery.clone() };
                ledger.keep_recovery(&ended, ends).await
            }
        };
        done.map(|()| true)
    }

    /// All that can be read of a case's things.
    pub(super) async fn state(&self, ledger: &dyn Ledger) -> PortResult<String> {
        let hook = &self.hook;
        let rival = Claim { owner: OccurrenceId::at(START), ..self.claim.clone() };
        let is_claim = self.deed == Deed::Claim;
        let mut lists = Vec::new();
        for status in [None, Some(pending().status()), Some(State::Parked.status())] {
            let page = PageRequest { size: 10, after: None };
            let query = DeliveryQuery { hook: hook.id, status, since: None, until: None, page };
            let count = ledger.count(&query, START).await?;
            lists.push((ledger.deliveries(&query, START).await?, count));
        }
        Ok(format!(
            "{:?} {:?} {:?} {:?} {:?} {lists:?}",
            ledger.recall(&[self.gate]).await?,
            if is_claim { ledger.claim(&[rival]).await? } else { vec![] },
            ledger.delivery(self.delivery.id(), START).await?,
            ledger.health(hook.id, hook.generation, START).await?,
            ledger.recovery(self.recovery.id, START).await?,
        ))
    }

    /// What is there before and after, where nothing goes wrong.
    pub(super) async fn expected(&self) -> (String, String) {
        let memory = MemoryLedger::default();
        self.prepare(&memory).await.unwrap();
        let before = match self.deed {
            // To ask for it is to claim it.
            Deed::Claim => String::new(),
            _ => self.state(&memory).await.unwrap(),
        };
        assert!(self.run(&memory).await.unwrap(), "{:?}", self.deed);
        let after = self.state(&memory).await.unwrap();
        assert_ne!(before, after, "{:?}", self.deed);
        (before, after)
    }
}
