//! Driver of rdkafka, the Rust wrapper of librdkafka; the steps are described in ../../README.md.
//! Its admin calls are asynchronous and need a runtime, so another client makes the topics.

mod member;

use member::Member;
use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use std::error::Error;
use std::io::BufRead;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Bounds every step.
const PATIENCE: Duration = Duration::from_secs(20);

type Answer = Result<Value, Box<dyn Error>>;

fn main() -> Result<(), Box<dyn Error>> {
    let bootstrap = std::env::args().nth(2).ok_or("usage: driver CLIENT HOST:PORT")?;
    let mut driver = Driver { bootstrap, member: None };
    for line in std::io::stdin().lock().lines() {
        let step: Value = serde_json::from_str(&line?)?;
        let answer = match driver.run(&step) {
            Ok(mut answer) => {
                if answer.get("unsupported").is_none() {
                    answer["ok"] = json!(true);
                }
                answer
            }
            Err(error) => json!({ "error": error.to_string() }),
        };
        println!("{answer}");
    }
    Ok(())
}

/// What the steps share.
struct Driver {
    bootstrap: String,
    member: Option<Member>,
}

impl Driver {
    fn run(&mut self, step: &Value) -> Answer {
        match text(step, "do") {
            "codecs" => Ok(json!({ "codecs": ["none", "gzip", "snappy", "lz4"] })),
            "partitions" => {
                let consumer = self.consumer("none")?;
                let metadata = consumer.fetch_metadata(None, PATIENCE)?;
                let found = metadata.topics().iter().find(|it| it.name() == text(step, "topic"));
                Ok(json!({ "count": found.map_or(0, |it| it.partitions().len()) }))
            }
            "produce" => self.produce(step),
            "fetch" => self.fetch(step),
            "offset_at" => {
                let at = Offset::Offset(number(step, "timestamp"));
                let mut wanted = TopicPartitionList::new();
                wanted.add_partition_offset(text(step, "topic"), partition(step)?, at)?;
                let found = self.consumer("none")?.offsets_for_times(wanted, PATIENCE)?;
                Ok(json!({ "offset": found.elements().first().map(|it| offset(it.offset())) }))
            }
            "join" => {
                self.member = Some(Member::join(self.config(), step)?);
                Ok(json!({}))
            }
            "poll" => self.member()?.poll(),
            "commit" => self.member()?.commit(step),
            "leave" => {
                // Dropping the consumer closes it.
                self.member = None;
                Ok(json!({}))
            }
            "committed" => {
                let mut wanted = TopicPartitionList::new();
                for partition in 0..i32::try_from(number(step, "partitions"))? {
                    wanted.add_partition(text(step, "topic"), partition);
                }
                let consumer = self.consumer(text(step, "group"))?;
                let found = consumer.committed_offsets(wanted, PATIENCE)?;
                let offsets: Vec<i64> =
                    found.elements().iter().map(|it| offset(it.offset())).collect();
                Ok(json!({ "offsets": offsets }))
            }
            other => Ok(json!({ "unsupported": format!("the driver has no {other}") })),
        }
    }

    fn member(&mut self) -> Result<&mut Member, Box<dyn Error>> {
        self.member.as_mut().ok_or_else(|| "no member".into())
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("enable.auto.commit", "false");
        config
    }

    fn consumer(&self, group: &str) -> Result<BaseConsumer, Box<dyn Error>> {
        // librdkafka wants a group id even where no group is used.
        Ok(self.config().set("group.id", group).create()?)
    }

    fn produce(&self, step: &Value) -> Answer {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap)
            .set("compression.type", text(step, "codec"))
            // A linger, so that the records travel as one batch.
            .set("linger.ms", "50");
        let producer: BaseProducer<Deliveries> =
            config.create_with_context(Deliveries::default())?;
        for record in step["records"].as_array().into_iter().flatten() {
            let record = BaseRecord::to(text(step, "topic"))
                .partition(partition(step)?)
                .key(text(record, "key"))
                .payload(text(record, "value"))
                .timestamp(number(record, "timestamp"));
            producer.send(record).map_err(|(error, _)| error)?;
        }
        producer.flush(PATIENCE)?;
        let delivered = producer.context().offsets.lock().map_err(|_| "poisoned")?;
        let mut offsets = Vec::new();
        for it in delivered.iter() {
            offsets.push(it.clone()?);
        }
        Ok(json!({ "base_offset": offsets.first() }))
    }

    fn fetch(&self, step: &Value) -> Answer {
        let consumer = self.consumer("none")?;
        let mut start = TopicPartitionList::new();
        let from = Offset::Offset(number(step, "from"));
        start.add_partition_offset(text(step, "topic"), partition(step)?, from)?;
        consumer.assign(&start)?;
        let mut records = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        while records.len() < usize::try_from(number(step, "count"))? && Instant::now() < deadline {
            if let Some(message) = consumer.poll(Duration::from_secs(1)) {
                records.push(record(&message?)?);
            }
        }
        Ok(json!({ "records": records }))
    }
}

/// Offsets of delivered records, in order.
#[derive(Default)]
struct Deliveries {
    offsets: Mutex<Vec<Result<i64, String>>>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        let offset = match result {
            Ok(message) => Ok(message.offset()),
            Err((error, _)) => Err(error.to_string()),
        };
        if let Ok(mut offsets) = self.offsets.lock() {
            offsets.push(offset);
        }
    }
}

fn record(message: &BorrowedMessage<'_>) -> Answer {
    let text =
        |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    Ok(json!({
        "partition": message.partition(),
        "offset": message.offset(),
        "key": text(message.key()),
        "value": text(message.payload()),
        "timestamp": message.timestamp().to_millis(),
    }))
}

/// -1 where there is none.
fn offset(offset: Offset) -> i64 {
    match offset {
        Offset::Offset(offset) => offset,
        _ => -1,
    }
}

fn text<'a>(fields: &'a Value, name: &str) -> &'a str {
    fields[name].as_str().unwrap_or_default()
}

fn number(fields: &Value, name: &str) -> i64 {
    fields[name].as_i64().unwrap_or_default()
}

fn partition(step: &Value) -> Result<i32, Box<dyn Error>> {
    Ok(i32::try_from(number(step, "partition"))?)
}
