"""aiokafka; `fetch` reads with `assign`, without a group."""

import asyncio
import threading

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka_member import Member


class Client:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.loop = asyncio.new_event_loop()
        # A member sends its heartbeats between the steps too, so the loop runs all the time.
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def join(self, **step):
        self.member = Member(self.run, self.bootstrap, **step)

    def committed(self, topic, group, partitions):
        async def run():
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self.bootstrap, group_id=group, enable_auto_commit=False
            )
            await consumer.start()
            targets = [TopicPartition(topic, it) for it in range(partitions)]
            consumer.assign(targets)
            found = [await consumer.committed(target) for target in targets]
            await consumer.stop()
            return {"offsets": [-1 if it is None else it for it in found]}

        return self.run(run())

    def codecs(self):
        return {"codecs": ["none", "gzip", "snappy", "lz4", "zstd"]}

    def with_admin(self, call):
        async def run():
            admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
            await admin.start()
            try:
                return await call(admin)
            finally:
                await admin.close()

        return self.run(run())

    def create(self, topic, partitions):
        answer = self.with_admin(lambda it: it.create_topics([NewTopic(topic, partitions, 1)]))
        check(answer.topic_errors)

    def partitions(self, topic):
        topics = self.with_admin(lambda it: it.list_topics())
        if topic not in topics:
            return {"count": 0}
        found = self.with_admin(lambda it: it.describe_topics([topic]))
        return {"count": len(found[0]["partitions"])}

    def produce(self, topic, partition, codec, records):
        async def run():
            # A linger, so that the records travel as one batch.
            producer = AIOKafkaProducer(
                bootstrap_servers=self.bootstrap,
                compression_type=None if codec == "none" else codec,
                linger_ms=50,
            )
            await producer.start()
            sent = [
                await producer.send(
                    topic,
                    partition=partition,
                    key=record["key"].encode(),
                    value=record["value"].encode(),
                    timestamp_ms=record["timestamp"],
                )
                for record in records
            ]
            done = await asyncio.wait_for(asyncio.gather(*sent), 20)
            await producer.stop()
            return {"base_offset": done[0].offset}

        return self.run(run())

    def with_consumer(self, target, call):
        async def run():
            consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap)
            await consumer.start()
            consumer.assign([target])
            try:
                return await call(consumer)
            finally:
                await consumer.stop()

        return self.run(run())

    def fetch(self, topic, partition, **step):
        target = TopicPartition(topic, partition)

        async def read(consumer):
            consumer.seek(target, step["from"])
            records = []
            while len(records) < step["count"]:
                message = await asyncio.wait_for(consumer.getone(), 20)
                records.append(
                    {
                        "offset": message.offset,
                        "key": message.key.decode(),
                        "value": message.value.decode(),
                        "timestamp": message.timestamp,
                    }
                )
            return {"records": records}

        return self.with_consumer(target, read)

    def offset_at(self, topic, partition, timestamp):
        target = TopicPartition(topic, partition)
        found = self.with_consumer(target, lambda it: it.offsets_for_times({target: timestamp}))
        return {"offset": found[target].offset if found[target] else -1}

    def delete_records(self, topic, partition, before):
        target = {TopicPartition(topic, partition): RecordsToDelete(before_offset=before)}
        self.with_admin(lambda it: it.delete_records(target))

    def get_config(self, topic, name):
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        answers = self.with_admin(lambda it: it.describe_configs([resource]))
        for entry in answers[0].resources[0][4]:
            if entry[0] == name:
                return {"value": entry[1]}
        raise KeyError(name)

    def set_config(self, topic, name, value):
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, {name: value})
        answers = self.with_admin(lambda it: it.alter_configs([resource]))
        check([[topic, answers[0].resources[0][0]]])

    def delete(self, topic):
        check(self.with_admin(lambda it: it.delete_topics([topic])).topic_error_codes)


def check(errors):
    for entry in errors:
        if entry[1] != 0:
            raise RuntimeError(f"error code {entry[1]} for {entry[0]}")
