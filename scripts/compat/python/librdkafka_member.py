"""One group member of librdkafka."""

from confluent_kafka import Consumer, KafkaException, TopicPartition

# What the broker's assignors are called (KIP-848); cooperation is part of that protocol.
REMOTE_ASSIGNORS = {"range": "range", "cooperative-sticky": "uniform"}


class Member:
    def __init__(
        self, settings, topic, group, member, protocol, assignor, instance, session_ms, heartbeat_ms
    ):
        settings = {
            **settings,
            "client.id": member,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
        if instance:
            settings["group.instance.id"] = instance
        if protocol == "consumer":
            # Session and heartbeats are the broker's to set.
            settings["group.protocol"] = protocol
            settings["group.remote.assignor"] = REMOTE_ASSIGNORS[assignor]
        else:
            settings["partition.assignment.strategy"] = assignor
            settings["session.timeout.ms"] = session_ms
            settings["heartbeat.interval.ms"] = heartbeat_ms
        self.topic = topic
        self.revoked = []
        self.rebalances = 0
        self.consumer = Consumer(settings)
        # The library itself assigns and unassigns, as nothing here does.
        self.consumer.subscribe(
            [topic], on_assign=self.on_assign, on_revoke=self.on_revoke, on_lost=self.on_revoke
        )

    def on_assign(self, _, partitions):
        # With cooperation, every rebalance is told, also one that changes nothing.
        self.rebalances += 1

    def on_revoke(self, _, partitions):
        self.rebalances += 1
        self.revoked += [it.partition for it in partitions]

    def poll(self):
        records = []
        for message in self.consumer.consume(100, 0.1):
            if message.error():
                # The library itself tries again what is not fatal, such as a lost connection.
                if message.error().fatal():
                    raise KafkaException(message.error())
                continue
            records.append(
                {
                    "partition": message.partition(),
                    "offset": message.offset(),
                    "key": message.key().decode(),
                    "value": message.value().decode(),
                }
            )
        answer = {
            "owned": [it.partition for it in self.consumer.assignment()],
            "records": records,
            "revoked": self.revoked,
            "rebalances": self.rebalances,
        }
        self.revoked, self.rebalances = [], 0
        return answer

    def commit(self, offsets):
        offsets = [TopicPartition(self.topic, it["partition"], it["offset"]) for it in offsets]
        for result in self.consumer.commit(offsets=offsets, asynchronous=False):
            if result.error:
                raise KafkaException(result.error)

    def leave(self):
        self.consumer.close()
