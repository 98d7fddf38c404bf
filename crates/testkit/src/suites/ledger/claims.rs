//! Who was first with a key.

use std::sync::Arc;

use hooks::{
    event::EventKey,
    id::OccurrenceId,
    ports::{Claim, PortResult},
};

use super::Subject;
use crate::{
    builders::{START, claim, source, workspace},
    suites::races,
};

/// The same key, claimed by somebody else.
fn rival(claim: &Claim) -> Claim {
    Claim { owner: OccurrenceId::at(START), ..claim.clone() }
}

pub(super) async fn the_first_who_asks_owns_the_key_and_may_ask_again(
    subject: &Subject,
) -> PortResult<()> {
    let mine = claim("a");
    for (name, claim, expected) in [
        ("first", mine.clone(), true),
        ("somebody else", rival(&mine), false),
        ("the owner again", mine.clone(), true),
        ("yet another", rival(&mine), false),
        ("the owner, as often as it likes", mine, true),
    ] {
        assert_eq!(subject.ledger.claim(&[claim]).await?, [expected], "{name}");
    }
    Ok(())
}

pub(super) async fn a_key_holds_within_its_workspace_and_source(
    subject: &Subject,
) -> PortResult<()> {
    let first = claim("a");
    let of_request = |key: &str, index| EventKey::Request { key: key.into(), index };
    let with_key = |key| Claim { key, ..rival(&first) };
    let claims = [
        first.clone(),
        Claim { workspace: workspace("elsewhere"), ..rival(&first) },
        Claim { source: source("balancer"), ..rival(&first) },
        with_key(EventKey::Id("A".into())),
        with_key(of_request("a", 0)),
        with_key(of_request("a", 1)),
        with_key(EventKey::Id("\"quoted\" für Ü 'x' \u{1}".into())),
    ];
    assert_eq!(subject.ledger.claim(&claims).await?, [true; 7], "all different keys");
    let rivals = claims.each_ref().map(rival);
    assert_eq!(subject.ledger.claim(&rivals).await?, [false; 7], "all taken");
    Ok(())
}

pub(super) async fn claims_of_one_call_are_decided_in_order(subject: &Subject) -> PortResult<()> {
    let (first, other) = (claim("a"), claim("b"));
    let claims = [first.clone(), rival(&first), other.clone(), first.clone(), rival(&other)];
    let expected = [true, false, true, true, false];
    assert_eq!(subject.ledger.claim(&claims).await?, expected);
    assert_eq!(subject.ledger.claim(&claims).await?, expected, "and so again");
    Ok(())
}

pub(super) async fn no_claims_get_no_answers(subject: &Subject) -> PortResult<()> {
    assert_eq!(subject.ledger.claim(&[]).await?, [false; 0]);
    Ok(())
}

pub(super) async fn of_claimants_at_once_exactly_one_wins(subject: &Subject) -> PortResult<()> {
    let first = claim("a");
    let claims: Vec<_> = (0..8).map(|_| rival(&first)).collect();
    let racers = claims.clone().into_iter().map(|claim| {
        let ledger = Arc::clone(&subject.ledger);
        async move { ledger.claim(&[claim]).await }
    });
    let answers: PortResult<Vec<_>> = races::run(racers).await.into_iter().collect();
    let answers = answers?.concat();
    assert_eq!(answers.iter().filter(|&&won| won).count(), 1, "{answers:?}");
    for (claim, won) in claims.into_iter().zip(answers) {
        assert_eq!(subject.ledger.claim(&[claim]).await?, [won], "and it stays so");
    }
    Ok(())
}
