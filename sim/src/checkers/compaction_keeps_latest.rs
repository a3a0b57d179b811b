//! Compaction keeps the latest value of every key, and a tombstone for `delete.retention.ms`.
//!
//! A record of a compacted topic may be missing from a view that covers its offset only if a later
//! record has the same key, or if it is a tombstone whose time is over. When a tombstone is gone, no
//! older value of its key may be left. Which records exist is learnt from acknowledgements, readers
//! and files; a later record may be learnt of late, so suspicions are judged at the end. The files'
//! scanner does not look into compressed batches: such a batch may hold any record of its offsets. A
//! tombstone whose offset nobody was told may come and go unseen, and with it all values before it,
//! those too whose offsets nobody was told.
//!
//! Time is the run's; a run that steps wall clocks sets `delete_retention_ms` to 0.
//! Source: Kafka's documentation of log compaction; KIP-534 (when a tombstone's time begins).

use core::ops::Range;
use model::{Offset, TopicPartition};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::event::{BatchSeen, Outcome, RecordContent, RecordSeen};
use super::topics::Topics;
use super::{Checker, Event, Fact, Violation};

const NAME: &str = "compaction-keeps-latest";

/// Suspicions that wait for the end of the run.
const SUSPECTS_MAX: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct CompactionKeepsLatest {
    topics: Topics,
    keys: BTreeMap<(TopicPartition, u64), Latest>,
    /// Records that may be anywhere in the log, by their keys.
    unplaced: BTreeMap<(TopicPartition, u64), Unplaced>,
    /// When somebody last saw a part of the log.
    looked_ns: BTreeMap<TopicPartition, u64>,
    deleted_below: BTreeMap<TopicPartition, Offset>,
    suspects: VecDeque<Suspect>,
    evaluations: u64,
}

/// The latest record of a key.
/// Records of one key that were sent, and whose offsets the sender never learnt.
#[derive(Debug, Clone, Copy)]
struct Unplaced {
    /// When the first of them was sent.
    first_ns: u64,
    /// And the first tombstone among them.
    tombstone_ns: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Latest {
    offset: Offset,
    tombstone: bool,
    /// It cannot have been appended before this.
    written_ns: u64,
}

#[derive(Debug)]
struct Suspect {
    at_ns: u64,
    at: TopicPartition,
    key: u64,
    /// The record that should be there.
    offset: Offset,
    /// `Some`: it is a tombstone that may be gone, but this older value of its key is left.
    older: Option<Offset>,
}

/// What somebody was shown of these offsets.
struct View {
    range: Range<Offset>,
    records: Vec<RecordSeen>,
    /// Inclusive offsets of batches whose records the source could not read.
    sealed: Vec<(Offset, Offset)>,
}

impl View {
    fn of<'a>(range: Range<Offset>, batches: impl IntoIterator<Item = &'a BatchSeen>) -> Self {
        let mut view = Self { range, records: Vec::new(), sealed: Vec::new() };
        for batch in batches {
            view.records.extend(&batch.records);
            if batch.records.is_empty() && batch.count > 0 {
                view.sealed.push((batch.base_offset, batch.last_offset));
            }
        }
        view
    }

    /// Whether the view tells if the record at this offset is there.
    fn tells_of(&self, offset: Offset) -> bool {
        let is_sealed = |(first, last): &(Offset, Offset)| (*first..=*last).contains(&offset);
        self.range.contains(&offset) && !self.sealed.iter().any(is_sealed)
    }
}

