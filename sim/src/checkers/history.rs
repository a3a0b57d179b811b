//! Judges a history file: the same checkers on what clients wrote down about a real broker.
//!
//! The file is read several times and never held. First in the order of its writing, for what a
//! consumer or a producer sees one after the other; then along the offsets of each partition, in
//! slices of a bounded number of entries, for what lies in the log. Checkers forget what lies below,
//! so that memory does not grow with the file.
//!
//! Promises: 10^9 records in 10^7 batches within 256 MiB. Does not: judge what needs record contents,
//! files or a look inside (compaction, indexes, recovery, resources).

use client::history::{
    ConsumedEntry, End, Entry, Header, HistoryError, ProducedEntry, ProducedOutcome, Reader,
};
use core::fmt;
use model::{ErrorCode, Offset, TopicId, TopicPartition};
use std::collections::BinaryHeap;
use std::io::{self, Read};

use super::event::{Acks, BatchSeen, Consumed, Content, Outcome, ProduceAttempt, TopicRules};
use super::{
    Checker, Event, Fact, Violation, acked_stays, honest_errors, offsets_agree, offsets_increase,
    polls_follow, producer_order, values_are_read, values_once, watermarks,
};

/// Entries of one slice: some 60 MB.
const SLICE_ENTRIES: usize = 1 << 19;
/// Entries between two moments at which checkers may forget.
const SETTLE_EVERY: usize = 256;
/// Violations of one checker that are told; the others are counted.
const EXAMPLES_MAX: usize = 5;

/// Opens the file from its start; called once for each reading.
pub type Opener<'a> = dyn FnMut() -> io::Result<Box<dyn Read>> + 'a;

/// Why there is no verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckError {
    History(HistoryError),
    /// The writer had no room for so many entries: what is missing could be anywhere.
    Incomplete {
        dropped_count: u64,
    },
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::History(error) => error.fmt(f),
            Self::Incomplete { dropped_count } => write!(
                f,
                "{dropped_count} entries found no room when the history was written: repeat the run \
                 at a lower rate"
            ),
        }
    }
}

impl core::error::Error for CheckError {}

impl From<HistoryError> for CheckError {
    fn from(error: HistoryError) -> Self {
        Self::History(error)
    }
}

/// What the checkers say about a history.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryVerdict {
    pub produced_batches: u64,
    pub consumed_batches: u64,
    pub acked_records: u64,
    pub consumed_records: u64,
    /// `None`: the file has a torn end.
    pub end: Option<End>,
    /// For the texts.
    topics: Vec<(TopicId, String)>,
    pub checked: Vec<Checked>,
}

/// One checker's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub name: &'static str,
    pub evaluations: u64,
    pub violation_count: u64,
    /// The first few.
    pub examples: Vec<Violation>,
}

impl HistoryVerdict {
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.checked.iter().all(|checked| checked.violation_count == 0)
    }

    /// Of all checkers together; a verdict over none says nothing.
    #[must_use]
    pub fn evaluations(&self) -> u64 {
        self.checked.iter().map(|checked| checked.evaluations).sum()
    }

    /// Such as ` in orders-3 at 17`.
    fn place_text(&self, violation: &Violation) -> String {
        let Some(place) = violation.place else { return String::new() };
        let known = self.topics.iter().find(|(id, _)| *id == place.at.topic);
        let topic = known.map_or_else(|| place.at.topic.to_string(), |(_, name)| name.clone());
        let offset = place.offset.map(|offset| format!(" at {offset}")).unwrap_or_default();
        format!(" in {topic}-{}{offset}", place.at.partition)
    }
}

/// Reads and judges a history.
///
/// # Errors
/// [`CheckError`]: the file is no history, cannot be read, or lacks entries.
pub fn check(open: &mut Opener<'_>) -> Result<HistoryVerdict, CheckError> {
    check_in_slices(open, SLICE_ENTRIES)
}

