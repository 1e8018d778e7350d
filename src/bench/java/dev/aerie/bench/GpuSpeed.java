package dev.aerie.bench;

import dev.aerie.target.PackedTokens;
import dev.aerie.errors.Choice;
import dev.aerie.target.Residency;
import dev.aerie.target.Target;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;

/**
 * How much of a GPU the target's forward uses: a model of Llama-3.1-8B's shape in bfloat16, random, over packed sequences of
 * 2,048 tokens. MFU is the share of the device's peak that the layers' matrix products and causal attention take; embedding,
 * norms and whatever else runs count as time and not as work.
 */
public final class GpuSpeed {

    private static final int SEQUENCE = 2048;

    private GpuSpeed() {}

    /** What a run came to. */
    record Report(double tokensPerSecond, double flopsPerSecond) {

        double mfu(double peak) {
            return flopsPerSecond / peak;
        }
    }

    /** @param arguments device (cuda or cpu), its peak in TFLOP/s, resident or streamed, 8b or tiny, rounds */
    public static void main(String[] arguments) throws IOException {
        Device device = arguments[0].equals("cuda") ? Device.cuda(0) : Device.CPU;
        double peak = Double.parseDouble(arguments[1]) * 1e12;
        Residency residency = new Residency(Choice.of(Residency.Mode.class, "residency", arguments[2]), 0);
        RandomModel model = arguments[3].equals("8b") ? RandomModel.EIGHT_BILLION : RandomModel.TINY;
        int microBatches = residency.equals(Residency.STREAMED) ? 16 : 2;
        Report report = run(model, device, residency, SEQUENCE, microBatches, Integer.parseInt(arguments[4]));
        System.out.printf(Locale.ROOT, "%s, %s on %s: %,.0f tokens/s, %.1f TFLOP/s, MFU %.3f%n", model, arguments[2], device,
                report.tokensPerSecond(), report.flopsPerSecond() / 1e12, report.mfu(peak));
    }

    /** The fastest round of several, after one that warms up. */
    static Report run(RandomModel model, Device device, Residency residency, int tokens, int microBatches, int rounds)
            throws IOException {
        Path folder = Files.createTempDirectory("aerie-bench");
        try {
            model.write(folder, DType.BF16);
            Random random = new Random(1);
            List<PackedTokens> wave = new ArrayList<>();
            for (int i = 0; i < microBatches; i++) {
                wave.add(PackedTokens.of(List.of(random.ints(tokens, 0, model.vocabulary()).toArray())));
            }
            try (Target target = Target.load(folder, DType.BF16, device, residency)) {
                double seconds = Double.MAX_VALUE;
                seconds(target, wave);
                for (int i = 0; i < rounds; i++) {
                    seconds = Math.min(seconds, seconds(target, wave));
                }
                return new Report(microBatches * tokens / seconds, microBatches * model.flops(tokens) / seconds);
            }
        } finally {
            try (Stream<Path> files = Files.walk(folder)) {
                files.sorted(Comparator.reverseOrder()).forEach(f -> f.toFile().delete());
            }
        }
    }

    private static double seconds(Target target, List<PackedTokens> wave) {
        long start = System.nanoTime();
        try (Scope scope = Scope.open()) {
            // A number of the last state is there when the device is done.
            target.hiddenStates(wave, new int[] {1}).get(wave.size() - 1).last().sum().item();
        }
        return (System.nanoTime() - start) / 1e9;
    }
}
