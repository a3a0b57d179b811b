//! Kafka's own command line tools against a broker, unmodified: what they print is the outcome.
//!
//! Promises: a tool that ends with another status than success fails its scenario, except where the
//! scenario wants a refusal; what differs from run to run (names, ids, times, rates) is left out.
//! Does not: look at a broker's files; see `files.rs`.

use super::clients::Protocol;
use super::context::{now_ms, records};
use super::driver::Driver;
use crate::kafka::jars;
use crate::{Doing, Failed, Outcome, paths};
use serde_json::{Value, json};
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;

/// What the tools are called where clients have names.
pub(super) const NAME: &str = "kafka-tools";

/// One scenario of tools.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    run: fn(&Tools) -> Outcome<String>,
}

pub(super) const ALL: &[Scenario] = &[
    Scenario { name: "tool-console", run: console },
    Scenario { name: "tool-offsets", run: offsets },
    Scenario { name: "tool-groups", run: |tools| groups(tools, Protocol::Classic) },
    Scenario { name: "tool-groups-848", run: |tools| groups(tools, Protocol::Consumer) },
    Scenario { name: "tool-verifiable", run: verifiable },
    Scenario { name: "tool-perf", run: perf },
];

impl Scenario {
    /// Runs the scenario; returns its outcome.
    pub(super) fn run(&self, bootstrap: &str) -> Outcome<String> {
        // A broker that already runs may hold topics of an earlier run.
        let topic = format!("{}-{}", self.name, now_ms());
        let tools = Tools {
            jars: jars::fetch()?,
            bootstrap: bootstrap.to_string(),
            group: format!("group-of-{topic}"),
            topic,
        };
        (self.run)(&tools)
    }
}

/// A scenario's tools, topic and group.
struct Tools {
    jars: PathBuf,
    bootstrap: String,
    topic: String,
    group: String,
}

/// Wanted of a tool's end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Success,
    /// Success or not; some tools print a refusal and succeed.
    Any,
}

impl Tools {
    /// Runs a tool of `org.apache.kafka.tools`; returns what it printed.
    fn run(&self, class: &str, arguments: &[&str], input: &str, end: End) -> Outcome<String> {
        let file = paths::target().join("compat/tool-input.txt");
        std::fs::write(&file, input).doing(|| file.display().to_string())?;
        let input = File::open(&file).doing(|| file.display().to_string())?;
        let mut command = jars::tool(&self.jars, &format!("org.apache.kafka.tools.{class}"));
        let output = command
            .args(["--bootstrap-server", &self.bootstrap])
            .args(arguments)
            .stdin(Stdio::from(input))
            .output()
            .doing(|| class.to_string())?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if end == End::Success && !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            let errors = errors.lines().find(|line| !line.contains("WARN")).unwrap_or_default();
            return Err(Failed(format!("{class}: {} {errors}", output.status)));
        }
        Ok(printed)
    }

    fn success(&self, class: &str, arguments: &[&str]) -> Outcome<String> {
        self.run(class, arguments, "", End::Success)
    }

    fn create(&self, partitions: u32) -> Outcome {
        let partitions = partitions.to_string();
        let arguments = ["--create", "--topic", &self.topic, "--partitions", &partitions];
        self.success("TopicCommand", &arguments).map(|_| ())
    }

    /// The lines that are left when names and ids are masked, in one.
    fn told(&self, printed: &str) -> String {
        let lines = printed.lines().map(|line| self.masked(line)).filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join("; ")
    }

    /// The same of a table: the tools print rows in the order of a hash, which names decide.
    fn told_table(&self, printed: &str) -> String {
        let mut lines: Vec<&str> = printed.lines().filter(|line| !line.is_empty()).collect();
        if let Some(rows) = lines.get_mut(1..) {
            rows.sort_unstable();
        }
        self.told(&lines.join("\n"))
    }

    fn masked(&self, line: &str) -> String {
        let line = line.replace(&self.group, "GROUP").replace(&self.topic, "TOPIC");
        let line = line.replace(&self.bootstrap, "BROKER");
        line.split_whitespace().map(masked_uuid).collect::<Vec<_>>().join(" ")
    }
}

