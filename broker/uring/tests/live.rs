//! What only a live backend can be asked: real sockets, real files, several threads.

use core::time::Duration;
use model::{Buf, Limits, ShardId};
use runtime::{
    Clock, Conn, Disk, Exit, Heat, Lane, Listener, Mesh, More, Net, Open, Spawn, TaskClass,
};
use std::cell::Cell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use uring::{Io, Live, LiveConn, LiveMesh, Options, Pinning, Signals, run};

/// Runs one body per shard on both backends; the body must exit the node.
fn check<Body, Task>(shards: usize, body: Body)
where
    Body: Fn(Live, LiveMesh<u64>) -> Task + Clone + Send + 'static,
    Task: Future<Output = ()> + 'static,
{
    for io in [Io::Auto, Io::Epoll] {
        check_on(io, shards, Limits::PRODUCTION, body.clone());
    }
}

fn check_on<Body, Task>(io: Io, shards: usize, limits: Limits, body: Body)
where
    Body: Fn(Live, LiveMesh<u64>) -> Task + Clone + Send + 'static,
    Task: Future<Output = ()> + 'static,
{
    let options = Options {
        io,
        cpus: vec![0; shards],
        pinning: Pinning::Free,
        signals: Signals::Leave,
        limits,
        ..Options::default()
    };
    assert_eq!(run(&options, body), Ok(Exit::Clean), "{io:?}");
}

async fn pair(live: &Live) -> (LiveConn, LiveConn) {
    let listener = live.listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let client = live.connect(listener.local_addr(), Duration::from_secs(5)).await.unwrap();
    (client, listener.accept().await.unwrap())
}

/// Bytes that tell their own position.
fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8).collect()
}

