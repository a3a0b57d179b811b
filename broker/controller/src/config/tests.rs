//! The tables agree with themselves; text means what Kafka's text means.

use expect_test::{Expect, expect};

use super::{
    BROKER, Key, Layers, Scope, Source, TOPIC, Value, Values, broker_key, closest, inspect, parse,
    parse_properties, topic_key,
};

#[test]
fn both_tables_are_in_order_and_every_default_is_valid() {
    for table in [TOPIC, BROKER] {
        assert!(table.is_sorted_by(|a, b| a.name < b.name));
        for key in table {
            if let Some(default) = key.default {
                parse(key, default).unwrap_or_else(|error| panic!("{error}"));
            }
            assert!(key.doc.ends_with('.'), "{}", key.name);
        }
    }
}

#[test]
fn a_topic_key_and_its_broker_keys_have_one_default_and_one_range() {
    for key in TOPIC {
        assert_eq!(key.scope, Scope::Topic);
        for synonym in key.synonyms {
            let broker = broker_key(synonym.name).unwrap_or_else(|| panic!("{}", synonym.name));
            let Some(default) = broker.default else { continue };
            let Value::Number(number) = parse(broker, default).unwrap() else {
                assert_eq!(Some(default), key.default, "{}", key.name);
                continue;
            };
            let scaled = (number * synonym.factor).to_string();
            assert_eq!(Some(scaled.as_str()), key.default, "{}", key.name);
        }
    }
}

#[test]
fn an_acknowledgement_waits_for_the_disk_unless_somebody_says_otherwise() {
    assert_eq!(topic_key("flush.messages").unwrap().default, Some("1"));
    assert_eq!(broker_key("log.flush.interval.messages").unwrap().default, Some("1"));
}

fn key(name: &str) -> &'static Key {
    topic_key(name).or_else(|| broker_key(name)).unwrap()
}

#[test]
fn values_are_read_as_kafka_reads_them() {
    let ok = |name, text| parse(key(name), text).unwrap();
    assert_eq!(ok("retention.ms", " -1 "), Value::Number(-1));
    assert_eq!(ok("preallocate", "TRUE"), Value::Boolean(true));
    assert_eq!(ok("min.cleanable.dirty.ratio", ".25"), Value::Double(0.25));
    let both = vec!["compact".to_owned(), "delete".to_owned()];
    assert_eq!(ok("cleanup.policy", "compact, delete"), Value::List(both));
    assert_eq!(ok("cleanup.policy", ""), Value::List(Vec::new()));
    for (name, text) in [
        ("retention.ms", "7d"),
        ("retention.ms", "-2"),
        ("segment.bytes", "2147483648"),
        ("preallocate", "yes"),
        ("min.cleanable.dirty.ratio", "NaN"),
        ("min.cleanable.dirty.ratio", "1.1"),
        ("compression.type", "brotli"),
        ("cleanup.policy", "compact,burn"),
    ] {
        assert!(parse(key(name), text).is_err(), "{name}={text}");
    }
}

