//! Random members join, commit, leave, crash and come back while writes become durable late, are
//! refused, or are lost with the coordinator.
//!
//! Invariants: a partition has one owner per generation; an assignment was made in the generation that
//! it is given to; a commit is accepted only from the generation that the group had when it arrived;
//! what was acknowledged is in the log; in the end everyone who waited has an answer.

use core::time::Duration;
use std::collections::BTreeMap;

use model::{ErrorCode, splitmix};

use super::world::*;
use crate::group::Group;
use crate::{
    Bytes, InstanceId, JoinRequest, JoinResponse, MemberId, MemberIdentity, OffsetCommitRequest,
    Record, Request, Response, SyncRequest, Token,
};

const SEEDS: u64 = 300;
const STEPS: u32 = 800;
const PARTITIONS: usize = 5;

#[test]
fn one_owner_per_partition_and_generation_whoever_comes_goes_or_dies() {
    let (mut assigned, mut accepted) = (0, 0);
    for seed in 0..SEEDS {
        let mut run = Run::new(seed);
        for _ in 0..STEPS {
            run.step();
        }
        run.finish();
        assigned += run.owners.len();
        accepted += run.accepted;
    }
    // The run would prove nothing if members never got as far as this.
    assert!(assigned > 1_000, "{assigned} partitions were assigned");
    assert!(accepted > 1_000, "{accepted} commits were accepted");
}

#[derive(Default)]
struct Client {
    name: String,
    instance: Option<InstanceId>,
    member: Option<MemberId>,
    generation: Option<i32>,
    /// The one request it has sent and not heard of.
    waits: Option<Token>,
}

