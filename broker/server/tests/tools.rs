//! What `broker storage` does to directories, on a disk that forgets.

mod support;

use core::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use expect_test::expect;
use runtime::memory::{Life, MemoryMesh, MemoryRuntime, PowerLoss};
use runtime::{Disk, Exit, Open, Spawn};
use server::tools::{Tool, perform};
use support::*;

const SEGMENT: &str = "/data/orders-0/00000000000000000000.log";

/// Runs a tool on the broker's directory. Ids that were drawn are replaced by their kind.
fn tool(broker: &mut Broker, tool: Tool) -> String {
    let lines = Rc::new(RefCell::new(String::new()));
    let (boot, said) = (broker.boot(), Rc::clone(&lines));
    broker.world.boot(
        broker.node,
        Planted::default(),
        move |rt: MemoryRuntime<_>, _: MemoryMesh<()>| {
            let (boot, tool, said) = (boot.clone(), tool.clone(), Rc::clone(&said));
            async move {
                let say = |line: &str| said.borrow_mut().extend([line, "\n"]);
                if let Err(error) = perform(&rt, &boot, &tool, say).await {
                    said.borrow_mut().extend([&format!("error: {error}"), "\n"]);
                }
                rt.exit(Exit::Clean);
            }
        },
    );
    let node = broker.node;
    assert!(broker.world.run_until(LIMIT, |world| world.life(node) != Life::Up));
    let text = lines.borrow().clone();
    text.split_inclusive([' ', ',', '\n']).map(without_id).collect()
}

/// 22 characters of base64 are an id.
fn without_id(word: &str) -> String {
    let end = word.trim_end_matches([' ', ',', '\n']);
    let is_id = model::TopicId::from_text(end).is_some();
    if is_id { word.replacen(end, "ID", 1) } else { word.to_owned() }
}

fn format(cluster_id: Option<&str>, ignore_formatted: bool) -> Tool {
    Tool::Format { cluster_id: cluster_id.map(str::to_owned), ignore_formatted }
}

/// A broker with one topic, records in both partitions.
fn filled(seed: u64) -> Broker {
    let mut broker = Broker::started(seed, 1);
    broker.create_topic(TOPIC, 2, &[]);
    broker.run(async |rt, at| {
        let connection = connection(&rt, at).await;
        for _ in 0..3 {
            let parts = [(0, batch(&["a", "b"], None)), (1, batch(&["c"], None))];
            produce(&connection, TOPIC, &parts).await.unwrap();
        }
    });
    broker
}

/// Changes the disk while nobody runs on it.
fn on_disk(broker: &mut Broker, change: impl AsyncFn(MemoryRuntime<Planted>) + Clone + 'static) {
    broker.world.boot(
        broker.node,
        Planted::default(),
        move |rt: MemoryRuntime<_>, _: MemoryMesh<()>| {
            let change = change.clone();
            async move {
                change(rt.clone()).await;
                rt.exit(Exit::Clean);
            }
        },
    );
    let node = broker.node;
    assert!(broker.world.run_until(LIMIT, |world| world.life(node) != Life::Up));
}

async fn overwrite(rt: &MemoryRuntime<Planted>, at: u64, bytes: &'static [u8]) {
    let file = rt.open(Path::new(SEGMENT), Open::Write).await.unwrap();
    rt.append(&file, at, vec![model::Buf::from_static(bytes)]).await.unwrap();
    rt.sync_data(&file).await.unwrap();
}

