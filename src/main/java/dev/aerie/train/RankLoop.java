package dev.aerie.train;

import dev.aerie.draft.DraftParameters;
import dev.aerie.files.Folder;
import dev.aerie.gang.Collective;
import dev.aerie.store.Part;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.PrimitiveIterator;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The training loop of one rank, from the newest checkpoint or from the start to the last step. */
final class RankLoop {

    private static final Logger LOG = LoggerFactory.getLogger(RankLoop.class);

    /** Time between two reports of a wait. */
    private static final Duration TELL = Duration.ofSeconds(10);

    /** Receives the progress of the loop. */
    interface Observer {

        void begins(long step);

        void done(StepMetrics metrics);

        void note(String text);

        /** A conversation of this rank's was left out. */
        void skipped(String why);
    }

    private final Collective collective;
    private final Device device;
    private final int threads;
    private final TrainSettings settings;
    private final TrainingInputs.Opened inputs;
    private final Map<String, String> recipe;
    private final DType compute;
    private final Folder output;
    private final Path scratch;
    private final Checkpoints checkpoints;
    private final Observer observer;
    private final int[] lengths;
    private final BatchPlan plan;

    /**
     * @param recipe the settings that a checkpoint must agree with
     * @param scratch folder on a local disk
     */
    RankLoop(Collective collective, Device device, int threads, TrainSettings settings, TrainingInputs.Opened inputs,
            Map<String, String> recipe, Folder output, Path scratch, Observer observer) {
        this.collective = collective;
        this.device = device;
        this.threads = threads;
        this.settings = settings;
        this.inputs = inputs;
        this.recipe = recipe;
        this.compute = compute(settings, device);
        this.output = output;
        this.scratch = scratch;
        this.checkpoints = new Checkpoints(output);
        this.observer = observer;
        this.lengths = inputs.source().lengths(Part.TRAIN);
        this.plan = new BatchPlan(lengths, inputs.source().shardStarts(), settings.batches());
    }

    /** Returns the compute type: float32 on a CPU and bfloat16 on a GPU, unless the recipe sets one. */
    static DType compute(TrainSettings settings, Device device) {
        return settings.dtype().on(!device.isCpu());
    }

    /**
     * How a rank ended.
     *
     * @param step the number of steps done
     * @param total that of the whole run
     */
    record End(long step, long total) implements Serializable {

        boolean finished() {
            return step == total;
        }
    }

    /** @return with all steps done, or before a step for which shards of a rolling store are to be made in the ranks' place */
    End run() throws IOException, InterruptedException {
        try (DraftParameters parameters = inputs.initial(settings.batches().seed(), device);
                TrainingStep training = new TrainingStep(collective, settings, parameters, inputs.target(), compute,
                        scratch);
                HeldOutReplay heldOut =
                        new HeldOutReplay(collective, settings, parameters, inputs.target(), inputs.source(), compute,
                                observer::skipped)) {
            // Before the search for a checkpoint, so that no other attempt commits one afterwards.
            Claim claim = collective.rank() == 0 ? Claim.take(output) : null;
            long first = resume(parameters, training.optimizer());
            long saved = first;
            MetricsLog log = collective.rank() == 0 ? new MetricsLog(output, first, claim) : null;
            try (ReadAhead reading = new ReadAhead(inputs.source(), Part.TRAIN, order(first), settings.corruptChunks(),
                    observer::skipped)) {
                for (long step = first; step < plan.totalSteps(); step++) {
                    if (!shardsAreThere(step)) {
                        if (step > saved) {
                            flush(log);
                            checkpoint(step, parameters, training.optimizer(), claim);
                        }
                        return new End(step, plan.totalSteps());
                    }
                    observer.begins(step + 1);
                    StepMetrics metrics = step(step, training, reading, heldOut);
                    if (log != null) {
                        log.add(metrics);
                    }
                    boolean last = step + 1 == plan.totalSteps();
                    if (last || (step + 1) % settings.milestones().checkpointSteps() == 0) {
                        flush(log);
                        checkpoint(step + 1, parameters, training.optimizer(), claim);
                        saved = step + 1;
                    }
                    observer.done(metrics);
                }
            }
            if (collective.rank() == 0 && inputs.window().isPresent()) {
                inputs.window().get().end(settings.batches().epochs());
            }
            return new End(plan.totalSteps(), plan.totalSteps());
        }
    }

