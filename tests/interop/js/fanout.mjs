// Enhanced fan-out: what exists, what comes while subscribed, and the end of a closed shard.
import {
  DeregisterStreamConsumerCommand,
  DescribeStreamConsumerCommand,
  ListStreamConsumersCommand,
  PutRecordCommand,
  RegisterStreamConsumerCommand,
  ResourceInUseException,
  ResourceNotFoundException,
  SubscribeToShardCommand,
} from "@aws-sdk/client-kinesis";
import { equal, recent, refused, that, until, Failed } from "./checks.mjs";

const LIVE_RECORDS = 20;

export async function register(client, streamArn) {
  const request = { StreamARN: streamArn, ConsumerName: "fan" };
  const { Consumer } = await client.send(new RegisterStreamConsumerCommand(request));
  equal("a consumer has its name", Consumer.ConsumerName, "fan");
  that("a consumer's time of making is about now", recent(Consumer.ConsumerCreationTimestamp), Consumer);
  await until("the consumer to be ACTIVE", async () => {
    const { ConsumerDescription } = await client.send(new DescribeStreamConsumerCommand(request));
    return ConsumerDescription.ConsumerStatus === "ACTIVE";
  });
  await refused(
    "a second consumer of one name",
    () => client.send(new RegisterStreamConsumerCommand(request)),
    ResourceInUseException,
  );
  const listed = await client.send(new ListStreamConsumersCommand({ StreamARN: streamArn }));
  const names = listed.Consumers.map((consumer) => consumer.ConsumerName);
  equal("list-stream-consumers", names, ["fan"]);
  return Consumer.ConsumerARN;
}

export async function deregister(client, consumerArn) {
  await client.send(new DeregisterStreamConsumerCommand({ ConsumerARN: consumerArn }));
  await until("the consumer to be gone", async () => {
    try {
      await client.send(new DescribeStreamConsumerCommand({ ConsumerARN: consumerArn }));
      return false;
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return true;
      throw error;
    }
  });
  that("a deregistered consumer is gone", true);
}

/** Every shard from its oldest record: a closed one to its end, an open one past what exists. */
export async function subscribe(client, stream, consumerArn, shards, reader) {
  await Promise.all(
    shards.map(async (shard) => {
      const polled = reader.found.filter((record) => record.shard === shard.ShardId);
      if (shard.SequenceNumberRange.EndingSequenceNumber) {
        await closed(client, consumerArn, shard.ShardId, polled);
      } else {
        await open(client, stream, consumerArn, shard, polled);
      }
    }),
  );
  await refused(
    "subscribing to a shard that is not",
    () => events(client, consumerArn, "shardId-000000000999"),
    ResourceNotFoundException,
  );
}

async function events(client, consumerArn, shard, abortSignal) {
  const { EventStream } = await client.send(
    new SubscribeToShardCommand({
      ConsumerARN: consumerArn,
      ShardId: shard,
      StartingPosition: { Type: "TRIM_HORIZON" },
    }),
    { abortSignal },
  );
  return EventStream;
}

async function closed(client, consumerArn, shard, polled) {
  const found = [];
  let last;
  for await (const { SubscribeToShardEvent: event } of await events(client, consumerArn, shard)) {
    if (!event) throw new Failed(`${shard}: an event that is none`);
    if (last?.ChildShards?.length) throw new Failed(`${shard}: an event after the last`);
    found.push(...event.Records);
    last = event;
  }
  same(`fan-out: all of closed ${shard}`, found, polled);
  that(`fan-out: ${shard} ends and names its children`, last?.ChildShards?.length > 0, last);
  that(`fan-out: ${shard} ends without a continuation`, !last.ContinuationSequenceNumber, last);
}

async function open(client, stream, consumerArn, shard, polled) {
  const found = [];
  const live = [];
  let writing;
  const leave = new AbortController();
  const subscribed = await events(client, consumerArn, shard.ShardId, leave.signal);
  for await (const { SubscribeToShardEvent: event } of subscribed) {
    found.push(...event.Records);
    if (!event.ContinuationSequenceNumber) {
      throw new Failed(`an event of ${shard.ShardId} does not say how to go on`);
    }
    if (!writing && found.length >= polled.length) {
      writing = write(client, stream, shard, live);
    }
    if (found.length >= polled.length + LIVE_RECORDS) break;
  }
  leave.abort();
  await writing;
  same(`fan-out: all of ${shard.ShardId}, ${live.length} put while subscribed`, found, [
    ...polled,
    ...live,
  ]);
}

async function write(client, stream, shard, live) {
  for (let index = 0; index < LIVE_RECORDS; index += 1) {
    const Data = Buffer.from([0xff, 0x00, index]);
    const request = {
      StreamName: stream,
      PartitionKey: "live",
      ExplicitHashKey: shard.HashKeyRange.StartingHashKey,
      Data,
    };
    const answer = await client.send(new PutRecordCommand(request));
    if (answer.ShardId !== shard.ShardId) throw new Failed(`live records go to ${answer.ShardId}`);
    live.push({ SequenceNumber: answer.SequenceNumber, PartitionKey: "live", Data });
  }
}

function same(name, found, expected) {
  const plain = ({ SequenceNumber, PartitionKey, Data }) =>
    `${SequenceNumber} ${PartitionKey} ${Buffer.from(Data).toString("base64")}`;
  equal(name, found.map(plain), expected.map(plain));
  const strange = found.filter((record) => !recent(record.ApproximateArrivalTimestamp));
  equal(`${name}: arrival times`, strange, []);
}
