//! The broker under test: ours, a real Kafka, or one that already runs.

use crate::kafka::{Kafka, Spec, ready};
use crate::odradek::{self, Odradek};
use crate::{Doing, Failed, Outcome, paths};

/// Which broker to start.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Kind {
    Odradek,
    Kafka,
}

/// With KIP-848 the broker sets what the other protocol's members ask for: a session that is as short
/// as theirs, so that a dead member is missed early.
const GROUP_PROPERTIES: [&str; 5] = [
    "group.consumer.session.timeout.ms=6000",
    "group.consumer.min.session.timeout.ms=6000",
    "group.consumer.heartbeat.interval.ms=500",
    "group.consumer.min.heartbeat.interval.ms=500",
    "group.consumer.assignment.interval.ms=0",
];

/// A broker that answers at `bootstrap`; one that we started is killed when dropped.
pub(super) struct Subject {
    pub(super) bootstrap: String,
    started: Started,
}

enum Started {
    ByOthers,
    Odradek(Odradek),
    Kafka(Kafka),
}

impl Subject {
    pub(super) fn running(bootstrap: &str) -> Subject {
        Subject { bootstrap: bootstrap.to_string(), started: Started::ByOthers }
    }

    /// Starts a broker on a free port with an empty folder.
    pub(super) fn start(kind: Kind, purpose: &str, shards: Option<u32>) -> Outcome<Subject> {
        let dir = paths::target().join("compat").join(format!("{purpose}-data"));
        if dir.exists() {
            std::fs::remove_dir_all(&dir).doing(|| dir.display().to_string())?;
        }
        let port = ready::free_port().ok_or_else(|| Failed("no free port".to_string()))?;
        match kind {
            Kind::Odradek => {
                odradek::build()?;
                let broker = Odradek::start(&odradek::Spec { dir, port, shards })?;
                Ok(Subject {
                    bootstrap: broker.bootstrap.clone(),
                    started: Started::Odradek(broker),
                })
            }
            Kind::Kafka => {
                let heap = "512m".to_string();
                let kafka = Kafka::start(&Spec {
                    dir,
                    port,
                    heap,
                    properties: GROUP_PROPERTIES.map(str::to_string).to_vec(),
                    existing_data: None,
                })?;
                Ok(Subject { bootstrap: kafka.bootstrap.clone(), started: Started::Kafka(kafka) })
            }
        }
    }

    /// Stops what we started, cleanly.
    pub(super) fn stop(self) -> Outcome {
        match self.started {
            Started::ByOthers => Ok(()),
            Started::Odradek(broker) => broker.stop(),
            Started::Kafka(kafka) => kafka.stop(),
        }
    }
}
