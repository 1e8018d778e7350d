package dev.aerie.store;

import com.github.luben.zstd.Zstd;
import com.sun.management.OperatingSystemMXBean;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.DType;
import dev.aerie.torch.LibTorch;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;

/**
 * Size, writing and reading of shards on one core: each codec alone in memory (with zstd, as Parquet compresses it), then a shard
 * of either container through the store's own writer and reader, by turns, the best of the rounds in CPU time. It stands in the
 * store's package to call codecs as containers do. "read" is into fresh memory, as the codec alone decodes; "reused" into memory
 * of conversations before, as a training reads, by which containers are compared.
 *
 * <p>States are synthetic, width 4,096, three layers and the final norm for every token: normal for each channel, with a mean and a
 * spread of its own, four times larger from layer to layer, a few channels of each layer far from zero, tokens of differing scale.
 */
public final class ContainerSpeed {

    private static final int HIDDEN = 4096;
    private static final int LAYERS = 3;
    private static final int TOKENS = 2048;
    private static final OperatingSystemMXBean CPU = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    /** Channels of a layer whose mean is far from zero, as those of a residual stream. */
    private static final int OUTLIERS = 6;

    private record Block(Tensor states, int rows) {}

    private static final class Best {
        private double seconds = Double.MAX_VALUE;

        void add(double measured) {
            seconds = Math.min(seconds, measured);
        }

        double megabytesPerSecond() {
            return (double) TOKENS * (LAYERS + 1) * HIDDEN * Short.BYTES / 1e6 / seconds;
        }
    }

    private ContainerSpeed() {}

    /** @param arguments rounds, and the folder for shards */
    public static void main(String[] arguments) throws IOException {
        int rounds = Integer.parseInt(arguments[0]);
        Path folder = Files.createTempDirectory(Path.of(arguments[1]), "containers");
        boolean reached = true;
        try (Scope scope = Scope.open()) {
            Tensor all = states();
            System.out.printf(Locale.ROOT, "%d tokens of width %d, %d layers and the final norm; %d thread of libtorch; MB of bfloat16 "
                            + "in a second of CPU%n", TOKENS, HIDDEN, LAYERS, LibTorch.threads());
            System.out.printf(Locale.ROOT, "%-5s %-8s %9s %8s %8s %8s%n", "codec", "", "bytes/8h", "write", "read", "reused");
            for (String name : List.of("bf16", "fp8", "int8")) {
                reached &= measure(Codec.of(name), all, rounds, folder);
            }
        } finally {
            delete(folder);
        }
        System.exit(reached ? 0 : 1);
    }

    private static boolean measure(Codec codec, Tensor all, int rounds, Path folder) throws IOException {
        Best encode = new Best();
        Best decode = new Best();
        Map<Container, Best> writes = new EnumMap<>(Container.class);
        Map<Container, Best> reads = new EnumMap<>(Container.class);
        Map<Container, Best> again = new EnumMap<>(Container.class);
        Map<Container, Long> sizes = new EnumMap<>(Container.class);
        for (Container container : Container.values()) {
            writes.put(container, new Best());
            reads.put(container, new Best());
            again.put(container, new Best());
        }
        // The first rounds warm up.
        try (StateMemory memory = new StateMemory(codec.dtype(), 256L << 20)) {
            for (int round = -2; round < rounds; round++) {
                double[] alone = alone(codec, all);
                if (round >= 0) {
                    encode.add(alone[0]);
                    decode.add(alone[1]);
                }
                for (Container container : Container.values()) {
                    Path path = folder.resolve(codec.name() + container.text() + round);
                    double[] both = stored(codec, container, all, path, memory);
                    if (round >= 0) {
                        writes.get(container).add(both[0]);
                        reads.get(container).add(both[1]);
                        again.get(container).add(both[2]);
                    }
                    sizes.put(container, (long) both[3]);
                    delete(path);
                }
            }
        }
        line(codec, "alone", Double.NaN, encode, decode, null, "");
        for (Container container : Container.values()) {
            double size = sizes.get(container) / (8.0 * HIDDEN * TOKENS);
            line(codec, container.text(), size, writes.get(container), reads.get(container), again.get(container),
                    container == Container.PARQUET
                    ? String.format(Locale.ROOT, "%.2f and %.2f of alone", ratio(writes.get(container), encode),
                            ratio(reads.get(container), decode))
                    : String.format(Locale.ROOT, "%.2f and %.2f of Parquet",
                            ratio(writes.get(container), writes.get(Container.PARQUET)),
                            ratio(again.get(container), again.get(Container.PARQUET))));
        }
        double size = sizes.get(Container.PARQUET) / (8.0 * HIDDEN * TOKENS);
        boolean bf16 = codec.name().equals("bf16");
        return size <= (bf16 ? 0.73 : 0.45) && (!bf16
                || ratio(writes.get(Container.PARQUET), encode) >= 0.6 && ratio(reads.get(Container.PARQUET), decode) >= 0.6
                && ratio(again.get(Container.ARROW), again.get(Container.PARQUET)) >= 2);
    }

    private static double ratio(Best one, Best against) {
        return against.seconds / one.seconds;
    }

    /** CPU time of the process, the garbage collector's included: what else runs on the machine does not count. */
    private static long cpuNanos() {
        return CPU.getProcessCpuTime();
    }

