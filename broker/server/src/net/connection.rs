//! One client connection: a task that reads and starts requests, a task that sends replies.
//!
//! Promises: replies leave in request order. Produce requests may overlap each other; any other
//! request starts when the replies of all earlier ones are known. At most `requests_in_flight`
//! replies are owed; beyond that nothing is read.
//! Does not: interpret requests (`dispatch`).

use core::cell::Cell;
use std::rc::Rc;

use model::{Bufs, Instant};
use runtime::sync::{Receiver, Sender, channel};
use runtime::{Conn, More, Runtime, TaskClass};

use super::Close;
use super::connections::Watch;
use super::dispatch::respond;
use super::frames::{Frames, Phase};
use super::owed::{Outgoing, gone};
use crate::boot::Level;
use crate::mesh::Notice;
use crate::shard::{FIRST, Shard};

/// Replies that share one send.
const REPLIES_TOGETHER_MAX: usize = 16;

/// Serves a connection until it ends. `listener` is an index into `Boot::listeners`.
pub(crate) fn serve<R: Runtime>(shard: &Rc<Shard<R>>, conn: R::Conn, listener: usize) {
    let phase = Rc::new(Cell::new(Phase::Idle { since: shard.rt.now().mono }));
    let sending_since = Rc::new(Cell::new(None));
    let watch = Watch { phase: Rc::clone(&phase), sending_since: Rc::clone(&sending_since) };
    let opened = shard.connections.borrow_mut().opened(conn.clone(), watch);
    let Some(id) = opened else {
        log_close(shard, &conn, &Close::TooManyConnections);
        conn.shutdown();
        report_closed(shard);
        return;
    };
    shard.count(|stats| stats.connections += 1);
    let (owed, replies) = channel(shard.limits.requests_in_flight);

    let reader = Reader { shard: Rc::clone(shard), conn: conn.clone(), listener, owed };
    shard.rt.spawn("connection reader", TaskClass::Latency, async move {
        reader.run(phase).await;
    });
    let shard = Rc::clone(shard);
    let rt = shard.rt.clone();
    rt.spawn("connection writer", TaskClass::Latency, async move {
        let ended = write(&shard, &conn, replies, &sending_since).await;
        if let Err(reason) = ended {
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
    owed: Sender<Outgoing<R>>,
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
        self.shard.count(|stats| stats.requests += 1);
        let outgoing = respond(&self.shard, &self.conn, self.listener, &received.frame).await?;
        self.owed.send(outgoing).await.map_err(|_| Close::Gone)
    }
}

/// Sends replies in order until the reader is done and nothing is owed.
async fn write<R: Runtime>(
    shard: &Shard<R>,
    conn: &R::Conn,
    mut replies: Receiver<Outgoing<R>>,
    sending_since: &Cell<Option<Instant>>,
) -> Result<(), Close> {
    let mut next = None;
    loop {
        let outgoing = match next.take() {
            Some(outgoing) => outgoing,
            None => match replies.recv().await {
                Some(outgoing) => outgoing,
                None => return Ok(()),
            },
        };
        sending_since.set(Some(shard.rt.now().mono));
        if outgoing.is_bytes() {
            let mut bytes = Bufs::new();
            outgoing.append_to(&mut bytes);
            // What is ready right behind it rides along.
            for _ in 1..REPLIES_TOGETHER_MAX {
                match replies.try_recv() {
                    Some(more) if more.is_bytes() => more.append_to(&mut bytes),
                    Some(other) => {
                        next = Some(other);
                        break;
                    }
                    None => break,
                }
            }
            conn.send(bytes, More::Done).await.map_err(gone)?;
        } else {
            outgoing.send(conn).await?;
        }
        sending_since.set(None);
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