fn check_in_slices(open: &mut Opener<'_>, entries: usize) -> Result<HistoryVerdict, CheckError> {
    let mut verdict = HistoryVerdict::default();
    in_order_of_writing(open, &mut verdict)?;
    if let Some(End { dropped_count, .. }) = verdict.end
        && dropped_count > 0
    {
        return Err(CheckError::Incomplete { dropped_count });
    }
    along_the_offsets(open, entries, &mut verdict)?;
    verdict.checked.sort_by_key(|checked| checked.name);
    Ok(verdict)
}

fn in_order_of_writing(
    open: &mut Opener<'_>,
    verdict: &mut HistoryVerdict,
) -> Result<(), CheckError> {
    let mut reader = reader(open)?;
    let places = reader.header().places();
    let topics = reader.header().topics.iter();
    verdict.topics = topics.map(|topic| (topic.id, topic.name.clone())).collect();
    let mut panel = Panel::new(vec![
        Box::new(polls_follow::PollsFollow::default()),
        Box::new(watermarks::Watermarks::default()),
        Box::new(honest_errors::HonestErrors::default()),
        Box::new(values_once::ValuesOnce::default()),
    ]);
    panel.announce(reader.header());
    while let Some(entry) = reader.next_entry()? {
        match entry {
            Entry::Produced(it) => {
                verdict.produced_batches += 1;
                if matches!(it.outcome, ProducedOutcome::Acked { .. }) {
                    verdict.acked_records += u64::from(it.count);
                }
            }
            Entry::Consumed(it) => {
                verdict.consumed_batches += 1;
                verdict.consumed_records += u64::from(it.count);
            }
            Entry::End(_) => {}
        }
        panel.show_entry(&places, &entry);
    }
    verdict.end = reader.end();
    panel.finish(verdict);
    Ok(())
}

fn along_the_offsets(
    open: &mut Opener<'_>,
    entries: usize,
    verdict: &mut HistoryVerdict,
) -> Result<(), CheckError> {
    let first = reader(open)?;
    let places = first.header().places();
    let mut panel = Panel::new(vec![
        Box::new(acked_stays::AckedStays::default()),
        Box::new(offsets_agree::OffsetsAgree::default()),
        Box::new(offsets_increase::OffsetsIncrease::default()),
        Box::new(producer_order::ProducerOrder::default()),
        Box::new(values_are_read::ValuesAreRead::default()),
    ]);
    panel.announce(first.header());
    drop(first);
    if verdict.end.is_some_and(|end| end.caught_up) {
        places
            .iter()
            .for_each(|at| panel.show(&Event { at_ns: 0, fact: Fact::CaughtUp { at: *at } }));
    }
    let mut after = None;
    loop {
        let (slice, more) = next_slice(open, after, entries)?;
        for (number, placed) in slice.iter().enumerate() {
            if number % SETTLE_EVERY == 0 {
                panel.settle(&places, placed.key);
            }
            panel.show_entry(&places, &placed.entry);
        }
        after = slice.last().map(|placed| placed.key).or(after);
        if !more {
            break;
        }
    }
    panel.finish(verdict);
    Ok(())
}

fn reader(open: &mut Opener<'_>) -> Result<Reader<Box<dyn Read>>, HistoryError> {
    Reader::open(open().map_err(|error| HistoryError::Read(error.to_string()))?)
}

/// Where an entry comes along the offsets: an acknowledgement before what readers were given there,
/// otherwise as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    place: u32,
    base_offset: Offset,
    consumed: bool,
    number: u64,
}

#[derive(Debug, Clone, Copy)]
struct Placed {
    key: Key,
    entry: Entry,
}