    private static void line(Codec codec, String what, double size, Best write, Best read, Best again,
            String ratios) {
        System.out.printf(Locale.ROOT, "%-5s %-8s %9s %8.0f %8.0f %8s %s%n", codec.name(), what,
                Double.isNaN(size) ? "" : String.format(Locale.ROOT, "%.3f", size), write.megabytesPerSecond(),
                read.megabytesPerSecond(),
                again == null ? "" : String.format(Locale.ROOT, "%.0f", again.megabytesPerSecond()), ratios);
    }

    /** Returns the seconds of encoding and compressing chunks of 256 tokens, and of the way back into a tensor's memory. */
    private static double[] alone(Codec codec, Tensor all) {
        List<List<byte[]>> compressed = new ArrayList<>();
        long start = cpuNanos();
        for (int first = 0; first < TOKENS; first += Chunk.MAX_TOKENS) {
            for (int field = 0; field <= LAYERS; field++) {
                try (Scope scope = Scope.open()) {
                    Tensor block = all.narrow(0, first, Chunk.MAX_TOKENS).narrow(1, (long) field * HIDDEN, HIDDEN);
                    compressed.add(codec.encode(block).planes().stream().map(plane -> Zstd.compress(plane.array(), 1)).toList());
                }
            }
        }
        double encode = (cpuNanos() - start) / 1e9;
        int[] bytes = codec.planeBytes(Chunk.MAX_TOKENS, HIDDEN);
        try (Scope scope = Scope.open()) {
            start = cpuNanos();
            Tensor aux = Tensor.uninitialized(codec.dtype(), TOKENS, (long) LAYERS * HIDDEN);
            Tensor teacher = Tensor.uninitialized(codec.dtype(), TOKENS, HIDDEN);
            int next = 0;
            int element = codec.dtype().bytes();
            for (int first = 0; first < TOKENS; first += Chunk.MAX_TOKENS) {
                for (int field = 0; field <= LAYERS; field++) {
                    List<byte[]> planes = compressed.get(next++);
                    EncodedStates states = EncodedStates.of(IntStream.range(0, bytes.length)
                            .mapToObj(p -> Zstd.decompress(planes.get(p), bytes[p])).toArray(byte[][]::new));
                    Tensor to = field < LAYERS ? aux : teacher;
                    int fields = field < LAYERS ? LAYERS : 1;
                    ByteBuffer memory = to.narrow(0, first, Chunk.MAX_TOKENS).memory()
                            .position(field < LAYERS ? field * HIDDEN * element : 0);
                    codec.decode(states, Chunk.MAX_TOKENS, HIDDEN, memory, fields * HIDDEN * element);
                }
            }
            return new double[] {encode, (cpuNanos() - start) / 1e9};
        }
    }

    /** Returns the seconds of writing a shard, of reading it into fresh and into used memory, and its bytes. */
    private static double[] stored(Codec codec, Container container, Tensor all, Path path, StateMemory memory)
            throws IOException {
        String none = "0".repeat(64);
        StoreSettings settings = StoreSettings.of(new Fingerprints(none, none, none, none, none),
                new StateLayout(HIDDEN, IntStream.range(0, LAYERS).boxed().toList(), TeacherRows.ALL, codec, container),
                new PlannedCounts(1, 1, 0, TOKENS));
        HiddenStateStore store = HiddenStateStore.create(path.toString(), new Configuration(), settings);
        boolean[] mask = new boolean[TOKENS];
        Arrays.fill(mask, true);
        TokenSequence sequence = new TokenSequence(new int[TOKENS], mask);
        long start = cpuNanos();
        CommittedShard shard;
        try (ShardWriter writer = store.writer(0); Scope scope = Scope.open()) {
            writer.write("c", Part.TRAIN, sequence, all.narrow(1, 0, (long) LAYERS * HIDDEN),
                    all.narrow(1, (long) LAYERS * HIDDEN, HIDDEN));
            shard = writer.commit().shard();
        }
        double write = (cpuNanos() - start) / 1e9;
        start = cpuNanos();
        try (ShardReader reader = store.reader(shard)) {
            // As a training reads: into memory that the conversations before have used.
            memory.decode(reader.read(shard.conversations().get(0))).close();
        }
        double again = (cpuNanos() - start) / 1e9;
        start = cpuNanos();
        try (ShardReader reader = store.reader(shard); Scope scope = Scope.open()) {
            StoredConversation read = reader.read(shard.conversations().get(0));
            read.aux();
            read.teacherStates();
        }
        return new double[] {write, (cpuNanos() - start) / 1e9, again, shard.bytes()};
    }

    private static Tensor states() {
        SplittableRandom random = new SplittableRandom(7);
        int width = (LAYERS + 1) * HIDDEN;
        double[] mean = new double[width];
        double[] spread = new double[width];
        for (int c = 0; c < width; c++) {
            spread[c] = Math.exp(0.45 * random.nextGaussian()) * 0.05 * Math.pow(4, c / HIDDEN);
            mean[c] = 0.3 * spread[c] * random.nextGaussian();
        }
        for (int i = 0; i < (LAYERS + 1) * OUTLIERS; i++) {
            int c = i / OUTLIERS * HIDDEN + random.nextInt(HIDDEN);
            mean[c] = (random.nextBoolean() ? 40 : -40) * spread[c] * (1 + 3 * random.nextDouble());
            spread[c] *= 4;
        }
        float[] values = new float[TOKENS * width];
        int at = 0;
        for (int token = 0; token < TOKENS; token++) {
            double scale = Math.exp(0.15 * random.nextGaussian());
            for (int c = 0; c < width; c++) {
                values[at++] = (float) (mean[c] + spread[c] * scale * random.nextGaussian());
            }
        }
        return Tensor.of(values, TOKENS, width).to(DType.BF16);
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