/// A classic member id ends with a random UUID, one of KIP-848 is a UUID in base 64.
fn masked_uuid(word: &str) -> String {
    const HEX_LENGTH: usize = 36;
    const BASE64_LENGTH: usize = 22;
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+/".contains(&byte);
    if word.len() == BASE64_LENGTH && word.bytes().all(is_base64) {
        return "UUID".to_string();
    }
    let is_hex = |byte: u8| byte == b'-' || byte.is_ascii_hexdigit();
    match word.split_at_checked(word.len().saturating_sub(HEX_LENGTH)) {
        Some((head, uuid)) if uuid.len() == HEX_LENGTH && uuid.bytes().all(is_hex) => {
            format!("{head}UUID")
        }
        _ => word.to_string(),
    }
}

/// The console consumer reads what the console producer wrote; the next one of its group goes on
/// where it stopped.
fn console(tools: &Tools) -> Outcome<String> {
    tools.create(1)?;
    let lines: String = (0..20).map(|number| format!("key-{number}:value {number}\n")).collect();
    let key = ["--reader-property", "parse.key=true", "--reader-property", "key.separator=:"];
    let arguments = [&["--topic", tools.topic.as_str()][..], &key].concat();
    tools.run("ConsoleProducer", &arguments, &lines, End::Success)?;
    let mut told = Vec::new();
    for count in ["12", "8"] {
        let printed = tools.success(
            "consumer.ConsoleConsumer",
            &[
                "--topic",
                &tools.topic,
                "--group",
                &tools.group,
                "--from-beginning",
                "--max-messages",
                count,
                "--timeout-ms",
                "30000",
                "--formatter-property",
                "print.key=true",
                "--formatter-property",
                "print.offset=true",
            ],
        )?;
        told.push(tools.told(&printed));
    }
    Ok(told.join(" | "))
}

/// Offsets by time, and records that are deleted.
fn offsets(tools: &Tools) -> Outcome<String> {
    tools.create(2)?;
    let mut driver = Driver::stand_in(&tools.bootstrap)?;
    for (partition, count) in [(0, 30), (1, 5)] {
        produce(&mut driver, tools, partition, count)?;
    }
    let get = |time: &str| -> Outcome<String> {
        let arguments = ["--topic", &tools.topic, "--time", time];
        Ok(tools.told_table(&tools.success("GetOffsetShell", &arguments)?))
    };
    let mut told = vec![get("earliest")?, get("latest")?, get("max-timestamp")?];
    let file = paths::target().join("compat/delete-records.json");
    let partitions = json!([{ "topic": tools.topic, "partition": 0, "offset": 12 }]);
    let wanted = json!({ "version": 1, "partitions": partitions });
    std::fs::write(&file, wanted.to_string()).doing(|| file.display().to_string())?;
    let arguments = ["--offset-json-file", &file.display().to_string()];
    told.push(tools.told(&tools.success("DeleteRecordsCommand", &arguments)?));
    told.push(get("earliest")?);
    Ok(told.join(" | "))
}

/// A group of either protocol is listed and described while it has a member and when it has none;
/// its offsets are reset and deleted, and at last the group.
fn groups(tools: &Tools, protocol: Protocol) -> Outcome<String> {
    tools.create(2)?;
    let mut member = Driver::stand_in(&tools.bootstrap)?;
    for partition in 0..2 {
        produce(&mut member, tools, partition, 10)?;
    }
    become_member(&mut member, tools, protocol)?;
    let command = |arguments: &[&str], end| -> Outcome<String> {
        let arguments = [arguments, &["--group", &tools.group]].concat();
        let printed = tools.run("consumer.group.ConsumerGroupCommand", &arguments, "", end)?;
        Ok(tools.told_table(&printed))
    };
    let listed = || -> Outcome<String> {
        // Other groups may be there.
        let printed = tools.success("GroupsCommand", &["--list"])?;
        let ours = printed.lines().find(|line| line.contains(&tools.group));
        Ok(tools.masked(ours.unwrap_or("not listed")))
    };
    let mut told = vec![
        listed()?,
        command(&["--describe"], End::Success)?,
        command(&["--describe", "--members", "--verbose"], End::Success)?,
        command(&["--describe", "--state"], End::Success)?,
        command(&["--delete"], End::Any)?,
    ];
    member.demand(&json!({ "do": "leave" }))?;
    let reset = ["--reset-offsets", "--to-earliest", "--topic", &tools.topic, "--execute"];
    let delete_offsets = ["--delete-offsets", "--topic", &tools.topic];
    told.extend([
        command(&["--describe"], End::Success)?,
        command(&["--describe", "--state"], End::Success)?,
        command(&reset, End::Success)?,
        command(&["--describe"], End::Success)?,
        command(&delete_offsets, End::Success)?,
        command(&["--delete"], End::Success)?,
        listed()?,
    ]);
    Ok(told.join(" | "))
}