fn scratch(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("uring-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn small_messages_go_back_and_forth() {
    check(1, |live, _| async move {
        let (client, server) = pair(&live).await;
        for round in 0..1000u32 {
            let message = round.to_be_bytes();
            client.send(vec![Buf::from(message.to_vec())], More::Done).await.unwrap();
            let got = server.recv_any().await.unwrap();
            assert_eq!(&got[..], message);
            server.send(vec![got], More::Done).await.unwrap();
            let (result, back) = client.recv_exact(Vec::with_capacity(4), 4).await;
            assert_eq!((result, &back[..]), (Ok(()), &message[..]));
        }
        client.shutdown();
        assert_eq!(server.recv_any().await.map(|buf| buf.len()), Ok(0));
        server.wait_closed().await;
        live.exit(Exit::Clean);
    });
}

#[test]
fn a_small_request_costs_one_send_and_no_submission() {
    check(1, |live, _| async move {
        const ROUNDS: u64 = 200;
        let (client, server) = pair(&live).await;
        let before = live.counters();
        for _ in 0..ROUNDS {
            client.send(vec![Buf::from_static(b"request")], More::Done).await.unwrap();
            let got = server.recv_any().await.unwrap();
            server.send(vec![got], More::Done).await.unwrap();
            assert_eq!(client.recv_any().await.map(|buf| buf.len()), Ok(7));
        }
        let after = live.counters();
        assert_eq!(after.sends - before.sends, 2 * ROUNDS);
        // One armed receive for each end; the bell of a new ring may be the third.
        assert_eq!(after.submitted_receives_many - before.submitted_receives_many, 2);
        assert!(after.submissions - before.submissions <= 3);
        live.exit(Exit::Clean);
    });
}

#[test]
fn a_large_frame_costs_one_receive_into_its_own_memory() {
    check(1, |live, _| async move {
        const FRAMES: u64 = 20;
        const SIZE: usize = 60_000;
        let (client, server) = pair(&live).await;
        let before = live.counters();
        for _ in 0..FRAMES {
            // All of it is there before the first receive.
            client.send(vec![Buf::from(pattern(SIZE))], More::Done).await.unwrap();
            let mut frame = server.recv_any().await.unwrap().to_vec();
            let missing = SIZE - frame.len();
            frame.reserve(missing);
            let (result, frame) = server.recv_exact(frame, missing).await;
            assert_eq!(result, Ok(()));
            assert!(frame == pattern(SIZE));
        }
        let after = live.counters();
        // The first frame finds a multishot receive, which is cancelled; the others one of each.
        assert_eq!(after.submitted_receives_many - before.submitted_receives_many, 1);
        assert!(after.submitted_receives_once - before.submitted_receives_once < FRAMES);
        assert!(after.submitted_receives_exact - before.submitted_receives_exact <= FRAMES);
        assert!(after.submitted_cancels - before.submitted_cancels <= 1);
        live.exit(Exit::Clean);
    });
}

#[test]
fn large_frames_arrive_whole_whatever_the_mix_of_receives() {
    check(1, |live, _| async move {
        let (client, server) = pair(&live).await;
        let sizes = [10, 70_000, 3, 1_000_000, 16_384, 40_000, 1, 5_000_000];
        live.spawn("sender", TaskClass::Latency, async move {
            for size in sizes {
                let head = Buf::from((size as u32).to_be_bytes().to_vec());
                client.send(vec![head, Buf::from(pattern(size))], More::Done).await.unwrap();
            }
            client.wait_closed().await;
        });
        let mut have = Vec::new();
        for size in sizes {
            while have.len() < 4 {
                have.extend_from_slice(&server.recv_any().await.unwrap());
            }
            let head: [u8; 4] = have[..4].try_into().unwrap();
            assert_eq!(u32::from_be_bytes(head) as usize, size);
            let mut body = have.split_off(4);
            if body.len() > size {
                have = body.split_off(size);
            } else {
                have = Vec::new();
                let missing = size - body.len();
                body.reserve(missing);
                let (result, whole) = server.recv_exact(body, missing).await;
                assert_eq!(result, Ok(()));
                body = whole;
            }
            assert!(body == pattern(size), "frame of {size}");
        }
        live.exit(Exit::Clean);
    });
}

#[test]
fn a_dropped_receive_loses_nothing() {
    check(1, |live, _| async move {
        let (client, server) = pair(&live).await;
        let whole = pattern(300_000);
        // Both kinds begin, are dropped half-way, and the other kind goes on.
        client.send(vec![Buf::from(whole[..100_000].to_vec())], More::Done).await.unwrap();
        let tick = || live.sleep_until(live.now_exact().mono + Duration::from_millis(5));
        let exact = server.recv_exact(Vec::with_capacity(200_000), 200_000);
        let first = runtime::sync::race(exact, tick()).await;
        assert!(matches!(first, runtime::sync::First::Right(())));
        client.send(vec![Buf::from(whole[100_000..].to_vec())], More::Done).await.unwrap();
        let mut got = Vec::new();
        while got.len() < 150_000 {
            got.extend_from_slice(&server.recv_any().await.unwrap());
        }
        let missing = whole.len() - got.len();
        got.reserve(missing);
        let (result, got) = server.recv_exact(got, missing).await;
        assert_eq!(result, Ok(()));
        assert!(got == whole);
        live.exit(Exit::Clean);
    });
}

#[test]
fn file_ranges_reach_the_peer_hot_and_cold() {
    check(1, |live, _| async move {
        let dir = scratch("ranges");
        let file = live.open(&dir.join("log"), Open::Create).await.unwrap();
        let whole = pattern(6_000_000);
        let pieces = whole.chunks(700_000).map(|piece| Buf::from(piece.to_vec())).collect();
        live.append(&file, 0, pieces).await.unwrap();
        live.sync_data(&file).await.unwrap();
        assert_eq!(live.len(&file).await, Ok(whole.len() as u64));
        let (client, server) = pair(&live).await;
        for heat in [Heat::Hot, Heat::Cold] {
            let (file, sender) = (file.clone(), server.clone());
            live.spawn("sender", TaskClass::Latency, async move {
                sender.send(vec![Buf::from_static(b"head")], More::Follows).await.unwrap();
                sender.send_file(&file, 1000..5_900_000, heat, More::Done).await.unwrap();
            });
            let size = 4 + 5_899_000;
            let (result, got) = client.recv_exact(Vec::with_capacity(size), size).await;
            assert_eq!(result, Ok(()));
            assert!(got[..4] == *b"head" && got[4..] == whole[1000..5_900_000], "{heat:?}");
        }
        for heat in [Heat::Hot, Heat::Cold] {
            let (_client, server) = pair(&live).await;
            let sent = server.send_file(&file, 5_999_999..6_000_001, heat, More::Done).await;
            assert_eq!(sent, Err(runtime::Error::Failed(libc::ENODATA)));
        }
        std::fs::remove_dir_all(dir).unwrap();
        live.exit(Exit::Clean);
    });
}

#[test]
fn a_dropped_send_is_finished_before_the_next_one() {
    check(1, |live, _| async move {
        let (client, server) = pair(&live).await;
        let big = pattern(20_000_000);
        let send = client.send(vec![Buf::from(big.clone())], More::Done);
        let tick = live.sleep_until(live.now_exact().mono + Duration::from_millis(5));
        let first = runtime::sync::race(send, tick).await;
        assert!(matches!(first, runtime::sync::First::Right(())), "the socket holds less");
        let after = client.clone();
        live.spawn("next", TaskClass::Latency, async move {
            after.send(vec![Buf::from_static(b"next")], More::Done).await.unwrap();
        });
        let size = big.len() + 4;
        let (result, got) = server.recv_exact(Vec::with_capacity(size), size).await;
        assert_eq!(result, Ok(()));
        assert!(got[..big.len()] == big && got[big.len()..] == *b"next");
        live.exit(Exit::Clean);
    });
}

#[test]
fn files_are_read_back_and_names_listed() {
    check(1, |live, _| async move {
        let dir = scratch("names");
        live.create_dir(&dir.join("a/b")).await.unwrap();
        let file = live.open(&dir.join("a/one"), Open::CreateNew).await.unwrap();
        let exists = live.open(&dir.join("a/one"), Open::CreateNew).await.map(drop);
        assert_eq!(exists, Err(runtime::Error::Exists));
        let missing = live.open(&dir.join("a/none"), Open::Read).await.map(drop);
        assert_eq!(missing, Err(runtime::Error::NotFound));
        live.append(&file, 0, vec![Buf::from_static(b"hello "), Buf::from_static(b"world")])
            .await
            .unwrap();
        live.sync_data(&file).await.unwrap();
        live.sync_dir(&dir.join("a")).await.unwrap();
        let mut into = b"> ".to_vec();
        into.reserve(100);
        let (result, read) = live.read(&file, 6, into, 100).await;
        assert_eq!((result, &read[..]), (Ok(5), &b"> world"[..]));
        live.rename(&dir.join("a/one"), &dir.join("a/two")).await.unwrap();
        live.link(&dir.join("a/two"), &dir.join("a/three")).await.unwrap();
        let names: Vec<_> =
            live.list(&dir.join("a")).await.unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["b", "three", "two"]);
        live.set_len(&file, 3).await.unwrap();
        assert_eq!(live.len(&file).await, Ok(3));
        live.remove(&dir.join("a/two")).await.unwrap();
        live.remove(&dir.join("a/b")).await.unwrap();
        assert!(live.space(&dir).await.unwrap().total_bytes > 0);
        let lock = live.lock(&dir.join(".lock")).await.unwrap();
        assert_eq!(live.lock(&dir.join(".lock")).await.map(drop), Err(runtime::Error::Locked));
        drop(lock);
        live.lock(&dir.join(".lock")).await.unwrap();
        std::fs::remove_dir_all(dir).unwrap();
        live.exit(Exit::Clean);
    });
}

