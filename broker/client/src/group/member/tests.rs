//! Events in, effects out. A line is what the member asks for or tells its reader.

use super::*;
use crate::group::protocol::encode_subscription;

const HEARTBEAT: Duration = Duration::from_secs(3);
const REBALANCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_secs(300);

struct Story {
    member: Member,
    now: Instant,
}

impl Story {
    fn new(instance_id: Option<&str>) -> Self {
        let settings = Settings {
            instance_id: instance_id.map(str::to_owned),
            heartbeat_interval: HEARTBEAT,
            rebalance_timeout: REBALANCE,
            look_interval: LOOK,
        };
        let now = Instant(0);
        Self { member: Member::new(now, settings), now }
    }

    /// A follower with partition 0, in generation 1.
    fn stable() -> Self {
        let mut story = Self::new(None);
        story.after(0, Event::Tick);
        story.answer(joined("m", 1, None));
        story.answer(Answer::Synced(assignment(&[0])));
        story
    }

    fn after(&mut self, ms: u64, event: Event) -> String {
        self.now = self.now + Duration::from_millis(ms);
        let mut effects = Vec::new();
        self.member.step(self.now, event, &mut effects);
        effects.iter().map(|effect| line(effect) + "\n").collect()
    }

    fn answer(&mut self, answer: Answer) -> String {
        self.after(0, Event::Answered(answer))
    }

    fn refused(&mut self, code: ErrorCode) -> String {
        self.answer(Answer::Failed(ClientError::refused("asking", code.code(), None)))
    }
}

fn line(effect: &Effect) -> String {
    match effect {
        Effect::Ask(Ask::Join { member_id }) => format!("join as {member_id:?}"),
        Effect::Ask(Ask::Counts { topics }) => format!("count {topics:?}"),
        Effect::Ask(Ask::Sync { generation_id, assignments, .. }) => {
            let parts = assignments.iter().map(|(member, bytes)| {
                let partitions = assigned_partitions(bytes).expect("our own assignment");
                let names: Vec<_> = partitions.iter().map(ToString::to_string).collect();
                format!(" {member}={}", names.join(","))
            });
            format!("sync {generation_id}{}", parts.collect::<String>())
        }
        Effect::Ask(Ask::Heartbeat { generation_id, .. }) => format!("heartbeat {generation_id}"),
        Effect::Ask(Ask::Leave { member_id }) => format!("leave {member_id}"),
        Effect::Revoke => "revoke".to_owned(),
        Effect::Lost => "lost".to_owned(),
        Effect::Assign(it) => format!("assign {} of {}", it.partitions.len(), it.generation_id),
        Effect::Fail(error) => format!("fail: {error}"),
    }
}

fn joined(member_id: &str, generation_id: i32, members: Option<&[&str]>) -> Answer {
    let subscription = encode_subscription(&BTreeSet::from(["t".to_owned()]));
    let member = |member_id: &&str| JoinedMember {
        member_id: (*member_id).to_owned(),
        instance_id: None,
        subscription: subscription.clone(),
    };
    Answer::Joined(Joined {
        generation_id,
        member_id: member_id.to_owned(),
        members: members.map(|members| members.iter().map(member).collect()),
    })
}

fn assignment(partitions: &[i32]) -> Vec<u8> {
    encode_assignment(&BTreeMap::from([("t".to_owned(), partitions.to_vec())]))
}

fn counts(count: i32) -> Answer {
    Answer::Counts(BTreeMap::from([("t".to_owned(), count)]))
}

#[test]
fn a_new_member_joins_under_the_id_it_is_given() {
    let mut story = Story::new(None);
    assert_eq!(story.after(0, Event::Tick), "join as \"\"\n");
    assert_eq!(story.answer(Answer::MemberId("m".to_owned())), "join as \"m\"\n");
    assert_eq!(story.answer(joined("m", 1, None)), "sync 1\n");
    assert_eq!(story.answer(Answer::Synced(assignment(&[0, 1]))), "assign 2 of 1\n");
    assert_eq!(story.after(2_999, Event::Tick), "");
    assert_eq!(story.after(1, Event::Tick), "heartbeat 1\n");
    assert_eq!(story.after(9_000, Event::Tick), "", "one request at a time");
}

#[test]
fn the_leader_shares_out_what_there_is() {
    let mut story = Story::new(None);
    story.after(0, Event::Tick);
    assert_eq!(story.answer(joined("a", 1, Some(&["a", "b"]))), "count {\"t\"}\n");
    assert_eq!(story.answer(counts(3)), "sync 1 a=t-0,t-1 b=t-2\n");
}

#[test]
fn partitions_that_are_added_make_the_leader_rejoin() {
    let mut story = Story::new(None);
    story.after(0, Event::Tick);
    story.answer(joined("a", 1, Some(&["a"])));
    story.answer(counts(1));
    assert_eq!(story.answer(Answer::Synced(assignment(&[0]))), "assign 1 of 1\n");
    let mut said = String::new();
    while said.is_empty() {
        story.after(0, Event::Polled);
        assert_eq!(story.after(3_000, Event::Tick), "heartbeat 1\n");
        said = story.answer(Answer::Beaten);
    }
    assert_eq!(said, "count {\"t\"}\n");
    assert_eq!(story.answer(counts(2)), "revoke\n");
    assert_eq!(story.after(0, Event::Released), "join as \"a\"\n");
}

