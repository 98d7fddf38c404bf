//! What has expired makes room. Reads do not wait for it: they compare the expiry themselves.

use hooks::{
    ports::{Claim, PortResult},
    time::Timestamp,
};
use rusqlite::{Connection, params};

use crate::{
    Store,
    fault::Fault,
    ledger::forget,
    writer::{Survives, Terms},
};

const CLAIMS: &str = "DELETE FROM claim WHERE (workspace, source, key) IN
    (SELECT workspace, source, key FROM claim WHERE until <= ?1 ORDER BY until LIMIT ?2)";

const MEMORIES: &str = "DELETE FROM gate WHERE rowid IN
    (SELECT rowid FROM gate WHERE expires <= ?1 ORDER BY expires LIMIT ?2)";

const HEALTHS: &str = "DELETE FROM health WHERE (hook, generation) IN
    (SELECT hook, generation FROM health WHERE expires <= ?1 ORDER BY expires LIMIT ?2)";

const RECOVERIES: &str = "DELETE FROM recovery WHERE id IN
    (SELECT id FROM recovery WHERE expires <= ?1 ORDER BY expires LIMIT ?2)";

const DELIVERIES: &str =
    "SELECT number FROM delivery WHERE expires <= ?1 ORDER BY expires LIMIT ?2";

impl Store {
    /// Removes claims, memories, deliveries, health and recoveries that have expired, at most so
    /// many of each, so that nobody waits for long behind it. Answers how many; nothing is left when that is 0.
    pub async fn sweep(&self, most: usize) -> PortResult<usize> {
        let terms = Terms::asked("the ledger", Survives::Process, 0);
        let now = self.now();
        self.write(terms, move |connection| sweep(connection, now, most)).await
    }
}

fn sweep(connection: &Connection, now: Timestamp, most: usize) -> Result<usize, Fault> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let slice = params![now.as_millis(), most];
    let claims_ended = (now - Claim::KEPT_BEYOND_ITS_END).as_millis();
    let claims = connection.prepare_cached(CLAIMS)?.execute([claims_ended, most])?;
    let memories = connection.prepare_cached(MEMORIES)?.execute(slice)?;
    let healths = connection.prepare_cached(HEALTHS)?.execute(slice)?;
    let recoveries = connection.prepare_cached(RECOVERIES)?.execute(slice)?;
    let numbers: Vec<i64> = connection
        .prepare_cached(DELIVERIES)?
        .query_map(slice, |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    numbers.iter().try_for_each(|number| forget(connection, *number))?;
    Ok(claims + memories + healths + recoveries + numbers.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    #[test]
    fn what_has_expired_is_found_without_looking_at_the_rest() {
        plan::assert_seeks(&[CLAIMS, MEMORIES, HEALTHS, RECOVERIES, DELIVERIES]);
    }
}
