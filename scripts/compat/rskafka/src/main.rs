//! Driver of rskafka; the steps are described in ../README.md.

use chrono::{DateTime, TimeZone, Utc};
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;
use serde_json::{Value, json};
use std::error::Error;
use std::io::BufRead;

const TIMEOUT_MS: i32 = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let bootstrap = std::env::args().nth(2).ok_or("usage: driver CLIENT HOST:PORT")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = runtime.block_on(ClientBuilder::new(vec![bootstrap]).build())?;
    for line in std::io::stdin().lock().lines() {
        let step: Value = serde_json::from_str(&line?)?;
        let answer = match runtime.block_on(run(&client, &step)) {
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

async fn run(client: &Client, step: &Value) -> Result<Value, Box<dyn Error>> {
    let topic = step["topic"].as_str().unwrap_or_default();
    let number = |name: &str| step[name].as_i64().unwrap_or_default();
    match step["do"].as_str().unwrap_or_default() {
        "codecs" => Ok(json!({ "codecs": ["none", "gzip", "snappy", "lz4", "zstd"] })),
        "create" => {
            let controller = client.controller_client()?;
            let partitions = i32::try_from(number("partitions"))?;
            controller.create_topic(topic, partitions, 1, TIMEOUT_MS).await?;
            Ok(json!({}))
        }
        "partitions" => {
            let topics = client.list_topics().await?;
            let found = topics.iter().find(|found| found.name == topic);
            Ok(json!({ "count": found.map_or(0, |found| found.partitions.len()) }))
        }
        "produce" => {
            let records = step["records"].as_array().into_iter().flatten().map(record);
            let records: Vec<Record> = records.collect();
            let offsets =
                partition(client, step).await?.produce(records, codec(&step["codec"])?).await?;
            Ok(json!({ "base_offset": offsets.first() }))
        }
        "fetch" => fetch(partition(client, step).await?, step).await,
        "offset_at" => {
            let at = OffsetAt::Timestamp(time(number("timestamp")));
            Ok(json!({ "offset": partition(client, step).await?.get_offset(at).await? }))
        }
        "delete_records" => {
            let partition = partition(client, step).await?;
            partition.delete_records(number("before"), TIMEOUT_MS).await?;
            Ok(json!({}))
        }
        "delete" => {
            client.controller_client()?.delete_topic(topic, TIMEOUT_MS).await?;
            Ok(json!({}))
        }
        other => Ok(json!({ "unsupported": format!("the client has no {other}") })),
    }
}

async fn partition(client: &Client, step: &Value) -> Result<PartitionClient, Box<dyn Error>> {
    let number = i32::try_from(step["partition"].as_i64().unwrap_or_default())?;
    let topic = step["topic"].as_str().unwrap_or_default();
    Ok(client.partition_client(topic, number, UnknownTopicHandling::Retry).await?)
}

async fn fetch(partition: PartitionClient, step: &Value) -> Result<Value, Box<dyn Error>> {
    let mut from = step["from"].as_i64().unwrap_or_default();
    let count = usize::try_from(step["count"].as_i64().unwrap_or_default())?;
    let mut records = Vec::new();
    // Every round waits at most half a second for the broker.
    for _ in 0..40 {
        if records.len() >= count {
            break;
        }
        let (found, _) = partition.fetch_records(from, 1..1_000_000, 500).await?;
        for found in found {
            from = found.offset + 1;
            records.push(json!({
                "offset": found.offset,
                "key": text(found.record.key),
                "value": text(found.record.value),
                "timestamp": found.record.timestamp.timestamp_millis(),
            }));
        }
    }
    Ok(json!({ "records": records }))
}

fn record(fields: &Value) -> Record {
    let bytes = |name: &str| fields[name].as_str().map(|text| text.as_bytes().to_vec());
    Record {
        key: bytes("key"),
        value: bytes("value"),
        headers: Default::default(),
        timestamp: time(fields["timestamp"].as_i64().unwrap_or_default()),
    }
}

fn codec(name: &Value) -> Result<Compression, String> {
    match name.as_str() {
        Some("none") => Ok(Compression::NoCompression),
        Some("gzip") => Ok(Compression::Gzip),
        Some("snappy") => Ok(Compression::Snappy),
        Some("lz4") => Ok(Compression::Lz4),
        Some("zstd") => Ok(Compression::Zstd),
        _ => Err(format!("no codec {name}")),
    }
}

fn time(timestamp_ms: i64) -> DateTime<Utc> {
    Utc.timestamp_millis_opt(timestamp_ms).single().unwrap_or_default()
}

fn text(bytes: Option<Vec<u8>>) -> Option<String> {
    bytes.and_then(|bytes| String::from_utf8(bytes).ok())
}
