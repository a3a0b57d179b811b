use wire::messages::fetch::{FetchPartition, FetchTopic, ForgottenTopic};

use super::*;
use crate::partition::Watch;
use model::ShardId;

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
    let (is_urgent, is_watched) = (false, !has_records);
    Told { high_watermark, log_start_offset: 0, has_records, is_urgent, is_watched }
}

/// The table, and where its sessions are woken.
struct Scene {
    sessions: Sessions,
    wakes: Wakes,
}

impl Scene {
    fn new(session_limit: usize) -> Self {
        Self { sessions: Sessions::new(session_limit, 100), wakes: Wakes::new(ShardId(0), 10) }
    }

    fn begin(&mut self, request: &FetchRequest) -> Result<Begun, ErrorCode> {
        self.sessions.begin(request, 12, NOW, &self.wakes)
    }

    /// Opens a session over these partitions, all told a high watermark of 0. 0 if it is refused.
    fn open(&mut self, id: i32, partitions: &[(i32, i64)], now: Instant) -> i32 {
        let begun = self.sessions.begin(&request(0, 0, partitions), 12, now, &self.wakes).unwrap();
        assert_eq!(begun.kind, Kind::Opening);
        let answered: Vec<_> =
            begun.parts.into_iter().map(|part| (part.wanted, opened())).collect();
        self.sessions.open(id, answered.into_iter(), false, now, &self.wakes)
    }

    /// The partitions that the next request of this epoch reads, by number.
    fn reads(&mut self, id: i32, epoch: i32, named: &[(i32, i64)]) -> Vec<i32> {
        let begun = self.begin(&request(id, epoch, named)).unwrap();
        begun.parts.iter().map(|part| part.wanted.partition).collect()
    }

    /// Answers a request of this epoch: which partitions are mentioned. Parts are numbered from 0.
    fn answer(&mut self, id: i32, epoch: i32, answers: &[(u64, Told)]) -> Vec<bool> {
        self.sessions.answer(id, epoch + 1, answers.iter().copied()).unwrap()
    }

    /// Something happened to a watched partition.
    fn wake(&self, id: i32, part: u64) {
        let token = self.sessions.open[&id].token;
        self.wakes.wake(Watch { shard: ShardId(0), token, part });
    }
}

/// The answer that opens a session sets no watch.
fn opened() -> Told {
    Told { is_watched: false, ..told(0, false) }
}

#[test]
fn after_the_first_walk_a_request_reads_what_has_news_and_what_it_names() {
    let mut scene = Scene::new(10);
    let id = scene.open(NEW_ID, &[(0, 5), (1, 6), (2, 7)], NOW);
    assert_eq!(scene.reads(id, 1, &[]), [0, 1, 2]);
    scene.answer(id, 1, &[(0, told(0, false)), (1, told(0, false)), (2, told(0, false))]);
    assert_eq!(scene.reads(id, 2, &[]), []);
    scene.wake(id, 1);
    assert_eq!(scene.reads(id, 3, &[(2, 9)]), [2, 1]);
}

#[test]
fn news_between_the_read_and_the_answer_are_not_lost() {
    let mut scene = Scene::new(10);
    let id = scene.open(NEW_ID, &[(0, 0)], NOW);
    assert_eq!(scene.reads(id, 1, &[]), [0]);
    scene.wake(id, 0);
    scene.answer(id, 1, &[(0, told(0, false))]);
    assert_eq!(scene.reads(id, 2, &[]), [0]);
}

#[test]
fn news_of_a_forgotten_partition_are_dropped() {
    let mut scene = Scene::new(10);
    let id = scene.open(NEW_ID, &[(0, 0), (1, 0)], NOW);
    scene.wake(id, 0);
    let forgets = FetchRequest { forgotten_topics_data: forgotten(0), ..request(id, 1, &[]) };
    let begun = scene.begin(&forgets).unwrap();
    assert_eq!(begun.parts.iter().map(|part| part.wanted.partition).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_wrong_epoch_or_id_is_an_error_and_the_session_stays() {
    let mut scene = Scene::new(10);
    let id = scene.open(NEW_ID, &[(0, 0)], NOW);
    assert_eq!(scene.begin(&request(id, 2, &[])), Err(ErrorCode::InvalidFetchSessionEpoch));
    assert_eq!(scene.begin(&request(id + 1, 1, &[])), Err(ErrorCode::FetchSessionIdNotFound));
    assert_eq!(
        scene.sessions.begin(&request(id, 1, &[]), 13, NOW, &scene.wakes),
        Err(ErrorCode::FetchSessionTopicIdError)
    );
    assert!(scene.begin(&request(id, 1, &[])).is_ok());
}

#[test]
fn only_changes_are_mentioned_and_who_returned_records_is_served_last() {
    let mut scene = Scene::new(10);
    let id = scene.open(NEW_ID, &[(0, 0), (1, 0), (2, 0)], NOW);
    scene.reads(id, 1, &[]);
    let answers = [(0, told(0, false)), (1, told(4, true)), (2, told(0, true))];
    assert_eq!(scene.answer(id, 1, &answers), [false, true, true]);
    scene.wake(id, 0);
    assert_eq!(scene.reads(id, 2, &[]), [1, 2, 0]);
    let answers = [(1, told(9, true)), (2, told(0, false)), (0, told(0, false))];
    assert_eq!(scene.answer(id, 2, &answers), [true, false, false]);
    assert_eq!(scene.reads(id, 3, &[]), [1]);
}

#[test]
fn an_error_is_mentioned_until_it_is_gone_and_its_end_once() {
    let mut scene = Scene::new(10);
    let id = scene.open(NEW_ID, &[(0, 0)], NOW);
    let broken = Told { is_urgent: true, is_watched: false, ..told(-1, false) };
    for (epoch, told, expected) in [
        (1, broken, true),
        (2, broken, true),
        (3, Told { is_watched: false, ..told(0, false) }, true),
        (4, told(0, false), false),
    ] {
        assert_eq!(scene.reads(id, epoch, &[]), [0], "epoch {epoch}");
        assert_eq!(scene.answer(id, epoch, &[(0, told)]), [expected], "epoch {epoch}");
    }
}

#[test]
fn a_session_emptied_by_the_forget_list_is_dropped() {
    let mut scene = Scene::new(10);
    let id = scene.open(NEW_ID, &[(0, 0)], NOW);
    let request = FetchRequest { forgotten_topics_data: forgotten(0), ..request(id, 1, &[]) };
    assert_eq!(scene.begin(&request), Ok(Begun { kind: Kind::Full, parts: Vec::new() }));
    assert_eq!(scene.sessions.len(), 0);
}

#[test]
fn a_full_table_gives_up_only_a_session_that_was_long_unused() {
    let mut scene = Scene::new(1);
    scene.open(NEW_ID, &[(0, 0)], NOW);
    let refused = scene.open(NEW_ID + 1, &[(0, 0)], NOW);
    assert_eq!(refused, 0, "id 0 is a fetch without a session");
    assert_eq!(scene.open(NEW_ID + 1, &[(0, 0)], NOW + EVICTION_AGE), NEW_ID + 1);
    assert_eq!(scene.sessions.len(), 1);
}

#[test]
fn the_epoch_after_the_largest_is_one() {
    assert_eq!(epoch_after(i32::MAX), 1);
}

fn forgotten(partition: i32) -> Vec<ForgottenTopic> {
    let topic = "t".to_owned();
    vec![ForgottenTopic { topic, partitions: vec![partition], ..ForgottenTopic::default() }]
}
