package flowstone.interop;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.Consumer;
import software.amazon.awssdk.services.kinesis.model.ConsumerStatus;
import software.amazon.awssdk.services.kinesis.model.ResourceInUseException;
import software.amazon.awssdk.services.kinesis.model.ResourceNotFoundException;
import software.amazon.awssdk.services.kinesis.model.Shard;
import software.amazon.awssdk.services.kinesis.model.ShardIteratorType;
import software.amazon.awssdk.services.kinesis.model.StartingPosition;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardEvent;

/** Enhanced fan-out: what exists, what comes while subscribed, the end of a closed shard. */
final class Fanout {
    private static final int LIVE_RECORDS = 20;
    private static final StartingPosition OLDEST =
            StartingPosition.builder().type(ShardIteratorType.TRIM_HORIZON).build();

    private Fanout() {}

    static String register(KinesisClient client, String arn) {
        Consumer consumer = client.registerStreamConsumer(request -> request
                .streamARN(arn).consumerName("fan")).consumer();
        Checks.equal("a consumer has its name", consumer.consumerName(), "fan");
        Checks.that("a consumer's time of making is about now",
                Checks.isRecent(consumer.consumerCreationTimestamp()), consumer);
        Checks.until("the consumer to be ACTIVE", () -> client
                .describeStreamConsumer(request -> request.streamARN(arn).consumerName("fan"))
                .consumerDescription().consumerStatus() == ConsumerStatus.ACTIVE);
        Checks.refused("a second consumer of one name", ResourceInUseException.class, () -> client
                .registerStreamConsumer(request -> request.streamARN(arn).consumerName("fan")));
        int count = client.listStreamConsumers(request -> request.streamARN(arn)).consumers().size();
        Checks.equal("list-stream-consumers", count, 1);
        return consumer.consumerARN();
    }

    static void deregister(KinesisClient client, String consumer) {
        client.deregisterStreamConsumer(request -> request.consumerARN(consumer));
        Checks.untilRefused("a deregistered consumer is gone", ResourceNotFoundException.class,
                () -> client.describeStreamConsumer(request -> request.consumerARN(consumer)));
    }

    /** Every shard from its oldest record: a closed one to its end, an open one past what exists. */
    static void subscribeAll(
            KinesisAsyncClient client, String consumer, List<Shard> shards, Writer writer, Reader reader)
            throws Exception {
        String continuation = null;
        Shard last = null;
        for (Shard shard : shards) {
            List<Placed> polled = new ArrayList<>(reader.found);
            polled.removeIf(record -> !record.shard().equals(shard.shardId()));
            if (shard.sequenceNumberRange().endingSequenceNumber() != null) {
                closed(client, consumer, shard.shardId(), polled);
            } else {
                continuation = open(client, consumer, shard, writer, polled);
                last = shard;
            }
        }
        resumed(client, consumer, last, writer, continuation);
        Checks.refused("subscribing to a shard that is not", ResourceNotFoundException.class,
                () -> new Subscription(client, consumer, "shardId-000000000999", OLDEST));
    }

    private static void closed(
            KinesisAsyncClient client, String consumer, String shard, List<Placed> polled) throws Exception {
        List<Placed> found = new ArrayList<>();
        SubscribeToShardEvent last = null;
        try (Subscription subscription = new Subscription(client, consumer, shard, OLDEST)) {
            for (var event = subscription.next(); event.isPresent(); event = subscription.next()) {
                if (last != null && last.hasChildShards() && !last.childShards().isEmpty()) {
                    Checks.fail(shard + ": an event after the last " + event);
                }
                last = event.get();
                last.records().forEach(record -> found.add(Placed.read(shard, record)));
            }
        }
        Checks.equal("fan-out: all of closed " + shard, found, polled);
        Checks.that("fan-out: " + shard + " ends and names its children",
                last != null && !last.childShards().isEmpty(), last);
        Checks.that("fan-out: " + shard + " ends without a continuation",
                last.continuationSequenceNumber() == null, last);
    }

    /** Reads an open shard, and says where to go on. */
    private static String open(
            KinesisAsyncClient client, String consumer, Shard shard, Writer writer, List<Placed> polled)
            throws Exception {
        List<Placed> found = new ArrayList<>();
        List<Placed> expected = new ArrayList<>(polled);
        String continuation = null;
        try (Subscription subscription = new Subscription(client, consumer, shard.shardId(), OLDEST)) {
            while (found.size() < polled.size() + LIVE_RECORDS) {
                if (found.size() >= polled.size() && expected.size() == polled.size()) {
                    for (int index = 0; index < LIVE_RECORDS; index++) {
                        expected.add(live(writer, shard, index));
                    }
                }
                Optional<SubscribeToShardEvent> event = subscription.next();
                if (event.isEmpty() || event.get().continuationSequenceNumber() == null) {
                    Checks.fail("fan-out: an event of an open shard says how to go on " + event);
                }
                continuation = event.get().continuationSequenceNumber();
                event.get().records().forEach(record -> found.add(Placed.read(shard.shardId(), record)));
            }
        }
        Checks.equal("fan-out: all of " + shard.shardId() + ", " + LIVE_RECORDS
                + " put while subscribed", found, expected);
        return continuation;
    }

    private static Placed live(Writer writer, Shard shard, int index) {
        SdkBytes data = SdkBytes.fromByteArray(new byte[] {(byte) 0xff, 0x00, (byte) index});
        return writer.one("live", data, shard.hashKeyRange().startingHashKey());
    }

    /** Subscribes again where an earlier subscription ended, as soon as the service lets it. */
    private static void resumed(
            KinesisAsyncClient client, String consumer, Shard shard, Writer writer, String continuation)
            throws Exception {
        StartingPosition start = StartingPosition.builder()
                .type(ShardIteratorType.AFTER_SEQUENCE_NUMBER).sequenceNumber(continuation).build();
        Subscription[] again = new Subscription[1];
        Checks.until("a subscription to be resumed", () -> {
            try {
                again[0] = new Subscription(client, consumer, shard.shardId(), start);
                return true;
            } catch (ResourceInUseException early) {
                return false;
            } catch (Exception raised) {
                throw new IllegalStateException(raised);
            }
        });
        Placed expected = live(writer, shard, LIVE_RECORDS);
        List<Placed> found = new ArrayList<>();
        try (Subscription subscription = again[0]) {
            while (found.isEmpty()) {
                subscription.next().orElseThrow().records()
                        .forEach(record -> found.add(Placed.read(shard.shardId(), record)));
            }
        }
        Checks.equal("fan-out: resumed after its continuation", found, List.of(expected));
    }
}
