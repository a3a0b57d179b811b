import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/** One member of a consumer group. */
class GroupMember implements ConsumerRebalanceListener {
    private static final String ASSIGNORS = "org.apache.kafka.clients.consumer.";
    private final String topic;
    private final KafkaConsumer<String, String> consumer;
    private final List<Integer> revoked = new ArrayList<>();
    private int rebalances;

    GroupMember(Properties settings, JsonNode step) {
        topic = step.get("topic").asText();
        boolean cooperative = step.get("assignor").asText().equals("cooperative-sticky");
        settings.put("client.id", step.get("member").asText());
        settings.put("group.id", step.get("group").asText());
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "earliest");
        if (!step.get("instance").isNull()) {
            settings.put("group.instance.id", step.get("instance").asText());
        }
        if (step.get("protocol").asText().equals("consumer")) {
            // Session and heartbeats are the broker's to set.
            settings.put("group.protocol", "consumer");
            settings.put("group.remote.assignor", cooperative ? "uniform" : "range");
        } else {
            String assignor = cooperative ? "CooperativeStickyAssignor" : "RangeAssignor";
            settings.put("partition.assignment.strategy", ASSIGNORS + assignor);
            settings.put("session.timeout.ms", step.get("session_ms").asText());
            settings.put("heartbeat.interval.ms", step.get("heartbeat_ms").asText());
        }
        consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
        consumer.subscribe(Collections.singleton(topic), this);
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        rebalances++;
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        rebalances++;
        for (TopicPartition partition : partitions) {
            revoked.add(partition.partition());
        }
    }

    void poll(ObjectNode answer) {
        ArrayNode records = answer.putArray("records");
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) {
            records.addObject()
                .put("partition", record.partition())
                .put("offset", record.offset())
                .put("key", record.key())
                .put("value", record.value());
        }
        ArrayNode owned = answer.putArray("owned");
        consumer.assignment().forEach(partition -> owned.add(partition.partition()));
        ArrayNode given = answer.putArray("revoked");
        revoked.forEach(given::add);
        answer.put("rebalances", rebalances);
        revoked.clear();
        rebalances = 0;
    }

    void commit(JsonNode step) {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        for (JsonNode it : step.get("offsets")) {
            offsets.put(
                new TopicPartition(topic, it.get("partition").asInt()),
                new OffsetAndMetadata(it.get("offset").asLong()));
        }
        consumer.commitSync(offsets);
    }

    void leave() {
        consumer.close();
    }
}
