"""kafka-python; `fetch` reads with `assign`, without a group."""

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka_python_member import Member


class Client:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.admin = KafkaAdminClient(bootstrap_servers=bootstrap)

    def join(self, **step):
        self.member = Member(self.bootstrap, **step)

    def committed(self, topic, group, partitions):
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap, group_id=group)
        found = [consumer.committed(TopicPartition(topic, it)) for it in range(partitions)]
        consumer.close(autocommit=False)
        return {"offsets": [-1 if it is None else it for it in found]}

    def codecs(self):
        return {"codecs": ["none", "gzip", "snappy", "lz4", "zstd"]}

    def create(self, topic, partitions):
        self.admin.create_topics([NewTopic(topic, partitions, 1)])

    def partitions(self, topic):
        if topic not in self.admin.list_topics():
            return {"count": 0}
        return {"count": len(self.admin.describe_topics([topic])[0]["partitions"])}

    def produce(self, topic, partition, codec, records):
        codec = None if codec == "none" else codec
        # A linger, so that the records travel as one batch.
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap, compression_type=codec, linger_ms=50
        )
        sent = [
            producer.send(
                topic,
                partition=partition,
                key=record["key"].encode(),
                value=record["value"].encode(),
                timestamp_ms=record["timestamp"],
            )
            for record in records
        ]
        offsets = [future.get(20).offset for future in sent]
        producer.close()
        return {"base_offset": offsets[0]}

    def fetch(self, topic, partition, **step):
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap, consumer_timeout_ms=20000)
        target = TopicPartition(topic, partition)
        consumer.assign([target])
        consumer.seek(target, step["from"])
        records = []
        for message in consumer:
            records.append(
                {
                    "offset": message.offset,
                    "key": message.key.decode(),
                    "value": message.value.decode(),
                    "timestamp": message.timestamp,
                }
            )
            if len(records) == step["count"]:
                break
        consumer.close()
        return {"records": records}

    def offset_at(self, topic, partition, timestamp):
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap)
        target = TopicPartition(topic, partition)
        found = consumer.offsets_for_times({target: timestamp})[target]
        consumer.close()
        return {"offset": found.offset if found else -1}

    def delete_records(self, topic, partition, before):
        self.admin.delete_records({TopicPartition(topic, partition): before})

    def get_config(self, topic, name):
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        found = self.admin.describe_configs([resource], config_filter="all")
        return {"value": value_of(found, name)}

    def set_config(self, topic, name, value):
        self.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {name: value})])

    def delete(self, topic):
        self.admin.delete_topics([topic])


def value_of(found, name):
    """The value of a config in the nested answer, whatever resource it is under."""
    if isinstance(found, dict):
        if name in found:
            entry = found[name]
            return entry["value"] if isinstance(entry, dict) else entry
        if found.get("name") == name and "value" in found:
            return found["value"]
        found = found.values()
    elif not isinstance(found, (list, tuple)):
        return None
    for part in found:
        value = value_of(part, name)
        if value is not None:
            return value
    return None
