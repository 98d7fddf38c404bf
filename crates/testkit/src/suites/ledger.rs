//! [`Ledger`]: what was written is read until it expires, and by nobody from then on.

mod claims;
mod counts;
mod deferrals;
mod expiry;
mod gates;
mod health;
mod lists;
pub mod poison;
mod records;
mod recoveries;

use std::{sync::Arc, time::Duration};

use hooks::{
    delivery::{Delivery, Record},
    hook::EventHook,
    id::DeliveryId,
    ports::{Clock, DeliveryEntry, DeliveryQuery, Ledger, PageRequest, PortResult},
    time::Timestamp,
};

use super::{check_each, pages};
use crate::{
    builders::{START, event_at},
    fakes::HandClock,
};

/// A ledger, and the clock that it goes by.
struct Subject {
    ledger: Arc<dyn Ledger>,
    clock: HandClock,
}

/// Holds a ledger to its promise. `fresh` makes an empty one that goes by this clock.
pub async fn run(fresh: impl AsyncFn(HandClock) -> Arc<dyn Ledger>) {
    let subject = async || {
        let clock = HandClock::default();
        Subject { ledger: fresh(clock.clone()).await, clock }
    };
    check_each!(subject().await =>
        gates::a_gate_without_memory_recalls_nothing,
        gates::memories_are_recalled_in_the_order_of_asking,
        gates::each_writing_is_counted,
        gates::a_full_memory_is_recalled_whole,
        gates::memories_of_hooks_lives_and_groups_are_apart,
        gates::a_stale_writer_changes_nothing,
        gates::of_writers_that_saw_nothing_exactly_one_wins,
        gates::of_writers_that_saw_the_same_exactly_one_wins,
    );
    check_each!(subject().await =>
        claims::the_first_who_asks_owns_the_key_and_may_ask_again,
        claims::a_key_holds_within_its_workspace_and_source,
        claims::claims_of_one_call_are_decided_in_order,
        claims::no_claims_get_no_answers,
        claims::of_claimants_at_once_exactly_one_wins,
    );
    run_deliveries(&subject).await;
    check_each!(subject().await =>
        health::of_most_hooks_nothing_is_known,
        health::health_is_read_back_whole_and_each_writing_is_counted,
        health::healths_of_hooks_and_lives_are_apart,
        health::a_stale_writer_changes_nothing,
        health::of_writers_that_saw_nothing_exactly_one_wins,
        health::of_writers_that_saw_the_same_exactly_one_wins,
        health::it_is_read_until_it_expires_and_not_then,
        health::what_expired_is_none_to_writers,
        health::the_latest_writing_says_when_it_ends,
    );
    check_each!(subject().await =>
        recoveries::a_recovery_is_read_back_whole,
        recoveries::recoveries_are_apart,
        recoveries::a_recovery_never_goes_back,
        recoveries::of_slices_at_once_the_furthest_stays,
        recoveries::it_is_read_until_it_expires_and_not_then,
        recoveries::what_expired_begins_anew,
        recoveries::the_latest_writing_says_when_it_ends,
    );
    check_each!(subject().await =>
        expiry::a_memory_is_recalled_until_it_expires_and_not_then,
        expiry::a_memory_that_expired_is_none_to_writers,
        expiry::a_memory_without_an_end_stays,
        expiry::the_latest_writing_says_when_a_memory_ends,
        expiry::a_claim_holds_until_its_end_and_not_then,
        expiry::asked_long_after_the_second_of_two_posts_within_a_day_still_loses,
        expiry::a_delivery_is_read_until_it_expires_and_not_then,
        expiry::an_expired_delivery_is_on_no_page,
        expiry::an_expired_delivery_begins_anew,
    );
}

