package dev.aerie.store;

import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Stores of random states for tests. */
public final class Stores {

    static final Fingerprints FINGERPRINTS =
            new Fingerprints("a".repeat(64), "b".repeat(64), "c".repeat(64), "d".repeat(64), "e".repeat(64));

    /** A conversation with states that lie on the bf16 grid, so that every codec returns them as they were. */
    public record Sample(String id, Part part, int[] ids, boolean[] supervised, float[] aux, float[] last) {}

    private Stores() {}

    public static StoreSettings settings(Codec codec, TeacherRows rows, int hidden, int shards) {
        return settings(Container.PARQUET, codec, rows, hidden, shards);
    }

    public static StoreSettings settings(Container container, Codec codec, TeacherRows rows, int hidden, int shards) {
        return StoreSettings.of(
                FINGERPRINTS, new StateLayout(hidden, List.of(1, 3, 4), rows, codec, container),
                        new PlannedCounts(shards, 100, 1, 10_000));
    }

    public static Sample sample(String id, int tokens, int hidden, long seed) {
        Random random = new Random(seed);
        int[] ids = random.ints(tokens, 0, 1 << 20).toArray();
        boolean[] supervised = new boolean[tokens];
        for (int i = 0; i < tokens; i++) {
            supervised[i] = random.nextInt(4) > 0;
        }
        return new Sample(id, Part.TRAIN, ids, supervised, grid(random, tokens * 3 * hidden), grid(random, tokens * hidden));
    }

    public static List<Sample> samples(long seed, int hidden, int... lengths) {
        List<Sample> out = new ArrayList<>();
        for (int i = 0; i < lengths.length; i++) {
            out.add(sample("c" + i, lengths[i], hidden, seed + i));
        }
        return out;
    }

    public static void write(ShardWriter writer, Sample s) throws IOException {
        try (Scope scope = Scope.open()) {
            int tokens = s.ids().length;
            writer.write(s.id(), s.part(), new TokenSequence(s.ids(), s.supervised()),
                    Tensor.of(s.aux(), tokens, s.aux().length / tokens), Tensor.of(s.last(), tokens, s.last().length / tokens));
        }
    }

    public static CommittedShard commit(HiddenStateStore store, int shard, List<Sample> samples) throws IOException {
        try (ShardWriter writer = store.writer(shard)) {
            for (Sample s : samples) {
                write(writer, s);
            }
            return writer.commit().shard();
        }
    }

    private static float[] grid(Random random, int n) {
        float[] out = new float[n];
        for (int i = 0; i < n; i++) {
            out[i] = Float.intBitsToFloat(Float.floatToRawIntBits((float) random.nextGaussian()) & 0xffff0000);
        }
        return out;
    }
}
