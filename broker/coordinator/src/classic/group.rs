//! A classic group's state, and the changes that keep its parts in step.
//!
//! Promises: counts agree with the members; every static instance names a present member; a group
//! with members has a leader among them. Does not: decide when anything changes, or answer anyone.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use model::{ErrorCode, Now};

use super::GroupState;
use super::member::Member;
use super::rebalance::InitialDelay;
use crate::embedded::CONSUMER;
use crate::{
    Bytes, EmbeddedProtocol, GenerationId, GroupId, InstanceId, JoinResponse, JoinedMember,
    MemberId, Protocol, Text, Token, TopicName,
};

#[derive(Debug)]
pub(crate) struct ClassicGroup {
    pub(crate) id: GroupId,
    pub(super) state: GroupState,
    /// Wall time of the last change of state; unknown after loading an old record.
    pub(super) state_since_ms: Option<i64>,
    pub(super) generation_id: GenerationId,
    /// `None`: nobody ever joined, the group only holds offsets.
    pub(super) protocol_type: Option<Text>,
    /// Chosen when a generation begins; `None` without members.
    pub(super) protocol: Option<Text>,
    pub(super) leader: Option<MemberId>,
    pub(super) members: BTreeMap<MemberId, Member>,
    pub(super) static_members: BTreeMap<InstanceId, MemberId>,
    /// Member ids that were handed out and not used yet (KIP-394).
    pub(super) pending: BTreeSet<MemberId>,
    /// Members of this generation that have not sent SyncGroup.
    pub(super) unsynced: BTreeSet<MemberId>,
    /// Set while the first rebalance of an empty group waits for more members.
    pub(super) initial_delay: Option<InitialDelay>,
    /// How many members support each protocol.
    protocol_counts: BTreeMap<Text, usize>,
    /// How many members have a parked JoinGroup.
    joins_parked: usize,
    bytes: usize,
    /// Topics of this generation's subscriptions; `None` when they cannot be read.
    subscribed: Option<BTreeSet<TopicName>>,
}

impl ClassicGroup {
    pub(crate) fn new(id: GroupId, now: Now) -> Self {
        Self {
            id,
            state: GroupState::Empty,
            state_since_ms: Some(now.wall_ms),
            generation_id: GenerationId(0),
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            pending: BTreeSet::new(),
            unsynced: BTreeSet::new(),
            initial_delay: None,
            protocol_counts: BTreeMap::new(),
            joins_parked: 0,
            bytes: 0,
            subscribed: None,
        }
    }

    pub(crate) fn state(&self) -> GroupState {
        self.state
    }

    pub(crate) fn is(&self, state: GroupState) -> bool {
        self.state == state
    }

    pub(crate) fn generation_id(&self) -> GenerationId {
        self.generation_id
    }

    pub(super) fn transition(&mut self, to: GroupState, now: Now) {
        self.state = to;
        self.state_since_ms = Some(now.wall_ms);
    }

    pub(crate) fn state_since_ms(&self) -> Option<i64> {
        self.state_since_ms
    }

    /// Its tombstone is being written; the state's own time stays, in case it is refused.
    pub(crate) fn set_dead(&mut self) {
        self.state = GroupState::Dead;
    }

    /// Its tombstone was refused.
    pub(crate) fn revive(&mut self) {
        assert!(self.is(GroupState::Dead), "group {} is {}", self.id, self.state);
        self.state = GroupState::Empty;
    }

    /// Somebody joined once; otherwise it only holds offsets.
    pub(crate) fn has_protocol_type(&self) -> bool {
        self.protocol_type.is_some()
    }

    /// Nobody is in it and nobody is on the way.
    pub(crate) fn is_deserted(&self) -> bool {
        self.is(GroupState::Empty) && self.pending.is_empty()
    }

    pub(crate) fn uses_consumer_protocol(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }

    pub(crate) fn subscribed(&self) -> Option<&BTreeSet<TopicName>> {
        self.subscribed.as_ref()
    }

    /// Whether some member may be reading the topic; yes when that cannot be known.
    pub(crate) fn is_subscribed(&self, topic: &TopicName) -> bool {
        match &self.subscribed {
            Some(topics) => topics.contains(topic),
            None => self.uses_consumer_protocol(),
        }
    }

