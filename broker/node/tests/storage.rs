//! The real program on a real disk: a killed broker's directory is looked at, repaired and served again.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};

use model::{Buf, ErrorCode};
use wire::batch::{BatchBuilder, BatchStamp};
use wire::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use wire::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use wire::{Request, frame};

use support::{Broker, Directory};

const RECORDS: i64 = 3;

impl Broker {
    fn call<R: Request>(&self, version: i16, request: &R) -> R::Response {
        let bytes = frame::encode_request(request, version, 1, Some("test"), 1 << 20).unwrap();
        let mut stream = TcpStream::connect(self.at).unwrap();
        stream.write_all(&bytes.into_vec()).unwrap();
        let mut length = [0; 4];
        stream.read_exact(&mut length).unwrap();
        let mut reply = vec![0; frame::frame_size(length, 1 << 20).unwrap()];
        stream.read_exact(&mut reply).unwrap();
        frame::decode_response(&Buf::from(reply), version).unwrap().1
    }

    fn create_topic(&self) {
        let topic = CreatableTopic {
            name: "orders".to_owned(),
            num_partitions: 1,
            replication_factor: 1,
            ..CreatableTopic::default()
        };
        let request = CreateTopicsRequest { topics: vec![topic], ..CreateTopicsRequest::default() };
        let response = self.call(7, &request);
        assert_eq!(response.topics[0].error_code, ErrorCode::None.code());
    }

    /// Produces one batch; returns the offset it got.
    fn produce(&self) -> i64 {
        let mut builder = BatchBuilder::new(Vec::new());
        for _ in 0..RECORDS {
            builder.append(1_000, None, Some(b"value"), &[]);
        }
        let records = Some(Buf::from(builder.finish(&BatchStamp::default())));
        let partition = PartitionProduceData { index: 0, records };
        let topic = TopicProduceData {
            name: "orders".to_owned(),
            partition_data: vec![partition],
            ..TopicProduceData::default()
        };
        let request = ProduceRequest {
            acks: -1,
            timeout_ms: 10_000,
            topic_data: vec![topic],
            ..ProduceRequest::default()
        };
        let response = self.call(9, &request);
        let answer = &response.responses[0].partition_responses[0];
        assert_eq!(answer.error_code, ErrorCode::None.code());
        answer.base_offset
    }
}

/// `broker storage TASK --data DIRECTORY`.
fn storage(task: &[&str], directory: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_broker"))
        .arg("storage")
        .args(task)
        .arg("--data")
        .arg(directory)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_killed_brokers_directory_is_clean_after_fsck_and_keeps_every_record() {
    let directory = Directory::new("killed");
    let path = &directory.0;
    assert!(stdout(&storage(&["format"], path)).contains("formatted: cluster "));
    assert!(stderr(&storage(&["format"], path)).contains("is formatted already"));

    let broker = Broker::start(path);
    broker.create_topic();
    assert_eq!(broker.produce(), 0);
    let refused = stderr(&storage(&["fsck"], path));
    assert!(refused.contains("is in use: stop the broker"), "{refused}");
    drop(broker);

    assert!(stdout(&storage(&["info"], path)).contains(", not clean\n"));
    let checked = stdout(&storage(&["fsck"], path));
    assert!(checked.contains("orders-0 segments=1 batches=1 end=3\n"), "{checked}");
    assert!(checked.ends_with("clean\n"), "{checked}");
    assert!(stdout(&storage(&["info"], path)).contains(", clean\n"));

    let broker = Broker::start(path);
    assert_eq!(broker.produce(), RECORDS);
}

#[test]
fn damage_is_named_and_leaves_the_directory_unclean() {
    let directory = Directory::new("damaged");
    let path = &directory.0;
    let broker = Broker::start(path);
    broker.create_topic();
    broker.produce();
    drop(broker);
    stdout(&storage(&["fsck"], path));

    let segment = path.join("orders-0/00000000000000000000.log");
    let mut bytes = fs::read(&segment).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&segment, bytes).unwrap();
    let output = storage(&["fsck"], path);
    let found = String::from_utf8_lossy(&output.stdout);
    assert!(found.contains("is damaged at byte 0: checksum"), "{found}");
    assert!(stderr(&output).contains("damaged logs: 1"));
    assert!(stdout(&storage(&["info"], path)).contains(", not clean\n"));
}
