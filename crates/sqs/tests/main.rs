//! The suites, against SQS.
