//! One partition replica as a pure core: leader epochs, high watermark, producer state.
//!
//! Promises: every decision about one replica is made in [`Replica::step`], from the event, the
//! state and [`model::Now`] alone; within one leader epoch the high watermark never moves back and
//! never passes what an in-sync replica could lose.
//! Does not: touch bytes, files or sockets; keep waiters (the driver completes them by effects);
//! remember leader epochs (`storage` does); fetch from another leader.

mod error;
mod event;
mod leader;
mod producers;
mod replica;

pub use error::AppendError;
pub use event::{Acks, Batch, Effect, Event, ProducerStamp};
pub use producers::{BATCHES_KEPT, ProducerDescription, Producers, ReplayedBatch, SnapshotError};
pub use replica::{LogEnds, Replica, Stats};
