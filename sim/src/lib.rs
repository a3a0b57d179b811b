//! The simulator: the shipped broker on a seeded world, faults from a plan, checkers that never sleep.
//!
//! Promises: one seed is one run, in every process and build profile; a failure is one line that
//! replays it. Does not: know how the broker works inside; it sees frames, files and what cores
//! observe through their probe.
//!
//! Reading order: `plan` (a run as data), `cluster` (nodes in a world), `workload` (clients), `fetched`
//! (what they read), `faults`, `run` (the phases), `checkers` (what must hold), `shrink` and `timeline`
//! (a failure made small and made visible), `cli`.

pub mod buggify;
pub mod checkers;
pub mod cli;
mod cluster;
pub mod crash_points;
pub mod faults;
pub mod fetched;
pub mod fleet;
mod history;
pub mod meta;
pub mod mutants;
pub mod names;
pub mod perf;
pub mod plan;
pub mod probe;
pub mod reach;
pub mod run;
pub mod scan;
pub mod shrink;
pub mod sweep;
pub mod timeline;
mod worker;
mod workload;

pub use cluster::LogLine;