    /// Checks that a member may speak for itself.
    ///
    /// # Errors
    /// FENCED_INSTANCE_ID: its instance has a newer member. UNKNOWN_MEMBER_ID: nobody knows it.
    pub(super) fn check_member(
        &self,
        member: &MemberId,
        instance: Option<&InstanceId>,
    ) -> Result<(), ErrorCode> {
        if let Some(instance) = instance {
            match self.static_members.get(instance) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(current) if current != member => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(member) { Ok(()) } else { Err(ErrorCode::UnknownMemberId) }
    }

    /// Whether a member with these protocols could work with all the others.
    pub(super) fn supports(&self, protocol_type: &str, protocols: &[Protocol]) -> bool {
        if self.members.is_empty() {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        self.protocol_type.as_deref() == Some(protocol_type)
            && protocols.iter().any(|p| self.is_candidate(&p.name))
    }

    fn is_candidate(&self, protocol: &Text) -> bool {
        self.protocol_counts.get(protocol) == Some(&self.members.len())
    }

    /// The protocol with most votes; each member votes for its favourite among those that all
    /// support. Kafka leaves a tie to a hash table; here the first name wins.
    pub(super) fn select_protocol(&self) -> Text {
        let mut votes: BTreeMap<&Text, usize> = BTreeMap::new();
        for member in self.members.values() {
            let vote = member.vote(|name| self.is_candidate(name));
            let vote = vote.expect("a member is admitted only with a protocol that all support");
            *votes.entry(vote).or_default() += 1;
        }
        let winner = votes.iter().min_by_key(|(name, count)| (usize::MAX - **count, **name));
        Text::clone(winner.expect("a generation has members").0)
    }

    pub(super) fn add(&mut self, protocol_type: Text, member: Member) {
        if self.members.is_empty() {
            self.protocol_type = Some(protocol_type);
        }
        if self.leader.is_none() {
            self.leader = Some(member.id.clone());
        }
        if let Some(instance) = &member.instance_id {
            let before = self.static_members.insert(instance.clone(), member.id.clone());
            assert!(before.is_none(), "instance {instance} already has member {before:?}");
        }
        self.pending.remove(&member.id);
        self.count(&member);
        let before = self.members.insert(member.id.clone(), member);
        assert!(before.is_none(), "a member joined twice: {before:?}");
    }

    pub(super) fn remove(&mut self, id: &MemberId) -> Option<Member> {
        let member = self.members.remove(id)?;
        self.discount(&member);
        self.unsynced.remove(id);
        if let Some(instance) = &member.instance_id {
            self.static_members.remove(instance);
        }
        if self.leader.as_ref() == Some(id) {
            self.leader = self.members.keys().next().cloned();
        }
        Some(member)
    }

    /// Gives a static member's place, assignment and role to its new life.
    pub(super) fn rename(&mut self, from: &MemberId, to: MemberId) {
        let mut member = self.members.remove(from).expect("a static instance names a member");
        self.discount(&member);
        if self.leader.as_ref() == Some(from) {
            self.leader = Some(to.clone());
        }
        if self.unsynced.remove(from) {
            self.unsynced.insert(to.clone());
        }
        let instance = member.instance_id.clone().expect("only static members are replaced");
        self.static_members.insert(instance, to.clone());
        member.id = to;
        self.count(&member);
        self.members.insert(member.id.clone(), member);
    }

    /// Changes what a member says about itself.
    pub(super) fn update(&mut self, id: &MemberId, change: impl FnOnce(&mut Member)) {
        let mut member = self.members.remove(id).expect("the member was checked");
        self.discount(&member);
        change(&mut member);
        self.count(&member);
        self.members.insert(id.clone(), member);
    }

    pub(super) fn set_assignments(&mut self, mut of: impl FnMut(&MemberId) -> Option<Bytes>) {
        for member in self.members.values_mut() {
            self.bytes -= member.assignment.len();
            member.assignment = of(&member.id).unwrap_or_else(|| Bytes::from([]));
            self.bytes += member.assignment.len();
        }
    }

    /// Takes a member's parked JoinGroup.
    pub(super) fn take_join(&mut self, id: &MemberId) -> Option<Token> {
        let token = self.members.get_mut(id)?.join.take()?;
        self.joins_parked -= 1;
        Some(token)
    }

    pub(super) fn joins_parked(&self) -> usize {
        self.joins_parked
    }

    /// Everyone who could join has.
    pub(super) fn all_joined(&self) -> bool {
        self.joins_parked == self.members.len() && self.pending.is_empty()
    }

    /// The longest that any member wants to have for joining again.
    pub(super) fn rebalance_timeout(&self) -> Duration {
        self.members.values().map(|m| m.rebalance_timeout).max().unwrap_or_default()
    }

    /// Bytes that clients chose, without those of `except`.
    pub(super) fn bytes_without(&self, except: Option<&MemberId>) -> usize {
        self.bytes - except.and_then(|id| self.members.get(id)).map_or(0, Member::bytes)
    }

    pub(super) fn is_leader(&self, member: &MemberId) -> bool {
        self.leader.as_ref() == Some(member)
    }

    /// The current generation, as a member is told about it.
    pub(super) fn join_response(&self, member: &MemberId) -> JoinResponse {
        JoinResponse {
            generation_id: self.generation_id,
            protocol_type: self.protocol_type.clone().unwrap_or_else(|| Text::from("")),
            protocol: self.protocol.clone().unwrap_or_else(|| Text::from("")),
            leader: self.leader.clone().expect("a group with members has a leader"),
            member_id: member.clone(),
            skip_assignment: false,
            members: Vec::new(),
        }
    }

    /// Everyone with their metadata for the chosen protocol.
    pub(super) fn joined_members(&self) -> Vec<JoinedMember> {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let describe = |m: &Member| JoinedMember {
            member_id: m.id.clone(),
            instance_id: m.instance_id.clone(),
            metadata: m.metadata(protocol),
        };
        self.members.values().map(describe).collect()
    }

    /// Reads the subscriptions of a generation that begins, or of one that was loaded.
    pub(super) fn read_subscriptions(&mut self, embedded: EmbeddedProtocol) {
        self.subscribed = None;
        if !self.uses_consumer_protocol() {
            return;
        }
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            let metadata = member.metadata(self.protocol.as_deref().unwrap_or_default());
            let Some(of_member) = (embedded.read_subscription)(&metadata) else { return };
            topics.extend(of_member.topics);
        }
        self.subscribed = Some(topics);
    }

    pub(crate) fn assert_invariants(&self) {
        assert_eq!(
            self.members.is_empty(),
            self.leader.is_none(),
            "group {}: {} members, leader {:?}",
            self.id,
            self.members.len(),
            self.leader
        );
        if matches!(self.state, GroupState::Empty | GroupState::Dead) {
            assert!(self.members.is_empty(), "group {} is {} with members", self.id, self.state);
        }
        debug_assert_eq!(
            self.joins_parked,
            self.members.values().filter(|m| m.join.is_some()).count(),
            "parked joins of {}",
            self.id
        );
        debug_assert_eq!(
            self.bytes,
            self.members.values().map(Member::bytes).sum::<usize>(),
            "bytes of {}",
            self.id
        );
        debug_assert!(
            self.static_members.values().all(|id| self.members.contains_key(id)),
            "a static instance of {} names nobody",
            self.id
        );
    }

    fn count(&mut self, member: &Member) {
        for name in protocol_names(member) {
            *self.protocol_counts.entry(name.clone()).or_default() += 1;
        }
        self.joins_parked += usize::from(member.join.is_some());
        self.bytes += member.bytes();
    }

    fn discount(&mut self, member: &Member) {
        for name in protocol_names(member) {
            let count = self.protocol_counts.get_mut(name).expect("it was counted");
            *count -= 1;
            if *count == 0 {
                self.protocol_counts.remove(name);
            }
        }
        self.joins_parked -= usize::from(member.join.is_some());
        self.bytes -= member.bytes();
    }
}

/// A client may name a protocol twice; it counts once.
fn protocol_names(member: &Member) -> BTreeSet<&Text> {
    member.protocols.iter().map(|p| &p.name).collect()
}
