// One group member of kafkajs, which knows only its own assigner, no static members and no cooperation.
const { Kafka, logLevel } = require("kafkajs");

class Member {
  constructor(bootstrap, { topic, group, member, session_ms, heartbeat_ms }) {
    const kafka = new Kafka({ brokers: [bootstrap], clientId: member, logLevel: logLevel.NOTHING });
    this.topic = topic;
    this.owned = [];
    this.records = [];
    this.revoked = [];
    this.rebalances = 0;
    this.consumer = kafka.consumer({
      groupId: group,
      sessionTimeout: session_ms,
      heartbeatInterval: heartbeat_ms,
      maxWaitTimeInMs: 200,
    });
    const { GROUP_JOIN, REBALANCING, CRASH } = this.consumer.events;
    this.consumer.on(GROUP_JOIN, ({ payload }) => {
      this.owned = payload.memberAssignment[topic] || [];
      this.rebalances += 1;
    });
    this.consumer.on(REBALANCING, () => {
      this.revoked.push(...this.owned);
      this.owned = [];
      this.rebalances += 1;
    });
    this.consumer.on(CRASH, ({ payload }) => {
      if (!payload.restart) this.crash = payload.error;
    });
  }

  async start() {
    await this.consumer.connect();
    await this.consumer.subscribe({ topics: [this.topic], fromBeginning: true });
    const eachMessage = async ({ partition, message }) => {
      this.records.push({
        partition,
        offset: Number(message.offset),
        key: message.key.toString(),
        value: message.value.toString(),
      });
    };
    // Resolves only with an assignment, which other members may have to make way for.
    this.consumer.run({ autoCommit: false, eachMessage }).catch((error) => (this.crash = error));
  }

  async poll() {
    // kafkajs works between the steps; this only keeps them from coming too fast.
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (this.crash) throw this.crash;
    const { owned, records, revoked, rebalances } = this;
    this.records = [];
    this.revoked = [];
    this.rebalances = 0;
    return { owned, records, revoked, rebalances };
  }

  async commit({ offsets }) {
    const { topic } = this;
    await this.consumer.commitOffsets(
      offsets.map(({ partition, offset }) => ({ topic, partition, offset: String(offset) })),
    );
  }

  async leave() {
    await this.consumer.disconnect();
  }
}

module.exports = { Member };
