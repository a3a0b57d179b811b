//! The group coordinators of this node: one for each partition of `__consumer_offsets` that it leads,
//! on the shard that is the partition's home.
//!
//! Promises: a coordinator answers from the moment its log was read until its partition is led
//! elsewhere, or fails; what it writes is a batch with acks=all like any other, and an answer that
//! rests on it leaves when it is durable. Requests find it from every shard.
//! Does not: decide anything about groups (`coordinator`), or know versions of requests (`handlers`).
//!
//! Reading order: `offsets_topic` (which partition, and where the topic comes from), `ask` (from a
//! handler to the coordinator and back), `host` (one event at a time), `load` (what the log holds),
//! `records` and `embedded` (values and bytes), `settings`, `sentinels`.

mod ask;
mod embedded;
mod host;
mod load;
mod offsets_topic;
mod records;
pub(crate) mod sentinels;
mod settings;

use std::rc::Rc;

use runtime::{Runtime, TaskClass};

use crate::shard::Shard;

pub(crate) use ask::{
    Answer, Ask, Asker, OffsetsOf, Told, ask, ask_all, ask_while_open, list_everywhere,
};
pub(crate) use host::Coordinators;
pub(crate) use offsets_topic::{OFFSETS_TOPIC, creatable_offsets_topic, partition_of};

/// Starts what works on its own: deadlines, and the reading of logs.
pub(crate) fn spawn<R: Runtime>(shard: &Rc<Shard<R>>) {
    let task_shard = Rc::clone(shard);
    shard.rt.spawn("group deadlines", TaskClass::Latency, async move {
        host::keep_deadlines(&task_shard).await;
    });
    let task_shard = Rc::clone(shard);
    shard.rt.spawn("group loading", TaskClass::Background, async move {
        load::load_all(&task_shard).await;
    });
}
