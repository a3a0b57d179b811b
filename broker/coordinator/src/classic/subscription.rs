//! The topics in a consumer's protocol metadata.
//!
//! Source: Kafka `ConsumerProtocolSubscription.json`: version (2 bytes), then the topics; whatever
//! later versions add comes after them.

use std::collections::BTreeSet;

use crate::TopicName;

/// The topics a consumer subscribed to; `None` when the bytes are not a subscription.
pub(super) fn topics(metadata: &[u8]) -> Option<BTreeSet<TopicName>> {
    let (version, rest) = metadata.split_first_chunk()?;
    if i16::from_be_bytes(*version) < 0 {
        return None;
    }
    let (count, mut rest) = rest.split_first_chunk()?;
    let mut topics = BTreeSet::new();
    for _ in 0..u32::try_from(i32::from_be_bytes(*count)).ok()? {
        let (length, after) = rest.split_first_chunk()?;
        let length = usize::try_from(i16::from_be_bytes(*length)).ok()?;
        let (name, after) = after.split_at_checked(length)?;
        topics.insert(TopicName::from(core::str::from_utf8(name).ok()?));
        rest = after;
    }
    Some(topics)
}

#[cfg(test)]
mod tests {
    use super::topics;

    #[test]
    fn topics_are_read_whatever_follows_them() {
        let bytes = b"\x00\x01\x00\x00\x00\x02\x00\x01b\x00\x02aa\xff\xff\xff\xff";
        let read = topics(bytes).unwrap();
        assert_eq!(read.iter().map(|t| &**t).collect::<Vec<_>>(), ["aa", "b"]);
    }

    #[test]
    fn bytes_that_are_no_subscription_are_refused() {
        for bytes in
            [&b""[..], b"\xff\xff\0\0\0\0", b"\0\0\x7f\xff\xff\xff", b"\0\0\0\0\0\x01\0\x05ab"]
        {
            assert_eq!(topics(bytes), None, "{bytes:?}");
        }
    }
}
