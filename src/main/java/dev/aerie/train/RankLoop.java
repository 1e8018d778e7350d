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
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.PrimitiveIterator;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The training loop of one rank, from the newest checkpoint or from the start to the last step. */
final class RankLoop {

    private static final Logger LOG = LoggerFactory.getLogger(RankLoop.class);

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

    /** @return the number of steps of the whole run, all of which are done */
    long run() throws IOException, InterruptedException {
        try (DraftParameters parameters = inputs.initial(settings.batches().seed(), device);
                TrainingStep training = new TrainingStep(collective, settings, parameters, inputs.target(), compute,
                        scratch);
                HeldOutReplay heldOut =
                        new HeldOutReplay(collective, settings, parameters, inputs.target(), inputs.source(), compute,
                                observer::skipped)) {
            // Before the search for a checkpoint, so that no other attempt commits one afterwards.
            Claim claim = collective.rank() == 0 ? Claim.take(output) : null;
            long first = resume(parameters, training.optimizer());
            MetricsLog log = collective.rank() == 0 ? new MetricsLog(output, first, claim) : null;
            try (ReadAhead reading = new ReadAhead(inputs.source(), Part.TRAIN, order(first), settings.corruptChunks(),
                    observer::skipped)) {
                for (long step = first; step < plan.totalSteps(); step++) {
                    observer.begins(step + 1);
                    StepMetrics metrics = step(step, training, reading, heldOut);
                    if (log != null) {
                        log.add(metrics);
                    }
                    boolean last = step + 1 == plan.totalSteps();
                    if (last || (step + 1) % settings.milestones().checkpointSteps() == 0) {
                        if (log != null) {
                            // Before the checkpoint, so that a training that resumes from it has the lines of all steps before.
                            log.flush();
                        }
                        checkpoint(step + 1, parameters, training.optimizer(), claim);
                    }
                    observer.done(metrics);
                }
            }
            return plan.totalSteps();
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
        int every = settings.milestones().heldOutSteps();
        return every > 0 && (stepsDone % every == 0 || stepsDone == plan.totalSteps()) && inputs.source()
                .lengths(Part.HELD_OUT).length > 0;
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
