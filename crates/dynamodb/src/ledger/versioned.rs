//! Small rows that are replaced as a whole, by those only who saw the one before: what a gate
//! remembers, how a receiver is doing, how far a recovery has come.

use hooks::{
    ports::{PortError, PortResult, Recovery, RecoveryState},
    time::Timestamp,
};
use serde::{Serialize, de::DeserializeOwned};

use super::{WHAT, condition::new_seal, keys};
use crate::{
    Dynamo, Table,
    fault::Fault,
    item::{Item, Key, Row, json, number, text},
    transaction::Condition,
};

/// How often a recovery is read and written again because others were faster.
const MOST_TURNS: u32 = 20;

/// Reads a row: what it holds, and which writing of it this is.
pub(super) fn read<T: DeserializeOwned>(row: &Item) -> Result<(T, u64), Fault> {
    Ok((json(row, "body")?, number(row, "version")?))
}

impl Dynamo {
    /// What a row holds, unless it has ended.
    pub(super) async fn kept<T: DeserializeOwned>(
        &self,
        key: &Key,
        now: Timestamp,
    ) -> PortResult<Option<(T, u64)>> {
        let row = self.row(key, now).await?;
        row.map(|it| read(&it)).transpose().map_err(|it| it.of(WHAT))
    }

    /// Writes a row in the place of the version that was seen, 0 for none: [`PortError::Conflict`]
    /// where that is no longer there.
    pub(super) async fn keep<T: Serialize + Sync>(
        &self,
        key: &Key,
        body: &T,
        seen: u64,
        ends: Option<Timestamp>,
    ) -> PortResult<()> {
        let now = self.now();
        let seal = new_seal();
        let row = Row::at(key).json("body", body).map_err(|it| it.of(WHAT))?;
        let row = row.number("version", seen + 1).text("seal", seal.as_str());
        let row = ends.into_iter().fold(row, Row::ends);
        let condition = match seen {
            0 => Condition::is_over(now),
            _ => Condition::is_version(seen, now),
        };
        if self.put_if(row, condition).await? || self.is_sealed(key, &seal).await? {
            return Ok(());
        }
        Err(PortError::Conflict)
    }

    /// Is this writing the one that is there? Its answer was lost then.
    async fn is_sealed(&self, key: &Key, seal: &str) -> PortResult<bool> {
        let row = self.get(WHAT, Table::Ledger, key).await?;
        Ok(row.is_some_and(|row| text(&row, "seal").is_ok_and(|it| it == seal)))
    }

    /// Writes down how far a recovery has come; nothing where it has ended before.
    pub(super) async fn write_recovery(&self, said: &Recovery, ends: Timestamp) -> PortResult<()> {
        let key = keys::recovery(said.id);
        for _ in 0..MOST_TURNS {
            let known = self.kept::<Recovery>(&key, self.now()).await?;
            let (known, seen) = known.map_or((None, 0), |(known, seen)| (Some(known), seen));
            let Some(recovery) = further(known.as_ref(), said) else { return Ok(()) };
            match self.keep(&key, &recovery, seen, Some(ends)).await {
                Err(PortError::Conflict) => {}
                done => return done,
            }
        }
        let source = "others keep writing the same recovery".into();
        Err(PortError::Unavailable { what: WHAT, source })
    }
}

/// Where a recovery stands after another word about it; `None` where it has ended before. A slice
/// that is repeated counts fewer than before, and may end it all the same.
fn further(known: Option<&Recovery>, said: &Recovery) -> Option<Recovery> {
    let Some(known) = known else { return Some(said.clone()) };
    (known.state == RecoveryState::Running).then(|| Recovery {
        accepted: said.accepted.max(known.accepted),
        done: said.done.max(known.done),
        ..said.clone()
    })
}