    /** Before a checkpoint, so that a training that resumes from it has the lines of all steps before. */
    private static void flush(MetricsLog log) throws IOException {
        if (log != null) {
            log.flush();
        }
    }

    /**
     * Waits until the shards of a step are there. All ranks go on or end together: one of them looks, and the others learn from it.
     *
     * @return false if the ranks are to end instead
     */
    private boolean shardsAreThere(long step) throws IOException, InterruptedException {
        if (inputs.window().isEmpty()) {
            return true;
        }
        RollingWindow window = inputs.window().get();
        boolean looks = collective.rank() == 0;
        int[] conversations = plan.conversations(step);
        window.advance(plan.epoch(step), conversations[0], looks);
        long start = System.nanoTime();
        long told = start;
        while (true) {
            OptionalInt missing = looks ? window.missing(conversations, heldOutDue(step + 1)) : OptionalInt.empty();
            long[] waiting = {missing.isPresent() ? 1 : 0};
            collective.allReduce(waiting);
            if (waiting[0] == 0) {
                return true;
            }
            if (window.training().inTurn()) {
                return false;
            }
            long now = System.nanoTime();
            if (looks && now - told > TELL.toNanos()) {
                // Also a sign of life: the driver ends a gang that reports nothing.
                observer.note("step " + (step + 1) + " waits for shard " + missing.getAsInt() + " to be made, for "
                        + (now - start) / 1_000_000_000L + " s now");
                told = now;
            }
            if (looks && now - start > window.training().patience().toNanos()) {
                throw new IllegalStateException("Shard " + missing.getAsInt() + " was not made within "
                        + window.training().patience().toMinutes() + " minutes (expected prepare to run beside this training)");
            }
            Thread.sleep(RollingWindow.INTERVAL.toMillis());
        }
    }

