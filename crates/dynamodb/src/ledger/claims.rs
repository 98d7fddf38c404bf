//! Whose is this key? The first one's who asks, for all who were accepted before its claim ends.

use std::collections::HashMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hooks::ports::{Claim, PortError, PortResult};

use super::{WHAT, keys};
use crate::{
    Dynamo, Table,
    item::{Key, Row, text},
    transaction::Condition,
};

/// How many keys are claimed at a time.
const AT_ONCE: usize = 16;

/// How often a claim is made again because the one that stood in its way was gone when it was
/// looked at.
const MOST_TURNS: u32 = 5;

impl Dynamo {
    /// Claims keys for their owners: different ones side by side, and claims of one key in their
    /// order.
    pub(super) async fn make_claims(&self, claims: &[Claim]) -> PortResult<Vec<bool>> {
        let mut of_key: HashMap<Key, Vec<usize>> = HashMap::new();
        for (number, claim) in claims.iter().enumerate() {
            let key = keys::claim(claim).map_err(|it| it.of(WHAT))?;
            of_key.entry(key).or_default().push(number);
        }
        let decided: Vec<_> = stream::iter(of_key)
            .map(|(key, numbers)| self.decide(claims, key, numbers))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let mut answers = vec![false; claims.len()];
        for (number, answer) in decided.into_iter().flatten() {
            answers[number] = answer;
        }
        Ok(answers)
    }

    async fn decide(
        &self,
        claims: &[Claim],
        key: Key,
        numbers: Vec<usize>,
    ) -> PortResult<Vec<(usize, bool)>> {
        let mut answers = Vec::with_capacity(numbers.len());
        for number in numbers {
            answers.push((number, self.make_claim(&key, &claims[number]).await?));
        }
        Ok(answers)
    }

    /// Takes the key, where nobody else's claim is in force; answers whose it is. Whoever finds it
    /// taken looks by whom: it may be the claimant, whose claim was not heard of.
    async fn make_claim(&self, key: &Key, claim: &Claim) -> PortResult<bool> {
        for _ in 0..MOST_TURNS {
            let row = row(key, claim);
            if self.put_if(row, Condition::is_over(claim.at)).await? {
                return Ok(true);
            }
            if let Some(found) = self.get(WHAT, Table::Ledger, key).await? {
                let owner = text(&found, "owner").map_err(|it| it.of(WHAT))?;
                return Ok(owner == claim.owner.to_string());
            }
        }
        let source = "a claim comes and goes".into();
        Err(PortError::Unavailable { what: WHAT, source })
    }
}

/// A claim as its row. It is kept beyond its end, for those who were accepted before that and ask
/// late.
fn row(key: &Key, claim: &Claim) -> Row {
    Row::at(key)
        .text("owner", claim.owner.to_string())
        .ends(claim.until)
        .cleared(claim.until + Claim::KEPT_BEYOND_ITS_END)
}
