//! `broker topic|group|cluster|produce|consume …` against a broker of the same build, as a person would use them.

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};

use support::{Broker, Directory};

impl Broker {
    /// Runs `broker ARGS --bootstrap …` to its end.
    fn run(&self, args: &[&str]) -> Output {
        self.run_with(args, "")
    }

    fn run_with(&self, args: &[&str], stdin: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_broker"))
            .args(args)
            .args(["--bootstrap", &self.at.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// What a command that succeeds prints.
    fn prints(&self, args: &[&str]) -> String {
        self.prints_with(args, "")
    }

    fn prints_with(&self, args: &[&str], stdin: &str) -> String {
        let output = self.run_with(args, stdin);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        serde_json::from_str(&self.prints(&args)).unwrap()
    }

    /// What a command that fails says, with its exit code.
    fn refuses(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = self.run(args);
        assert!(!output.status.success(), "{args:?}: {output:?}");
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

fn broker(name: &str) -> (Directory, Broker) {
    let directory = Directory::new(name);
    let broker = Broker::start(&directory.0);
    (directory, broker)
}

#[test]
fn a_topic_lives_from_creation_to_deletion() {
    let (_directory, broker) = broker("topic");
    let created =
        broker.prints(&["topic", "create", "orders", "-p", "2", "-c", "retention.ms=1000"]);
    assert_eq!(created, "topic orders created: 2 partitions, replication factor 1\n");
    let (code, refusal) = broker.refuses(&["topic", "create", "orders"]);
    assert_eq!(code, Some(1));
    assert!(refusal.contains("TOPIC_ALREADY_EXISTS"), "{refusal}");
    broker.prints(&["topic", "create", "orders", "--if-not-exists"]);

    broker.prints(&["topic", "add-partitions", "orders", "--to", "3"]);
    broker.prints(&["topic", "alter", "orders", "--delete-config", "retention.ms"]);
    let described = broker.json(&["topic", "describe", "orders"]);
    assert_eq!(described[0]["partitions"].as_array().map(Vec::len), Some(3));
    assert_eq!(described[0]["partitions"][2]["leader"], 1);
    assert_eq!(described[0]["configs"], Value::Array(vec![]));

    broker.prints(&["topic", "delete", "orders"]);
    let (_, refusal) = broker.refuses(&["topic", "describe", "orders"]);
    assert!(refusal.contains("`broker topic list` shows"), "{refusal}");
    assert_eq!(broker.json(&["topic", "list"]), Value::Array(vec![]));
}

#[test]
fn a_cluster_says_what_it_is() {
    let (_directory, broker) = broker("cluster");
    broker.prints(&["topic", "create", "orders", "-p", "3"]);
    let info = broker.json(&["cluster", "info"]);
    assert_eq!(info["brokers"], 1);
    assert_eq!(info["partitions"], 3);
    let brokers = broker.json(&["cluster", "brokers"]);
    assert_eq!(brokers[0]["leaders"], 3);
    broker.prints(&["cluster", "configs", "--set", "log.cleaner.threads=2"]);
    let configs = broker.json(&["cluster", "configs"]);
    assert_eq!(configs[0]["name"], "log.cleaner.threads");
    assert_eq!(configs[0]["value"], "2");
}

#[test]
fn what_is_produced_is_consumed() {
    let (_directory, broker) = broker("records");
    broker.prints(&["topic", "create", "orders", "-p", "3"]);
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let line = format!("a:1,b:{codec}\tkey={codec}=value\n");
        let produce = ["produce", "orders", "-q", "-p", "1", "--compression", codec];
        let parts = ["--headers", "--key-separator", "=", "--timestamp", "5"];
        broker.prints_with(&[&produce[..], &parts].concat(), &line);
    }
    let consume = ["consume", "orders", "--from-beginning", "-n", "5", "--partition", "1"];
    let parts = ["--timestamps", "--offsets", "--headers", "--key-separator", "="];
    let text = broker.prints(&[&consume[..], &parts].concat());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "CreateTime:5\tPartition:1\tOffset:0\ta:1,b:none\tkey=none=value");
    assert_eq!(lines[4], "CreateTime:5\tPartition:1\tOffset:4\ta:1,b:zstd\tkey=zstd=value");

    let end = broker.json(&["topic", "offsets", "orders"]);
    assert_eq!((&end[1]["start"], &end[1]["end"]), (&0.into(), &5.into()));
}

#[test]
fn many_records_arrive_once_and_in_the_order_of_their_keys() {
    let (_directory, broker) = broker("many");
    broker.prints(&["topic", "create", "orders", "-p", "4"]);
    let lines: String = (0..20_000).map(|at| format!("key{}\t{at}\n", at % 7)).collect();
    let produce = ["produce", "orders", "-q", "-k", "\\t", "--batch-bytes", "10000"];
    broker.prints_with(&produce, &lines);
    let text = broker.prints(&["consume", "orders", "--from-beginning", "--until-end", "-k"]);
    let mut of_key: Vec<Vec<u32>> = vec![Vec::new(); 7];
    for line in text.lines() {
        let (key, value) = line.split_once('\t').unwrap();
        of_key[key[3..].parse::<usize>().unwrap()].push(value.parse().unwrap());
    }
    for (key, values) in (0_u32..).zip(of_key) {
        let expected: Vec<u32> = (0..20_000).filter(|at| at % 7 == key).collect();
        assert!(values == expected, "key{key} came in another order, or not whole");
    }
}

#[test]
fn json_that_was_consumed_can_be_produced() {
    let (_directory, broker) = broker("json");
    broker.prints(&["topic", "create", "from"]);
    broker.prints(&["topic", "create", "to"]);
    let lines = concat!(
        r#"{"key":"k","value":"v","headers":[{"key":"h","value":null}],"timestamp":7}"#,
        "\n",
        r#"{"key_base64":"/w==","value":null,"timestamp":8}"#,
        "\n",
    );
    broker.prints_with(&["produce", "from", "--json", "-q"], lines);
    let consume = |topic| broker.prints(&["consume", topic, "--json", "-o", "0", "--until-end"]);
    let first = consume("from");
    broker.prints_with(&["produce", "to", "--json", "-q"], &first);
    assert_eq!(consume("to"), first.replace(r#""topic":"from""#, r#""topic":"to""#));
    assert_eq!(first.lines().count(), 2);
}

#[test]
fn a_line_that_is_no_record_is_named_and_those_before_it_stay() {
    let (_directory, broker) = broker("line");
    broker.prints(&["topic", "create", "orders"]);
    let output = broker.run_with(&["produce", "orders", "-k", ":"], "a:1\nb:2\nc\n");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("line 3: no key"), "{said}");
    assert_eq!(broker.prints(&["consume", "orders", "-o", "earliest", "-n", "2"]), "1\n2\n");
}

#[test]
fn a_place_may_be_counted_from_the_end_or_found_by_time() {
    let (_directory, broker) = broker("places");
    broker.prints(&["topic", "create", "orders"]);
    for (value, timestamp) in [("a\n", "1000"), ("b\n", "2000"), ("c\n", "3000")] {
        broker.prints_with(&["produce", "orders", "-q", "--timestamp", timestamp], value);
    }
    let consume = |place| broker.prints(&["consume", "orders", "--until-end", "-o", place]);
    assert_eq!(consume("-1"), "c\n");
    assert_eq!(consume("@1500"), "b\nc\n");
    assert_eq!(consume("latest"), "");
    assert_eq!(consume("2"), "c\n");
}

#[test]
fn a_group_goes_on_where_it_has_committed() {
    let (_directory, broker) = broker("group");
    broker.prints(&["topic", "create", "orders", "-p", "3"]);
    let lines: String = (0..100).map(|at| format!("{at}:\n")).collect();
    broker.prints_with(&["produce", "orders", "-q", "-k", ":"], &lines);
    let consume = ["consume", "orders", "-g", "billing", "--from-beginning", "-k", "-n"];
    let first = broker.prints(&[&consume[..], &["60"]].concat());
    let second = broker.prints(&[&consume[..], &["40"]].concat());
    let keys: BTreeSet<&str> = first.lines().chain(second.lines()).collect();
    assert_eq!(keys.len(), 100, "each record once");

    let described = broker.json(&["group", "describe", "billing"]);
    assert_eq!((&described[0]["state"], &described[0]["lag"]), (&"Empty".into(), &0.into()));
    let reset = ["group", "reset", "billing", "--all-topics", "--to-earliest"];
    broker.prints(&reset);
    assert_eq!(broker.json(&["group", "describe", "billing"])[0]["lag"], 0, "a dry run");
    broker.prints(&[&reset[..], &["--execute"]].concat());
    assert_eq!(broker.json(&["group", "describe", "billing"])[0]["lag"], 100);

    broker.prints(&["group", "delete-offsets", "billing", "-t", "orders:0"]);
    let described = broker.json(&["group", "describe", "billing"]);
    assert_eq!(described[0]["partitions"].as_array().map(Vec::len), Some(2));
    broker.prints(&["group", "delete", "billing"]);
    assert_eq!(broker.json(&["group", "list"]), Value::Array(vec![]));
}

/// A member of a group whose lines are read one by one; killed when dropped.
struct Member(Child, Box<dyn BufRead>);

impl Member {
    fn join(broker: &Broker) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_broker"))
            .args(["consume", "orders", "-g", "billing", "--from-beginning"])
            .args(["--session-timeout", "500ms", "--commit-interval", "20ms"])
            // Far above what it takes: a test that fails should end.
            .args(["--timeout-ms", "60000", "--bootstrap", &broker.at.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = Box::new(BufReader::new(child.stdout.take().unwrap()));
        Self(child, lines)
    }

    /// The next value; panics when the member has ended.
    fn value(&mut self) -> u32 {
        let mut line = String::new();
        self.1.read_line(&mut line).unwrap();
        line.trim_end().parse().unwrap()
    }

    /// Kills the member; returns what it had printed: it may have committed that.
    fn kill(mut self) -> Vec<u32> {
        self.0.kill().unwrap();
        let mut rest = String::new();
        self.1.read_to_string(&mut rest).unwrap();
        let whole = rest.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        whole.map(|line| line.parse().unwrap()).collect()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn nothing_is_skipped_when_a_member_and_the_broker_are_killed() {
    let (directory, mut broker) = broker("killed-group");
    broker.prints(&["topic", "create", "orders", "-p", "2"]);
    let produce = |broker: &Broker, values: std::ops::Range<u32>| {
        let lines: String = values.map(|value| format!("{value}\n")).collect();
        broker.prints_with(&["produce", "orders", "-q", "--batch-bytes", "200"], &lines);
    };
    produce(&broker, 0..1_000);
    let mut seen = BTreeSet::new();
    let mut member = Member::join(&broker);
    for _ in 0..500 {
        seen.insert(member.value());
    }
    seen.extend(member.kill());

    // The first member may have read and committed everything.
    produce(&broker, 1_000..1_100);
    let mut member = Member::join(&broker);
    seen.insert(member.value());
    let at = broker.at;
    drop(broker);
    broker = Broker::start_at(&directory.0, at);
    produce(&broker, 1_100..1_500);
    while seen.len() < 1_500 {
        seen.insert(member.value());
    }
}

#[test]
fn a_group_with_members_keeps_its_offsets() {
    let (_directory, broker) = broker("active");
    broker.prints(&["topic", "create", "orders"]);
    broker.prints_with(&["produce", "orders", "-q"], "1\n");
    let mut member = Member::join(&broker);
    assert_eq!(member.value(), 1);
    let described = broker.json(&["group", "describe", "billing"]);
    assert_eq!(described[0]["partitions"][0]["client_id"], "broker-cli");
    let (_, refusal) =
        broker.refuses(&["group", "reset", "billing", "-t", "orders", "--to-latest"]);
    assert!(refusal.contains("group billing is active (Stable, members: 1)"), "{refusal}");
    let (_, refusal) = broker.refuses(&["group", "delete", "billing"]);
    assert!(refusal.contains("NON_EMPTY_GROUP"), "{refusal}");
}

#[test]
fn bad_usage_is_told_apart_from_a_broker_that_is_not_there() {
    let (_directory, broker) = broker("usage");
    assert_eq!(broker.refuses(&["topic", "create"]).0, Some(2));
    assert_eq!(broker.refuses(&["topic", "alter", "orders"]).0, Some(2));
    let output = Command::new(env!("CARGO_BIN_EXE_broker"))
        .args(["topic", "list", "--bootstrap", "127.0.0.1:1"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("cannot reach 127.0.0.1:1: connection refused"), "{said}");
}
