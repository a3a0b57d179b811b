//! The simulator: the shipped broker on a seeded world, faults from a plan, checkers that never sleep.
//!
//! Promises: one seed is one run, in every process and build profile; a failure is one line that
//! replays it. Does not: know how the broker works inside; it sees frames, files and what cores
//! observe through their probe.

pub mod buggify;
pub mod checkers;
pub mod probe;
pub mod scan;
