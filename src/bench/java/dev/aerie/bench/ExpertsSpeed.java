package dev.aerie.bench;

import dev.aerie.torch.LibTorch;
import dev.aerie.torch.MixtureOfExperts;
import dev.aerie.torch.MixtureOfExperts.Routing;
import dev.aerie.torch.MixtureOfExperts.Rule;
import dev.aerie.torch.MixtureOfExperts.Scoring;
import dev.aerie.torch.Nn;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * What routing costs: a layer of 64 experts, 4 for each token, against one SwiGLU of the same active parameters; by turns in one
 * process, the median of the rounds. Random states and weights, so that every expert has about as many tokens.
 */
public final class ExpertsSpeed {

    private static final int TOKENS = 8192;
    private static final int HIDDEN = 512;
    private static final int EXPERTS = 64;
    private static final int TOP_K = 4;
    private static final int INTERMEDIATE = 256;
    private static final double GOAL = 0.6;

    private ExpertsSpeed() {}

    /** @param arguments rounds */
    public static void main(String[] arguments) {
        int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 15;
        double[] sparse = new double[rounds];
        double[] dense = new double[rounds];
        double[] routing = new double[rounds];
        try (Scope scope = Scope.open()) {
            Tensor x = Tensor.randomNormal(1, 1, TOKENS, HIDDEN);
            Tensor router = Tensor.randomNormal(2, 1 / Math.sqrt(HIDDEN), EXPERTS, HIDDEN);
            Rule rule = new Rule(Scoring.SOFTMAX, TOP_K, true, 1);
            List<Tensor> gate = weights(3, INTERMEDIATE, HIDDEN);
            List<Tensor> up = weights(103, INTERMEDIATE, HIDDEN);
            List<Tensor> down = weights(203, HIDDEN, INTERMEDIATE);
            Tensor wideGate = Tensor.randomNormal(4, 0.05, TOP_K * INTERMEDIATE, HIDDEN);
            Tensor wideUp = Tensor.randomNormal(5, 0.05, TOP_K * INTERMEDIATE, HIDDEN);
            Tensor wideDown = Tensor.randomNormal(6, 0.05, HIDDEN, TOP_K * INTERMEDIATE);
            Routing chosen = MixtureOfExperts.route(x, router, null, null, rule);
            Supplier<Tensor> experts = () ->
                    MixtureOfExperts.separate(x, MixtureOfExperts.route(x, router, null, null, rule), false, gate, up, down);
            Supplier<Tensor> one = () -> Nn.swiGlu(x, wideGate, wideUp, wideDown);
            seconds(experts);
            seconds(one);
            for (int i = 0; i < rounds; i++) {
                dense[i] = seconds(one);
                sparse[i] = seconds(experts);
                routing[i] = sparse[i] - seconds(() -> MixtureOfExperts.separate(x, chosen, false, gate, up, down));
            }
        }
        double ratio = median(dense) / median(sparse);
        System.out.printf(Locale.ROOT, "%d threads, %,d tokens: %d experts, top %d, %,.0f tokens/s (routing %.1f ms of %.1f); "
                        + "dense %,.0f tokens/s; ratio %.2f (goal %.2f)%n",
                LibTorch.threads(), TOKENS, EXPERTS, TOP_K, TOKENS / median(sparse), median(routing) * 1e3, median(sparse) * 1e3,
                TOKENS / median(dense), ratio, GOAL);
        System.exit(ratio >= GOAL ? 0 : 1);
    }

    private static List<Tensor> weights(int seed, long... shape) {
        return IntStream.range(0, EXPERTS).mapToObj(e -> Tensor.randomNormal(seed + e, 0.05, shape)).toList();
    }

    private static double seconds(Supplier<Tensor> work) {
        try (Scope scope = Scope.open()) {
            long start = System.nanoTime();
            work.get();
            return (System.nanoTime() - start) / 1e9;
        }
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
