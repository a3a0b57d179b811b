//! The phases of a run, and the lives of its nodes.

use std::collections::BTreeMap;

use model::NodeId;
use server::Level;

use super::clock::{BEGINNING_US, told, us};
use super::story::{Mark, Stretch};
use crate::checkers::Fact;
use crate::checkers::event::NodeChange;
use crate::run::Report;

pub(super) struct Node {
    pub(super) name: String,
    pub(super) lives: Vec<Stretch>,
    /// Starts and ends, which may be too short to be seen as bars.
    pub(super) turns: Vec<Mark>,
    /// What it wrote for its operator, from warnings upwards.
    pub(super) lines: Vec<Mark>,
}

pub(super) fn phases(report: &Report, end_us: u64) -> Vec<Stretch> {
    let healed = report.history.iter().find(|event| matches!(event.fact, Fact::Healed { .. }));
    let drained = report.history.iter().find(|event| matches!(event.fact, Fact::Resources { .. }));
    let starts = [
        (Some(BEGINNING_US), "setup", "setup", "the node boots and topics are created"),
        (report.began_ns.map(us), "suffer", "faults", "clients work and faults strike"),
        (healed.map(|event| us(event.at_ns)), "live", "healed", "every partition must serve again"),
        (drained.map(|event| us(event.at_ns)), "setup", "end", "the node stops, files are read"),
    ];
    let known: Vec<_> = starts
        .into_iter()
        .filter_map(|(at, style, label, text)| Some((at?, style, label, text)))
        .collect();
    let ends = known.iter().skip(1).map(|(at, ..)| *at).chain([end_us]);
    known
        .iter()
        .zip(ends)
        .map(|((from_us, style, label, text), until_us)| Stretch {
            from_us: *from_us,
            until_us,
            style,
            label: (*label).to_owned(),
            text: format!("{label}: {text}\n{} to {}", told(*from_us), told(until_us)),
        })
        .collect()
}

/// What a node is from some moment on.
struct Turn {
    at_us: u64,
    /// Of the bar.
    style: &'static str,
    /// Of the mark.
    mark: &'static str,
    label: &'static str,
}

pub(super) fn nodes(report: &Report, end_us: u64) -> Vec<Node> {
    let mut turns: BTreeMap<NodeId, Vec<Turn>> = BTreeMap::new();
    for event in &report.history {
        if let Fact::Node { node, change } = event.fact {
            let (style, mark, label) = match change {
                NodeChange::Booted => ("starting", "boot", "recovering"),
                NodeChange::Killed => ("down", "kill", "killed"),
                NodeChange::PowerLost => ("dark", "power", "power lost"),
                NodeChange::Stopped => ("down", "stop", "stopped"),
                NodeChange::GaveUp => ("down", "kill", "gave up"),
                NodeChange::Paused => ("paused", "", "paused"),
                NodeChange::Resumed => ("up", "", "up"),
            };
            let at_us = us(event.at_ns);
            turns.entry(node).or_default().push(Turn { at_us, style, mark, label });
        }
    }
    for line in report.lines.iter().filter(|line| line.text.starts_with("started ")) {
        let turn = Turn { at_us: us(line.at.0), style: "up", mark: "", label: "up" };
        turns.entry(line.node).or_default().push(turn);
    }
    turns.into_iter().map(|(node, turns)| lane(report, node, turns, end_us)).collect()
}

fn lane(report: &Report, node: NodeId, mut turns: Vec<Turn>, end_us: u64) -> Node {
    turns.sort_by_key(|turn| turn.at_us);
    let ends = turns.iter().skip(1).map(|turn| turn.at_us).chain([end_us]);
    let lives = turns.iter().zip(ends).map(|(turn, until_us)| Stretch {
        from_us: turn.at_us,
        until_us,
        style: turn.style,
        label: turn.label.to_owned(),
        text: format!("{} from {} to {}", turn.label, told(turn.at_us), told(until_us)),
    });
    let marked = turns.iter().filter(|turn| !turn.mark.is_empty());
    let marks = marked.map(|turn| {
        let what = if turn.mark == "boot" { "starts" } else { turn.label };
        Mark(turn.at_us, turn.at_us, turn.mark, what.to_owned())
    });
    Node {
        name: format!("node {node}"),
        lives: lives.collect(),
        turns: marks.collect(),
        lines: lines(report, node),
    }
}

fn lines(report: &Report, node: NodeId) -> Vec<Mark> {
    let lines = report.lines.iter().filter(|line| line.node == node);
    let marks = lines.filter_map(|line| {
        let (style, level) = match line.level {
            Level::Error => ("error", "error"),
            Level::Warn => ("warning", "warning"),
            Level::Info | Level::Debug => return None,
        };
        let text = format!("{level}, shard {}: {}", line.shard, line.text);
        Some(Mark(us(line.at.0), us(line.at.0), style, text))
    });
    marks.collect()
}
