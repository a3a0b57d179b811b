//! What every client is asked to do, and what must come back.
//!
//! Each scenario makes topics of its own, so that none depends on another's.

use super::clients::{self, Client, Program};
use super::driver::{Answer, Driver};
use crate::{Failed, Outcome};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How a scenario ended.
pub(super) enum Verdict {
    /// With a remark, or an empty text.
    Ok(String),
    Failed(String),
    Skipped(String),
}

/// Why a scenario stopped early.
pub(super) enum Stop {
    Broken(Failed),
    Unsupported(String),
}

impl From<Failed> for Stop {
    fn from(failed: Failed) -> Stop {
        Stop::Broken(failed)
    }
}

type Told = Result<String, Stop>;

/// One scenario.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) run: fn(&mut Context<'_>) -> Told,
}

pub(super) const ALL: &[Scenario] = &[
    Scenario { name: "topic", run: topic },
    Scenario { name: "codecs", run: codecs },
    Scenario { name: "partitions", run: partitions },
    Scenario { name: "from-offset", run: from_offset },
    Scenario { name: "by-timestamp", run: by_timestamp },
    Scenario { name: "long-poll", run: long_poll },
    Scenario { name: "delete-records", run: delete_records },
    Scenario { name: "configs", run: configs },
];

pub(super) fn verdict(told: Told) -> Verdict {
    match told {
        Ok(note) => Verdict::Ok(note),
        Err(Stop::Broken(failed)) => Verdict::Failed(failed.0),
        Err(Stop::Unsupported(reason)) => Verdict::Skipped(reason),
    }
}

