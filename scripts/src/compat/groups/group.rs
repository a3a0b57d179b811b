//! One consumer group of one client: its members, and what a scenario may do with them.

use super::super::clients::Protocol;
use super::super::context::{Context, Stop, records, taken};
use super::super::driver::Driver;
use super::delivery::{Delivery, MemberNumber};
use crate::{Failed, Outcome};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// Divides evenly by one, two and three members.
const PARTITION_COUNT: u32 = 6;
/// The least that Kafka's `group.min.session.timeout.ms` allows: how long a dead member is missed.
const SESSION_TIMEOUT_MS: u32 = 6_000;
/// Longer than a restart of a member or of the broker takes.
const LONG_SESSION_TIMEOUT_MS: u32 = 45_000;
const HEARTBEAT_INTERVAL_MS: u32 = 500;
/// A session and a rebalance, with the retries that some clients take seconds for.
const PATIENCE: Duration = Duration::from_secs(60);

/// How partitions are divided by whoever decides it, the group's leader or the broker.
#[derive(Clone, Copy)]
pub(super) enum Assignor {
    Range,
    CooperativeSticky,
}

/// A member that is about to join.
pub(super) struct Join {
    name: &'static str,
    is_static: bool,
    session_ms: u32,
}

impl Join {
    pub(super) fn named(name: &'static str) -> Join {
        Join { name, is_static: false, session_ms: SESSION_TIMEOUT_MS }
    }

    /// A static member; its name is its `group.instance.id`.
    pub(super) fn fixed(name: &'static str) -> Join {
        Join { name, is_static: true, session_ms: LONG_SESSION_TIMEOUT_MS }
    }

    /// A member whose session lasts longer than a restart of the broker.
    pub(super) fn patient(name: &'static str) -> Join {
        Join { name, is_static: false, session_ms: LONG_SESSION_TIMEOUT_MS }
    }
}

/// A group with its topic of [`PARTITION_COUNT`] partitions.
pub(super) struct Group<'c, 'a> {
    context: &'c mut Context<'a>,
    protocol: Protocol,
    assignor: Assignor,
    members: BTreeMap<&'static str, Member>,
    joined_count: MemberNumber,
    partitions: Vec<Delivery>,
    delivered_count: usize,
}

struct Member {
    number: MemberNumber,
    driver: Driver,
    owned: BTreeSet<u32>,
    revoked: BTreeSet<u32>,
    rebalances: u64,
}

impl<'c, 'a> Group<'c, 'a> {
    pub(super) fn new(
        context: &'c mut Context<'a>,
        assignor: Assignor,
    ) -> Result<Group<'c, 'a>, Stop> {
        let protocol = context.client.groups;
        let protocol = protocol.unwrap_or_else(|| panic!("{} has no groups", context.client.name));
        context.create(PARTITION_COUNT)?;
        let partitions = (0..PARTITION_COUNT).map(|_| Delivery::default()).collect();
        Ok(Group {
            context,
            protocol,
            assignor,
            members: BTreeMap::new(),
            joined_count: 0,
            partitions,
            delivered_count: 0,
        })
    }

    /// Starts a member in a process of its own; it has joined when the group has settled.
    pub(super) fn join(&mut self, join: Join) -> Result<(), Stop> {
        let mut driver = self.context.start_driver()?;
        let fields = json!({
            "group": self.context.topic,
            "member": join.name,
            "protocol": self.protocol.name(),
            "assignor": match self.assignor {
                Assignor::Range => "range",
                Assignor::CooperativeSticky => "cooperative-sticky",
            },
            "instance": join.is_static.then_some(join.name),
            "session_ms": join.session_ms,
            "heartbeat_ms": HEARTBEAT_INTERVAL_MS,
        });
        taken("join", driver.step(&self.context.request("join", fields)))?;
        self.joined_count += 1;
        let number = self.joined_count;
        let (owned, revoked) = (BTreeSet::new(), BTreeSet::new());
        let member = Member { number, driver, owned, revoked, rebalances: 0 };
        assert!(self.members.insert(join.name, member).is_none(), "{} joins twice", join.name);
        Ok(())
    }

    /// Closes a member as an application would.
    pub(super) fn leave(&mut self, name: &str) -> Result<(), Stop> {
        let mut member = self.remove(name);
        taken("leave", member.driver.step(&json!({ "do": "leave" }))).map(|_| ())
    }

    /// Kills a member's process, so that it neither leaves nor commits.
    pub(super) fn kill(&mut self, name: &str) -> Result<(), Stop> {
        Ok(self.remove(name).driver.kill()?)
    }

