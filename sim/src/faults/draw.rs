//! Schedules from a seed.
//!
//! Half of the runs know few kinds of fault (swarm testing: what is absent lets the rest go
//! further), half know all. Some faults wait for a moment that a core reports, so that they strike
//! between an append and its sync, or in the middle of a roll.

use super::table::KINDS;
use crate::plan::dice::Dice;
use crate::plan::{
    Fault, FaultKind, Keeps, LinkTrouble, Machine, Setup, Span, Target, Trigger, Verb,
};

const NODE: Target = Target::At(Machine::Node(1));

pub(crate) fn draw(dice: &mut Dice, span: Span, setup: &Setup, client_count: usize) -> Vec<Fault> {
    let names = kinds_of_run(dice);
    let count = dice.log_uniform(1..=24);
    let mut schedule = Vec::new();
    for _ in 0..count {
        let name = dice.pick(&names);
        let at_us = dice.within(0..=span.faults_us / 20 * 19);
        let kind = kind(dice, name, setup);
        let waits = matches!(kind, FaultKind::Kill | FaultKind::PowerLoss { .. });
        let after = (waits && dice.one_in(2)).then(|| dice.pick(&Trigger::ALL));
        let longest_us = span.faults_us / 6;
        let duration_us = match kind {
            // A machine that is down for long tests nothing.
            FaultKind::Kill | FaultKind::PowerLoss { .. } | FaultKind::Stop => {
                dice.log_uniform(1_000..=longest_us.min(5_000_000))
            }
            _ => dice.log_uniform(10_000..=longest_us),
        };
        let target = match kind {
            FaultKind::Link { .. } | FaultKind::Reset => link(dice, client_count),
            _ => NODE,
        };
        schedule.push(Fault { at_us, after, target, duration_us, kind, refused: false });
    }
    schedule.sort_by_key(|fault| fault.at_us);
    schedule
}

fn kinds_of_run(dice: &mut Dice) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = KINDS.iter().map(|kind| kind.name).collect();
    if dice.one_in(2) {
        return names;
    }
    let count = 1 + dice.index(5);
    while names.len() > count {
        names.swap_remove(dice.index(names.len()));
    }
    names
}

/// One direction of the link between a client and the node.
fn link(dice: &mut Dice, client_count: usize) -> Target {
    let number = 1 + dice.index(client_count.max(1));
    let client = Machine::Client(u16::try_from(number).expect("few clients"));
    let node = Machine::Node(1);
    match dice.one_in(2) {
        true => Target::Link { from: client, to: node },
        false => Target::Link { from: node, to: client },
    }
}

fn kind(dice: &mut Dice, name: &str, setup: &Setup) -> FaultKind {
    match name {
        "kill" => FaultKind::Kill,
        "power-loss" => {
            let keeps = dice.pick(&[Keeps::Drawn, Keeps::Drawn, Keeps::Nothing, Keeps::Everything]);
            FaultKind::PowerLoss { keeps }
        }
        "stop" => FaultKind::Stop,
        "reshard" => FaultKind::Reshard { shards: dice.pick(&[1, 2, 3]) },
        "disk-error" => disk_error(dice, setup),
        "disk-full" => FaultKind::DiskFull { left_bytes: dice.log_uniform(1..=65_536) },
        "read-only" => FaultKind::ReadOnly,
        "slow-disk" => FaultKind::SlowDisk { factor: dice.log_uniform(2..=200) },
        "stalled-disk" => FaultKind::StalledDisk,
        "writeback-error" => {
            FaultKind::WritebackError { path: dice.pick(&["", ".log", "journal"]).to_owned() }
        }
        "evict" => FaultKind::Evict,
        "pause" => FaultKind::Pause,
        "slow-core" => FaultKind::SlowCore { shard: 0, factor: dice.log_uniform(2..=500) },
        "stalled-core" => FaultKind::StalledCore { shard: 0 },
        "drift" => FaultKind::Drift { ppm: dice.pick(&[-300_000, -1_000, 500, 200_000]) },
        "wall-step" => FaultKind::WallStep { by_ms: dice.pick(&[-60_000, -50, 3_000, 1_800_000]) },
        "link" => FaultKind::Link { trouble: trouble(dice) },
        "reset" => FaultKind::Reset,
        other => unreachable!("{other} has a row and no way to be drawn"),
    }
}

fn trouble(dice: &mut Dice) -> LinkTrouble {
    let rate = |dice: &mut Dice| u32::try_from(dice.log_uniform(1_000..=500_000)).expect("a rate");
    match dice.within(0..=8) {
        0 | 1 => LinkTrouble::Cut,
        2 => LinkTrouble::Clog,
        3 => LinkTrouble::Lossy { per_million: rate(dice) },
        4 => LinkTrouble::LosesLarge { above_bytes: dice.pick(&[100, 1_000, 4_000]) },
        5 => LinkTrouble::Slow { factor: dice.pick(&[10, 100, 2_000]) },
        6 => LinkTrouble::Narrow { bytes_per_second: dice.log_uniform(1_000..=1_000_000) },
        7 => LinkTrouble::Flapping { cut_ms: dice.pick(&[5, 300]), up_ms: dice.pick(&[20, 500]) },
        _ => LinkTrouble::Resets { per_million: rate(dice) },
    }
}

fn disk_error(dice: &mut Dice, setup: &Setup) -> FaultKind {
    let verb = dice.pick(&[
        Verb::Append,
        Verb::Append,
        Verb::Sync,
        Verb::Sync,
        Verb::Read,
        Verb::Open,
        Verb::SetLen,
        Verb::Names,
        Verb::SyncDir,
    ]);
    let topic = dice.pick(&setup.topics).name;
    let path = dice.pick(&[
        String::new(),
        "journal".to_owned(),
        ".log".to_owned(),
        topic,
        "__cluster_metadata".to_owned(),
        "checkpoint".to_owned(),
    ]);
    let count = dice.pick(&[1, 1, 3, u64::MAX >> 1]);
    FaultKind::DiskError { verb, path, skip: dice.pick(&[0, 0, 1, 10]), count }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_of_the_table_is_drawn_in_a_few_seeds() {
        let drawn: BTreeSet<&str> = (0..300)
            .flat_map(|seed| crate::plan::Plan::from_seed(seed).schedule)
            .map(|fault| fault.kind.name())
            .collect();
        let table: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(drawn, table);
    }
}
