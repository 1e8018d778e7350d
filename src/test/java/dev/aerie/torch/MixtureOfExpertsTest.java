package dev.aerie.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.aerie.torch.MixtureOfExperts.Routing;
import dev.aerie.torch.MixtureOfExperts.Rule;
import dev.aerie.torch.MixtureOfExperts.Scoring;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MixtureOfExpertsTest {

    private static final int ROUNDS = 30;

    /** Random sizes; often more experts than rows choose, so that some have none. */
    private record Case(Random random, int tokens, int hidden, int intermediate, int experts, int topK, String label) {

        static Case of(long seed) {
            Random r = new Random(seed);
            int experts = 1 + r.nextInt(12);
            return new Case(r, 1 + r.nextInt(9), 1 + r.nextInt(7), 1 + r.nextInt(6), experts, 1 + r.nextInt(experts),
                    "seed " + seed);
        }

        double[] normal(int... sizes) {
            return GradientCheck.normal(random, Arrays.stream(sizes).reduce(1, (a, b) -> a * b));
        }
    }

    @Test
    void choosesAsEachRuleSays() {
        for (long seed = 61_000; seed < 61_000 + ROUNDS; seed++) {
            Random r = new Random(seed);
            int groups = 1 + r.nextInt(4);
            int size = 2 + r.nextInt(4);
            int chosenGroups = 1 + r.nextInt(groups);
            int topK = 1 + r.nextInt(size * chosenGroups);
            int experts = groups * size;
            int hidden = 1 + r.nextInt(6);
            int tokens = 1 + r.nextInt(7);
            double[] x = GradientCheck.normal(r, tokens * hidden);
            double[] weight = GradientCheck.normal(r, experts * hidden);
            double[] bias = r.nextBoolean() ? GradientCheck.normal(r, experts) : null;
            double[] correction = r.nextBoolean() ? GradientCheck.normal(r, experts) : null;
            for (Scoring scoring : Scoring.values()) {
                Rule rule = new Rule(scoring, topK, groups, chosenGroups, r.nextBoolean(), r.nextBoolean() ? 1 : 2.5);
                String label = "seed " + seed + " " + rule;
                try (Scope scope = Scope.open()) {
                    Routing routing = MixtureOfExperts.route(GradientCheck.tensor(x, tokens, hidden),
                            GradientCheck.tensor(weight, experts, hidden), optional(bias), optional(correction), rule);
                    double[] logits = NaiveTwin.linear(x, weight, bias, hidden);
                    long[] chosen = routing.experts().toLongs();
                    double[] weights = routing.weights().toDoubles();
                    for (int t = 0; t < tokens; t++) {
                        double[] row = Arrays.copyOfRange(logits, t * experts, (t + 1) * experts);
                        int[] expected = chosen(row, correction, rule);
                        assertArrayEquals(Arrays.stream(expected).asLongStream().toArray(),
                                Arrays.copyOfRange(chosen, t * topK, (t + 1) * topK), label);
                        assertArrayEquals(weights(row, expected, rule), Arrays.copyOfRange(weights, t * topK, (t + 1) * topK),
                                1e-12, label);
                    }
                }
            }
        }
    }

    private static double[] scores(double[] logits, Scoring scoring) {
        double total = Arrays.stream(logits).map(Math::exp).sum();
        return Arrays.stream(logits).map(z -> switch (scoring) {
            case SOFTMAX -> Math.exp(z) / total;
            case SIGMOID -> 1 / (1 + Math.exp(-z));
            default -> z;
        }).toArray();
    }

    private static int[] chosen(double[] logits, double[] correction, Rule rule) {
        double[] choice = scores(logits, rule.scoring());
        for (int e = 0; correction != null && e < choice.length; e++) {
            choice[e] += correction[e];
        }
        int size = choice.length / rule.groups();
        double[] ofGroup = IntStream.range(0, rule.groups()).mapToDouble(g -> {
            double[] sorted = Arrays.stream(choice, g * size, (g + 1) * size).sorted().toArray();
            return sorted[size - 1] + (rule.scoring() == Scoring.SIGMOID ? sorted[size - 2] : 0);
        }).toArray();
        List<Integer> open = falling(rule.groups(), ofGroup).subList(0, rule.chosenGroups());
        return falling(choice.length, choice).stream().filter(e -> open.contains(e / size)).limit(rule.topK())
                .mapToInt(e -> e).toArray();
    }

    private static List<Integer> falling(int n, double[] by) {
        return IntStream.range(0, n).boxed().sorted(Comparator.comparingDouble(i -> -by[i])).toList();
    }

    private static double[] weights(double[] logits, int[] chosen, Rule rule) {
        double[] scores = scores(logits, rule.scoring());
        double[] w = Arrays.stream(chosen).mapToDouble(e -> scores[e]).toArray();
        if (rule.scoring() == Scoring.SOFTMAX_OF_CHOSEN) {
            w = scores(w, Scoring.SOFTMAX);
        } else if (rule.scoring() == Scoring.SIGMOID_OF_CHOSEN) {
            w = scores(w, Scoring.SIGMOID);
        }
        double divisor = rule.renormalise() ? Arrays.stream(w).sum() : 1;
        return Arrays.stream(w).map(v -> v / divisor * rule.scale()).toArray();
    }

    @Test
    void routesInFloat32WhateverTheTypeOfTheStates() {
        try (Scope scope = Scope.open()) {
            // 1 and 1 + 2^-10 are one number in bfloat16; their logits must differ all the same.
            Tensor weight = Tensor.of(new float[] {1, 1 + 1f / 1024}, 2, 1);
            Routing routing = MixtureOfExperts.route(Tensor.full(1, DType.BF16, Device.CPU, 1, 1), weight, null, null,
                    new Rule(Scoring.SOFTMAX, 1, false, 1));
            assertArrayEquals(new long[] {1}, routing.experts().toLongs());
            assertEquals(DType.F32, routing.weights().dtype());
        }
    }

    @Test
    void separateExperts() {
        for (long seed = 62_000; seed < 62_000 + ROUNDS; seed++) {
            Case c = Case.of(seed);
            boolean weightedInput = c.random.nextBoolean();
            double[] x = c.normal(c.tokens, c.hidden);
            double[] weights = c.normal(c.tokens, c.topK);
            long[] chosen = randomExperts(c);
            List<double[]> gate = new ArrayList<>();
            List<double[]> up = new ArrayList<>();
            List<double[]> down = new ArrayList<>();
            for (int e = 0; e < c.experts; e++) {
                gate.add(c.normal(c.intermediate, c.hidden));
                up.add(c.normal(c.intermediate, c.hidden));
                down.add(c.normal(c.hidden, c.intermediate));
            }
            double[] expected = naive(c, x, chosen, weights, weightedInput, (e, row) -> {
                double[] g = NaiveTwin.linear(row, gate.get(e), null, c.hidden);
                double[] u = NaiveTwin.linear(row, up.get(e), null, c.hidden);
                for (int i = 0; i < g.length; i++) {
                    u[i] *= g[i] / (1 + Math.exp(-g[i]));
                }
                return NaiveTwin.linear(u, down.get(e), null, c.intermediate);
            });
            try (Scope scope = Scope.open()) {
                Tensor y = MixtureOfExperts.separate(GradientCheck.tensor(x, c.tokens, c.hidden), routing(c, chosen, weights),
                        weightedInput, tensors(gate, c.intermediate, c.hidden), tensors(up, c.intermediate, c.hidden),
                        tensors(down, c.hidden, c.intermediate));
                assertArrayEquals(expected, y.toDoubles(), 1e-10, c.label);
                Tensor same = MixtureOfExperts.together(GradientCheck.tensor(x, c.tokens, c.hidden), routing(c, chosen, weights),
                        weightedInput, stack(gate, c.intermediate, c.hidden), stack(up, c.intermediate, c.hidden),
                        stack(down, c.hidden, c.intermediate));
                assertArrayEquals(expected, same.toDoubles(), 1e-10, c.label);
            }
        }
    }

    @Test
    void stackedExperts() {
        for (long seed = 63_000; seed < 63_000 + ROUNDS; seed++) {
            Case c = Case.of(seed);
            boolean weightedInput = c.random.nextBoolean();
            boolean interleaved = c.random.nextBoolean();
            Double limit = c.random.nextBoolean() ? null : Double.valueOf(0.7);
            int wide = 2 * c.intermediate;
            double[] x = c.normal(c.tokens, c.hidden);
            double[] weights = c.normal(c.tokens, c.topK);
            long[] chosen = randomExperts(c);
            double[] gateUp = c.normal(c.experts, c.hidden, wide);
            double[] gateUpBias = c.random.nextBoolean() ? c.normal(c.experts, wide) : null;
            double[] down = c.normal(c.experts, c.intermediate, c.hidden);
            double[] downBias = gateUpBias == null ? null : c.normal(c.experts, c.hidden);
            double[] expected = naive(c, x, chosen, weights, weightedInput, (e, row) -> {
                double[] h = timesFromTheRight(row, gateUp, gateUpBias, e, wide);
                double[] a = new double[c.intermediate];
                for (int i = 0; i < a.length; i++) {
                    double gate = h[interleaved ? 2 * i : i];
                    double up = h[interleaved ? 2 * i + 1 : i + c.intermediate];
                    if (limit == null) {
                        a[i] = gate / (1 + Math.exp(-gate)) * up;
                    } else {
                        gate = Math.min(gate, limit);
                        up = Math.max(-limit, Math.min(up, limit));
                        a[i] = (up + 1) * gate / (1 + Math.exp(-1.702 * gate));
                    }
                }
                return timesFromTheRight(a, down, downBias, e, c.hidden);
            });
            try (Scope scope = Scope.open()) {
                Tensor y = MixtureOfExperts.stacked(GradientCheck.tensor(x, c.tokens, c.hidden), routing(c, chosen, weights),
                        weightedInput, GradientCheck.tensor(gateUp, c.experts, c.hidden, wide),
                        optional(gateUpBias, c.experts, wide), GradientCheck.tensor(down, c.experts, c.intermediate, c.hidden),
                        optional(downBias, c.experts, c.hidden), interleaved, limit);
                assertArrayEquals(expected, y.toDoubles(), 1e-10, c.label);
            }
        }
    }

    @Test
    void runsInTheTypesOfDevices() {
        for (DType type : List.of(DType.F32, DType.BF16)) {
            try (Scope scope = Scope.open()) {
                Tensor x = Tensor.full(1, type, Device.CPU, 3, 4);
                Routing routing = new Routing(Tensor.of(new long[] {1, 0, 1, 0, 0, 1}, 3, 2),
                        Tensor.full(0.5, DType.F32, Device.CPU, 3, 2));
                Tensor y = MixtureOfExperts.stacked(x, routing, false, Tensor.full(0.5, type, Device.CPU, 3, 4, 10), null,
                        Tensor.full(0.5, type, Device.CPU, 3, 5, 4), null, false, null);
                assertEquals(type, y.dtype());
                assertEquals(2.5 * 4 / (1 + Math.exp(-2)), y.toDoubles()[5], type == DType.BF16 ? 0.05 : 1e-5);
            }
        }
    }

    @Test
    void runsWithoutTheGroupedProduct() {
        // libtorch 2.7 has none: its source does not compile, and that breaks nothing.
        assertFalse(Script.has(Script.Variant.GROUPED));
        assertEquals(new Kernels(false, false), Kernels.of(Device.CPU));
        try (Scope scope = Scope.open()) {
            Tensor wide = Tensor.zeros(DType.BF16, Device.CPU, 1, 8, 16);
            assertFalse(Script.flag("fits_grouped", wide.view(8, 16), wide), "on the CPU");
        }
        stackedExperts();
    }

    private interface Expert {

        double[] of(int expert, double[] row);
    }

    private static double[] naive(Case c, double[] x, long[] chosen, double[] weights, boolean weightedInput, Expert expert) {
        double[] out = new double[x.length];
        for (int t = 0; t < c.tokens; t++) {
            for (int j = 0; j < c.topK; j++) {
                double w = weights[t * c.topK + j];
                double[] row = Arrays.copyOfRange(x, t * c.hidden, (t + 1) * c.hidden);
                double[] in = Arrays.stream(row).map(v -> weightedInput ? v * w : v).toArray();
                double[] y = expert.of((int) chosen[t * c.topK + j], in);
                for (int i = 0; i < c.hidden; i++) {
                    out[t * c.hidden + i] += weightedInput ? y[i] : w * y[i];
                }
            }
        }
        return out;
    }

    /** row [in] times the expert's matrix of a stack [experts, in, out], plus its bias. */
    private static double[] timesFromTheRight(double[] row, double[] stack, double[] bias, int expert, int out) {
        double[] y = new double[out];
        for (int o = 0; o < out; o++) {
            y[o] = bias == null ? 0 : bias[expert * out + o];
            for (int i = 0; i < row.length; i++) {
                y[o] += row[i] * stack[(expert * row.length + i) * out + o];
            }
        }
        return y;
    }

    /** For each token topK different experts. */
    private static long[] randomExperts(Case c) {
        return IntStream.range(0, c.tokens)
                .mapToObj(t -> c.random.ints(0, c.experts).distinct().limit(c.topK).asLongStream())
                .flatMapToLong(s -> s).toArray();
    }

    private static Routing routing(Case c, long[] chosen, double[] weights) {
        return new Routing(Tensor.of(chosen, c.tokens, c.topK), GradientCheck.tensor(weights, c.tokens, c.topK));
    }

    private static List<Tensor> tensors(List<double[]> values, long... shape) {
        return values.stream().map(v -> GradientCheck.tensor(v, shape)).toList();
    }

    private static Tensor stack(List<double[]> values, long rows, long columns) {
        return Tensor.cat(0, tensors(values, rows, columns)).view(values.size(), rows, columns);
    }

    private static Tensor optional(double[] values, long... shape) {
        return values == null ? null : GradientCheck.tensor(values, shape.length == 0 ? new long[] {values.length} : shape);
    }
}
