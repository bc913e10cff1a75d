package flowstone.interop;

import java.util.HexFormat;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.kinesis.model.Record;

/** One record at its place; its bytes in hexadecimal digits. */
record Placed(String shard, String number, String key, String data) {
    static Placed of(String shard, String number, String key, SdkBytes data) {
        return new Placed(shard, number, key, HexFormat.of().formatHex(data.asByteArray()));
    }

    /** A record that was read, which must have arrived about now. */
    static Placed read(String shard, Record record) {
        if (!Checks.isRecent(record.approximateArrivalTimestamp())) {
            Checks.fail("arrived at " + record.approximateArrivalTimestamp());
        }
        return of(shard, record.sequenceNumber(), record.partitionKey(), record.data());
    }

    String place() {
        return shard + "/" + number;
    }
}
