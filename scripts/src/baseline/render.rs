//! The report: medians over the runs, ratios within each run, and what is missing.

use super::node::SIDES;
use super::record::Raw;
use super::rows::{Metric, ROWS, Row};
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;

/// Whose figures are divided by whose: first by second.
const PAIRS: [(&str, &str); 4] = [
    ("odradek-sync", "kafka-nosync"),
    ("odradek-sync", "kafka-sync"),
    ("odradek-nosync", "kafka-nosync"),
    ("odradek-nosync", "kafka-sync"),
];

const NO_FIGURE: &str = "–";

impl Metric {
    /// The figure of one slot; `None` when the slot could not tell.
    pub(super) fn of(&self, result: &Value) -> Option<f64> {
        Some(result.pointer(self.pointer)?.as_f64()? * self.scale)
    }
}

/// The report of all raw runs of a folder.
pub(super) fn report(folder: &Path, raws: &[Raw]) -> String {
    let mut text = String::from("# Odradek beside Apache Kafka 4.3.1, one node\n\n");
    let Some(first) = raws.first() else {
        text.push_str("No runs yet.\n");
        return text;
    };
    let machine = &first.machine;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let _ = writeln!(
        text,
        "{} CPUs of {}, kernel {}, commit {}; Kafka's heap {}. Placement: {}. Raw runs: \
         `reports/data/baseline/{name}`, all of them; `cargo x baseline` repeats them.\n",
        machine.cpus,
        machine.cpu,
        machine.kernel,
        machine.commit,
        machine.kafka_heap,
        machine.placement,
    );
    text.push_str(
        "Figures are medians over the runs with [least to greatest]. A ratio is taken within each \
         run, then the median is shown: below 1 the first side needs less or is faster, except for \
         rates. Client, broker and disk share one machine, so ratios carry over and absolute \
         figures do not.\n\n",
    );
    for side in SIDES {
        let _ = writeln!(text, "- `{}`: {}", side.name, side.durability);
    }
    for row in ROWS {
        let slots: Vec<&Raw> = raws.iter().filter(|raw| raw.row == row.name).collect();
        if !slots.is_empty() {
            section(&mut text, row, &slots);
        }
    }
    let absent: Vec<&str> = ROWS
        .iter()
        .map(|row| row.name)
        .filter(|name| raws.iter().all(|raw| raw.row != *name))
        .collect();
    if !absent.is_empty() {
        let _ = writeln!(text, "\nNot measured here: {}.", absent.join(", "));
    }
    text
}

fn section(text: &mut String, row: &Row, slots: &[&Raw]) {
    let _ = writeln!(text, "\n## {}\n", row.title);
    let metrics = row.work.metrics();
    let names: Vec<&str> = metrics.iter().map(|metric| metric.name).collect();
    let _ = writeln!(text, "| side | runs | {} |", names.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(names.len()));
    for side in SIDES {
        let of_side: Vec<&Raw> =
            slots.iter().filter(|raw| raw.side == side.name).copied().collect();
        let count = of_side.iter().filter(|raw| raw.result.is_some()).count();
        let cells: Vec<String> = metrics.iter().map(|metric| spread(*metric, &of_side)).collect();
        let _ = writeln!(text, "| {} | {count} | {} |", side.name, cells.join(" | "));
    }
    for (ours, theirs) in PAIRS {
        let cells: Vec<String> =
            metrics.iter().map(|metric| ratio(*metric, slots, ours, theirs)).collect();
        if cells.iter().all(|cell| cell == NO_FIGURE) {
            continue;
        }
        let _ = writeln!(text, "| {ours} ÷ {theirs} | | {} |", cells.join(" | "));
    }
    for (name, limit) in row.goals {
        let metric = metrics.iter().find(|metric| metric.name == *name);
        let of_default = slots.iter().filter(|raw| raw.side == SIDES[0].name);
        let figures = metric.map(|metric| {
            of_default.filter_map(|raw| metric.of(raw.result.as_ref()?)).collect::<Vec<f64>>()
        });
        let _ = writeln!(text, "\n{}", goal(name, *limit, median(figures.unwrap_or_default())));
    }
    for raw in slots {
        remarks(text, raw);
    }
}

fn goal(name: &str, limit: f64, figure: Option<f64>) -> String {
    // Rates are to be reached, all others to be kept below.
    let (sign, met) = match name.ends_with("/s") {
        true => ("≥", figure.map(|it| it >= limit)),
        false => ("≤", figure.map(|it| it <= limit)),
    };
    let verdict = match met {
        Some(true) => "met",
        Some(false) => "**missed**",
        None => "not measured",
    };
    format!("Goal of `{}`: {name} {sign} {}: {verdict}.", SIDES[0].name, digits(limit))
}

