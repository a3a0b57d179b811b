//! `broker`: from arguments to running shards and back to an exit code.

use model::Limits;
use runtime::{Exit, Spawn};
use server::{Configured, Level, Line, LogSink, Surroundings};
use std::panic;
use std::process::ExitCode;

use crate::args::{self, ConfigArgs, Serve};
use crate::{log, refuse, settings};

pub(crate) fn serve(args: &Serve) -> ExitCode {
    let cpus = match args.cpus.as_deref().map(settings::cpu_list).transpose() {
        Ok(cpus) => cpus.unwrap_or_else(uring::default_cpus),
        Err(why) => return refuse(&[why]),
    };
    let Configured { mut boot, warnings } = match configured(&args.config) {
        Ok(configured) => configured,
        Err(reasons) => return refuse(&reasons),
    };
    let io = match uring::choose(io(args.io)) {
        Ok(choice) => choice,
        Err(refused) => return refuse(&[refused.to_string()]),
    };
    log::install(args.log_level);
    abort_on_panic();
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    boot.io = io.to_string();
    boot.version = env!("CARGO_PKG_VERSION");
    if args.ready_line {
        boot.ready = print_ready;
    }
    let options = uring::Options {
        io: io_of(io.backend),
        cpus,
        pinning: if args.no_pin { uring::Pinning::Free } else { uring::Pinning::EachToItsCpu },
        limits: boot.limits.clone(),
        ..uring::Options::default()
    };
    let main = move |rt: uring::Live, mesh| {
        let (counted, boot) = (rt.clone(), boot.clone());
        async move {
            server::run(rt, mesh, boot).await;
            // Once per life, so that a test can tell what a load asked of the kernel.
            tracing::debug!("[{}] {:?}", counted.shard().0, counted.counters());
        }
    };
    exit_code(uring::run(&options, main))
}

/// What a node is given, from the command line and the machine.
pub(crate) fn configured(args: &ConfigArgs) -> Result<Configured, Vec<String>> {
    let properties = settings::properties(args)?;
    let surroundings = Surroundings {
        hostname: settings::hostname(),
        resolve: settings::resolve,
        limits: Limits::PRODUCTION,
        log: LogSink::new(write_line),
        strict: args.strict,
    };
    server::configure(properties, surroundings)
}

pub(crate) fn exit_code(ended: Result<Exit, uring::StartError>) -> ExitCode {
    match ended {
        Ok(Exit::Clean) => ExitCode::SUCCESS,
        Ok(Exit::Failed) => ExitCode::FAILURE,
        Err(error) => refuse(&[error.to_string()]),
    }
}

fn io(asked: args::Io) -> uring::Io {
    match asked {
        args::Io::Auto => uring::Io::Auto,
        args::Io::Uring => uring::Io::Uring,
        args::Io::Epoll => uring::Io::Epoll,
    }
}

/// The backend that was announced is the one that runs.
fn io_of(backend: uring::Backend) -> uring::Io {
    match backend {
        uring::Backend::Uring => uring::Io::Uring,
        uring::Backend::Epoll => uring::Io::Epoll,
    }
}

/// A broken promise between our own functions must not be survived: recovery repairs a node that
/// stopped, nothing repairs one that went on.
pub(crate) fn abort_on_panic() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        print(panic);
        std::process::abort();
    }));
}

fn write_line(line: Line) {
    let Line { level, shard, text } = line;
    match level {
        Level::Error => tracing::error!("[{shard}] {text}"),
        Level::Warn => tracing::warn!("[{shard}] {text}"),
        Level::Info => tracing::info!("[{shard}] {text}"),
        Level::Debug => tracing::debug!("[{shard}] {text}"),
    }
}

/// Whoever started this process waits for this line.
fn print_ready(listeners: &str) {
    println!("ready {listeners}");
}
