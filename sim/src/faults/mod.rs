//! Faults: which kinds there are, how a schedule is drawn, and what each one does to the world.
//!
//! Promises: a schedule is data; applying it draws nothing. Every kind counts its *observable*
//! effects, not how often it was asked for: a kind without any in a sweep tests nothing.
//!
//! Reading order: `table` (the kinds), `draw` and `chain` (schedules), `atlas` (what a run may survive),
//! `strike` (what happens).

mod atlas;
pub(crate) mod chain;
mod draw;
mod strike;
mod table;

pub(crate) use atlas::refusal;
pub(crate) use draw::draw;
pub use strike::Strikes;
pub(crate) use strike::{Machines, Struck, ends_a_process};
pub use table::{Budget, KINDS, Kind};
