package dev.aerie.bench;

import dev.aerie.target.BatchGenerator;
import dev.aerie.target.Generator;
import dev.aerie.target.Target;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.LibTorch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * Tokens a second of greedy decoding, many sequences at a time against one after the other; by turns in one process, the median of the
 * rounds. Prompts are random tokens, 16 to 64 of them. Texts are compared, too.
 */
public final class GenerationSpeed {

    private static final int NEW_TOKENS = 64;
    private static final double GOAL = 4;

    private GenerationSpeed() {}

    /** @param arguments folder of the target, sequences, rounds */
    public static void main(String[] arguments) throws IOException {
        int sequences = Integer.parseInt(arguments[1]);
        int rounds = Integer.parseInt(arguments[2]);
        try (Target target = Target.load(Path.of(arguments[0]), DType.F32, Device.CPU)) {
            Random random = new Random(1);
            List<BatchGenerator.Request> requests = new ArrayList<>();
            for (int i = 0; i < sequences; i++) {
                requests.add(new BatchGenerator.Request(
                        random.ints(16 + random.nextInt(49), 0, target.config().vocabSize()).asLongStream().toArray(), NEW_TOKENS));
            }
            Generator alone = Generator.greedy(target);
            BatchGenerator together = new BatchGenerator(target, sequences, Long.MAX_VALUE);
            double[] ratios = new double[rounds];
            int same = 0;
            for (int round = -1; round < rounds; round++) {
                long start = System.nanoTime();
                List<long[]> one = requests.stream().map(r -> alone.generate(r.prompt(), r.maxNewTokens())).toList();
                double slow = (System.nanoTime() - start) / 1e9;
                start = System.nanoTime();
                List<long[]> all = together.generate(requests);
                double fast = (System.nanoTime() - start) / 1e9;
                long tokens = one.stream().mapToLong(t -> t.length).sum();
                same = 0;
                for (int i = 0; i < sequences; i++) {
                    same += Arrays.equals(one.get(i), all.get(i)) ? 1 : 0;
                }
                System.out.printf(Locale.ROOT, "%s: one at a time %,.0f tokens/s, %d at a time %,.0f tokens/s, ratio %.2f%n",
                        round < 0 ? "warming up" : "round " + round, tokens / slow, sequences, tokens / fast, slow / fast);
                if (round >= 0) {
                    ratios[round] = slow / fast;
                }
            }
            Arrays.sort(ratios);
            System.out.printf(Locale.ROOT, "%d threads, median ratio %.2f (at least %.1f), %d of %d texts are the same%n",
                    LibTorch.threads(), ratios[rounds / 2], GOAL, same, sequences);
            System.exit(ratios[rounds / 2] >= GOAL && same == sequences ? 0 : 1);
        }
    }
}
