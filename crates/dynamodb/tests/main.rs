//! The suites, against DynamoDB.