fn produce(driver: &mut Driver, tools: &Tools, partition: u32, count: usize) -> Outcome {
    let step = json!({
        "do": "produce",
        "topic": tools.topic,
        "partition": partition,
        "codec": "none",
        "records": records(0, count),
    });
    driver.demand(&step).map(|_| ())
}

/// Makes the driver the only member of the scenario's group, with committed offsets 3 and 7.
fn become_member(driver: &mut Driver, tools: &Tools, protocol: Protocol) -> Outcome {
    driver.demand(&json!({
        "do": "join",
        "topic": tools.topic,
        "group": tools.group,
        "member": "a",
        "protocol": protocol.name(),
        "assignor": "range",
        "instance": null,
        "session_ms": 45_000,
        "heartbeat_ms": 3_000,
    }))?;
    for _ in 0..300 {
        let answer = driver.demand(&json!({ "do": "poll" }))?;
        if answer["owned"].as_array().is_some_and(|owned| owned.len() == 2) {
            let offsets = json!([{ "partition": 0, "offset": 3 }, { "partition": 1, "offset": 7 }]);
            return driver.demand(&json!({ "do": "commit", "offsets": offsets })).map(|_| ());
        }
    }
    Err(Failed("the member got no assignment".to_string()))
}

/// The checked load of Kafka's system tests: every record is acknowledged, consumed and committed.
fn verifiable(tools: &Tools) -> Outcome<String> {
    tools.create(3)?;
    let max = ["--topic", &tools.topic, "--max-messages", "200"];
    let produced = events(&tools.success("VerifiableProducer", &max)?);
    let acknowledged = produced.iter().filter(|event| event["name"] == "producer_send_success");
    let arguments = [&max[..], &["--group-id", &tools.group]].concat();
    let consumed = events(&tools.success("VerifiableConsumer", &arguments)?);
    let counts = consumed.iter().filter(|event| event["name"] == "records_consumed");
    let count: u64 = counts.filter_map(|event| event["count"].as_u64()).sum();
    let failed_commits = consumed
        .iter()
        .filter(|event| event["name"] == "offsets_committed" && event["success"] != true);
    let (acknowledged, failed_commits) = (acknowledged.count(), failed_commits.count());
    Ok(format!("{acknowledged} acknowledged, {count} consumed, {failed_commits} commits failed"))
}

/// One JSON object per line, among other lines.
fn events(printed: &str) -> Vec<Value> {
    printed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The load tools end well and count what they were told to.
fn perf(tools: &Tools) -> Outcome<String> {
    tools.create(3)?;
    let produced = tools.success(
        "ProducerPerformance",
        &[
            "--topic",
            &tools.topic,
            "--num-records",
            "2000",
            "--record-size",
            "100",
            "--throughput",
            "-1",
        ],
    )?;
    let sent = produced.lines().last().and_then(|line| line.split(',').next());
    let consumed = tools.success(
        "ConsumerPerformance",
        &[
            "--topic",
            &tools.topic,
            "--num-records",
            "2000",
            "--group",
            &tools.group,
            "--hide-header",
        ],
    )?;
    // Start and end, MB and MB per second, records.
    const RECORDS_COLUMN: usize = 4;
    let row = consumed.lines().find(|line| line.matches(", ").count() > RECORDS_COLUMN);
    let records = row.and_then(|row| row.split(", ").nth(RECORDS_COLUMN));
    let latency = end_to_end_latency(tools)?;
    Ok(format!(
        "{} | {} records consumed | {latency}",
        sent.unwrap_or("nothing sent"),
        records.unwrap_or("no")
    ))
}

/// Takes its arguments by place, unlike every other tool.
fn end_to_end_latency(tools: &Tools) -> Outcome<String> {
    let mut command = jars::tool(&tools.jars, "org.apache.kafka.tools.EndToEndLatency");
    command.args([&tools.bootstrap, &tools.topic, "50", "all", "100"]);
    let printed = crate::process::capture(&mut command)?;
    let is_complete = printed.lines().any(|line| line.starts_with("Percentiles:"));
    Ok(format!("latency of 50 records: {}", if is_complete { "told" } else { "not told" }))
}
