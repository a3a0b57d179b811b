//! One report with every part filled, for the snapshots.

use std::collections::BTreeMap;

use crate::histogram;
use crate::schema::{
    Floor, Interval, Labels, Latency, Metric, Records, Report, Resources, SCHEMA, Target,
    Throughput, Verdict, Verify,
};

pub(crate) fn report() -> Report {
    let body = |scale: u64| -> Vec<(u64, u64)> {
        (0..400).map(|step| (scale + step * step / 40, 30_000 / (1 + step))).collect()
    };
    let latency = |scale: u64, tracked: bool| {
        let hdr = histogram::encode(body(scale));
        let decoded = histogram::decode(&hdr).unwrap();
        let at = |quantile| Some(decoded.value_at_quantile(quantile));
        let per_field = |fields: &[&str], value: u64| -> BTreeMap<String, u64> {
            fields.iter().map(|field| ((*field).to_owned(), value)).collect()
        };
        Latency {
            count: decoded.len(),
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            p9999_us: None,
            max_us: decoded.max(),
            episodes: if tracked {
                let mut episodes = per_field(&["p50_us", "p90_us", "p99_us"], 300);
                episodes.insert("p999_us".to_owned(), 7);
                episodes
            } else {
                BTreeMap::new()
            },
            ci: if tracked {
                BTreeMap::from([("p99_us".to_owned(), [scale + 1_000, scale + 1_200])])
            } else {
                BTreeMap::new()
            },
            hdr,
        }
    };
    Report {
        schema: SCHEMA,
        name: "sample".to_owned(),
        started_at: "2026-01-02T03:04:05Z".to_owned(),
        command: "loadgen run --rate 1M/s --target p99=2ms".to_owned(),
        verdict: Verdict::Met,
        valid: true,
        invalid_reasons: vec![],
        missed_reasons: vec![],
        warnings: vec!["steal above 1 % in 2 of 30 seconds, 3.1 % at most".to_owned()],
        upper_bound: false,
        target: Target {
            rate: 1_000_000.0,
            metric: Metric::E2e,
            limits: BTreeMap::from([("p99_us".to_owned(), 5_000)]),
        },
        duration_s: 30.0,
        offered: 30_000_000,
        achieved_rate: 999_800.0,
        records: Records {
            sent: 30_000_000,
            acked: 30_000_000,
            consumed: 30_000_000,
            ..Records::default()
        },
        ack: Some(latency(400, true)),
        e2e: Some(latency(520, true)),
        lag: Some(latency(3, false)),
        service: Some(latency(180, false)),
        deliver: Some(latency(260, false)),
        floor: Some(Floor {
            metric: Metric::E2e,
            p50_us: Some(310),
            p99_us: Some(690),
            p999_us: Some(850),
            hdr: histogram::encode(body(280).into_iter().map(|(us, count)| (us / 2 + 150, count))),
        }),
        throughput: Throughput { records_per_s: 999_800.0, mb_per_s: 99.98 },
        resources: Resources {
            machine_cpu_s: Some(21.4),
            broker_cpu_s: Some(17.9),
            broker_rss_bytes: Some(96 << 20),
            client_cpu_s: Some(30.0),
            cpu_s_per_million: Some(0.713),
            bytes_written_per_byte: Some(12.6),
            device_bytes_written_per_byte: Some(2.11),
            client_busy_ratio: 0.62,
            steal_ratio: Some(0.004),
            writeback_in_window: Some([12 << 20, 700 << 20]),
        },
        labels: Labels {
            broker: "embedded".to_owned(),
            record_bytes: 100,
            batch_bytes: 65_536,
            linger_us: 500,
            acks: "all".to_owned(),
            idempotent: false,
            compression: "none".to_owned(),
            schedule: "constant".to_owned(),
            topics: 1,
            partitions: 6,
            producers: 2,
            consumers: 2,
            in_flight: 5,
            replication_factor: Some(1),
            min_insync_replicas: Some("1".to_owned()),
            flush_messages: Some("1".to_owned()),
            fetch_max_wait_ms: 500,
            fetch_min_bytes: 1,
            tls: false,
            placement: "split".to_owned(),
            client_cpus: "1".to_owned(),
            broker_cpus: Some("0".to_owned()),
            client_io: "uring".to_owned(),
            broker_io: Some("uring".to_owned()),
            kernel: "6.18".to_owned(),
            cpu_model: "Example CPU".to_owned(),
            disk: Some("ext4".to_owned()),
            commit: Some("0123abc".to_owned()),
            warmup_s: 5.0,
        },
        verify: Some(Verify::default()),
        intervals: (0..30).map(interval).collect(),
    }
}

fn interval(at_s: u32) -> Interval {
    let wave = u64::from(at_s % 7) * 37;
    let spike = if at_s == 17 { 2_900 } else { 0 };
    Interval {
        at_s,
        offered: 1_000_000,
        acked: 1_000_000 - wave * 100,
        consumed: 1_000_000 - wave * 90,
        errors: 0,
        ack_p50_us: Some(430 + wave / 4),
        ack_p99_us: Some(1_100 + wave + spike),
        ack_max_us: Some(2_900 + wave * 4 + spike * 2),
        e2e_p50_us: Some(560 + wave / 4),
        e2e_p99_us: Some(1_300 + wave + spike),
        e2e_max_us: Some(3_300 + wave * 4 + spike * 2),
        machine_cores: Some(0.71 + f64::from(at_s % 5) * 0.01),
        broker_cores: Some(0.6 + f64::from(at_s % 5) * 0.01),
        client_busy_ratio: 0.6 + f64::from(at_s % 3) * 0.02,
        steal_ratio: Some(0.004),
        cpu_pressure_ratio: Some(0.01),
        io_pressure_ratio: Some(0.2),
        client_run_delay_ratio: Some(0.001),
    }
}