#[test]
fn shards_exchange_messages_in_order_through_full_queues() {
    let limits = Limits { mesh_queue_len: 4, ..Limits::PRODUCTION };
    for io in [Io::Auto, Io::Epoll] {
        check_on(io, 3, limits.clone(), |live, mesh| async move {
            const COUNT: u64 = 5_000;
            let shards = u64::from(live.shard_count());
            for peer in 0..live.shard_count() {
                let mesh = mesh.clone();
                live.spawn("sender", TaskClass::Latency, async move {
                    for value in 0..COUNT {
                        while mesh.try_send(ShardId(peer), Lane::Request, value).is_err() {
                            mesh.ready(ShardId(peer), Lane::Request).await;
                        }
                    }
                });
            }
            let mut next = vec![0; live.shard_count().into()];
            for _ in 0..COUNT * shards {
                let (from, value) = mesh.recv().await;
                assert_eq!(value, next[usize::from(from.0)]);
                next[usize::from(from.0)] += 1;
            }
        });
    }
}

#[test]
fn a_connection_moves_to_another_shard_with_its_bytes() {
    for io in [Io::Auto, Io::Epoll] {
        let options = Options {
            io,
            cpus: vec![0; 2],
            pinning: Pinning::Free,
            signals: Signals::Leave,
            ..Options::default()
        };
        let ended = run(&options, |live: Live, mesh: LiveMesh<uring::Detached>| async move {
            if live.shard() == ShardId(0) {
                let (client, server) = pair(&live).await;
                client.send(vec![Buf::from_static(b"one two ")], More::Done).await.unwrap();
                let first = server.recv_any().await.unwrap();
                assert_eq!(&first[..], b"one two ");
                // A receive is armed and gets bytes that nobody takes here.
                let tick = live.sleep_until(live.now_exact().mono + Duration::from_millis(1));
                runtime::sync::race(server.recv_any(), tick).await;
                client.send(vec![Buf::from_static(b"three")], More::Done).await.unwrap();
                let sent = mesh.try_send(ShardId(1), Lane::Request, server.detach());
                assert!(sent.is_ok());
                assert_eq!(&client.recv_any().await.unwrap()[..], b"three");
                live.exit(Exit::Clean);
            } else {
                let (_, detached) = mesh.recv().await;
                let server = live.adopt(detached);
                let got = server.recv_any().await.unwrap();
                server.send(vec![got], More::Done).await.unwrap();
                server.wait_closed().await;
            }
        });
        assert_eq!(ended, Ok(Exit::Clean));
    }
}

