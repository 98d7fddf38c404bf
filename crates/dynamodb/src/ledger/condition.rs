//! What must be true of the row that is there, for another one to be put in its place?
//!
//! A write that happened and was not heard of is asked for again, and refused the second time. So
//! "refused" says that there is another row than the caller saw, and not that the caller's was not
//! written: whoever is refused looks at what is there.

use aws_sdk_dynamodb::types::AttributeValue;
use hooks::{
    ports::{PortError, PortResult},
    time::Timestamp,
};

use super::{WHAT, age};
use crate::{
    Dynamo, Table,
    fault::{Fault, insisting},
    item::{Item, Key, Row, number_of},
    transaction::Condition,
};

impl Condition {
    /// There is none, or one that has ended by then: deleting takes `DynamoDB` some time.
    pub(super) fn is_over(by: Timestamp) -> Self {
        let by = number_of(by.as_millis());
        Self::new("attribute_not_exists(pk) OR ends <= :by", [(":by", by)])
    }

    /// It is the one of this writing.
    pub(super) fn is_sealed(seal: &str) -> Self {
        Self::new("seal = :seal", [(":seal", AttributeValue::S(seal.to_owned()))])
    }

    /// It is of this version, and has not ended.
    pub(super) fn is_version(version: u64, now: Timestamp) -> Self {
        Self::new(
            "version = :seen AND (attribute_not_exists(ends) OR ends > :now)",
            [(":seen", number_of(version)), (":now", number_of(now.as_millis()))],
        )
    }
}

/// Another value for each writing of a row.
pub(super) fn new_seal() -> String {
    format!("{:016x}", fastrand::u64(..))
}

impl Dynamo {
    /// Puts a row in the place of the one that is there, under a condition; answers whether that
    /// held.
    pub(super) async fn put_if(&self, row: Row, condition: Condition) -> PortResult<bool> {
        was_done(self.put_row(row, Some(condition)).await)
    }

    /// Puts a row in the place of whatever is there.
    pub(super) async fn put(&self, row: Row) -> PortResult<()> {
        self.put_row(row, None).await
    }

    async fn put_row(&self, row: Row, condition: Option<Condition>) -> PortResult<()> {
        let (text, values) = condition.map(Condition::parts).unzip();
        let request = self
            .client
            .put_item()
            .table_name(self.tables.name(Table::Ledger))
            .set_item(Some(row.into_item()))
            .set_condition_expression(text.map(str::to_owned))
            .set_expression_attribute_values(values.flatten());
        insisting(WHAT, || {
            let request = request.clone();
            async { request.send().await.map(drop).map_err(Fault::from) }
        })
        .await
    }

    /// A row, unless it has ended.
    pub(super) async fn row(&self, key: &Key, now: Timestamp) -> PortResult<Option<Item>> {
        let Some(row) = self.get(WHAT, Table::Ledger, key).await? else { return Ok(None) };
        let lives = age::lives(&row, now).map_err(|it| it.of(WHAT))?;
        Ok(lives.then_some(row))
    }
}

/// Did the condition hold?
pub(super) fn was_done(written: PortResult<()>) -> PortResult<bool> {
    match written {
        Ok(()) => Ok(true),
        Err(PortError::Conflict) => Ok(false),
        Err(error) => Err(error),
    }
}
