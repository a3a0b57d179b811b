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
mod tests {
    use super::super::group_facts::{
        CommitOutcome, GroupChange, GroupFact, GroupProtocol, MemberName,
    };
    use super::super::testing::{PLACE, check, event};
    use super::super::{Event, Fact};
    use super::Groups;
    use expect_test::expect;
    use model::{ErrorCode, Offset, TopicPartition};

    const SESSION_NS: u64 = 100;

    fn classic(member_id: &str, generation: i32) -> MemberName {
        MemberName {
            protocol: GroupProtocol::Classic,
            member_id: member_id.to_owned(),
            epoch: generation,
            instance_id: None,
        }
    }

    fn consumer(member_id: &str, epoch: i32) -> MemberName {
        MemberName { protocol: GroupProtocol::Consumer, ..classic(member_id, epoch) }
    }

    fn of_instance(name: MemberName) -> MemberName {
        MemberName { instance_id: Some("i".to_owned()), ..name }
    }

    fn told(at_ns: u64, client: u32, change: GroupChange) -> Event {
        event(at_ns, Fact::Group(GroupFact { group: "g".to_owned(), client, change }))
    }

    fn owns(at_ns: u64, client: u32, member: MemberName) -> Event {
        assigned(at_ns, client, member, vec![PLACE])
    }

    fn owns_nothing(at_ns: u64, client: u32, member: MemberName) -> Event {
        assigned(at_ns, client, member, vec![])
    }

    fn assigned(
        at_ns: u64,
        client: u32,
        member: MemberName,
        partitions: Vec<TopicPartition>,
    ) -> Event {
        let (invoked_ns, session_ns) = (at_ns - 1, SESSION_NS);
        told(at_ns, client, GroupChange::Assigned { member, partitions, invoked_ns, session_ns })
    }

    fn goes_on(at_ns: u64, client: u32, member: MemberName) -> Event {
        told(at_ns, client, GroupChange::Confirmed { member, invoked_ns: at_ns - 1 })
    }

    fn ends(at_ns: u64, client: u32, member: MemberName) -> Event {
        told(at_ns, client, GroupChange::Ended { member, left: false })
    }

    fn commits(
        at_ns: u64,
        member: Option<MemberName>,
        offset: Option<i64>,
        outcome: CommitOutcome,
    ) -> Event {
        let offset = offset.map(Offset);
        let invoked_ns = at_ns - 1;
        let change = GroupChange::Committed { member, at: PLACE, offset, invoked_ns, outcome };
        told(at_ns, 1, change)
    }

    fn finds(at_ns: u64, offset: Option<i64>) -> Event {
        let offset = offset.map(Offset);
        told(at_ns, 1, GroupChange::Fetched { at: PLACE, offset, invoked_ns: at_ns - 1 })
    }

    #[test]
    fn partitions_that_move_between_generations_are_fine() {
        let events = [
            owns(1, 1, classic("a", 1)),
            told(5, 1, GroupChange::Released { member: classic("a", 1) }),
            owns(9, 2, classic("b", 2)),
            owns_nothing(10, 1, classic("a", 2)),
            goes_on(20, 1, classic("a", 2)),
        ];
        check(Groups::default(), &events, expect!["4 evaluations"]);
    }

