//! One connection against a scripted broker, in virtual time.

use client::{ClientError, Connection, Frames, Options};
use core::future::Future;
use core::time::Duration;
use model::{Buf, Live};
use runtime::memory::{MemoryConn, MemoryMesh, MemoryRuntime, NodeOptions, World};
use runtime::{Clock, Conn, Listener, More, Net, Spawn, TaskClass};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use wire::frame::{decode_request_header, encode_response};
use wire::messages::ApiKey;
use wire::messages::api_versions::{ApiVersion, ApiVersionsResponse};
use wire::messages::metadata::{MetadataRequest, MetadataResponse};
use wire::{APIS, DecodeError};

const LIMIT: Duration = Duration::from_secs(5);

/// What the scripted broker does with Metadata requests.
#[derive(Clone, Copy)]
enum Script {
    /// Answers each after a pause, in order.
    Answers,
    /// Answers every pair in the wrong order.
    Swaps,
    /// Closes at the first one.
    Closes,
    /// Never answers.
    Sleeps,
    /// Knows no ApiVersions above 0.
    IsOld,
    /// Answers with so many bytes that no frame arrives in one piece.
    AnswersAtLength,
}

struct Served {
    world: World,
    at: SocketAddr,
    client: MemoryRuntime,
    /// Most requests that the broker had received and not answered.
    waiting_max: Rc<Cell<usize>>,
}

fn serve(script: Script) -> Served {
    let mut world = World::new(11);
    let node = world.add_node(NodeOptions::default());
    let at = SocketAddr::new(world.ip(node), 9092);
    let waiting_max = Rc::new(Cell::new(0));
    let seen = Rc::clone(&waiting_max);
    world.boot(node, Live, move |rt: MemoryRuntime, _: MemoryMesh<()>| {
        let seen = Rc::clone(&seen);
        async move {
            let listener = rt.listen(at).await.expect("a free port");
            while let Ok(conn) = listener.accept().await {
                let task = follow(script, rt.clone(), conn, Rc::clone(&seen));
                rt.spawn("broker", TaskClass::Latency, task);
            }
        }
    });
    let client = world.client();
    Served { world, at, client, waiting_max }
}

async fn follow(script: Script, rt: MemoryRuntime, conn: MemoryConn, seen: Rc<Cell<usize>>) {
    let mut frames = Frames::new(rt.clone(), conn.clone(), 1 << 20);
    let mut held: Option<i32> = None;
    // Tasks that are due together run in any order: each answers the oldest request, not its own.
    let waiting = Rc::new(RefCell::new(VecDeque::new()));
    while let Ok(Some(frame)) = frames.next().await {
        let (id, version) = match decode_request_header(&frame) {
            Ok((header, _)) if header.api.key == ApiKey::ApiVersions => {
                let (id, asked) = (header.correlation_id, header.version);
                let too_new = matches!(script, Script::IsOld) && asked > 0;
                let version = if too_new { 0 } else { asked };
                send(&conn, id, version, &versions(if too_new { 35 } else { 0 })).await;
                continue;
            }
            Ok((header, _)) => (header.correlation_id, header.version),
            Err(DecodeError::ApiVersionsTooNew { .. }) => unreachable!("the client asks for 3"),
            Err(error) => panic!("the client sent {error}"),
        };
        let answer = MetadataResponse { controller_id: id, ..MetadataResponse::default() };
        match script {
            Script::Answers | Script::IsOld => {
                waiting.borrow_mut().push_back((id, version, answer));
                seen.set(seen.get().max(waiting.borrow().len()));
                let (rt, conn, waiting) = (rt.clone(), conn.clone(), Rc::clone(&waiting));
                let at = rt.now().mono + Duration::from_millis(10);
                rt.clone().spawn("answer", TaskClass::Latency, async move {
                    rt.sleep_until(at).await;
                    let oldest = waiting.borrow_mut().pop_front();
                    let (id, version, answer) = oldest.expect("one for each task");
                    send(&conn, id, version, &answer).await;
                });
            }
            Script::AnswersAtLength => {
                let cluster_id = Some("c".repeat(30_000));
                send(&conn, id, version, &MetadataResponse { cluster_id, ..answer }).await;
            }
            Script::Swaps => match held.take() {
                None => held = Some(id),
                Some(first) => {
                    send(&conn, id, version, &answer).await;
                    send(&conn, first, version, &answer).await;
                }
            },
            Script::Closes => return conn.shutdown(),
            Script::Sleeps => {}
        }
    }
}

