//! The port's promise.

use std::sync::Arc;

use crate::world::{LOOPBACK, egress, handlers};

#[tokio::test]
async fn handlers_keep_their_ports_promise() {
    testkit::suites::handlers::run(Arc::new(handlers(egress(&LOOPBACK)))).await;
}
