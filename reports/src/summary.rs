//! The words and tables that all three renderings share, so that they cannot disagree.

use crate::format::{bytes, count, duration_us, rate};
use crate::schema::{Latency, PERCENTILES, Report, Verdict};

/// A table of text: a heading row, then rows of as many cells.
pub(crate) struct Table {
    pub(crate) head: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// The verdict in one sentence.
pub(crate) fn headline(report: &Report) -> String {
    let target = target_text(report);
    match report.verdict {
        Verdict::Met if report.upper_bound => {
            format!(
                "Target met: {target}. The client was limited, so these figures are an upper bound."
            )
        }
        Verdict::Met => format!("Target met: {target}."),
        Verdict::Missed => {
            format!("Target missed: {target}. {}", sentences(&report.missed_reasons))
        }
        Verdict::Invalid => format!("INVALID: {}", sentences(&report.invalid_reasons)),
        Verdict::VerifyFailed => {
            let verify = report.verify.as_ref().map(verify_text).unwrap_or_default();
            format!("Verification failed: {verify}.")
        }
        Verdict::Measured => {
            format!("Measured at {}; no latency target was given.", rate(report.target.rate))
        }
    }
}

fn sentences(reasons: &[String]) -> String {
    if reasons.is_empty() { String::new() } else { format!("{}.", reasons.join("; ")) }
}

/// `1.00 M/s with e2e p99 ≤ 2.00 ms`.
pub(crate) fn target_text(report: &Report) -> String {
    let target = &report.target;
    let limits: Vec<String> = PERCENTILES
        .iter()
        .filter_map(|&percentile| {
            let limit = target.limit_us(percentile)?;
            Some(format!("{} {} ≤ {}", target.metric.name(), percentile.name, duration_us(limit)))
        })
        .collect();
    if limits.is_empty() {
        rate(target.rate)
    } else {
        format!("{} with {}", rate(target.rate), limits.join(", "))
    }
}

/// Every histogram with its percentiles; the headline metrics come first.
pub(crate) fn latencies(report: &Report) -> Table {
    let mut head = vec!["latency", "from → to"];
    head.extend(PERCENTILES.iter().map(|percentile| percentile.name));
    head.push("max");
    let mut rows = Vec::new();
    for (name, span, latency) in [
        ("ack", "due → acknowledged", &report.ack),
        ("e2e", "due → consumed", &report.e2e),
        ("lag", "due → placed in a batch", &report.lag),
        ("service", "sent → acknowledged", &report.service),
        ("deliver", "sent → consumed", &report.deliver),
    ] {
        let Some(latency) = latency else { continue };
        let mut row = vec![name.to_owned(), span.to_owned()];
        row.extend(PERCENTILES.iter().map(|p| optional_us(latency.at(*p))));
        row.push(if latency.count == 0 { dash() } else { duration_us(latency.max_us) });
        rows.push(row);
    }
    if let Some(floor) = &report.floor {
        rows.push(vec![
            "floor".to_owned(),
            format!("{} of the harness alone", floor.metric.name()),
            optional_us(floor.p50_us),
            dash(),
            optional_us(floor.p99_us),
            optional_us(floor.p999_us),
            dash(),
            dash(),
        ]);
    }
    Table { head, rows }
}

/// Intervals of the headline metrics, and marks for percentiles that rest on few episodes.
pub(crate) fn intervals(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, latency) in [("ack", &report.ack), ("e2e", &report.e2e)] {
        let Some(latency) = latency else { continue };
        for percentile in PERCENTILES {
            if let Some([low, high]) = latency.ci.get(percentile.field) {
                lines.push(format!(
                    "{name} {}: {} to {}",
                    percentile.name,
                    duration_us(*low),
                    duration_us(*high)
                ));
            } else if let Some(episodes) = few_episodes(latency, percentile.field) {
                lines.push(format!("{name} {}: few episodes ({episodes})", percentile.name));
            }
        }
    }
    lines
}

fn few_episodes(latency: &Latency, field: &str) -> Option<u64> {
    latency.episodes.get(field).copied().filter(|episodes| *episodes < 10)
}

