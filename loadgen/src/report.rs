//! From an outcome to a report: percentiles, intervals, judgement, labels.

use reports::{
    Floor, Interval, Labels, Latency, Metric, PERCENTILES, Records, Report, Resources, SCHEMA,
    Target, Throughput,
};
use std::collections::BTreeMap;

use crate::bins::{Bins, samples_beyond};
use crate::interval::{EPISODES_MIN, intervals};
use crate::judge::{self, Evidence, Limited};
use crate::load::{Outcome, Second};
use crate::machine::Sample;
use crate::plan::{Acks, Plan};
use crate::timeline::Timeline;

/// What the caller knows besides the outcome.
pub struct Circumstances {
    pub name: String,
    pub started_at: String,
    pub command: String,
    /// Placement, backends, machine; what the plan and the broker say is filled in here.
    pub labels: Labels,
}

/// The floor of a run against the sink.
#[must_use]
pub fn floor(outcome: &Outcome, metric: Metric) -> Floor {
    let timeline = headline(outcome, metric);
    let total = timeline.total(0..timeline.block_count());
    let at = |quantile| total.quantile(quantile, EPISODES_MIN);
    Floor {
        metric,
        p50_us: at(0.5),
        p99_us: at(0.99),
        p999_us: at(0.999),
        hdr: reports::histogram::encode(total.samples()),
    }
}

/// Judges the outcome and puts everything into one report.
#[must_use]
pub fn report(
    plan: &Plan,
    outcome: &Outcome,
    floor: Option<Floor>,
    circumstances: Circumstances,
) -> Report {
    let with_acks = plan.acks != Acks::None;
    let with_consumers = plan.consumers > 0;
    let achieved_rate = per_s(outcome.arrived_in_window, outcome.duration_s);
    let evidence = evidence(plan, outcome, floor.as_ref(), achieved_rate);
    let judgement = judge::judge(&evidence);
    let counts = &outcome.counts;
    let mut warnings = judgement.warnings;
    for (code, count) in counts.errors.iter().filter(|(_, count)| **count > 0) {
        let name = model::ErrorCode::from_code(*code).map_or("no answer", |code| code.name());
        warnings.push(format!("{count} records were refused: {name} ({code})"));
    }
    if outcome.unrecorded > 0 {
        let count = outcome.unrecorded;
        warnings.push(format!("{count} entries found no room in the history: it proves nothing"));
    }
    let unanswered = if with_acks { outcome.offered.saturating_sub(counts.acked) } else { 0 };
    let latencies = &outcome.latencies;
    Report {
        schema: SCHEMA,
        name: circumstances.name,
        started_at: circumstances.started_at,
        command: circumstances.command,
        verdict: judgement.verdict,
        valid: judgement.invalid_reasons.is_empty(),
        invalid_reasons: judgement.invalid_reasons,
        missed_reasons: judgement.missed_reasons,
        warnings,
        upper_bound: judgement.upper_bound,
        target: evidence.target,
        duration_s: outcome.duration_s,
        offered: outcome.offered,
        achieved_rate,
        records: Records {
            sent: counts.sent,
            acked: counts.acked,
            consumed: counts.consumed,
            errors: counts.error_count(),
            timeouts: unanswered.saturating_sub(counts.error_count() + counts.not_sent),
            not_sent: counts.not_sent,
        },
        ack: with_acks.then(|| tracked(&latencies.ack)),
        e2e: with_consumers.then(|| tracked(&latencies.e2e)),
        lag: Some(plain(&latencies.lag)),
        service: with_acks.then(|| plain(&latencies.service)),
        deliver: with_consumers.then(|| plain(&latencies.deliver)),
        floor,
        throughput: Throughput {
            records_per_s: achieved_rate,
            mb_per_s: achieved_rate * to_f64(plan.record_bytes as u64) / 1e6,
        },
        resources: resources(plan, outcome),
        labels: labels(plan, outcome, circumstances.labels),
        verify: plan.verify.then(|| outcome.verify.clone()),
        intervals: seconds(outcome, with_acks, with_consumers),
    }
}

fn headline(outcome: &Outcome, metric: Metric) -> &Timeline {
    match metric {
        Metric::Ack => &outcome.latencies.ack,
        Metric::E2e => &outcome.latencies.e2e,
    }
}

