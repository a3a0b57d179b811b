//! What every client is asked to do with topics and records, and what must come back.
//!
//! Each scenario makes topics of its own, so that none depends on another's.

use super::clients;
use super::context::{About, Context, Scenario, Stop, Told, records, same, taken, timestamp_ms};
use crate::{Failed, Outcome};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) const ALL: &[Scenario] = &[
    scenario("topic", topic),
    scenario("codecs", codecs),
    scenario("partitions", partitions),
    scenario("from-offset", from_offset),
    scenario("by-timestamp", by_timestamp),
    scenario("long-poll", long_poll),
    scenario("delete-records", delete_records),
    scenario("configs", configs),
];

const fn scenario(name: &'static str, run: fn(&mut Context<'_>) -> Told) -> Scenario {
    Scenario { name, about: About::Records, run }
}

/// Fetches with the scenario's client, or with another if it has no consumer without a group.
fn fetch(
    context: &mut Context<'_>,
    partition: u32,
    from: i64,
    count: usize,
) -> Result<Fetched, Stop> {
    let fields = json!({ "partition": partition, "from": from, "count": count });
    let (answer, by_other) = match context.step("fetch", fields.clone()) {
        Err(Stop::Unsupported(_)) => (context.stand_in_step("fetch", fields)?, true),
        other => (other?, false),
    };
    let records = answer["records"].as_array().cloned().unwrap_or_default();
    Ok(Fetched { records, by_other })
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
    let fetched = fetch(context, 0, 0, sent.len())?;
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
        let fetched = fetch(context, partition, 0, 20)?;
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
        let fetched = fetch(context, 0, offset, 100 - from)?;
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
    let mut producer = context.start_driver()?;
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
    let fetched = fetch(context, 0, 12, 18)?;
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
