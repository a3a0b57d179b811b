//! Reading for consumers: sessions, reads on the home shards, and the wait for more.

mod read;
mod respond;
mod session;
mod spread;

pub(crate) use read::{Read, ReadGroup, ReadResult, Watcher, read_group};
pub(crate) use respond::{Answer, Whole, respond};
pub(crate) use session::{Begun, Kind, Part, Sessions, Told, TopicKey};
pub(crate) use spread::read_everywhere;
