//! What tests share: values to begin with, every port in memory, and the ports' suites.

pub mod binary;
pub mod builders;
pub mod fakes;
pub mod certificates;
pub mod receiver;
pub mod hostile;
pub mod flaky;
pub mod lambda_host;
pub mod suites;
