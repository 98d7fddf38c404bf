//! Whose turn is it? The oldest task's, unless its group has its share in hand already.
//!
//! Tasks of one hook may hang for as long as a request may take. While there are more of them
//! than hands, each free hand would take another one, and everybody else would wait behind them.
//! So the tasks of a group that has its share in hand come after those of other groups. Where
//! nobody else has anything due, no hand stays idle.

use std::collections::HashMap;

use hooks::{task::Queue, time::Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::fault::Fault;

/// How many tasks of a group are handed out before others come first.
const SHARE: usize = 16;

/// How many groups are looked at, at most, to find others. The next call goes on from there.
const MOST_GROUPS: usize = 64;

const OLDEST: &str = "SELECT id, turn FROM task WHERE queue = ?1 AND leased = 0 AND due <= ?2
     ORDER BY due, id LIMIT ?3";

const OLDEST_OF_GROUP: &str = "SELECT id FROM task
     WHERE queue = ?1 AND leased = 0 AND turn = ?4 AND due <= ?2 ORDER BY due, id LIMIT ?3";

/// The next group by name that has anything to hand out, and when its first task is due.
const NEXT_GROUP: &str = "SELECT turn, due FROM task WHERE queue = ?1 AND leased = 0 AND turn > ?2
     ORDER BY turn, due LIMIT 1";

const IN_HAND: &str = "SELECT count(*) FROM
     (SELECT 1 FROM task WHERE queue = ?1 AND leased = 1 AND turn = ?2 LIMIT ?3)";

/// The tasks to hand out next. `last_turn` is where the search for others ended.
pub(super) fn choose(
    connection: &Connection,
    queue: Queue,
    now: Timestamp,
    most: usize,
    last_turn: &mut String,
) -> Result<Vec<i64>, Fault> {
    let mut turns =
        Turns { connection, queue: queue.as_str(), now: now.as_millis(), in_hand: HashMap::new() };
    let mut chosen = Vec::new();
    let mut beyond_share = Vec::new();
    for (id, group) in turns.oldest(most)? {
        let list = if turns.has_room(&group)? { &mut chosen } else { &mut beyond_share };
        list.push(id);
    }
    if !beyond_share.is_empty() {
        turns.choose_others(&mut chosen, most, last_turn)?;
    }
    chosen.extend(beyond_share);
    chosen.truncate(most);
    Ok(chosen)
}

struct Turns<'a> {
    connection: &'a Connection,
    queue: &'static str,
    now: i64,
    /// How many tasks of each group are in hand, those just chosen included.
    in_hand: HashMap<String, usize>,
}

impl Turns<'_> {
    fn oldest(&self, most: usize) -> Result<Vec<(i64, String)>, Fault> {
        let mut oldest = self.connection.prepare_cached(OLDEST)?;
        let rows = oldest.query_map(params![self.queue, self.now, limit(most)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Counts one more task of this group; answers whether that is within its share.
    fn has_room(&mut self, group: &str) -> Result<bool, Fault> {
        if !self.in_hand.contains_key(group) {
            let in_hand = self.count(group)?;
            self.in_hand.insert(group.to_owned(), in_hand);
        }
        let in_hand = self.in_hand.get_mut(group).expect("inserted just above");
        *in_hand += 1;
        Ok(*in_hand <= SHARE)
    }

    fn count(&self, group: &str) -> Result<usize, Fault> {
        let mut counted = self.connection.prepare_cached(IN_HAND)?;
        let count: i64 =
            counted.query_row(params![self.queue, group, limit(SHARE)], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or(SHARE))
    }

    /// Adds what other groups have due, going round them from where the last call ended.
    fn choose_others(
        &mut self,
        chosen: &mut Vec<i64>,
        most: usize,
        last_turn: &mut String,
    ) -> Result<(), Fault> {
        let begin = last_turn.clone();
        let mut is_past_the_end = false;
        for _ in 0..MOST_GROUPS {
            if chosen.len() >= most {
                break;
            }
            let Some((group, due)) = self.next_group(last_turn)? else {
                if is_past_the_end || begin.is_empty() {
                    break;
                }
                is_past_the_end = true;
                last_turn.clear();
                continue;
            };
            // Once round, and no further.
            if is_past_the_end && group > begin {
                break;
            }
            if due <= self.now && !self.in_hand.contains_key(&group) {
                let room = SHARE.saturating_sub(self.count(&group)?).min(most - chosen.len());
                chosen.extend(self.oldest_of(&group, room)?);
                self.in_hand.insert(group.clone(), SHARE);
            }
            *last_turn = group;
        }
        Ok(())
    }

    fn next_group(&self, after: &str) -> Result<Option<(String, i64)>, Fault> {
        let mut next = self.connection.prepare_cached(NEXT_GROUP)?;
        let found = next.query_row([self.queue, after], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(found.optional()?)
    }

    fn oldest_of(&self, group: &str, most: usize) -> Result<Vec<i64>, Fault> {
        let mut oldest = self.connection.prepare_cached(OLDEST_OF_GROUP)?;
        let rows = oldest
            .query_map(params![self.queue, self.now, limit(most), group], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::{
        plan,
        queue::{MAKE_DUE, NEXT_DUE},
        schema,
    };

    #[test]
    fn tasks_are_found_without_looking_at_the_rest() {
        plan::assert_seeks(&[OLDEST, OLDEST_OF_GROUP, NEXT_GROUP, NEXT_DUE, MAKE_DUE]);
    }

    /// A queue in which each of these groups has its share in hand, and as much again is due.
    fn loaded(groups: &[&str]) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::bring_up(&mut connection, 0).unwrap();
        for group in groups {
            for number in 0..2 * SHARE {
                connection
                    .execute(
                        "INSERT INTO task (queue, leased, turn, due, receives, sent)
                         VALUES ('events', ?1, ?2, 0, 0, 0)",
                        params![number < SHARE, group],
                    )
                    .unwrap();
            }
        }
        connection
    }

    #[test]
    fn the_search_for_others_goes_round_once() {
        for (name, groups, begin, expected) in [
            ("one group, from the start", &["b"][..], "", 2),
            ("one group, from itself", &["b"], "b", 3),
            ("one group, from one before it that is gone", &["b"], "a", 3),
            ("one group, from one after it that is gone", &["b"], "c", 3),
            ("three groups, from the middle", &["a", "b", "c"], "b", 5),
        ] {
            let connection = loaded(groups);
            let mut last_turn = begin.to_owned();
            let now = Timestamp::from_millis(0);
            let chosen = choose(&connection, Queue::Events, now, 8, &mut last_turn).unwrap();
            assert_eq!(chosen.len(), 8, "{name}: no hand stays idle");
            let looks = connection.prepare_cached(NEXT_GROUP).unwrap();
            let looks = looks.get_status(StatementStatus::Run);
            assert_eq!(looks, expected, "{name}");
        }
    }
}
