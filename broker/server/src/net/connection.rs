//! One client connection: a task that reads and starts requests, a task that sends replies.
//!
//! Promises: replies leave in request order. Produce requests may overlap each other; any other
//! request starts when the replies of all earlier ones are known. At most `requests_in_flight`
//! replies are owed; beyond that nothing is read.
//! Does not: interpret requests (`dispatch`).

use core::cell::Cell;
use std::rc::Rc;

use model::{Bufs, Buggify, Instant, Site};
use runtime::sync::{Notify, Receiver, Sender, channel};
use runtime::{Conn, More, Runtime, TaskClass};

use super::Close;
use super::connections::Watch;
use super::dispatch::{Started, start};
use super::frames::{Frames, Phase, Received};
use super::owed::{Outgoing, Owed, gone};
use crate::boot::Level;
use crate::mesh::Notice;
use crate::shard::{FIRST, Shard};

/// Replies that share one send.
const REPLIES_TOGETHER_MAX: usize = 16;

/// Produce requests whose outcome is not known yet.
#[derive(Default)]
struct Unsettled {
    count: Cell<usize>,
    changed: Notify,
}

/// Serves a connection until it ends. `listener` is an index into `Boot::listeners`.
pub(crate) fn serve<R: Runtime>(shard: &Rc<Shard<R>>, conn: R::Conn, listener: usize) {
    let phase = Rc::new(Cell::new(Phase::Idle { since: shard.rt.now().mono }));
    let sending_since = Rc::new(Cell::new(None));
    let watch = Watch { phase: Rc::clone(&phase), sending_since: Rc::clone(&sending_since) };
    let opened = shard.connections.borrow_mut().opened(conn.clone(), watch);
    let Some(id) = opened else {
        shard.sometimes(Site::ConnectionRefused);
        log_close(shard, &conn, &Close::TooManyConnections);
        conn.shutdown();
        report_closed(shard);
        return;
    };
    shard.count(|stats| stats.connections += 1);
    let (owed, replies) = channel(shard.limits.requests_in_flight);
    let unsettled = Rc::new(Unsettled::default());

    let reader = Reader {
        shard: Rc::clone(shard),
        conn: conn.clone(),
        listener,
        owed,
        unsettled: Rc::clone(&unsettled),
    };
    shard.rt.spawn("connection reader", TaskClass::Latency, async move {
        reader.run(phase).await;
    });
    let shard = Rc::clone(shard);
    let rt = shard.rt.clone();
    rt.spawn("connection writer", TaskClass::Latency, async move {
        let writer = Writer {
            shard: &shard,
            conn: &conn,
            unsettled: &unsettled,
            sending_since: &sending_since,
        };
        if let Err(reason) = writer.run(replies).await {
            log_close(&shard, &conn, &reason);
        }
        conn.shutdown();
        shard.count(|stats| stats.connections -= 1);
        shard.connections.borrow_mut().closed(id);
        report_closed(&shard);
    });
}

struct Reader<R: Runtime> {
    shard: Rc<Shard<R>>,
    conn: R::Conn,
    listener: usize,
    owed: Sender<Owed<R>>,
    unsettled: Rc<Unsettled>,
}

impl<R: Runtime> Reader<R> {
    async fn run(self, phase: Rc<Cell<Phase>>) {
        let mut frames = Frames::new(Rc::clone(&self.shard), self.conn.clone(), phase);
        let reason = loop {
            if let Err(reason) = self.serve_one(&mut frames).await {
                break reason;
            }
        };
        log_close(&self.shard, &self.conn, &reason);
        // Dropping the sender lets the writer finish what is owed and end the connection.
    }

    async fn serve_one(&self, frames: &mut Frames<R>) -> Result<(), Close> {
        if self.shard.stopping.get() {
            return Err(Close::Stopping);
        }
        let received = frames.next().await?;
        // Boxed: an idle connection does not carry the room of a request.
        let owed = Box::pin(self.start(received)).await?;
        self.owed.send(owed).await.map_err(|_| Close::Gone)
    }

