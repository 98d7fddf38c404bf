//! What is too large for its row is kept apart from it.
//!
//! A text is written apart, in parts, before the row that names it, under a name that is used
//! once. It never changes, so that whoever has read the row finds the text that the row means. A
//! text that no row came to name is read by nobody, and cleared away.

use futures_util::{TryStreamExt as _, stream};
use hooks::{ports::PortResult, time::Timestamp};
use serde::{Deserialize, Serialize};

use super::{WHAT, age, age::GRACE, condition::new_seal};
use crate::{
    Dynamo, TIME_TO_LIVE, Table,
    fault::Fault,
    item::{Key, Row, number_of, text},
};

/// An item may have 400 KB, with its key and the names of its attributes.
const MOST_BYTES: usize = 350 * 1024;

/// How many parts are written or read at a time.
const AT_ONCE: usize = 8;

/// The name of a text that is kept apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Apart {
    name: String,
    parts: usize,
}

impl Apart {
    /// A name for this text.
    pub(super) fn of(text: &str) -> Self {
        Self { name: new_seal(), parts: parts(text).count() }
    }

    fn key(&self, pk: &str, number: usize) -> Key {
        Key::new(pk, format!("{}#{number}", self.name))
    }

    fn keys(&self, pk: &str) -> Vec<Key> {
        (0..self.parts).map(|number| self.key(pk, number)).collect()
    }
}

/// The parts of a text, none of which is too large for an item. An empty text has none.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut left = text;
    std::iter::from_fn(move || {
        let (part, rest) = left.split_at(left.floor_char_boundary(MOST_BYTES));
        left = rest;
        (!part.is_empty()).then_some(part)
    })
}

impl Dynamo {
    /// Writes a text apart from a row that ends then.
    pub(super) async fn write_apart(
        &self,
        pk: &str,
        apart: &Apart,
        text: &str,
        ends: Timestamp,
    ) -> PortResult<()> {
        let row = |(number, part): (usize, &str)| {
            Row::at(&apart.key(pk, number)).text("text", part).cleared(ends + GRACE)
        };
        stream::iter(parts(text).enumerate().map(row).map(Ok))
            .try_for_each_concurrent(AT_ONCE, |row| self.put(row))
            .await
    }

    /// Reads texts that rows of this partition name, in their order.
    pub(super) async fn read_apart(&self, pk: &str, aparts: &[&Apart]) -> PortResult<Vec<String>> {
        let keys: Vec<_> = aparts.iter().flat_map(|it| it.keys(pk)).collect();
        let mut items = self.get_all(WHAT, Table::Ledger, &keys).await?.into_iter();
        let missing = || Fault::Unreadable("a part of a text is missing".into());
        let read = |apart: &&Apart| {
            let mut whole = String::new();
            for item in items.by_ref().take(apart.parts) {
                whole.push_str(text(&item.ok_or_else(missing)?, "text")?);
            }
            Ok(whole)
        };
        aparts.iter().map(read).collect::<Result<_, _>>().map_err(|it: Fault| it.of(WHAT))
    }

    /// Keeps a text for longer, for the row that names it ends then.
    pub(super) async fn renew_apart(
        &self,
        pk: &str,
        apart: &Apart,
        ends: Timestamp,
    ) -> PortResult<()> {
        stream::iter(apart.keys(pk).into_iter().map(Ok))
            .try_for_each_concurrent(AT_ONCE, |key| self.renew(key, ends + GRACE))
            .await
    }

    async fn renew(&self, key: Key, until: Timestamp) -> PortResult<()> {
        let renewed = self
            .client
            .update_item()
            .table_name(self.tables.name(Table::Ledger))
            .set_key(Some(key.item()))
            .update_expression("SET #expires = :until")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#expires", TIME_TO_LIVE)
            .expression_attribute_values(":until", number_of(age::seconds(until)))
            .send()
            .await;
        match renewed.map_err(Fault::from) {
            Ok(_) => Ok(()),
            Err(Fault::Conflict) => {
                Err(Fault::Unreadable("a part of a text is missing".into()).of(WHAT))
            }
            Err(fault) => Err(fault.of(WHAT)),
        }
    }

    /// Removes a text that no row names any more.
    pub(super) async fn remove_apart(&self, pk: &str, apart: &Apart) -> PortResult<()> {
        self.delete_all(WHAT, Table::Ledger, &apart.keys(pk)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_its_parts_and_no_part_is_too_large() {
        for (name, text, expected) in [
            ("nothing", String::new(), 0),
            ("a little", "a".to_owned(), 1),
            ("as much as fits", "a".repeat(MOST_BYTES), 1),
            ("one more", "a".repeat(MOST_BYTES + 1), 2),
            ("a megabyte", "a".repeat(1024 * 1024), 3),
            ("between the bytes of a letter", format!("a{}", "ü".repeat(MOST_BYTES / 2)), 2),
        ] {
            let found: Vec<_> = parts(&text).collect();
            assert_eq!(found.len(), expected, "{name}");
            assert_eq!(found.concat(), text, "{name}");
            assert!(found.iter().all(|it| it.len() <= MOST_BYTES), "{name}");
            assert_eq!(Apart::of(&text).parts, expected, "{name}");
        }
    }

    #[test]
    fn no_two_texts_have_a_name_in_common() {
        let (one, other) = (Apart::of("a"), Apart::of("a"));
        assert_ne!(one, other);
        assert_ne!(one.keys("pk"), other.keys("pk"));
    }
}
