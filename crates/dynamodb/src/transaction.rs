//! Several writes in one step: all of them happen, or none.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};

use crate::item::{Key, Row, number_of};

/// Writes to one table.
#[derive(Debug)]
pub(crate) struct Transaction<'a> {
    table: &'a str,
    writes: Vec<TransactWriteItem>,
}

/// What must be true of the item that is there.
#[derive(Debug)]
pub(crate) struct Condition {
    text: &'static str,
    values: Vec<(&'static str, AttributeValue)>,
}

impl Condition {
    /// There is none.
    pub(crate) fn is_free() -> Self {
        Self::new("attribute_not_exists(pk)", [])
    }

    /// There is one.
    pub(crate) fn is_there() -> Self {
        Self::new("attribute_exists(pk)", [])
    }

    /// An expression, and the values that it names.
    pub(crate) fn new<const N: usize>(
        text: &'static str,
        values: [(&'static str, AttributeValue); N],
    ) -> Self {
        Self { text, values: values.into() }
    }

    /// The expression and its values as requests want them.
    pub(crate) fn parts<T: FromIterator<(String, AttributeValue)>>(
        self,
    ) -> (&'static str, Option<T>) {
        let values = (!self.values.is_empty())
            .then(|| self.values.into_iter().map(|(name, it)| (name.to_owned(), it)).collect());
        (self.text, values)
    }
}

impl<'a> Transaction<'a> {
    /// Nothing yet.
    pub(crate) fn on(table: &'a str) -> Self {
        Self { table, writes: Vec::new() }
    }

    /// What it has come to.
    pub(crate) fn into_writes(self) -> Vec<TransactWriteItem> {
        self.writes
    }

    /// A row in the place of whatever is there.
    pub(crate) fn put(&mut self, row: Row) {
        self.push_put(row, None);
    }

    /// A row in the place of what is there, under a condition.
    pub(crate) fn put_if(&mut self, row: Row, condition: Condition) {
        self.push_put(row, Some(condition));
    }

    fn push_put(&mut self, row: Row, condition: Option<Condition>) {
        let (text, values) = condition.map(Condition::parts).unzip();
        let put = Put::builder()
            .table_name(self.table)
            .set_item(Some(row.into_item()))
            .set_condition_expression(text.map(str::to_owned))
            .set_expression_attribute_values(values.flatten())
            .build()
            .expect("it has a table and an item");
        self.writes.push(TransactWriteItem::builder().put(put).build());
    }

    /// Takes away whatever is there.
    pub(crate) fn delete(&mut self, key: &Key) {
        self.push_delete(key, None);
    }

    /// Takes away what is there, under a condition.
    pub(crate) fn delete_if(&mut self, key: &Key, condition: Condition) {
        self.push_delete(key, Some(condition));
    }

    fn push_delete(&mut self, key: &Key, condition: Option<Condition>) {
        let (text, values) = condition.map(Condition::parts).unzip();
        let delete = Delete::builder()
            .table_name(self.table)
            .set_key(Some(key.item()))
            .set_condition_expression(text.map(str::to_owned))
            .set_expression_attribute_values(values.flatten())
            .build()
            .expect("it has a table and a key");
        self.writes.push(TransactWriteItem::builder().delete(delete).build());
    }

    /// Adds to two numbers of an item, which are 0 where there are none.
    pub(crate) fn add(&mut self, key: &Key, numbers: [(&str, i128); 2]) {
        let [(first, one), (second, other)] = numbers;
        let update = Update::builder()
            .table_name(self.table)
            .set_key(Some(key.item()))
            .update_expression("ADD #first :one, #second :other")
            .expression_attribute_names("#first", first)
            .expression_attribute_names("#second", second)
            .expression_attribute_values(":one", number_of(one))
            .expression_attribute_values(":other", number_of(other))
            .build()
            .expect("it has a table, a key and an expression");
        self.writes.push(TransactWriteItem::builder().update(update).build());
    }
}
