//! What do the two functions behind API Gateway share? How a request comes in, and what the first
//! admin token is.

mod door;
mod first_token;

pub use self::{door::Door, first_token::SecretToken};
