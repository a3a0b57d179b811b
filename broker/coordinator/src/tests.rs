//! Event in, effects out: each rule of the classic protocol, and a seeded run of random members.

mod joining;
mod loading;
mod offsets;
mod random_members;
mod sessions;
mod static_members;
mod syncing;
mod world;
