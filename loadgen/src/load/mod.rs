//! One run against one cluster: prepare topics, load, measure, drain, clean up.
//!
//! Promises: the pacer never waits for the broker; every record due in the window ends in both
//! headline histograms, whatever became of it. Everything runs on one shard.
//! Does not: judge (`judge`), render (`reports`), know about processes (`embedded`).

mod consumer;
mod history;
mod lanes;
mod null;
mod outcome;
mod pacer;
mod producer;
mod tally;
mod topics;

use client::history::ProducedOutcome;
use client::{Client, ClientError, Options};
use core::cell::{Cell, RefCell};
use core::fmt;
use core::time::Duration;
use model::Instant;
use runtime::sync::Notify;
use runtime::{Purpose, Runtime, TaskClass};
use std::rc::Rc;

pub use null::{Cost, measure as measure_null};
pub use outcome::{Outcome, Second};
pub use tally::{Counts, Latencies};
pub use topics::Settings;

use crate::machine::Sample;
use crate::payload::Arena;
use crate::plan::{Acks, Plan};
use history::Recorder;
use lanes::Lanes;
use tally::{Measured, SentBatch, Tally};

/// Why a run has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunError {
    /// The cluster could not be used: unreachable, refused, or its connection broke.
    Broker { doing: &'static str, error: ClientError },
    /// The topic asked for does not fit the plan.
    Topic(String),
    /// The history cannot be written.
    History(String),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker { doing, error } => write!(f, "{doing}: {error}"),
            Self::Topic(text) | Self::History(text) => f.write_str(text),
        }
    }
}

impl core::error::Error for RunError {}

pub(crate) fn broker(doing: &'static str) -> impl FnOnce(ClientError) -> RunError {
    move |error| RunError::Broker { doing, error }
}

/// Where a run stands, once per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Since the start of the window; negative during warm-up.
    pub at_s: f64,
    pub length_s: f64,
    pub acked_per_s: f64,
    pub p50_us: Option<u64>,
    pub p99_us: Option<u64>,
    pub errors: u64,
}

/// What the tasks of one run share. All of it lives on one shard.
struct Load<R: Runtime> {
    rt: R,
    plan: Plan,
    /// Tells this run's records from others in the same topic.
    run: u16,
    /// Set once, when everything is connected and the pacer starts.
    start: Cell<Instant>,
    /// The measured window, nanoseconds since `start`.
    window: core::ops::Range<u64>,
    lanes: RefCell<Lanes>,
    tally: RefCell<Tally>,
    arena: RefCell<Arena>,
    /// One per producer: it has a request to make.
    work: Vec<Notify>,
    /// The pacer has placed its last record.
    placed_all: Cell<bool>,
    pacer_busy: Cell<pacer::Busy>,
    /// Requests that wait for an answer.
    in_flight: Cell<usize>,
    failure: RefCell<Option<RunError>>,
    history: Option<Rc<Recorder>>,
}

impl<R: Runtime> Load<R> {
    /// A fresh reading, nanoseconds since the start of the run.
    fn now_ns(&self) -> u64 {
        nanos(self.rt.now_exact().mono.since(self.start.get()))
    }

    fn note_outcome(&self, batch: &SentBatch, outcome: ProducedOutcome) {
        if let Some(history) = &self.history {
            history.ended(batch.operation, outcome, self.now_ns());
        }
    }