/// What became of deliveries, whether they were put off, and which of them are listed.
async fn run_deliveries(subject: impl AsyncFn() -> Subject) {
    check_each!(subject().await =>
        records::a_record_is_read_back_whole,
        records::an_end_without_an_attempt_is_read_back,
        records::every_state_is_read_back,
        records::a_large_event_and_answer_are_read_back_whole,
        records::writing_twice_leaves_what_writing_once_does,
        records::a_later_attempt_moves_the_delivery_on,
        records::a_late_record_adds_its_attempt_and_nothing_else,
        records::a_record_of_the_same_step_changes_nothing,
        records::a_later_run_comes_after_every_attempt_of_an_earlier_one,
        records::a_run_after_a_success_starts_afresh,
        records::delivered_then_a_later_failure_of_its_run_stays_delivered_with_both_attempts,
        records::what_ended_stays_so_when_a_later_failure_of_its_run_is_recorded,
        records::exhausted_then_a_late_success_of_its_run_becomes_delivered,
        records::progress_is_answered_in_order,
        records::deliveries_of_one_event_to_different_hooks_are_apart,
        records::records_at_once_end_at_the_latest_step_with_every_attempt,
    );
    check_each!(subject().await =>
        deferrals::every_reason_to_wait_is_read_back,
        deferrals::a_deferral_moves_the_state_and_not_the_step_and_keeps_the_attempts,
        deferrals::a_deferral_before_the_first_attempt_is_followed_by_it,
        deferrals::a_redelivery_waits_in_its_run_until_its_first_attempt,
        deferrals::of_several_deferrals_the_latest_stays,
        deferrals::a_record_that_comes_after_the_deferral_of_its_retry_adds_its_attempt_only,
        deferrals::an_attempt_that_comes_again_does_not_undo_a_deferral,
        deferrals::a_late_deferral_changes_nothing,
        deferrals::a_success_takes_the_place_of_a_deferral,
        deferrals::what_is_put_off_is_kept_for_longer,
        deferrals::deferrals_and_attempts_at_once_lose_no_attempt,
    );
    check_each!(subject().await =>
        lists::a_hook_without_deliveries_has_an_empty_list,
        lists::the_newest_event_comes_first_whenever_it_was_recorded,
        lists::a_list_leaves_out_event_data_and_attempts,
        lists::a_list_holds_the_deliveries_of_its_hook_only,
        lists::a_list_of_one_status_follows_the_deliveries,
        lists::since_is_included_and_until_is_not,
        lists::deliveries_of_one_moment_are_each_on_one_page,
        lists::filters_hold_on_every_page,
        lists::a_cursor_does_not_lift_the_filters,
        lists::pages_stay_in_place_while_newer_events_are_recorded,
    );
    check_each!(subject().await =>
        counts::a_hook_without_deliveries_counts_none,
        counts::a_count_is_what_all_pages_list_together,
        counts::a_count_follows_the_deliveries,
        counts::an_expired_delivery_is_not_counted,
    );
}

/// Far later than anything in a suite.
const MONTH: Duration = Duration::from_hours(30 * 24);

/// The delivery of another event, accepted at that second, to this hook.
fn owed(hook: &EventHook, seconds: i64) -> Delivery {
    Delivery::first(hook, event_at(seconds))
}

/// Everything that a hook has in the ledger.
fn all_of(hook: &EventHook) -> DeliveryQuery {
    let page = PageRequest { size: 100, after: None };
    DeliveryQuery { hook: hook.id, status: None, since: None, until: None, page }
}

impl Subject {
    /// Records these, to be kept for long.
    async fn record_all(&self, records: &[Record]) -> PortResult<()> {
        for record in records {
            self.ledger.record(record, START + MONTH).await?;
        }
        Ok(())
    }

    /// A delivery that must be there.
    async fn entry(&self, id: DeliveryId) -> PortResult<DeliveryEntry> {
        let entry = self.ledger.delivery(id, self.now()).await?;
        Ok(entry.expect("the delivery is in the ledger"))
    }

    /// The ids that a query lists, asked for in pages of this size.
    async fn listed(&self, query: &DeliveryQuery, size: usize) -> PortResult<Vec<DeliveryId>> {
        let fetch = async |page| {
            let query = DeliveryQuery { page, ..query.clone() };
            self.ledger.deliveries(&query, self.now()).await
        };
        let listed = pages::all(size, fetch, pages::quietly).await?;
        Ok(listed.into_iter().map(|it| it.id).collect())
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