    /// Ends a static member and starts it again. With KIP-848 it has to say that it goes, or else its
    /// name is taken until its session is over; a classic member dies.
    pub(super) fn restart_static(&mut self, name: &'static str) -> Result<(), Stop> {
        match self.protocol {
            Protocol::Classic => self.kill(name)?,
            Protocol::Consumer => self.leave(name)?,
        }
        self.join(Join::fixed(name))
    }

    /// Kills the broker without warning and starts it again on its data.
    pub(super) fn restart_broker(&mut self) -> Result<(), Stop> {
        self.context.subject.restart_after_kill()?;
        // Not every client tries again what it asked over a connection that broke.
        self.context.driver = self.context.start_driver()?;
        // Some clients go on as the members they were, others join again when they notice.
        for delivery in &mut self.partitions {
            delivery.let_rejoin();
        }
        Ok(())
    }

    /// Waits until the broker tells the offsets that were committed.
    pub(super) fn wait_for_committed(&mut self) -> Result<String, Stop> {
        let wanted: Vec<String> =
            self.partitions.iter().map(|it| it.committed_offset().to_string()).collect();
        let wanted = wanted.join(",");
        let deadline = Instant::now() + PATIENCE;
        // While a coordinator loads, clients that try once fail or know of no offset.
        while self.committed().ok().as_ref() != Some(&wanted) {
            if Instant::now() > deadline {
                let told = self.committed()?;
                return Err(Failed(format!("committed {wanted}, told {told}")).into());
            }
        }
        Ok(wanted)
    }

