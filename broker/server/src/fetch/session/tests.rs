use wire::messages::fetch::{FetchPartition, FetchTopic, ForgottenTopic};

use super::*;

const NOW: Instant = Instant(1);
const NEW_ID: i32 = 77;

fn request(id: i32, epoch: i32, partitions: &[(i32, i64)]) -> FetchRequest {
    let partition = |&(partition, fetch_offset): &(i32, i64)| FetchPartition {
        partition,
        fetch_offset,
        partition_max_bytes: 100,
        ..FetchPartition::default()
    };
    FetchRequest {
        session_id: id,
        session_epoch: epoch,
        topics: vec![FetchTopic {
            topic: "t".to_owned(),
            partitions: partitions.iter().map(partition).collect(),
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    }
}

fn told(high_watermark: i64, has_records: bool) -> Told {
    Told { high_watermark, log_start_offset: 0, has_records, is_urgent: false }
}

/// Opens a session over these partitions, all told a high watermark of 0.
fn open(sessions: &mut Sessions, partitions: &[(i32, i64)]) -> i32 {
    let Ok(Begun::Opening(wanted)) = sessions.begin(&request(0, 0, partitions), 12, NOW) else {
        panic!("epoch 0 opens a session");
    };
    let answered: Vec<_> = wanted.into_iter().map(|wanted| (wanted, told(0, false))).collect();
    sessions.open(NEW_ID, answered.into_iter(), false, NOW)
}

fn partitions(begun: Result<Begun, ErrorCode>) -> Vec<i32> {
    match begun.unwrap() {
        Begun::Full(wanted) | Begun::Opening(wanted) | Begun::Incremental { wanted, .. } => {
            wanted.iter().map(|it| it.partition).collect()
        }
    }
}

#[test]
fn an_incremental_request_means_the_whole_session() {
    let mut sessions = Sessions::new(10, 100);
    let id = open(&mut sessions, &[(0, 5), (1, 6)]);
    assert_eq!(id, NEW_ID);
    let begun = sessions.begin(&request(id, 1, &[]), 12, NOW);
    assert_eq!(partitions(begun), [0, 1]);
}

#[test]
fn a_wrong_epoch_or_id_is_an_error_and_the_session_stays() {
    let mut sessions = Sessions::new(10, 100);
    let id = open(&mut sessions, &[(0, 0)]);
    assert_eq!(
        sessions.begin(&request(id, 2, &[]), 12, NOW),
        Err(ErrorCode::InvalidFetchSessionEpoch)
    );
    assert_eq!(
        sessions.begin(&request(id + 1, 1, &[]), 12, NOW),
        Err(ErrorCode::FetchSessionIdNotFound)
    );
    assert_eq!(
        sessions.begin(&request(id, 1, &[]), 13, NOW),
        Err(ErrorCode::FetchSessionTopicIdError)
    );
    assert!(sessions.begin(&request(id, 1, &[]), 12, NOW).is_ok());
}

#[test]
fn only_changes_are_mentioned() {
    let mut sessions = Sessions::new(10, 100);
    let id = open(&mut sessions, &[(0, 0), (1, 0), (2, 0)]);
    sessions.begin(&request(id, 1, &[]), 12, NOW).unwrap();
    let key = |partition| (TopicKey::Name("t".to_owned()), partition);
    let answers = [(key(0), told(0, false)), (key(1), told(4, false)), (key(2), told(0, true))];
    assert_eq!(sessions.answer(id, 2, answers.into_iter()), Ok(vec![false, true, true]));
    // What returned records is served last next time.
    assert_eq!(partitions(sessions.begin(&request(id, 2, &[]), 12, NOW)), [0, 1, 2]);
    let answers = [(key(0), told(9, true)), (key(1), told(4, false)), (key(2), told(0, false))];
    assert_eq!(sessions.answer(id, 3, answers.into_iter()), Ok(vec![true, false, false]));
    assert_eq!(partitions(sessions.begin(&request(id, 3, &[]), 12, NOW)), [1, 2, 0]);
}

#[test]
fn an_error_is_mentioned_until_it_is_gone_and_its_end_once() {
    let mut sessions = Sessions::new(10, 100);
    let id = open(&mut sessions, &[(0, 0)]);
    let key = (TopicKey::Name("t".to_owned()), 0);
    let broken = Told { is_urgent: true, ..told(-1, false) };
    for (epoch, told, expected) in [
        (1, broken, true),
        (2, broken, true),
        (3, told(0, false), true),
        (4, told(0, false), false),
    ] {
        sessions.begin(&request(id, epoch, &[]), 12, NOW).unwrap();
        let answers = [(key.clone(), told)].into_iter();
        assert_eq!(sessions.answer(id, epoch + 1, answers), Ok(vec![expected]), "epoch {epoch}");
    }
}

#[test]
fn a_session_emptied_by_the_forget_list_is_dropped() {
    let mut sessions = Sessions::new(10, 100);
    let id = open(&mut sessions, &[(0, 0)]);
    let forgotten = vec![ForgottenTopic {
        topic: "t".to_owned(),
        partitions: vec![0],
        ..ForgottenTopic::default()
    }];
    let request = FetchRequest { forgotten_topics_data: forgotten, ..request(id, 1, &[]) };
    assert_eq!(sessions.begin(&request, 12, NOW), Ok(Begun::Full(Vec::new())));
    assert_eq!(sessions.len(), 0);
}

#[test]
fn a_full_table_gives_up_only_a_session_that_was_long_unused() {
    let mut sessions = Sessions::new(1, 100);
    open(&mut sessions, &[(0, 0)]);
    let wanted = |sessions: &mut Sessions, now| {
        let Ok(Begun::Opening(wanted)) = sessions.begin(&request(0, 0, &[(0, 0)]), 12, now) else {
            panic!("epoch 0 opens a session");
        };
        let answered: Vec<_> = wanted.into_iter().map(|it| (it, told(0, false))).collect();
        sessions.open(NEW_ID + 1, answered.into_iter(), false, now)
    };
    assert_eq!(wanted(&mut sessions, NOW), 0, "refused: id 0 is a fetch without a session");
    assert_eq!(wanted(&mut sessions, NOW + EVICTION_AGE), NEW_ID + 1);
    assert_eq!(sessions.len(), 1);
}

#[test]
fn the_epoch_after_the_largest_is_one() {
    assert_eq!(epoch_after(i32::MAX), 1);
}
