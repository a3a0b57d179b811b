package main

import (
	"context"
	"time"

	"github.com/IBM/sarama"
)

// saramaClient is sarama; it reads with a partition consumer, without a group.
type saramaClient struct {
	bootstrap string
	admin     sarama.ClusterAdmin
}

func saramaConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.Producer.Return.Successes = true
	config.Producer.Partitioner = sarama.NewManualPartitioner
	// The records of a step are sent together.
	config.Producer.Flush.Frequency = 50 * time.Millisecond
	return config
}

func newSarama(bootstrap string) (Client, error) {
	admin, err := sarama.NewClusterAdmin([]string{bootstrap}, saramaConfig())
	return &saramaClient{bootstrap, admin}, err
}

func (c *saramaClient) Create(_ context.Context, topic string, partitions int32) error {
	return c.admin.CreateTopic(
		topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false)
}

func (c *saramaClient) Partitions(_ context.Context, topic string) (int, error) {
	topics, err := c.admin.ListTopics()
	return int(topics[topic].NumPartitions), err
}

func (c *saramaClient) Produce(_ context.Context, step Step) (int64, error) {
	config := saramaConfig()
	codecs := map[string]sarama.CompressionCodec{
		"none":   sarama.CompressionNone,
		"gzip":   sarama.CompressionGZIP,
		"snappy": sarama.CompressionSnappy,
		"lz4":    sarama.CompressionLZ4,
		"zstd":   sarama.CompressionZSTD,
	}
	config.Producer.Compression = codecs[step.Codec]
	producer, err := sarama.NewSyncProducer([]string{c.bootstrap}, config)
	if err != nil {
		return 0, err
	}
	defer producer.Close()
	var messages []*sarama.ProducerMessage
	for _, record := range step.Records {
		messages = append(messages, &sarama.ProducerMessage{
			Topic:     step.Topic,
			Partition: step.Partition,
			Key:       sarama.StringEncoder(record.Key),
			Value:     sarama.StringEncoder(record.Value),
			Timestamp: time.UnixMilli(record.Timestamp),
		})
	}
	if err := producer.SendMessages(messages); err != nil {
		return 0, err
	}
	return messages[0].Offset, nil
}

func (c *saramaClient) Fetch(ctx context.Context, step Step) ([]Record, error) {
	consumer, err := sarama.NewConsumer([]string{c.bootstrap}, saramaConfig())
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(step.Topic, step.Partition, step.From)
	if err != nil {
		return nil, err
	}
	defer partition.Close()
	var records []Record
	for len(records) < step.Count {
		select {
		case m := <-partition.Messages():
			record := Record{m.Offset, string(m.Key), string(m.Value), m.Timestamp.UnixMilli()}
			records = append(records, record)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return records, nil
}

func (c *saramaClient) OffsetAt(_ context.Context, step Step) (int64, error) {
	client, err := sarama.NewClient([]string{c.bootstrap}, saramaConfig())
	if err != nil {
		return 0, err
	}
	defer client.Close()
	return client.GetOffset(step.Topic, step.Partition, step.Timestamp)
}

func (c *saramaClient) DeleteRecords(_ context.Context, step Step) error {
	return c.admin.DeleteRecords(step.Topic, map[int32]int64{step.Partition: step.Before})
}

func (c *saramaClient) GetConfig(_ context.Context, topic, name string) (string, error) {
	entries, err := c.admin.DescribeConfig(sarama.ConfigResource{
		Type: sarama.TopicResource, Name: topic, ConfigNames: []string{name}})
	if err != nil || len(entries) == 0 {
		return "", err
	}
	return entries[0].Value, nil
}

func (c *saramaClient) SetConfig(_ context.Context, topic, name, value string) error {
	entry := sarama.IncrementalAlterConfigsEntry{
		Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}
	return c.admin.IncrementalAlterConfig(sarama.TopicResource, topic,
		map[string]sarama.IncrementalAlterConfigsEntry{name: entry}, false)
}

func (c *saramaClient) Delete(_ context.Context, topic string) error {
	return c.admin.DeleteTopic(topic)
}
