package flowstone.interop;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.math.BigInteger;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.HashKeyRange;
import software.amazon.awssdk.services.kinesis.model.InvalidArgumentException;
import software.amazon.awssdk.services.kinesis.model.ResourceInUseException;
import software.amazon.awssdk.services.kinesis.model.ResourceNotFoundException;
import software.amazon.awssdk.services.kinesis.model.ScalingType;
import software.amazon.awssdk.services.kinesis.model.Shard;
import software.amazon.awssdk.services.kinesis.model.ShardIteratorType;
import software.amazon.awssdk.services.kinesis.model.StreamDescriptionSummary;
import software.amazon.awssdk.services.kinesis.model.StreamMode;
import software.amazon.awssdk.services.kinesis.model.StreamStatus;
import software.amazon.awssdk.services.kinesis.model.Tag;
import software.amazon.awssdk.services.kinesis.model.ValidationException;
import software.amazon.awssdk.services.kinesis.waiters.KinesisWaiter;

/**
 * A session of the Java SDK against the server at FLOWSTONE_ENDPOINT: {@code cbor} and {@code json}
 * are the synchronous client, {@code async} is the one on Netty, which speaks HTTP/2 and has fan-out.
 */
final class Session {
    private static final String STREAM = "orders";
    private static final int ROUNDS_BETWEEN = 10;

    private final KinesisClient client;
    private final Writer writer;

    private Session(KinesisClient client) {
        this.client = client;
        this.writer = new Writer(client, STREAM);
    }

    public static void main(String[] arguments) throws Exception {
        String protocol = arguments[0];
        Thread.setDefaultUncaughtExceptionHandler((thread, raised) -> {
            raised.printStackTrace();
            Checks.fail("a call that must succeed " + raised);
        });
        if (protocol.equals("json")) {
            System.setProperty("aws.cborEnabled", "false");
        }
        Wire wire = new Wire();
        if (protocol.equals("async")) {
            try (KinesisAsyncClient client = configured(KinesisAsyncClient.builder(), wire).build()) {
                new Session(joined(client)).run(client);
            }
        } else {
            try (KinesisClient client = configured(KinesisClient.builder(), wire).build()) {
                new Session(client).run(null);
            }
        }
        wire.compare(protocol);
        Checks.close("Java SDK, " + protocol);
    }

