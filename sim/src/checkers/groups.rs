//! C9: a partition has one owner, old members are fenced, committed offsets do not go back.
//!
//! A member that was told of its partitions owns them until it says that it gave them up. Two owners are
//! a violation when they are of one generation, and also when the coordinator goes on to accept the
//! first after the second was told: a member that lost its session may believe in the past for a while,
//! but then its heartbeats fail. An acknowledged commit is what later answers tell, through crashes of
//! the broker too, until a later commit says otherwise.
//! Sources: simulator.md section 10; KIP-345 (static members), KIP-848, KIP-1251 (older epochs).

use std::collections::{BTreeMap, BTreeSet};

use model::{Offset, TopicPartition};

use super::commits::Commits;
use super::group_facts::{CommitOutcome, GroupChange, GroupFact, GroupProtocol, MemberName};
use super::{Checker, Event, Fact, Violation};

const NAME: &str = "c9-groups";
/// Generations that are remembered: a commit of an older one is not judged.
const GENERATIONS_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: BTreeMap<String, Group>,
    deleted: BTreeSet<model::TopicId>,
    evaluations: u64,
}

#[derive(Debug, Default)]
struct Group {
    /// When each generation was told of first (classic); the newest few.
    generations: BTreeMap<i32, u64>,
    members: BTreeMap<String, Member>,
    /// Who each static member is now.
    instances: BTreeMap<String, Life>,
    commits: BTreeMap<TopicPartition, Commits>,
}

/// A member as it sees itself.
#[derive(Debug, Default)]
struct Member {
    client: u32,
    instance_id: Option<String>,
    epoch: i32,
    /// When it was told of its epoch.
    epoch_ns: u64,
    owned: BTreeMap<TopicPartition, Owned>,
    /// Another life of the same static member took over.
    replaced_ns: Option<u64>,
}

/// The present life of a static member.
#[derive(Debug, Clone)]
struct Life {
    member_id: String,
    /// It was told of its place.
    told_ns: u64,
    /// The coordinator heard of it at this time or later.
    heard_ns: u64,
    session_ns: u64,
    left: bool,
    /// Another life that asked at the same time.
    contender: Option<Contender>,
}

/// One of two lives replaced the other before both were told; who goes on is the one that stayed.
#[derive(Debug, Clone)]
struct Contender {
    member_id: String,
    told_ns: u64,
}

#[derive(Debug, Clone, Copy)]
struct Owned {
    since_ns: u64,
    /// The epoch in which it was told first.
    since_epoch: i32,
    /// When somebody else was told the same.
    rival: Option<Rival>,
}

#[derive(Debug, Clone, Copy)]
struct Rival {
    client: u32,
    at_ns: u64,
}

impl Checker for Groups {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        match &event.fact {
            Fact::TopicDeleted { topic } => {
                self.deleted.insert(*topic);
                Ok(())
            }
            Fact::Group(fact) => self.check_group(event.at_ns, fact),
            _ => Ok(()),
        }
    }

    fn evaluations(&self) -> u64 {
        self.evaluations
    }
}

impl Groups {
    fn check_group(&mut self, at_ns: u64, fact: &GroupFact) -> Result<(), Violation> {
        let group = self.groups.entry(fact.group.clone()).or_default();
        let place = place_of(&fact.change);
        if place.is_some_and(|at| self.deleted.contains(&at.topic)) {
            return Ok(());
        }
        let checked = match &fact.change {
            GroupChange::Assigned { member, partitions, invoked_ns, session_ns } => {
                self.evaluations += 1;
                let taken = group.take_over(at_ns, member, *invoked_ns, *session_ns);
                taken.and_then(|()| {
                    let told = Told { at_ns, invoked_ns: *invoked_ns, client: fact.client };
                    group.assigned(told, member, partitions)
                })
            }
            GroupChange::Confirmed { member, invoked_ns } => {
                self.evaluations += 1;
                group.confirmed(member, *invoked_ns)
            }
            GroupChange::Released { member } => {
                if member.protocol == GroupProtocol::Consumer {
                    // It joins anew, under the same id.
                    group.members.remove(&member.member_id);
                } else if let Some(known) = group.members.get_mut(&member.member_id) {
                    known.owned.clear();
                }
                Ok(())
            }
            GroupChange::Ended { member, left } => {
                group.members.remove(&member.member_id);
                if let Some(life) = group.life(member) {
                    life.left |= left;
                }
                Ok(())
            }
            GroupChange::Committed { member, at, offset, invoked_ns, outcome } => {
                let commits = group.commits.entry(*at).or_default();
                match outcome {
                    CommitOutcome::Open => commits.sent(*offset, *invoked_ns),
                    CommitOutcome::Acked => commits.acked(*offset, *invoked_ns, at_ns),
                    CommitOutcome::Refused(_) => commits.refused(*offset, *invoked_ns),
                    // As it was when it was sent.
                    CommitOutcome::Unknown => {}
                }
                self.evaluations += u64::from(*outcome != CommitOutcome::Open);
                match (member, outcome) {
                    (Some(member), CommitOutcome::Acked) => {
                        group.committed(member, *at, *invoked_ns)
                    }
                    _ => Ok(()),
                }
            }
            GroupChange::Fetched { at, offset, invoked_ns } => {
                self.evaluations += 1;
                group.fetched(at_ns, *at, *offset, *invoked_ns)
            }
        };
        checked.map_err(|(kind, text)| {
            let text = format!("group {}, client {}: {text}", fact.group, fact.client);
            let violation = Violation::new(NAME, kind, at_ns, text);
            match place {
                Some(at) => violation.at(at, None),
                None => violation,
            }
        })
    }
}

