//! Event in, effects out: each rule of the classic protocol, and a seeded run of random members.

pub(crate) mod embedded;
mod joining;
mod loading;
mod migration;
mod offsets;
mod planted;
mod random_members;
mod sessions;
mod static_members;
mod syncing;
mod world;
