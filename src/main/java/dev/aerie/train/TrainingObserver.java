package dev.aerie.train;

import dev.aerie.gang.GangObserver;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Prints the progress of a training for the user, in the driver. */
final class TrainingObserver implements GangObserver<TrainingReport> {

    private static final Duration INTERVAL = Duration.ofSeconds(5);
    /** Weight of the newest step in the moving average that predicts the remaining time. */
    private static final double NEWEST = 0.05;

    private final PrintStream out;
    private final Checkpoints checkpoints;
    private final int ranks;
    private long lastLine;
    private double secondsPerStep;
    /** By step, because a step is repeated when a training resumes within the run. */
    private final Map<Long, Long> skipped = new HashMap<>();

    TrainingObserver(PrintStream out, Checkpoints checkpoints, int ranks) {
        this.out = out;
        this.checkpoints = checkpoints;
        this.ranks = ranks;
    }

    @Override
    public void reported(int rank, long step, TrainingReport report) {
        if (report instanceof TrainingReport.StepDone done) {
            stepDone(done.metrics());
        } else if (report instanceof TrainingReport.Note note) {
            out.println("train: " + note.text());
        }
    }

    private void stepDone(StepMetrics m) {
        secondsPerStep = secondsPerStep == 0 ? m.seconds() : (1 - NEWEST) * secondsPerStep + NEWEST * m.seconds();
        boolean last = m.step() == m.totalSteps();
        if (last || m.heldOut() != null || lastLine == 0 || System.nanoTime() - lastLine > INTERVAL.toNanos()) {
            lastLine = System.nanoTime();
            out.println(line(m));
        }
        if (m.skipped() > 0) {
            skipped.put(m.step(), m.skipped());
        }
        if (last && !skipped.isEmpty()) {
            out.printf(Locale.ROOT, "train: %,d conversations of this run were left out, because a chunk of each is corrupt "
                    + "(jobs/aerie repair makes their shards again)%n",
                    skipped.values().stream().mapToLong(Long::longValue).sum());
        }
    }

    private String line(StepMetrics m) {
        long left = Math.round((m.totalSteps() - m.step()) * secondsPerStep);
        String line = String.format(Locale.ROOT,
                "train: step %,d of %,d, epoch %d, loss %.3f, accuracy %s, gradient %.2f, %,.0f tokens/s on %d rank%s, "
                        + "%d:%02d:%02d left",
                m.step(), m.totalSteps(), m.epoch() + 1, m.loss(), shares(m.accuracy()), m.gradNorm(), m.tokensPerSecond(),
                ranks, ranks == 1 ? "" : "s", left / 3600, left / 60 % 60, left % 60);
        StepMetrics.HeldOut h = m.heldOut();
        return h == null ? line : line + String.format(Locale.ROOT,
                "%ntrain: held-out acceptance length %.2f, hit rate %s, %,d conversations",
                h.acceptanceLength(), shares(h.hitRate()), h.conversations());
    }

    private static String shares(double[] values) {
        return Arrays.stream(values).mapToObj(v -> String.format(Locale.ROOT, "%.2f", v)).collect(Collectors.joining(" "));
    }

    @Override
    public long progress() {
        try {
            return checkpoints.latestStep();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void retrying(int attempt, String reason) {
        out.println("train: " + reason + "; starting attempt " + attempt);
    }
}
