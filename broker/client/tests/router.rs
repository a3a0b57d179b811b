//! Trying again, against a scripted broker in virtual time.

use client::{ClientError, Frames, Options, Router};
use core::time::Duration;
use model::{ErrorCode, Live};
use runtime::memory::{MemoryConn, MemoryMesh, MemoryRuntime, NodeOptions, World};
use runtime::{Clock, Conn, Listener, More, Net, Spawn, TaskClass};
use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use wire::frame::{decode_request_header, encode_response};
use wire::messages::ApiKey;
use wire::messages::api_versions::{ApiVersion, ApiVersionsResponse};
use wire::messages::metadata::{MetadataResponse, MetadataResponseBroker};
use wire::{APIS, Response};

const LIMIT: Duration = Duration::from_secs(10);

/// A broker that closes the connection instead of answering the first `closes` Metadata requests.
struct Scripted {
    world: World,
    client: MemoryRuntime,
    bootstrap: Vec<String>,
    asked: Rc<Cell<u32>>,
}

fn serve(closes: u32) -> Scripted {
    let mut world = World::new(5);
    let node = world.add_node(NodeOptions::default());
    let at = SocketAddr::new(world.ip(node), 9092);
    let asked = Rc::new(Cell::new(0));
    let seen = Rc::clone(&asked);
    world.boot(node, Live, move |rt: MemoryRuntime, _: MemoryMesh<()>| {
        let seen = Rc::clone(&seen);
        async move {
            let listener = rt.listen(at).await.expect("a free port");
            while let Ok(conn) = listener.accept().await {
                let task = answer(rt.clone(), conn, closes, Rc::clone(&seen));
                rt.spawn("broker", TaskClass::Latency, task);
            }
        }
    });
    let client = world.client();
    Scripted { world, client, bootstrap: vec![at.to_string()], asked }
}

async fn answer(rt: MemoryRuntime, conn: MemoryConn, closes: u32, asked: Rc<Cell<u32>>) {
    let mut frames = Frames::new(rt, conn.clone(), 1 << 20);
    while let Ok(Some(frame)) = frames.next().await {
        let (header, _) = decode_request_header(&frame).expect("the client's own request");
        let (id, version) = (header.correlation_id, header.version);
        if header.api.key == ApiKey::ApiVersions {
            send(&conn, id, version, &versions()).await;
            continue;
        }
        asked.set(asked.get() + 1);
        if asked.get() <= closes {
            return conn.shutdown();
        }
        let broker = MetadataResponseBroker {
            node_id: 1,
            host: "nowhere.invalid".to_owned(),
            port: 1,
            ..MetadataResponseBroker::default()
        };
        let answer = MetadataResponse { brokers: vec![broker], ..MetadataResponse::default() };
        send(&conn, id, version, &answer).await;
    }
}

fn versions() -> ApiVersionsResponse {
    let row = |api: &wire::Api| ApiVersion {
        api_key: api.key as i16,
        min_version: api.version_min,
        max_version: api.version_max,
    };
    let api_keys = APIS.iter().map(row).collect();
    ApiVersionsResponse { api_keys, ..ApiVersionsResponse::default() }
}

async fn send<T: Response>(conn: &MemoryConn, id: i32, version: i16, response: &T) {
    let frame = encode_response(response, version, id, 1 << 20).expect("a valid response");
    let _ = conn.send(frame.into_bufs(), More::Done).await;
}

impl Scripted {
    /// What came of `work`, and how long it took.
    fn with<T: 'static>(
        &mut self,
        work: impl AsyncFnOnce(Router<MemoryRuntime>) -> T + 'static,
    ) -> (T, Duration) {
        let (rt, bootstrap) = (self.client.clone(), self.bootstrap.clone());
        self.world.block_on(&self.client.clone(), async move {
            let router = Router::connect(&rt, &bootstrap, Options::default()).await.expect("there");
            let began = rt.now().mono;
            let done = work(router).await;
            (done, rt.now().mono.since(began))
        })
    }
}

#[test]
fn a_broken_connection_is_opened_again_until_an_answer_comes() {
    let mut scripted = serve(3);
    let (answered, _) = scripted.with(async |router| {
        router.retry(LIMIT, async || router.metadata(None).await.map(|it| it.brokers.len())).await
    });
    assert_eq!(answered, Ok(1));
    assert_eq!(scripted.asked.get(), 4);
}

#[test]
fn the_limit_ends_what_does_not_pass() {
    let mut scripted = serve(u32::MAX);
    let (answered, took) = scripted.with(async |router| {
        router.retry(LIMIT, async || router.metadata(None).await.map(|_| ())).await
    });
    assert!(answered.is_err_and(|error| error.is_retriable()));
    assert!(took <= LIMIT, "{took:?}");
    // Pauses grow to a second: many fewer tries than without them, and still several.
    assert!((10..20).contains(&scripted.asked.get()), "{}", scripted.asked.get());
}

#[test]
fn a_refusal_for_good_is_not_repeated() {
    let tries = Rc::new(Cell::new(0));
    let counted = Rc::clone(&tries);
    let (answered, took) = serve(0).with(async move |router| {
        let refused = async || {
            counted.set(counted.get() + 1);
            let code = ErrorCode::TopicAlreadyExists.code();
            Err::<(), _>(ClientError::refused("creating", code, None))
        };
        router.retry(LIMIT, refused).await
    });
    assert_eq!(answered.unwrap_err().code(), Some(ErrorCode::TopicAlreadyExists));
    assert_eq!((tries.get(), took), (1, Duration::ZERO));
}

#[test]
fn a_broker_that_the_cluster_does_not_name_is_not_there() {
    let (found, _) = serve(0).with(async |router| router.node(model::NodeId(7)).await.map(|_| ()));
    assert_eq!(found, Err(ClientError::NoBroker { id: model::NodeId(7) }));
}