fn evidence(plan: &Plan, outcome: &Outcome, floor: Option<&Floor>, achieved_rate: f64) -> Evidence {
    let metric = plan.metric();
    let timeline = headline(outcome, metric);
    let total = timeline.total(0..timeline.block_count());
    let mut limited = Vec::new();
    for percentile in PERCENTILES {
        let Some(limit_us) = plan.limits.get(percentile.field).copied() else { continue };
        let bin = total.quantile_bin(percentile.quantile);
        limited.push(Limited {
            percentile,
            limit_us,
            value_us: total.quantile(percentile.quantile, EPISODES_MIN),
            episodes: timeline.episodes(&total, percentile),
            beyond_per_second: bin.map_or(Vec::new(), |bin| timeline.beyond_per_second(bin)),
        });
    }
    let acks = &outcome.latencies.ack;
    let acks = acks.total(0..acks.block_count());
    Evidence {
        target: Target { rate: plan.rate_per_s, metric, limits: plan.limits.clone() },
        duration_s: outcome.duration_s,
        offered: outcome.offered,
        achieved_rate,
        unacked_growth: outcome.unacked_growth,
        due_to_ack_p99_us: acks.quantile(0.99, EPISODES_MIN),
        placed_to_ack_p99_us: outcome.latencies.placed_to_ack.quantile(0.99, EPISODES_MIN),
        busy_ratio: outcome.busy_ratio,
        floor_p99_us: floor.and_then(|floor| floor.p99_us),
        limited,
        seconds: outcome.seconds.iter().map(noise).collect(),
        verify: plan.verify.then(|| outcome.verify.clone()),
        verify_overflowed: plan.verify && outcome.verify_overflowed,
    }
}

/// A headline histogram with episodes and intervals.
fn tracked(timeline: &Timeline) -> Latency {
    let total = timeline.total(0..timeline.block_count());
    let episodes = PERCENTILES
        .iter()
        .filter(|percentile| samples_beyond(total.count(), percentile.quantile) >= EPISODES_MIN)
        .map(|percentile| (percentile.field.to_owned(), timeline.episodes(&total, *percentile)));
    Latency { episodes: episodes.collect(), ci: intervals(timeline), ..plain(&total) }
}

fn plain(bins: &Bins) -> Latency {
    let at = |index: usize| bins.quantile(PERCENTILES[index].quantile, EPISODES_MIN);
    Latency {
        count: bins.count(),
        p50_us: at(0),
        p90_us: at(1),
        p99_us: at(2),
        p999_us: at(3),
        p9999_us: at(4),
        max_us: bins.max_us(),
        episodes: BTreeMap::new(),
        ci: BTreeMap::new(),
        hdr: reports::histogram::encode(bins.samples()),
    }
}

/// The growth of a counter between two readings.
fn growth(machine: &[Sample; 2], pick: fn(&Sample) -> Option<f64>) -> Option<f64> {
    Some(pick(&machine[1])? - pick(&machine[0])?)
}

fn resources(plan: &Plan, outcome: &Outcome) -> Resources {
    let machine = &outcome.machine;
    let client_cpu_s = growth(machine, |it| it.client_cpu_s);
    let busy_s = growth(machine, |it| it.busy_s);
    let machine_cpu_s = busy_s.zip(client_cpu_s).map(|(busy, client)| (busy - client).max(0.0));
    let arrived = to_f64(outcome.arrived_in_window);
    let payload_bytes = arrived * to_f64(plan.record_bytes as u64);
    let per_byte = |written: Option<f64>| {
        written.filter(|_| payload_bytes > 0.0).map(|written| written / payload_bytes)
    };
    let total_s = growth(machine, |it| it.total_s);
    Resources {
        machine_cpu_s,
        broker_cpu_s: growth(machine, |it| it.broker_cpu_s),
        broker_rss_bytes: machine[1].broker_rss_bytes,
        client_cpu_s,
        cpu_s_per_million: machine_cpu_s.filter(|_| arrived > 0.0).map(|s| s * 1e6 / arrived),
        bytes_written_per_byte: per_byte(growth(machine, |it| it.broker_written_bytes.map(to_f64))),
        device_bytes_written_per_byte: per_byte(growth(machine, |it| {
            it.device_written_bytes.map(to_f64)
        })),
        client_busy_ratio: outcome.busy_ratio,
        steal_ratio: share(growth(machine, |it| it.steal_s), total_s),
        writeback_in_window: machine[0]
            .dirty_bytes
            .zip(machine[1].dirty_bytes)
            .map(<[u64; 2]>::from),
    }
}