#[test]
fn received_buffers_may_be_dropped_on_any_thread_and_are_never_used_up() {
    let limits = Limits { receive_buffers: 8, receive_buffer_bytes: 1024, ..Limits::PRODUCTION };
    for io in [Io::Auto, Io::Epoll] {
        check_on(io, 1, limits.clone(), |live, _| async move {
            let (client, server) = pair(&live).await;
            let whole = pattern(400_000);
            let sent = Buf::from(whole.clone());
            live.spawn("sender", TaskClass::Latency, async move {
                client.send(vec![sent], More::Done).await.unwrap();
                client.wait_closed().await;
            });
            let (mut got, mut held) = (Vec::new(), Vec::new());
            while got.len() < whole.len() {
                let buf = server.recv_any().await.unwrap();
                got.extend_from_slice(&buf);
                held.push(buf);
                if held.len() == 20 {
                    let batch = std::mem::take(&mut held);
                    live.offload(move || drop(batch)).await.unwrap();
                }
            }
            assert!(got == whole);
            live.exit(Exit::Clean);
        });
    }
}

#[test]
fn background_tasks_progress_beside_a_spinning_one() {
    check(1, |live, _| async move {
        let done = Rc::new(Cell::new(false));
        let (seen, rest) = (Rc::clone(&done), live.clone());
        live.spawn("background", TaskClass::Background, async move {
            for _ in 0..10 {
                rest.yield_now().await;
            }
            seen.set(true);
        });
        while !done.get() {
            live.yield_now().await;
        }
        live.exit(Exit::Clean);
    });
}

#[test]
fn more_operations_than_the_submission_queue_holds_all_complete() {
    check(1, |live, _| async move {
        const PAIRS: usize = 700;
        let mut pairs = Vec::new();
        for _ in 0..PAIRS {
            pairs.push(pair(&live).await);
        }
        let received = Rc::new(Cell::new(0));
        let mut clients = Vec::new();
        for (client, server) in pairs {
            let received = Rc::clone(&received);
            live.spawn("server", TaskClass::Latency, async move {
                let got = server.recv_any().await.unwrap();
                assert_eq!(&got[..], b"x");
                received.set(received.get() + 1);
            });
            clients.push(client);
        }
        // All receives are armed in one round.
        live.yield_now().await;
        for client in &clients {
            client.send(vec![Buf::from_static(b"x")], More::Done).await.unwrap();
        }
        while received.get() < PAIRS {
            live.yield_now().await;
        }
        live.exit(Exit::Clean);
    });
}

#[test]
fn slow_readers_share_the_pipes() {
    check(1, |live, _| async move {
        const READERS: usize = 24;
        let dir = scratch("slow");
        let file = live.open(&dir.join("log"), Open::Create).await.unwrap();
        let whole = pattern(8_000_000);
        live.append(&file, 0, vec![Buf::from(whole.clone())]).await.unwrap();
        let mut clients = Vec::new();
        for _ in 0..READERS {
            let (client, server) = pair(&live).await;
            let file = file.clone();
            live.spawn("sender", TaskClass::Latency, async move {
                server.send_file(&file, 0..8_000_000, Heat::Cold, More::Done).await.unwrap();
                server.wait_closed().await;
            });
            clients.push(client);
        }
        // The first to connect is read last, so that its pipe is wanted by others meanwhile.
        for client in clients.iter().rev() {
            let (result, got) =
                client.recv_exact(Vec::with_capacity(whole.len()), whole.len()).await;
            assert_eq!(result, Ok(()));
            assert!(got == whole);
        }
        std::fs::remove_dir_all(dir).unwrap();
        live.exit(Exit::Clean);
    });
}

#[test]
fn a_panic_of_one_shard_stops_the_others_and_continues_in_the_caller() {
    let caught = std::panic::catch_unwind(|| {
        check(2, |live, _| async move {
            if live.shard() == ShardId(1) {
                live.yield_now().await;
                panic!("planted");
            }
            live.sleep_until(model::Instant::FAR).await;
        });
    });
    assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"planted"));
}

#[test]
fn a_shard_told_to_keep_looking_never_sleeps() {
    for io in [Io::Auto, Io::Epoll] {
        let options = Options {
            io,
            cpus: vec![0],
            pinning: Pinning::Free,
            signals: Signals::Leave,
            idle_poll: Duration::MAX,
            ..Options::default()
        };
        let ended = run(&options, |live: Live, _: LiveMesh<()>| async move {
            let (client, server) = pair(&live).await;
            client.send(vec![Buf::from_static(b"x")], More::Done).await.unwrap();
            assert_eq!(server.recv_any().await.map(|buf| buf.len()), Ok(1));
            live.sleep_until(live.now_exact().mono + Duration::from_millis(1)).await;
            assert_eq!(live.counters().sleeps, 0);
        });
        assert_eq!(ended, Ok(Exit::Clean));
    }
}