/// Failures, and what the generator itself says against its figures.
fn remarks(text: &mut String, raw: &Raw) {
    let slot = format!("run {} of `{}`", raw.run, raw.side);
    if let Some(error) = &raw.error {
        // The last line is the program's own; the first is how it was called.
        let last = error.lines().last().unwrap_or_default();
        let _ = writeln!(text, "\n- No result in {slot}: {last}");
    }
    let list = |key: &str| -> Vec<String> {
        let list = raw.result.as_ref().and_then(|it| it.get(key)?.as_array().cloned());
        list.unwrap_or_default().iter().filter_map(|it| it.as_str().map(str::to_owned)).collect()
    };
    for (key, label) in [("invalid_reasons", "Invalid"), ("missed_reasons", "Missed")] {
        for reason in list(key) {
            let _ = writeln!(text, "\n- {label}, {slot}: {reason}");
        }
    }
}

fn spread(metric: Metric, slots: &[&Raw]) -> String {
    let mut figures: Vec<f64> =
        slots.iter().filter_map(|raw| metric.of(raw.result.as_ref()?)).collect();
    figures.sort_by(f64::total_cmp);
    match (median(figures.clone()), &figures[..]) {
        (Some(median), [least, .., greatest]) => {
            format!("{} [{} to {}]", digits(median), digits(*least), digits(*greatest))
        }
        (Some(median), _) => digits(median),
        (None, _) => NO_FIGURE.to_owned(),
    }
}

fn ratio(metric: Metric, slots: &[&Raw], ours: &str, theirs: &str) -> String {
    let figure = |side: &str, run: u32| {
        let raw = slots.iter().find(|raw| raw.side == side && raw.run == run)?;
        metric.of(raw.result.as_ref()?)
    };
    let ours_by_run = slots.iter().filter(|raw| raw.side == ours);
    let ratios = ours_by_run.filter_map(|raw| {
        let (first, second) = (figure(ours, raw.run)?, figure(theirs, raw.run)?);
        (second > 0.0).then_some(first / second)
    });
    median(ratios.collect()).map_or_else(|| NO_FIGURE.to_owned(), |it| format!("{}×", digits(it)))
}

/// `None` when there are no figures.
pub(super) fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => None,
        count if count % 2 == 1 => Some(figures[middle]),
        _ => Some(f64::midpoint(figures[middle - 1], figures[middle])),
    }
}

/// Three significant digits.
pub(super) fn digits(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        1_000.0.. => {
            let whole = format!("{value:.0}");
            let mut text = String::new();
            for (index, digit) in whole.chars().enumerate() {
                if index > 0 && (whole.len() - index) % 3 == 0 && !text.ends_with('-') {
                    text.push(',');
                }
                text.push(digit);
            }
            text
        }
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{digits, report};
    use crate::baseline::node::SIDES;
    use crate::baseline::record::{Machine, Raw};
    use serde_json::json;
    use std::path::Path;

    fn slot(side: usize, run: u32, figure: Option<f64>) -> Raw {
        Raw {
            schema: 1,
            row: "requests-1x100".into(),
            side: SIDES[side].name.into(),
            durability: String::new(),
            run,
            turn: 0,
            started_at: String::new(),
            machine: Machine {
                commit: "abc".into(),
                kernel: "6".into(),
                cpu: "cpu".into(),
                cpus: 2,
                kafka_heap: "1g".into(),
                placement: "split".into(),
            },
            result: figure.map(|it| json!({ "broker_us_per_request": it })),
            error: figure.is_none().then(|| "the call\nit broke".into()),
        }
    }

    fn rendered(slots: &[Raw]) -> String {
        report(Path::new("day-abc"), slots)
    }

    #[test]
    fn ratios_are_taken_within_a_run() {
        // 5 ÷ 10 and 30 ÷ 20: the median of the ratios is 1, that of medians would be 1.17.
        let slots = [
            slot(0, 1, Some(5.0)),
            slot(1, 1, Some(10.0)),
            slot(0, 2, Some(30.0)),
            slot(1, 2, Some(20.0)),
        ];
        let text = rendered(&slots);
        assert!(text.contains("| odradek-sync | 2 | 17.5 [5.00 to 30.0] |"), "{text}");
        assert!(text.contains("| odradek-sync ÷ kafka-nosync | | 1.00× |"), "{text}");
        assert!(text.contains("broker µs/request ≤ 6.00: **missed**"), "{text}");
    }

    #[test]
    fn what_is_missing_is_said() {
        let text = rendered(&[slot(0, 1, Some(5.0)), slot(1, 1, None)]);
        assert!(text.contains("| kafka-nosync | 0 | – |"), "{text}");
        assert!(text.contains("- No result in run 1 of `kafka-nosync`: it broke\n"), "{text}");
        assert!(text.contains("Not measured here: lifecycle, "), "{text}");
    }

    #[test]
    fn figures_have_three_digits() {
        let shown = [0.0, 0.0123, 1.0, 17.25, 390.4, 68_123.0, 1_340_000.0].map(digits);
        assert_eq!(shown, ["0", "0.012", "1.00", "17.2", "390", "68,123", "1,340,000"]);
    }
}
