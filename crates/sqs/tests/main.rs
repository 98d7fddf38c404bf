//! Does SQS keep the port's promise? The suite runs against the server that
//! `EVENT_HOOKS_TEST_SQS` names (`make unit` starts one); what goes wrong on the way, against a
//! queue of the test's own.

mod suite;
mod faults;
mod storms;

mod world;
mod fake;
