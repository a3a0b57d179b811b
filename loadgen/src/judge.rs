//! What may be concluded from a run: met, missed, or nothing.
//!
//! A client that could not keep up inflates latency. A target met in spite of it is met, and the
//! figures are an upper bound; a target missed because of it proves nothing about the broker.
//! Noise of the machine is told with figures and voids a run only where it holds the tail.

use reports::{Percentile, Target, Verdict, Verify, duration_us, rate};

use crate::interval::EPISODES_MIN;

/// Everything the judgement rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    pub target: Target,
    pub duration_s: f64,
    pub offered: u64,
    pub achieved_rate: f64,
    /// Records without an acknowledgement at the end of the window minus those at its start.
    pub unacked_growth: i64,
    /// p99 from due to acknowledged, and from placed to acknowledged.
    pub due_to_ack_p99_us: Option<u64>,
    pub placed_to_ack_p99_us: Option<u64>,
    /// Share of the time in which the client's loop had work.
    pub busy_ratio: f64,
    /// The harness's own p99 of the target's metric.
    pub floor_p99_us: Option<u64>,
    /// One for each percentile with a limit.
    pub limited: Vec<Limited>,
    pub seconds: Vec<Second>,
    /// `None` unless the run verified its records.
    pub verify: Option<Verify>,
    /// Sequences could not be followed: there were too many gaps.
    pub verify_overflowed: bool,
}

/// A percentile with a limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Limited {
    pub percentile: Percentile,
    pub limit_us: u64,
    /// `None` when too few samples lie beyond it.
    pub value_us: Option<u64>,
    pub episodes: u64,
    /// Samples beyond the measured percentile in each second of the window.
    pub beyond_per_second: Vec<u64>,
}

/// What the machine did in one second, as shares of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Second {
    pub steal: f64,
    pub cpu_pressure: f64,
    pub io_pressure: f64,
    pub run_delay: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    pub verdict: Verdict,
    pub invalid_reasons: Vec<String>,
    pub missed_reasons: Vec<String>,
    pub warnings: Vec<String>,
    pub upper_bound: bool,
}

const ACHIEVED_MIN: f64 = 0.99;
const UNACKED_GROWTH_MAX: f64 = 0.01;
const LAG_RATIO_MAX: f64 = 0.10;
const LAG_US_MAX: u64 = 100;
const BUSY_MAX: f64 = 0.90;
const FLOOR_RATIO_MAX: f64 = 0.5;
const STOLEN: f64 = 0.05;

/// Judges a run. See loadgen's README for the rules in words.
#[must_use]
pub fn judge(evidence: &Evidence) -> Judgement {
    let limited = client_limits(evidence);
    let missed = missed_reasons(evidence);
    let mut invalid = weak_tails(evidence);
    if !missed.is_empty() {
        let reason = |limit: &String| format!("the target was missed, but {limit}");
        invalid.extend(limited.iter().map(reason));
    }
    if evidence.verify_overflowed {
        invalid.push("too many gaps to verify the records one by one".to_owned());
    }
    let mut warnings = machine_warnings(&evidence.seconds);
    warnings.extend(limited.iter().cloned());
    let met = missed.is_empty();
    let verdict = if evidence.verify.as_ref().is_some_and(Verify::failed) {
        Verdict::VerifyFailed
    } else if !invalid.is_empty() {
        Verdict::Invalid
    } else if !met {
        Verdict::Missed
    } else if evidence.target.limits.is_empty() {
        Verdict::Measured
    } else {
        Verdict::Met
    };
    Judgement {
        verdict,
        invalid_reasons: invalid,
        missed_reasons: missed,
        warnings,
        upper_bound: met && !limited.is_empty(),
    }
}

/// Reasons to believe that the client, not the broker, made the latency.
fn client_limits(evidence: &Evidence) -> Vec<String> {
    let mut reasons = Vec::new();
    if let (Some(due), Some(placed)) = (evidence.due_to_ack_p99_us, evidence.placed_to_ack_p99_us) {
        let lag_us = due.saturating_sub(placed);
        #[expect(clippy::cast_precision_loss, reason = "microseconds")]
        let share = lag_us as f64 / due.max(1) as f64;
        if share > LAG_RATIO_MAX && lag_us > LAG_US_MAX {
            reasons.push(format!(
                "the client placed records late: {} of the ack p99 of {}",
                duration_us(lag_us),
                duration_us(due)
            ));
        }
    }
    if evidence.busy_ratio > BUSY_MAX {
        reasons.push(format!("the client's core was {:.0} % busy", evidence.busy_ratio * 100.0));
    }
    let measured = evidence.limited.iter().find(|it| it.percentile.name == "p99");
    if let (Some(floor), Some(Some(p99))) =
        (evidence.floor_p99_us, measured.map(|measured| measured.value_us))
    {
        #[expect(clippy::cast_precision_loss, reason = "microseconds")]
        if floor as f64 > p99 as f64 * FLOOR_RATIO_MAX {
            reasons.push(format!(
                "the harness alone has a p99 of {}, more than half of the measured {}",
                duration_us(floor),
                duration_us(p99)
            ));
        }
    }
    reasons
}

