package flowstone.interop;

import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.reactivestreams.Subscriber;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.model.StartingPosition;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardEvent;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardEventStream;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardResponseHandler;

/** One SubscribeToShard: asks for one event at a time, and ends with an empty one. */
final class Subscription implements Subscriber<SubscribeToShardEventStream>, AutoCloseable {
    /** The service sends an event at least every five seconds. */
    private static final long EVENT_WAIT_MAX_S = 30;

    private final BlockingQueue<Optional<SubscribeToShardEvent>> events = new LinkedBlockingQueue<>();
    private final BlockingQueue<Optional<Throwable>> begun = new LinkedBlockingQueue<>();
    private volatile org.reactivestreams.Subscription upstream;
    private volatile boolean closed;

    /** Subscribes, or throws what the service says against it. */
    Subscription(KinesisAsyncClient client, String consumer, String shard, StartingPosition start)
            throws Exception {
        var handler = SubscribeToShardResponseHandler.builder()
                .onResponse(response -> begun.add(Optional.empty()))
                .onEventStream(publisher -> publisher.subscribe(this))
                .onError(this::refused)
                .build();
        client.subscribeToShard(request -> request
                .consumerARN(consumer).shardId(shard).startingPosition(start), handler);
        Optional<Throwable> refusal = begun.poll(EVENT_WAIT_MAX_S, TimeUnit.SECONDS);
        if (refusal == null) {
            Checks.fail("no answer to subscribe-to-shard for " + shard);
        } else if (refusal.isPresent()) {
            throw (Exception) refusal.get();
        }
    }

    private void refused(Throwable raised) {
        boolean wrapped = raised instanceof CompletionException && raised.getCause() != null;
        begun.add(Optional.of(wrapped ? raised.getCause() : raised));
    }

    /** The next event; empty when the subscription is over. */
    Optional<SubscribeToShardEvent> next() {
        try {
            Optional<SubscribeToShardEvent> event = events.poll(EVENT_WAIT_MAX_S, TimeUnit.SECONDS);
            if (event == null) {
                Checks.fail("no event for " + EVENT_WAIT_MAX_S + " s");
            }
            return event;
        } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
        }
    }

    @Override
    public void onSubscribe(org.reactivestreams.Subscription subscription) {
        upstream = subscription;
        upstream.request(1);
    }

    @Override
    public void onNext(SubscribeToShardEventStream item) {
        if (!(item instanceof SubscribeToShardEvent event)) {
            Checks.fail("an event that is none: " + item);
            return;
        }
        events.add(Optional.of(event));
        upstream.request(1);
    }

    @Override
    public void onError(Throwable raised) {
        if (!closed) {
            Checks.fail("a subscription ended with " + raised);
        }
    }

    @Override
    public void onComplete() {
        events.add(Optional.empty());
    }

    @Override
    public void close() {
        closed = true;
        upstream.cancel();
    }
}