    private StepMetrics step(long step, TrainingStep training, ReadAhead reading, HeldOutReplay heldOut)
            throws InterruptedException, IOException {
        long start = System.nanoTime();
        long skippedBefore = reading.skipped();
        double waitedBefore = reading.waitedSeconds();
        RankShare mine = share(plan.ofRank(step, collective.rank(), collective.size()), reading);
        double rate = settings.optimization().rate(step, plan.scheduledSteps());
        int busy = Math.min(collective.size(), plan.conversations(step).length);
        TrainingStep.Result result = training.run(mine, busy, step + 1, rate);
        long[] skipped = {reading.skipped() - skippedBefore};
        if (settings.corruptChunks() == CorruptChunks.SKIP) {
            collective.allReduce(skipped);
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        StepMetrics.HeldOut replayed = measured(step + 1) ? heldOut.run() : null;
        int steps = settings.tttLength();
        return new StepMetrics(step + 1, plan.totalSteps(), plan.epoch(step), result.totalLoss(), result.metrics().loss(),
                IntStream.range(0, steps).mapToDouble(result.metrics()::accuracy).toArray(),
                IntStream.range(0, steps).mapToDouble(result.metrics()::acceptanceRate).toArray(),
                result.metrics().lossRows(), result.gradNorm(), rate, result.tokens(), seconds, result.tokens() / seconds,
                reading.waitedSeconds() - waitedBefore, skipped[0], ResidentMemory.megabytes(), replayed);
    }

    private RankShare share(int[] conversations, ReadAhead reading) {
        List<int[]> microBatches = BatchPlan.microBatches(lengths, conversations, settings.batches().microBatchTokens());
        Iterator<int[]> next = microBatches.iterator();
        return new RankShare() {
            @Override
            public int microBatches() {
                return microBatches.size();
            }

            @Override
            public long tokens() {
                return Arrays.stream(conversations).mapToLong(c -> lengths[c]).sum();
            }

            @Override
            public MicroBatch next() throws InterruptedException {
                return MicroBatch.read(reading, next.next().length);
            }
        };
    }

    private boolean measured(long stepsDone) {
        return heldOutDue(stepsDone) && inputs.source().lengths(Part.HELD_OUT).length > 0;
    }

    private boolean heldOutDue(long stepsDone) {
        int every = settings.milestones().heldOutSteps();
        return every > 0 && (stepsDone % every == 0 || stepsDone == plan.totalSteps());
    }

    /** Returns this rank's conversations of all steps from one on, in the order of their use. */
    private PrimitiveIterator.OfInt order(long first) {
        return LongStream.range(first, plan.totalSteps()).boxed()
                .flatMapToInt(s -> Arrays.stream(plan.ofRank(s, collective.rank(), collective.size())))
                .iterator();
    }

    // ---- checkpoints ----

    /** @return the number of steps done already */
    private long resume(DraftParameters parameters, ShardedAdamW optimizer) throws IOException {
        // One rank looks, so that all resume from the same checkpoint even if the file system lists differ between hosts.
        long[] step = {collective.rank() == 0 ? checkpoints.latestStep() : 0};
        collective.allReduce(step);
        if (step[0] == 0) {
            return 0;
        }
        CheckpointInfo info = checkpoints.read(step[0]);
        info.requireSame(recipe, output + " at step " + info.step());
        try (Scope restoring = Scope.open()) {
            parameters.flat().copy_(fromRank0(info, Checkpoints.Content.PARAMETERS, parameters));
        }
        try (Scope restoring = Scope.open()) {
            optimizer.restoreMean(fromRank0(info, Checkpoints.Content.MEAN, parameters));
        }
        try (Scope restoring = Scope.open()) {
            optimizer.restoreSquareMean(fromRank0(info, Checkpoints.Content.SQUARE_MEAN, parameters));
        }
        observer.note("resuming from step " + info.step() + " of " + plan.totalSteps()
                + changed("ranks", info.ranks(), collective.size()) + changed("threads per rank", info.threads(), threads));
        return info.step();
    }

    /** Reads on one rank and sends to the others: as many copies as ranks would fill a host's disk and a store's network. */
    private Tensor fromRank0(CheckpointInfo info, Checkpoints.Content content, DraftParameters parameters) throws IOException {
        Tensor flat = collective.rank() == 0
                ? checkpoints.read(info, content, parameters.layout(), scratch)
                : Tensor.zeros(DType.F32, Device.CPU, parameters.layout().size());
        collective.broadcast(flat, 0);
        return flat.to(device);
    }

    private static String changed(String what, int then, int now) {
        return then == now ? "" : ", saved by " + then + " " + what + " and now trained by " + now;
    }

    private void checkpoint(long stepsDone, DraftParameters parameters, ShardedAdamW optimizer, Claim claim) throws IOException {
        if (collective.rank() != 0) {
            try (Scope scope = Scope.open()) {
                Tensor mean = optimizer.wholeMean();
                mean.close();
                optimizer.wholeSquareMean();
            }
            return;
        }
        boolean last = stepsDone == plan.scheduledSteps();
        int epoch = last ? settings.batches().epochs() : plan.epoch(stepsDone);
        CheckpointInfo info = new CheckpointInfo(CheckpointInfo.FORMAT_VERSION, stepsDone, epoch,
                last ? 0 : plan.stepInEpoch(stepsDone), collective.size(), threads, null, null, recipe);
        checkpoints.commit(info, claim, parameters, inputs.target().vocabulary(), optimizer::wholeMean,
                optimizer::wholeSquareMean, settings.milestones().keepCheckpoints());
        LOG.info("Checkpoint of step {} committed in {}", stepsDone, output);
    }
}
