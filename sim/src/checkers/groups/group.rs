//! One group: who was told to own what, and which generations and epochs are old.
//!
//! Promises: nobody is blamed for the order of two answers that may have been the other way round.
//! Does not: know which life of a static member is the present one (`lives`), or what may be committed
//! (`commits`).

use std::collections::BTreeMap;

use model::{Offset, TopicPartition};

use super::super::group_facts::{GroupProtocol, MemberName};
use super::commits::Commits;
use super::lives::Life;

/// Generations that are remembered: a commit of an older one is not judged.
const GENERATIONS_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Group {
    /// Since the last start nothing has shown that the coordinator knows the group: until its log is
    /// read, it answers every heartbeat of the classic protocol with success, as Kafka's does.
    pub(super) may_be_loading: bool,
    /// When each generation was told of first (classic); the newest few.
    generations: BTreeMap<i32, u64>,
    pub(super) members: BTreeMap<String, Member>,
    /// Who each static member is now.
    pub(super) instances: BTreeMap<String, Life>,
    pub(super) commits: BTreeMap<TopicPartition, Commits>,
}

/// A member as it sees itself.
#[derive(Debug, Default)]
pub(super) struct Member {
    client: u32,
    instance_id: Option<String>,
    epoch: i32,
    /// When it was told of its epoch.
    epoch_ns: u64,
    owned: BTreeMap<TopicPartition, Owned>,
    /// Another life of the same static member took over.
    pub(super) replaced_ns: Option<u64>,
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

/// An answer: who got it, when, and when it was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) at_ns: u64,
    pub(super) invoked_ns: u64,
    pub(super) client: u32,
}

/// The kind of a violation and what it is about.
pub(super) type Found = Result<(), (&'static str, String)>;

impl Group {
    pub(super) fn assigned(
        &mut self,
        told: Told,
        name: &MemberName,
        partitions: &[TopicPartition],
    ) -> Found {
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

    pub(super) fn confirmed(&mut self, name: &MemberName, invoked_ns: u64) -> Found {
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

    /// It gave up what it owned.
    pub(super) fn released(&mut self, name: &MemberName) {
        if name.protocol == GroupProtocol::Consumer {
            // It joins anew, under the same id.
            self.members.remove(&name.member_id);
        } else if let Some(known) = self.members.get_mut(&name.member_id) {
            known.owned.clear();
        }
    }

    /// This life of it is over; `left`: the coordinator was asked to let it go.
    pub(super) fn ended(&mut self, name: &MemberName, left: bool) {
        self.members.remove(&name.member_id);
        if let Some(life) = self.life(name) {
            life.left |= left;
        }
    }

    pub(super) fn committed(
        &self,
        name: &MemberName,
        at: TopicPartition,
        invoked_ns: u64,
    ) -> Found {
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

    pub(super) fn fetched(
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
