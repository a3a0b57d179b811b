//! The highest rate that meets the target: a ladder of short open-loop runs.
//!
//! Promises: a rate counts when loadgen says that its run met the target; a miss is tried once more, since one stall of the machine is not the broker's limit; every rung is kept.
//! Does not: average rungs, or search below a thousandth of the first rate.

use super::Arguments;
use super::measure::Load;
use crate::{Failed, Outcome};
use serde_json::{Value, json};
use std::time::Duration;

/// The target of every rung.
const TARGET: &str = "p99=2ms";
/// One rung: long enough for a thousand batches behind the percentile at every rate.
const RUNG: Duration = Duration::from_secs(10);
const WARMUP: Duration = Duration::from_secs(2);
const RUNGS_MAX: usize = 24;

/// Climbs from the load's rate in steps of a quarter, down by halves while even the first is missed.
pub(super) fn find(
    load: Load<'_>,
    args: &Arguments,
    mut measure: impl FnMut(Load<'_>, &Arguments) -> Outcome<Value>,
) -> Outcome<Value> {
    let rung = Arguments { duration: RUNG, warmup: WARMUP, no_floor: true, ..args.clone() };
    let (mut rate, mut highest, mut rungs) = (load.rate, None::<(u32, Value)>, Vec::new());
    let mut missed_before = false;
    while rungs.len() < RUNGS_MAX && rate > load.rate / 1_000 {
        let result = measure(Load { rate, target: Some(TARGET), ..load }, &rung)?;
        let passed = result["verdict"] == "met";
        rungs.push(json!({
            "rate": rate,
            "passed": passed,
            "p99_us": result.pointer("/e2e/p99_us"),
            "achieved_rate": result.get("achieved_rate"),
            "verdict": result.get("verdict"),
            "invalid_reasons": result.get("invalid_reasons"),
            "missed_reasons": result.get("missed_reasons"),
        }));
        match (passed, missed_before, &highest) {
            (true, ..) => {
                highest = Some((rate, result));
                missed_before = false;
                rate = rate.saturating_mul(5) / 4;
            }
            (false, false, _) => missed_before = true,
            (false, true, Some(_)) => break,
            (false, true, None) => {
                missed_before = false;
                rate /= 2;
            }
        }
    }
    let Some((highest_rate, highest)) = highest else {
        return Err(Failed(format!("no rate of {} or less meets the target", load.rate)));
    };
    Ok(json!({ "highest_rate": highest_rate, "highest": highest, "rungs": rungs }))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::baseline::Arguments;
    use crate::baseline::measure::Load;
    use clap::Parser;
    use serde_json::{Value, json};

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn arguments() -> Arguments {
        Cli::parse_from(["baseline"]).arguments
    }

    fn climb(from: u32, limit: u32) -> crate::Outcome<Value> {
        find(Load::of_100_bytes("ceiling", from), &arguments(), |load, _| {
            let verdict = if load.rate <= limit { "met" } else { "missed" };
            Ok(json!({ "verdict": verdict }))
        })
    }

    #[test]
    fn it_climbs_to_the_last_rate_that_passes_and_tries_a_miss_twice() {
        let found = climb(100, 160).unwrap();
        assert_eq!(found["highest_rate"], 156);
        let rates: Vec<_> =
            found["rungs"].as_array().unwrap().iter().map(|rung| rung["rate"].clone()).collect();
        assert_eq!(rates, [100, 125, 156, 195, 195]);
    }

    #[test]
    fn it_goes_down_while_the_first_rate_is_missed() {
        assert_eq!(climb(1_000, 300).unwrap()["highest_rate"], 250);
        assert!(climb(1_000, 0).is_err());
    }
}
