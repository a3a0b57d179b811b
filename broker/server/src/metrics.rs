//! The metrics page: names, labels, units and help of every counter.
//!
//! Names are those that common Kafka dashboards use where Kafka has the figure, `odradek_` otherwise.
//! Call sites count plain fields of [`Stats`]; only this file knows how they are called outside.

mod exposition;
mod groups;

use core::fmt::Display;

use runtime::Runtime;
use storage::StoreStats;

use crate::http::{Page, Status};
use crate::mesh::{Reply, Request};
use crate::shard::Shard;
use crate::stats::Stats;
use exposition::{CONTENT_TYPE, Exposition, Kind};
pub(crate) use groups::{GroupFigures, GroupSnapshot, ROWS_MAX};

/// One shard's figures at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) stats: Stats,
    pub(crate) store: StoreStats,
    pub(crate) partitions: Vec<PartitionFigures>,
    pub(crate) groups: GroupSnapshot,
    /// Logs that failed, whether they could be opened or not.
    pub(crate) offline_logs: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PartitionFigures {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) log_start_offset: i64,
    pub(crate) high_watermark: i64,
    pub(crate) size_bytes: u64,
}

/// What `path` shows.
pub(crate) async fn page<R: Runtime>(shard: &Shard<R>, path: &str) -> Page {
    match path {
        "/metrics" => Page {
            status: Status::Ok,
            content_type: CONTENT_TYPE,
            body: render(&collect(shard).await),
        },
        "/health" if shard.stopping.get() => Page::text(Status::ServiceUnavailable, "stopping\n"),
        "/health" => {
            let offline = offline_count(&collect(shard).await);
            match offline {
                0 => Page::text(Status::Ok, "ok\n"),
                _ => {
                    Page::text(Status::ServiceUnavailable, format!("{offline} logs are offline\n"))
                }
            }
        }
        "/" => Page::text(Status::Ok, "/metrics\n/health\n"),
        _ => Page::text(Status::NotFound, "see /metrics and /health\n"),
    }
}

async fn collect<R: Runtime>(shard: &Shard<R>) -> Vec<Snapshot> {
    let mut snapshots = Vec::new();
    for of in shard.shards() {
        if of == shard.id {
            snapshots.push(shard.snapshot());
        } else if let Some(Reply::Snapshot(snapshot)) = shard.mesh.call(of, Request::Snapshot).await
        {
            snapshots.push(*snapshot);
        }
    }
    snapshots
}

fn offline_count(snapshots: &[Snapshot]) -> usize {
    snapshots.iter().map(|snapshot| snapshot.offline_logs).sum()
}

/// Name, help, and the field it comes from.
type Counter = (&'static str, &'static str, fn(&Stats) -> u64);

/// Sums over all shards; everything counts up from the start of the process.
const COUNTERS: &[Counter] = &[
    ("kafka_server_brokertopicmetrics_bytesin_total", "Record bytes appended by producers.", |s| {
        s.produce_bytes
    }),
    ("kafka_server_brokertopicmetrics_bytesout_total", "Record bytes sent to consumers.", |s| {
        s.fetch_bytes
    }),
    ("kafka_server_brokertopicmetrics_messagesin_total", "Records appended by producers.", |s| {
        s.produce_records
    }),
    ("kafka_server_brokertopicmetrics_totalproducerequests_total", "Produce requests.", |s| {
        s.produce_requests
    }),
    ("kafka_server_brokertopicmetrics_totalfetchrequests_total", "Fetch requests.", |s| {
        s.fetch_requests
    }),
    (
        "kafka_server_brokertopicmetrics_failedproducerequests_total",
        "Partitions of Produce requests that were refused.",
        |s| s.produce_failures,
    ),
    (
        "kafka_server_brokertopicmetrics_failedfetchrequests_total",
        "Partitions of Fetch requests that were refused.",
        |s| s.fetch_failures,
    ),
    (
        "odradek_produce_timeouts_total",
        "Partitions of Produce requests whose records were not safe within timeout_ms.",
        |s| s.produce_timeouts,
    ),
    ("odradek_requests_total", "Requests of every kind.", |s| s.requests),
    ("odradek_produce_batches_total", "Record batches appended.", |s| s.produce_batches),
    ("odradek_fetches_parked_total", "Fetches that waited for more bytes.", |s| s.fetches_parked),
    ("odradek_connections_accepted_total", "Connections accepted.", |s| s.connections_accepted),
    (
        "odradek_connections_refused_total",
        "Connections closed because of what the peer sent.",
        |s| s.connections_refused,
    ),
    (
        "odradek_connections_idle_closed_total",
        "Connections closed after connections.max.idle.ms.",
        |s| s.connections_idle_closed,
    ),
    ("odradek_mesh_full_total", "Requests to another shard that met a full queue.", |s| {
        s.mesh_full
    }),
    (
        "odradek_mesh_ahead_total",
        "Requests that waited until a shard had applied the metadata they were routed by.",
        |s| s.mesh_ahead,
    ),
    ("odradek_mesh_late_total", "Replies of another shard that nobody waited for any more.", |s| {
        s.mesh_late
    }),
];

/// Name, kind, help, and the figure of a shard's logs it comes from.
type StoreFigure = (&'static str, Kind, &'static str, fn(&StoreStats) -> u64);