fn share(part: Option<f64>, whole: Option<f64>) -> Option<f64> {
    part.zip(whole).filter(|(_, whole)| *whole > 0.0).map(|(part, whole)| part / whole)
}

fn noise(second: &Second) -> judge::Second {
    let of = |pick| growth(&second.machine, pick).map_or(0.0, |grown| grown / second.length_s);
    let total_s = growth(&second.machine, |it| it.total_s);
    judge::Second {
        steal: share(growth(&second.machine, |it| it.steal_s), total_s).unwrap_or(0.0),
        cpu_pressure: of(|it| it.cpu_pressure_s),
        io_pressure: of(|it| it.io_pressure_s),
        run_delay: of(|it| it.run_delay_s),
    }
}

fn seconds(outcome: &Outcome, with_acks: bool, with_consumers: bool) -> Vec<Interval> {
    let latencies = &outcome.latencies;
    let mut intervals = Vec::new();
    for (at, second) in outcome.seconds.iter().enumerate() {
        let blocks = |timeline: &Timeline| {
            let end = ((at + 1) * 10).min(timeline.block_count());
            timeline.total((at * 10).min(end)..end)
        };
        let ack = with_acks.then(|| blocks(&latencies.ack));
        let e2e = with_consumers.then(|| blocks(&latencies.e2e));
        let at_quantile = |bins: &Option<Bins>, quantile| {
            bins.as_ref().and_then(|bins| bins.quantile(quantile, EPISODES_MIN))
        };
        let most = |bins: &Option<Bins>| bins.as_ref().map(Bins::max_us);
        let per_second =
            |pick| growth(&second.machine, pick).map(|grown: f64| grown / second.length_s);
        let client = per_second(|it| it.client_cpu_s);
        let busy = per_second(|it| it.busy_s);
        let total_s = growth(&second.machine, |it| it.total_s);
        intervals.push(Interval {
            at_s: u32::try_from(at).expect("a run of years"),
            offered: second.due,
            acked: second.acked,
            consumed: second.consumed,
            errors: second.errors,
            ack_p50_us: at_quantile(&ack, 0.5),
            ack_p99_us: at_quantile(&ack, 0.99),
            ack_max_us: most(&ack),
            e2e_p50_us: at_quantile(&e2e, 0.5),
            e2e_p99_us: at_quantile(&e2e, 0.99),
            e2e_max_us: most(&e2e),
            machine_cores: busy.zip(client).map(|(busy, client)| (busy - client).max(0.0)),
            broker_cores: per_second(|it| it.broker_cpu_s),
            client_busy_ratio: second.busy_ratio,
            steal_ratio: share(growth(&second.machine, |it| it.steal_s), total_s),
            cpu_pressure_ratio: per_second(|it| it.cpu_pressure_s),
            io_pressure_ratio: per_second(|it| it.io_pressure_s),
            client_run_delay_ratio: per_second(|it| it.run_delay_s),
        });
    }
    intervals
}

fn labels(plan: &Plan, outcome: &Outcome, known: Labels) -> Labels {
    let positive = |value: i32| u32::try_from(value).unwrap_or(0);
    Labels {
        record_bytes: plan.record_bytes as u64,
        batch_bytes: plan.batch_bytes as u64,
        linger_us: u64::try_from(plan.linger.as_micros()).unwrap_or(u64::MAX),
        acks: plan.acks.name().to_owned(),
        idempotent: plan.idempotent,
        compression: plan.compression.codec.name().to_owned(),
        schedule: plan.shape.name().to_owned(),
        topics: plan.topics,
        partitions: plan.partitions,
        producers: plan.producers,
        consumers: plan.consumers,
        in_flight: u32::try_from(plan.in_flight).unwrap_or(u32::MAX),
        replication_factor: Some(outcome.settings.replication_factor),
        min_insync_replicas: outcome.settings.min_insync_replicas.clone(),
        flush_messages: outcome.settings.flush_messages.clone(),
        fetch_max_wait_ms: positive(plan.fetch_max_wait_ms),
        fetch_min_bytes: positive(plan.fetch_min_bytes),
        warmup_s: plan.warmup.as_secs_f64(),
        ..known
    }
}

fn per_s(count: u64, seconds: f64) -> f64 {
    to_f64(count) / seconds.max(1e-9)
}

#[expect(clippy::cast_precision_loss, reason = "figures with a few digits")]
fn to_f64(value: u64) -> f64 {
    value as f64
}
