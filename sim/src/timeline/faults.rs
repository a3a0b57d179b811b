//! Faults as bars: what each was, and what came of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::clock::{told, us};
use super::names::Names;
use super::story::Stretch;
use crate::faults::KINDS;
use crate::plan::Fault;
use crate::run::{Fate, Report, Stroke};

/// One row of one kind: its bars do not overlap.
pub(super) struct FaultRow {
    pub(super) name: String,
    pub(super) bars: Vec<Stretch>,
}

pub(super) fn rows(report: &Report, names: &Names<'_>, end_us: u64) -> Vec<FaultRow> {
    let mut kinds: BTreeMap<&'static str, Vec<Stretch>> = BTreeMap::new();
    for stroke in &report.strokes {
        let bar = bar(stroke, names, report.began_ns, end_us);
        kinds.entry(stroke.fault.kind.name()).or_default().push(bar);
    }
    let named = |(kind, bars): (&'static str, Vec<Stretch>)| {
        (1_u32..).zip(without_overlap(bars)).map(move |(number, bars)| {
            let name = if number == 1 { kind.to_owned() } else { format!("{kind}, row {number}") };
            FaultRow { name, bars }
        })
    };
    kinds.into_iter().flat_map(named).collect()
}

fn without_overlap(mut bars: Vec<Stretch>) -> Vec<Vec<Stretch>> {
    bars.sort_by_key(|bar| bar.from_us);
    let mut rows: Vec<Vec<Stretch>> = Vec::new();
    for bar in bars {
        let ends = |row: &Vec<Stretch>| row.last().map_or(0, |last| last.until_us);
        match rows.iter_mut().find(|row| ends(row) < bar.from_us) {
            Some(row) => row.push(bar),
            None => rows.push(vec![bar]),
        }
    }
    rows
}

fn bar(stroke: &Stroke, names: &Names<'_>, began_ns: Option<u64>, end_us: u64) -> Stretch {
    let name = stroke.fault.kind.name();
    let effect = KINDS.iter().find(|kind| kind.name == name).map_or("", |kind| kind.effect);
    let (style, fate) = match (stroke.fate, stroke.effective) {
        (Fate::Struck, Some(true)) => ("struck", format!("with an effect: {effect}")),
        (Fate::Struck, Some(false)) => {
            ("idle", format!("without an effect, which would have been: {effect}"))
        }
        (Fate::Struck, None) => ("struck", "the run ended before its effect was known".to_owned()),
        (Fate::Missed, _) => {
            ("missed", "missed: its target or its moment was not there".to_owned())
        }
        (Fate::Refused, _) => {
            ("refusal", "refused: outside of what the run must survive".to_owned())
        }
    };
    let from_us = us(stroke.from_ns);
    let until_us = match stroke.fate {
        Fate::Struck => us(stroke.until_ns).min(end_us).max(from_us),
        Fate::Missed | Fate::Refused => from_us,
    };
    let target = names.target(stroke.fault.target);
    let mut text = format!("{name}, {target}\n{fate}\n{} to {}", told(from_us), told(until_us));
    for detail in details(&stroke.fault) {
        text.push('\n');
        text.push_str(&detail);
    }
    if let Some(began_ns) = began_ns {
        text.push_str(&format!(
            "\nin the schedule: at_us = {}, counted from {}",
            stroke.fault.at_us,
            told(us(began_ns))
        ));
    }
    Stretch { from_us, until_us, style, label: target, text }
}

/// What is special about this fault, as `key: value`.
fn details(fault: &Fault) -> Vec<String> {
    const TOLD_ELSEWHERE: [&str; 5] = ["at_us", "duration_us", "kind", "refused", "target"];
    let mut details = Vec::new();
    if let Ok(Value::Object(fields)) = serde_json::to_value(fault) {
        for (key, value) in fields.iter().filter(|(key, _)| !TOLD_ELSEWHERE.contains(&key.as_str()))
        {
            let key = if key == "after" { "waited for" } else { key };
            tell(key, value, &mut details);
        }
    }
    details
}

fn tell(key: &str, value: &Value, details: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (inner, value) in fields {
                tell(&format!("{key} {inner}"), value, details);
            }
        }
        Value::String(text) => details.push(format!("{}: {text}", key.replace('_', " "))),
        value => details.push(format!("{}: {value}", key.replace('_', " "))),
    }
}