    // No retries: what the server does wrong is not to be hidden by a second try.
    private static <B extends AwsClientBuilder<B, C>, C> B configured(B builder, Wire wire) {
        return builder
                .endpointOverride(URI.create(System.getenv("FLOWSTONE_ENDPOINT")))
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(
                        AwsBasicCredentials.create("AKIDEXAMPLE", "secret")))
                .overrideConfiguration(more -> more
                        .retryStrategy(AwsRetryStrategy.doNotRetry())
                        .addExecutionInterceptor(wire));
    }

    /** The asynchronous client's methods, each waited for: the two have the same names. */
    private static KinesisClient joined(KinesisAsyncClient client) {
        Class<?>[] as = {KinesisClient.class};
        return (KinesisClient) Proxy.newProxyInstance(Session.class.getClassLoader(), as, (self, method, arguments) -> {
            var same = KinesisAsyncClient.class.getMethod(method.getName(), method.getParameterTypes());
            try {
                return ((CompletableFuture<?>) same.invoke(client, arguments)).join();
            } catch (CompletionException | InvocationTargetException raised) {
                throw raised.getCause();
            }
        });
    }

    private void run(KinesisAsyncClient fanout) throws Exception {
        String arn = create();
        places();
        Reader reader = traffic();
        since(reader);
        refusals();
        tags();
        String consumer = Fanout.register(client, arn);
        if (fanout != null) {
            Fanout.subscribeAll(fanout, consumer, Reader.allShards(client, STREAM), writer, reader);
        }
        Checks.refused("deleting a stream that has consumers", ResourceInUseException.class,
                () -> client.deleteStream(request -> request.streamName(STREAM)));
        Fanout.deregister(client, consumer);
        client.deleteStream(request -> request.streamName(STREAM));
        Checks.untilRefused("a deleted stream is gone", ResourceNotFoundException.class, this::summary);
    }

    private StreamDescriptionSummary summary() {
        return client.describeStreamSummary(request -> request.streamName(STREAM)).streamDescriptionSummary();
    }

    private void active() {
        Checks.until("the stream to be ACTIVE", () -> summary().streamStatus() == StreamStatus.ACTIVE);
    }

    private String create() {
        client.createStream(request -> request
                .streamName(STREAM)
                .shardCount(2)
                .streamModeDetails(mode -> mode.streamMode(StreamMode.PROVISIONED)));
        KinesisWaiter waiter = KinesisWaiter.builder()
                .client(client)
                .overrideConfiguration(more -> more.waitTimeout(Duration.ofMinutes(1)))
                .build();
        var waited = waiter.waitUntilStreamExists(request -> request.streamName(STREAM));
        Checks.that("the waiter ends well", waited.matched().response().isPresent(), waited);
        waiter.close();
        StreamDescriptionSummary summary = summary();
        Checks.equal("a stream of two shards", summary.openShardCount(), 2);
        Checks.that("its time of making is about now",
                Checks.isRecent(summary.streamCreationTimestamp()), summary);
        return summary.streamARN();
    }

    private void places() {
        List<Shard> shards = Reader.allShards(client, STREAM);
        Checks.equal("list-shards pages one by one", shards.size(), 2);
        byte[] every = new byte[256];
        for (int value = 0; value < every.length; value++) {
            every[value] = (byte) value;
        }
        for (Shard shard : shards) {
            HashKeyRange range = shard.hashKeyRange();
            for (String hash : List.of(range.startingHashKey(), range.endingHashKey())) {
                Placed placed = writer.one("explicit", SdkBytes.fromByteArray(every), hash);
                Checks.equal("explicit hash key " + hash, placed.shard(), shard.shardId());
            }
        }
        writer.one("empty", SdkBytes.fromByteArray(new byte[0]), null);
    }

    /** Splits, merges and scales while records are written and read. */
    private void reshard() {
        writer.more(ROUNDS_BETWEEN);
        Shard first = Reader.allShards(client, STREAM).get(0);
        BigInteger low = new BigInteger(first.hashKeyRange().startingHashKey());
        BigInteger high = new BigInteger(first.hashKeyRange().endingHashKey());
        client.splitShard(request -> request
                .streamName(STREAM)
                .shardToSplit(first.shardId())
                .newStartingHashKey(low.add(high).shiftRight(1).toString()));
        active();
        List<Shard> shards = Reader.allShards(client, STREAM);
        List<Shard> children = shards.stream()
                .filter(shard -> first.shardId().equals(shard.parentShardId())).toList();
        Checks.equal("a split shard has two children", children.size(), 2);
        Checks.that("a split shard is closed", shards.stream().anyMatch(shard ->
                shard.shardId().equals(first.shardId())
                && shard.sequenceNumberRange().endingSequenceNumber() != null), shards);

        writer.more(ROUNDS_BETWEEN);
        String left = children.get(0).shardId();
        String right = children.get(1).shardId();
        client.mergeShards(request -> request
                .streamName(STREAM).shardToMerge(left).adjacentShardToMerge(right));
        active();
        shards = Reader.allShards(client, STREAM);
        Checks.that("a merged shard has both parents", shards.stream().anyMatch(shard ->
                left.equals(shard.parentShardId()) && right.equals(shard.adjacentParentShardId())), shards);

        writer.more(ROUNDS_BETWEEN);
        var scaled = client.updateShardCount(request -> request
                .streamName(STREAM).targetShardCount(4).scalingType(ScalingType.UNIFORM_SCALING));
        Checks.equal("update-shard-count",
                List.of(scaled.currentShardCount(), scaled.targetShardCount()), List.of(2, 4));
        active();
        Checks.equal("four open shards", summary().openShardCount(), 4);
        writer.more(ROUNDS_BETWEEN);
    }

    private Reader traffic() throws InterruptedException {
        Reader reader = new Reader(client, STREAM);
        Thread reading = new Thread(reader);
        Thread writing = new Thread(writer);
        reading.start();
        writing.start();
        reshard();
        writer.stopping = true;
        writing.join();
        reader.expected = writer.put.size();
        reading.join();
        reader.compare(writer.put, writer.rounds);
        Set<String> listed = Reader.allShards(client, STREAM).stream()
                .map(Shard::shardId).collect(Collectors.toCollection(TreeSet::new));
        Checks.equal("polling: every shard of the lineage", reader.shards(), listed);
        return reader;
    }

    /** A time in a request is understood: what arrived since is read, and all of it. */
    private void since(Reader reader) {
        String shard = reader.found.get(0).shard();
        String oldest = client.getShardIterator(request -> request.streamName(STREAM).shardId(shard)
                .shardIteratorType(ShardIteratorType.TRIM_HORIZON)).shardIterator();
        var records = client.getRecords(request -> request.shardIterator(oldest)).records();
        var middle = records.get(records.size() / 2).approximateArrivalTimestamp();
        String later = client.getShardIterator(request -> request.streamName(STREAM).shardId(shard)
                .shardIteratorType(ShardIteratorType.AT_TIMESTAMP).timestamp(middle)).shardIterator();
        var first = client.getRecords(request -> request.shardIterator(later)).records().get(0);
        var expected = records.stream()
                .filter(record -> !record.approximateArrivalTimestamp().isBefore(middle)).findFirst();
        Checks.equal("AT_TIMESTAMP", first, expected.orElseThrow());
    }

    private void refusals() {
        Checks.refused("a second stream of one name", ResourceInUseException.class,
                () -> client.createStream(request -> request.streamName(STREAM).shardCount(1)));
        Checks.refused("a stream that is not", ResourceNotFoundException.class,
                () -> client.describeStream(request -> request.streamName("nowhere")));
        Checks.refused("a name with forbidden characters", ValidationException.class,
                () -> client.createStream(request -> request.streamName("not a name").shardCount(1)));
        Checks.refused("a garbage iterator", InvalidArgumentException.class,
                () -> client.getRecords(request -> request.shardIterator("AAAAAAAAAAFgarbage")));
    }

    private Map<String, String> readTags() {
        Map<String, String> tags = new HashMap<>();
        for (Tag tag : client.listTagsForStream(request -> request.streamName(STREAM)).tags()) {
            tags.put(tag.key(), tag.value());
        }
        return tags;
    }

    private void tags() {
        Map<String, String> tags = Map.of("team", "a b", "città", "тест");
        client.addTagsToStream(request -> request.streamName(STREAM).tags(tags));
        Checks.equal("tags are kept", readTags(), tags);
        client.removeTagsFromStream(request -> request.streamName(STREAM).tagKeys("team"));
        Checks.equal("a tag is removed", readTags(), Map.of("città", "тест"));
    }
}
