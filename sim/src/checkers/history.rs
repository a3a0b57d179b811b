//! Judges a history file: the same checkers on what clients wrote down about a real broker.
//!
//! The file is read several times and never held. First in the order of its writing, for what a
//! consumer or a producer sees one after the other; then along the offsets of each partition, in
//! slices of a bounded number of entries, for what lies in the log. Checkers forget what lies below,
//! so that memory does not grow with the file.
//!
//! Promises: 10^9 records in 10^7 batches within 256 MiB. Does not: judge what needs record contents,
//! files or a look inside (compaction, indexes, recovery, resources).

mod panel;
mod slices;
mod verdict;

use std::io::Read;

use client::history::{End, Entry, HistoryError, ProducedOutcome, Reader};

use self::panel::Panel;
use self::slices::next_slice;
pub use self::verdict::{CheckError, Checked, HistoryVerdict, Ruling};
use super::{
    Event, Fact, acked_stays, honest_errors, offsets_agree, offsets_increase, polls_follow,
    producer_order, values_are_read, values_once, watermarks,
};

/// Entries of one slice: some 60 MB.
const SLICE_ENTRIES: usize = 1 << 19;
/// Entries between two moments at which checkers may forget.
const SETTLE_EVERY: usize = 256;

/// Opens the file at its first entry; called once for each reading.
pub type Opener<'a> = dyn FnMut() -> Result<Reader<Box<dyn Read>>, HistoryError> + 'a;

/// Reads and judges a history.
///
/// # Errors
/// [`CheckError`]: the file is no history, damaged, cannot be read, or lacks entries in its middle.
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
    let mut reader = open()?;
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
    let first = open()?;
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

#[cfg(test)]
mod tests;
