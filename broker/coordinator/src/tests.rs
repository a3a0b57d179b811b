//! Event in, effects out: each rule of the classic protocol and of moves between the protocols, and
//! seeded runs of random members.

pub(crate) mod compaction;
pub(crate) mod embedded;
mod joining;
mod loading;
mod migration;
mod offsets;
mod planted;
mod random_members;
mod random_mixed;
mod sessions;
mod static_members;
mod syncing;
mod world;