/// A scenario's driver and topic.
pub(super) struct Context<'a> {
    pub(super) driver: Driver,
    program: &'a Program,
    client: &'a Client,
    bootstrap: &'a str,
    topic: String,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        driver: Driver,
        program: &'a Program,
        client: &'a Client,
        bootstrap: &'a str,
        scenario: &str,
    ) -> Context<'a> {
        // A broker that already runs may hold topics of an earlier run.
        let topic = format!("{}-{scenario}-{}", client.name, now_ms());
        Context { driver, program, client, bootstrap, topic }
    }

    /// One step on this scenario's topic; `fields` are merged into it.
    fn step(&mut self, verb: &str, fields: Value) -> Result<Value, Stop> {
        let step = self.request(verb, fields);
        taken(verb, self.driver.step(&step))
    }

    fn request(&self, verb: &str, fields: Value) -> Value {
        let mut step = json!({ "do": verb, "topic": self.topic });
        if let (Some(step), Value::Object(fields)) = (step.as_object_mut(), fields) {
            step.extend(fields);
        }
        step
    }

    /// Creates the topic, by another client if this one has no admin calls, and waits until the
    /// brokers have heard of it.
    fn create(&mut self, partitions: u32) -> Result<(), Stop> {
        let fields = json!({ "partitions": partitions });
        match self.step("create", fields.clone()) {
            Err(Stop::Unsupported(_)) => self.stand_in_step("create", fields).map(|_| ())?,
            other => other.map(|_| ())?,
        }
        self.wait_for_partitions(partitions.into())
    }

    fn wait_for_partitions(&mut self, wanted: i64) -> Result<(), Stop> {
        let mut count = -1;
        for _ in 0..50 {
            count = self.step("partitions", json!({}))?["count"].as_i64().unwrap_or(-1);
            if count == wanted {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(Stop::Broken(Failed(format!("{count} partitions instead of {wanted}"))))
    }

    fn produce(&mut self, partition: u32, codec: &str, records: &[Value]) -> Result<i64, Stop> {
        let fields = json!({ "partition": partition, "codec": codec, "records": records });
        let answer = self.step("produce", fields)?;
        Ok(answer["base_offset"].as_i64().unwrap_or(-1))
    }

    /// Fetches with this client, or with another if this one has no consumer without a group.
    fn fetch(&mut self, partition: u32, from: i64, count: usize) -> Result<Fetched, Stop> {
        let fields = json!({ "partition": partition, "from": from, "count": count });
        let (answer, by_other) = match self.step("fetch", fields.clone()) {
            Err(Stop::Unsupported(_)) => (self.stand_in_step("fetch", fields)?, true),
            other => (other?, false),
        };
        let records = answer["records"].as_array().cloned().unwrap_or_default();
        Ok(Fetched { records, by_other })
    }

    /// One step by the client that stands in for others.
    fn stand_in_step(&self, verb: &str, fields: Value) -> Result<Value, Stop> {
        let mut stand_in = Driver::stand_in(self.bootstrap)?;
        taken(verb, stand_in.step(&self.request(verb, fields)))
    }
}

fn taken(verb: &str, answer: Outcome<Answer>) -> Result<Value, Stop> {
    match answer {
        Ok(Answer::Done(value)) => Ok(value),
        Ok(Answer::Unsupported(reason)) => Err(Stop::Unsupported(reason)),
        Err(Failed(reason)) => Err(Stop::Broken(Failed(format!("{verb}: {reason}")))),
    }
}

struct Fetched {
    records: Vec<Value>,
    by_other: bool,
}

impl Fetched {
    /// Compares key, value, timestamp and offset of every record.
    fn must_be(&self, base_offset: i64, expected: &[Value]) -> Outcome {
        if self.records.len() != expected.len() {
            let (got, wanted) = (self.records.len(), expected.len());
            return Err(Failed(format!("{got} records instead of {wanted}")));
        }
        for (offset, (got, wanted)) in (base_offset..).zip(self.records.iter().zip(expected)) {
            if got["offset"].as_i64() != Some(offset) {
                return Err(Failed(format!("offset {} instead of {offset}", got["offset"])));
            }
            for field in ["key", "value", "timestamp"] {
                // Some clients cannot set or tell a timestamp; they leave it out.
                let left_out = field == "timestamp" && got[field].is_null();
                if got[field] != wanted[field] && !left_out {
                    let (got, wanted) = (&got[field], &wanted[field]);
                    return Err(Failed(format!("offset {offset}: {field} {got} not {wanted}")));
                }
            }
        }
        Ok(())
    }

    fn note(&self) -> String {
        if self.by_other { format!("(read by {})", clients::STAND_IN.name) } else { String::new() }
    }
}

/// `count` records, numbered from `first`: sizes differ, text is not only ASCII, 10 ms apart.
fn records(first: usize, count: usize) -> Vec<Value> {
    let record = |number: usize| {
        let padding = "abcdefghij".repeat(number * 7 % 40);
        json!({
            "key": format!("key-{number}"),
            "value": format!("value-{number} žluťoučký {padding}"),
            "timestamp": timestamp_ms(number),
        })
    };
    (first..first + count).map(record).collect()
}

/// An instant in the recent past, so that retention leaves it alone; the same for one whole run.
fn timestamp_ms(number: usize) -> u64 {
    static START_MS: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    START_MS.get_or_init(|| now_ms() - 3_600_000) + 10 * number as u64
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn same<T: PartialEq + std::fmt::Display>(what: &str, got: T, wanted: T) -> Outcome {
    if got == wanted { Ok(()) } else { Err(Failed(format!("{what} {got} instead of {wanted}"))) }
}

/// A created topic has its partitions; a deleted one has none.
fn topic(context: &mut Context<'_>) -> Told {
    context.step("create", json!({ "partitions": 3 }))?;
    context.wait_for_partitions(3)?;
    context.step("delete", json!({}))?;
    context.wait_for_partitions(0)?;
    Ok(String::new())
}

/// Batches in every codec of the client, one after the other, come back as they were sent.
fn codecs(context: &mut Context<'_>) -> Told {
    let answer = context.step("codecs", json!({}))?;
    let names: Vec<String> = answer["codecs"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_string))
        .collect();
    context.create(1)?;
    let mut sent = Vec::new();
    for name in &names {
        let batch = records(sent.len(), 40);
        let base = context.produce(0, name, &batch)?;
        let wanted = i64::try_from(sent.len()).unwrap_or(i64::MAX);
        same(&format!("{name}: base offset"), base, wanted)?;
        sent.extend(batch);
    }
    let fetched = context.fetch(0, 0, sent.len())?;
    fetched.must_be(0, &sent)?;
    Ok(format!("{} {}", names.join(" "), fetched.note()))
}

/// Records stay in the partition they were sent to.
fn partitions(context: &mut Context<'_>) -> Told {
    context.create(3)?;
    for partition in 0..3 {
        context.produce(partition, "none", &records(partition as usize * 100, 20))?;
    }
    let mut note = String::new();
    for partition in (0..3).rev() {
        let fetched = context.fetch(partition, 0, 20)?;
        fetched.must_be(0, &records(partition as usize * 100, 20))?;
        note = fetched.note();
    }
    Ok(note)
}

/// A fetch may start at a batch, inside a batch, and at the last record.
fn from_offset(context: &mut Context<'_>) -> Told {
    context.create(1)?;
    context.produce(0, "none", &records(0, 50))?;
    context.produce(0, "none", &records(50, 50))?;
    let mut note = String::new();
    for from in [50_usize, 73, 99] {
        let offset = i64::try_from(from).unwrap_or(i64::MAX);
        let fetched = context.fetch(0, offset, 100 - from)?;
        fetched.must_be(offset, &records(from, 100 - from))?;
        note = fetched.note();
    }
    Ok(note)
}

/// The first record that is not older than a time; none after the last.
fn by_timestamp(context: &mut Context<'_>) -> Told {
    context.create(1)?;
    // Another client writes, because not every client can set a timestamp.
    for first in [0, 30] {
        let records = records(first, 30);
        let fields = json!({ "partition": 0, "codec": "none", "records": records });
        context.stand_in_step("produce", fields)?;
    }
    for (timestamp, wanted) in
        [(timestamp_ms(0) - 1, 0), (timestamp_ms(30), 30), (timestamp_ms(41) - 3, 41)]
    {
        let fields = json!({ "partition": 0, "timestamp": timestamp });
        let answer = context.step("offset_at", fields)?;
        same("offset", answer["offset"].as_i64().unwrap_or(-1), wanted)?;
    }
    Ok(String::new())
}

/// A consumer that waits at the end gets what another connection produces.
fn long_poll(context: &mut Context<'_>) -> Told {
    context.create(1)?;
    context.produce(0, "none", &records(0, 5))?;
    let fetch = context.request("fetch", json!({ "partition": 0, "from": 5, "count": 5 }));
    context.driver.begin(&fetch)?;
    let mut producer = Driver::start(context.program, context.client, context.bootstrap)?;
    // Nothing tells when the consumer has reached the end; a second is more than it needs.
    std::thread::sleep(Duration::from_secs(1));
    let fields = json!({ "partition": 0, "codec": "none", "records": records(5, 5) });
    taken("produce", producer.step(&context.request("produce", fields)))?;
    let answer = taken("fetch", context.driver.finish())?;
    let records_got = answer["records"].as_array().cloned().unwrap_or_default();
    Fetched { records: records_got, by_other: false }.must_be(5, &records(5, 5))?;
    Ok(String::new())
}

/// Records before an offset are gone, the rest keeps its offsets.
fn delete_records(context: &mut Context<'_>) -> Told {
    context.create(1)?;
    context.produce(0, "none", &records(0, 30))?;
    context.step("delete_records", json!({ "partition": 0, "before": 12 }))?;
    let fetched = context.fetch(0, 12, 18)?;
    fetched.must_be(12, &records(12, 18))?;
    Ok(fetched.note())
}

/// A topic's config has a default, takes a value, and tells it.
fn configs(context: &mut Context<'_>) -> Told {
    context.create(1)?;
    let name = "retention.ms";
    let answer = context.step("get_config", json!({ "name": name }))?;
    same("default", text(&answer), "604800000".to_string())?;
    context.step("set_config", json!({ "name": name, "value": "7200000" }))?;
    for _ in 0..50 {
        let answer = context.step("get_config", json!({ "name": name }))?;
        if text(&answer) == "7200000" {
            return Ok(String::new());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(Stop::Broken(Failed("the altered value is not told".to_string())))
}

fn text(answer: &Value) -> String {
    answer["value"].as_str().unwrap_or_default().to_string()
}
