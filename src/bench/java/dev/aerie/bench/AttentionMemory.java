package dev.aerie.bench;

import dev.aerie.torch.Attention;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Whether attention's memory grows with the tokens and not with their square: the peak of anonymous memory, from before queries,
 * keys and values are made until after attention, over one sequence of 16,384 tokens against one of 4,096. Exits with 1 above
 * {@link #LARGEST_RATIO}. Linux alone tells it.
 */
public final class AttentionMemory {

    private static final int SHORT = 4096;
    private static final int LONG = 16_384;
    private static final double LARGEST_RATIO = 4.5;
    private static final int HEADS = 8;
    private static final int KV_HEADS = 2;
    private static final int HEAD_DIM = 64;

    private AttentionMemory() {}

    /** @param arguments none */
    public static void main(String[] arguments) throws InterruptedException {
        double scale = 1 / Math.sqrt(HEAD_DIM);
        boolean linear = true;
        try (Scope scope = Scope.open()) {
            Map<String, Attention.Options> kinds = new LinkedHashMap<>();
            kinds.put("causal", Attention.Options.of(scale));
            kinds.put("window of 1,024", new Attention.Options(scale, 1024, 0, 0, null));
            kinds.put("chunks of 8,192", new Attention.Options(scale, 0, 8192, 0, null));
            kinds.put("sinks", new Attention.Options(scale, 0, 0, 0, Tensor.randomNormal(1, 1, HEADS)));
            kinds.put("soft cap", new Attention.Options(scale, 0, 0, 50, null));
            kinds.put("soft cap, window of 1,024", new Attention.Options(scale, 1024, 0, 50, null));
            for (Map.Entry<String, Attention.Options> kind : kinds.entrySet()) {
                // Libtorch makes its threads and their arenas when it first runs.
                peak(256, kind.getValue());
                double few = peak(SHORT, kind.getValue());
                double many = peak(LONG, kind.getValue());
                linear &= many <= LARGEST_RATIO * few;
                System.out.printf(Locale.ROOT, "%-26s %,7.1f MB over %,d tokens, %,7.1f MB over %,d: %.2f times%n", kind.getKey(),
                        few / 1e6, SHORT, many / 1e6, LONG, many / few);
            }
        }
        System.out.printf(Locale.ROOT, "%s: at most %.1f times%n", linear ? "linear" : "NOT LINEAR", LARGEST_RATIO);
        if (!linear) {
            System.exit(1);
        }
    }

    private static double peak(int tokens, Attention.Options options) throws InterruptedException {
        Sampler sampler = new Sampler();
        sampler.start();
        try (Scope scope = Scope.open()) {
            Tensor q = Tensor.randomNormal(2, 1, tokens, HEADS, HEAD_DIM);
            Tensor k = Tensor.randomNormal(3, 1, tokens, KV_HEADS, HEAD_DIM);
            Tensor v = Tensor.randomNormal(4, 1, tokens, KV_HEADS, HEAD_DIM);
            Attention.causal(q, k, v, new long[] {0, tokens}, options);
        }
        return sampler.finish();
    }

    /** Looks at this process's anonymous memory a thousand times a second. */
    private static final class Sampler extends Thread {

        private final long before = anonymousBytes();
        private volatile boolean done;
        private long peak = before;

        @Override
        public void run() {
            while (!done) {
                peak = Math.max(peak, anonymousBytes());
                try {
                    Thread.sleep(1);
                } catch (InterruptedException e) {
                    return;
                }
            }
        }

        private double finish() throws InterruptedException {
            done = true;
            join();
            return peak - before;
        }

        private static long anonymousBytes() {
            try {
                return Files.readAllLines(Path.of("/proc/self/status")).stream()
                        .filter(line -> line.startsWith("RssAnon:"))
                        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                        .findFirst()
                        .orElseThrow(() -> new IllegalStateException("This system does not tell RssAnon"));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
