//! Kills our broker under load, again and again, and looks for every acknowledged record.
//!
//! Each round hands a long list of numbered records to an idempotent producer, kills the broker
//! (SIGKILL) while they travel, starts it again on the same folder and port, and waits for the
//! producer, which retries by itself. Whatever it says was acknowledged must then be there, in
//! order, once. What a killed process lost from the page cache is not tested: nothing is lost from
//! it; power loss belongs to the simulator.

use crate::compat::driver::Driver;
use crate::kafka::ready;
use crate::odradek::{self, Odradek, Spec};
use crate::{Doing, Failed, Outcome, paths};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const TOPIC: &str = "crash";
/// Enough that the load lasts about as long as the longest delay before a kill.
const RECORDS_PER_ROUND: usize = 30_000;
const DELAY_MS_MAX: u64 = 600;

/// How often, and where randomness starts.
#[derive(clap::Args)]
pub struct Arguments {
    /// Number of kills
    #[arg(long, default_value_t = 20)]
    times: usize,
    /// Repeats the delays of an earlier run
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Shards of our broker; it decides by itself when left out
    #[arg(long)]
    shards: Option<u32>,
}

/// Runs the rounds, one line each.
///
/// # Errors
/// At the first record that is lost, doubled or out of order, or when a broker does not start.
pub fn run(arguments: &Arguments) -> Outcome {
    odradek::build()?;
    let dir = paths::target().join("crash-data");
    if dir.exists() {
        std::fs::remove_dir_all(&dir).doing(|| dir.display().to_string())?;
    }
    let port = ready::free_port().ok_or_else(|| Failed("no free port".to_string()))?;
    let spec = Spec { dir, port, shards: arguments.shards };
    let mut broker = Odradek::start(&spec)?;
    let mut producer = Driver::stand_in(&broker.bootstrap)?;
    producer.demand(&json!({ "do": "create", "topic": TOPIC, "partitions": 1 }))?;
    let mut random = arguments.seed.max(1);
    for round in 0..arguments.times {
        let first = round * RECORDS_PER_ROUND;
        producer.begin(&json!({
            "do": "produce", "topic": TOPIC, "partition": 0, "codec": "none",
            "records": records(first),
        }))?;
        let delay_ms = next(&mut random) % DELAY_MS_MAX;
        std::thread::sleep(Duration::from_millis(delay_ms));
        broker.kill()?;
        let restart = Instant::now();
        broker = Odradek::start(&spec)?;
        let restarted_ms = restart.elapsed().as_millis();
        let acknowledged = producer.demand_finish()?;
        if acknowledged["base_offset"].as_u64() != u64::try_from(first).ok() {
            let got = &acknowledged["base_offset"];
            return Err(Failed(format!("round {round}: first offset {got} instead of {first}")));
        }
        check(&mut producer, first).map_err(|Failed(why)| {
            Failed(format!("round {round}, killed after {delay_ms} ms: {why}"))
        })?;
        println!("round {round}: killed after {delay_ms} ms, ready again in {restarted_ms} ms, ok");
    }
    for round in 0..arguments.times {
        check(&mut producer, round * RECORDS_PER_ROUND)?;
    }
    println!("{} records, each there once and in order", arguments.times * RECORDS_PER_ROUND);
    broker.stop()
}

fn records(first: usize) -> Vec<Value> {
    let record = |number: usize| json!({ "key": number.to_string(), "value": format!("{number:0100}"), "timestamp": now_ms() });
    (first..first + RECORDS_PER_ROUND).map(record).collect()
}

/// The records of one round stand at their offsets.
fn check(reader: &mut Driver, first: usize) -> Outcome {
    let answer = reader.demand(&json!({
        "do": "fetch", "topic": TOPIC, "partition": 0,
        "from": first, "count": RECORDS_PER_ROUND,
    }))?;
    let got = answer["records"].as_array().cloned().unwrap_or_default();
    for (number, record) in (first..first + RECORDS_PER_ROUND).zip(&got) {
        let key = number.to_string();
        if record["offset"].as_u64() != u64::try_from(number).ok() || record["key"] != key.as_str()
        {
            let (offset, found) = (&record["offset"], &record["key"]);
            return Err(Failed(format!("record {number}: offset {offset} holds {found}")));
        }
    }
    if got.len() == RECORDS_PER_ROUND {
        return Ok(());
    }
    Err(Failed(format!("{} records instead of {RECORDS_PER_ROUND}", got.len())))
}

fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// xorshift64: enough to spread delays, and the same on every machine.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
