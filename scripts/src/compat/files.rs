//! Log directories: Kafka's dump tool reads our segments, and each broker opens the other's data.

use super::driver::Driver;
use crate::kafka::{self, Kafka, jars, ready};
use crate::odradek::{self, Odradek};
use crate::{Doing, Failed, Outcome, paths, process};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const TOPIC: &str = "files";
const RECORD_COUNT: usize = 200;

/// Runs the three checks, one line each.
///
/// # Errors
/// When a check fails, or a broker or the reading client cannot be had.
pub fn run() -> Outcome {
    odradek::build()?;
    let home = paths::target().join("compat/files");
    if home.exists() {
        std::fs::remove_dir_all(&home).doing(|| home.display().to_string())?;
    }
    let ours = home.join("odradek");
    let theirs = home.join("kafka");
    let checks: [(&str, &dyn Fn() -> Outcome); 3] = [
        ("Kafka's dump tool reads our segments", &|| dump_ours(&ours)),
        ("Kafka opens our directory after a clean stop", &|| kafka_opens_ours(&ours)),
        ("our broker opens Kafka's directory", &|| we_open_kafkas(&theirs)),
    ];
    let mut failed = 0;
    for (name, check) in checks {
        match check() {
            Ok(()) => println!("ok    {name}"),
            Err(reason) => {
                failed += 1;
                println!("FAIL  {name}: {reason}");
            }
        }
    }
    if failed == 0 { Ok(()) } else { Err(Failed(format!("{failed} checks failed"))) }
}

fn dump_ours(dir: &Path) -> Outcome {
    let broker = Odradek::start(&our_spec(dir)?)?;
    fill(&broker.bootstrap)?;
    broker.stop()?;
    let segment = find_segment(dir)?;
    let mut tool = jars::tool(&jars::fetch()?, "org.apache.kafka.tools.DumpLogSegments");
    let text = process::capture(tool.arg("--deep-iteration").arg("--files").arg(&segment))?;
    let read = text.lines().filter(|line| line.starts_with("| offset:")).count();
    if read != RECORD_COUNT {
        return Err(Failed(format!("{read} records instead of {RECORD_COUNT}")));
    }
    for complaint in ["isvalid: false", "Mismatches", "Non-consecutive", "corrupt"] {
        if text.contains(complaint) {
            return Err(Failed(format!("the tool says {complaint}")));
        }
    }
    Ok(())
}

fn kafka_opens_ours(dir: &Path) -> Outcome {
    let kafka = Kafka::start(&kafka_spec(&dir.with_file_name("takeover"), Some(dir))?)?;
    check(&kafka.bootstrap)?;
    kafka.stop()
}

fn we_open_kafkas(dir: &Path) -> Outcome {
    let kafka = Kafka::start(&kafka_spec(dir, None)?)?;
    fill(&kafka.bootstrap)?;
    kafka.stop()?;
    let broker = Odradek::start(&our_spec(&dir.join("data"))?)?;
    check(&broker.bootstrap)?;
    broker.stop()
}

fn our_spec(dir: &Path) -> Outcome<odradek::Spec> {
    Ok(odradek::Spec { dir: dir.to_path_buf(), port: port()?, shards: None })
}

/// With `data`, the node opens that directory as it is instead of formatting one.
fn kafka_spec(dir: &Path, data: Option<&Path>) -> Outcome<kafka::Spec> {
    let heap = "512m".to_string();
    let existing_data = data.map(Path::to_path_buf);
    let properties = Vec::new();
    Ok(kafka::Spec { dir: dir.to_path_buf(), port: port()?, heap, properties, existing_data })
}

fn port() -> Outcome<u16> {
    ready::free_port().ok_or_else(|| Failed("no free port".to_string()))
}

fn find_segment(dir: &Path) -> Outcome<PathBuf> {
    let wanted = format!("{TOPIC}-0/00000000000000000000.log");
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        if folder.join(&wanted).is_file() {
            return Ok(folder.join(&wanted));
        }
        for entry in std::fs::read_dir(&folder).doing(|| folder.display().to_string())?.flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Err(Failed(format!("no {wanted} under {}", dir.display())))
}

fn records() -> Vec<Value> {
    let record = |n: usize| json!({"key": format!("k{n}"), "value": format!("v{n}"), "timestamp": 1_700_000_000_000_u64 + n as u64});
    (0..RECORD_COUNT).map(record).collect()
}

fn fill(bootstrap: &str) -> Outcome {
    let mut driver = Driver::stand_in(bootstrap)?;
    driver.demand(&json!({ "do": "create", "topic": TOPIC, "partitions": 1 }))?;
    let keep = json!({ "do": "set_config", "topic": TOPIC, "name": "retention.ms", "value": "-1" });
    driver.demand(&keep)?;
    let produce = json!({ "do": "produce", "topic": TOPIC, "partition": 0, "codec": "lz4", "records": records() });
    driver.demand(&produce).map(|_| ())
}

fn check(bootstrap: &str) -> Outcome {
    let mut driver = Driver::stand_in(bootstrap)?;
    let fetch =
        json!({ "do": "fetch", "topic": TOPIC, "partition": 0, "from": 0, "count": RECORD_COUNT });
    let answer = driver.demand(&fetch)?;
    let got = answer["records"].as_array().cloned().unwrap_or_default();
    for (index, wanted) in records().iter().enumerate() {
        let same = got.get(index).is_some_and(|got| {
            ["key", "value", "timestamp"].iter().all(|field| got[field] == wanted[field])
        });
        if !same {
            return Err(Failed(format!("record {index} differs")));
        }
    }
    Ok(())
}
