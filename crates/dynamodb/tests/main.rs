//! Does `DynamoDB` keep the ports' promises? Against the server that
//! `EVENT_HOOKS_TEST_DYNAMODB` names: `make unit` starts Amazon's own for machines without AWS.

mod world;
mod deeds;

mod stores;
mod faults_stores;
mod ledger;
mod faults_ledger;
