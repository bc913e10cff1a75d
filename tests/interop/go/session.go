// A session of the Go SDK: no retries, otherwise its default settings, its event stream among them.
//
//	FLOWSTONE_ENDPOINT=http://127.0.0.1:4567 go run .
package main

import (
	"context"
	"fmt"
	"math/big"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const roundsBetween = 10

var stream = aws.String("orders")

func summary(ctx context.Context, client *kinesis.Client) (*types.StreamDescriptionSummary, error) {
	request := &kinesis.DescribeStreamSummaryInput{StreamName: stream}
	answer, err := client.DescribeStreamSummary(ctx, request)
	if err != nil {
		return nil, err
	}
	return answer.StreamDescriptionSummary, nil
}

func active(ctx context.Context, client *kinesis.Client) {
	until("the stream to be ACTIVE", func() bool {
		return must(summary(ctx, client)).StreamStatus == types.StreamStatusActive
	})
}

func create(ctx context.Context, client *kinesis.Client) *string {
	must(client.CreateStream(ctx, &kinesis.CreateStreamInput{
		StreamName: stream, ShardCount: aws.Int32(2),
		StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeProvisioned},
	}))
	quick := func(options *kinesis.StreamExistsWaiterOptions) {
		options.MinDelay, options.MaxDelay = time.Second, time.Second
	}
	waiter := kinesis.NewStreamExistsWaiter(client, quick)
	err := waiter.Wait(ctx, &kinesis.DescribeStreamInput{StreamName: stream}, time.Minute)
	that("the waiter ends well", err == nil, err)
	description := must(summary(ctx, client))
	equal("a stream of two shards", *description.OpenShardCount, int32(2))
	created := description.StreamCreationTimestamp
	that("its time of making is about now", recent(created), created)
	return description.StreamARN
}

func places(ctx context.Context, client *kinesis.Client, w *writer) {
	shards := allShards(ctx, client, *stream)
	equal("list-shards pages one by one", len(shards), 2)
	every := make([]byte, 256)
	for value := range every {
		every[value] = byte(value)
	}
	for _, shard := range shards {
		for _, hash := range []*string{shard.HashKeyRange.StartingHashKey, shard.HashKeyRange.EndingHashKey} {
			at := w.one(ctx, &kinesis.PutRecordInput{
				PartitionKey: aws.String("explicit"), ExplicitHashKey: hash, Data: every,
			})
			equal("explicit hash key "+*hash, at, *shard.ShardId)
		}
	}
	w.one(ctx, &kinesis.PutRecordInput{PartitionKey: aws.String("empty"), Data: []byte{}})
}

// reshard splits, merges and scales while records are written and read.
func reshard(ctx context.Context, client *kinesis.Client, w *writer) {
	w.more(roundsBetween)
	first := allShards(ctx, client, *stream)[0]
	low, _ := new(big.Int).SetString(*first.HashKeyRange.StartingHashKey, 10)
	high, _ := new(big.Int).SetString(*first.HashKeyRange.EndingHashKey, 10)
	middle := new(big.Int).Rsh(new(big.Int).Add(low, high), 1)
	must(client.SplitShard(ctx, &kinesis.SplitShardInput{
		StreamName: stream, ShardToSplit: first.ShardId, NewStartingHashKey: aws.String(middle.String()),
	}))
	active(ctx, client)
	var children []*string
	for _, shard := range allShards(ctx, client, *stream) {
		if aws.ToString(shard.ParentShardId) == *first.ShardId {
			children = append(children, shard.ShardId)
		} else if *shard.ShardId == *first.ShardId {
			ending := shard.SequenceNumberRange.EndingSequenceNumber
			that("a split shard is closed", ending != nil, shard)
		}
	}
	equal("a split shard has two children", len(children), 2)

	w.more(roundsBetween)
	must(client.MergeShards(ctx, &kinesis.MergeShardsInput{
		StreamName: stream, ShardToMerge: children[0], AdjacentShardToMerge: children[1],
	}))
	active(ctx, client)
	merged := slices.IndexFunc(allShards(ctx, client, *stream), func(shard types.Shard) bool {
		return aws.ToString(shard.ParentShardId) == *children[0] &&
			aws.ToString(shard.AdjacentParentShardId) == *children[1]
	})
	that("a merged shard has both parents", merged >= 0, "there is none such")

	w.more(roundsBetween)
	scaled := must(client.UpdateShardCount(ctx, &kinesis.UpdateShardCountInput{
		StreamName: stream, TargetShardCount: aws.Int32(4), ScalingType: types.ScalingTypeUniformScaling,
	}))
	counts := []int32{*scaled.CurrentShardCount, *scaled.TargetShardCount}
	equal("update-shard-count", counts, []int32{2, 4})
	active(ctx, client)
	equal("four open shards", *must(summary(ctx, client)).OpenShardCount, int32(4))
	w.more(roundsBetween)
}