    /// Adds records to every partition and has them delivered and committed, again and again while
    /// members rejoin.
    pub(super) fn wave_among_rejoins(&mut self, count: usize) -> Result<(), Stop> {
        self.send(count)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.settle()?;
            let done = self.take().and_then(|()| self.commit());
            if done.is_ok() || Instant::now() > deadline {
                return done;
            }
        }
    }

    fn remove(&mut self, name: &str) -> Member {
        self.members.remove(name).unwrap_or_else(|| panic!("no member {name}"))
    }

    /// Waits until every partition has one owner and the members own equally many; tells who owns
    /// what.
    pub(super) fn settle(&mut self) -> Result<String, Stop> {
        self.poll_until("the group to settle", Group::is_settled)?;
        Ok(self.ownership())
    }

    fn is_settled(&self) -> bool {
        let owned_count: usize = self.members.values().map(|it| it.owned.len()).sum();
        let owned: BTreeSet<u32> = self.members.values().flat_map(|it| it.owned.clone()).collect();
        let share = PARTITION_COUNT as usize / self.members.len();
        let is_fair = self.members.values().all(|it| it.owned.len() == share);
        is_fair && owned_count == owned.len()
    }

    /// Adds records to every partition.
    pub(super) fn send(&mut self, count: usize) -> Result<(), Stop> {
        for (partition, delivery) in (0..).zip(&mut self.partitions) {
            let records = records(1_000 * partition as usize + delivery.sent_count(), count);
            self.context.produce(partition, "none", &records)?;
            delivery.sent(records);
        }
        Ok(())
    }

    /// Waits until every record has been delivered to the owner of its partition.
    pub(super) fn take(&mut self) -> Result<(), Stop> {
        let before = self.ownership();
        self.poll_until("every record to be delivered", |group| {
            let owners = group.owners();
            let mut partitions = (0..).zip(&group.partitions);
            partitions.all(|(partition, delivery)| {
                owners.get(&partition).is_some_and(|owner| delivery.is_complete(*owner))
            })
        })?;
        if before != self.ownership() {
            let now = self.ownership();
            return Err(Failed(format!("{before} became {now} for no reason")).into());
        }
        Ok(())
    }

    fn owners(&self) -> BTreeMap<u32, MemberNumber> {
        let pairs = |member: &Member| {
            let number = member.number;
            member.owned.clone().into_iter().map(move |partition| (partition, number))
        };
        self.members.values().flat_map(pairs).collect()
    }

    /// Every member commits what it has got.
    pub(super) fn commit(&mut self) -> Result<(), Stop> {
        let names: Vec<&str> = self.members.keys().copied().collect();
        names.into_iter().try_for_each(|name| self.commit_of(name))
    }

    /// One member commits what it has got.
    pub(super) fn commit_of(&mut self, name: &str) -> Result<(), Stop> {
        let next: Vec<i64> = self.partitions.iter().map(Delivery::next).collect();
        self.commit_at(name, |partition| next[partition as usize])
    }

    /// One member commits chosen offsets.
    pub(super) fn commit_at(
        &mut self,
        name: &str,
        offset: impl Fn(u32) -> i64,
    ) -> Result<(), Stop> {
        let Some(member) = self.members.get_mut(name) else { panic!("no member {name}") };
        let row = |partition: &u32| json!({ "partition": partition, "offset": offset(*partition) });
        let offsets: Vec<Value> = member.owned.iter().map(row).collect();
        let step = json!({ "do": "commit", "offsets": offsets });
        taken("commit", member.driver.step(&step))?;
        for partition in &member.owned {
            self.partitions[*partition as usize].committed(offset(*partition));
        }
        Ok(())
    }

    /// The group's committed offsets, as the client tells them to anybody who asks.
    pub(super) fn committed(&mut self) -> Result<String, Stop> {
        let fields = json!({ "group": self.context.topic, "partitions": PARTITION_COUNT });
        let answer = self.context.step("committed", fields)?;
        let offsets = answer["offsets"].as_array().cloned().unwrap_or_default();
        let offsets: Vec<String> = offsets.iter().map(Value::to_string).collect();
        Ok(offsets.join(","))
    }

    /// How often the member has been told of a new assignment or of a revocation.
    pub(super) fn rebalances(&self, name: &str) -> u64 {
        self.members[name].rebalances
    }

    pub(super) fn owned(&self, name: &str) -> BTreeSet<u32> {
        self.members[name].owned.clone()
    }

    /// Partitions that members had to give up since [`Group::forget_revoked`].
    pub(super) fn revoked(&self) -> BTreeSet<u32> {
        self.members.values().flat_map(|member| member.revoked.clone()).collect()
    }

    pub(super) fn forget_revoked(&mut self) {
        for member in self.members.values_mut() {
            member.revoked.clear();
        }
    }

    /// How much was delivered, and a digest over it.
    pub(super) fn told(&self) -> String {
        let sent_count: usize = self.partitions.iter().map(Delivery::sent_count).sum();
        format!("{sent_count} sent, {} delivered, {}", self.delivered_count, self.digest())
    }

    /// Over what was delivered, each record counted once.
    pub(super) fn digest(&self) -> String {
        let digests = self.partitions.iter().map(Delivery::digest);
        let digest = digests.fold(0, |sum, it| crc32c::crc32c_append(sum, &it.to_be_bytes()));
        format!("{digest:08x}")
    }

    /// Who owns what. Member ids decide who gets which share: a classic member's begins with its
    /// client id, which is its name; KIP-848 has random ones, so that only the shares can be told.
    fn ownership(&self) -> String {
        let shares = self.members.iter().map(|(name, member)| {
            let owned: Vec<String> = member.owned.iter().map(u32::to_string).collect();
            let owned = format!("{{{}}}", owned.join(","));
            match self.protocol {
                Protocol::Classic => format!("{name}{owned}"),
                Protocol::Consumer => owned,
            }
        });
        let mut shares: Vec<String> = shares.collect();
        shares.sort();
        shares.join(" ")
    }

    fn poll_until(&mut self, what: &str, done: impl Fn(&Self) -> bool) -> Result<(), Stop> {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            if Instant::now() > deadline {
                let waited = PATIENCE.as_secs();
                let state = self.state();
                return Err(Failed(format!("waited {waited} s for {what}: {state}")).into());
            }
            self.poll()?;
        }
        Ok(())
    }

    /// Polls all members at the same time and takes what they got.
    fn poll(&mut self) -> Outcome {
        for member in self.members.values_mut() {
            member.driver.begin(&json!({ "do": "poll" }))?;
        }
        for (name, member) in &mut self.members {
            let answer = member.driver.demand_finish()?;
            for record in answer["records"].as_array().into_iter().flatten() {
                let partition = record["partition"].as_u64().unwrap_or(u64::MAX);
                let index = usize::try_from(partition).unwrap_or(usize::MAX);
                let Some(delivery) = self.partitions.get_mut(index) else {
                    return Err(Failed(format!("{name} got a record of partition {partition}")));
                };
                delivery.take(member.number, record).map_err(|Failed(why)| {
                    Failed(format!("{name}, partition {partition}: {why}"))
                })?;
                self.delivered_count += 1;
            }
            member.owned = numbers(&answer["owned"]);
            member.revoked.extend(numbers(&answer["revoked"]));
            member.rebalances += answer["rebalances"].as_u64().unwrap_or(0);
        }
        Ok(())
    }

    /// For error messages: who owns what, and how far each partition is.
    fn state(&self) -> String {
        let mut text = self.ownership();
        for (partition, delivery) in self.partitions.iter().enumerate() {
            let (next, sent) = (delivery.next(), delivery.sent_count());
            let _ = write!(text, " {partition}:{next}/{sent}");
        }
        text
    }
}

fn numbers(list: &Value) -> BTreeSet<u32> {
    let numbers = list.as_array().into_iter().flatten();
    numbers.filter_map(|it| u32::try_from(it.as_u64()?).ok()).collect()
}
