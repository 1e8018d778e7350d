package dev.aerie.store;

import dev.aerie.bench.AnonymousMemory;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;

/**
 * The most resident memory of a process that writes one conversation of 32,768 tokens of width 4,096: three layers and the final
 * norm for every token, in bfloat16 as a target returns them, which are 1.07 GB by themselves.
 */
public final class WriterMemory {

    private static final int HIDDEN = 4096;
    private static final int LAYERS = 3;
    private static final int TOKENS = 32_768;
    private static final double GOAL = 2e9;

    private WriterMemory() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        boolean reached = true;
        for (Container container : Container.values()) {
            Path folder = Files.createTempDirectory("aerie-bench");
            try {
                reached &= measure(container, folder);
            } finally {
                try (Stream<Path> files = Files.walk(folder)) {
                    files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
                }
            }
        }
        System.exit(reached ? 0 : 1);
    }

    private static boolean measure(Container container, Path folder) throws IOException, InterruptedException {
        String none = "0".repeat(64);
        StoreSettings settings = StoreSettings.of(new Fingerprints(none, none, none, none, none),
                new StateLayout(HIDDEN, List.of(1, 2, 3), TeacherRows.ALL, Codec.of("bf16"), container),
                new PlannedCounts(1, 1, 0, TOKENS));
        HiddenStateStore store = HiddenStateStore.create(folder.toString(), new Configuration(), settings);
        boolean[] supervised = new boolean[TOKENS];
        Arrays.fill(supervised, true);
        AnonymousMemory memory = AnonymousMemory.watchAll();
        long states;
        try (Scope scope = Scope.open(); ShardWriter writer = store.writer(0)) {
            Tensor aux = filled(LAYERS);
            Tensor last = filled(1);
            states = (aux.count() + last.count()) * DType.BF16.bytes();
            writer.write("c", Part.TRAIN, new TokenSequence(new int[TOKENS], supervised), aux, last);
            writer.commit();
        }
        long most = memory.stop();
        System.out.printf(Locale.ROOT, "%s: at most %.2f GB resident, of which the states are %.2f GB (goal %.1f GB)%n",
                container.text(), most / 1e9, states / 1e9, GOAL / 1e9);
        return most <= GOAL;
    }

    /** Block by block, so that the random numbers take no memory of their own. */
    private static Tensor filled(int fields) {
        Tensor out = Tensor.zeros(DType.BF16, Device.CPU, TOKENS, (long) fields * HIDDEN);
        for (int first = 0; first < TOKENS; first += 1024) {
            try (Scope block = Scope.open()) {
                out.narrow(0, first, 1024).copy_(Tensor.randomNormal(first, 1, 1024, (long) fields * HIDDEN));
            }
        }
        return out;
    }
}
