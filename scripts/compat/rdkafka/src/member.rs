//! One group member.

use super::{Answer, number, record, text};
use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use std::error::Error;
use std::sync::Mutex;
use std::time::Duration;

/// How long a poll lasts when nothing comes.
const POLL_WAIT: Duration = Duration::from_millis(100);
/// Records of one poll.
const POLL_RECORDS: usize = 100;

pub struct Member {
    topic: String,
    consumer: BaseConsumer<Rebalances>,
}

impl Member {
    pub fn join(mut config: ClientConfig, step: &Value) -> Result<Member, Box<dyn Error>> {
        config
            .set("client.id", text(step, "member"))
            .set("group.id", text(step, "group"))
            .set("auto.offset.reset", "earliest")
            .set("partition.assignment.strategy", text(step, "assignor"))
            .set("session.timeout.ms", number(step, "session_ms").to_string())
            .set("heartbeat.interval.ms", number(step, "heartbeat_ms").to_string());
        if let Some(instance) = step["instance"].as_str() {
            config.set("group.instance.id", instance);
        }
        let consumer: BaseConsumer<Rebalances> =
            config.create_with_context(Rebalances::default())?;
        consumer.subscribe(&[text(step, "topic")])?;
        Ok(Member { topic: text(step, "topic").to_string(), consumer })
    }

    pub fn poll(&mut self) -> Answer {
        let mut records = Vec::new();
        let mut wait = POLL_WAIT;
        while records.len() < POLL_RECORDS
            && let Some(message) = self.consumer.poll(wait)
        {
            wait = Duration::ZERO;
            match message {
                Ok(message) => records.push(record(&message)?),
                Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
                // The library itself tries again, for example after a lost connection.
                Err(_) => {}
            }
        }
        let mut told = self.consumer.context().told.lock().map_err(|_| "poisoned")?;
        let Told { revoked, count } = std::mem::take(&mut *told);
        let owned = partitions(&self.consumer.assignment()?);
        Ok(json!({ "owned": owned, "records": records, "revoked": revoked, "rebalances": count }))
    }

    pub fn commit(&mut self, step: &Value) -> Answer {
        let mut offsets = TopicPartitionList::new();
        for it in step["offsets"].as_array().into_iter().flatten() {
            let partition = i32::try_from(number(it, "partition"))?;
            let offset = Offset::Offset(number(it, "offset"));
            offsets.add_partition_offset(&self.topic, partition, offset)?;
        }
        self.consumer.commit(&offsets, CommitMode::Sync)?;
        Ok(json!({}))
    }
}

/// Counts what the member is told; the assignment itself is left to the library.
#[derive(Default)]
struct Rebalances {
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    revoked: Vec<i32>,
    count: usize,
}

impl ClientContext for Rebalances {}

impl ConsumerContext for Rebalances {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Ok(mut told) = self.told.lock() {
            told.count += 1;
            if let Rebalance::Revoke(list) = rebalance {
                told.revoked.extend(partitions(list));
            }
        }
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<i32> {
    list.elements().iter().map(|it| it.partition()).collect()
}
