"""librdkafka by way of confluent-kafka; `fetch` reads with `assign`, without a group."""

from librdkafka_member import Member
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)


class Client:
    def __init__(self, bootstrap):
        self.settings = {"bootstrap.servers": bootstrap, "log_level": 0}
        self.admin = AdminClient(self.settings)

    def join(self, **step):
        self.member = Member(self.settings, **step)

    def committed(self, topic, group, partitions):
        consumer = self.consumer(group)
        found = consumer.committed([TopicPartition(topic, it) for it in range(partitions)], 20)
        consumer.close()
        return {"offsets": [max(it.offset, -1) for it in found]}

    def codecs(self):
        return {"codecs": ["none", "gzip", "snappy", "lz4", "zstd"]}

    def create(self, topic, partitions):
        self.admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result()

    def partitions(self, topic):
        metadata = self.admin.list_topics(timeout=10)
        found = metadata.topics.get(topic)
        return {"count": len(found.partitions) if found else 0}

    def produce(self, topic, partition, codec, records):
        offsets = []

        def delivered(error, message):
            if error:
                raise KafkaException(error)
            offsets.append(message.offset())

        producer = Producer(
            {
                **self.settings,
                "compression.type": codec,
                "enable.idempotence": True,
                # A linger, so that the records of a short step travel as one batch.
                "linger.ms": 50,
                "batch.num.messages": 500,
            }
        )
        for record in records:
            producer.produce(
                topic,
                partition=partition,
                key=record["key"],
                value=record["value"],
                timestamp=record["timestamp"],
                on_delivery=delivered,
            )
        if producer.flush(20):
            raise TimeoutError("records left after 20 s")
        return {"base_offset": offsets[0]}

    def consumer(self, group="none"):
        # librdkafka wants a group id even where no group is used.
        return Consumer({**self.settings, "group.id": group, "enable.auto.commit": False})

    def fetch(self, topic, partition, **step):
        consumer = self.consumer()
        consumer.assign([TopicPartition(topic, partition, step["from"])])
        records = []
        while len(records) < step["count"]:
            message = consumer.poll(20)
            if message is None:
                raise TimeoutError(f"{len(records)} records after 20 s")
            if message.error():
                raise KafkaException(message.error())
            records.append(
                {
                    "offset": message.offset(),
                    "key": message.key().decode(),
                    "value": message.value().decode(),
                    "timestamp": message.timestamp()[1],
                }
            )
        consumer.close()
        return {"records": records}

    def offset_at(self, topic, partition, timestamp):
        consumer = self.consumer()
        found = consumer.offsets_for_times([TopicPartition(topic, partition, timestamp)], 10)
        consumer.close()
        return {"offset": found[0].offset}

    def delete_records(self, topic, partition, before):
        target = TopicPartition(topic, partition, before)
        for result in self.admin.delete_records([target]).values():
            result.result()

    def get_config(self, topic, name):
        resource = ConfigResource(ResourceType.TOPIC, topic)
        return {"value": self.admin.describe_configs([resource])[resource].result()[name].value}

    def set_config(self, topic, name, value):
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        self.admin.incremental_alter_configs([resource])[resource].result()

    def delete(self, topic):
        self.admin.delete_topics([topic])[topic].result()