impl Checker for CompactionKeepsLatest {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        self.topics.take(&event.fact);
        match &event.fact {
            Fact::Produced(attempt) => {
                let records = &attempt.content.records;
                match attempt.outcome {
                    Outcome::Acked { base_offset: Some(base) } => {
                        for (offset, record) in (base.0..).map(Offset).zip(records) {
                            self.learn(attempt.at, offset, *record, attempt.invoked_ns);
                        }
                    }
                    Outcome::Acked { base_offset: None } | Outcome::Unknown => {
                        self.learn_unplaced(attempt.at, records, attempt.invoked_ns);
                    }
                    Outcome::Refused(_) => {}
                }
            }
            Fact::RecordsDeleted { at, before } => {
                let below = self.deleted_below.entry(*at).or_default();
                *below = (*below).max(*before);
            }
            Fact::Consumed(consumed) => {
                let Some(last) = consumed.batches.last() else { return Ok(()) };
                let from = consumed.from.max(consumed.log_start_offset.unwrap_or_default());
                let view = View::of(from..last.last_offset.after(1), &consumed.batches);
                self.look(event.at_ns, consumed.at, &view);
            }
            Fact::FinalLog { at, log, .. } => {
                let placed = log.segments.iter().flat_map(|segment| &segment.batches);
                let batches = placed.map(|placed| &placed.batch);
                let view = View::of(log.log_start_offset..log.log_end_offset, batches);
                self.look(event.at_ns, *at, &view);
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Violation> {
        while let Some(suspect) = self.suspects.pop_front() {
            // Nobody learns any more what else was written there.
            if self.topics.is_deleted(suspect.at.topic) {
                continue;
            }
            let latest = self.keys.get(&(suspect.at, suspect.key));
            if latest.is_none_or(|latest| latest.offset > suspect.offset) {
                continue;
            }
            let tombstone = latest.is_some_and(|latest| latest.tombstone);
            if !tombstone && self.may_be_superseded(&suspect) {
                continue;
            }
            let (kind, text) = match suspect.older {
                Some(older) => (
                    "came-back",
                    format!(
                        "the tombstone at {} is gone and the value at {older} is left",
                        suspect.offset
                    ),
                ),
                None if tombstone => (
                    "tombstone-early",
                    format!("the tombstone at {} is gone before its time", suspect.offset),
                ),
                None => (
                    "latest-lost",
                    format!("the latest value of a key, at {}, is gone", suspect.offset),
                ),
            };
            let violation = Violation::new(NAME, kind, suspect.at_ns, text);
            return Err(violation.at(suspect.at, Some(suspect.offset)));
        }
        Ok(())
    }

    fn evaluations(&self) -> u64 {
        self.evaluations
    }
}

impl CompactionKeepsLatest {
    fn learn(
        &mut self,
        at: TopicPartition,
        offset: Offset,
        record: RecordContent,
        written_ns: u64,
    ) {
        let Some(key) = record.key.filter(|_| self.topics.rules(at.topic).compacted) else {
            return;
        };
        let now = Latest { offset, tombstone: record.value.is_none(), written_ns };
        let known = self.keys.entry((at, key)).or_insert(now);
        if known.offset < offset {
            *known = now;
        }
    }

    /// Remembers records that are in the log, if at all, at offsets that nobody was told.
    fn learn_unplaced(&mut self, at: TopicPartition, records: &[RecordContent], sent_ns: u64) {
        for record in records {
            let Some(key) = record.key else { continue };
            let new = Unplaced { first_ns: sent_ns, tombstone_ns: None };
            let known = self.unplaced.entry((at, key)).or_insert(new);
            known.first_ns = sent_ns.min(known.first_ns);
            if record.value.is_none() {
                let first_ns = known.tombstone_ns.get_or_insert(sent_ns);
                *first_ns = sent_ns.min(*first_ns);
            }
        }
    }

    /// Whether a record that nobody was told the place of may have taken the suspect's away, and a
    /// tombstone like that, last of all, every trace of the key.
    fn may_be_superseded(&self, suspect: &Suspect) -> bool {
        let Some(unplaced) = self.unplaced.get(&(suspect.at, suspect.key)) else { return false };
        let retention_ns = self.delete_retention_ns(suspect.at);
        let looked_ns = self.looked_ns.get(&suspect.at).copied().unwrap_or_default();
        let is_over = |sent_ns: u64| looked_ns.saturating_sub(sent_ns) >= retention_ns;
        unplaced.first_ns <= suspect.at_ns && unplaced.tombstone_ns.is_some_and(is_over)
    }

    fn delete_retention_ns(&self, at: TopicPartition) -> u64 {
        let retention_ms = self.topics.rules(at.topic).delete_retention_ms;
        u64::try_from(retention_ms).unwrap_or(0) * 1_000_000
    }

    /// Compares what a view of these offsets holds with the latest record of each key.
    fn look(&mut self, at_ns: u64, at: TopicPartition, view: &View) {
        let rules = self.topics.rules(at.topic);
        if !rules.compacted {
            return;
        }
        self.looked_ns.insert(at, at_ns);
        let records = &view.records;
        for record in records {
            self.learn(at, record.offset, record.content, 0);
        }
        let there: BTreeSet<Offset> = records.iter().map(|record| record.offset).collect();
        let mut last_of_key: BTreeMap<u64, Offset> = BTreeMap::new();
        for record in records {
            if let Some(key) = record.content.key {
                last_of_key.insert(key, record.offset);
            }
        }
        let retention_ns = self.delete_retention_ns(at);
        let deleted_below = self.deleted_below.get(&at).copied().unwrap_or_default();
        let may_start_later = rules.retained_for_a_while;
        for ((_, key), latest) in self.keys.range((at, 0)..=(at, u64::MAX)) {
            let offset = latest.offset;
            if !view.tells_of(offset) || offset < deleted_below || may_start_later {
                continue;
            }
            self.evaluations += 1;
            if there.contains(&offset) || self.suspects.len() == SUSPECTS_MAX {
                continue;
            }
            let age_ns = at_ns.saturating_sub(latest.written_ns);
            let may_be_gone = latest.tombstone && age_ns >= retention_ns;
            let older = last_of_key.get(key).copied();
            if !may_be_gone || older.is_some() {
                let older = older.filter(|_| may_be_gone);
                self.suspects.push_back(Suspect { at_ns, at, key: *key, offset, older });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{
        BatchSeen, Content, Event, Fact, Outcome, RecordContent, TopicRules, content_hash,
    };
    use super::super::testing::{
        PLACE, answer, attempt, batch_of, check, created, event, final_log,
    };
    use super::CompactionKeepsLatest;
    use expect_test::expect;
    use model::Offset;

    const HOUR_MS: i64 = 3_600_000;

    fn rules(delete_retention_ms: i64) -> Event {
        created(TopicRules { compacted: true, delete_retention_ms, ..TopicRules::default() })
    }

    fn record(key: u64, value: Option<u64>) -> RecordContent {
        RecordContent { key: Some(key), value, timestamp_ms: 0 }
    }

    /// Acknowledged at 0: keys 1, 2, 1, then a tombstone for 2.
    fn written() -> Event {
        let mut event = attempt(1, 0, 4, Outcome::Acked { base_offset: Some(Offset(0)) });
        if let Fact::Produced(attempt) = &mut event.fact {
            let keys = [(1, Some(10)), (2, Some(20)), (1, Some(11)), (2, None)];
            attempt.content = Content::of(keys.map(|(key, value)| record(key, value)).to_vec());
        }
        event
    }

    /// What is left of the four, by offset.
    fn left(offsets: &[i64]) -> BatchSeen {
        let all = [(1, Some(10)), (2, Some(20)), (1, Some(11)), (2, None)];
        let mut batch = batch_of(0, &all.map(|(key, value)| record(key, value)));
        batch.records.retain(|record| offsets.contains(&record.offset.0));
        batch.count = u32::try_from(batch.records.len()).unwrap();
        let contents: Vec<_> = batch.records.iter().map(|record| record.content).collect();
        batch.hash = Some(content_hash(&contents));
        batch
    }

    #[test]
    fn the_latest_of_each_key_is_enough() {
        let events = [rules(HOUR_MS), written(), answer(0, &[left(&[2, 3])])];
        check(CompactionKeepsLatest::default(), &events, expect!["2 evaluations"]);
    }

    #[test]
    fn a_latest_value_that_is_gone_is_found() {
        let events = [rules(HOUR_MS), written(), final_log(&[left(&[0, 3])])];
        check(
            CompactionKeepsLatest::default(),
            &events,
            expect![[r#"
            latest-lost at 2: the latest value of a key, at 2, is gone
            2 evaluations"#]],
        );
    }

    #[test]
    fn a_tombstone_stays_for_its_time_and_no_longer() {
        let events = [rules(HOUR_MS), written(), final_log(&[left(&[2])])];
        check(
            CompactionKeepsLatest::default(),
            &events,
            expect![[r#"
            tombstone-early at 3: the tombstone at 3 is gone before its time
            2 evaluations"#]],
        );
        let events = [rules(0), written(), final_log(&[left(&[2])])];
        check(CompactionKeepsLatest::default(), &events, expect!["2 evaluations"]);
    }

    #[test]
    fn a_value_may_not_come_back_when_its_tombstone_goes() {
        let events = [rules(0), written(), final_log(&[left(&[1, 2])])];
        check(
            CompactionKeepsLatest::default(),
            &events,
            expect![[r#"
            came-back at 3: the tombstone at 3 is gone and the value at 1 is left
            2 evaluations"#]],
        );
    }

    #[test]
    fn a_compressed_batch_of_the_files_may_hold_the_latest_value() {
        let compressed = BatchSeen { records: Vec::new(), hash: None, ..left(&[2, 3]) };
        let events = [rules(HOUR_MS), written(), final_log(&[compressed])];
        check(CompactionKeepsLatest::default(), &events, expect!["0 evaluations"]);
    }

    #[test]
    fn what_a_deleted_topic_held_last_stays_unknown() {
        let gone = event(1, Fact::TopicDeleted { topic: PLACE.topic });
        let events = [rules(HOUR_MS), written(), answer(0, &[left(&[3])]), gone];
        check(CompactionKeepsLatest::default(), &events, expect!["2 evaluations"]);
    }

    #[test]
    fn a_tombstone_that_nobody_was_told_the_place_of_explains_what_is_gone_once_its_time_is_over() {
        let mut unplaced = attempt(2, 0, 1, Outcome::Acked { base_offset: None });
        if let Fact::Produced(attempt) = &mut unplaced.fact {
            attempt.content = Content::of(vec![record(1, None)]);
        }
        let events = [rules(0), written(), unplaced.clone(), answer(0, &[left(&[3])])];
        check(CompactionKeepsLatest::default(), &events, expect!["2 evaluations"]);
        let events = [rules(HOUR_MS), written(), unplaced, answer(0, &[left(&[3])])];
        check(
            CompactionKeepsLatest::default(),
            &events,
            expect![[r#"
            latest-lost at 2: the latest value of a key, at 2, is gone
            2 evaluations"#]],
        );
    }

    #[test]
    fn a_value_and_then_a_tombstone_that_nobody_was_told_the_places_of_explain_what_is_gone() {
        let unplaced = |operation, value| {
            let mut unplaced = attempt(operation, 0, 1, Outcome::Acked { base_offset: None });
            if let Fact::Produced(attempt) = &mut unplaced.fact {
                attempt.content = Content::of(vec![record(1, value)]);
            }
            unplaced
        };
        let late = |mut event: Event, at_ns: u64| {
            event.at_ns = at_ns;
            if let Fact::Produced(attempt) = &mut event.fact {
                attempt.invoked_ns = at_ns;
            }
            event
        };
        let gone = || answer(0, &[left(&[3])]);
        let tombstone = late(unplaced(3, None), 5);
        let value = unplaced(2, Some(12));
        let events = [rules(0), written(), value, gone(), tombstone.clone(), late(gone(), 6)];
        check(CompactionKeepsLatest::default(), &events, expect!["4 evaluations"]);
        // The tombstone alone came too late.
        let events = [rules(0), written(), gone(), tombstone, late(gone(), 6)];
        check(
            CompactionKeepsLatest::default(),
            &events,
            expect![[r#"
                latest-lost at 2: the latest value of a key, at 2, is gone
                4 evaluations"#]],
        );
    }

    #[test]
    fn a_later_record_that_is_learnt_of_late_explains_what_is_gone() {
        let later = batch_of(4, &[record(1, Some(12))]);
        let events = [rules(HOUR_MS), written(), answer(0, &[left(&[3])]), answer(4, &[later])];
        check(CompactionKeepsLatest::default(), &events, expect!["3 evaluations"]);
    }
}