#[test]
fn a_rebalance_waits_until_the_reader_has_let_go() {
    let mut story = Story::stable();
    assert_eq!(story.after(3_000, Event::Tick), "heartbeat 1\n");
    assert_eq!(story.refused(ErrorCode::RebalanceInProgress), "revoke\n");
    assert_eq!(story.after(3_000, Event::Tick), "heartbeat 1\n");
    assert_eq!(story.refused(ErrorCode::RebalanceInProgress), "");
    assert_eq!(story.after(0, Event::Released), "join as \"m\"\n");
}

#[test]
fn a_release_during_a_heartbeat_joins_after_its_answer() {
    let mut story = Story::stable();
    story.after(3_000, Event::Tick);
    story.refused(ErrorCode::RebalanceInProgress);
    assert_eq!(story.after(3_000, Event::Tick), "heartbeat 1\n");
    assert_eq!(story.after(0, Event::Released), "");
    assert_eq!(story.answer(Answer::Beaten), "join as \"m\"\n");
}

#[test]
fn a_forgotten_member_loses_its_partitions_and_its_name() {
    let mut story = Story::stable();
    story.after(3_000, Event::Tick);
    assert_eq!(story.refused(ErrorCode::UnknownMemberId), "lost\njoin as \"\"\n");
    let mut story = Story::stable();
    story.after(3_000, Event::Tick);
    assert_eq!(story.refused(ErrorCode::IllegalGeneration), "lost\njoin as \"m\"\n");
}

#[test]
fn a_coordinator_that_is_away_is_asked_again_and_nothing_is_lost() {
    let mut story = Story::stable();
    story.after(3_000, Event::Tick);
    assert_eq!(story.answer(Answer::Failed(ClientError::ClosedByBroker)), "");
    assert_eq!(story.after(50, Event::Tick), "heartbeat 1\n");
    assert_eq!(story.refused(ErrorCode::NotCoordinator), "");
    assert_eq!(story.after(99, Event::Tick), "");
    assert_eq!(story.after(1, Event::Tick), "heartbeat 1\n");
    story.answer(Answer::Beaten);
    assert_eq!(story.after(3_000, Event::Tick), "heartbeat 1\n");
}

#[test]
fn a_sync_without_an_answer_ends_in_another_join() {
    let mut story = Story::new(None);
    story.after(0, Event::Tick);
    story.answer(joined("m", 1, None));
    assert_eq!(story.answer(Answer::Failed(ClientError::TimedOut)), "");
    assert_eq!(story.after(50, Event::Tick), "join as \"m\"\n");
}

#[test]
fn a_refused_commit_counts_only_in_its_own_generation() {
    let mut story = Story::stable();
    let refused = |generation_id, code| Event::CommitRefused { generation_id, code };
    assert_eq!(story.after(0, refused(0, ErrorCode::UnknownMemberId)), "");
    assert_eq!(story.after(0, refused(1, ErrorCode::RebalanceInProgress)), "revoke\n");
    let mut story = Story::stable();
    assert_eq!(story.after(0, refused(1, ErrorCode::IllegalGeneration)), "lost\njoin as \"m\"\n");
}

#[test]
fn a_reader_that_stands_still_leaves_the_group_until_it_reads_again() {
    let mut story = Story::stable();
    for _ in 0..19 {
        story.after(3_000, Event::Tick);
        story.answer(Answer::Beaten);
    }
    assert_eq!(story.after(3_000, Event::Tick), "lost\nleave m\n");
    assert_eq!(story.answer(Answer::Left), "");
    assert_eq!(story.after(100_000, Event::Tick), "");
    assert_eq!(story.member.deadline(), Instant::FAR);
    assert_eq!(story.after(0, Event::Polled), "join as \"m\"\n");
}

#[test]
fn whoever_closes_leaves_unless_it_is_expected_back() {
    let mut story = Story::stable();
    story.after(3_000, Event::Tick);
    assert_eq!(story.after(0, Event::Close), "leave m\n");
    assert_eq!(story.answer(Answer::Failed(ClientError::TimedOut)), "");
    assert!(story.member.is_over());

    let mut story = Story::new(Some("one"));
    story.after(0, Event::Tick);
    story.answer(joined("m", 1, None));
    assert_eq!(story.after(0, Event::Close), "");
    assert!(story.member.is_over());
}

#[test]
fn what_cannot_get_better_ends_the_member() {
    let mut story = Story::new(None);
    story.after(0, Event::Tick);
    let said = story.refused(ErrorCode::InconsistentGroupProtocol);
    assert_eq!(said, "fail: asking: INCONSISTENT_GROUP_PROTOCOL (23)\n");
    assert!(story.member.is_over());
    assert_eq!(story.after(0, Event::Close), "");
}
