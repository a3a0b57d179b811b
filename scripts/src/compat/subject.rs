//! The broker under test: ours, a real Kafka, or one that already runs.

use crate::kafka::{self, Kafka, ready};
use crate::odradek::{self, Odradek};
use crate::{Doing, Failed, Outcome, paths};
use std::cell::RefCell;

/// Which broker to start.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Kind {
    Odradek,
    Kafka,
}

/// A group does not wait for more members. With KIP-848 the broker sets what the other protocol's
/// members ask for: a session that is as short as theirs, so that a dead member is missed early.
const GROUP_SETTINGS: [&str; 4] = [
    "group.initial.rebalance.delay.ms=0",
    "group.consumer.session.timeout.ms=6000",
    "group.consumer.heartbeat.interval.ms=500",
    "group.consumer.assignment.interval.ms=0",
];

/// Kafka has bounds for some of them, which ours does not know.
const KAFKA_BOUNDS: [&str; 2] =
    ["group.consumer.min.session.timeout.ms=6000", "group.consumer.min.heartbeat.interval.ms=500"];

/// A broker that answers at `bootstrap`; one that we started is killed when dropped.
pub(super) struct Subject {
    pub(super) bootstrap: String,
    spec: Spec,
    /// Nothing while it is being restarted, and for a broker that others started.
    running: RefCell<Option<Running>>,
}

/// How it was started, and is started again.
enum Spec {
    ByOthers,
    Odradek(odradek::Spec),
    Kafka(kafka::Spec),
}

enum Running {
    Odradek(Odradek),
    Kafka(Kafka),
}

impl Subject {
    pub(super) fn running(bootstrap: &str) -> Subject {
        let bootstrap = bootstrap.to_string();
        Subject { bootstrap, spec: Spec::ByOthers, running: RefCell::new(None) }
    }

    /// Starts a broker on a free port with an empty folder.
    pub(super) fn start(kind: Kind, purpose: &str, shards: Option<u32>) -> Outcome<Subject> {
        let dir = paths::target().join("compat").join(format!("{purpose}-data"));
        if dir.exists() {
            std::fs::remove_dir_all(&dir).doing(|| dir.display().to_string())?;
        }
        let port = ready::free_port().ok_or_else(|| Failed("no free port".to_string()))?;
        let spec = match kind {
            Kind::Odradek => {
                odradek::build()?;
                Spec::Odradek(odradek::Spec { dir, port, shards })
            }
            Kind::Kafka => Spec::Kafka(kafka::Spec {
                dir,
                port,
                heap: "512m".to_string(),
                properties: GROUP_SETTINGS
                    .iter()
                    .chain(&KAFKA_BOUNDS)
                    .map(|it| (*it).into())
                    .collect(),
                existing_data: None,
            }),
        };
        let running = RefCell::new(spec.run()?);
        Ok(Subject { bootstrap: format!("127.0.0.1:{port}"), spec, running })
    }

    /// Whether [`Subject::restart_after_kill`] can be called: not on a broker of others.
    pub(super) fn is_ours(&self) -> bool {
        !matches!(self.spec, Spec::ByOthers)
    }

    /// Kills the broker without warning and starts it again on its data.
    pub(super) fn restart_after_kill(&self) -> Outcome {
        match self.running.take() {
            None => return Err(Failed("the broker was not started here".to_string())),
            Some(Running::Odradek(broker)) => broker.kill()?,
            Some(Running::Kafka(kafka)) => kafka.kill()?,
        }
        *self.running.borrow_mut() = self.spec.run()?;
        Ok(())
    }

    /// Stops what we started, cleanly.
    pub(super) fn stop(self) -> Outcome {
        match self.running.into_inner() {
            None => Ok(()),
            Some(Running::Odradek(broker)) => broker.stop(),
            Some(Running::Kafka(kafka)) => kafka.stop(),
        }
    }
}

impl Spec {
    fn run(&self) -> Outcome<Option<Running>> {
        Ok(match self {
            Spec::ByOthers => None,
            Spec::Odradek(spec) => {
                let settings = GROUP_SETTINGS.map(|setting| ["--set".into(), setting.into()]);
                let arguments = settings.as_flattened();
                Some(Running::Odradek(Odradek::start_with(spec, arguments)?))
            }
            Spec::Kafka(spec) => Some(Running::Kafka(Kafka::start(spec)?)),
        })
    }
}
