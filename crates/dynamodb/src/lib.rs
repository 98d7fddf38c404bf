//! Hooks, catalog, tokens and ledger in Amazon DynamoDB.
