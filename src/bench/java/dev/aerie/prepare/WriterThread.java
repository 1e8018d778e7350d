package dev.aerie.prepare;

import dev.aerie.store.Codec;
import dev.aerie.store.Container;
import dev.aerie.store.Fingerprints;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import dev.aerie.store.PlannedCounts;
import dev.aerie.store.ShardWriter;
import dev.aerie.store.StateLayout;
import dev.aerie.store.StoreSettings;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.HiddenStates;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.DType;
import dev.aerie.torch.LibTorch;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;

/**
 * Capture of one shard with the thread that writes, against without, where writing takes as long as computing. Computing a wave
 * is waiting, as for a GPU, for as long as the written waves of the same shard took on average; writing is the store's own,
 * Parquet with bf16, 4,096 wide. By turns in one process, the median of the rounds.
 */
public final class WriterThread {

    private static final int HIDDEN = 4096;
    private static final int LAYERS = 3;
    private static final int WAVE = 512;
    private static final int WAVES = 16;
    private static final double GOAL = 1.6;

    private WriterThread() {}

    /** @param arguments rounds */
    public static void main(String[] arguments) throws IOException {
        int rounds = Integer.parseInt(arguments[0]);
        LibTorch.setThreads(1);
        Path folder = Files.createTempDirectory("aerie-bench");
        double[] ratios = new double[rounds];
        try (Scope scope = Scope.open()) {
            Tensor aux = Tensor.randomNormal(1, 1, WAVE, (long) LAYERS * HIDDEN).to(DType.BF16);
            Tensor last = Tensor.randomNormal(2, 1, WAVE, HIDDEN).to(DType.BF16);
            // The first rounds warm up.
            for (int round = -2; round < rounds; round++) {
                double without = alone(folder.resolve("a" + round), aux, last);
                double with = together(folder.resolve("t" + round), aux, last);
                System.out.printf(Locale.ROOT, "%s: without the thread %.2f s, with it %.2f s, ratio %.2f%n",
                        round < 0 ? "warming up" : "round " + round, without, with, without / with);
                if (round >= 0) {
                    ratios[round] = without / with;
                }
            }
        } finally {
            try (Stream<Path> files = Files.walk(folder)) {
                files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
            }
        }
        Arrays.sort(ratios);
        System.out.printf(Locale.ROOT, "%d waves of %d tokens, median ratio %.2f (at least %.1f)%n", WAVES, WAVE,
                ratios[rounds / 2], GOAL);
        System.exit(ratios[rounds / 2] >= GOAL ? 0 : 1);
    }

    private static ShardWriter shard(Path store) throws IOException {
        String none = "0".repeat(64);
        StoreSettings settings = StoreSettings.of(new Fingerprints(none, none, none, none, none),
                new StateLayout(HIDDEN, List.of(1, 2, 3), TeacherRows.ALL, Codec.of("bf16"), Container.PARQUET),
                new PlannedCounts(1, WAVES, 0, (long) WAVE * WAVES));
        return HiddenStateStore.create(store.toString(), new Configuration(), settings).writer(0);
    }

    private static TokenSequence tokens() {
        boolean[] supervised = new boolean[WAVE];
        Arrays.fill(supervised, true);
        return new TokenSequence(new int[WAVE], supervised);
    }

    /** Takes as long as writing, of one shard. */
    private static final class Computing {

        /** Of a wave before any is written. */
        private static final long FIRST = 150_000_000;

        /** @param written waves that the writer is done with: what it adds afterwards may be of the next one */
        void wave(ShardWriter writer, int written) {
            long nanos = written < 1 ? FIRST : (writer.encodeNanos() + writer.writeNanos()) / written;
            long end = System.nanoTime() + nanos;
            for (long left = nanos; left > 0; left = end - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
        }
    }

    private static double alone(Path store, Tensor aux, Tensor last) throws IOException {
        Computing computing = new Computing();
        long start = System.nanoTime();
        try (ShardWriter writer = shard(store)) {
            for (int wave = 0; wave < WAVES; wave++) {
                computing.wave(writer, wave);
                writer.write("c" + wave, Part.TRAIN, tokens(), aux, last);
            }
            writer.commit();
        }
        return (System.nanoTime() - start) / 1e9;
    }

    private static double together(Path store, Tensor aux, Tensor last) throws IOException {
        Computing computing = new Computing();
        long start = System.nanoTime();
        try (ShardWriter writer = shard(store); WaveWriter thread = new WaveWriter(writer, new RefusalLimit(0, WAVES))) {
            for (int wave = 0; wave < WAVES; wave++) {
                computing.wave(writer, wave - 1);
                try (Scope scope = Scope.open()) {
                    HiddenStates states = new HiddenStates(aux.narrow(0, 0, WAVE), last.narrow(0, 0, WAVE));
                    TokenizedRow row = new TokenizedRow(wave, "c" + wave, "random", Part.TRAIN, tokens());
                    thread.write(List.of(new WaveWriter.Batch(List.of(row), new long[] {0, WAVE}, states)));
                }
            }
            thread.finish();
            writer.commit();
        }
        return (System.nanoTime() - start) / 1e9;
    }
}