struct Run {
    world: World,
    random: Random,
    clients: Vec<Client>,
    /// Who was assigned a partition in a generation.
    owners: BTreeMap<(i32, String), String>,
    /// Commits without an answer: their offset, and whether they may be accepted.
    commits: BTreeMap<Token, (i64, bool)>,
    /// Requests of clients that crashed.
    abandoned: Vec<Token>,
    next_offset: i64,
    accepted: u32,
    seed: u64,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut world = World::with(crate::Settings { group_size_max: 4, ..settings() });
        world.durable_at_once = false;
        let client = |index: usize| Client {
            name: format!("c{index}"),
            instance: index.is_multiple_of(2).then(|| format!("c{index}").as_str().into()),
            ..Client::default()
        };
        Self {
            world,
            random: Random(seed),
            clients: (0..6).map(client).collect(),
            owners: BTreeMap::new(),
            commits: BTreeMap::new(),
            abandoned: Vec::new(),
            next_offset: 0,
            accepted: 0,
            seed,
        }
    }

    fn step(&mut self) {
        let under_way = self.world.under_way.len() as u64;
        match self.random.below(40) {
            0 => {
                let written = self.random.below(under_way + 1);
                self.world.fail_over(usize::try_from(written).unwrap());
            }
            1 if under_way > 0 => self.world.refuse(ErrorCode::NotEnoughReplicas),
            2..6 => {
                let count = self.random.below(under_way + 1);
                self.world.persist_first(usize::try_from(count).unwrap());
            }
            6..12 => {
                let millis = self.random.below(3_000);
                self.world.pass(Duration::from_millis(millis));
            }
            _ => {
                let index = usize::try_from(self.random.below(self.clients.len() as u64)).unwrap();
                self.act(index);
            }
        }
        self.check_commits();
    }

    fn finish(&mut self) {
        self.world.durable_at_once = true;
        self.world.persist();
        self.world.pass(Duration::from_secs(1_000));
        for token in self.clients.iter().filter_map(|c| c.waits).chain(self.abandoned.drain(..)) {
            let answered = self.world.answers.contains_key(&token);
            assert!(answered, "seed {}: nobody answers {token}", self.seed);
        }
        self.check_commits();
        assert!(self.commits.is_empty(), "seed {}: commits without an answer", self.seed);
    }

    fn act(&mut self, index: usize) {
        if self.random.below(60) == 0 {
            // It crashes; a parked request stays behind, and still has to be answered.
            let Client { name, instance, waits, .. } = std::mem::take(&mut self.clients[index]);
            self.clients[index] = Client { name, instance, ..Client::default() };
            self.abandoned.extend(waits);
            return;
        }
        if let Some(token) = self.clients[index].waits {
            if let Some(answer) = self.world.answers.get(&token).cloned() {
                self.clients[index].waits = None;
                self.hear(index, answer);
                return;
            }
            // Clients have a patience of their own; then they ask again, or go away.
            if self.random.below(12) > 0 {
                return;
            }
            self.abandoned.push(token);
            self.clients[index].waits = None;
        }
        let Some((member, generation)) = self.identity(index) else {
            match self.clients[index].member.take_if(|_| self.random.below(12) == 0) {
                Some(member) => self.leave(index, &member),
                None => self.join(index),
            }
            return;
        };
        match self.random.below(30) {
            0 => self.join(index),
            1 => self.leave(index, &member),
            2..10 => {
                let from = self.speaks(index, &member, generation);
                self.clients[index].waits = Some(self.world.send(Request::Heartbeat(from)));
            }
            _ => self.commit(index, &member, generation),
        }
    }

    fn identity(&self, index: usize) -> Option<(MemberId, i32)> {
        let client = &self.clients[index];
        Some((client.member.clone()?, client.generation?))
    }

    fn speaks(&self, index: usize, member: &MemberId, generation: i32) -> MemberIdentity {
        let instance_id = self.clients[index].instance.clone();
        MemberIdentity { instance_id, ..identity(member, generation) }
    }

    fn join(&mut self, index: usize) {
        let client = &self.clients[index];
        let request = JoinRequest {
            member_id: client.member.clone(),
            instance_id: client.instance.clone(),
            rebalance_timeout: Duration::from_secs(20),
            ..joining(&client.name)
        };
        self.clients[index].generation = None;
        self.clients[index].waits = Some(self.world.join(request));
    }

    fn leave(&mut self, index: usize, member: &MemberId) {
        self.clients[index].member = None;
        self.clients[index].waits = Some(self.world.send(leave(&[leaving(member)])));
    }

    fn commit(&mut self, index: usize, member: &MemberId, generation: i32) {
        // Now and then somebody that should know better commits from the past.
        let generation = generation - i32::from(self.random.below(5) == 0);
        let current = self.world.coordinator.groups().get(&GROUP.into());
        let current = current.map(|group| match group {
            Group::Classic(group) => group.generation_id().0,
            Group::Consumer(_) => panic!("nobody speaks KIP-848"),
        });
        self.next_offset += 1;
        let request = OffsetCommitRequest {
            instance_id: self.clients[index].instance.clone(),
            ..commit(Some((member, generation)), self.next_offset)
        };
        let token = self.world.send(Request::OffsetCommit(request));
        self.commits.insert(token, (self.next_offset, current == Some(generation)));
    }

    fn hear(&mut self, index: usize, answer: Response) {
        let error = match answer {
            Response::Join(Ok(join)) => return self.joined(index, join),
            Response::Sync(Ok(sync)) => return self.assigned(index, &sync.assignment),
            Response::Join(Err(refusal)) => {
                if refusal.error == ErrorCode::MemberIdRequired {
                    self.clients[index].member = refusal.member_id;
                }
                refusal.error
            }
            Response::Sync(Err(error)) | Response::Heartbeat(Err(error)) => error,
            _ => return,
        };
        let client = &mut self.clients[index];
        let forgotten = [
            ErrorCode::UnknownMemberId,
            ErrorCode::FencedInstanceId,
            ErrorCode::GroupMaxSizeReached,
        ];
        if forgotten.contains(&error) {
            client.member = None;
        }
        client.generation = None;
    }

    fn joined(&mut self, index: usize, join: JoinResponse) {
        let client = &mut self.clients[index];
        client.member = Some(join.member_id.clone());
        client.generation = Some(join.generation_id.0);
        let mut plan: Vec<(MemberId, String)> = Vec::new();
        if !join.skip_assignment && !join.members.is_empty() {
            let made_in = format!("{}:", join.generation_id);
            plan.extend(join.members.iter().map(|m| (m.member_id.clone(), made_in.clone())));
            for partition in 0..PARTITIONS {
                let owner = partition % plan.len();
                plan[owner].1.push_str(&partition.to_string());
            }
        }
        let assignments: Vec<(MemberId, Bytes)> =
            plan.into_iter().map(|(member, partitions)| (member, bytes(&partitions))).collect();
        let from = self.speaks(index, &join.member_id, join.generation_id.0);
        let request = SyncRequest {
            from,
            protocol_type: Some(join.protocol_type),
            protocol: Some(join.protocol),
            assignments,
        };
        self.clients[index].waits = Some(self.world.send(Request::Sync(request)));
    }

    fn assigned(&mut self, index: usize, assignment: &Bytes) {
        let client = &self.clients[index];
        let Some(generation) = client.generation else { return };
        // A static member keeps its place under another id: its name is what owns.
        let owner = match &client.instance {
            Some(instance) => instance.as_str().to_owned(),
            None => client.member.as_ref().expect("it just synced").as_str().to_owned(),
        };
        let text = core::str::from_utf8(assignment).unwrap();
        let Some((made_in, partitions)) = text.split_once(':') else { return };
        assert_eq!(made_in, generation.to_string(), "seed {}: an old assignment", self.seed);
        for partition in partitions.chars() {
            let key = (generation, partition.to_string());
            let before = self.owners.entry(key).or_insert_with(|| owner.clone());
            assert_eq!(*before, owner, "seed {}: {partition} in {generation}", self.seed);
        }
    }

    fn check_commits(&mut self) {
        let world = &self.world;
        let seed = self.seed;
        let accepted = &mut self.accepted;
        self.commits.retain(|token, (offset, may_be_accepted)| {
            let Some(answer) = world.answers.get(token) else { return true };
            let Response::OffsetCommit(partitions) = answer else {
                panic!("seed {seed}: {answer:?}")
            };
            if partitions[0].error == ErrorCode::None {
                assert!(*may_be_accepted, "seed {seed}: {offset} came from an old generation");
                let held = world.log.iter().rev().any(|record| holds(record, *offset));
                assert!(held, "seed {seed}: {offset} was acknowledged and is not in the log");
                *accepted += 1;
            }
            false
        });
    }
}

fn holds(record: &Record, offset: i64) -> bool {
    matches!(record, Record::OffsetCommit { value: Some(value), .. } if value.offset.0 == offset)
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        splitmix::next(&mut self.0) % end
    }
}