/// Sums over all shards.
const STORE_FIGURES: &[StoreFigure] = &[
    (
        "kafka_log_logcleanermanager_uncleanable_partitions_count",
        Kind::Gauge,
        "Logs that cannot be compacted before the next start.",
        |s| s.uncleanable_log_count,
    ),
    ("odradek_log_cleaner_cleanings_total", Kind::Counter, "Compactions of a log.", |s| {
        s.cleaning_count
    }),
    (
        "odradek_log_cleaner_bytes_before_total",
        Kind::Counter,
        "Size of the segments that were compacted, before.",
        |s| s.cleaned_bytes,
    ),
    (
        "odradek_log_cleaner_bytes_after_total",
        Kind::Counter,
        "Size of the segments that were compacted, after.",
        |s| s.cleaned_into_bytes,
    ),
    ("odradek_log_failed_total", Kind::Counter, "Logs that a failure took offline.", |s| {
        s.failed_log_count
    }),
    (
        "odradek_log_returned_total",
        Kind::Counter,
        "Logs among them that came back when the disk had room again.",
        |s| s.returned_log_count,
    ),
    (
        "odradek_log_full_directories",
        Kind::Gauge,
        "Data directories of each shard that take no appends because the disk is full.",
        |s| s.full_directory_count as u64,
    ),
    (
        "odradek_log_open_index_bytes",
        Kind::Gauge,
        "Memory of the indexes of sealed segments.",
        |s| s.open_index_bytes as u64,
    ),
];

fn render(snapshots: &[Snapshot]) -> String {
    let mut page = Exposition::default();
    for (name, help, field) in COUNTERS {
        let sum: u64 = snapshots.iter().map(|snapshot| field(&snapshot.stats)).sum();
        page.single(name, Kind::Counter, help, sum);
    }
    for (name, kind, help, figure) in STORE_FIGURES {
        let sum: u64 = snapshots.iter().map(|snapshot| figure(&snapshot.store)).sum();
        page.single(name, *kind, help, sum);
    }
    let connections: u64 = snapshots.iter().map(|snapshot| snapshot.stats.connections).sum();
    let sessions: u64 = snapshots.iter().map(|snapshot| snapshot.stats.fetch_sessions).sum();
    let mut partitions: Vec<&PartitionFigures> =
        snapshots.iter().flat_map(|snapshot| &snapshot.partitions).collect();
    partitions.sort_unstable();
    let gauges: [(&'static str, &str, u64); 8] = [
        (
            "kafka_server_socket_server_metrics_connection_count",
            "Open client connections.",
            connections,
        ),
        ("odradek_fetch_sessions", "Open incremental fetch sessions (KIP-227).", sessions),
        (
            "kafka_server_replicamanager_partitioncount",
            "Partitions of this broker.",
            partitions.len() as u64,
        ),
        (
            "kafka_server_replicamanager_leadercount",
            "Partitions that this broker leads.",
            partitions.len() as u64,
        ),
        (
            "kafka_server_replicamanager_underreplicatedpartitions",
            "Partitions with too few in-sync replicas.",
            0,
        ),
        (
            "kafka_controller_kafkacontroller_activecontrollercount",
            "1 on the active controller.",
            1,
        ),
        (
            "kafka_controller_kafkacontroller_offlinepartitionscount",
            "Partitions whose log failed.",
            offline_count(snapshots) as u64,
        ),
        ("odradek_shards", "Shards of this node.", snapshots.len() as u64),
    ];
    for (name, help, value) in gauges {
        page.single(name, Kind::Gauge, help, value);
    }
    per_partition(&mut page, &partitions);
    groups::render(&mut page, snapshots, &partitions);
    page.finish()
}

/// Name, help, and the figure it shows.
type PartitionGauge = (&'static str, &'static str, fn(&PartitionFigures) -> i64);

const PARTITION_GAUGES: &[PartitionGauge] = &[
    ("kafka_log_size", "Bytes of the partition's log.", |p| {
        i64::try_from(p.size_bytes).unwrap_or(i64::MAX)
    }),
    (
        "kafka_topic_partition_current_offset",
        "First offset that consumers may not read yet.",
        |p| p.high_watermark,
    ),
    ("kafka_topic_partition_oldest_offset", "First offset that is kept.", |p| p.log_start_offset),
];

fn per_partition(page: &mut Exposition, partitions: &[&PartitionFigures]) {
    for (name, help, figure) in PARTITION_GAUGES {
        let mut family = page.family(name, Kind::Gauge, help);
        for partition in partitions {
            let labels: [(&str, &dyn Display); 2] =
                [("topic", &partition.topic), ("partition", &partition.partition)];
            family.sample(&labels, figure(partition));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_summed_and_partitions_sorted() {
        let of = |produce_records, topic: &str, partition| Snapshot {
            stats: Stats { produce_records, ..Stats::default() },
            store: StoreStats {
                cleaning_count: 2,
                full_directory_count: 1,
                ..StoreStats::default()
            },
            partitions: vec![PartitionFigures {
                topic: topic.to_owned(),
                partition,
                log_start_offset: 0,
                high_watermark: 7,
                size_bytes: 9,
            }],
            groups: GroupSnapshot::default(),
            offline_logs: usize::from(partition == 1),
        };
        let page = render(&[of(3, "b", 0), of(4, "a", 1)]);
        assert!(page.contains("kafka_server_brokertopicmetrics_messagesin_total 7\n"));
        assert!(page.contains("kafka_controller_kafkacontroller_offlinepartitionscount 1\n"));
        assert!(page.contains("odradek_log_cleaner_cleanings_total 4\n"));
        assert!(page.contains("odradek_log_full_directories 2\n"));
        let a = page.find("kafka_log_size{topic=\"a\",partition=\"1\"} 9\n").unwrap();
        let b = page.find("kafka_log_size{topic=\"b\",partition=\"0\"} 9\n").unwrap();
        assert!(a < b);
    }
}
