//! The scoreboard: planted bugs, and whether the simulator notices them.
//!
//! Promises: a mutant counts as caught only by a checker that its row names; a placebo must not be
//! caught by anything that does not fire on the clean tree as well.
//! Reading order: `table` (the bugs), `score` (figures).

mod score;
mod table;

pub use score::{Score, is_often, wilson_low_per_mille};
pub use table::{MUTANTS, Mutant};