fn versions(error_code: i16) -> ApiVersionsResponse {
    let row = |api: &wire::Api| ApiVersion {
        api_key: api.key as i16,
        min_version: api.version_min,
        max_version: api.version_max,
    };
    let api_keys = APIS.iter().map(row).collect();
    ApiVersionsResponse { error_code, api_keys, ..ApiVersionsResponse::default() }
}

async fn send<T: wire::Response>(conn: &MemoryConn, id: i32, version: i16, response: &T) {
    let frame = encode_response(response, version, id, 1 << 20).expect("a valid response");
    // One piece: several tasks answer here, and each answer must leave whole.
    let _ = conn.send(vec![Buf::from(frame.into_vec())], More::Done).await;
}

impl Served {
    /// Runs `work` on the client's machine with a connection to the broker.
    fn with<T: 'static, F: Future<Output = T> + 'static>(
        &mut self,
        in_flight_max: usize,
        work: impl FnOnce(MemoryRuntime, Connection<MemoryRuntime>) -> F + 'static,
    ) -> T {
        let (rt, at) = (self.client.clone(), self.at);
        self.world.block_on(&self.client.clone(), async move {
            let options = Options { in_flight_max, ..Options::default() };
            let connection = Connection::open(&rt, at, options).await.expect("it listens");
            work(rt, connection).await
        })
    }
}

#[test]
fn pipelined_requests_are_answered_in_order_and_bounded() {
    let mut served = serve(Script::Answers);
    let ids = served.with(3, |_, connection| async move {
        let mut replies = Vec::new();
        for _ in 0..10 {
            replies.push(connection.submit(&MetadataRequest::default()).await.unwrap());
        }
        let mut ids = Vec::new();
        for reply in replies {
            ids.push(reply.await.unwrap().controller_id);
        }
        ids
    });
    // Correlation id 0 was the question for the versions.
    assert_eq!(ids, (1..=10).collect::<Vec<_>>());
    assert_eq!(served.waiting_max.get(), 3);
}

#[test]
fn a_reply_that_is_awaited_keeps_the_connection_open() {
    let answered = serve(Script::Answers).with(5, |_, connection| async move {
        let reply = connection.submit(&MetadataRequest::default()).await.unwrap();
        drop(connection);
        reply.await
    });
    assert_eq!(answered.map(|response| response.controller_id), Ok(1));
}

#[test]
fn long_answers_are_put_together() {
    let length = serve(Script::AnswersAtLength).with(5, |_, connection| async move {
        let response = connection.call(&MetadataRequest::default(), LIMIT).await.unwrap();
        response.cluster_id.map(|id| id.len())
    });
    assert_eq!(length, Some(30_000));
}

#[test]
fn answers_in_the_wrong_order_break_the_connection_for_good() {
    let errors = serve(Script::Swaps).with(5, |_, connection| async move {
        let first = connection.submit(&MetadataRequest::default()).await.unwrap();
        let second = connection.submit(&MetadataRequest::default()).await.unwrap();
        let later = async {
            let _ = second.await;
            connection.call(&MetadataRequest::default(), LIMIT).await.map(|_| ())
        };
        (first.await.map(|_| ()), later.await)
    });
    let broken = Err(ClientError::OutOfOrder { expected: 1, got: 2 });
    assert_eq!(errors, (broken.clone(), broken));
}

#[test]
fn a_closed_connection_fails_what_waits_and_what_comes() {
    let errors = serve(Script::Closes).with(5, |_, connection| async move {
        let first = connection.call(&MetadataRequest::default(), LIMIT).await;
        let second = connection.call(&MetadataRequest::default(), LIMIT).await;
        (first.map(|_| ()), second.map(|_| ()))
    });
    assert_eq!(errors.0, errors.1);
    assert!(
        matches!(errors.0, Err(ClientError::ClosedByBroker | ClientError::Connection(_))),
        "{errors:?}"
    );
}

#[test]
fn a_silent_broker_is_given_up_after_the_limit() {
    let (error, waited) = serve(Script::Sleeps).with(5, |rt, connection| async move {
        let began = rt.now().mono;
        let error = connection.call(&MetadataRequest::default(), LIMIT).await;
        (error.map(|_| ()), rt.now().mono.since(began))
    });
    assert_eq!(error, Err(ClientError::TimedOut));
    assert!(waited >= LIMIT);
}

#[test]
fn an_old_broker_is_asked_again_in_its_own_version() {
    let answered = serve(Script::IsOld).with(5, |_, connection| async move {
        connection.call(&MetadataRequest::default(), LIMIT).await.map(|_| ())
    });
    assert_eq!(answered, Ok(()));
}
