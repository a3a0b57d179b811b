"""One group member of aiokafka, which knows no cooperation."""

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from unsupported import Unsupported


class Member(ConsumerRebalanceListener):
    def __init__(
        self,
        run,
        bootstrap,
        topic,
        group,
        member,
        protocol,
        assignor,
        instance,
        session_ms,
        heartbeat_ms,
    ):
        if assignor != "range":
            raise Unsupported(f"the client has no {assignor} assignor")
        self.run = run
        self.topic = topic
        self.revoked = []
        self.rebalances = 0

        async def start():
            self.consumer = AIOKafkaConsumer(
                bootstrap_servers=bootstrap,
                client_id=member,
                group_id=group,
                group_instance_id=instance,
                partition_assignment_strategy=(RangePartitionAssignor,),
                session_timeout_ms=session_ms,
                heartbeat_interval_ms=heartbeat_ms,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
            )
            await self.consumer.start()
            # Before `start`, a subscription would make it wait for an assignment.
            self.consumer.subscribe([topic], listener=self)

        run(start())

    def on_partitions_assigned(self, assigned):
        self.rebalances += 1

    def on_partitions_revoked(self, revoked):
        self.rebalances += 1
        self.revoked += [it.partition for it in revoked]

    def poll(self):
        polled = self.run(self.consumer.getmany(timeout_ms=100))
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
        targets = {TopicPartition(self.topic, it["partition"]): it["offset"] for it in offsets}
        self.run(self.consumer.commit(targets))

    def leave(self):
        self.run(self.consumer.stop())
