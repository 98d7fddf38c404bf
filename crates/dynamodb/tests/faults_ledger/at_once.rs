//! Several at once, while every other answer to a write gets lost.

use futures_util::future::join_all;
use hooks::{
    delivery::State,
    id::OccurrenceId,
    ports::{Claim, Ledger, PortError, PortResult},
};
use testkit::{
    builders::{
        START, attempt_step, claim, delivery, failing, gate_key, hook, memory, pending, record_of,
    },
    fakes::HandClock,
    flaky::{Asked, Flaky, Trouble},
};

use super::MONTH;
use crate::world::{self, Troubled};

/// Loses every other answer to a write.
fn lose_answers(flaky: &Flaky) {
    let mut writes = 0;
    flaky.rule(move |asked: &Asked| {
        let is_write = ["PutItem", "TransactWriteItems"].contains(&asked.operation.as_str());
        writes += usize::from(is_write);
        (is_write && writes % 2 == 1).then_some(Trouble::AnswerLost)
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn records_at_once_lose_nothing_while_answers_do() {
    world::with(async |world| {
        let Troubled { direct, troubled, flaky } = world.troubled(&HandClock::default()).await;
        lose_answers(&flaky);
        for _ in 0..5 {
            let delivery = delivery();
            let record = |attempt| {
                let state = if attempt == 12 { State::Delivered } else { pending() };
                record_of(delivery.clone(), attempt_step(attempt), state)
            };
            let records: Vec<_> = (1..=12).chain(1..=12).map(record).collect();
            let recording = records.iter().map(|it| troubled.record(it, START + MONTH));
            for recorded in join_all(recording).await {
                recorded.unwrap();
            }
            let entry = direct.delivery(delivery.id(), START).await.unwrap().unwrap();
            assert_eq!((entry.step, entry.state), (attempt_step(12), State::Delivered));
            let steps: Vec<_> = entry.attempts.iter().map(|it| it.step).collect();
            assert_eq!(steps, (1..=12).map(attempt_step).collect::<Vec<_>>());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_claimants_at_once_exactly_one_wins_while_answers_get_lost() {
    world::with(async |world| {
        let Troubled { direct, troubled, flaky } = world.troubled(&HandClock::default()).await;
        lose_answers(&flaky);
        for round in 0..20 {
            let first = claim(&round.to_string());
            let rival = |_| Claim { owner: OccurrenceId::at(START), ..first.clone() };
            let claims: Vec<_> = (0..8).map(rival).collect();
            let claiming = claims.iter().map(|it| troubled.claim(std::slice::from_ref(it)));
            let answers: PortResult<Vec<_>> = join_all(claiming).await.into_iter().collect();
            let answers = answers.unwrap().concat();
            assert_eq!(answers.iter().filter(|&&won| won).count(), 1, "{answers:?}");
            for (claim, won) in claims.into_iter().zip(answers) {
                assert_eq!(direct.claim(&[claim]).await.unwrap(), [won], "and it stays so");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_two_writers_of_a_memory_or_a_health_win_while_answers_get_lost() {
    world::with(async |world| {
        let Troubled { direct, troubled, flaky } = world.troubled(&HandClock::default()).await;
        lose_answers(&flaky);
        for _ in 0..20 {
            let (gate, hook) = (gate_key(), hook());
            for seen in 0..2 {
                // All of them want to write the same.
                let memory = memory(0, "a");
                let remembering = (0..6).map(|_| troubled.remember(&gate, &memory, seen, None));
                let health = failing(1);
                let keeping = (0..6).map(|_| {
                    let ends = START + MONTH;
                    troubled.keep_health(hook.id, hook.generation, &health, seen, ends)
                });
                for done in [join_all(remembering).await, join_all(keeping).await] {
                    let won = done.iter().filter(|it| it.is_ok()).count();
                    let lost = done.iter().filter(|it| matches!(it, Err(PortError::Conflict)));
                    assert_eq!((won, lost.count()), (1, 5), "{done:?}");
                }
            }
            let remembered = direct.recall(&[gate]).await.unwrap().remove(0).unwrap();
            assert_eq!(remembered.version, 2);
        }
    })
    .await;
}
