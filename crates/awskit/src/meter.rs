//! What is AWS asked, in the units that it bills?
//!
//! Units of writing are counted from what is written, for Amazon's own server for tests counts
//! those of transactions twice. A write that is refused costs as much as one that is done.

use std::{
    collections::HashMap,
    ops::{Add, AddAssign},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{
            AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextMut,
        },
    },
    operation::{
        batch_get_item::{BatchGetItemInput, BatchGetItemOutput},
        get_item::{GetItemInput, GetItemOutput},
        put_item::PutItemInput,
        query::{QueryInput, QueryOutput},
        transact_write_items::TransactWriteItemsInput,
    },
    types::{AttributeValue, ConsumedCapacity, ReturnConsumedCapacity::Total, TransactWriteItem},
};
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchInput;
use hooks::ports::BoxError;

type Item = HashMap<String, AttributeValue>;

/// What a request of SQS is billed by: each 64 KiB of it are one.
const SQS_UNIT: usize = 64 * 1024;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Costs {
    /// Of SQS and for it.
    pub queues: QueueCosts,
    /// Of `DynamoDB`.
    pub tables: TableCosts,
}

/// What SQS was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueCosts {
    /// Requests, however large.
    pub requests: usize,
    /// What they are billed as: one for each 64 KiB of a request.
    pub billed: usize,
}

/// What `DynamoDB` was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableCosts {
    /// Requests, however large.
    pub requests: usize,
    /// Items written.
    pub items: usize,
    /// Units of reading: 4 KB, consistently.
    pub read: usize,
    /// Units of writing: 1 KB, and twice that in a transaction.
    pub written: usize,
}

impl QueueCosts {
    /// One request with messages of so many bytes.
    pub fn request(bytes: usize) -> Self {
        Self { requests: 1, billed: bytes.div_ceil(SQS_UNIT).max(1) }
    }
}

impl Add for QueueCosts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { requests: self.requests + other.requests, billed: self.billed + other.billed }
    }
}

impl AddAssign for QueueCosts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Counts what clients ask for whose interceptor it is. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<Costs>>);

impl Meter {
    /// What was asked for since this was asked last.
    pub fn take(&self) -> Costs {
        std::mem::take(&mut *self.locked())
    }

    fn locked(&self) -> MutexGuard<'_, Costs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sent(&self, batch: &SendMessageBatchInput) {
        let bytes = batch.entries().iter().map(|it| it.message_body().len()).sum();
        self.locked().queues += QueueCosts::request(bytes);
    }

    /// These items were written, each of which counts so many times.
    fn wrote(&self, times: usize, items: impl Iterator<Item = usize>) {
        let tables = &mut self.locked().tables;
        tables.requests += 1;
        for bytes in items {
            tables.items += 1;
            tables.written += times * bytes.div_ceil(1024).max(1);
        }
    }

    fn read(&self, units: usize) {
        let tables = &mut self.locked().tables;
        tables.requests += 1;
        tables.read += units;
    }
}

/// Who finds nothing pays for one.
fn units_of(item: Option<&Item>) -> usize {
    item.map_or(1, |it| bytes(it).div_ceil(4_096).max(1))
}

/// What items cost beyond one unit each.
fn units_beyond_one<'a>(found: impl Iterator<Item = &'a Item>) -> usize {
    found.map(|it| units_of(Some(it)) - 1).sum()
}

/// What the server says, of many items that are read together.
fn units_said(consumed: Option<&ConsumedCapacity>) -> usize {
    let units = consumed.and_then(ConsumedCapacity::capacity_units).unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few")]
    let units = units.ceil() as usize;
    units.max(1)
}

fn bytes(item: &Item) -> usize {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number.len() / 2 + 2,
        other => panic!("no row has {other:?}"),
    };
    item.iter().map(|(name, it)| name.len() + value(it)).sum()
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "meter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let input = context.input_mut();
        if let Some(batch) = input.downcast_ref::<SendMessageBatchInput>() {
            self.sent(batch);
        } else if let Some(put) = input.downcast_ref::<PutItemInput>() {
            self.wrote(1, put.item().map(bytes).into_iter());
        } else if let Some(writes) = input.downcast_ref::<TransactWriteItemsInput>() {
            // What is removed is small.
            let size = |it: &TransactWriteItem| it.put().map_or(1, |it| bytes(it.item()));
            self.wrote(2, writes.transact_items().iter().map(size));
        } else if let Some(it) = input.downcast_mut::<QueryInput>() {
            it.return_consumed_capacity = Some(Total);
        } else if let Some(it) = input.downcast_ref::<BatchGetItemInput>() {
            let asked = it.request_items().into_iter().flatten().map(|(_, it)| it.keys().len());
            // One for each, there or not; what is more is known by the answer.
            self.read(asked.sum());
        } else if input.downcast_ref::<GetItemInput>().is_none() {
            return Err(format!("nobody counts this: {input:?}").into());
        }
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Ok(output) = context.output_or_error() else { return Ok(()) };
        if let Some(it) = output.downcast_ref::<GetItemOutput>() {
            self.read(units_of(it.item()));
        } else if let Some(it) = output.downcast_ref::<BatchGetItemOutput>() {
            let found = it.responses().into_iter().flatten().flat_map(|it| it.1);
            self.locked().tables.read += units_beyond_one(found);
        } else if let Some(it) = output.downcast_ref::<QueryOutput>() {
            self.read(units_said(it.consumed_capacity()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An item of so many bytes.
    fn item(bytes: usize) -> Item {
        [("key".to_owned(), AttributeValue::S("x".repeat(bytes - "key".len())))].into()
    }

    #[test]
    fn what_is_read_is_counted_in_units_of_4_kib() {
        for (name, bytes, units) in [
            ("a small one", 4, 1),
            ("as much as one unit holds", 4_096, 1),
            ("a byte more", 4_097, 2),
            ("the largest there is", 400 << 10, 100),
        ] {
            assert_eq!(units_of(Some(&item(bytes))), units, "{name}");
            let two = [item(bytes), item(bytes)];
            assert_eq!(units_beyond_one(two.iter()), 2 * (units - 1), "two of them: {name}");
        }
        assert_eq!(units_of(None), 1, "one that is not there");
    }

    #[test]
    fn what_is_written_is_counted_in_units_of_1_kib() {
        let meter = Meter::default();
        meter.wrote(1, [0, 1_024, 1_025].into_iter());
        meter.wrote(2, [1_025].into_iter());
        let tables = TableCosts { requests: 2, items: 4, read: 0, written: 1 + 1 + 2 + 2 * 2 };
        assert_eq!(meter.take().tables, tables);
        assert_eq!(meter.take(), Costs::default(), "it begins anew");
    }

    #[test]
    fn what_is_sent_is_billed_in_units_of_64_kib() {
        for (bytes, billed) in [(0, 1), (64 << 10, 1), ((64 << 10) + 1, 2), (256 << 10, 4)] {
            assert_eq!(QueueCosts::request(bytes), QueueCosts { requests: 1, billed }, "{bytes}");
        }
    }
}
