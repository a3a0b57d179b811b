//! A directory's offset checkpoints: where its logs start.

use std::collections::BTreeMap;

use model::Offset;

/// Offsets by directory name, `topic-3`: a version line (`0`), a count, then `topic 3 42` per line.
/// Lines that make no sense are left out, and so is everything under another version.
#[must_use]
pub fn offsets_of(content: &[u8]) -> BTreeMap<String, Offset> {
    let text = String::from_utf8_lossy(content);
    let mut lines = text.lines();
    if lines.next() != Some("0") {
        return BTreeMap::new();
    }
    let entry = |line: &str| {
        let mut fields = line.split(' ');
        let (topic, partition) = (fields.next()?, fields.next()?.parse::<u32>().ok()?);
        Some((format!("{topic}-{partition}"), Offset(fields.next()?.parse().ok()?)))
    };
    lines.skip(1).filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_named_after_the_directories_of_their_logs() {
        let found = offsets_of(b"0\n2\na-b 3 42\nc 0 7\n");
        let expected = [("a-b-3".to_owned(), Offset(42)), ("c-0".to_owned(), Offset(7))];
        assert_eq!(found, BTreeMap::from(expected));
        assert!(offsets_of(b"1\n1\nc 0 7\n").is_empty());
        assert!(offsets_of(b"0\n1\nc x 7\n\xff").is_empty());
    }
}