fn missed_reasons(evidence: &Evidence) -> Vec<String> {
    let mut reasons = Vec::new();
    for limited in &evidence.limited {
        if let Some(value_us) = limited.value_us.filter(|value_us| *value_us > limited.limit_us) {
            reasons.push(format!(
                "{} {} is {}, the limit is {}",
                evidence.target.metric.name(),
                limited.percentile.name,
                duration_us(value_us),
                duration_us(limited.limit_us)
            ));
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of records")]
    let (offered, growth) = (evidence.offered as f64, evidence.unacked_growth as f64);
    let offered_rate = offered / evidence.duration_s;
    if evidence.achieved_rate < ACHIEVED_MIN * offered_rate {
        reasons.push(format!(
            "achieved {} of the offered {}",
            rate(evidence.achieved_rate),
            rate(offered_rate)
        ));
    }
    if growth > UNACKED_GROWTH_MAX * offered {
        reasons.push(format!(
            "{growth:.0} more records were unacknowledged at the end than at the start"
        ));
    }
    reasons
}

/// Percentiles that decide the target and rest on too little, or on stolen time.
fn weak_tails(evidence: &Evidence) -> Vec<String> {
    let mut reasons = Vec::new();
    for limited in &evidence.limited {
        let name = limited.percentile.name;
        let Some(value_us) = limited.value_us else {
            reasons.push(format!("too few records for {name}: run longer or at a higher rate"));
            continue;
        };
        let near = value_us <= limited.limit_us * 2 && value_us * 2 >= limited.limit_us;
        if limited.episodes < EPISODES_MIN && near {
            reasons.push(format!(
                "{name} rests on {} episodes and lies within a factor 2 of the limit: run longer",
                limited.episodes
            ));
        }
        let beyond: u64 = limited.beyond_per_second.iter().sum();
        let per_second = limited.beyond_per_second.iter().zip(&evidence.seconds);
        let stolen: u64 =
            per_second.filter(|(_, second)| second.steal > STOLEN).map(|(count, _)| count).sum();
        if stolen * 2 > beyond {
            reasons.push(format!(
                "seconds with more than {:.0} % stolen CPU time hold {stolen} of the {beyond} samples beyond {name}",
                STOLEN * 100.0
            ));
        }
    }
    reasons
}

fn machine_warnings(seconds: &[Second]) -> Vec<String> {
    type Pick = fn(&Second) -> f64;
    let signs: [(&str, f64, Pick); 4] = [
        ("CPU time was stolen", 0.01, |second| second.steal),
        ("tasks waited for a CPU", 0.20, |second| second.cpu_pressure),
        ("tasks waited for I/O", 0.50, |second| second.io_pressure),
        ("the client was ready and did not run", 0.02, |second| second.run_delay),
    ];
    let warning = |(what, limit, pick): &(&str, f64, Pick)| {
        let above = seconds.iter().filter(|second| pick(second) > *limit).count();
        let most = seconds.iter().map(pick).fold(0.0, f64::max);
        (above > 0).then(|| {
            format!(
                "{what}: above {:.0} % in {above} of {} seconds, {:.0} % at most",
                limit * 100.0,
                seconds.len(),
                most * 100.0
            )
        })
    };
    signs.iter().filter_map(warning).collect()
}

/// The process's exit code.
#[must_use]
pub fn exit_code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Met | Verdict::Measured => 0,
        Verdict::Missed => 1,
        Verdict::Invalid => 3,
        Verdict::VerifyFailed => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use reports::{Metric, PERCENTILES};
    use std::collections::BTreeMap;

    fn evidence() -> Evidence {
        Evidence {
            target: Target {
                rate: 1e6,
                metric: Metric::E2e,
                limits: BTreeMap::from([("p99_us".to_owned(), 2_000)]),
            },
            duration_s: 30.0,
            offered: 30_000_000,
            achieved_rate: 1e6,
            unacked_growth: 0,
            due_to_ack_p99_us: Some(1_000),
            placed_to_ack_p99_us: Some(980),
            busy_ratio: 0.6,
            floor_p99_us: Some(300),
            limited: vec![Limited {
                percentile: PERCENTILES[2],
                limit_us: 2_000,
                value_us: Some(1_400),
                episodes: 250,
                beyond_per_second: vec![10_000; 30],
            }],
            seconds: vec![Second::default(); 30],
            verify: None,
            verify_overflowed: false,
        }
    }

    fn check(change: impl FnOnce(&mut Evidence), expect: Expect) {
        let mut evidence = evidence();
        change(&mut evidence);
        let judged = judge(&evidence);
        let mut lines = vec![format!("{:?}", judged.verdict)];
        if judged.upper_bound {
            lines.push("upper bound".to_owned());
        }
        lines.extend(judged.missed_reasons.iter().map(|it| format!("missed: {it}")));
        lines.extend(judged.invalid_reasons.iter().map(|it| format!("invalid: {it}")));
        lines.extend(judged.warnings.iter().map(|it| format!("warning: {it}")));
        expect.assert_eq(&lines.join("\n"));
    }

    #[test]
    fn a_quiet_run_under_the_limit_meets_the_target() {
        check(|_| {}, expect!["Met"]);
    }

    #[test]
    fn a_run_above_the_limit_misses_it() {
        check(
            |it| it.limited[0].value_us = Some(2_100),
            expect![[r#"
            Missed
            missed: e2e p99 is 2.10 ms, the limit is 2.00 ms"#]],
        );
    }

    #[test]
    fn a_broker_that_falls_behind_misses_the_target() {
        check(
            |it| {
                it.achieved_rate = 950_000.0;
                it.unacked_growth = 1_500_000;
            },
            expect![[r#"
                Missed
                missed: achieved 950 k/s of the offered 1.00 M/s
                missed: 1500000 more records were unacknowledged at the end than at the start"#]],
        );
    }

    #[test]
    fn a_limited_client_voids_a_miss() {
        check(
            |it| {
                it.limited[0].value_us = Some(9_000);
                it.due_to_ack_p99_us = Some(8_000);
                it.placed_to_ack_p99_us = Some(3_000);
            },
            expect![[r#"
                Invalid
                missed: e2e p99 is 9.00 ms, the limit is 2.00 ms
                invalid: the target was missed, but the client placed records late: 5.00 ms of the ack p99 of 8.00 ms
                warning: the client placed records late: 5.00 ms of the ack p99 of 8.00 ms"#]],
        );
    }

    #[test]
    fn a_limited_client_turns_a_pass_into_an_upper_bound() {
        check(
            |it| it.busy_ratio = 0.97,
            expect![[r#"
            Met
            upper bound
            warning: the client's core was 97 % busy"#]],
        );
        check(
            |it| it.floor_p99_us = Some(900),
            expect![[r#"
            Met
            upper bound
            warning: the harness alone has a p99 of 900 µs, more than half of the measured 1.40 ms"#]],
        );
    }

    #[test]
    fn a_lag_is_only_a_limit_when_it_is_large_in_both_measures() {
        check(
            |it| {
                it.due_to_ack_p99_us = Some(500);
                it.placed_to_ack_p99_us = Some(410);
            },
            expect!["Met"],
        );
    }

    #[test]
    fn few_episodes_void_a_percentile_near_the_limit_only() {
        check(
            |it| it.limited[0].episodes = 3,
            expect![[r#"
            Invalid
            invalid: p99 rests on 3 episodes and lies within a factor 2 of the limit: run longer"#]],
        );
        check(
            |it| {
                it.limited[0].episodes = 3;
                it.limited[0].value_us = Some(400);
                it.floor_p99_us = None;
            },
            expect!["Met"],
        );
    }

    #[test]
    fn stolen_time_voids_a_run_only_when_it_holds_the_tail() {
        let steal = |it: &mut Evidence, beyond| {
            for second in &mut it.seconds[..3] {
                second.steal = 0.08;
            }
            it.limited[0].beyond_per_second[..3].fill(beyond);
        };
        check(
            |it| steal(it, 10_000),
            expect![[r#"
            Met
            warning: CPU time was stolen: above 1 % in 3 of 30 seconds, 8 % at most"#]],
        );
        check(
            |it| steal(it, 900_000),
            expect![[r#"
            Invalid
            invalid: seconds with more than 5 % stolen CPU time hold 2700000 of the 2970000 samples beyond p99
            warning: CPU time was stolen: above 1 % in 3 of 30 seconds, 8 % at most"#]],
        );
    }

    #[test]
    fn lost_records_are_worse_than_anything_else() {
        check(
            |it| {
                it.limited[0].value_us = Some(9_000);
                it.verify = Some(Verify { lost: 1, ..Verify::default() });
            },
            expect![[r#"
                VerifyFailed
                missed: e2e p99 is 9.00 ms, the limit is 2.00 ms"#]],
        );
    }

    #[test]
    fn without_limits_the_figures_stand_for_themselves() {
        check(
            |it| {
                it.target.limits.clear();
                it.limited.clear();
            },
            expect!["Measured"],
        );
    }
}
