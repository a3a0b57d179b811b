//! The few requests that the clients here send, made by hand: this crate names none of ours.
//!
//! Versions are old ones without flexible fields: Metadata 4, Produce 3, Fetch 4.

use crate::{Doing, Failed, Outcome};
use crc32c::crc32c;
use std::io::{Read, Write};
use std::net::TcpStream;

const PRODUCE: i16 = 0;
const FETCH: i16 = 1;
const METADATA: i16 = 3;

/// Asks for one topic and creates it if it is missing.
pub(super) fn metadata(topic: &str) -> Vec<u8> {
    let mut body = header(METADATA, 4);
    put_count(&mut body, 1);
    put_text(&mut body, topic);
    body.push(1);
    framed(&body)
}

/// One record of `value_bytes` to partition 0, acknowledged by all replicas.
pub(super) fn produce(topic: &str, value_bytes: usize) -> Vec<u8> {
    let batch = batch(value_bytes);
    let mut body = header(PRODUCE, 3);
    body.extend((-1i16).to_be_bytes()); // no transaction
    body.extend((-1i16).to_be_bytes()); // acks
    body.extend(30_000i32.to_be_bytes());
    put_count(&mut body, 1);
    put_text(&mut body, topic);
    put_count(&mut body, 1);
    body.extend(0i32.to_be_bytes());
    put_count(&mut body, batch.len());
    body.extend(batch);
    framed(&body)
}

/// Everything of partition 0 from its start, up to `bytes_max`.
pub(super) fn fetch(topic: &str, bytes_max: i32) -> Vec<u8> {
    let mut body = header(FETCH, 4);
    for field in [-1, 500, 1, bytes_max] {
        body.extend(i32::to_be_bytes(field)); // replica, wait, at least, at most
    }
    body.push(0);
    put_count(&mut body, 1);
    put_text(&mut body, topic);
    put_count(&mut body, 1);
    body.extend(0i32.to_be_bytes());
    body.extend(0i64.to_be_bytes());
    body.extend(bytes_max.to_be_bytes());
    framed(&body)
}

/// Sends a request and waits for its answer, without the length.
///
/// # Errors
/// When the broker closes the connection or does not answer in the stream's time.
pub(super) fn call(stream: &mut TcpStream, request: &[u8]) -> Outcome<Vec<u8>> {
    stream.write_all(request).doing(|| "send a request".into())?;
    let mut length = [0; 4];
    stream.read_exact(&mut length).doing(|| "wait for an answer".into())?;
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer).doing(|| "read an answer".into())?;
    Ok(answer)
}

/// The error code of the one partition of a Produce answer.
///
/// # Errors
/// When the answer is too short to hold one.
pub(super) fn produce_error(answer: &[u8], topic: &str) -> Outcome<i16> {
    // Correlation id, count of topics, name, count of partitions, index.
    let at = 4 + 4 + 2 + topic.len() + 4 + 4;
    let code = answer.get(at..at + 2).ok_or_else(|| Failed("a short Produce answer".into()))?;
    Ok(i16::from_be_bytes([code[0], code[1]]))
}

fn header(key: i16, version: i16) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(key.to_be_bytes());
    bytes.extend(version.to_be_bytes());
    bytes.extend(1i32.to_be_bytes());
    put_text(&mut bytes, "abuse");
    bytes
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(u16::try_from(text.len()).expect("names here are short").to_be_bytes());
    bytes.extend(text.as_bytes());
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend(u32::try_from(count).expect("requests here are small").to_be_bytes());
}

fn framed(body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(4 + body.len());
    put_count(&mut frame, body.len());
    frame.extend(body);
    frame
}

/// A batch (magic 2) of one record without key and headers.
fn batch(value_bytes: usize) -> Vec<u8> {
    let mut record = vec![0, 0, 0]; // attributes, timestamp delta, offset delta
    put_varint(&mut record, -1);
    put_varint(&mut record, i64::try_from(value_bytes).expect("a value fits"));
    record.resize(record.len() + value_bytes, b'v');
    record.push(0);
    let mut checked = Vec::new();
    checked.extend(0i16.to_be_bytes()); // attributes
    checked.extend(0i32.to_be_bytes()); // last offset delta
    checked.extend([0; 16]); // timestamps
    checked.extend([0xff; 14]); // no producer
    checked.extend(1i32.to_be_bytes());
    put_varint(&mut checked, i64::try_from(record.len()).expect("a record fits"));
    checked.extend(record);
    let mut bytes = vec![0; 8];
    put_count(&mut bytes, checked.len() + 9);
    bytes.extend((-1i32).to_be_bytes()); // leader epoch
    bytes.push(2);
    bytes.extend(crc32c(&checked).to_be_bytes());
    bytes.extend(checked);
    bytes
}

fn put_varint(bytes: &mut Vec<u8>, value: i64) {
    let mut left = (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned();
    while left >= 0x80 {
        bytes.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(u8::try_from(left).expect("below 0x80"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_zigzag_varints() {
        let mut bytes = Vec::new();
        for value in [0, -1, 64, 300] {
            put_varint(&mut bytes, value);
        }
        assert_eq!(bytes, [0, 1, 0x80, 0x01, 0xd8, 0x04]);
    }
}