impl PartialEq for Placed {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Placed {}

impl PartialOrd for Placed {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Placed {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

/// The first entries after a key, sorted, and whether there are more.
fn next_slice(
    open: &mut Opener<'_>,
    after: Option<Key>,
    entries_max: usize,
) -> Result<(Vec<Placed>, bool), HistoryError> {
    let mut reader = reader(open)?;
    let mut slice = BinaryHeap::new();
    let mut more = false;
    let mut number = 0;
    while let Some(entry) = reader.next_entry()? {
        number += 1;
        let Some(key) = key(&entry, number).filter(|key| after.is_none_or(|after| *key > after))
        else {
            continue;
        };
        slice.push(Placed { key, entry });
        if slice.len() > entries_max {
            slice.pop();
            more = true;
        }
    }
    Ok((slice.into_sorted_vec(), more))
}

/// `None`: the entry has no offset.
fn key(entry: &Entry, number: u64) -> Option<Key> {
    match entry {
        Entry::Produced(ProducedEntry {
            place,
            outcome: ProducedOutcome::Acked { base_offset: Some(base_offset) },
            ..
        }) => Some(Key { place: *place, base_offset: *base_offset, consumed: false, number }),
        Entry::Consumed(ConsumedEntry { place, base_offset, .. }) => {
            Some(Key { place: *place, base_offset: *base_offset, consumed: true, number })
        }
        Entry::Produced(_) | Entry::End(_) => None,
    }
}

/// Checkers that are shown the same events.
struct Panel {
    checkers: Vec<(Box<dyn Checker>, u64, Vec<Violation>)>,
    settled: Option<u32>,
}

impl Panel {
    fn new(checkers: Vec<Box<dyn Checker>>) -> Self {
        let checkers = checkers.into_iter().map(|checker| (checker, 0, Vec::new()));
        Self { checkers: checkers.collect(), settled: None }
    }

    fn announce(&mut self, header: &Header) {
        for topic in &header.topics {
            let rules = TopicRules {
                compacted: topic.rules.compacted,
                retained_for_a_while: topic.rules.retained_for_a_while,
                delete_retention_ms: 0,
                append_time: topic.rules.append_time,
                producers_expire: false,
            };
            let name = topic.name.clone();
            self.show(&Event {
                at_ns: 0,
                fact: Fact::TopicCreated { topic: topic.id, name, rules },
            });
        }
    }

    fn show(&mut self, event: &Event) {
        for (checker, count, examples) in &mut self.checkers {
            note(checker.check(event), count, examples);
        }
    }

    fn show_entry(&mut self, places: &[TopicPartition], entry: &Entry) {
        match entry {
            Entry::Produced(it) => {
                self.show(&Event { at_ns: it.at_ns, fact: Fact::Produced(attempt(places, it)) });
            }
            Entry::Consumed(it) => {
                self.show(&Event { at_ns: it.at_ns, fact: Fact::Consumed(answer(places, it)) });
            }
            Entry::End(_) => {}
        }
    }

    /// Nothing below this key comes any more, in its partition and in those before.
    fn settle(&mut self, places: &[TopicPartition], key: Key) {
        let from = self.settled.unwrap_or(key.place);
        for place in from..=key.place {
            let below = if place == key.place { key.base_offset } else { Offset(i64::MAX - 1) };
            let at = partition(places, place);
            self.show(&Event { at_ns: 0, fact: Fact::Settled { at, below } });
        }
        self.settled = Some(key.place);
    }

