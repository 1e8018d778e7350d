package dev.aerie.train;

import dev.aerie.files.Folder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes metrics.jsonl: one line per optimizer step, written by rank 0.
 *
 * <p>Object stores cannot append, so the whole file is replaced at checkpoints and every {@link #INTERVAL}; at 700 bytes per step
 * it stays far smaller than a checkpoint. Lines after the checkpoint from which a training resumes are dropped, because those
 * steps run again.
 */
final class MetricsLog {

    static final String FILE = "metrics.jsonl";
    private static final Duration INTERVAL = Duration.ofSeconds(60);

    private final Folder output;
    private final Claim claim;
    private final List<String> unwritten = new ArrayList<>();
    private long lastWrite = System.nanoTime();

    /**
     * @param resumedStep steps done at the checkpoint that the training resumes from; 0 for a new one
     * @param claim checked before the file is replaced
     */
    MetricsLog(Folder output, long resumedStep, Claim claim) throws IOException {
        this.output = output;
        this.claim = claim;
        if (output.exists(FILE)) {
            rewrite(resumedStep);
        }
    }

    void add(StepMetrics metrics) throws IOException {
        unwritten.add(metrics.toJson());
        if (System.nanoTime() - lastWrite > INTERVAL.toNanos()) {
            flush();
        }
    }

    /** Writes the lines added so far. */
    void flush() throws IOException {
        rewrite(Long.MAX_VALUE);
    }

    private void rewrite(long lastStep) throws IOException {
        claim.require();
        boolean before = output.exists(FILE);
        output.write(FILE, out -> {
            if (before) {
                try (BufferedReader old = new BufferedReader(new InputStreamReader(output.open(FILE), StandardCharsets.UTF_8))) {
                    for (String line = old.readLine(); line != null; line = old.readLine()) {
                        if (lastStep == Long.MAX_VALUE || StepMetrics.parse(line).step() <= lastStep) {
                            out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
                        }
                    }
                }
            }
            for (String line : unwritten) {
                out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
            }
        });
        unwritten.clear();
        lastWrite = System.nanoTime();
    }
}
