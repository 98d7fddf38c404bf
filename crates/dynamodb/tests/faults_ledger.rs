//! The ledger while requests and answers get lost: what was written is written, whoever has heard
//! of it; what was not is said to be unavailable; and of several at once none loses anything.

mod at_once;
mod deed;

use std::{sync::Arc, time::Duration};

use dynamodb::Dynamo;
use futures_util::future::join_all;
use hooks::{
    delivery::{Delivery, State},
    ports::{DeliveryQuery, Ledger, PageRequest, PortError},
};
use testkit::{
    builders::{
        START, at, attempt_step, delivery, event_at, gate_key, hook, memory, pending, record_of,
    },
    fakes::HandClock,
    flaky::{Asked, Halving, Trouble},
    suites,
};

use self::deed::{Case, DEEDS, Deed};
use crate::{
    faults_stores::every_third,
    ledger::{Undertaker, large},
    world::{self, Troubled},
};

const MONTH: Duration = Duration::from_hours(30 * 24);

/// Longer than anybody waits.
const TOO_LONG: Duration = Duration::from_millis(700);

fn times(number: usize, trouble: &Trouble) -> Vec<Trouble> {
    vec![trouble.clone(); number]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_for_a_while_is_written_all_the_same() {
    let in_the_way = Trouble::Refused(400, "TransactionConflictException");
    world::with(async |world| {
        let Troubled { direct, troubled, flaky } = world.troubled(&HandClock::default()).await;
        for (name, troubles) in [
            ("nothing", vec![]),
            ("throttled", times(3, &Trouble::THROTTLED)),
            ("a crowded partition", times(3, &Trouble::EXCEEDED)),
            ("an error of the server's", times(3, &Trouble::BROKEN)),
            ("lost on the way there", times(3, &Trouble::Dropped)),
            ("lost on the way back", times(1, &Trouble::AnswerLost)),
            ("lost on the way back again and again", times(4, &Trouble::AnswerLost)),
            ("an answer that is too late", times(1, &Trouble::AnswerLate(TOO_LONG))),
            ("a request that arrives after its repetition", times(1, &Trouble::Late(TOO_LONG))),
            ("two requests that arrive late", times(2, &Trouble::Late(TOO_LONG))),
            ("throttled after it was done", vec![Trouble::AnswerLost, Trouble::THROTTLED]),
        ] {
            for deed in DEEDS {
                let case = Case::new(deed);
                let (_, after) = case.expected().await;
                case.prepare(&direct).await.unwrap();
                flaky.next(troubles.clone());
                let done = case.run(&troubled).await;
                assert!(matches!(done, Ok(true)), "{deed:?}, {name}: {done:?}");
                if name.contains("late") {
                    tokio::time::sleep(TOO_LONG).await;
                }
                assert_eq!(case.state(&direct).await.unwrap(), after, "{deed:?}, {name}");
            }
        }
        for deed in DEEDS {
            let case = Case::new(deed);
            let (_, after) = case.expected().await;
            case.prepare(&direct).await.unwrap();
            let (mut met, in_the_way) = (0, in_the_way.clone());
            flaky.rule(move |asked: &Asked| {
                let trouble = match asked.operation.as_str() {
                    "PutItem" => in_the_way.clone(),
                    "TransactWriteItems" => Trouble::cancelled(&["TransactionConflict", "None"]),
                    _ => return None,
                };
                met += 1;
                (met <= 3).then_some(trouble)
            });
            let done = case.run(&troubled).await;
            assert!(matches!(done, Ok(true)), "{deed:?}, in the way of others: {done:?}");
            assert_eq!(case.state(&direct).await.unwrap(), after, "{deed:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_going_wrong_is_unavailable() {
    world::with(async |world| {
        for (name, trouble, happens) in [
            ("throttled", Trouble::THROTTLED, false),
            ("errors of the server's", Trouble::BROKEN, false),
            ("lost on the way there", Trouble::Dropped, false),
            ("lost on the way back", Trouble::AnswerLost, true),
            ("no permission", Trouble::Refused(400, "AccessDeniedException"), false),
            ("no table", Trouble::Refused(400, "ResourceNotFoundException"), false),
        ] {
            let Troubled { direct, troubled, flaky } = world.troubled(&HandClock::default()).await;
            let cases: Vec<_> = DEEDS.into_iter().map(Case::new).collect();
            for case in &cases {
                case.prepare(&direct).await.unwrap();
            }
            flaky.rule(move |asked: &Asked| {
                ["PutItem", "TransactWriteItems"]
                    .contains(&asked.operation.as_str())
                    .then(|| trouble.clone())
            });
            let run = cases.iter().map(|case| case.run(&troubled));
            for (case, done) in cases.iter().zip(join_all(run).await) {
                let deed = case.deed;
                let is_unavailable = matches!(done, Err(PortError::Unavailable { .. }));
                assert!(is_unavailable, "{deed:?}, {name}: {done:?}");
                let (before, after) = case.expected().await;
                // Of what is kept apart the row never came to be written.
                let expected = if happens && deed != Deed::RecordLarge { after } else { before };
                if deed != Deed::Claim || happens {
                    let state = case.state(&direct).await.unwrap();
                    assert_eq!(state, expected, "{deed:?}, {name}");
                }
                assert!(case.run(&direct).await.is_ok_and(|it| it) || happens, "{deed:?}, {name}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_unavailable_and_never_missing() {
    world::with(async |world| {
        let Troubled { direct, troubled: ledger, flaky } =
            world.troubled(&HandClock::default()).await;
        let case = Case::new(Deed::RecordLarge);
        case.run(&direct).await.unwrap();
        let id = direct.bury(&large::letter("a", "x"), MONTH).await.unwrap();
        let (hook, delivery) = (&case.hook, case.delivery.id());
        let page = PageRequest { size: 10, after: None };
        let of = |status| DeliveryQuery { hook: hook.id, status, since: None, until: None, page };
        let pending = Some(pending().status());
        for trouble in [Trouble::THROTTLED, Trouble::BROKEN, Trouble::AnswerLost] {
            flaky.always(trouble);
            let answers = [
                ledger.recall(&[case.gate]).await.map(drop),
                ledger.claim(std::slice::from_ref(&case.claim)).await.map(drop),
                ledger.progress(&[delivery], START).await.map(drop),
                ledger.deliveries(&of(None), START).await.map(drop),
                ledger.deliveries(&of(pending), START).await.map(drop),
                ledger.delivery(delivery, START).await.map(drop),
                ledger.count(&of(None), START).await.map(drop),
                ledger.count(&of(pending), START).await.map(drop),
                ledger.health(hook.id, hook.generation, START).await.map(drop),
                ledger.recovery(case.recovery.id, START).await.map(drop),
                ledger.poisons(PageRequest { size: 10, after: None }).await.map(drop),
                ledger.poison(id).await.map(drop),
                ledger.drop_poison(id).await.map(drop),
                ledger.bury(&large::letter("b", "x"), MONTH).await.map(drop),
            ];
            for (number, answer) in answers.iter().enumerate() {
                let is_unavailable = matches!(answer, Err(PortError::Unavailable { .. }));
                assert!(is_unavailable, "answer {number}: {answer:?}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_batch_leaves_out_is_asked_for_again() {
    world::with(async |world| {
        let Troubled { direct, troubled, flaky } = world.troubled(&HandClock::default()).await;
        let gates: Vec<_> = (0..250).map(|_| gate_key()).collect();
        let deliveries: Vec<_> = (0..250).map(|_| delivery()).collect();
        for (gate, delivery) in gates.iter().zip(&deliveries).step_by(3) {
            direct.remember(gate, &memory(0, "a"), 0, None).await.unwrap();
            let record = record_of(delivery.clone(), attempt_step(1), State::Delivered);
            direct.record(&record, START + MONTH).await.unwrap();
        }
        let ids: Vec<_> = deliveries.iter().map(Delivery::id).collect();
        let expected = direct.recall(&gates).await.unwrap();
        assert_eq!(expected.iter().flatten().count(), 84);
        flaky.rule(|asked: &Asked| {
            (asked.operation == "BatchGetItem").then_some(Trouble::Halved(Halving::OF_KEYS))
        });
        assert_eq!(troubled.recall(&gates).await.unwrap(), expected);
        let progress = troubled.progress(&ids, START).await.unwrap();
        assert_eq!(progress, direct.progress(&ids, START).await.unwrap());
        assert_eq!(progress.iter().flatten().count(), 84);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_drops_poison_is_told_so_when_the_answer_gets_lost() {
    world::with(async |world| {
        let Troubled { direct, troubled, flaky } = world.troubled(&HandClock::default()).await;
        for trouble in [Trouble::AnswerLost, Trouble::AnswerLate(TOO_LONG), Trouble::BROKEN] {
            let id = direct.bury(&large::letter("a", "x"), MONTH).await.unwrap();
            let mut met = 0;
            flaky.rule(move |asked: &Asked| {
                met += usize::from(asked.operation == "TransactWriteItems");
                (asked.operation == "TransactWriteItems" && met == 1).then(|| trouble.clone())
            });
            assert!(troubled.drop_poison(id).await.unwrap());
            assert!(!troubled.drop_poison(id).await.unwrap());
            assert_eq!(direct.poison(id).await.unwrap(), None);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_whole_or_not_there_and_is_not_buried_twice() {
    world::with(async |world| {
        let Troubled { direct, troubled, flaky } = world.troubled(&HandClock::default()).await;
        let body = "x".repeat(1024 * 1024);
        let page = PageRequest { size: 10, after: None };
        for lost in 0..4 {
            let message_id = lost.to_string();
            let letter = large::letter(&message_id, &body);
            // The process dies after so many of the writes.
            let mut writes = 0;
            flaky.rule(move |asked: &Asked| {
                writes += usize::from(asked.operation == "PutItem");
                (writes > lost).then_some(Trouble::Refused(400, "AccessDeniedException"))
            });
            let buried = troubled.bury(&letter, MONTH).await;
            assert!(matches!(buried, Err(PortError::Unavailable { .. })), "{buried:?}");
            assert_eq!(direct.poison(letter.id()).await.unwrap(), None, "after {lost} writes");

            flaky.next([Trouble::AnswerLost]);
            let id = troubled.bury(&letter, MONTH).await.unwrap();
            let poison = direct.poison(id).await.unwrap().unwrap();
            assert_eq!(poison.body, body);
        }
        assert_eq!(direct.poisons(page).await.unwrap().items.len(), 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suites_pass_while_every_third_request_goes_wrong() {
    world::with(async |world| {
        let troubled = async |clock: &HandClock| -> Dynamo {
            let Troubled { troubled, flaky, .. } = world.troubled(clock).await;
            flaky.rule(every_third);
            world.keep(flaky);
            troubled
        };
        suites::ledger::run(async |clock| Arc::new(troubled(&clock).await) as _).await;
        suites::ledger::poison::run(async |clock: HandClock| {
            let dynamo = troubled(&clock).await;
            let undertaker = Arc::new(Undertaker { dynamo: dynamo.clone(), clock });
            suites::ledger::poison::Subject { ledger: Arc::new(dynamo), undertaker }
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_the_same_while_every_third_request_goes_wrong() {
    world::with(async |world| {
        let Troubled { direct, troubled, flaky } = world.troubled(&HandClock::default()).await;
        let hook = hook();
        for second in 0..60 {
            let state = if second % 2 == 0 { State::Parked } else { State::Delivered };
            let delivery = Delivery::first(&hook, event_at(second));
            let record = record_of(delivery, attempt_step(1), state);
            direct.record(&record, START + MONTH).await.unwrap();
        }
        flaky.rule(every_third);
        for status in [None, Some(State::Parked.status()), Some(State::Delivered.status())] {
            let page = PageRequest { size: 20, after: None };
            let query =
                DeliveryQuery { hook: hook.id, status, since: Some(at(5)), until: None, page };
            let read = troubled.deliveries(&query, START).await.unwrap();
            assert_eq!(read, direct.deliveries(&query, START).await.unwrap(), "{status:?}");
            let count = troubled.count(&query, START).await.unwrap();
            assert_eq!(count, direct.count(&query, START).await.unwrap(), "{status:?}");
        }
    })
    .await;
}