    fn fail(&self, error: RunError) {
        self.failure.borrow_mut().get_or_insert(error);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// How often the end of the drain is looked for.
const DRAIN_STEP: Duration = Duration::from_millis(5);

/// Runs the plan against the cluster. `sample` reads the machine's figures, `progress` is told how
/// it goes; both are called once per second.
///
/// # Errors
/// The cluster cannot be used. A record that was refused is no error of the run.
pub async fn run<R: Runtime>(
    rt: &R,
    plan: &Plan,
    bootstrap: &[String],
    sample: &mut dyn FnMut() -> Sample,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Outcome, RunError> {
    let options = Options {
        client_id: "loadgen".to_owned(),
        in_flight_max: plan.in_flight,
        ..Options::default()
    };
    let client = Client::connect(rt, bootstrap, options).await.map_err(broker("connecting"))?;
    let random = rt.random(Purpose::Workload);
    let prepared = topics::prepare(rt, &client, plan, random).await?;
    let settings = topics::settings(&client, &prepared).await;
    let mut load = Load::new(rt, plan, &prepared, random);
    let mut written = None;
    if let Some(path) = &plan.history {
        let header = history::header(&client, &prepared, plan).await;
        let recorder = Rc::new(Recorder::new(header, plan));
        written = Some(history::write(rt, path, Rc::clone(&recorder)).await?);
        load.history = Some(recorder);
    }
    let load = Rc::new(load);
    let outcome = drive(&load, &client, &prepared, sample, progress).await;
    topics::clean_up(&client, &prepared).await;
    let recorded = match (&load.history, written) {
        (Some(recorder), Some(written)) => {
            recorder.finish(outcome.is_ok() && load.has_come_back());
            written.await.expect("the writing task ends with a result").map_err(RunError::History)
        }
        _ => Ok(0),
    };
    let mut outcome = outcome?;
    outcome.settings = settings;
    outcome.unrecorded = recorded?;
    Ok(outcome)
}

impl<R: Runtime> Load<R> {
    fn new(rt: &R, plan: &Plan, topics: &topics::Prepared, random: u64) -> Self {
        let warmup = nanos(plan.warmup);
        let window = warmup..warmup + nanos(plan.duration);
        let lanes = Lanes::new(plan, topics);
        let tally = Tally::new(window.clone(), lanes.schedules(), topics);
        Self {
            rt: rt.clone(),
            plan: plan.clone(),
            run: u16::try_from(random & 0xffff).expect("16 bits"),
            start: Cell::new(rt.now().mono),
            window,
            lanes: RefCell::new(lanes),
            tally: RefCell::new(tally),
            arena: RefCell::new(Arena::new(plan.record_bytes, random)),
            work: (0..plan.producers).map(|_| Notify::new()).collect(),
            placed_all: Cell::new(false),
            pacer_busy: Cell::default(),
            in_flight: Cell::new(0),
            failure: RefCell::new(None),
            history: None,
        }
    }

    /// Nothing waits for an answer, and what was acknowledged has been consumed.
    fn has_come_back(&self) -> bool {
        self.placed_all.get()
            && self.lanes.borrow().is_empty()
            && self.in_flight.get() == 0
            && (self.plan.consumers == 0 || self.tally.borrow().all_consumed(self.plan.acks))
    }
}

/// Starts the tasks, then watches them from second to second.
async fn drive<R: Runtime>(
    load: &Rc<Load<R>>,
    client: &Client<R>,
    topics: &topics::Prepared,
    sample: &mut dyn FnMut() -> Sample,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Outcome, RunError> {
    let rt = &load.rt;
    consumer::start(load, client, topics).await?;
    producer::start(load, client, topics).await?;
    // Connecting took time that no record should pay for.
    load.start.set(rt.now_exact().mono);
    rt.spawn("pacer", TaskClass::Latency, pacer::pace(Rc::clone(load)));

    let mut watch = outcome::Watch::default();
    let mut acked_before = 0;
    for at_ns in seconds(&load.window) {
        rt.sleep_until(load.start.get() + Duration::from_nanos(at_ns)).await;
        if let Some(error) = load.failure.borrow().clone() {
            return Err(error);
        }
        let mut tally = load.tally.borrow_mut();
        if at_ns >= load.window.start {
            watch.mark(at_ns, sample(), &tally, &load.lanes.borrow(), load.pacer_busy.get());
        }
        let e2e = load.plan.consumers > 0;
        progress(&outcome::progress(&mut tally, &load.window, at_ns, acked_before, e2e));
        acked_before = tally.counts().acked_so_far;
    }
    drain(load).await?;
    let measured = Measured { ack: load.plan.acks != Acks::None, e2e: load.plan.consumers > 0 };
    let places = load.lanes.borrow().places();
    Ok(watch.finish(&mut load.tally.borrow_mut(), &places, load.now_ns(), measured))
}

/// Moments at which to look: each second of the window, its start and its end, and each second
/// before.
fn seconds(window: &core::ops::Range<u64>) -> Vec<u64> {
    const SECOND: u64 = 1_000_000_000;
    let first = window.start % SECOND;
    let whole = core::iter::successors(Some(first), |at| Some(at + SECOND));
    whole.take_while(|at| *at < window.end).chain([window.end]).collect()
}

/// Waits until every record came back, or the time for it is up.
async fn drain<R: Runtime>(load: &Load<R>) -> Result<(), RunError> {
    let deadline = load.rt.now().mono + load.plan.drain;
    loop {
        let done = load.has_come_back();
        let now = load.rt.now().mono;
        if let Some(error) = load.failure.borrow().clone() {
            return Err(error);
        }
        if done || now >= deadline {
            return Ok(());
        }
        load.rt.sleep_until(now + DRAIN_STEP).await;
    }
}