/// What became of the records.
pub(crate) fn records(report: &Report) -> Vec<(&'static str, String)> {
    let records = &report.records;
    let mut facts = vec![
        ("offered", format!("{} ({})", count(report.offered), rate(report.target.rate))),
        ("achieved", rate(report.achieved_rate)),
        ("payload", format!("{:.1} MB/s", report.throughput.mb_per_s)),
        ("acknowledged", count(records.acked)),
        ("consumed", count(records.consumed)),
        ("errors", count(records.errors)),
        ("timeouts", count(records.timeouts)),
        ("not sent", count(records.not_sent)),
    ];
    if let Some(verify) = &report.verify {
        facts.push(("verified", verify_text(verify)));
    }
    facts
}

fn verify_text(verify: &crate::schema::Verify) -> String {
    if verify.failed() {
        format!(
            "{} lost, {} duplicated, {} reordered, {} corrupted",
            verify.lost, verify.duplicated, verify.reordered, verify.corrupted
        )
    } else {
        "nothing lost, duplicated, reordered or corrupted".to_owned()
    }
}

/// What the run cost.
pub(crate) fn resources(report: &Report) -> Vec<(&'static str, String)> {
    let resources = &report.resources;
    let cpu = |seconds: Option<f64>| {
        seconds.map(|s| format!("{s:.2} s ({:.2} cores)", s / report.duration_s.max(1e-9)))
    };
    let mut facts = Vec::new();
    let mut push = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
    push("machine CPU without the client", cpu(resources.machine_cpu_s));
    push("broker CPU (process)", cpu(resources.broker_cpu_s));
    push("client CPU", cpu(resources.client_cpu_s));
    push("client busy", Some(format!("{:.0} %", resources.client_busy_ratio * 100.0)));
    push(
        "CPU per million records",
        resources.cpu_s_per_million.map(|seconds| format!("{seconds:.3} s")),
    );
    push("broker memory (RSS)", resources.broker_rss_bytes.map(bytes));
    push(
        "device bytes written per payload byte (whole device)",
        resources.device_bytes_written_per_byte.map(|ratio| format!("{ratio:.2}")),
    );
    push(
        "broker's write_bytes per payload byte (by folio, overstates)",
        resources.bytes_written_per_byte.map(|ratio| format!("{ratio:.2}")),
    );
    push("steal", resources.steal_ratio.map(|ratio| format!("{:.2} %", ratio * 100.0)));
    push(
        "dirty and writeback bytes",
        resources
            .writeback_in_window
            .map(|[start, end]| format!("{} → {}", bytes(start), bytes(end))),
    );
    facts
}

/// The circumstances.
pub(crate) fn labels(report: &Report) -> Vec<(&'static str, String)> {
    let labels = &report.labels;
    let mut facts = vec![
        ("broker", labels.broker.clone()),
        ("durability", labels.durability()),
        ("acks", labels.acks.clone()),
        ("idempotent", yes_no(labels.idempotent)),
        ("record value", format!("{} B", labels.record_bytes)),
        ("batch limit", bytes(labels.batch_bytes)),
        ("linger", duration_us(labels.linger_us)),
        ("compression", labels.compression.clone()),
        ("schedule", labels.schedule.clone()),
        ("topics × partitions", format!("{} × {}", labels.topics, labels.partitions)),
        ("producers, consumers", format!("{}, {}", labels.producers, labels.consumers)),
        ("requests in flight", format!("{} per producer", labels.in_flight)),
        (
            "fetch",
            format!("max wait {} ms, min {} B", labels.fetch_max_wait_ms, labels.fetch_min_bytes),
        ),
        ("TLS", yes_no(labels.tls)),
        ("window", format!("{:.0} s after {:.0} s of warm-up", report.duration_s, labels.warmup_s)),
        ("placement", labels.placement.clone()),
        ("client", format!("CPUs {}, {}", labels.client_cpus, labels.client_io)),
    ];
    let mut push = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
    push("broker CPUs", labels.broker_cpus.clone());
    push("broker I/O", labels.broker_io.clone());
    push("replication factor", labels.replication_factor.map(|factor| factor.to_string()));
    push("min in-sync replicas", labels.min_insync_replicas.clone());
    push("kernel", Some(labels.kernel.clone()));
    push("CPU", Some(labels.cpu_model.clone()));
    push("disk", labels.disk.clone());
    push("commit", labels.commit.clone());
    facts
}

fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

fn optional_us(value: Option<u64>) -> String {
    value.map_or_else(dash, duration_us)
}

fn dash() -> String {
    "–".to_owned()
}