    async fn start(&self, received: Received) -> Result<Owed<R>, Close> {
        self.shard.count(|stats| stats.requests += 1);
        let earlier_known = async || {
            while self.unsettled.count.get() > 0 {
                self.unsettled.changed.notified().await;
            }
        };
        let started =
            start(&self.shard, &self.conn, self.listener, &received.frame, earlier_known).await?;
        Ok(match started {
            Started::Answered(outgoing) => Owed::Ready(outgoing),
            Started::Produce(pending) => {
                self.unsettled.count.set(self.unsettled.count.get() + 1);
                Owed::Produce(Box::new(pending), received.permit)
            }
        })
    }
}

/// Sends replies in order until the reader is done and nothing is owed.
struct Writer<'c, R: Runtime> {
    shard: &'c Shard<R>,
    conn: &'c R::Conn,
    unsettled: &'c Unsettled,
    sending_since: &'c Cell<Option<Instant>>,
}

impl<R: Runtime> Writer<'_, R> {
    async fn run(&self, mut replies: Receiver<Owed<R>>) -> Result<(), Close> {
        let mut next = None;
        loop {
            let owed = match next.take() {
                Some(owed) => owed,
                None => match replies.recv().await {
                    Some(owed) => owed,
                    None => return Ok(()),
                },
            };
            // Boxed: an idle connection does not carry the room of a reply.
            next = Box::pin(self.send(owed, &mut replies)).await?;
        }
    }

    /// Sends a reply and what can go with it. Returns the first reply behind them, if one was seen.
    async fn send(
        &self,
        owed: Owed<R>,
        replies: &mut Receiver<Owed<R>>,
    ) -> Result<Option<Owed<R>>, Close> {
        let Some(outgoing) = self.settle(owed).await? else { return Ok(None) };
        let mut next = None;
        self.sending_since.set(Some(self.shard.rt.now().mono));
        if outgoing.is_bytes() {
            let mut bytes = Bufs::new();
            outgoing.append_to(&mut bytes);
            next = self.gather(replies, &mut bytes).await?;
            self.conn.send(bytes, More::Done).await.map_err(gone)?;
        } else {
            outgoing.send(self.conn).await?;
        }
        self.sending_since.set(None);
        Ok(next)
    }

    /// Adds what is known right behind: one sync settles many requests, and their replies share a
    /// send. Returns the first reply that is not.
    async fn gather(
        &self,
        replies: &mut Receiver<Owed<R>>,
        bytes: &mut Bufs,
    ) -> Result<Option<Owed<R>>, Close> {
        if self.shard.buggify(Buggify::ReplyOfOne) {
            return Ok(None);
        }
        for _ in 1..REPLIES_TOGETHER_MAX {
            match replies.try_recv() {
                Some(owed) if owed.is_known_bytes() => {
                    if let Some(outgoing) = self.settle(owed).await? {
                        outgoing.append_to(bytes);
                    }
                }
                other => return Ok(other),
            }
        }
        Ok(None)
    }

    /// The reply, once it is known; `None` for a request without one.
    async fn settle(&self, owed: Owed<R>) -> Result<Option<Outgoing<R>>, Close> {
        match owed {
            Owed::Ready(outgoing) => Ok(Some(outgoing)),
            Owed::Produce(pending, _permit) => {
                let settled = pending.settle(self.shard).await;
                self.unsettled.count.set(self.unsettled.count.get() - 1);
                self.unsettled.changed.notify();
                settled
            }
        }
    }
}

fn log_close<R: Runtime>(shard: &Shard<R>, conn: &R::Conn, reason: &Close) {
    if reason.is_refusal() {
        shard.count(|stats| stats.connections_refused += 1);
    }
    if !matches!(reason, Close::Gone | Close::Stopping) {
        let peer = conn.peer_addr();
        shard.log(Level::Warn, format!("connection closed peer={peer} reason=\"{reason}\""));
    }
}

/// Tells shard 0, which counts the load of every shard.
fn report_closed<R: Runtime>(shard: &Shard<R>) {
    if shard.id == FIRST {
        shard.connections.borrow_mut().closed_on(FIRST, 1);
    } else {
        shard.mesh.post_notice(FIRST, Notice::ConnectionsClosed(1));
    }
}
