//! One command's life: a shard, a connected client, an exit code.

use client::{Options, Router};
use core::future::Future;
use core::time::Duration;
use runtime::{Exit, Spawn};
use std::process::ExitCode;
use std::sync::mpsc;
use uring::{Live, LiveMesh, Pinning, Signals};

use super::duration::duration;
use super::failure::{Failure, explained};
use super::output::{Format, complain};

/// Requests that wait on one connection: tools do one thing after the other.
const IN_FLIGHT_MAX: usize = 5;

/// Where the cluster is, and how to talk about it.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Target {
    /// Brokers to ask first; the others are learned from them.
    #[arg(
        long,
        short = 'b',
        global = true,
        value_name = "HOST:PORT",
        value_delimiter = ',',
        default_value = "127.0.0.1:9092"
    )]
    pub(crate) bootstrap: Vec<String>,
    /// How long to try again while brokers restart, move or do not answer.
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub(crate) timeout: Duration,
    /// Name that brokers show in their logs and lists.
    #[arg(long, global = true, value_name = "NAME", default_value = "broker-cli")]
    pub(crate) client_id: String,
}

/// How a result is wanted.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Wanted {
    /// Print JSON instead of a table.
    #[arg(long, global = true)]
    json: bool,
}

impl Wanted {
    pub(crate) fn format(self) -> Format {
        if self.json { Format::Json } else { Format::Table }
    }
}

/// What a command works with.
pub(crate) struct Session {
    pub(crate) rt: Live,
    pub(crate) router: Router<Live>,
    pub(crate) format: Format,
    /// For each thing that may have to be tried again.
    pub(crate) limit: Duration,
}

impl Session {
    pub(crate) async fn open(rt: Live, target: &Target, format: Format) -> Result<Self, Failure> {
        let options = Options {
            client_id: target.client_id.clone(),
            connect_limit: target.timeout.min(Options::default().connect_limit),
            in_flight_max: IN_FLIGHT_MAX,
            ..Options::default()
        };
        let router = Router::connect(&rt, &target.bootstrap, options).await?;
        Ok(Self { rt, router, format, limit: target.timeout })
    }

    /// Does one task after the other, tells each that fails, and fails if one did.
    pub(crate) async fn each<T>(
        &self,
        tasks: &[T],
        run: impl AsyncFn(&T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut outcome = Ok(());
        for task in tasks {
            if let Err(failure) = run(task).await {
                if tasks.len() == 1 {
                    return Err(failure);
                }
                complain(&failure.to_string());
                outcome = Err(Failure::Told);
            }
        }
        outcome
    }

    /// Tells of an error that leaves the rest of a result valid.
    pub(crate) fn note(&self, error: &client::ClientError) {
        complain(&explained(error));
    }
}

/// Whether an interrupt ends the process at once, or is the command's to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupt {
    Ends,
    IsHeard,
}

/// Runs a command on a shard of its own.
pub(crate) fn on_a_shard<Task>(
    interrupt: Interrupt,
    command: impl Fn(Live) -> Task + Clone + Send + 'static,
) -> ExitCode
where
    Task: Future<Output = Result<(), Failure>> + 'static,
{
    let (results, result) = mpsc::channel();
    let main = move |rt: Live, _: LiveMesh<()>| {
        let (task, results) = (command(rt.clone()), results.clone());
        async move {
            // The receiver waits for exactly this.
            let _ = results.send(task.await);
            rt.exit(Exit::Clean);
        }
    };
    let options = uring::Options {
        cpus: uring::default_cpus().into_iter().take(1).collect(),
        pinning: Pinning::Free,
        signals: match interrupt {
            Interrupt::Ends => Signals::Leave,
            Interrupt::IsHeard => Signals::Deliver,
        },
        offload_threads: 1,
        ..uring::Options::default()
    };
    let ended = match uring::run(&options, main) {
        Ok(_) => result.try_recv().unwrap_or(Err(Failure::Told)),
        Err(error) => Err(Failure::Other(error.to_string())),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure.to_string());
            failure.exit_code()
        }
    }
}
