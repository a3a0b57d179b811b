//! The `run` command: floor, broker, run, report.

use reports::{Floor, Labels, Report, Verdict};
use runtime::sync::{First, race};
use runtime::{Exit, Net, Spawn};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};
use uring::{Live, LiveMesh, Pinning, Signals};

use crate::args::{IoArg, Placement, RunArgs};
use crate::child::{self, Seat, Served, cpu_text};
use crate::load::{self, Outcome};
use crate::machine::Watched;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::report::{self, Circumstances};
use crate::{judge, machine, sink};

/// Bad usage, as everywhere.
const USAGE: u8 = 2;
/// The broker could not be used.
const UNREACHABLE: u8 = 4;

/// Who runs where.
struct Seats {
    client: Seat,
    broker: Seat,
}

/// Runs the command and reports.
#[must_use]
pub fn run(args: &RunArgs) -> ExitCode {
    let plan = match args.plan() {
        Ok(plan) => plan,
        Err(why) => return refuse(USAGE, &why),
    };
    let seats = match seats(args) {
        Ok(seats) => seats,
        Err(why) => return refuse(USAGE, &why),
    };
    match measure(args, &plan, &seats).and_then(|report| deliver(args, &report)) {
        Ok(verdict) => ExitCode::from(judge::exit_code(verdict)),
        Err(why) => refuse(UNREACHABLE, &why),
    }
}

fn refuse(code: u8, why: &str) -> ExitCode {
    eprintln!("loadgen: {why}");
    ExitCode::from(code)
}

fn measure(args: &RunArgs, plan: &Plan, seats: &Seats) -> Result<Report, String> {
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let floor = if args.no_floor { None } else { Some(measure_floor(plan, seats)?) };
    let embedded = if args.bootstrap.is_empty() {
        eprintln!("starting an embedded broker on CPUs {}", cpu_text(&seats.broker.cpus));
        Some(child::broker(&seats.broker, &args.broker_settings)?)
    } else {
        None
    };
    let bootstrap = embedded
        .as_ref()
        .map_or_else(|| args.bootstrap.clone(), |broker| vec![broker.address.clone()]);
    let watched = Watched {
        broker_pid: embedded.as_ref().map(Served::pid),
        device: embedded.as_ref().and_then(Served::folder).and_then(machine::device_of),
    };
    let outcome = on_a_shard(&seats.client, plan, bootstrap, watched, "run")?;
    let circumstances = Circumstances {
        name: args.name.clone(),
        started_at: reports::utc(started),
        command: command_line(),
        labels: labels(args, seats, embedded.as_ref()),
    };
    Ok(report::report(plan, &outcome, floor, circumstances))
}

/// What repeats the run, wherever the executable lies.
fn command_line() -> String {
    core::iter::once("loadgen".to_owned()).chain(env::args().skip(1)).collect::<Vec<_>>().join(" ")
}

/// The same load for a short time against a sink on the broker's CPUs.
fn measure_floor(plan: &Plan, seats: &Seats) -> Result<Floor, String> {
    let sink = child::sink(&seats.broker)?;
    let plan = plan.floor();
    let outcome =
        on_a_shard(&seats.client, &plan, vec![sink.address.clone()], Watched::default(), "floor")?;
    Ok(report::floor(&outcome, plan.metric()))
}

/// Runs a plan on a shard of its own and waits for it.
fn on_a_shard(
    seat: &Seat,
    plan: &Plan,
    bootstrap: Vec<String>,
    watched: Watched,
    what: &'static str,
) -> Result<Outcome, String> {
    let (results, result) = mpsc::channel();
    let plan = plan.clone();
    let main = move |rt: Live, _: LiveMesh<()>| {
        let (plan, bootstrap, results) = (plan.clone(), bootstrap.clone(), results.clone());
        let watched = watched.clone();
        async move {
            let progress = Progress::new(what);
            let mut sample = || machine::sample(&watched);
            let mut show = |at: &load::Progress| progress.show(at);
            let run = load::run(&rt, &plan, &bootstrap, &mut sample, &mut show);
            let outcome = match race(run, rt.signal()).await {
                First::Left(outcome) => outcome.map_err(|error| error.to_string()),
                First::Right(_) => Err("interrupted".to_owned()),
            };
            // The receiver waits for exactly this.
            let _ = results.send(outcome);
            rt.exit(Exit::Clean);
        }
    };
    uring::run(&options(seat), main).map_err(|error| error.to_string())?;
    result.try_recv().unwrap_or_else(|_| Err("the run ended without a result".to_owned()))
}