func traffic(ctx context.Context, client *kinesis.Client, w *writer) *reader {
	r := &reader{
		client: client, stream: *stream, iterators: map[string]*string{}, ended: map[string]bool{},
	}
	var reading, writing sync.WaitGroup
	reading.Go(func() { r.run(ctx) })
	writing.Go(func() { w.run(ctx) })
	reshard(ctx, client, w)
	w.stop.Store(true)
	writing.Wait()
	r.expected.Store(int64(len(w.put)))
	reading.Wait()
	r.compare(w.put, int(w.rounds.Load()))
	read := len(r.ended) + len(r.iterators)
	equal("polling: every shard of the lineage", read, len(allShards(ctx, client, *stream)))
	return r
}

func refusals(ctx context.Context, client *kinesis.Client) {
	_, err := client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: stream, ShardCount: aws.Int32(1)})
	refused[*types.ResourceInUseException]("a second stream of one name", err)
	_, err = client.DescribeStream(ctx, &kinesis.DescribeStreamInput{StreamName: aws.String("nowhere")})
	refused[*types.ResourceNotFoundException]("a stream that is not", err)
	_, err = client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("not a name"), ShardCount: aws.Int32(1)})
	refused[*types.ValidationException]("a name with forbidden characters", err)
	_, err = client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: aws.String("AAAAAAAAAAFgarbage")})
	refused[*types.InvalidArgumentException]("a garbage iterator", err)
}

func tags(ctx context.Context, client *kinesis.Client) {
	read := func() map[string]string {
		kept := map[string]string{}
		for _, tag := range must(client.ListTagsForStream(ctx, &kinesis.ListTagsForStreamInput{StreamName: stream})).Tags {
			kept[*tag.Key] = aws.ToString(tag.Value)
		}
		return kept
	}
	tags := map[string]string{"team": "a b", "città": "тест"}
	must(client.AddTagsToStream(ctx, &kinesis.AddTagsToStreamInput{StreamName: stream, Tags: tags}))
	equal("tags are kept", read(), tags)
	must(client.RemoveTagsFromStream(ctx, &kinesis.RemoveTagsFromStreamInput{StreamName: stream, TagKeys: []string{"team"}}))
	equal("a tag is removed", read(), map[string]string{"città": "тест"})
}

func remove(ctx context.Context, client *kinesis.Client) {
	must(client.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: stream}))
	var err error
	until("the stream to be gone", func() bool {
		_, err = summary(ctx, client)
		return err != nil
	})
	refused[*types.ResourceNotFoundException]("a deleted stream is gone", err)
}

func main() {
	ctx := context.Background()
	// No retries: what the server does wrong is not to be hidden by a second try.
	client := kinesis.New(kinesis.Options{
		BaseEndpoint:     aws.String(os.Getenv("FLOWSTONE_ENDPOINT")),
		Region:           "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		RetryMaxAttempts: 1,
		HTTPClient:       newOwnBodies(),
	})
	arn := create(ctx, client)
	w := &writer{client: client, stream: *stream}
	places(ctx, client, w)
	r := traffic(ctx, client, w)
	refusals(ctx, client)
	tags(ctx, client)
	consumer := register(ctx, client, arn)
	subscribeAll(ctx, client, consumer, w, r)
	_, err := client.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: stream})
	refused[*types.ResourceInUseException]("deleting a stream that has consumers", err)
	deregister(ctx, client, consumer)
	remove(ctx, client)
	fmt.Printf("Go SDK: %d checks passed, 0 failed\n", passed)
}
