import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Driver of Kafka's own Java client, old and new; the steps are described in ../README.md. */
public class Driver {
    private static final ObjectMapper JSON = new ObjectMapper();
    private final String bootstrap;
    private final Admin admin;
    private GroupMember member;

    Driver(String bootstrap) {
        this.bootstrap = bootstrap;
        this.admin = Admin.create(settings());
    }

    public static void main(String[] arguments) throws Exception {
        Driver driver = new Driver(arguments[1]);
        BufferedReader input =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            ObjectNode answer = JSON.createObjectNode();
            try {
                driver.step(JSON.readTree(line), answer);
                answer.put("ok", true);
            } catch (Exception error) {
                answer.put("error", error.toString());
            }
            System.out.write((JSON.writeValueAsString(answer) + "\n").getBytes(StandardCharsets.UTF_8));
            System.out.flush();
        }
        System.exit(0);
    }

    private void step(JsonNode step, ObjectNode answer) throws Exception {
        String topic = step.path("topic").asText();
        TopicPartition partition = new TopicPartition(topic, step.path("partition").asInt());
        switch (step.get("do").asText()) {
            case "codecs":
                ArrayNode codecs = answer.putArray("codecs");
                codecs.add("none").add("gzip").add("snappy").add("lz4").add("zstd");
                break;
            case "create":
                NewTopic wanted = new NewTopic(topic, step.get("partitions").asInt(), (short) 1);
                admin.createTopics(Collections.singleton(wanted)).all().get();
                break;
            case "partitions":
                boolean listed = admin.listTopics().names().get().contains(topic);
                answer.put("count", listed ? partitionCount(topic) : 0);
                break;
            case "produce":
                answer.put("base_offset", produce(partition, step));
                break;
            case "fetch":
                fetch(partition, step, answer.putArray("records"));
                break;
            case "offset_at":
                answer.put("offset", offsetAt(partition, step.get("timestamp").asLong()));
                break;
            case "delete_records":
                RecordsToDelete before = RecordsToDelete.beforeOffset(step.get("before").asLong());
                admin.deleteRecords(Collections.singletonMap(partition, before)).all().get();
                break;
            case "get_config":
                answer.put("value", config(topic, step.get("name").asText()));
                break;
            case "set_config":
                setConfig(topic, step.get("name").asText(), step.get("value").asText());
                break;
            case "delete":
                admin.deleteTopics(Collections.singleton(topic)).all().get();
                break;
            case "join":
                member = new GroupMember(settings(), step);
                break;
            case "poll":
                member.poll(answer);
                break;
            case "commit":
                member.commit(step);
                break;
            case "leave":
                member.leave();
                break;
            case "committed":
                committed(topic, step, answer.putArray("offsets"));
                break;
            default:
                answer.put("unsupported", "unknown step");
        }
    }

    private int partitionCount(String topic) throws Exception {
        return new KafkaConsumerScope().use(consumer -> consumer.partitionsFor(topic).size());
    }

    private long produce(TopicPartition partition, JsonNode step) throws Exception {
        Properties settings = settings();
        settings.put("compression.type", step.get("codec").asText());
        // A linger, so that the records travel as one batch.
        settings.put("linger.ms", "50");
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            for (JsonNode record : step.get("records")) {
                sent.add(producer.send(new ProducerRecord<>(
                    partition.topic(), partition.partition(), record.get("timestamp").asLong(),
                    record.get("key").asText(), record.get("value").asText())));
            }
            for (Future<RecordMetadata> future : sent) {
                future.get();
            }
        }
        return sent.get(0).get().offset();
    }

    private void fetch(TopicPartition partition, JsonNode step, ArrayNode records) throws Exception {
        new KafkaConsumerScope().use(consumer -> {
            consumer.assign(Collections.singleton(partition));
            consumer.seek(partition, step.get("from").asLong());
            long deadline = System.currentTimeMillis() + 20_000;
            while (records.size() < step.get("count").asInt() && System.currentTimeMillis() < deadline) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(5))) {
                    records.addObject()
                        .put("offset", record.offset())
                        .put("key", record.key())
                        .put("value", record.value())
                        .put("timestamp", record.timestamp());
                }
            }
            return null;
        });
    }

    private long offsetAt(TopicPartition partition, long timestamp) throws Exception {
        return new KafkaConsumerScope().use(consumer -> {
            OffsetAndTimestamp found =
                consumer.offsetsForTimes(Collections.singletonMap(partition, timestamp)).get(partition);
            return found == null ? -1L : found.offset();
        });
    }

    private String config(String topic, String name) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        return admin.describeConfigs(Collections.singleton(resource)).all().get()
            .get(resource).get(name).value();
    }

    private void setConfig(String topic, String name, String value) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        AlterConfigOp set = new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET);
        Map<ConfigResource, Collection<AlterConfigOp>> changes = new HashMap<>();
        changes.put(resource, Collections.singleton(set));
        admin.incrementalAlterConfigs(changes).all().get();
    }

    private void committed(String topic, JsonNode step, ArrayNode offsets) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> found =
            admin.listConsumerGroupOffsets(step.get("group").asText())
                .partitionsToOffsetAndMetadata().get();
        for (int partition = 0; partition < step.get("partitions").asInt(); partition++) {
            OffsetAndMetadata offset = found.get(new TopicPartition(topic, partition));
            offsets.add(offset == null ? -1L : offset.offset());
        }
    }

    private Properties settings() {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        return settings;
    }

    /** Work with a consumer that is closed afterwards; it has no group. */
    private interface Work<T> {
        T with(KafkaConsumer<String, String> consumer) throws Exception;
    }

    private class KafkaConsumerScope {
        <T> T use(Work<T> work) throws Exception {
            Properties settings = settings();
            settings.put("auto.offset.reset", "none");
            try (KafkaConsumer<String, String> consumer =
                    new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
                return work.with(consumer);
            }
        }
    }
}
