//! Consumer groups: members that are processes of their own, asked to share, crash and resume.
//!
//! Promises: a scenario asserts what holds on any broker (one owner per partition, every record
//! once, a new owner begins at the committed offset) and tells what a broker decides as its
//! outcome, in words that do not change from run to run. `outcomes.rs` compares those with Kafka's.
//! Does not: sleep; it polls the members until the state that it waits for, or a deadline, is there.

mod delivery;
mod group;

use super::context::{About, Context, Scenario, Stop, Told};
use crate::Failed;
use group::{Assignor, Group, Join};

/// Records of one wave, in every partition.
const WAVE_RECORDS: usize = 10;

pub(super) const ALL: &[Scenario] = &[
    scenario("group-join", join),
    scenario("group-kill", kill),
    scenario("group-resume", resume),
    scenario("group-static", static_membership),
    scenario("group-cooperative", cooperative),
    scenario("group-broker-kill", broker_kill),
];

const fn scenario(name: &'static str, run: fn(&mut Context<'_>) -> Told) -> Scenario {
    Scenario { name, about: About::Groups, run }
}

/// Two members share the partitions; a third joins; it leaves again.
fn join(context: &mut Context<'_>) -> Told {
    let mut group = Group::new(context, Assignor::Range)?;
    group.join(Join::named("a"))?;
    group.join(Join::named("b"))?;
    let two = group.settle()?;
    wave(&mut group)?;
    group.join(Join::named("c"))?;
    let three = group.settle()?;
    wave(&mut group)?;
    group.leave("c")?;
    let left = group.settle()?;
    wave(&mut group)?;
    Ok(format!("{two} | {three} | {left} | {}", group.told()))
}

/// A member dies without a word after records that it did not commit: when its session is over,
/// others read these again.
fn kill(context: &mut Context<'_>) -> Told {
    let mut group = Group::new(context, Assignor::Range)?;
    for name in ["a", "b", "c"] {
        group.join(Join::named(name))?;
    }
    let before = group.settle()?;
    wave(&mut group)?;
    group.send(WAVE_RECORDS)?;
    group.take()?;
    group.commit_of("a")?;
    group.commit_of("c")?;
    group.kill("b")?;
    let after = group.settle()?;
    wave(&mut group)?;
    Ok(format!("{before} | killed b | {after} | {}", group.told()))
}

/// The next member begins at the committed offset: after a clean leave at one that is in the middle
/// of what was read, after a crash at the last one.
fn resume(context: &mut Context<'_>) -> Told {
    let mut group = Group::new(context, Assignor::Range)?;
    group.join(Join::named("a"))?;
    group.settle()?;
    group.send(2 * WAVE_RECORDS)?;
    group.take()?;
    group.commit_at("a", |partition| 3 * i64::from(partition) + 1)?;
    group.leave("a")?;
    let first = group.committed()?;
    group.join(Join::named("b"))?;
    group.settle()?;
    wave(&mut group)?;
    group.send(WAVE_RECORDS)?;
    group.take()?;
    group.kill("b")?;
    group.join(Join::named("c"))?;
    group.settle()?;
    wave(&mut group)?;
    let last = group.committed()?;
    Ok(format!("committed {first} | then {last} | {}", group.told()))
}

/// A static member that restarts inside its session gets its partitions, and nobody else notices
/// (KIP-345).
fn static_membership(context: &mut Context<'_>) -> Told {
    let mut group = Group::new(context, Assignor::Range)?;
    for name in ["a", "b", "c"] {
        group.join(Join::fixed(name))?;
    }
    let before = group.settle()?;
    wave(&mut group)?;
    let others = [group.rebalances("a"), group.rebalances("c")];
    group.restart_static("b")?;
    let after = group.settle()?;
    wave(&mut group)?;
    if others != [group.rebalances("a"), group.rebalances("c")] {
        return broken("the restart of b was a rebalance to the others");
    }
    Ok(format!("{before} | restarted b | {after} | {}", group.told()))
}

/// Only the partitions that move are revoked; records of the others go on without a commit
/// (KIP-429, KIP-848).
fn cooperative(context: &mut Context<'_>) -> Told {
    let mut group = Group::new(context, Assignor::CooperativeSticky)?;
    // Sticky shares depend on the generations before; a broker may let two that join together into
    // one.
    group.join(Join::named("a"))?;
    group.settle()?;
    group.join(Join::named("b"))?;
    let two = group.settle()?;
    wave(&mut group)?;
    group.send(WAVE_RECORDS)?;
    group.take()?;
    group.forget_revoked();
    group.join(Join::named("c"))?;
    let three = group.settle()?;
    let moved = group.owned("c");
    if group.revoked() != moved {
        let revoked = group.revoked();
        return broken(&format!("c owns {moved:?} and the others had to give {revoked:?}"));
    }
    wave(&mut group)?;
    Ok(format!("{two} | {three} | {} moved | {}", moved.len(), group.told()))
}

/// The broker dies and comes back: members and committed offsets are what they were.
fn broker_kill(context: &mut Context<'_>) -> Told {
    if !context.subject.is_ours() {
        return Err(Stop::Unsupported("the broker was not started here".to_string()));
    }
    let mut group = Group::new(context, Assignor::Range)?;
    group.join(Join::patient("a"))?;
    group.join(Join::patient("b"))?;
    let before = group.settle()?;
    wave(&mut group)?;
    group.restart_broker()?;
    let committed = group.wait_for_committed()?;
    group.wave_among_rejoins(WAVE_RECORDS)?;
    let after = group.settle()?;
    group.leave("b")?;
    let left = group.settle()?;
    wave(&mut group)?;
    let digest = group.digest();
    Ok(format!("{before} | committed {committed} | {after} | {left} | {digest}"))
}

/// Every partition gets records; all are delivered and committed.
fn wave(group: &mut Group<'_, '_>) -> Result<(), Stop> {
    group.send(WAVE_RECORDS)?;
    group.take()?;
    group.commit()
}

fn broken<T>(reason: &str) -> Result<T, Stop> {
    Err(Stop::Broken(Failed(reason.to_string())))
}
