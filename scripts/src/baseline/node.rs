//! The four sides of a comparison, and one running broker of a side.

use crate::kafka::{self, Kafka, ready};
use crate::odradek::{self, Odradek};
use crate::{Doing, Failed, Outcome, process};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Which broker, with which promise to its producers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Side {
    /// As in file names and `--sides`.
    pub(super) name: &'static str,
    pub(super) product: Product,
    /// `log.flush.interval.messages`; the product's default when `None`.
    flush_messages: Option<&'static str>,
    /// What an acknowledgement promises, in words.
    pub(super) durability: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Product {
    Odradek,
    Kafka,
}

const NEVER: &str = "9223372036854775807";

/// Both products with both promises, in the order of an odd run.
pub(super) const SIDES: [Side; 4] = [
    Side {
        name: "odradek-sync",
        product: Product::Odradek,
        flush_messages: None,
        durability: "every ack waits for the sync (its default)",
    },
    Side {
        name: "kafka-nosync",
        product: Product::Kafka,
        flush_messages: None,
        durability: "acks never wait for the disk (its default)",
    },
    Side {
        name: "odradek-nosync",
        product: Product::Odradek,
        flush_messages: Some(NEVER),
        durability: "acks never wait for the disk",
    },
    Side {
        name: "kafka-sync",
        product: Product::Kafka,
        flush_messages: Some("1"),
        durability: "every ack waits for the sync",
    },
];

/// Where a broker may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placement {
    /// On CPU 0, with one shard; the client has CPU 1.
    Split,
    /// On every CPU: a JVM that starts on one would be measured at its worst.
    Free,
}

/// Whose a broker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tenancy {
    /// One row's, which may kill it.
    OneRow,
    /// All rows' of its side; paused while other sides have their turn.
    InTurns,
}

/// A broker of a side; killed when dropped.
pub(super) struct Node {
    side: Side,
    placement: Placement,
    tenancy: Tenancy,
    dir: PathBuf,
    port: u16,
    heap: String,
    running: Option<Running>,
}

enum Running {
    Odradek(Odradek),
    Kafka(Kafka),
}

impl Node {
    /// A node with an empty folder, formatted and not started.
    pub(super) fn fresh(
        side: Side,
        placement: Placement,
        tenancy: Tenancy,
        dir: &Path,
        heap: &str,
    ) -> Outcome<Self> {
        if dir.exists() {
            std::fs::remove_dir_all(dir).doing(|| dir.display().to_string())?;
        }
        let port = ready::free_port().ok_or_else(|| Failed("no free port".to_owned()))?;
        let dir = dir.to_path_buf();
        let heap = heap.to_owned();
        let node = Self { side, placement, tenancy, dir, port, heap, running: None };
        if side.product == Product::Kafka {
            kafka::format(&node.kafka_spec())?;
        }
        Ok(node)
    }

    /// Starts it. Milliseconds from the start of the process until it lists itself to a client.
    pub(super) fn start(&mut self) -> Outcome<f64> {
        assert!(self.running.is_none(), "it is started once");
        let begin = Instant::now();
        self.running = Some(match self.side.product {
            Product::Odradek => {
                let spec = odradek::Spec { dir: self.dir.clone(), port: self.port, shards: None };
                Running::Odradek(Odradek::start_with(&spec, &self.odradek_arguments())?)
            }
            Product::Kafka => {
                let cpus = (self.placement == Placement::Split).then_some("0");
                Running::Kafka(Kafka::start_on(&self.kafka_spec(), cpus)?)
            }
        });
        Ok(begin.elapsed().as_secs_f64() * 1e3)
    }

    fn odradek_arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--log-level".to_owned(), "warn".to_owned()];
        if self.placement == Placement::Split {
            arguments.extend(["--cpus".to_owned(), "0".to_owned()]);
        }
        let settings = self.properties().into_iter().chain(["http.listener=".to_owned()]);
        arguments.extend(settings.flat_map(|it| ["--set".to_owned(), it]));
        arguments
    }

    fn kafka_spec(&self) -> kafka::Spec {
        let mut properties = self.properties();
        if self.tenancy == Tenancy::InTurns {
            // The controller must not take a pause for a death. One that was killed, though, would
            // not be let in again until its old session ends.
            properties.push("broker.session.timeout.ms=86400000".to_owned());
        }
        kafka::Spec {
            dir: self.dir.clone(),
            port: self.port,
            heap: self.heap.clone(),
            properties,
            existing_data: None,
        }
    }

    /// What both products are told.
    fn properties(&self) -> Vec<String> {
        let mut properties = vec![
            // Topics of earlier rows give their disk back soon.
            "log.segment.delete.delay.ms=1000".to_owned(),
            // What a join costs, not what it waits for others.
            "group.initial.rebalance.delay.ms=0".to_owned(),
        ];
        if let Some(messages) = self.side.flush_messages {
            properties.push(format!("log.flush.interval.messages={messages}"));
        }
        properties
    }

    pub(super) fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// # Panics
    /// When it is not started.
    pub(super) fn pid(&self) -> u32 {
        match self.running.as_ref().expect("it is started") {
            Running::Odradek(broker) => broker.pid(),
            Running::Kafka(kafka) => kafka.pid(),
        }
    }

    /// Takes the CPU from it until [`Node::resume`]: it is another side's turn.
    pub(super) fn pause(&self) -> Outcome {
        process::signal(self.pid(), "STOP")
    }

    pub(super) fn resume(&self) -> Outcome {
        process::signal(self.pid(), "CONT")
    }

    /// Stops it cleanly. Milliseconds until the process has ended.
    pub(super) fn stop(&mut self) -> Outcome<f64> {
        let begin = Instant::now();
        match self.running.take().expect("it is started") {
            Running::Odradek(broker) => broker.stop()?,
            Running::Kafka(kafka) => kafka.stop()?,
        }
        Ok(begin.elapsed().as_secs_f64() * 1e3)
    }

    /// Kills it without warning.
    pub(super) fn kill(&mut self) -> Outcome {
        match self.running.take().expect("it is started") {
            Running::Odradek(broker) => broker.kill(),
            Running::Kafka(kafka) => kafka.kill(),
        }
    }

    /// Resident memory of the process, bytes.
    pub(super) fn rss_bytes(&self) -> Outcome<u64> {
        Ok(process::rss_kib(self.pid())? * 1024)
    }

    /// CPU used by all its threads so far, seconds; one tick is 10 ms.
    pub(super) fn cpu_s(&self) -> Outcome<f64> {
        const TICKS_PER_S: f64 = 100.0;
        let path = format!("/proc/{}/stat", self.pid());
        let text = std::fs::read_to_string(&path).doing(|| path.clone())?;
        // After the name in parentheses: the eleventh and twelfth are user and system ticks.
        let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: Vec<f64> = ticks.filter_map(|it| it.parse().ok()).collect();
        match ticks[..] {
            [user, system] => Ok((user + system) / TICKS_PER_S),
            _ => Err(Failed(format!("{path}: not in the expected form"))),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Data of a measurement is of no use afterwards; a folder that stays is only a nuisance.
        self.running = None;
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
