//! What follows for a hook from how its receiver is doing?

use super::{Deliverer, following::follow};
use crate::{
    delivery::{Delivery, Failure, FailureClass, Outcome, State},
    health::{Sign, Turn},
    hook::EventHook,
    operational::{self, DisabledBecause},
    ports::{PortError, PortResult},
    time::Timestamp,
};

impl Deliverer {
    /// The receiver wants no more: the hook is disabled, and the delivery parked. Where the hook
    /// was changed meanwhile, that was about another one, and the delivery is tried again.
    pub(super) async fn gone(
        &self,
        hook: &EventHook,
        delivery: &Delivery,
        number: u32,
        now: Timestamp,
    ) -> PortResult<State> {
        self.disable(hook, DisabledBecause::Gone, now).await?;
        let reason = "the receiver of an earlier version of the hook answered 410".to_owned();
        let class = FailureClass::Transient { retry_after: None };
        Ok(match self.alive(delivery).await? {
            None => State::Cancelled,
            Some(hook) if !hook.is_enabled() => State::Parked,
            Some(_) => follow(delivery, number, &Outcome::Failed(Failure { class, reason }), now),
        })
    }

    /// Disables a hook, if it still is what failed. It is said first: told twice is better than
    /// never.
    async fn disable(
        &self,
        hook: &EventHook,
        because: DisabledBecause,
        now: Timestamp,
    ) -> PortResult<()> {
        let found = self.hooks.hook(hook.id).await?;
        let is_same =
            |it: &EventHook| (it.generation, it.version) == (hook.generation, hook.version);
        if !found.as_ref().is_some_and(is_same) {
            return Ok(());
        }
        self.say(operational::disabled(hook, because, now)).await?;
        match self.hooks.replace(&hook.disabled(now), hook.version).await {
            // Somebody was faster, and what is the case now is theirs to say.
            Err(PortError::Conflict) => return Ok(()),
            replaced => replaced?,
        }
        tracing::warn!(hook.id = %hook.id, because = because.as_str(), "hook disabled");
        metrics::counter!("event_hooks_disabled_total", "reason" => because.as_str()).increment(1);
        Ok(())
    }

    /// What an attempt says about the hook's receiver, and what follows from it.
    pub(super) async fn note_health(
        &self,
        hook: &EventHook,
        outcome: &Outcome,
        at: Timestamp,
    ) -> PortResult<()> {
        let sign = match outcome {
            Outcome::Succeeded => Sign::Well,
            Outcome::Failed(Failure { class: FailureClass::Transient { .. }, .. }) => Sign::Ill,
            Outcome::Failed(_) => return Ok(()),
        };
        match self.vitals.note(hook, sign, at).await {
            None => {}
            Some(Turn::Opened) => tracing::warn!(hook.id = %hook.id, "circuit opened"),
            Some(Turn::Closed) => tracing::info!(hook.id = %hook.id, "circuit closed"),
            Some(Turn::Disable) => {
                self.disable(hook, DisabledBecause::Failing, at).await?;
            }
        }
        Ok(())
    }
}