fn options(seat: &Seat) -> uring::Options {
    uring::Options {
        io: match seat.io {
            IoArg::Auto => uring::Io::Auto,
            IoArg::Uring => uring::Io::Uring,
            IoArg::Epoll => uring::Io::Epoll,
        },
        cpus: seat.cpus.clone(),
        pinning: if seat.pinned { Pinning::EachToItsCpu } else { Pinning::Free },
        signals: Signals::Deliver,
        gives_way: seat.gives_way,
        ..uring::Options::default()
    }
}

/// The process behind `__sink`: serves until it is killed.
#[must_use]
pub fn serve_sink(seat: &Seat) -> ExitCode {
    let main = |rt: Live, _: LiveMesh<()>| async move {
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        match rt.listen(at).await {
            Ok(listener) => {
                println!("ready listeners={}", runtime::Listener::local_addr(&listener));
                race(sink::serve(rt.clone(), listener), rt.signal()).await;
                rt.exit(Exit::Clean);
            }
            Err(error) => {
                eprintln!("sink: cannot listen: {error}");
                rt.exit(Exit::Failed);
            }
        }
    };
    match uring::run(&options(seat), main) {
        Ok(Exit::Clean) => ExitCode::SUCCESS,
        Ok(Exit::Failed) => ExitCode::FAILURE,
        Err(error) => refuse(UNREACHABLE, &error.to_string()),
    }
}

fn seats(args: &RunArgs) -> Result<Seats, String> {
    let all = uring::default_cpus();
    let pinned = args.placement == Placement::Split;
    let last = *all.last().expect("a process runs on some CPU");
    let client = args.cpus.as_deref().map_or_else(|| vec![last], <[usize]>::to_vec);
    let [_] = client[..] else {
        return Err("--cpus: the generator runs on one CPU, name one".to_owned());
    };
    let default_broker = if pinned { vec![all[0]] } else { all };
    let broker = args.broker_cpus.as_deref().map_or(default_broker, <[usize]>::to_vec);
    // The pacer never sleeps: on a CPU of the broker's it would keep that waiting for whole time
    // slices, and measure them.
    let gives_way = client.iter().any(|cpu| broker.contains(cpu));
    Ok(Seats {
        client: Seat { cpus: client, pinned, gives_way, io: args.io },
        broker: Seat { cpus: broker, pinned, gives_way: false, io: args.io },
    })
}

fn labels(args: &RunArgs, seats: &Seats, embedded: Option<&Served>) -> Labels {
    let io = match args.io {
        IoArg::Auto => uring::choose(uring::Io::Auto),
        IoArg::Uring => uring::choose(uring::Io::Uring),
        IoArg::Epoll => uring::choose(uring::Io::Epoll),
    };
    let io = io.map_or("unknown".to_owned(), |choice| choice.to_string());
    let of_seat = |seat: &Seat| {
        let freedom = if seat.pinned { "" } else { " (not pinned)" };
        let manners = if seat.gives_way { " (gives way)" } else { "" };
        format!("{}{freedom}{manners}", cpu_text(&seat.cpus))
    };
    Labels {
        broker: if embedded.is_some() { "embedded".to_owned() } else { args.bootstrap.join(",") },
        placement: args.placement.name().to_owned(),
        client_cpus: of_seat(&seats.client),
        broker_cpus: embedded.map(|_| of_seat(&seats.broker)),
        // An embedded broker gets the same flag on the same machine, and so the same backend.
        broker_io: embedded.map(|_| io.clone()),
        client_io: io,
        kernel: machine::kernel(),
        cpu_model: machine::cpu_model(),
        disk: embedded.and_then(Served::folder).and_then(machine::disk_of),
        commit: option_env!("ODRADEK_COMMIT").map(str::to_owned),
        ..Labels::default()
    }
}

/// Prints the result and writes its files.
fn deliver(args: &RunArgs, report: &Report) -> Result<Verdict, String> {
    println!("{}", reports::latency_table(report));
    for line in reports::verdict_lines(report) {
        println!("{line}");
    }
    let asked = [&args.json, &args.html, &args.md].into_iter().any(Option::is_some);
    let folder = PathBuf::from("reports/out").join(format!(
        "{}-{}",
        report.started_at.replace(':', ""),
        report.name
    ));
    let or_default = |path: &Option<PathBuf>, name: &str| {
        path.clone().or_else(|| (!asked).then(|| folder.join(name)))
    };
    if let Some(path) = or_default(&args.json, "report.json") {
        let json = serde_json::to_string_pretty(report).expect("a report has no odd keys");
        write(&path, &(json + "\n"))?;
    }
    if let Some(path) = or_default(&args.md, "report.md") {
        write(&path, &reports::markdown(report))?;
    }
    if let Some(path) = or_default(&args.html, "report.html") {
        write(&path, &reports::page(report))?;
        println!("report: {}", path.display());
    }
    Ok(report.verdict)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}
