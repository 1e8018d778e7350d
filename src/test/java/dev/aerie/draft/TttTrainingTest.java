package dev.aerie.draft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.spec.Rope;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Autograd;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Nn;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TttTrainingTest {

    private static final int STEPS = 4;

    @ParameterizedTest
    @EnumSource(LossMode.class)
    void agreesWithItsNaiveTwin(LossMode mode) {
        for (long seed = 1; seed <= 4; seed++) {
            agrees(Drafts.config(), mode, new Random(seed), mode + ", seed " + seed);
        }
    }

    /** The rows that ask are only some of a sequence, and its length is not to be told by them. */
    @Test
    void ropesByTheLengthOfTheWholeSequence() {
        Rope rope = new Rope.LongRope(10_000, List.of(1.0, 1.1, 1.2, 1.3), List.of(2.0, 3.0, 5.0, 9.0), 12, 1.2);
        for (long seed = 1; seed <= 4; seed++) {
            agrees(Drafts.config(rope, 64), LossMode.STRICT, new Random(seed), rope + ", seed " + seed);
        }
    }

    @Test
    void proposesEveryTokenOfTheTarget() {
        for (LossMode mode : LossMode.values()) {
            agrees(Drafts.fullVocabulary(), mode, new Random(3), mode + ", full vocabulary");
        }
    }

    private static void agrees(DraftConfig config, LossMode mode, Random random, String what) {
        try (Scope scope = Scope.open();
                DraftParameters parameters = Drafts.parameters(config, random.nextInt());
                TttTraining training = new TttTraining(parameters, Drafts.target(config, 9), mode, STEPS, DType.F32)) {
            TrainingBatch batch = Drafts.batch(config, random, 3 + random.nextInt(30), 1, 2 + random.nextInt(20));
            Teacher teacher = training.teacher(batch);
            Tensor gradient = Drafts.zerosLike(parameters);
            TttMetrics metrics = training.forwardBackward(batch, teacher, teacher.denominators(), gradient);

            FrozenTarget target = Drafts.target(config, 9);
            TttMetrics expected = TttMetrics.zero(STEPS);
            NaiveTtt naive = new NaiveTtt(parameters, target);
            double[][] sums =
                    parameters.layout().entries().stream().map(e -> new double[(int) e.count()]).toArray(double[][]::new);
            for (int s = 0; s < batch.sequences(); s++) {
                TrainingBatch one = Drafts.sequence(batch, s);
                try (Autograd.Recording recording = Autograd.recording()) {
                    List<Tensor> logits = naive.logits(one, STEPS);
                    List<Tensor> given = new ArrayList<>();
                    for (int i = 0; i < STEPS; i++) {
                        given.add(loss(one, logits.get(i).toDoubles(), i, mode, target, teacher.denominators()[i], expected));
                    }
                    Tensor[] gradients = naive.gradients(logits, given);
                    for (int p = 0; p < sums.length; p++) {
                        double[] g = gradients[p].toDoubles();
                        for (int j = 0; j < g.length; j++) {
                            sums[p][j] += g[j];
                        }
                    }
                }
            }
            for (int i = 0; i < STEPS; i++) {
                assertEquals(expected.lossRows()[i], metrics.lossRows()[i], what);
                assertEquals(expected.supervised()[i], metrics.supervised()[i], what);
                assertEquals(expected.correct()[i], metrics.correct()[i], what);
                assertEquals(expected.loss()[i], metrics.loss()[i], 1e-5 * Math.abs(expected.loss()[i]), what);
                assertEquals(expected.acceptance()[i], metrics.acceptance()[i], 1e-5 * expected.acceptance()[i], what);
            }
            for (int p = 0; p < sums.length; p++) {
                String name = parameters.names().get(p);
                float[] actual = parameters.layout().view(gradient, name).toFloats();
                double largest = Arrays.stream(sums[p]).map(Math::abs).max().orElseThrow();
                for (int j = 0; j < actual.length; j++) {
                    assertEquals(sums[p][j], actual[j], 2e-5 * largest, what + ", gradient of " + name);
                }
            }
        }
    }

    /** Adds to the metrics; returns the gradient of the step's part of the total loss with respect to its logits. */
    private static Tensor loss(TrainingBatch one, double[] logits, int step, LossMode mode, FrozenTarget target,
            double denominator, TttMetrics metrics) {
        int[] ids = target.vocabulary().ids();
        int length = one.tokens();
        double[] teacher = Nn.linear(one.teacherStates().to(DType.F64), target.lmHead().to(DType.F64)).toDoubles();
        int vocabulary = target.vocabulary().targetSize();
        ByteBuffer gradient = ByteBuffer.allocate(logits.length * 8).order(ByteOrder.nativeOrder());
        for (int t = 0; t < length; t++) {
            boolean counts = mode == LossMode.STRICT;
            for (int u = t + 1; u <= t + 2 + step && mode == LossMode.STRICT; u++) {
                counts &= u < length && one.lossMask()[u];
            }
            if (mode == LossMode.SPECFORGE) {
                counts = t + step < length - 1 && one.lossMask()[t + step];
            }
            if (!counts) {
                continue;
            }
            metrics.supervised()[step]++;
            double[] z = Arrays.copyOfRange(teacher, (t + 1 + step) * vocabulary, (t + 2 + step) * vocabulary);
            int best = Arrays.binarySearch(ids, argMax(z));
            if (best < 0) {
                continue;
            }
            double[] x = Arrays.copyOfRange(logits, t * ids.length, (t + 1) * ids.length);
            double[] p = softmax(Arrays.stream(ids).mapToDouble(id -> z[id]).toArray());
            double[] whole = softmax(z);
            double[] q = softmax(x);
            metrics.lossRows()[step]++;
            metrics.correct()[step] += argMax(x) == best ? 1 : 0;
            for (int v = 0; v < ids.length; v++) {
                metrics.loss()[step] -= p[v] * Math.log(q[v]);
                metrics.acceptance()[step] += Math.min(whole[ids[v]], q[v]);
                gradient.putDouble((t * ids.length + v) * 8, Math.pow(0.8, step) / denominator * (q[v] - p[v]));
            }
        }
        return Tensor.ofBytes(gradient.array(), DType.F64, length, ids.length);
    }

    private static int argMax(double[] x) {
        int best = 0;
        for (int i = 1; i < x.length; i++) {
            best = x[i] > x[best] ? i : best;
        }
        return best;
    }

    private static double[] softmax(double[] x) {
        double max = Arrays.stream(x).max().orElseThrow();
        double sum = Arrays.stream(x).map(v -> Math.exp(v - max)).sum();
        return Arrays.stream(x).map(v -> Math.exp(v - max) / sum).toArray();
    }

    /** Micro-batches add up: the parts of a packed batch, with the denominators of the whole, give its gradient. */
    @Test
    void partsAddUpToTheWhole() {
        DraftConfig config = Drafts.config();
        try (Scope scope = Scope.open();
                DraftParameters parameters = Drafts.parameters(config, 5);
                TttTraining training = new TttTraining(parameters, Drafts.target(config, 6), LossMode.STRICT, STEPS, DType.F32)) {
            TrainingBatch batch = Drafts.batch(config, new Random(7), 40, 25, 33);
            Teacher whole = training.teacher(batch);
            Tensor expected = Drafts.zerosLike(parameters);
            TttMetrics metrics = training.forwardBackward(batch, whole, whole.denominators(), expected);
            assertTrue(metrics.lossRows()[STEPS - 1] >= 5, metrics.lossRows()[STEPS - 1] + " loss rows");
            Tensor sum = Drafts.zerosLike(parameters);
            TttMetrics parts = TttMetrics.zero(STEPS);
            for (int s = 0; s < batch.sequences(); s++) {
                TrainingBatch one = Drafts.sequence(batch, s);
                parts = parts.plus(training.forwardBackward(one, training.teacher(one), whole.denominators(), sum));
            }
            assertEquals(metrics.totalLoss(whole.denominators()), parts.totalLoss(whole.denominators()), 1e-5);
            float[] e = expected.toFloats();
            float[] a = sum.toFloats();
            for (int i = 0; i < e.length; i++) {
                assertEquals(e[i], a[i], 1e-5, "element " + i);
            }
        }
    }

    /** bfloat16 on a CPU: the same direction, within what eight bits of mantissa leave. */
    @Test
    void bfloat16FollowsFloat32() {
        DraftConfig config = Drafts.config();
        try (Scope scope = Scope.open(); DraftParameters parameters = DraftParameters.random(config, 5, Device.CPU)) {
            FrozenTarget target = Drafts.target(config, 6);
            TrainingBatch batch = Drafts.batch(config, new Random(7), 40, 25);
            Tensor wide = Drafts.zerosLike(parameters);
            Tensor narrow = Drafts.zerosLike(parameters);
            double expected = total(parameters, target, batch, DType.F32, wide);
            FrozenTarget half = new FrozenTarget(
                    target.embedTokens().to(DType.BF16), target.lmHead().to(DType.BF16), target.vocabulary());
            assertEquals(expected, total(parameters, half, batch, DType.BF16, narrow), 0.02 * expected);
            double lengths = Math.sqrt(wide.mul(wide).sum().item() * narrow.mul(narrow).sum().item());
            double cosine = wide.mul(narrow).sum().item() / lengths;
            assertTrue(cosine > 0.999, "cosine " + cosine);
        }
    }

    private static double total(DraftParameters parameters, FrozenTarget target, TrainingBatch batch, DType compute,
            Tensor gradient) {
        try (TttTraining training = new TttTraining(parameters, target, LossMode.STRICT, STEPS, compute)) {
            Teacher teacher = training.teacher(batch);
            return training.forwardBackward(batch, teacher, teacher.denominators(), gradient).totalLoss(teacher.denominators());
        }
    }

    @Test
    void refusesAStoreWithoutTheTeachersItNeeds() {
        DraftConfig config = Drafts.config();
        try (Scope scope = Scope.open();
                DraftParameters parameters = Drafts.parameters(config, 5);
                TttTraining training = new TttTraining(parameters, Drafts.target(config, 6), LossMode.STRICT, STEPS, DType.F32)) {
            TrainingBatch none = new TrainingBatch(new TokenSequence(new int[] {1, 2, 3, 4},
                    new boolean[] {false, true, true, true}),
                    new long[] {0, 4}, Tensor.zeros(DType.F32, Device.CPU, 4, 3 * Drafts.HIDDEN),
                    Tensor.zeros(DType.F32, Device.CPU, 0, Drafts.HIDDEN), new long[0]);
            String message = assertThrows(RefusalException.class, () -> training.teacher(none)).getMessage();
            assertTrue(message.contains("no teacher state of row 1"), message);
        }
    }

    @Test
    void leavesNothingBehind() {
        DraftConfig config = Drafts.config();
        try (Scope scope = Scope.open();
                DraftParameters parameters = Drafts.parameters(config, 5);
                TttTraining training = new TttTraining(parameters, Drafts.target(config, 6), LossMode.STRICT, STEPS, DType.F32)) {
            TrainingBatch batch = Drafts.batch(config, new Random(7), 40, 25);
            Tensor gradient = Drafts.zerosLike(parameters);
            long before = -1;
            for (int i = 0; i < 3; i++) {
                try (Scope step = Scope.open()) {
                    Teacher teacher = training.teacher(batch);
                    training.forwardBackward(batch, teacher, teacher.denominators(), gradient);
                }
                assertTrue(before < 0 || before == Scope.liveTensors(),
                        before + " and then " + Scope.liveTensors() + " live tensors");
                before = Scope.liveTensors();
            }
        }
    }
}
