//! The scoreboard: planted bugs, and whether the simulator notices them.

mod table;

pub use table::{MUTANTS, Mutant};
