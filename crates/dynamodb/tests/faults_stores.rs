//! The stores while requests and answers get lost: a change is made whole or not at all, and what
//! was made is never said to be somebody else's.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use hooks::{
    catalog::{EventSpec, Published},
    digest::Digest,
    gate::GateKey,
    name::{Scope, Workspace},
    ports::{CatalogStore, HookStore, Ledger, PageRequest, PortError, ShelfKey, TokenStore},
};
use testkit::{
    builders::{hook, memory, published, source},
    fakes::HandClock,
    flaky::{Asked, Halving, Trouble},
    suites,
};

use crate::{
    deeds::{Case, DEEDS, Deed},
    world::{self, SHORT, Troubled},
};

/// Longer than anybody waits.
const TOO_LONG: Duration = Duration::from_millis(700);

/// What goes wrong with the first requests for something.
fn troubles() -> Vec<(&'static str, Vec<Trouble>)> {
    let times = |number, trouble: Trouble| vec![trouble; number];
    vec![
        ("nothing", vec![]),
        ("throttled", times(3, Trouble::THROTTLED)),
        ("a crowded partition", times(3, Trouble::EXCEEDED)),
        ("an error of the server's", times(3, Trouble::BROKEN)),
        ("lost on the way there", times(3, Trouble::Dropped)),
        ("lost on the way back", times(1, Trouble::AnswerLost)),
        ("lost on the way back again and again", times(4, Trouble::AnswerLost)),
        ("an answer that is too late", times(1, Trouble::AnswerLate(TOO_LONG))),
        ("a request that arrives after its repetition", times(1, Trouble::Late(TOO_LONG))),
        ("two requests that arrive late", times(2, Trouble::Late(TOO_LONG))),
        ("throttled after it was done", vec![Trouble::AnswerLost, Trouble::THROTTLED]),
    ]
}

/// What goes wrong with transactions only.
fn crowds() -> Vec<(&'static str, Vec<Trouble>)> {
    let crowd = || Trouble::cancelled(&["None", "TransactionConflict", "ThrottlingError"]);
    let in_progress = Trouble::Refused(400, "TransactionInProgressException");
    vec![
        ("in a crowd", vec![crowd(), crowd(), crowd()]),
        ("in a crowd after it was done", vec![Trouble::AnswerLost, crowd()]),
        ("still in progress after it was done", vec![Trouble::AnswerLost, in_progress]),
    ]
}

fn is_transaction(asked: &Asked) -> bool {
    asked.operation == "TransactWriteItems"
}