fn place_of(change: &GroupChange) -> Option<TopicPartition> {
    match change {
        GroupChange::Committed { at, .. } | GroupChange::Fetched { at, .. } => Some(*at),
        _ => None,
    }
}

/// An answer: who got it, when, and when it was asked for.
#[derive(Debug, Clone, Copy)]
struct Told {
    at_ns: u64,
    invoked_ns: u64,
    client: u32,
}

/// The kind of a violation and what it is about.
type Found = Result<(), (&'static str, String)>;

impl Group {
    fn assigned(&mut self, told: Told, name: &MemberName, partitions: &[TopicPartition]) -> Found {
        let Told { at_ns, invoked_ns, client } = told;
        let is_classic = name.protocol == GroupProtocol::Classic;
        if is_classic {
            self.generations.entry(name.epoch).or_insert(at_ns);
            if self.generations.len() > GENERATIONS_MAX {
                self.generations.pop_first();
            }
        }
        let mut found = Ok(());
        for (id, other) in &mut self.members {
            // Two lives of one static member share what it owns until the earlier one hears of it.
            let is_same = name.instance_id.is_some() && other.instance_id == name.instance_id;
            if *id == name.member_id || is_same {
                continue;
            }
            for at in partitions {
                let Some(owned) = other.owned.get_mut(at) else { continue };
                // An answer that was asked for before the other one was told may be the older of the two.
                if owned.since_ns < invoked_ns {
                    owned.rival.get_or_insert(Rival { client, at_ns });
                }
                if is_classic && other.epoch == name.epoch {
                    let text = format!(
                        "{}-{} in generation {} is owned by client {} too",
                        at.topic, at.partition, name.epoch, other.client
                    );
                    found = Err(("two-owners", text));
                }
            }
        }
        let member = self.members.entry(name.member_id.clone()).or_default();
        let before = core::mem::take(&mut member.owned);
        member.client = client;
        member.instance_id.clone_from(&name.instance_id);
        if member.epoch != name.epoch {
            member.epoch = name.epoch;
            member.epoch_ns = at_ns;
        }
        for at in partitions {
            let new = Owned { since_ns: at_ns, since_epoch: name.epoch, rival: None };
            let kept = before.get(at).copied().filter(|_| !is_classic);
            member.owned.insert(*at, kept.unwrap_or(new));
        }
        found
    }

    /// The present life of a static member, if it is this one.
    fn life(&mut self, name: &MemberName) -> Option<&mut Life> {
        let life = self.instances.get_mut(name.instance_id.as_ref()?)?;
        (life.member_id == name.member_id).then_some(life)
    }

    /// A static member has one life at a time.
    fn take_over(
        &mut self,
        at_ns: u64,
        name: &MemberName,
        invoked_ns: u64,
        session_ns: u64,
    ) -> Found {
        let Some(instance) = &name.instance_id else { return Ok(()) };
        if self.members.get(&name.member_id).is_some_and(|it| it.replaced_ns.is_some()) {
            return Err(("fenced", format!("static member {instance} got partitions once more")));
        }
        if let Some(life) = self.life(name) {
            life.left = false;
            return Ok(());
        }
        let member_id = name.member_id.clone();
        if let Some(life) = self.instances.get_mut(instance).filter(|it| it.told_ns > invoked_ns) {
            // Both were asking at once: who of them came last is not known.
            life.contender = Some(Contender { member_id, told_ns: at_ns });
            return Ok(());
        }
        let (told_ns, contender) = (at_ns, None);
        let life = Life { member_id, told_ns, heard_ns: 0, session_ns, left: false, contender };
        let Some(before) = self.instances.insert(instance.clone(), life) else { return Ok(()) };
        if let Some(known) = self.members.get_mut(&before.member_id) {
            known.replaced_ns = Some(at_ns);
        }
        // Half of the session: clocks may run at unlike rates.
        let is_held = !before.left && at_ns < before.heard_ns + before.session_ns / 2;
        if name.protocol == GroupProtocol::Consumer && is_held {
            let text = format!("static member {instance} was replaced within its session");
            return Err(("replaced", text));
        }
        Ok(())
    }

    /// Ends the contest for a static member's name once one of the two goes on.
    fn decide(&mut self, name: &MemberName, invoked_ns: u64) {
        let instance = name.instance_id.as_ref();
        let Some(life) = instance.and_then(|it| self.instances.get_mut(it)) else { return };
        let Some(contender) = &life.contender else { return };
        let both_told_ns = life.told_ns.max(contender.told_ns);
        if invoked_ns <= both_told_ns {
            return;
        }
        let loser = if life.member_id == name.member_id {
            contender.member_id.clone()
        } else if contender.member_id == name.member_id {
            core::mem::replace(&mut life.member_id, contender.member_id.clone())
        } else {
            return;
        };
        life.contender = None;
        if let Some(known) = self.members.get_mut(&loser) {
            known.replaced_ns = Some(both_told_ns);
        }
    }

    fn confirmed(&mut self, name: &MemberName, invoked_ns: u64) -> Found {
        self.decide(name, invoked_ns);
        if let Some(life) = self.life(name) {
            life.heard_ns = life.heard_ns.max(invoked_ns);
        }
        let Some(known) = self.members.get(&name.member_id) else { return Ok(()) };
        if known.replaced_ns.is_some_and(|at_ns| at_ns < invoked_ns) {
            return Err(("fenced", "goes on although another life of it took over".to_owned()));
        }
        let contested = known.owned.iter().find_map(|(at, owned)| {
            let rival = owned.rival.filter(|rival| rival.at_ns < invoked_ns)?;
            (owned.since_ns < rival.at_ns).then_some((at, rival))
        });
        match contested {
            None => Ok(()),
            Some((at, rival)) => {
                let text = format!(
                    "{}-{} was given to client {} before it was given up",
                    at.topic, at.partition, rival.client
                );
                Err(("two-owners", text))
            }
        }
    }

    fn committed(&self, name: &MemberName, at: TopicPartition, invoked_ns: u64) -> Found {
        let known = self.members.get(&name.member_id);
        if known.and_then(|it| it.replaced_ns).is_some_and(|replaced| replaced < invoked_ns) {
            return Err(("fenced", "commits although another life of it took over".to_owned()));
        }
        match name.protocol {
            GroupProtocol::Classic => {
                let newer = self.generations.range(name.epoch.saturating_add(1)..);
                let mut told = newer.filter(|(_, told_ns)| **told_ns < invoked_ns);
                let Some((generation, _)) = told.next() else { return Ok(()) };
                let text = format!(
                    "a commit of generation {} was acknowledged in generation {generation}",
                    name.epoch
                );
                Err(("old-generation", text))
            }
            GroupProtocol::Consumer => {
                let is_old = |it: &&Member| it.epoch > name.epoch && it.epoch_ns < invoked_ns;
                let Some(known) = known.filter(is_old) else { return Ok(()) };
                match known.owned.get(&at) {
                    // An older epoch is good for what was kept since (KIP-1251).
                    Some(owned) if owned.since_epoch <= name.epoch => Ok(()),
                    _ => {
                        let text = format!(
                            "a commit of epoch {} was acknowledged in epoch {}",
                            name.epoch, known.epoch
                        );
                        Err(("old-generation", text))
                    }
                }
            }
        }
    }

    fn fetched(
        &mut self,
        at_ns: u64,
        at: TopicPartition,
        offset: Option<Offset>,
        invoked_ns: u64,
    ) -> Found {
        let commits = self.commits.entry(at).or_default();
        if commits.explains(offset, invoked_ns, at_ns) {
            return Ok(());
        }
        let found = offset.map_or("nothing".to_owned(), |offset| offset.to_string());
        let possible = commits.possible(invoked_ns, at_ns);
        Err(("regressed", format!("{found} is committed, and should be {possible}")))
    }
}

#[cfg(test)]
mod tests;
