//! From a line to a record.

use super::super::json_record::{JsonRecord, bytes};

/// How a line is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LineFormat {
    /// One JSON object.
    Json,
    /// The value, with more before it if asked for, as Kafka's console producer reads it.
    Text {
        /// The line begins with `name:value,name:value` and a tab.
        headers: bool,
        /// A key comes before the value, separated by this.
        key_separator: Option<String>,
        /// A key or value of exactly this is null.
        null_marker: Option<String>,
    },
}

/// What a line asks to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NewRecord {
    pub(super) partition: Option<i32>,
    pub(super) timestamp_ms: Option<i64>,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// Between the headers of a line and what follows, and inside the headers.
const AFTER_HEADERS: &str = "\t";
const BETWEEN_HEADERS: u8 = b',';
const IN_HEADER: &str = ":";

impl LineFormat {
    /// # Errors
    /// Why the line is no record, as a sentence.
    pub(super) fn read(&self, line: &[u8]) -> Result<NewRecord, String> {
        match self {
            Self::Json => json(line),
            Self::Text { headers, key_separator, null_marker } => {
                let nullable = |text: &[u8]| {
                    let null = null_marker.as_ref().is_some_and(|it| it.as_bytes() == text);
                    (!null).then(|| text.to_vec())
                };
                let mut record = NewRecord::default();
                let mut rest = line;
                if *headers {
                    let Some((before, after)) = split(line, AFTER_HEADERS) else {
                        return Err("no tab after the headers".to_owned());
                    };
                    let parts = before.split(|byte| *byte == BETWEEN_HEADERS);
                    for part in parts.filter(|part| !part.is_empty()) {
                        let (name, value) = split(part, IN_HEADER)
                            .ok_or("a header is written as name:value".to_owned())?;
                        record.headers.push((name.to_vec(), nullable(value)));
                    }
                    rest = after;
                }
                if let Some(separator) = key_separator {
                    let Some((key, after)) = split(rest, separator) else {
                        return Err(format!("no key: {separator:?} is missing"));
                    };
                    record.key = nullable(key);
                    rest = after;
                }
                record.value = nullable(rest);
                Ok(record)
            }
        }
    }
}

fn json(line: &[u8]) -> Result<NewRecord, String> {
    let record: JsonRecord = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let mut headers = Vec::with_capacity(record.headers.len());
    for header in record.headers {
        let value = bytes("value", header.value, header.value_base64)?;
        headers.push((header.key.into_bytes(), value));
    }
    Ok(NewRecord {
        partition: record.partition,
        timestamp_ms: record.timestamp,
        key: bytes("key", record.key, record.key_base64)?,
        value: bytes("value", record.value, record.value_base64)?,
        headers,
    })
}

/// The parts before and after the first `separator`.
fn split<'a>(text: &'a [u8], separator: &str) -> Option<(&'a [u8], &'a [u8])> {
    let separator = separator.as_bytes();
    let at = text.windows(separator.len()).position(|window| window == separator)?;
    Some((&text[..at], &text[at + separator.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(headers: bool, key_separator: Option<&str>, null_marker: Option<&str>) -> LineFormat {
        LineFormat::Text {
            headers,
            key_separator: key_separator.map(str::to_owned),
            null_marker: null_marker.map(str::to_owned),
        }
    }

    fn some(text: &str) -> Option<Vec<u8>> {
        Some(text.as_bytes().to_vec())
    }

    #[test]
    fn a_line_is_a_value() {
        let record = text(false, None, None).read(b"a:b").unwrap();
        assert_eq!(record, NewRecord { value: some("a:b"), ..NewRecord::default() });
    }

    #[test]
    fn the_first_separator_ends_the_key() {
        let format = text(false, Some("::"), None);
        let record = format.read(b"k:1::v::w").unwrap();
        assert_eq!((record.key, record.value), (some("k:1"), some("v::w")));
        assert_eq!(format.read(b"v").unwrap_err(), "no key: \"::\" is missing");
    }

    #[test]
    fn headers_keep_their_order_and_repeat() {
        let record = text(true, Some(":"), None).read(b"a:1,b:2,a:3\tk:v").unwrap();
        let names: Vec<_> = record.headers.iter().map(|(name, _)| name.as_slice()).collect();
        assert_eq!(names, [b"a", b"b", b"a"]);
        assert_eq!((record.key, record.value), (some("k"), some("v")));
        assert!(text(true, None, None).read(b"a:1").is_err());
        assert_eq!(text(true, None, None).read(b"\tv").unwrap().headers, []);
    }

    #[test]
    fn the_marker_is_null() {
        let record = text(false, Some(":"), Some("NULL")).read(b"NULL:NULL").unwrap();
        assert_eq!(record, NewRecord::default());
    }

    #[test]
    fn json_says_everything() {
        let line = br#"{"topic":"t","offset":3,"partition":2,"timestamp":5,"key":"k",
            "value_base64":"/w==","headers":[{"key":"a","value":"1"},{"key":"n","value":null}]}"#;
        let record = LineFormat::Json.read(line).unwrap();
        assert_eq!(record.partition, Some(2));
        assert_eq!(record.timestamp_ms, Some(5));
        assert_eq!((record.key, record.value), (some("k"), Some(vec![0xff])));
        assert_eq!(record.headers, [(b"a".to_vec(), some("1")), (b"n".to_vec(), None)]);
        assert!(LineFormat::Json.read(b"{").is_err());
        assert!(LineFormat::Json.read(br#"{"key":"a","key_base64":"YQ=="}"#).is_err());
    }
}
