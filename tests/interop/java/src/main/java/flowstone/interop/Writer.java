package flowstone.interop;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.PutRecordsRequestEntry;
import software.amazon.awssdk.services.kinesis.model.PutRecordsResponse;
import software.amazon.awssdk.services.kinesis.model.PutRecordsResultEntry;

/** Puts each key's numbers 0, 1, 2, ... until told to stop. */
final class Writer implements Runnable {
    static final byte[] NOT_TEXT = {0x00, (byte) 0xff, (byte) 0xfe, (byte) 0x80};
    private static final long ROUND_PAUSE_MS = 2;

    final List<Placed> put = new ArrayList<>();
    volatile int rounds;
    volatile boolean stopping;
    private final KinesisClient client;
    private final String stream;

    Writer(KinesisClient client, String stream) {
        this.client = client;
        this.stream = stream;
    }

    static List<String> keys() {
        List<String> keys = new ArrayList<>(List.of("ключ-🔑-é"));
        for (int index = 0; index < 20; index++) {
            keys.add("key-" + index);
        }
        return keys;
    }

    /** The bytes of a key's record; they are no text. */
    static SdkBytes data(String key, int number) {
        byte[] text = (key + "#" + number).getBytes(StandardCharsets.UTF_8);
        byte[] data = new byte[NOT_TEXT.length + text.length];
        System.arraycopy(NOT_TEXT, 0, data, 0, NOT_TEXT.length);
        System.arraycopy(text, 0, data, NOT_TEXT.length, text.length);
        return SdkBytes.fromByteArray(data);
    }

    /** Puts one record, where the hash key says if there is one. */
    Placed one(String key, SdkBytes data, String hashKey) {
        var answer = client.putRecord(request -> request
                .streamName(stream).partitionKey(key).data(data).explicitHashKey(hashKey));
        Placed placed = Placed.of(answer.shardId(), answer.sequenceNumber(), key, data);
        put.add(placed);
        return placed;
    }

    @Override
    public void run() {
        while (!stopping) {
            int round = rounds;
            List<String> keys = keys();
            String first = keys.remove(0);
            one(first, data(first, round), null);
            List<PutRecordsRequestEntry> batch = new ArrayList<>();
            for (String key : keys) {
                batch.add(PutRecordsRequestEntry.builder()
                        .partitionKey(key).data(data(key, round)).build());
            }
            PutRecordsResponse answer = client.putRecords(request -> request
                    .streamName(stream).records(batch));
            if (answer.failedRecordCount() != 0) {
                Checks.fail("put-records " + answer);
            }
            for (int at = 0; at < batch.size(); at++) {
                PutRecordsResultEntry placed = answer.records().get(at);
                PutRecordsRequestEntry entry = batch.get(at);
                put.add(Placed.of(placed.shardId(), placed.sequenceNumber(), entry.partitionKey(), entry.data()));
            }
            rounds = round + 1;
            Checks.pause(ROUND_PAUSE_MS);
        }
    }

    /** Some more rounds have been put. */
    void more(int count) {
        int goal = rounds + count;
        Checks.until("round " + goal, () -> rounds >= goal);
    }
}
