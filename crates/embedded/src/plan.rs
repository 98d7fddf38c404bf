//! Does a query seek? For tests: a query that scans or sorts gets slower with every row.

use rusqlite::Connection;

use crate::schema;

/// Panics where SQLite would scan a table or sort rows to answer one of these.
pub(crate) fn assert_seeks(queries: &[&str]) {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::bring_up(&mut connection, 0).unwrap();
    for query in queries {
        let plan = of(&connection, query);
        assert!(plan.contains("SEARCH"), "{query}\n{plan}");
        assert!(!plan.contains("SCAN") && !plan.contains("B-TREE"), "{query}\n{plan}");
    }
}

/// Panics where SQLite would not look into this index with these terms of the query.
pub(crate) fn assert_searches(query: &str, index: &str) {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::bring_up(&mut connection, 0).unwrap();
    let plan = of(&connection, query);
    assert!(plan.contains(index), "{query}\n{plan}");
}

fn of(connection: &Connection, query: &str) -> String {
    let mut explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
    // Its parameters stay unbound: the plan does not depend on them.
    let mut rows = explained.raw_query();
    let mut plan = String::new();
    while let Some(row) = rows.next().unwrap() {
        plan += &row.get::<_, String>(3).unwrap();
        plan.push('\n');
    }
    plan
}
