use super::*;
use client::history::{ConsumedEntry, Header, ProducedEntry, Rules, TopicEntry};
use expect_test::{Expect, expect};
use model::{Offset, TopicId};

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
    client::history::encode(&Header { topics: vec![topic] }, entries, dropped_count, true)
}

/// The verdict without its lines of clean checkers; the same whatever the size of a slice.
fn judge(entries: &[Entry], expect: Expect) {
    let file = file(entries, 0);
    let verdict = |slice| {
        check_in_slices(&mut || Reader::open(in_memory(&file)), slice).expect("a whole history")
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
        2 produced batches (5 records acknowledged), 2 consumed batches (5 records), warm-up included
        verdict: clean"#]],
    );
    let verdict = opened(&file(&entries, 0)).unwrap();
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
            1 produced batches (3 records acknowledged), 1 consumed batches (3 records), warm-up included
            c1-acked-stays                      2 evaluations        1 violations
                c1-acked-stays/changed in t-1 at 0: the value acknowledged at 0 is not the one that readers are given
            verdict: violated"#]],
    );
    // Acknowledged and never read, at the end and in the middle.
    judge(
        &[produced(1, 0, 3), produced(2, 3, 2), consumed(1, 0, 3)],
        expect![[r#"
            2 produced batches (5 records acknowledged), 1 consumed batches (3 records), warm-up included
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
        3 produced batches (6 records acknowledged), 2 consumed batches (4 records), warm-up included
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
        1 produced batches (3 records acknowledged), 1 consumed batches (3 records), warm-up included
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
        1 produced batches (3 records acknowledged), 2 consumed batches (6 records), warm-up included
        values-once                         2 evaluations        1 violations
            values-once/twice in t-1 at 3: the value at 0 was sent once and lies at 3 too
        verdict: violated"#]],
    );
}

fn in_memory(file: &[u8]) -> Box<dyn Read> {
    Box::new(std::io::Cursor::new(file.to_vec()))
}

fn opened(file: &[u8]) -> Result<HistoryVerdict, CheckError> {
    check(&mut || Reader::open(in_memory(file)))
}

#[test]
fn a_history_that_was_cut_is_incomplete_unless_what_is_there_is_wrong() {
    let cut = |entries: &[Entry]| {
        let whole = file(entries, 0);
        opened(&whole[..whole.len() - 1]).map(|verdict| verdict.ruling())
    };
    assert_eq!(cut(&[produced(1, 0, 3), consumed(1, 0, 3)]), Ok(Ruling::Incomplete));
    assert_eq!(cut(&[]), Ok(Ruling::Incomplete));
    assert_eq!(cut(&[produced(1, 0, 3), consumed(9, 0, 3)]), Ok(Ruling::Violated));
    assert_eq!(opened(&file(&[], 0)).map(|it| it.ruling()), Ok(Ruling::Nothing));
}

#[test]
fn a_record_that_was_taken_out_by_hand_is_missed() {
    let all = [produced(1, 0, 3), consumed(1, 0, 3), produced(2, 3, 2), consumed(2, 3, 2)];
    let whole = file(&all, 0);
    let entries_at = whole.len() - (all.len() + 1) * client::history::ENTRY_BYTES;
    let taken = entries_at + 3 * client::history::ENTRY_BYTES;
    let rest = &whole[taken + client::history::ENTRY_BYTES..];
    let edited = [&whole[..taken], rest].concat();
    let damaged = HistoryError::Damaged { entry_count: 3 };
    assert_eq!(opened(&edited), Err(CheckError::History(damaged)));
    let verdict = check(&mut || Reader::open_edited(in_memory(&edited))).unwrap();
    assert_eq!(verdict.ruling(), Ruling::Violated, "{verdict}");
}

#[test]
fn a_history_with_another_byte_is_damaged_and_accuses_nobody() {
    let mut bytes = file(&[produced(1, 0, 3), consumed(1, 0, 3)], 0);
    // The hash of what was consumed.
    let place = bytes.len() - 2 * client::history::ENTRY_BYTES + 34;
    bytes[place] ^= 1;
    let damaged = HistoryError::Damaged { entry_count: 2 };
    assert_eq!(opened(&bytes), Err(CheckError::History(damaged)));
}

#[test]
fn a_history_that_lacks_entries_is_not_judged() {
    let file = file(&[produced(1, 0, 3)], 4);
    assert_eq!(opened(&file), Err(CheckError::Incomplete { dropped_count: 4 }));
}
