package main

import (
	"context"
	"errors"
	"time"

	"github.com/IBM/sarama"
)

// saramaMember is a group member of sarama, and the handler of its sessions: one from each
// rebalance to the next.
type saramaMember struct {
	*collector
	group   sarama.ConsumerGroup
	topic   string
	session sarama.ConsumerGroupSession
}

func (c *saramaClient) Join(_ context.Context, step Step) (Member, error) {
	if step.Assignor != "range" {
		return nil, unsupported("a session ends with every rebalance, cooperative or not")
	}
	config := saramaConfig()
	config.ClientID = step.Member
	config.Consumer.Group.InstanceId = step.Instance
	config.Consumer.Group.Session.Timeout = time.Duration(step.SessionMs) * time.Millisecond
	config.Consumer.Group.Heartbeat.Interval = time.Duration(step.HeartbeatMs) * time.Millisecond
	config.Consumer.Group.Rebalance.GroupStrategies =
		[]sarama.BalanceStrategy{sarama.NewBalanceStrategyRange()}
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.MaxWaitTime = 200 * time.Millisecond
	group, err := sarama.NewConsumerGroup([]string{c.bootstrap}, step.Group, config)
	if err != nil {
		return nil, err
	}
	member := &saramaMember{collector: newCollector(), group: group, topic: step.Topic}
	go member.consume()
	return member, nil
}

// consume runs one session after the other until the group is closed.
func (m *saramaMember) consume() {
	for {
		err := m.group.Consume(context.Background(), []string{m.topic}, m)
		if errors.Is(err, sarama.ErrClosedConsumerGroup) {
			return
		}
		if err != nil {
			// As its own examples do: a session that could not begin is tried again.
			time.Sleep(pollWait)
		}
	}
}

func (m *saramaMember) Setup(session sarama.ConsumerGroupSession) error {
	m.mutex.Lock()
	m.session = session
	m.mutex.Unlock()
	m.assigned(session.Claims()[m.topic])
	return nil
}

func (m *saramaMember) Cleanup(session sarama.ConsumerGroupSession) error {
	m.revoke(session.Claims()[m.topic])
	return nil
}

func (m *saramaMember) ConsumeClaim(
	session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim,
) error {
	for r := range claim.Messages() {
		m.deliver(Delivered{r.Partition, r.Offset, string(r.Key), string(r.Value)})
	}
	return nil
}

func (m *saramaMember) Poll(context.Context) (Polled, error) {
	// sarama works between the polls; this only keeps them from coming too fast.
	time.Sleep(pollWait)
	return m.take(), nil
}

func (m *saramaMember) Commit(_ context.Context, offsets []PartitionOffset) error {
	m.mutex.Lock()
	session := m.session
	m.mutex.Unlock()
	for _, it := range offsets {
		session.MarkOffset(m.topic, it.Partition, it.Offset, "")
	}
	session.Commit()
	return nil
}

func (m *saramaMember) Leave() error {
	return m.group.Close()
}

func (c *saramaClient) Committed(_ context.Context, step Step) ([]int64, error) {
	var partitions []int32
	for partition := int32(0); partition < step.Partitions; partition++ {
		partitions = append(partitions, partition)
	}
	found, err := c.admin.ListConsumerGroupOffsets(step.Group, map[string][]int32{step.Topic: partitions})
	if err != nil {
		return nil, err
	}
	var offsets []int64
	for _, partition := range partitions {
		block := found.GetBlock(step.Topic, partition)
		if block == nil {
			return nil, errors.New("a partition is missing")
		}
		if block.Err != sarama.ErrNoError {
			return nil, block.Err
		}
		offsets = append(offsets, block.Offset)
	}
	return offsets, nil
}
