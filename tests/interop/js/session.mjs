// A session of the JavaScript SDK with its default settings, which speak HTTP/2 on the plain port.
//
//     FLOWSTONE_ENDPOINT=http://127.0.0.1:4567 node session.mjs
import {
  AddTagsToStreamCommand,
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  InvalidArgumentException,
  KinesisClient,
  ListTagsForStreamCommand,
  MergeShardsCommand,
  PutRecordCommand,
  RemoveTagsFromStreamCommand,
  ResourceInUseException,
  ResourceNotFoundException,
  SplitShardCommand,
  UpdateShardCountCommand,
  ValidationException,
  waitUntilStreamExists,
} from "@aws-sdk/client-kinesis";
import { close, equal, recent, refused, that, until } from "./checks.mjs";
import { deregister, register, subscribe } from "./fanout.mjs";
import { allShards, Put, Reader, Writer } from "./traffic.mjs";

const STREAM = "orders";
const HASH_KEY_MAX = (1n << 128n) - 1n;
const ROUNDS_BETWEEN = 10;

async function summary(client) {
  const answer = await client.send(new DescribeStreamSummaryCommand({ StreamName: STREAM }));
  return answer.StreamDescriptionSummary;
}

async function active(client) {
  await until("the stream to be ACTIVE", async () => (await summary(client)).StreamStatus === "ACTIVE");
}

async function create(client) {
  const request = { StreamName: STREAM, ShardCount: 2, StreamModeDetails: { StreamMode: "PROVISIONED" } };
  await client.send(new CreateStreamCommand(request));
  const waited = await waitUntilStreamExists(
    { client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 },
    { StreamName: STREAM },
  );
  equal("the waiter ends well", waited.state, "SUCCESS");
  const { StreamARN, OpenShardCount, StreamCreationTimestamp } = await summary(client);
  equal("a stream of two shards", OpenShardCount, 2);
  that("its time of making is about now", recent(StreamCreationTimestamp), StreamCreationTimestamp);
  return StreamARN;
}

async function places(client, put) {
  const shards = await allShards(client, STREAM);
  equal("list-shards pages one by one", shards.length, 2);
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  for (const [hash, at] of [["0", 0], [HASH_KEY_MAX.toString(), 1]]) {
    const request = { StreamName: STREAM, PartitionKey: "explicit", ExplicitHashKey: hash, Data: every };
    const answer = await client.send(new PutRecordCommand(request));
    equal(`explicit hash key ${hash}`, answer.ShardId, shards[at].ShardId);
    put.add(answer, "explicit", every);
  }
  const empty = { StreamName: STREAM, PartitionKey: "empty", Data: new Uint8Array() };
  put.add(await client.send(new PutRecordCommand(empty)), "empty", "");
}

/** Splits, merges and scales while records are written and read. */
async function reshard(client, writer) {
  await writer.more(ROUNDS_BETWEEN);
  const [first] = await allShards(client, STREAM);
  const { StartingHashKey, EndingHashKey } = first.HashKeyRange;
  const middle = (BigInt(StartingHashKey) + BigInt(EndingHashKey)) / 2n;
  await client.send(
    new SplitShardCommand({
      StreamName: STREAM,
      ShardToSplit: first.ShardId,
      NewStartingHashKey: middle.toString(),
    }),
  );
  await active(client);
  let shards = await allShards(client, STREAM);
  const children = shards.filter((shard) => shard.ParentShardId === first.ShardId);
  equal("a split shard has two children", children.length, 2);
  const parent = shards.find((shard) => shard.ShardId === first.ShardId);
  that("a split shard is closed", parent.SequenceNumberRange.EndingSequenceNumber, parent);

  await writer.more(ROUNDS_BETWEEN);
  const [left, right] = children.map((shard) => shard.ShardId);
  const merge = { StreamName: STREAM, ShardToMerge: left, AdjacentShardToMerge: right };
  await client.send(new MergeShardsCommand(merge));
  await active(client);
  shards = await allShards(client, STREAM);
  const merged = shards.find((shard) => shard.ParentShardId === left);
  equal("a merged shard has both parents", merged?.AdjacentParentShardId, right);

  await writer.more(ROUNDS_BETWEEN);
  const scale = { StreamName: STREAM, TargetShardCount: 4, ScalingType: "UNIFORM_SCALING" };
  const scaled = await client.send(new UpdateShardCountCommand(scale));
  equal("update-shard-count", [scaled.CurrentShardCount, scaled.TargetShardCount], [2, 4]);
  await active(client);
  equal("four open shards", (await summary(client)).OpenShardCount, 4);
  await writer.more(ROUNDS_BETWEEN);
}

