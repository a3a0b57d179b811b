"""One group member of kafka-python."""

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor

ASSIGNORS = {
    "range": RangePartitionAssignor,
    "cooperative-sticky": CooperativeStickyAssignor,
}


class Member(ConsumerRebalanceListener):
    def __init__(
        self, bootstrap, topic, group, member, protocol, assignor, instance, session_ms, heartbeat_ms
    ):
        self.topic = topic
        self.revoked = []
        self.rebalances = 0
        self.consumer = KafkaConsumer(
            bootstrap_servers=bootstrap,
            client_id=member,
            group_id=group,
            group_instance_id=instance,
            partition_assignment_strategy=[ASSIGNORS[assignor]],
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=heartbeat_ms,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        # Knowing the topic beforehand. A leader that learns of it later joins once more, and when that
        # takes longer than a poll, this client (3.0.12) forgets to take up its assignment.
        self.consumer.partitions_for_topic(topic)
        self.consumer.subscribe([topic], listener=self)

    def on_partitions_assigned(self, assigned):
        self.rebalances += 1

    def on_partitions_revoked(self, revoked):
        # An eager member is also told that it had nothing to give up.
        self.rebalances += 1
        self.revoked += [it.partition for it in revoked]

    def poll(self):
        polled = self.consumer.poll(timeout_ms=100)
        answer = {
            "owned": [it.partition for it in self.consumer.assignment()],
            "records": [
                {
                    "partition": target.partition,
                    "offset": message.offset,
                    "key": message.key.decode(),
                    "value": message.value.decode(),
                }
                for target, messages in polled.items()
                for message in messages
            ],
            "revoked": self.revoked,
            "rebalances": self.rebalances,
        }
        self.revoked, self.rebalances = [], 0
        return answer

    def commit(self, offsets):
        self.consumer.commit(
            {
                TopicPartition(self.topic, it["partition"]): OffsetAndMetadata(it["offset"], "", -1)
                for it in offsets
            }
        )

    def leave(self):
        self.consumer.close(autocommit=False)
