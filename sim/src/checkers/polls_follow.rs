//! Each poll of a consumer goes on where the one before it ended.
//!
//! Jepsen's "poll skip" and "nonmonotonic poll"; inside one answer C4 looks for the same. A seek
//! starts anew. Where records may be missing (compaction, a log start that moved) nothing is
//! skipped.

use model::{Offset, TopicPartition};
use std::collections::BTreeMap;

use super::event::Consumed;
use super::topics::Topics;
use super::{Checker, Event, Fact, Violation};

const NAME: &str = "polls-follow";

#[derive(Debug, Default)]
pub(super) struct PollsFollow {
    topics: Topics,
    /// Where each consumer goes on.
    next: BTreeMap<(u32, TopicPartition), Offset>,
    evaluations: u64,
}

impl Checker for PollsFollow {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        self.topics.take(&event.fact);
        match &event.fact {
            Fact::Consumed(consumed) => self.check_answer(event.at_ns, consumed),
            _ => Ok(()),
        }
    }

    fn evaluations(&self) -> u64 {
        self.evaluations
    }
}

impl PollsFollow {
    fn check_answer(&mut self, at_ns: u64, consumed: &Consumed) -> Result<(), Violation> {
        let place = (consumed.consumer, consumed.at);
        let (Some(first), Some(last)) = (consumed.batches.first(), consumed.batches.last()) else {
            return Ok(());
        };
        let end = last.last_offset.after(1);
        let before = self.next.insert(place, end).filter(|_| !consumed.sought);
        let Some(next) = before else { return Ok(()) };
        self.evaluations += 1;
        let tell = |kind, text| {
            let violation = Violation::new(NAME, kind, at_ns, text);
            Err(violation.at(consumed.at, Some(first.base_offset)))
        };
        let who = format!("consumer {} poll {}", consumed.consumer, consumed.poll);
        if first.last_offset < next {
            let text = format!("{who} gave {} again, after {}", first.base_offset, next.0 - 1);
            return tell("backwards", text);
        }
        let gone_below = consumed.log_start_offset.unwrap_or(Offset::ZERO).max(next);
        let compacted = self.topics.rules(consumed.at.topic).compacted;
        if first.base_offset > gone_below && !compacted {
            let text = format!(
                "{who} went from {} to {}, skipping what is between",
                next.0 - 1,
                first.base_offset
            );
            return tell("skipped", text);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, Fact};
    use super::super::testing::{answer, batch, check, compacted};
    use super::PollsFollow;
    use expect_test::expect;
    use model::Offset;

    fn with(mut event: Event, sought: bool, log_start: i64) -> Event {
        if let Fact::Consumed(consumed) = &mut event.fact {
            consumed.sought = sought;
            consumed.log_start_offset = Some(Offset(log_start));
        }
        event
    }

    #[test]
    fn polls_that_follow_each_other_are_fine_and_a_seek_starts_anew() {
        let back = with(answer(0, &[batch(0, 3)]), true, 0);
        let events = [answer(0, &[batch(0, 3)]), answer(3, &[batch(3, 2)]), back];
        check(PollsFollow::default(), &events, expect!["1 evaluations"]);
    }

    #[test]
    fn a_poll_that_goes_back_is_found() {
        let events = [answer(0, &[batch(0, 3)]), answer(0, &[batch(0, 3)])];
        check(
            PollsFollow::default(),
            &events,
            expect![[r#"
            backwards at 0: consumer 1 poll 0 gave 0 again, after 2
            1 evaluations"#]],
        );
    }

    #[test]
    fn a_poll_that_skips_is_found_unless_the_records_may_be_gone() {
        let events = [answer(0, &[batch(0, 3)]), answer(5, &[batch(5, 2)])];
        check(
            PollsFollow::default(),
            &events,
            expect![[r#"
            skipped at 5: consumer 1 poll 0 went from 2 to 5, skipping what is between
            1 evaluations"#]],
        );
        let moved = with(answer(5, &[batch(5, 2)]), false, 5);
        check(
            PollsFollow::default(),
            &[answer(0, &[batch(0, 3)]), moved],
            expect!["1 evaluations"],
        );
        let events = [compacted(), answer(0, &[batch(0, 3)]), answer(3, &[batch(5, 2)])];
        check(PollsFollow::default(), &events, expect!["1 evaluations"]);
    }
}