async function traffic(client, put) {
  const writer = new Writer(client, STREAM, put);
  const reader = new Reader(client, STREAM);
  const resharding = async () => {
    await reshard(client, writer);
    writer.stopping = true;
  };
  const writing = async () => {
    await Promise.all([writer.run(), resharding()]);
    reader.expected = put.places.size;
  };
  await Promise.all([reader.run(), writing()]);
  reader.compare(put, writer.rounds);
  const shards = await allShards(client, STREAM);
  const listed = shards.map((shard) => shard.ShardId).sort();
  equal("polling: every shard of the lineage", [...reader.ended, ...reader.iterators.keys()].sort(), listed);
  return { shards, reader };
}

async function refusals(client) {
  const send = (command) => () => client.send(command);
  await refused(
    "a second stream of one name",
    send(new CreateStreamCommand({ StreamName: STREAM, ShardCount: 1 })),
    ResourceInUseException,
  );
  await refused(
    "a stream that is not",
    send(new DescribeStreamSummaryCommand({ StreamName: "nowhere" })),
    ResourceNotFoundException,
  );
  await refused(
    "a name with forbidden characters",
    send(new CreateStreamCommand({ StreamName: "not a name", ShardCount: 1 })),
    ValidationException,
  );
  await refused(
    "a garbage iterator",
    send(new GetRecordsCommand({ ShardIterator: "AAAAAAAAAAFgarbage" })),
    InvalidArgumentException,
  );
}

async function tags(client) {
  const Tags = { team: "a b", città: "тест" };
  await client.send(new AddTagsToStreamCommand({ StreamName: STREAM, Tags }));
  const read = async () => {
    const page = await client.send(new ListTagsForStreamCommand({ StreamName: STREAM }));
    return Object.fromEntries(page.Tags.map(({ Key, Value }) => [Key, Value]));
  };
  equal("tags are kept", await read(), Tags);
  await client.send(new RemoveTagsFromStreamCommand({ StreamName: STREAM, TagKeys: ["team"] }));
  equal("a tag is removed", await read(), { città: "тест" });
}

async function remove(client) {
  await client.send(new DeleteStreamCommand({ StreamName: STREAM }));
  await until("the stream to be gone", async () => {
    try {
      await summary(client);
      return false;
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return true;
      throw error;
    }
  });
  that("a deleted stream is gone", true);
}

// No retries: what the server does wrong is not to be hidden by a second try.
const client = new KinesisClient({
  endpoint: process.env.FLOWSTONE_ENDPOINT,
  region: "us-east-1",
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
  maxAttempts: 1,
});
equal("HTTP/2 is this client's default", client.config.requestHandler.metadata, { handlerProtocol: "h2" });
const arn = await create(client);
const put = new Put();
await places(client, put);
const { shards, reader } = await traffic(client, put);
await refusals(client);
await tags(client);
const consumer = await register(client, arn);
await subscribe(client, STREAM, consumer, shards, reader);
await refused(
  "deleting a stream that has consumers",
  () => client.send(new DeleteStreamCommand({ StreamName: STREAM })),
  ResourceInUseException,
);
await deregister(client, consumer);
await remove(client);
client.destroy();
close("JavaScript SDK");
