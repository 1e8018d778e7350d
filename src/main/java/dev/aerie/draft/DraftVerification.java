package dev.aerie.draft;

import com.fasterxml.jackson.databind.JsonNode;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Optimizer;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Compares losses, metrics and gradients with SpecForge's for the same draft ({@link DraftGolden}); {@code verify-draft} prints
 * the result.
 */
public final class DraftVerification {

    /** Relative tolerance of losses and rates. */
    private static final double METRIC_TOLERANCE = 1e-5;
    /** Tolerance relative to the tensor's largest magnitude. */
    private static final double GRADIENT_TOLERANCE = 1e-4;
    /**
     * Relative to the largest magnitude of all tensors: a gradient below it has vanished and has no size to compare with. If each
     * row attends to one key only, the gradients of queries and keys are exactly 0, and float32 leaves rounding errors of the
     * others in them.
     */
    private static final double VANISHED = 1e-6;
    /** The size that stands for that of a vanished gradient; with the tolerance, four roundings of float32. */
    private static final double VANISHED_SIZE = 4e-3;

    /**
     * Relative tolerance of losses and norms along the trajectory, and relative L2 tolerance of each parameter tensor at its end.
     */
    private static final double TRAJECTORY_TOLERANCE = 1e-4;
    /** The goldens' {@code trajectory.optimizer}. */
    private static final double TRAJECTORY_RATE = 0.002;
    private static final double TRAJECTORY_CLIP = 0.5;

    /**
     * One comparison.
     *
     * @param difference the largest relative difference
     */
    public record Check(String what, double difference, double tolerance) {

        /** Returns whether the difference is within the tolerance; false for NaN. */
        public boolean passed() {
            return difference <= tolerance;
        }

        @Override
        public String toString() {
            String verdict = passed() ? "ok" : "FAIL";
            return String.format(Locale.ROOT, "%-4s %-58s %.2e (at most %.0e)", verdict, what, difference, tolerance);
        }
    }

    private final DraftGolden golden;
    private final List<Check> checks = new ArrayList<>();

    private DraftVerification(DraftGolden golden) {
        this.golden = golden;
    }

    /**
     * Makes every comparison for which the folder has figures.
     *
     * @throws IllegalArgumentException if the folder holds no golden, or one of a loss or draft that is not implemented
     */
    public static List<Check> run(Path folder) {
        try (DraftGolden golden = new DraftGolden(folder); Scope scope = Scope.open()) {
            DraftVerification verification = new DraftVerification(golden);
            verification.stage("samples", "init", LossMode.SPECFORGE);
            verification.stage("late", "late", LossMode.SPECFORGE);
            verification.stage("strict", "late", LossMode.STRICT);
            verification.trajectory();
            return verification.checks;
        }
    }

    private void stage(String stage, String parametersOf, LossMode mode) {
        if (!golden.has(stage)) {
            return;
        }
        try (Scope scope = Scope.open();
                DraftParameters parameters = golden.parameters(parametersOf);
                TttTraining training = new TttTraining(parameters, golden.target(), mode, golden.steps(), DType.F32)) {
            for (int k = 0; k < golden.samples(); k++) {
                TrainingBatch batch = golden.batch(k);
                Teacher teacher = training.teacher(batch);
                Tensor gradient = Tensor.zeros(DType.F32, Device.CPU, parameters.layout().size());
                TttMetrics metrics = training.forwardBackward(batch, teacher, teacher.denominators(), gradient);
                metrics(stage + " " + k, golden.metrics(stage, k), metrics, teacher.denominators());
                gradients(stage.equals("samples") ? "sample" + k : stage + ".sample" + k, parameters.layout(), gradient);
            }
        }
    }

    /** Runs AdamW at a constant rate over the samples in turn, from the initial parameters to the final ones. */
    private void trajectory() {
        double loss = 0;
        double norm = 0;
        try (Scope scope = Scope.open();
                DraftParameters parameters = golden.parameters("init");
                TttTraining training =
                        new TttTraining(parameters, golden.target(), LossMode.SPECFORGE, golden.steps(), DType.F32)) {
            Tensor gradient = Tensor.zeros(DType.F32, Device.CPU, parameters.layout().size());
            Tensor mean = Tensor.zeros(DType.F32, Device.CPU, parameters.layout().size());
            Tensor variance = Tensor.zeros(DType.F32, Device.CPU, parameters.layout().size());
            for (int step = 1; step <= golden.trajectory().size(); step++) {
                try (Scope stepScope = Scope.open()) {
                    TrainingBatch batch = golden.batch((step - 1) % golden.samples());
                    Teacher teacher = training.teacher(batch);
                    TttMetrics metrics = training.forwardBackward(batch, teacher, teacher.denominators(), gradient.zero_());
                    double gradientNorm = Optimizer.globalNorm(List.of(gradient));
                    JsonNode expected = golden.trajectory().path(step - 1);
                    loss = Math.max(loss, relative(expected.path(0), metrics.totalLoss(teacher.denominators())));
                    norm = Math.max(norm, relative(expected.path(1), gradientNorm));
                    gradient.mul_(Math.min(1, TRAJECTORY_CLIP / (gradientNorm + 1e-6)));
                    Optimizer.adamW(parameters.flat(), gradient, mean, variance, Optimizer.AdamW.withDecay(0),
                            TRAJECTORY_RATE, step);
                }
            }
            checks.add(new Check("trajectory: total loss", loss, TRAJECTORY_TOLERANCE));
            checks.add(new Check("trajectory: gradient norm", norm, TRAJECTORY_TOLERANCE));
            for (String name : parameters.names()) {
                if (golden.hasTensor("final." + name)) {
                    checks.add(new Check("trajectory: final " + name,
                            relativeL2(golden.tensor("final." + name), parameters.get(name)), TRAJECTORY_TOLERANCE));
                }
            }
        }
    }

