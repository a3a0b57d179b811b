//! From a record to what is printed of it.

use client::{NamedPartition, ReadRecord};
use wire::batch::TimestampType;

use super::super::json_record::{JsonHeader, JsonRecord, fields};

/// How records are printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RecordFormat {
    /// A JSON object in a line.
    Json,
    /// The value in a line, with more before it if asked for, in the order of Kafka's console consumer.
    Text(Parts),
}

/// What is printed before the value, each part with a tab after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) timestamp: bool,
    pub(super) place: bool,
    pub(super) headers: bool,
    /// The key, and what stands between it and the value.
    pub(super) key_separator: Option<String>,
}

const AFTER_PART: u8 = b'\t';
const NULL: &[u8] = b"null";

impl RecordFormat {
    /// Appends the record, its line end included.
    pub(super) fn print(&self, at: &NamedPartition, record: &ReadRecord<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Json => {
                serde_json::to_writer(&mut *out, &json(at, record)).expect("memory takes bytes");
            }
            Self::Text(parts) => text(parts, at, record, out),
        }
        out.push(b'\n');
    }
}

fn text(parts: &Parts, at: &NamedPartition, record: &ReadRecord<'_>, out: &mut Vec<u8>) {
    if parts.timestamp {
        let kind = match record.timestamp_type {
            TimestampType::CreateTime => "CreateTime",
            TimestampType::LogAppendTime => "LogAppendTime",
        };
        out.extend_from_slice(format!("{kind}:{}", record.timestamp_ms).as_bytes());
        out.push(AFTER_PART);
    }
    if parts.place {
        out.extend_from_slice(
            format!("Partition:{}\tOffset:{}", at.partition, record.offset).as_bytes(),
        );
        out.push(AFTER_PART);
    }
    if parts.headers {
        for (index, header) in record.headers.enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(header.key);
            out.push(b':');
            out.extend_from_slice(header.value.unwrap_or(NULL));
        }
        out.push(AFTER_PART);
    }
    if let Some(separator) = &parts.key_separator {
        out.extend_from_slice(record.key.unwrap_or(NULL));
        out.extend_from_slice(separator.as_bytes());
    }
    out.extend_from_slice(record.value.unwrap_or(NULL));
}

fn json(at: &NamedPartition, record: &ReadRecord<'_>) -> JsonRecord {
    let (key, key_base64) = fields(record.key);
    let (value, value_base64) = fields(record.value);
    let headers = record.headers.map(|header| {
        let (value, value_base64) = fields(header.value);
        // A header's key is text by agreement; what breaks it is shown as far as it goes.
        JsonHeader { key: String::from_utf8_lossy(header.key).into_owned(), value, value_base64 }
    });
    JsonRecord {
        topic: Some(at.topic.to_string()),
        partition: Some(at.partition.0),
        offset: Some(record.offset.0),
        timestamp: (record.timestamp_ms >= 0).then_some(record.timestamp_ms),
        key,
        key_base64,
        value,
        value_base64,
        headers: headers.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::Chunk;
    use core::ops::ControlFlow;
    use expect_test::{Expect, expect};
    use model::{Buf, Offset};
    use wire::batch::{BatchBuilder, BatchStamp, Header};

    fn check(format: &RecordFormat, expected: &Expect) {
        let mut builder = BatchBuilder::new(Vec::new());
        let headers = [Header { key: b"a", value: Some(b"1") }, Header { key: b"a", value: None }];
        builder.append(1_000, Some(b"k"), Some(b"v"), &headers);
        builder.append(2_000, None, Some(b"\xff"), &[]);
        builder.append(3_000, Some(b"gone"), None, &[]);
        let at = NamedPartition::new(&"t".into(), 3);
        let chunk = Chunk {
            at: at.clone(),
            from: Offset(0),
            high_watermark: Offset(3),
            records: Buf::from(builder.finish(&BatchStamp::default())),
        };
        let mut out = Vec::new();
        let visited = chunk.visit(&mut Vec::new(), |record| {
            format.print(&at, record, &mut out);
            ControlFlow::Continue(())
        });
        assert_eq!(visited, Ok(Offset(3)));
        expected.assert_eq(&String::from_utf8_lossy(&out));
    }

    fn parts(everything: bool) -> RecordFormat {
        RecordFormat::Text(Parts {
            timestamp: everything,
            place: everything,
            headers: everything,
            key_separator: everything.then(|| "=".to_owned()),
        })
    }

    #[test]
    fn a_line_is_the_value() {
        check(
            &parts(false),
            &expect![[r#"
            v
            �
            null
        "#]],
        );
    }

    #[test]
    fn parts_come_in_the_order_of_kafkas_console_consumer() {
        check(
            &parts(true),
            &expect![[r#"
            CreateTime:1000	Partition:3	Offset:0	a:1,a:null	k=v
            CreateTime:2000	Partition:3	Offset:1		null=�
            CreateTime:3000	Partition:3	Offset:2		gone=null
        "#]],
        );
    }

    #[test]
    fn json_says_everything() {
        check(
            &RecordFormat::Json,
            &expect![[r#"
            {"topic":"t","partition":3,"offset":0,"timestamp":1000,"key":"k","value":"v","headers":[{"key":"a","value":"1"},{"key":"a","value":null}]}
            {"topic":"t","partition":3,"offset":1,"timestamp":2000,"key":null,"value":null,"value_base64":"/w=="}
            {"topic":"t","partition":3,"offset":2,"timestamp":3000,"key":"gone","value":null}
        "#]],
        );
    }
}
