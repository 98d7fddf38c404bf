//! Tests of the templates as a whole. Each file asks one question.

mod luau;
mod conformance;
mod tags;
mod lua;
mod refusals;
mod handlebars;
mod payload;
mod bounds;
mod properties;
mod anything;
mod corpus;