#[test]
fn a_refusal_says_what_would_be_accepted() {
    let check = |name, text, expected: Expect| {
        expected.assert_eq(&parse(key(name), text).unwrap_err().to_string());
    };
    check(
        "segment.bytes",
        "10",
        expect![[r#"invalid value "10" for segment.bytes: it takes a whole number from 1048576"#]],
    );
    check(
        "compression.gzip.level",
        "10",
        expect![[
            r#"invalid value "10" for compression.gzip.level: it takes a whole number from -1 to 9"#
        ]],
    );
    check(
        "compression.type",
        "brotli",
        expect![[
            r#"invalid value "brotli" for compression.type: it takes one of uncompressed, zstd, lz4, snappy, gzip, producer"#
        ]],
    );
    check(
        "cleanup.policy",
        "burn",
        expect![[r#"invalid value "burn" for cleanup.policy: it takes a list of compact, delete"#]],
    );
}

#[test]
fn the_strongest_level_counts_and_all_are_listed() {
    let values = |text| parse_properties(text).unwrap();
    let (topic, broker) = (values("retention.ms=1"), values(""));
    let (cluster_default, file) =
        (values("log.retention.ms=2"), values("log.retention.hours=3\nlog.retention.minutes=4"));
    let layers =
        Layers { topic: &topic, broker: &broker, cluster_default: &cluster_default, file: &file };
    let none = Values::new();
    let show = |layers: Layers<'_>| {
        let effective = layers.topic_value(key("retention.ms"));
        let mut text = format!("{:?} {:?}\n", effective.value, effective.source);
        for synonym in effective.synonyms {
            text += &format!("{}={} {:?}\n", synonym.name, synonym.value, synonym.source);
        }
        text
    };
    expect![[r#"
        Some("1") Topic
        retention.ms=1 Topic
        log.retention.ms=2 ClusterDefault
        log.retention.minutes=4 File
        log.retention.hours=3 File
        log.retention.hours=168 BuiltIn
    "#]]
    .assert_eq(&show(layers));
    let only_file = Layers { topic: &none, cluster_default: &none, ..layers };
    expect![[r#"
        Some("240000") File
        log.retention.minutes=4 File
        log.retention.hours=3 File
        log.retention.hours=168 BuiltIn
    "#]]
    .assert_eq(&show(only_file));
    let nothing = Layers { file: &none, ..only_file };
    expect![[r#"
        Some("604800000") BuiltIn
        log.retention.hours=168 BuiltIn
    "#]]
    .assert_eq(&show(nothing));
    assert_eq!(nothing.broker_value(key("node.id")).value, None);
    assert_eq!(nothing.broker_number("num.partitions"), Some(1));
    assert_eq!(nothing.broker_value(key("num.partitions")).source, Source::BuiltIn);
}

#[test]
fn an_unlimited_file_value_stays_unlimited_in_every_unit() {
    let none = Values::new();
    let file = parse_properties("log.retention.hours=-1").unwrap();
    let layers = Layers { topic: &none, broker: &none, cluster_default: &none, file: &file };
    assert_eq!(layers.topic_number("retention.ms"), -1);
}

#[test]
fn properties_are_read_as_java_reads_them() {
    let text = r"
# comment
! comment too
a=1
b : two words
c three
spaced\ key = value # not a comment
long = one, \
       two, \
       three
path=C:\\kafka\tlogs
unicode=\u00e9\ud83d\ude00
empty
a=2
";
    let values = parse_properties(text).unwrap();
    expect![[r#"
        {
            "a": "2",
            "b": "two words",
            "c": "three",
            "empty": "",
            "long": "one, two, three",
            "path": "C:\\kafka\tlogs",
            "spaced key": "value # not a comment",
            "unicode": "é😀",
        }
    "#]]
    .assert_debug_eq(&values);
    assert_eq!(parse_properties("ok=1\nbad=\\u12").unwrap_err().line, 2);
    assert_eq!(parse_properties("bad=\\ud83d").unwrap_err().line, 1);
}

#[test]
fn a_plain_kafka_file_starts_with_warnings_only() {
    let text = "
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.flush.interval.messages=10000
log.flush.interval.ms=1000
log.retention.hours=168
log.retention.bytes=1073741824
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
";
    check_findings(
        text,
        expect![[r#"
            inter.broker.listener.name has no effect in this broker
            num.io.threads has no effect in this broker
            num.network.threads has no effect in this broker
            num.recovery.threads.per.data.dir has no effect in this broker
            share.coordinator.state.topic.min.isr has no effect in this broker
            share.coordinator.state.topic.replication.factor has no effect in this broker
            transaction.state.log.min.isr has no effect in this broker
            transaction.state.log.replication.factor has no effect in this broker
        "#]],
    );
}

#[test]
fn security_typos_and_wrong_values_are_not_let_through() {
    let text = "
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
security.inter.broker.protocol=PLAINTEXT
ssl.keystore.location=/etc/key
ssl.cipher.suites=TLS_AES_128_GCM_SHA256
sasl.enabled.mechanisms=PLAIN
listener.name.internal.ssl.client.auth=required
num.partition=3
num.io.threads=none
my.plugin.key=1
";
    check_findings(
        text,
        expect![[r#"
        authorizer.class.name asks for security that this broker cannot give; remove it
        listener.name.internal.ssl.client.auth asks for security that this broker cannot give; remove it
        unknown configuration key my.plugin.key is ignored
        invalid value "none" for num.io.threads: it takes a whole number from 1
        unknown configuration key num.partition; did you mean num.partitions?
        sasl.enabled.mechanisms asks for security that this broker cannot give; remove it
        ssl.cipher.suites asks for security that this broker cannot give; remove it
        ssl.keystore.location asks for security that this broker cannot give; remove it
    "#]],
    );
}

fn check_findings(text: &str, expected: Expect) {
    let findings = inspect(&parse_properties(text).unwrap());
    expected.assert_eq(&findings.iter().map(|it| format!("{it}\n")).collect::<String>());
}

#[test]
fn a_typo_finds_its_key_and_a_stranger_finds_none() {
    assert_eq!(closest("log.dir", BROKER), Some("log.dirs"));
    assert_eq!(closest("nmu.partitions", BROKER), Some("num.partitions"));
    assert_eq!(closest("retention", TOPIC), None);
    assert_eq!(closest("confluent.tier.enable", TOPIC), None);
}