    fn finish(self, verdict: &mut HistoryVerdict) {
        for (mut checker, mut count, mut examples) in self.checkers {
            loop {
                let result = checker.finish();
                let done = result.is_ok();
                note(result, &mut count, &mut examples);
                if done {
                    break;
                }
            }
            verdict.checked.push(Checked {
                name: checker.name(),
                evaluations: checker.evaluations(),
                violation_count: count,
                examples,
            });
        }
    }
}

fn note(result: Result<(), Violation>, count: &mut u64, examples: &mut Vec<Violation>) {
    if let Err(violation) = result {
        *count += 1;
        if examples.len() < EXAMPLES_MAX {
            examples.push(violation);
        }
    }
}

/// The reader has checked the number.
fn partition(places: &[TopicPartition], place: u32) -> TopicPartition {
    places[usize::try_from(place).expect("a number below the table's length")]
}

fn attempt(places: &[TopicPartition], entry: &ProducedEntry) -> ProduceAttempt {
    ProduceAttempt {
        operation: entry.operation,
        attempt: entry.attempt.into(),
        client: entry.connection.into(),
        at: partition(places, entry.place),
        acks: match entry.acks {
            0 => Acks::None,
            1 => Acks::Leader,
            _ => Acks::All,
        },
        producer: entry.producer,
        transactional: false,
        invoked_ns: entry.invoked_ns,
        content: Content { count: entry.count, hash: entry.hash, records: Vec::new() },
        outcome: match entry.outcome {
            ProducedOutcome::Acked { base_offset } => Outcome::Acked { base_offset },
            ProducedOutcome::Refused { error_code } => {
                // A code of a later Kafka says nothing certain.
                ErrorCode::from_code(error_code).map_or(Outcome::Unknown, Outcome::Refused)
            }
            ProducedOutcome::Unknown => Outcome::Unknown,
        },
    }
}

fn answer(places: &[TopicPartition], entry: &ConsumedEntry) -> Consumed {
    let batch = BatchSeen {
        base_offset: entry.base_offset,
        last_offset: entry.last_offset,
        leader_epoch: None,
        producer: entry.producer,
        transactional: entry.transactional,
        control: entry.control,
        count: entry.count,
        hash: entry.hash,
        records: Vec::new(),
    };
    Consumed {
        consumer: entry.connection.into(),
        poll: entry.poll,
        at: partition(places, entry.place),
        // What the consumer asked for is not in the history; polls are compared with each other.
        from: entry.base_offset,
        sought: entry.sought,
        read_committed: false,
        high_watermark: entry.high_watermark,
        last_stable_offset: None,
        log_start_offset: None,
        leader_epoch: None,
        batches: vec![batch],
    }
}

impl fmt::Display for HistoryVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} produced batches ({} records acknowledged), {} consumed batches ({} records)",
            self.produced_batches, self.acked_records, self.consumed_batches, self.consumed_records
        )?;
        match self.end {
            None => writeln!(f, "the history has no end entry: its writer was cut short")?,
            Some(End { caught_up: false, .. }) => {
                writeln!(f, "the consumers had not read everything when it ended")?;
            }
            Some(_) => {}
        }
        for checked in &self.checked {
            let Checked { name, evaluations, violation_count, .. } = checked;
            writeln!(
                f,
                "{name:<24} {evaluations:>12} evaluations {violation_count:>8} violations"
            )?;
            for example in &checked.examples {
                writeln!(f, "    {}{}: {}", example.class, self.place_text(example), example.text)?;
            }
        }
        let verdict = if self.is_clean() { "clean" } else { "violated" };
        write!(f, "verdict: {verdict}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::history::{Rules, TopicEntry};
    use expect_test::{Expect, expect};

    fn produced(operation: u64, base: i64, count: u32) -> Entry {
        Entry::Produced(ProducedEntry {
            operation,
            attempt: 0,
            connection: 0,
            place: 1,
            producer: None,
            acks: -1,
            count,
            hash: Some(operation),
            invoked_ns: 10,
            at_ns: 20,
            outcome: ProducedOutcome::Acked { base_offset: Some(Offset(base)) },
        })
    }

    fn consumed(hash: u64, base: i64, count: u32) -> Entry {
        Entry::Consumed(ConsumedEntry {
            poll: 1,
            connection: 1,
            place: 1,
            producer: None,
            count,
            hash: Some(hash),
            base_offset: Offset(base),
            last_offset: Offset(base).after(count - 1),
            high_watermark: Some(Offset(base).after(count)),
            at_ns: 30,
            control: false,
            transactional: false,
            sought: false,
        })
    }

    fn file(entries: &[Entry], dropped_count: u64) -> Vec<u8> {
        let topic = TopicEntry {
            id: TopicId([7; 16]),
            name: "t".to_owned(),
            partition_count: 2,
            rules: Rules::default(),
        };
        let mut bytes = Header { topics: vec![topic] }.encode();
        bytes.extend(entries.iter().flat_map(Entry::encode));
        let end = End { entry_count: entries.len() as u64, dropped_count, caught_up: true };
        bytes.extend(Entry::End(end).encode());
        bytes
    }

    /// The verdict without its lines of clean checkers; the same whatever the size of a slice.
    fn judge(entries: &[Entry], expect: Expect) {
        let file = file(entries, 0);
        let verdict = |slice| {
            let mut open =
                || -> io::Result<Box<dyn Read>> { Ok(Box::new(io::Cursor::new(file.clone()))) };
            check_in_slices(&mut open, slice).expect("a whole history")
        };
        assert_eq!(verdict(1_000), verdict(1));
        assert_eq!(verdict(1_000), verdict(3));
        let text = verdict(1_000).to_string();
        let shown = text.lines().filter(|line| !line.ends_with("       0 violations"));
        expect.assert_eq(&shown.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn a_clean_history_is_clean() {
        let entries = [produced(1, 0, 3), consumed(1, 0, 3), produced(2, 3, 2), consumed(2, 3, 2)];
        judge(
            &entries,
            expect![[r#"
            2 produced batches (5 records acknowledged), 2 consumed batches (5 records)
            verdict: clean"#]],
        );
        let mut open =
            || -> io::Result<Box<dyn Read>> { Ok(Box::new(io::Cursor::new(file(&entries, 0)))) };
        let verdict = check(&mut open).unwrap();
        let tried = verdict.checked.iter().map(|it| format!("{} {}", it.name, it.evaluations));
        expect![[r#"
            c1-acked-stays 4
            c12-honest-errors 0
            c3-producer-order 1
            c4-offsets-increase 2
            c5-watermarks 2
            offsets-agree 0
            polls-follow 1
            values-are-read 2
            values-once 2"#]]
        .assert_eq(&tried.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn each_anomaly_is_found_by_its_checker() {
        // Another value than was acknowledged.
        judge(
            &[produced(1, 0, 3), consumed(9, 0, 3)],
            expect![[r#"
                1 produced batches (3 records acknowledged), 1 consumed batches (3 records)
                c1-acked-stays                      2 evaluations        1 violations
                    c1-acked-stays/changed in t-1 at 0: the value acknowledged at 0 is not the one that readers are given
                verdict: violated"#]],
        );
        // Acknowledged and never read, at the end and in the middle.
        judge(
            &[produced(1, 0, 3), produced(2, 3, 2), consumed(1, 0, 3)],
            expect![[r#"
                2 produced batches (5 records acknowledged), 1 consumed batches (3 records)
                values-are-read                     2 evaluations        1 violations
                    values-are-read/unseen in t-1 at 3: offsets 3 to 4 were acknowledged and no reader was given them all
                verdict: violated"#]],
        );
        let skipped = [
            produced(1, 0, 3),
            produced(2, 3, 2),
            produced(3, 5, 1),
            consumed(1, 0, 3),
            consumed(3, 5, 1),
        ];
        judge(
            &skipped,
            expect![[r#"
            3 produced batches (6 records acknowledged), 2 consumed batches (4 records)
            polls-follow                        1 evaluations        1 violations
                polls-follow/skipped in t-1 at 5: consumer 1 poll 1 went from 2 to 5, skipping what is between
            values-are-read                     3 evaluations        1 violations
                values-are-read/unseen in t-1 at 3: offsets 3 to 4 were acknowledged and no reader was given them all
            verdict: violated"#]],
        );
        // Told at another offset than it has.
        judge(
            &[produced(1, 1, 3), consumed(1, 0, 3)],
            expect![[r#"
            1 produced batches (3 records acknowledged), 1 consumed batches (3 records)
            c1-acked-stays                      1 evaluations        1 violations
                c1-acked-stays/changed in t-1 at 1: the value acknowledged at 1 is not the one that readers are given
            values-are-read                     1 evaluations        1 violations
                values-are-read/unseen in t-1 at 1: offsets 1 to 3 were acknowledged and no reader was given them all
            verdict: violated"#]],
        );
        // The same value twice.
        judge(
            &[produced(1, 0, 3), consumed(1, 0, 3), consumed(1, 3, 3)],
            expect![[r#"
            1 produced batches (3 records acknowledged), 2 consumed batches (6 records)
            values-once                         2 evaluations        1 violations
                values-once/twice in t-1 at 3: the value at 0 was sent once and lies at 3 too
            verdict: violated"#]],
        );
    }

    #[test]
    fn a_history_that_lacks_entries_is_not_judged() {
        let file = file(&[produced(1, 0, 3)], 4);
        let mut open =
            || -> io::Result<Box<dyn Read>> { Ok(Box::new(io::Cursor::new(file.clone()))) };
        assert_eq!(check(&mut open), Err(CheckError::Incomplete { dropped_count: 4 }));
    }
}
