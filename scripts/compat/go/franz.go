package main

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// franz is franz-go with kadm; it reads chosen partitions, without a group.
type franz struct {
	bootstrap string
	admin     *kadm.Client
}

func newFranz(bootstrap string) (Client, error) {
	// The default answers from five seconds old metadata, also about a deleted topic.
	client, err := kgo.NewClient(
		kgo.SeedBrokers(bootstrap), kgo.MetadataMinAge(50*time.Millisecond))
	if err != nil {
		return nil, err
	}
	return &franz{bootstrap, kadm.NewClient(client)}, nil
}

func (c *franz) Create(ctx context.Context, topic string, partitions int32) error {
	_, err := c.admin.CreateTopic(ctx, partitions, 1, nil, topic)
	return err
}

func (c *franz) Partitions(ctx context.Context, topic string) (int, error) {
	topics, err := c.admin.ListTopics(ctx, topic)
	if err != nil {
		return 0, err
	}
	if errors.Is(topics[topic].Err, kerr.UnknownTopicOrPartition) {
		return 0, nil
	}
	return len(topics[topic].Partitions), topics[topic].Err
}

func (c *franz) Produce(ctx context.Context, step Step) (int64, error) {
	codecs := map[string]kgo.CompressionCodec{
		"none":   kgo.NoCompression(),
		"gzip":   kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(),
		"lz4":    kgo.Lz4Compression(),
		"zstd":   kgo.ZstdCompression(),
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(c.bootstrap),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codecs[step.Codec]),
		// A linger, so that the records travel as one batch.
		kgo.ProducerLinger(50*time.Millisecond),
	)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	var records []*kgo.Record
	for _, record := range step.Records {
		records = append(records, &kgo.Record{
			Topic:     step.Topic,
			Partition: step.Partition,
			Key:       []byte(record.Key),
			Value:     []byte(record.Value),
			Timestamp: time.UnixMilli(record.Timestamp),
		})
	}
	results := client.ProduceSync(ctx, records...)
	if err := results.FirstErr(); err != nil {
		return 0, err
	}
	return results[0].Record.Offset, nil
}

func (c *franz) Fetch(ctx context.Context, step Step) ([]Record, error) {
	start := kgo.NewOffset().At(step.From)
	client, err := kgo.NewClient(
		kgo.SeedBrokers(c.bootstrap),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{step.Topic: {step.Partition: start}}),
	)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var records []Record
	for len(records) < step.Count {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			record := Record{r.Offset, string(r.Key), string(r.Value), r.Timestamp.UnixMilli()}
			records = append(records, record)
		})
	}
	return records, nil
}

func (c *franz) OffsetAt(ctx context.Context, step Step) (int64, error) {
	offsets, err := c.admin.ListOffsetsAfterMilli(ctx, step.Timestamp, step.Topic)
	if err != nil {
		return 0, err
	}
	found, _ := offsets.Lookup(step.Topic, step.Partition)
	return found.Offset, found.Err
}

func (c *franz) DeleteRecords(ctx context.Context, step Step) error {
	offsets := kadm.Offsets{}
	offsets.AddOffset(step.Topic, step.Partition, step.Before, -1)
	answers, err := c.admin.DeleteRecords(ctx, offsets)
	if err != nil {
		return err
	}
	return answers.Error()
}

func (c *franz) GetConfig(ctx context.Context, topic, name string) (string, error) {
	resources, err := c.admin.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return "", err
	}
	resource, err := resources.On(topic, nil)
	if err != nil {
		return "", err
	}
	for _, config := range resource.Configs {
		if config.Key == name {
			return config.MaybeValue(), nil
		}
	}
	return "", resource.Err
}

func (c *franz) SetConfig(ctx context.Context, topic, name, value string) error {
	change := kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value}
	answers, err := c.admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{change}, topic)
	if err != nil {
		return err
	}
	answer, err := answers.On(topic, nil)
	if err != nil {
		return err
	}
	return answer.Err
}

func (c *franz) Delete(ctx context.Context, topic string) error {
	_, err := c.admin.DeleteTopic(ctx, topic)
	return err
}
