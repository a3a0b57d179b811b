//! ListOffsets by time finds the first record that is young enough.
//!
//! Compared with records that were acknowledged before the question was asked: the answer may be
//! about more than those, never about less. Topics whose records may go, and topics with append
//! time (whose timestamps no producer knows), are left out.
//! Source: Kafka's protocol guide; KIP-734 (largest timestamp).

use model::{Offset, TopicPartition};
use std::collections::BTreeMap;

use super::event::{Acks, OffsetListed, OffsetQuery, Outcome};
use super::topics::Topics;
use super::{Checker, Event, Fact, Violation};

const NAME: &str = "time-lookup";

#[derive(Debug, Default)]
pub(super) struct TimeLookup {
    topics: Topics,
    /// Acknowledged records by offset.
    known: BTreeMap<TopicPartition, BTreeMap<Offset, Known>>,
    deleted_below: BTreeMap<TopicPartition, Offset>,
    evaluations: u64,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    timestamp_ms: i64,
    acked_ns: u64,
}

impl Checker for TimeLookup {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        self.topics.take(&event.fact);
        match &event.fact {
            Fact::Produced(attempt) if attempt.acks == Acks::All => {
                if let Outcome::Acked { base_offset: Some(base) } = attempt.outcome {
                    let known = self.known.entry(attempt.at).or_default();
                    let offsets = (base.0..).map(Offset);
                    known.extend(offsets.zip(&attempt.content.records).map(|(offset, record)| {
                        let timestamp_ms = record.timestamp_ms;
                        (offset, Known { timestamp_ms, acked_ns: event.at_ns })
                    }));
                }
                Ok(())
            }
            Fact::RecordsDeleted { at, before } => {
                let below = self.deleted_below.entry(*at).or_default();
                *below = (*below).max(*before);
                Ok(())
            }
            Fact::OffsetListed(listed) => self.check_answer(event.at_ns, listed),
            Fact::Settled { at, below } => {
                if let Some(known) = self.known.get_mut(at) {
                    *known = known.split_off(below);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn evaluations(&self) -> u64 {
        self.evaluations
    }
}

impl TimeLookup {
    fn check_answer(&mut self, at_ns: u64, listed: &OffsetListed) -> Result<(), Violation> {
        let OffsetListed { at, query, invoked_ns, answer } = *listed;
        let rules = self.topics.rules(at.topic);
        if rules.compacted || rules.retained_for_a_while || rules.append_time {
            return Ok(());
        }
        let Some(known) = self.known.get(&at) else { return Ok(()) };
        let from = self.deleted_below.get(&at).copied().unwrap_or_default();
        let mut kept = known.range(from..).filter(|(_, known)| known.acked_ns < invoked_ns);
        let tell = |kind, offset: Offset, text: String| {
            Err(Violation::new(NAME, kind, at_ns, text).at(at, Some(offset)))
        };
        match query {
            OffsetQuery::Latest => return Ok(()),
            OffsetQuery::Earliest => {
                self.evaluations += 1;
                if let (Some((offset, _)), Some((first, _))) = (kept.next(), answer)
                    && first > *offset
                {
                    let text = format!("the earliest offset is said to be {first}");
                    return tell("earliest", *offset, text);
                }
            }
            OffsetQuery::AtOrAfter { timestamp_ms } => {
                self.evaluations += 1;
                let expected = kept.find(|(_, known)| known.timestamp_ms >= timestamp_ms);
                let found = answer.map_or(Offset(i64::MAX), |(offset, _)| offset);
                if let Some((offset, _)) = expected.filter(|(offset, _)| **offset < found) {
                    let said = answer.map_or("nothing".to_owned(), |(it, _)| it.to_string());
                    let text = format!("asked for {timestamp_ms} ms on, {said} was found instead");
                    return tell("later-record", *offset, text);
                }
                if let Some((offset, stamp)) = answer {
                    let record = known.get(&offset);
                    let other = record.is_some_and(|known| known.timestamp_ms != stamp);
                    if stamp < timestamp_ms || other {
                        let text = format!("asked for {timestamp_ms} ms on, told {stamp} ms");
                        return tell("wrong-time", offset, text);
                    }
                }
            }
            OffsetQuery::MaxTimestamp => {
                self.evaluations += 1;
                let youngest = kept.max_by_key(|(_, known)| known.timestamp_ms);
                let stamp = answer.map_or(i64::MIN, |(_, stamp)| stamp);
                if let Some((offset, known)) = youngest.filter(|(_, it)| it.timestamp_ms > stamp) {
                    let said = match answer {
                        Some((offset, stamp)) => format!("{stamp} ms at {offset}"),
                        None => "nothing".to_owned(),
                    };
                    let text = format!("{} ms is younger than {said}", known.timestamp_ms);
                    return tell("not-youngest", *offset, text);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, Fact, OffsetListed, OffsetQuery, TopicRules};
    use super::super::testing::{PLACE, acked, check, created, event};
    use super::TimeLookup;
    use expect_test::expect;
    use model::Offset;

    fn listed(query: OffsetQuery, answer: Option<(i64, i64)>) -> Event {
        let answer = answer.map(|(offset, stamp)| (Offset(offset), stamp));
        let listed = OffsetListed { at: PLACE, query, invoked_ns: 5, answer };
        event(6, Fact::OffsetListed(listed))
    }

    fn from(timestamp_ms: i64, answer: Option<(i64, i64)>) -> Event {
        listed(OffsetQuery::AtOrAfter { timestamp_ms }, answer)
    }

    #[test]
    fn the_first_record_that_is_young_enough_is_right() {
        let events = [
            acked(0, 3),
            from(1, Some((1, 1))),
            from(3, None),
            listed(OffsetQuery::MaxTimestamp, Some((2, 2))),
            listed(OffsetQuery::Earliest, Some((0, -1))),
        ];
        check(TimeLookup::default(), &events, expect!["4 evaluations"]);
    }

    #[test]
    fn an_answer_that_misses_a_record_is_found() {
        let events = [acked(0, 3), from(1, Some((2, 2))), from(1, None)];
        check(
            TimeLookup::default(),
            &events,
            expect![[r#"
            later-record at 1: asked for 1 ms on, 2 was found instead
            later-record at 1: asked for 1 ms on, nothing was found instead
            2 evaluations"#]],
        );
        let events = [
            acked(0, 3),
            listed(OffsetQuery::MaxTimestamp, Some((1, 1))),
            listed(OffsetQuery::Earliest, Some((1, -1))),
        ];
        check(
            TimeLookup::default(),
            &events,
            expect![[r#"
            not-youngest at 2: 2 ms is younger than 1 ms at 1
            earliest at 0: the earliest offset is said to be 1
            2 evaluations"#]],
        );
    }

    #[test]
    fn a_time_that_is_not_the_records_is_found() {
        let events = [acked(0, 3), from(1, Some((1, 5))), from(2, Some((0, 0)))];
        check(
            TimeLookup::default(),
            &events,
            expect![[r#"
            wrong-time at 1: asked for 1 ms on, told 5 ms
            wrong-time at 0: asked for 2 ms on, told 0 ms
            2 evaluations"#]],
        );
    }

    #[test]
    fn topics_whose_records_may_go_are_left_out() {
        let rules = TopicRules { retained_for_a_while: true, ..TopicRules::default() };
        check(
            TimeLookup::default(),
            &[created(rules), acked(0, 3), from(1, None)],
            expect!["0 evaluations"],
        );
    }
}
