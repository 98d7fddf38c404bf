//! Tables that keep what is put there, as far as hooks need it: no condition is looked at, and a query
//! answers the whole of a partition.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Map, Value, json};

/// The rows of all tables, by table, partition key and sort key. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Rows(Arc<Mutex<BTreeMap<Place, Row>>>);

type Place = (String, String, String);
type Row = Map<String, Value>;

impl Rows {
    /// What is answered to this, if it is about rows.
    pub(crate) fn answer(&self, action: &str, with: &Value) -> Option<Value> {
        Some(match action {
            "GetItem" => match self.row(&with["TableName"], &with["Key"]) {
                Some(row) => json!({"Item": row}),
                None => json!({}),
            },
            "BatchGetItem" => {
                let tables = with["RequestItems"].as_object()?.iter();
                let found = tables.map(|(table, wanted)| {
                    let keys = wanted["Keys"].as_array().into_iter().flatten();
                    let rows = keys.filter_map(|key| self.row(&table.as_str().into(), key));
                    (table.clone(), rows.collect::<Vec<_>>())
                });
                json!({"Responses": found.collect::<BTreeMap<_, _>>(), "UnprocessedKeys": {}})
            }
            "Query" => {
                let partition = &with["ExpressionAttributeValues"][":pk"]["S"];
                let rows = self.partition(&with["TableName"], partition);
                json!({"Count": rows.len(), "ScannedCount": rows.len(), "Items": rows})
            }
            "PutItem" => {
                self.put(&with["TableName"], with["Item"].as_object()?.clone());
                json!({})
            }
            "TransactWriteItems" => {
                with["TransactItems"].as_array()?.iter().for_each(|it| self.write(it));
                json!({})
            }
            _ => return None,
        })
    }

    fn write(&self, write: &Value) {
        if let Some(item) = write["Put"]["Item"].as_object() {
            self.put(&write["Put"]["TableName"], item.clone());
        }
        let update = &write["Update"];
        let Some(key) = update["Key"].as_object() else { return };
        let mut row = self.row(&update["TableName"], &update["Key"]).unwrap_or_else(|| key.clone());
        for (name, value) in [("#first", ":one"), ("#second", ":other")] {
            let name = text(&update["ExpressionAttributeNames"][name]);
            let more = number(&update["ExpressionAttributeValues"][value]);
            let sum = row.get(&name).map_or(0, number) + more;
            row.insert(name, json!({"N": sum.to_string()}));
        }
        self.put(&update["TableName"], row);
    }

    fn put(&self, table: &Value, row: Row) {
        self.locked().insert((text(table), text(&row["pk"]["S"]), text(&row["sk"]["S"])), row);
    }

    fn row(&self, table: &Value, key: &Value) -> Option<Row> {
        self.locked().get(&(text(table), text(&key["pk"]["S"]), text(&key["sk"]["S"]))).cloned()
    }

    fn partition(&self, table: &Value, partition: &Value) -> Vec<Row> {
        let (table, partition) = (text(table), text(partition));
        let rows = self.locked();
        let rows = rows.iter().filter(|((t, pk, _), _)| (t, pk) == (&table, &partition));
        rows.map(|(_, row)| row.clone()).collect()
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<(String, String, String), Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> i128 {
    value["N"].as_str().and_then(|it| it.parse().ok()).unwrap_or_default()
}