    private void metrics(String what, JsonNode expected, TttMetrics actual, double[] denominators) {
        double loss = 0;
        double acceptance = 0;
        long counts = 0;
        for (int i = 0; i < golden.steps(); i++) {
            loss = Math.max(loss, relative(expected.path("loss").path(i), actual.meanLoss(i, denominators[i])));
            counts += differs(expected.path("correct").path(i), actual.correct()[i]);
            counts += differs(expected.path(expected.has("supervised") ? "supervised" : "denom").path(i), actual.supervised()[i]);
            if (expected.has("rows")) {
                counts += differs(expected.path("rows").path(i), actual.lossRows()[i]);
            }
            if (expected.has("acceptance_rate")) {
                acceptance = Math.max(acceptance, relative(expected.path("acceptance_rate").path(i), actual.acceptanceRate(i)));
            }
        }
        checks.add(new Check(what + ": loss of each TTT step", loss, METRIC_TOLERANCE));
        checks.add(new Check(what + ": correct, supervised and loss rows", counts, 0));
        if (expected.has("acceptance_rate")) {
            checks.add(new Check(what + ": acceptance rate", acceptance, METRIC_TOLERANCE));
        }
        if (expected.has("total")) {
            double total = relative(expected.path("total"), actual.totalLoss(denominators));
            checks.add(new Check(what + ": total loss", total, METRIC_TOLERANCE));
        }
    }

    private void gradients(String prefix, DraftLayout layout, Tensor flat) {
        List<DraftLayout.Entry> entries =
                layout.entries().stream().filter(e -> golden.hasTensor(prefix + ".grad." + e.name())).toList();
        List<float[]> expected = new ArrayList<>();
        double largest = 0;
        for (DraftLayout.Entry entry : entries) {
            try (Scope scope = Scope.open()) {
                expected.add(golden.tensor(prefix + ".grad." + entry.name()).toFloats());
            }
            largest = Math.max(largest, magnitude(expected.get(expected.size() - 1)));
        }
        for (int k = 0; k < entries.size(); k++) {
            try (Scope scope = Scope.open()) {
                double own = magnitude(expected.get(k));
                double size = own < VANISHED * largest ? VANISHED_SIZE * largest : own;
                double difference = difference(expected.get(k), layout.view(flat, entries.get(k).name()).toFloats());
                checks.add(new Check(prefix + ": gradient of " + entries.get(k).name(), over(difference, size),
                        GRADIENT_TOLERANCE));
            }
        }
    }

    private static double magnitude(float[] values) {
        double largest = 0;
        for (float v : values) {
            largest = Math.max(largest, Math.abs(v));
        }
        return largest;
    }

    /** Returns the largest difference; NaN if one of them is NaN. */
    private static double difference(float[] expected, float[] actual) {
        double largest = 0;
        for (int i = 0; i < expected.length; i++) {
            largest = Math.max(largest, Math.abs((double) expected[i] - actual[i]));
        }
        return largest;
    }

    /** Returns a difference relative to a size; 0 if there is no difference, whatever the size. */
    private static double over(double difference, double size) {
        return difference == 0 ? 0 : difference / size;
    }

    /**
     * Returns the relative L2 difference, for parameters after AdamW steps. AdamW divides by the gradient's magnitude, so where a
     * gradient is nearly zero an element follows the sign of a rounding error, and the largest difference means nothing.
     */
    private static double relativeL2(Tensor expected, Tensor actual) {
        return over(Optimizer.globalNorm(List.of(expected.sub(actual))), Optimizer.globalNorm(List.of(expected)));
    }

    private static double relative(JsonNode expected, double actual) {
        double e = expected.asDouble(Double.NaN);
        return over(Math.abs(e - actual), Math.abs(e));
    }

    /**
     * Returns the difference of counts. SpecForge's are floats, and its denominators are 1e-6 where there is nothing to count.
     */
    private static long differs(JsonNode expected, long actual) {
        return expected.isNumber() && Math.round(expected.asDouble()) == actual ? 0 : 1;
    }
}