#[test]
fn an_empty_directory_is_formatted_once_with_the_id_that_was_given() {
    let mut broker = Broker::new(1, 1);
    expect![[r#"
        error: /data has no meta.properties: it is no data directory
    "#]]
    .assert_eq(&tool(&mut broker, Tool::Info));
    expect![[r#"
        error: cluster id "short": 22 characters of URL-safe base64 are needed
    "#]]
    .assert_eq(&tool(&mut broker, format(Some("short"), false)));
    expect![[r#"
        /data formatted: cluster ID node 1 directory ID
    "#]]
    .assert_eq(&tool(&mut broker, format(Some("MkU3OEVBNTcwNTJENDM2Qg"), false)));
    expect![[r#"
        /data: cluster ID node 1 directory ID, not clean
    "#]]
    .assert_eq(&tool(&mut broker, Tool::Info));
    expect![[r#"
        error: /data is formatted already: nothing was written (--ignore-formatted leaves it alone)
    "#]]
    .assert_eq(&tool(&mut broker, format(None, false)));
    expect![[r#"
        /data is formatted already
    "#]]
    .assert_eq(&tool(&mut broker, format(None, true)));
    expect![[r#"
            error: /data belongs to cluster MkU3OEVBNTcwNTJENDM2Qg: nothing was written
        "#]]
    .assert_eq(&tool(&mut broker, format(Some("AAAAAAAAAAAAAAAAAAAAAQ"), true)));
}

#[test]
fn a_broker_serves_what_was_formatted() {
    let mut broker = Broker::new(2, 1);
    tool(&mut broker, format(None, false));
    broker.start();
    broker.create_topic(TOPIC, 1, &[]);
    assert_eq!(broker.stop(), Life::Exited(Exit::Clean));
}

#[test]
fn info_names_every_log() {
    let mut broker = filled(3);
    assert_eq!(broker.stop(), Life::Exited(Exit::Clean));
    expect![[r#"
        /data: cluster ID node 1 directory ID, clean
          __cluster_metadata-0 ID segments=1 bytes=451
          orders-0 ID segments=1 bytes=249
          orders-1 ID segments=1 bytes=216
    "#]]
    .assert_eq(&tool(&mut broker, Tool::Info));
}

#[test]
fn fsck_after_a_power_loss_leaves_a_clean_directory_with_every_record() {
    let mut broker = filled(4);
    broker.world.power_loss(broker.node, PowerLoss::KeepsNothing);
    expect![[r#"
            /data: was not clean
              __cluster_metadata-0 segments=1 batches=2 end=6
              orders-0 segments=1 batches=3 end=6
              orders-1 segments=1 batches=3 end=3
            clean
        "#]]
    .assert_eq(&tool(&mut broker, Tool::Fsck));
    expect![[r#"
            /data: cluster ID node 1 directory ID, clean
              __cluster_metadata-0 ID segments=1 bytes=451
              orders-0 ID segments=1 bytes=249
              orders-1 ID segments=1 bytes=216
        "#]]
    .assert_eq(&tool(&mut broker, Tool::Info));
    broker.start();
    let values: Vec<_> = broker.run(async |rt, at| read_all(&rt, at, 0).await);
    assert_eq!(values.len(), 6);
}

#[test]
fn fsck_cuts_a_torn_tail_and_says_how_much() {
    let mut broker = filled(5);
    assert_eq!(broker.stop(), Life::Exited(Exit::Clean));
    on_disk(&mut broker, async |rt| {
        let file = rt.open(Path::new(SEGMENT), Open::Write).await.unwrap();
        let len = rt.len(&file).await.unwrap();
        overwrite(&rt, len, b"torn").await;
        rt.remove(Path::new("/data/.kafka_cleanshutdown")).await.unwrap();
        rt.sync_dir(Path::new("/data")).await.unwrap();
    });
    expect![[r#"
        /data: was not clean
          __cluster_metadata-0 segments=1 batches=2 end=6
          orders-0 segments=1 batches=3 end=6, cut 4 torn bytes
          orders-1 segments=1 batches=3 end=3
        clean
    "#]]
    .assert_eq(&tool(&mut broker, Tool::Fsck));
}

#[test]
fn fsck_reports_rot_again_and_again_and_never_cuts_it() {
    let mut broker = filled(6);
    assert_eq!(broker.stop(), Life::Exited(Exit::Clean));
    on_disk(&mut broker, async |rt| overwrite(&rt, 70, b"rot").await);
    let first = tool(&mut broker, Tool::Fsck);
    expect![[r#"
        /data: was clean
          __cluster_metadata-0 segments=1 batches=2 end=6
          orders-0 segments=1 batches=0 end=0, DAMAGED: /data/orders-0/00000000000000000000.log is damaged at byte 0: checksum 0x825436ba instead of 0x5679b15a
          orders-1 segments=1 batches=3 end=3
        error: damaged logs: 1; the directories are not marked clean. Restore those logs from a backup, or move their directories away
    "#]].assert_eq(&first);
    expect![[r#"
            /data: was not clean
              __cluster_metadata-0 segments=1 batches=2 end=6
              orders-0 DAMAGED: /data/orders-0/00000000000000000000.log is damaged at byte 0: checksum 0x825436ba instead of 0x5679b15a
              orders-1 segments=1 batches=3 end=3
            error: damaged logs: 1; the directories are not marked clean. Restore those logs from a backup, or move their directories away
        "#]].assert_eq(&tool(&mut broker, Tool::Fsck));
}

#[test]
fn a_log_that_cannot_be_opened_keeps_its_recovery_point_over_a_stop() {
    let mut broker = filled(7);
    assert_eq!(broker.stop(), Life::Exited(Exit::Clean));
    // A length that no batch has: the header alone shows it.
    on_disk(&mut broker, async |rt| overwrite(&rt, 8, &[0xff; 4]).await);
    broker.start();
    broker.world.run_for(core::time::Duration::from_secs(5));
    // It was never recovered, so the directory is not clean.
    assert_eq!(broker.stop(), Life::Exited(Exit::Failed));
    on_disk(&mut broker, async |rt| {
        let file = rt.open(Path::new("/data/recovery-point-offset-checkpoint"), Open::Read).await;
        let (_, bytes) = rt.read(&file.unwrap(), 0, Vec::with_capacity(4096), 4096).await;
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.lines().any(|line| line == "orders 0 6"), "{text}");
    });
}
