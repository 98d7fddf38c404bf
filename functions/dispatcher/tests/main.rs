//! The real program, with somebody in the place of Lambda, and servers in the place of AWS.

mod world;

mod delivering;
mod closing;
mod killing;
