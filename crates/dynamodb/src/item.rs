//! Items: what is written, what is read back, and how many of them at once.

use std::{collections::HashMap, str::FromStr};

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    fault::Fault,
    tables::{PARTITION_KEY, SORT_KEY},
};

/// An item as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    /// The partition.
    pub(crate) pk: String,
    /// The place within the partition.
    pub(crate) sk: String,
}

impl Key {
    pub(crate) fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// Where this item is.
    pub(crate) fn of(item: &Item) -> Result<Self, Fault> {
        Ok(Self::new(text(item, PARTITION_KEY)?, text(item, SORT_KEY)?))
    }

    /// The key as requests want it.
    pub(crate) fn item(&self) -> Item {
        HashMap::from([
            (PARTITION_KEY.to_owned(), AttributeValue::S(self.pk.clone())),
            (SORT_KEY.to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }
}

/// An item in the making.
#[derive(Debug, Clone)]
pub(crate) struct Row(Item);

impl Row {
    pub(crate) fn at(key: &Key) -> Self {
        Self(key.item())
    }

    pub(crate) fn text(self, name: &str, text: impl Into<String>) -> Self {
        self.with(name, AttributeValue::S(text.into()))
    }

    pub(crate) fn number(self, name: &str, number: impl ToString + Copy) -> Self {
        self.with(name, number_of(number))
    }

    /// Writes it as a text of JSON.
    pub(crate) fn json(self, name: &str, value: &impl Serialize) -> Result<Self, Fault> {
        Ok(self.text(name, serde_json::to_string(value)?))
    }

    pub(crate) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn into_item(self) -> Item {
        self.0
    }
}

/// A number as an attribute.
pub(crate) fn number_of(number: impl ToString + Copy) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// Reads a text.
pub(crate) fn text<'a>(item: &'a Item, name: &str) -> Result<&'a str, Fault> {
    match item.get(name) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(Fault::lacks(name)),
    }
}

/// Reads a number.
pub(crate) fn number<T: FromStr>(item: &Item, name: &str) -> Result<T, Fault> {
    match item.get(name) {
        Some(AttributeValue::N(number)) => number.parse().map_err(|_| Fault::lacks(name)),
        _ => Err(Fault::lacks(name)),
    }
}

/// Reads a number that need not be there.
pub(crate) fn optional_number<T: FromStr>(item: &Item, name: &str) -> Result<Option<T>, Fault> {
    item.contains_key(name).then(|| number(item, name)).transpose()
}

/// Reads a text of JSON.
pub(crate) fn json<T: DeserializeOwned>(item: &Item, name: &str) -> Result<T, Fault> {
    Ok(serde_json::from_str(text(item, name)?)?)
}

/// Reads one of many: what cannot be read, as after a rollback, must not hide the others.
pub(crate) fn readable<'a, T>(
    rows: impl IntoIterator<Item = &'a Item>,
    read: impl Fn(&Item) -> Result<T, Fault>,
) -> Vec<T> {
    let read = |row: &'a Item| match read(row) {
        Ok(read) => Some(read),
        Err(error) => {
            let (pk, sk) = (text(row, PARTITION_KEY).ok(), text(row, SORT_KEY).ok());
            tracing::error!(pk, sk, %error, "unreadable row left out");
            None
        }
    };
    rows.into_iter().filter_map(read).collect()
}

/// About how large an item is, as `DynamoDB` counts: names and values.
pub(crate) fn bytes(item: &Item) -> usize {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
        AttributeValue::B(blob) => blob.as_ref().len(),
        _ => 1,
    };
    item.iter().map(|(name, it)| name.len() + value(it)).sum()
}
