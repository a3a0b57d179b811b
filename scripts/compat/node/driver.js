// Driver of kafkajs; the steps are described in ../README.md.
// kafkajs reads only through groups, so another client reads what it produced.
const readline = require("readline");
const { Kafka, CompressionTypes, logLevel, Partitioners } = require("kafkajs");
const { Member } = require("./member");

const bootstrap = process.argv[3];
const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
const admin = kafka.admin();
const connected = admin.connect();
const TOPIC_CONFIG = 2;
let member;

class Unsupported extends Error {}

const steps = {
  // Other codecs are packages of third parties.
  codecs: async () => ({ codecs: ["none", "gzip"] }),

  create: async ({ topic, partitions }) => {
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true });
  },

  partitions: async ({ topic }) => {
    if (!(await admin.listTopics()).includes(topic)) return { count: 0 };
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return { count: topics[0].partitions.length };
  },

  produce: async ({ topic, partition, codec, records }) => {
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    const messages = records.map(({ key, value, timestamp }) => ({
      key,
      value,
      partition,
      timestamp: String(timestamp),
    }));
    const compression = codec === "gzip" ? CompressionTypes.GZIP : CompressionTypes.None;
    const [sent] = await producer.send({ topic, messages, compression });
    await producer.disconnect();
    return { base_offset: Number(sent.baseOffset) };
  },

  offset_at: async ({ topic, partition, timestamp }) => {
    const found = await admin.fetchTopicOffsetsByTimestamp(topic, timestamp);
    return { offset: Number(found.find((entry) => entry.partition === partition).offset) };
  },

  delete_records: async ({ topic, partition, before }) => {
    // kafkajs looks for the leader before it has asked for metadata; this asks.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] });
  },

  get_config: async ({ topic, name }) => {
    const resource = { type: TOPIC_CONFIG, name: topic, configNames: [name] };
    const { resources } = await admin.describeConfigs({ resources: [resource] });
    return { value: resources[0].configEntries[0].configValue };
  },

  set_config: async ({ topic, name, value }) => {
    const resource = { type: TOPIC_CONFIG, name: topic, configEntries: [{ name, value }] };
    await admin.alterConfigs({ resources: [resource] });
  },

  delete: async ({ topic }) => {
    await admin.deleteTopics({ topics: [topic] });
  },

  join: async (step) => {
    if (step.instance) throw new Unsupported("the client has no static members");
    if (step.assignor !== "range") throw new Unsupported(`the client has no ${step.assignor}`);
    member = new Member(bootstrap, step);
    await member.start();
  },
  poll: () => member.poll(),
  commit: (step) => member.commit(step),
  leave: () => member.leave(),

  committed: async ({ topic, group, partitions }) => {
    const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
    const offsets = new Array(partitions).fill(-1);
    for (const { partition, offset } of found.partitions) offsets[partition] = Number(offset);
    return { offsets };
  },
};

async function answer(line) {
  const step = JSON.parse(line);
  const run = steps[step.do];
  if (!run) return { unsupported: `the client has no ${step.do} without a group` };
  try {
    await connected;
    return { ok: true, ...(await run(step)) };
  } catch (error) {
    if (error instanceof Unsupported) return { unsupported: error.message };
    return { error: String(error) };
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await answer(line)) + "\n");
  }
  process.exit(0);
}

main();
