package flowstone.interop;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.ChildShard;
import software.amazon.awssdk.services.kinesis.model.GetRecordsResponse;
import software.amazon.awssdk.services.kinesis.model.ListShardsResponse;
import software.amazon.awssdk.services.kinesis.model.Shard;
import software.amazon.awssdk.services.kinesis.model.ShardIteratorType;

/**
 * Reads a stream to its end, whatever becomes of its shards: it follows their lineage, parents
 * before children.
 */
final class Reader implements Runnable {
    final List<Placed> found = new ArrayList<>();
    volatile int expected = Integer.MAX_VALUE;
    private final Map<String, String> iterators = new TreeMap<>();
    private final Set<String> ended = new TreeSet<>();
    private final KinesisClient client;
    private final String stream;

    Reader(KinesisClient client, String stream) {
        this.client = client;
        this.stream = stream;
    }

    /** All shards, a page of one after the other. */
    static List<Shard> allShards(KinesisClient client, String stream) {
        List<Shard> shards = new ArrayList<>();
        ListShardsResponse page = client.listShards(request -> request.streamName(stream).maxResults(1));
        while (true) {
            shards.addAll(page.shards());
            String token = page.nextToken();
            if (token == null) {
                return shards;
            }
            page = client.listShards(request -> request.nextToken(token).maxResults(1));
        }
    }

    @Override
    public void run() {
        for (Shard shard : allShards(client, stream)) {
            if (shard.parentShardId() == null) {
                start(shard.shardId());
            }
        }
        Checks.until("the reader to have read everything", () -> {
            sweep();
            return found.size() >= expected;
        });
        sweep();
    }

    private void start(String shard) {
        iterators.put(shard, client.getShardIterator(request -> request
                .streamName(stream)
                .shardId(shard)
                .shardIteratorType(ShardIteratorType.TRIM_HORIZON)).shardIterator());
    }

    /** One page of every shard that is being read. */
    private void sweep() {
        for (Map.Entry<String, String> reading : new TreeMap<>(iterators).entrySet()) {
            String shard = reading.getKey();
            GetRecordsResponse page = client.getRecords(request -> request
                    .shardIterator(reading.getValue()));
            page.records().forEach(record -> found.add(Placed.read(shard, record)));
            if (page.nextShardIterator() != null) {
                iterators.put(shard, page.nextShardIterator());
            } else {
                end(shard, page.childShards());
            }
        }
    }

    /** Follows a closed shard to its children; one is read when all its parents have been. */
    private void end(String shard, List<ChildShard> children) {
        Checks.that(shard + " ends and names its children", !children.isEmpty(), children);
        iterators.remove(shard);
        ended.add(shard);
        for (ChildShard child : children) {
            if (!child.parentShards().contains(shard)) {
                Checks.fail(shard + " is no parent of its child " + child);
            }
            boolean known = iterators.containsKey(child.shardId()) || ended.contains(child.shardId());
            if (!known && ended.containsAll(child.parentShards())) {
                start(child.shardId());
            }
        }
    }

    /** The shards that were read, to their ends or not. */
    Set<String> shards() {
        Set<String> shards = new TreeSet<>(ended);
        shards.addAll(iterators.keySet());
        return shards;
    }

    /** What was found is what was put: each record once, and each key's records in order. */
    void compare(List<Placed> put, int rounds) {
        Checks.equal("polling: as many records as were put", found.size(), put.size());
        List<Placed> left = new ArrayList<>(found);
        List<Placed> right = new ArrayList<>(put);
        left.sort(Comparator.comparing(Placed::place));
        right.sort(Comparator.comparing(Placed::place));
        for (int at = 0; at < left.size(); at++) {
            if (!left.get(at).equals(right.get(at))) {
                Checks.fail("polling: found " + left.get(at) + " expected " + right.get(at));
            }
        }
        Checks.that("polling: places, keys and bytes", true, "");
        Map<String, Integer> next = new HashMap<>();
        String numbered = HexFormat.of().formatHex(Writer.NOT_TEXT);
        for (Placed record : found) {
            if (!record.data().startsWith(numbered)) {
                continue;
            }
            int number = next.merge(record.key(), 1, Integer::sum) - 1;
            byte[] wanted = Writer.data(record.key(), number).asByteArray();
            if (!record.data().equals(HexFormat.of().formatHex(wanted))) {
                Checks.fail("polling: order of " + record.key() + " at its record " + number);
            }
        }
        for (String key : Writer.keys()) {
            if (next.getOrDefault(key, 0) != rounds) {
                Checks.fail("polling: " + next.get(key) + " records of " + key + ", not " + rounds);
            }
        }
        Checks.that("polling: order of " + next.size() + " keys across reshards, " + rounds
                + " records each", true, "");
        Checks.that("polling: every arrival time is about now", true, "");
    }
}