    #[test]
    fn two_owners_in_one_generation_are_found() {
        let events = [owns(1, 1, classic("a", 1)), owns(2, 2, classic("b", 1))];
        check(
            Groups::default(),
            &events,
            expect![[r#"
            two-owners: group g, client 2: BwcHBwcHBwcHBwcHBwcHBw-0 in generation 1 is owned by client 1 too
            2 evaluations"#]],
        );
    }

    #[test]
    fn an_owner_that_was_given_up_may_believe_in_the_past_but_is_not_confirmed() {
        let believes = [owns(1, 1, consumer("a", 1)), owns(9, 2, consumer("b", 2))];
        check(Groups::default(), &believes, expect!["2 evaluations"]);
        let events = [&believes[..], &[goes_on(20, 1, consumer("a", 1))]].concat();
        check(
            Groups::default(),
            &events,
            expect![[r#"
            two-owners: group g, client 1: BwcHBwcHBwcHBwcHBwcHBw-0 was given to client 2 before it was given up
            3 evaluations"#]],
        );
    }

    #[test]
    fn an_older_answer_that_is_told_later_takes_nothing_away() {
        let (old, new) = (consumer("a", 1), consumer("b", 2));
        let mut late = owns(5, 1, old);
        if let Fact::Group(GroupFact { change: GroupChange::Assigned { invoked_ns, .. }, .. }) =
            &mut late.fact
        {
            *invoked_ns = 1;
        }
        let events = [owns(4, 2, new.clone()), late, goes_on(9, 2, new)];
        check(Groups::default(), &events, expect!["3 evaluations"]);
    }

    #[test]
    fn a_commit_of_an_old_generation_is_found_when_it_is_acknowledged() {
        let old = || Some(classic("a", 1));
        let refused = CommitOutcome::Refused(ErrorCode::IllegalGeneration);
        let before = [owns(1, 1, classic("a", 1)), ends(2, 1, classic("a", 1))];
        let before = [&before[..], &[owns(5, 2, classic("b", 2))]].concat();
        let fine = [&before[..], &[commits(9, old(), Some(3), refused)]].concat();
        check(Groups::default(), &fine, expect!["3 evaluations"]);
        let wrong = [&before[..], &[commits(9, old(), Some(3), CommitOutcome::Acked)]].concat();
        check(
            Groups::default(),
            &wrong,
            expect![[r#"
            old-generation: group g, client 1: a commit of generation 1 was acknowledged in generation 2
            3 evaluations"#]],
        );
    }

    #[test]
    fn an_older_epoch_is_good_for_what_was_kept_since_and_for_nothing_else() {
        let commit = || commits(9, Some(consumer("a", 1)), Some(3), CommitOutcome::Acked);
        let kept = [owns(1, 1, consumer("a", 1)), owns(5, 1, consumer("a", 2)), commit()];
        check(Groups::default(), &kept, expect!["3 evaluations"]);
        let new = [owns_nothing(1, 1, consumer("a", 1)), owns(5, 1, consumer("a", 2)), commit()];
        check(
            Groups::default(),
            &new,
            expect![[r#"
            old-generation: group g, client 1: a commit of epoch 1 was acknowledged in epoch 2
            3 evaluations"#]],
        );
    }

    #[test]
    fn a_static_member_that_was_replaced_does_not_go_on() {
        let (first, second) = (of_instance(classic("a", 1)), of_instance(classic("b", 1)));
        let replaced = [owns(1, 1, first.clone()), owns(5, 2, second)];
        check(Groups::default(), &replaced, expect!["2 evaluations"]);
        let heartbeat = [&replaced[..], &[goes_on(9, 1, first.clone())]].concat();
        check(
            Groups::default(),
            &heartbeat,
            expect![[r#"
            fenced: group g, client 1: goes on although another life of it took over
            3 evaluations"#]],
        );
        let late = commits(9, Some(first.clone()), Some(3), CommitOutcome::Acked);
        let commit = [&replaced[..], &[late]].concat();
        check(
            Groups::default(),
            &commit,
            expect![[r#"
            fenced: group g, client 1: commits although another life of it took over
            3 evaluations"#]],
        );
        let again = [&replaced[..], &[owns(9, 1, first)]].concat();
        check(
            Groups::default(),
            &again,
            expect![[r#"
            fenced: group g, client 1: static member i got partitions once more
            3 evaluations"#]],
        );
    }

    #[test]
    fn two_lives_of_a_static_member_that_asked_at_once_are_not_two_owners() {
        let (first, second) = (of_instance(classic("a", 1)), of_instance(classic("b", 1)));
        let mut late = owns(5, 1, first);
        if let Fact::Group(GroupFact { change: GroupChange::Assigned { invoked_ns, .. }, .. }) =
            &mut late.fact
        {
            *invoked_ns = 1;
        }
        let events = [owns(3, 2, second.clone()), late.clone(), owns(9, 2, second.clone())];
        check(Groups::default(), &events, expect!["3 evaluations"]);
        // One of them was replaced by the other, and only one goes on.
        for (stays, goes) in
            [(&second, &of_instance(classic("a", 1))), (&of_instance(classic("a", 1)), &second)]
        {
            let events = [
                owns(3, 2, second.clone()),
                late.clone(),
                goes_on(11, 2, stays.clone()),
                goes_on(13, 1, goes.clone()),
            ];
            check(
                Groups::default(),
                &events,
                expect![[r#"
                fenced: group g, client 1: goes on although another life of it took over
                4 evaluations"#]],
            );
        }
    }

    #[test]
    fn a_static_member_of_a_consumer_group_keeps_its_place_for_a_session() {
        let (first, second) = (of_instance(consumer("a", 1)), of_instance(consumer("b", 2)));
        let heard = [owns(1, 1, first.clone()), goes_on(10, 1, first.clone()), ends(12, 1, first)];
        let later = [&heard[..], &[owns(10 + SESSION_NS, 2, second.clone())]].concat();
        check(Groups::default(), &later, expect!["3 evaluations"]);
        let soon = [&heard[..], &[owns(20, 2, second)]].concat();
        check(
            Groups::default(),
            &soon,
            expect![[r#"
            replaced: group g, client 2: static member i was replaced within its session
            3 evaluations"#]],
        );
    }

    #[test]
    fn a_committed_offset_that_goes_back_is_found_unless_a_commit_says_so() {
        let commit = |at_ns, offset| commits(at_ns, None, offset, CommitOutcome::Acked);
        let reset = [commit(5, Some(7)), commit(10, Some(3)), finds(20, Some(3))];
        check(Groups::default(), &reset, expect!["3 evaluations"]);
        let back = [commit(5, Some(3)), commit(10, Some(7)), finds(20, Some(3))];
        check(
            Groups::default(),
            &back,
            expect![[r#"
            regressed: group g, client 1: 3 is committed, and should be 7
            3 evaluations"#]],
        );
        let gone = [commit(5, Some(3)), finds(20, None)];
        check(
            Groups::default(),
            &gone,
            expect![[r#"
            regressed: group g, client 1: nothing is committed, and should be 3
            2 evaluations"#]],
        );
        let risen = [commit(5, Some(3)), commit(10, None), finds(20, Some(3))];
        check(
            Groups::default(),
            &risen,
            expect![[r#"
            regressed: group g, client 1: 3 is committed, and should be none
            3 evaluations"#]],
        );
    }

    #[test]
    fn a_commit_on_its_way_may_be_found_before_its_answer_and_one_without_an_answer_later() {
        let open = commits(5, None, Some(3), CommitOutcome::Open);
        let answered = commits(5, None, Some(3), CommitOutcome::Acked);
        let found = [open.clone(), finds(7, Some(3)), answered, finds(9, Some(3))];
        check(Groups::default(), &found, expect!["3 evaluations"]);
        let unknown = commits(5, None, Some(3), CommitOutcome::Unknown);
        let later = [open.clone(), unknown.clone(), finds(9, Some(3))];
        check(Groups::default(), &later, expect!["2 evaluations"]);
        let never = [open, unknown, finds(9, None)];
        check(Groups::default(), &never, expect!["2 evaluations"]);
    }
}
