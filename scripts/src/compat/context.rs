//! What a scenario has at hand: a driver, a topic of its own, the client that stands in.

use super::clients::{Client, Program};
use super::driver::{Answer, Driver};
use super::subject::Subject;
use crate::{Failed, Outcome};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How a scenario ended.
pub(super) enum Verdict {
    /// With a remark or an outcome, or an empty text.
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

pub(super) type Told = Result<String, Stop>;

/// One scenario; its name is also part of the names of its topics and groups.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) about: About,
    pub(super) run: fn(&mut Context<'_>) -> Told,
}

/// What a scenario is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// Topics and records. What it tells is a remark.
    Records,
    /// Consumer groups. What it tells is an outcome, to be compared.
    Groups,
}

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
    pub(super) program: &'a Program,
    pub(super) client: &'a Client,
    pub(super) subject: &'a Subject,
    pub(super) topic: String,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        driver: Driver,
        program: &'a Program,
        client: &'a Client,
        subject: &'a Subject,
        scenario: &str,
    ) -> Context<'a> {
        // A broker that already runs may hold topics of an earlier run.
        let topic = format!("{}-{scenario}-{}", client.name, now_ms());
        Context { driver, program, client, subject, topic }
    }

    /// One step on this scenario's topic; `fields` are merged into it.
    pub(super) fn step(&mut self, verb: &str, fields: Value) -> Result<Value, Stop> {
        let step = self.request(verb, fields);
        taken(verb, self.driver.step(&step))
    }

    pub(super) fn request(&self, verb: &str, fields: Value) -> Value {
        let mut step = json!({ "do": verb, "topic": self.topic });
        if let (Some(step), Value::Object(fields)) = (step.as_object_mut(), fields) {
            step.extend(fields);
        }
        step
    }

    /// Creates the topic, by another client if this one has no admin calls, and waits until the
    /// brokers have heard of it.
    pub(super) fn create(&mut self, partitions: u32) -> Result<(), Stop> {
        let fields = json!({ "partitions": partitions });
        match self.step("create", fields.clone()) {
            Err(Stop::Unsupported(_)) => self.stand_in_step("create", fields).map(|_| ())?,
            other => other.map(|_| ())?,
        }
        self.wait_for_partitions(partitions.into())
    }

    pub(super) fn wait_for_partitions(&mut self, wanted: i64) -> Result<(), Stop> {
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

    pub(super) fn produce(
        &mut self,
        partition: u32,
        codec: &str,
        records: &[Value],
    ) -> Result<i64, Stop> {
        let fields = json!({ "partition": partition, "codec": codec, "records": records });
        let answer = self.step("produce", fields)?;
        Ok(answer["base_offset"].as_i64().unwrap_or(-1))
    }

    /// Another process of the client.
    pub(super) fn start_driver(&self) -> Outcome<Driver> {
        Driver::start(self.program, self.client, &self.subject.bootstrap)
    }

    /// One step by the client that stands in for others.
    pub(super) fn stand_in_step(&self, verb: &str, fields: Value) -> Result<Value, Stop> {
        let mut stand_in = Driver::stand_in(&self.subject.bootstrap)?;
        taken(verb, stand_in.step(&self.request(verb, fields)))
    }
}

pub(super) fn taken(verb: &str, answer: Outcome<Answer>) -> Result<Value, Stop> {
    match answer {
        Ok(Answer::Done(value)) => Ok(value),
        Ok(Answer::Unsupported(reason)) => Err(Stop::Unsupported(reason)),
        Err(Failed(reason)) => Err(Stop::Broken(Failed(format!("{verb}: {reason}")))),
    }
}

/// `count` records, numbered from `first`: sizes differ, text is not only ASCII, 10 ms apart.
pub(super) fn records(first: usize, count: usize) -> Vec<Value> {
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
pub(super) fn timestamp_ms(number: usize) -> u64 {
    static START_MS: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    START_MS.get_or_init(|| now_ms() - 3_600_000) + 10 * number as u64
}

pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn same<T: PartialEq + std::fmt::Display>(what: &str, got: T, wanted: T) -> Outcome {
    if got == wanted { Ok(()) } else { Err(Failed(format!("{what} {got} instead of {wanted}"))) }
}
