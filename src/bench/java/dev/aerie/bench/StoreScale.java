package dev.aerie.bench;

import dev.aerie.store.Codec;
import dev.aerie.store.Container;
import dev.aerie.store.Fingerprints;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import dev.aerie.store.PlannedCounts;
import dev.aerie.store.StateLayout;
import dev.aerie.store.StoreSettings;
import dev.aerie.store.TeacherRows;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;

/**
 * Time and heap of a driver that opens a large store: markers of shards that hold no file, on this machine's disk. A reader needs
 * nothing but markers until it reads a state.
 */
public final class StoreScale {

    private static final int TOKENS = 1024;
    private static final double SECONDS_GOAL = 60;

    private StoreScale() {}

    /** @param arguments shards, conversations in each */
    public static void main(String[] arguments) throws Exception {
        int shards = Integer.parseInt(arguments[0]);
        int each = Integer.parseInt(arguments[1]);
        Path folder = Files.createTempDirectory("aerie-bench");
        try {
            String uri = folder.resolve("store").toString();
            Configuration conf = new Configuration();
            String none = "0".repeat(64);
            HiddenStateStore.create(uri, conf, StoreSettings.of(new Fingerprints(none, none, none, none, none),
                    new StateLayout(4096, List.of(1, 15, 28), TeacherRows.STRICT, Codec.of("bf16"), Container.PARQUET),
                    new PlannedCounts(shards, shards * each, 0, (long) shards * each * TOKENS)));
            Path markers = Files.createDirectories(folder.resolve("store/_committed"));
            for (int shard = 0; shard < shards; shard++) {
                Files.writeString(markers.resolve(String.format(Locale.ROOT, "shard-%05d.json", shard)), marker(shard, each));
            }
            System.out.printf(Locale.ROOT, "%,d shards, %,d conversations%n", shards, (long) shards * each);
            boolean fast = timed("open while shards are missing, from markers", () -> HiddenStateStore.openPartial(uri, conf).shards().size());
            fast &= timed("complete: read the markers, write the manifest", () -> HiddenStateStore.openPartial(uri, conf).complete().shards().size());
            System.out.printf(Locale.ROOT, "manifest: %,d bytes%n", Files.size(folder.resolve("store/_manifest.json")));
            fast &= timed("open and count the conversations, from the manifest",
                    () -> HiddenStateStore.open(uri, conf).conversations(Part.TRAIN).count());
            fast &= timed("the missing shards of a complete store", () -> HiddenStateStore.open(uri, conf).missingShards().size());
            System.exit(fast ? 0 : 1);
        } finally {
            try (Stream<Path> files = Files.walk(folder)) {
                files.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
            }
        }
    }

    private static String marker(int shard, int conversations) {
        StringBuilder json = new StringBuilder(128 * conversations);
        json.append(String.format(Locale.ROOT, "{\"format_version\":%d,\"shard\":%d,\"file\":\"shard-%05d-0123456789ab.parquet\","
                        + "\"rows\":%d,\"tokens\":%d,\"teacher_rows\":%d,\"bytes\":2000000000,\"sha256\":\"%s\",\"conversations\":[",
                StoreSettings.FORMAT_VERSION, shard, shard, conversations * TOKENS / 256, (long) conversations * TOKENS,
                (long) conversations * TOKENS / 2, "0".repeat(64)));
        for (int c = 0; c < conversations; c++) {
            json.append(c == 0 ? "" : ",").append("{\"id\":\"identity_").append((long) shard * conversations + c)
                    .append("\",\"part\":\"train\",\"row\":").append(c * (TOKENS / 256)).append(",\"tokens\":").append(TOKENS)
                    .append(",\"supervised\":").append(TOKENS / 2).append('}');
        }
        return json.append("],\"refused\":[]}").toString();
    }

    private static boolean timed(String what, Callable<Object> work) throws Exception {
        System.gc();
        List<MemoryPoolMXBean> pools = ManagementFactory.getMemoryPoolMXBeans();
        pools.forEach(MemoryPoolMXBean::resetPeakUsage);
        long start = System.nanoTime();
        Object result = work.call();
        double seconds = (System.nanoTime() - start) / 1e9;
        long peak = pools.stream().filter(pool -> pool.getType() == MemoryType.HEAP)
                .mapToLong(pool -> pool.getPeakUsage().getUsed()).sum();
        System.out.printf(Locale.ROOT, "%-55s %6.1f s, peak heap %,d MB (result %s)%n", what, seconds, peak >> 20, result);
        return seconds <= SECONDS_GOAL;
    }
}
