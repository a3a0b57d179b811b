//! The seam on madsim: another scheduler, another clock and another network under the same broker.
//!
//! Promises: a cross-check. Nothing here shares code with the `memory` backend, so a failure on one
//! side only is a bug in a model. One seed is one run.
//! Does not: model disks that fail, power losses, windows or slow cores; the README lists the gaps.
//!
//! Reading order: `machine` (one node and its life), `runtime` (clock and tasks), `net`, `conn`,
//! `disk`, `mesh`, `gate`; then what runs on it: `broker`, `workload`, `run`.

#[cfg(not(madsim))]
compile_error!("build with RUSTFLAGS='--cfg madsim', as `cargo x madsim` does");

pub mod broker;
mod conn;
mod disk;
mod gate;
pub mod machine;
mod mesh;
mod net;
pub mod run;
mod runtime;
pub mod workload;

pub use conn::MadsimConn;
pub use disk::{MadsimFile, MadsimLock};
pub use machine::Machine;
pub use mesh::MadsimMesh;
pub use net::MadsimListener;
pub use runtime::MadsimRuntime;
