//! How tasks of one shard wait for each other. Single thread: no locks, no atomics.

mod channel;
mod gather;
mod notify;
mod oneshot;
#[cfg(test)]
mod polling;
mod race;

pub use channel::{Receiver, Sender, channel};
pub use gather::gather;
pub use notify::Notify;
pub use oneshot::{Promise, Reply, oneshot};
pub use race::{First, race};
