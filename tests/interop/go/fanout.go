// Enhanced fan-out: what exists, what comes while subscribed, and the end of a closed shard.
package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const liveRecords = 20

func register(ctx context.Context, client *kinesis.Client, arn *string) *string {
	request := &kinesis.RegisterStreamConsumerInput{StreamARN: arn, ConsumerName: aws.String("fan")}
	consumer := must(client.RegisterStreamConsumer(ctx, request)).Consumer
	equal("a consumer has its name", *consumer.ConsumerName, "fan")
	created := consumer.ConsumerCreationTimestamp
	that("a consumer's time of making is about now", recent(created), created)
	until("the consumer to be ACTIVE", func() bool {
		answer := must(client.DescribeStreamConsumer(ctx, &kinesis.DescribeStreamConsumerInput{
			StreamARN: arn, ConsumerName: aws.String("fan"),
		}))
		return answer.ConsumerDescription.ConsumerStatus == types.ConsumerStatusActive
	})
	_, err := client.RegisterStreamConsumer(ctx, request)
	refused[*types.ResourceInUseException]("a second consumer of one name", err)
	listed := must(client.ListStreamConsumers(ctx, &kinesis.ListStreamConsumersInput{StreamARN: arn}))
	equal("list-stream-consumers", len(listed.Consumers), 1)
	return consumer.ConsumerARN
}

func deregister(ctx context.Context, client *kinesis.Client, consumer *string) {
	must(client.DeregisterStreamConsumer(ctx, &kinesis.DeregisterStreamConsumerInput{ConsumerARN: consumer}))
	var err error
	until("the consumer to be gone", func() bool {
		request := &kinesis.DescribeStreamConsumerInput{ConsumerARN: consumer}
		_, err = client.DescribeStreamConsumer(ctx, request)
		return err != nil
	})
	refused[*types.ResourceNotFoundException]("a deregistered consumer is gone", err)
}

// subscribeAll reads every shard from its oldest record: a closed one to its end, an open one past
// what exists.
func subscribeAll(ctx context.Context, client *kinesis.Client, consumer *string, w *writer, r *reader) {
	var all sync.WaitGroup
	for _, shard := range allShards(ctx, client, w.stream) {
		var polled []record
		for _, one := range r.found {
			if one.shard == *shard.ShardId {
				polled = append(polled, one)
			}
		}
		all.Go(func() {
			if shard.SequenceNumberRange.EndingSequenceNumber != nil {
				closedShard(ctx, client, consumer, *shard.ShardId, polled)
			} else {
				openShard(ctx, client, consumer, w.stream, shard, polled)
			}
		})
	}
	all.Wait()
	_, err := subscribe(ctx, client, consumer, "shardId-000000000999")
	refused[*types.ResourceNotFoundException]("subscribing to a shard that is not", err)
}

func subscribe(ctx context.Context, client *kinesis.Client, consumer *string, shard string) (*kinesis.SubscribeToShardEventStream, error) {
	answer, err := client.SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{
		ConsumerARN: consumer, ShardId: &shard,
		StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon},
	})
	if err != nil {
		return nil, err
	}
	return answer.GetStream(), nil
}

func event(shard string, item types.SubscribeToShardEventStream) types.SubscribeToShardEvent {
	member, known := item.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent)
	if !known {
		that(shard+": an event of the known kind", false, item)
	}
	return member.Value
}

func records(shard string, event types.SubscribeToShardEvent) []record {
	var found []record
	for _, one := range event.Records {
		if !recent(one.ApproximateArrivalTimestamp) {
			that("an arrival time is about now", false, one.ApproximateArrivalTimestamp)
		}
		found = append(found, record{shard, *one.SequenceNumber, *one.PartitionKey, string(one.Data)})
	}
	return found
}

func closedShard(ctx context.Context, client *kinesis.Client, consumer *string, shard string, polled []record) {
	stream := must(subscribe(ctx, client, consumer, shard))
	defer stream.Close()
	var found []record
	var last types.SubscribeToShardEvent
	for item := range stream.Events() {
		if len(last.ChildShards) > 0 {
			that(shard+": no event after the last", false, last)
		}
		last = event(shard, item)
		found = append(found, records(shard, last)...)
	}
	that(shard+": the events end well", stream.Err() == nil, stream.Err())
	equal("fan-out: all of closed "+shard, found, polled)
	that("fan-out: "+shard+" ends and names its children", len(last.ChildShards) > 0, last)
	that("fan-out: "+shard+" ends without a continuation", last.ContinuationSequenceNumber == nil, last)
}

func openShard(ctx context.Context, client *kinesis.Client, consumer *string, name string, shard types.Shard, polled []record) {
	stream := must(subscribe(ctx, client, consumer, *shard.ShardId))
	defer stream.Close()
	var found, live []record
	var writing sync.WaitGroup
	begun := false
	for item := range stream.Events() {
		event := event(*shard.ShardId, item)
		if event.ContinuationSequenceNumber == nil {
			that("fan-out: an event says how to go on", false, event)
		}
		found = append(found, records(*shard.ShardId, event)...)
		if !begun && len(found) >= len(polled) {
			begun = true
			writing.Go(func() { live = write(ctx, client, name, shard) })
		}
		if len(found) >= len(polled)+liveRecords {
			break
		}
	}
	that(*shard.ShardId+": no error in the events", stream.Err() == nil, stream.Err())
	writing.Wait()
	expected := append(append([]record(nil), polled...), live...)
	equal(fmt.Sprintf("fan-out: all of %s, %d put while subscribed", *shard.ShardId, len(live)), found, expected)
}

func write(ctx context.Context, client *kinesis.Client, stream string, shard types.Shard) []record {
	var live []record
	for index := range liveRecords {
		data := []byte{0xff, 0x00, byte(index)}
		answer := must(client.PutRecord(ctx, &kinesis.PutRecordInput{
			StreamName: &stream, PartitionKey: aws.String("live"), Data: data,
			ExplicitHashKey: shard.HashKeyRange.StartingHashKey,
		}))
		live = append(live, record{*answer.ShardId, *answer.SequenceNumber, "live", string(data)})
	}
	return live
}