/// Does a deed in spite of these troubles with its first transactions, or with what it reads
/// before them.
async fn hold(deed: Deed, name: &str, troubles: Vec<Trouble>, writes: bool, world: &Troubled) {
    let Troubled { direct, troubled, flaky } = world;
    let name = format!("{deed:?}, {}: {name}", if writes { "writing" } else { "reading" });
    let case = Case::new(deed);
    let (before, after) = case.expected().await;
    case.prepare(direct).await.unwrap();
    assert_eq!(case.state(direct).await.unwrap(), before, "{name}");

    let mut troubles = troubles.into_iter();
    flaky.rule(move |asked| (is_transaction(asked) == writes).then(|| troubles.next()).flatten());
    let done = case.run(troubled).await;
    assert!(matches!(done, Ok(true)), "{name}: {done:?}");
    if name.contains("late") || name.contains("arrives") {
        tokio::time::sleep(TOO_LONG).await;
    }
    assert_eq!(case.state(direct).await.unwrap(), after, "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_for_a_while_is_done_all_the_same() {
    world::with(async |world| {
        let all = DEEDS.map(async |deed| {
            let world = world.troubled(&HandClock::default()).await;
            for (name, troubles) in troubles().into_iter().chain(crowds()) {
                hold(deed, name, troubles, true, &world).await;
            }
            for (name, troubles) in troubles() {
                hold(deed, name, troubles, false, &world).await;
            }
        });
        join_all(all).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_that_arrives_late_undoes_no_later_one() {
    world::with(async |world| {
        let Troubled { direct, troubled, flaky } = world.troubled(&HandClock::default()).await;
        let first = published("a", "x");
        let second = Published { spec: EventSpec::default(), ..first.clone() };
        flaky.next([Trouble::Late(TOO_LONG)]);
        troubled.publish(&first).await.unwrap();
        direct.publish(&second).await.unwrap();
        tokio::time::sleep(TOO_LONG).await;
        assert_eq!(direct.published().await.unwrap(), [second]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_going_wrong_is_unavailable_and_never_done_by_halves() {
    world::with(async |world| {
        for (name, trouble, happens) in [
            ("throttled", Trouble::THROTTLED, false),
            ("errors of the server's", Trouble::BROKEN, false),
            ("lost on the way there", Trouble::Dropped, false),
            ("lost on the way back", Trouble::AnswerLost, true),
            ("a crowd", Trouble::cancelled(&["TransactionConflict"]), false),
            ("a crowd of another kind", Trouble::cancelled(&["ThrottlingError"]), false),
            ("no permission", Trouble::Refused(400, "AccessDeniedException"), false),
            ("no table", Trouble::Refused(400, "ResourceNotFoundException"), false),
        ] {
            let Troubled { direct, troubled, flaky } = world.troubled(&HandClock::default()).await;
            let cases: Vec<_> = DEEDS.into_iter().map(Case::new).collect();
            for case in &cases {
                case.prepare(&direct).await.unwrap();
            }
            let trouble = trouble.clone();
            flaky.rule(move |asked: &Asked| is_transaction(asked).then(|| trouble.clone()));
            let run = cases.iter().map(|case| case.run(&troubled));
            for (case, done) in cases.iter().zip(join_all(run).await) {
                let deed = case.deed;
                let is_unavailable = matches!(done, Err(PortError::Unavailable { .. }));
                assert!(is_unavailable, "{deed:?}, {name}: {done:?}");
                let (before, after) = case.expected().await;
                let expected = if happens { after } else { before };
                assert_eq!(case.state(&direct).await.unwrap(), expected, "{deed:?}, {name}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_unavailable_and_never_missing() {
    world::with(async |world| {
        let Troubled { direct, troubled, flaky } = world.troubled(&HandClock::default()).await;
        let case = Case::new(Deed::Remove);
        case.prepare(&direct).await.unwrap();
        let key = ShelfKey { workspace: Workspace::default_workspace(), source: source("crud") };
        let page = PageRequest { size: 10, after: None };
        for trouble in [Trouble::THROTTLED, Trouble::BROKEN, Trouble::AnswerLost] {
            flaky.always(trouble);
            let store = &troubled;
            let answers = [
                store.hook(case.hook.id).await.map(drop),
                store.hooks(&Scope::All, page).await.map(drop),
                store.versions(std::slice::from_ref(&key)).await.map(drop),
                store.shelf(&key).await.map(drop),
                store.published().await.map(drop),
                store.token(&case.token.hash).await.map(drop),
                store.tokens(PageRequest { size: 10, after: None }).await.map(drop),
                store.remove_token(case.token.id).await.map(drop),
                store.replace(&case.hook, 1).await,
                store.remove(&case.hook).await,
            ];
            for answer in answers {
                assert!(matches!(answer, Err(PortError::Unavailable { .. })), "{answer:?}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_batch_leaves_out_is_asked_for_again() {
    world::with(async |world| {
        let Troubled { direct, troubled, flaky } = world.troubled(&HandClock::default()).await;
        let hooks: Vec<_> = (0..30).map(|_| hook()).collect();
        for hook in &hooks {
            direct.insert(hook).await.unwrap();
        }
        flaky.rule(|asked: &Asked| {
            (asked.operation == "BatchGetItem").then_some(Trouble::Halved(Halving::OF_KEYS))
        });
        let page = PageRequest { size: 1_000, after: None };
        let listed = troubled.hooks(&Scope::All, page).await.unwrap();
        assert_eq!(listed, direct.hooks(&Scope::All, page).await.unwrap());
        assert_eq!(listed.items.len(), 30);
        let key = |source| ShelfKey { workspace: Workspace::default_workspace(), source };
        let keys = ["a", "crud", "b"].map(|it| key(source(it)));
        assert_eq!(troubled.versions(&keys).await.unwrap(), [0, 30, 0]);

        // A batch of which nothing is done at all is given up in the end.
        flaky.rule(|asked: &Asked| {
            let nothing = Halving {
                request: |request| request["RequestItems"].clone(),
                answer: |answer, all| {
                    answer["UnprocessedKeys"] = all;
                    answer["Responses"] = serde_json::json!({});
                },
            };
            (asked.operation == "BatchGetItem").then_some(Trouble::Halved(nothing))
        });
        let versions = troubled.versions(&keys).await;
        assert!(matches!(versions, Err(PortError::Unavailable { .. })), "{versions:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gate_memories_go_with_their_hook_whatever_a_batch_leaves_out() {
    world::with(async |world| {
        let Troubled { direct, troubled, flaky } = world.troubled(&HandClock::default()).await;
        let hook = hook();
        let gate = |it: usize| GateKey {
            hook: hook.id,
            generation: hook.generation,
            group: Digest::of_texts([it.to_string().as_str()]),
        };
        let gates: Vec<_> = (0..60).map(gate).collect();
        direct.insert(&hook).await.unwrap();
        for gate in &gates {
            direct.remember(gate, &memory(0, "a"), 0, None).await.unwrap();
        }
        flaky.rule(|asked: &Asked| {
            (asked.operation == "BatchWriteItem").then_some(Trouble::Halved(Halving::OF_WRITES))
        });
        troubled.remove(&hook).await.unwrap();
        assert!(direct.recall(&gates).await.unwrap().iter().all(Option::is_none));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_is_removed_even_when_its_gate_memories_stay() {
    world::with(async |world| {
        let Troubled { direct, troubled, flaky } = world.troubled(&HandClock::default()).await;
        let hook = hook();
        direct.insert(&hook).await.unwrap();
        flaky.rule(|asked: &Asked| (asked.operation == "Query").then_some(Trouble::BROKEN));
        troubled.remove(&hook).await.unwrap();
        assert_eq!(direct.hook(hook.id).await.unwrap(), None);
    })
    .await;
}

/// Every third request goes wrong, each time in another way.
pub(crate) fn every_third(asked: &Asked) -> Option<Trouble> {
    let troubles = [
        Trouble::THROTTLED,
        Trouble::AnswerLost,
        Trouble::BROKEN,
        Trouble::Dropped,
        Trouble::EXCEEDED,
        Trouble::AnswerLost,
        Trouble::AnswerLate(SHORT + Duration::from_millis(100)),
    ];
    (asked.number % 3 == 2).then(|| troubles[asked.number / 3 % troubles.len()].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suites_pass_while_every_third_request_goes_wrong() {
    world::with(async |world| {
        let troubled = async |clock: &HandClock| {
            let Troubled { troubled, flaky, .. } = world.troubled(clock).await;
            flaky.rule(every_third);
            world.keep(flaky);
            Arc::new(troubled)
        };
        suites::hook_store::run(async |clock| {
            let dynamo = troubled(&clock).await;
            suites::hook_store::Subject { store: dynamo.clone(), ledger: dynamo }
        })
        .await;
        suites::catalog_store::run(async || troubled(&HandClock::default()).await as _).await;
        suites::token_store::run(async || troubled(&HandClock::default()).await as _).await;
    })
    .await;
}
