//! Reading for consumers: sessions, reads on the home shards, and the wait for more.

mod read;
mod respond;
mod session;
mod spread;

pub(crate) use read::{Read, ReadGroup, ReadResult, read_group};
pub(crate) use respond::{Answer, Whole, respond};
pub(crate) use session::{Begun, Sessions, Told, TopicKey, Wanted};
pub(crate) use spread::read_everywhere;
