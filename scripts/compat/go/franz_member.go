package main

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// franzMember is a group member of franz-go.
type franzMember struct {
	*collector
	client *kgo.Client
	topic  string
}

func (c *franz) Join(_ context.Context, step Step) (Member, error) {
	member := &franzMember{collector: newCollector(), topic: step.Topic}
	balancers := map[string]kgo.GroupBalancer{
		"range":              kgo.RangeBalancer(),
		"cooperative-sticky": kgo.CooperativeStickyBalancer(),
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(c.bootstrap),
		kgo.ClientID(step.Member),
		kgo.ConsumerGroup(step.Group),
		kgo.ConsumeTopics(step.Topic),
		kgo.Balancers(balancers[step.Assignor]),
		kgo.SessionTimeout(time.Duration(step.SessionMs) * time.Millisecond),
		kgo.HeartbeatInterval(time.Duration(step.HeartbeatMs) * time.Millisecond),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.FetchMaxWait(200 * time.Millisecond),
		kgo.OnPartitionsAssigned(member.onAssigned),
		kgo.OnPartitionsRevoked(member.onRevoked),
		kgo.OnPartitionsLost(member.onRevoked),
	}
	if step.Instance != "" {
		options = append(options, kgo.InstanceID(step.Instance))
	}
	client, err := kgo.NewClient(options...)
	member.client = client
	return member, err
}

func (m *franzMember) onAssigned(_ context.Context, _ *kgo.Client, topics map[string][]int32) {
	m.assigned(topics[m.topic])
}

func (m *franzMember) onRevoked(_ context.Context, _ *kgo.Client, topics map[string][]int32) {
	m.revoke(topics[m.topic])
}

func (m *franzMember) Poll(ctx context.Context) (Polled, error) {
	ctx, cancel := context.WithTimeout(ctx, pollWait)
	defer cancel()
	fetches := m.client.PollFetches(ctx)
	if err := fetches.Err(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return Polled{}, err
	}
	fetches.EachRecord(func(r *kgo.Record) {
		m.deliver(Delivered{r.Partition, r.Offset, string(r.Key), string(r.Value)})
	})
	return m.take(), nil
}

func (m *franzMember) Commit(ctx context.Context, offsets []PartitionOffset) error {
	wanted := map[int32]kgo.EpochOffset{}
	for _, it := range offsets {
		wanted[it.Partition] = kgo.EpochOffset{Epoch: -1, Offset: it.Offset}
	}
	var failed error
	m.client.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{m.topic: wanted},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, answer *kmsg.OffsetCommitResponse, err error) {
			failed = err
			if err != nil {
				return
			}
			for _, topic := range answer.Topics {
				for _, partition := range topic.Partitions {
					failed = errors.Join(failed, kerr.ErrorForCode(partition.ErrorCode))
				}
			}
		})
	return failed
}

func (m *franzMember) Leave() error {
	m.client.Close()
	return nil
}

func (c *franz) Committed(ctx context.Context, step Step) ([]int64, error) {
	found, err := c.admin.FetchOffsets(ctx, step.Group)
	if err != nil {
		return nil, err
	}
	var offsets []int64
	for partition := int32(0); partition < step.Partitions; partition++ {
		offset := int64(-1)
		if it, ok := found.Lookup(step.Topic, partition); ok {
			if it.Err != nil {
				return nil, it.Err
			}
			offset = it.At
		}
		offsets = append(offsets, offset)
	}
	return offsets, nil
}
