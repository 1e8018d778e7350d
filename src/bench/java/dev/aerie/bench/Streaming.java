package dev.aerie.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.aerie.target.PackedTokens;
import dev.aerie.target.Residency;
import dev.aerie.target.Target;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.LibTorch;
import dev.aerie.torch.Scope;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;

/**
 * What streaming costs and saves. Memory: the most anonymous memory of a process that streams 48 layers against one that streams
 * 12 of the same width, each in a separate JVM. Speed: tokens per second of a streamed target against the resident one, four
 * layers and one wave of 2,048 tokens at a time, by turns in one process, the files in the page cache.
 */
public final class Streaming {

    private static final double MEMORY_GOAL = 1.15;
    private static final double SPEED_GOAL = 0.95;
    private static final int WAVE_TOKENS = 2048;
    /** Of a run whose memory is watched: two waves of two micro-batches, so that whatever grows with either shows. */
    private static final int WATCHED_TOKENS = 256;
    private static final int[] CAPTURE = {1, 5, 8};
    private static final OperatingSystemMXBean SYSTEM = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

    private Streaming() {}

    /** @param arguments rounds of the comparison of speeds; the program itself starts others of its kind */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        if (arguments[0].equals("watch")) {
            watch(Path.of(arguments[1]), arguments[2].equals("streamed") ? Residency.STREAMED : Residency.RESIDENT);
            return;
        }
        int rounds = Integer.parseInt(arguments[0]);
        Path folder = Files.createTempDirectory("aerie-bench");
        boolean good = true;
        try {
            for (DType stored : List.of(DType.F32, DType.BF16)) {
                Path shallow = folder.resolve("12-" + stored);
                Path deep = folder.resolve("48-" + stored);
                long shallowBytes = model(stored, 12).write(shallow, stored);
                long deepBytes = model(stored, 48).write(deep, stored);
                double ratio = (double) anonymous(deep, "streamed") / anonymous(shallow, "streamed");
                System.out.printf(Locale.ROOT, "%s files: anonymous memory with %.2f GB of weights %.3f times that with %.2f GB "
                        + "(goal %.2f)%n", stored, deepBytes / 1e9, ratio, shallowBytes / 1e9, MEMORY_GOAL);
                delete(deep);
                Path timed = folder.resolve("4-" + stored);
                model(stored, 4).write(timed, stored);
                good &= ratio <= MEMORY_GOAL & speed(timed, stored, rounds);
            }
        } finally {
            delete(folder);
        }
        System.exit(good ? 0 : 1);
    }

    /** At least 1.5 GB of weights in 48 layers, in the type they are stored in. */
    private static RandomModel model(DType stored, int layers) {
        return new RandomModel(layers, 1024, stored == DType.F32 ? 2048 : 4608, 16, 4, 64, 4096);
    }

    /** Runs in a separate JVM and returns its peak of anonymous memory. */
    private static long anonymous(Path model, String residency) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElseThrow()));
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Streaming.class.getName(), "watch",
                model.toString(), residency));
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String out = new String(process.getInputStream().readAllBytes()).strip();
        if (process.waitFor() != 0) {
            throw new IOException("The watched run failed: " + out);
        }
        System.out.println(model.getFileName() + ", " + residency + ": " + out);
        return Long.parseLong(out.replaceAll("(?s).*most (\\d+) MB.*", "$1"));
    }

    private static void watch(Path model, Residency residency) throws InterruptedException {
        LibTorch.threads();
        AnonymousMemory memory = AnonymousMemory.watch();
        long before = memory.most();
        try (Target target = Target.load(model, DType.F32, Device.CPU, residency)) {
            for (int wave = 0; wave < 2; wave++) {
                try (Scope scope = Scope.open()) {
                    target.hiddenStates(List.of(sequence(wave, WATCHED_TOKENS), sequence(wave + 2, WATCHED_TOKENS)), CAPTURE);
                }
            }
        }
        System.out.printf(Locale.ROOT, "most %d MB anonymous, %d MB before loading%n", memory.stop() / 1_000_000,
                before / 1_000_000);
    }

    private static boolean speed(Path model, DType stored, int rounds) {
        double[] ratios = new double[rounds];
        double[] work = new double[rounds];
        try (Target stays = Target.load(model, DType.F32, Device.CPU);
                Target comes = Target.load(model, DType.F32, Device.CPU, Residency.STREAMED)) {
            time(stays);
            time(comes);
            for (int i = 0; i < rounds; i++) {
                // Who goes first alternates, because what else the machine does may come and go.
                Time resident = i % 2 == 0 ? time(stays) : null;
                Time streamed = time(comes);
                resident = resident == null ? time(stays) : resident;
                ratios[i] = resident.seconds() / streamed.seconds();
                work[i] = streamed.cpuSeconds() / resident.cpuSeconds();
                System.out.printf(Locale.ROOT, "round %d: streamed %,.0f tokens/s, resident %,.0f tokens/s%n", i + 1,
                        WAVE_TOKENS / streamed.seconds(), WAVE_TOKENS / resident.seconds());
            }
        }
        System.out.printf(Locale.ROOT, "%s files: streamed %.3f times as fast as resident (median of %d rounds, goal %.2f) with "
                        + "%.3f times its CPU seconds; waves of %,d tokens, %d threads%n", stored, median(ratios), rounds,
                SPEED_GOAL, median(work), WAVE_TOKENS, LibTorch.threads());
        return median(ratios) >= SPEED_GOAL;
    }

    private record Time(double seconds, double cpuSeconds) {}

    private static Time time(Target target) {
        long start = System.nanoTime();
        long cpu = SYSTEM.getProcessCpuTime();
        try (Scope scope = Scope.open()) {
            target.hiddenStates(List.of(sequence(7, WAVE_TOKENS)), new int[] {1});
        }
        return new Time((System.nanoTime() - start) / 1e9, (SYSTEM.getProcessCpuTime() - cpu) / 1e9);
    }

    private static PackedTokens sequence(long seed, int tokens) {
        return PackedTokens.of(List.of(new Random(seed).ints(tokens, 0, 4096).toArray()));
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted.length % 2 == 1 ? sorted[sorted.length / 2]
                : (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2;
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).forEach(f -> f.toFile().delete());
        }
    }
}
