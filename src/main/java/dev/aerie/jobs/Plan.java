package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.STORE_MAX_BYTES;
import static dev.aerie.jobs.RecipeKeys.STORE_PATH;
import static dev.aerie.jobs.RecipeKeys.TARGET_MODEL;
import static dev.aerie.jobs.RecipeKeys.TRAIN_RANKS;

import dev.aerie.errors.RefusalException;
import dev.aerie.host.HostModel;
import dev.aerie.prepare.TokenFrequencies;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.PlannedCounts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Prints the bytes and hours of a run before machines are rented. */
@Command(name = "plan", description = "Says what a recipe's run takes: bytes, floating-point operations, hours, and whether the "
        + "store fits. Reads the target's config.json alone. Exit code 1 where the store does not fit.")
final class Plan implements Callable<Integer> {

    @Mixin
    private RecipeOptions options;

    @Option(names = "--target-config", paramLabel = "FOLDER",
            description = "A folder with a config.json, such as one of conf/targets; target.model's where not given.")
    private Path targetConfig;

    @Option(names = "--conversations", paramLabel = "N",
            description = "Conversations; those of the store where there is one, else 320000.")
    private Long conversations;

    @Option(names = "--mean-length", paramLabel = "TOKENS",
            description = "Tokens of a conversation; those of the store where there is one, else 1000.")
    private Long meanLength;

    @Option(names = "--supervised-share", paramLabel = "SHARE",
            description = "Share of supervised tokens; that of the store where there is one, else 0.6.")
    private Double supervised;

    @Option(names = "--gpus", paramLabel = "N", description = "GPUs that work at once; train.ranks where not given.")
    private Integer gpus;

    @Option(names = "--device-tflops", defaultValue = "989", paramLabel = "TFLOPS",
            description = "What a GPU can do in bfloat16, dense (${DEFAULT-VALUE}, an H100 SXM).")
    private double tflops;

    @Option(names = "--mfu", defaultValue = "0.4", paramLabel = "SHARE",
            description = "How much of that is reached (${DEFAULT-VALUE}): an assumption until it is measured.")
    private double utilisation;

    @Override
    public Integer call() throws IOException {
        Recipe recipe = options.recipe();
        Configuration hadoop = HadoopConf.submitted();
        Places.requireApart(recipe, hadoop);
        Optional<String> obstacle = obstacle(recipe, hadoop);
        RunPlan plan = planned(recipe, hadoop, assumed(recipe, hadoop, obstacle.isEmpty()));
        plan.lines().forEach(System.out::println);
        StoreOnS3.of(plan).lines().forEach(System.out::println);
        obstacle.ifPresent(what -> System.out.println(STORE_PATH.path() + ": not looked at. " + what));
        return fits(plan, recipe, hadoop, obstacle.isEmpty()) ? 0 : CommandLines.FOUND;
    }

    /** Of a target elsewhere no weights are fetched. */
    private RunPlan planned(Recipe recipe, Configuration hadoop, RunPlan.Assumed assumed) throws IOException {
        if (targetConfig != null) {
            return RunPlan.of(recipe, targetConfig, assumed);
        }
        Places.requireReachable(hadoop, Place.of(recipe, TARGET_MODEL));
        return HostModel.readConfiguration(TARGET_MODEL.of(recipe), hadoop, folder -> RunPlan.of(recipe, folder, assumed));
    }

    private RunPlan.Assumed assumed(Recipe recipe, Configuration hadoop, boolean reachable) throws IOException {
        RunPlan.Assumed known = reachable ? stored(recipe, hadoop) : usual(recipe);
        RunPlan.Assumed assumed = new RunPlan.Assumed(
                conversations != null ? conversations : known.conversations(),
                meanLength != null ? meanLength : known.length(),
                supervised != null ? supervised : known.supervised(),
                gpus != null ? gpus : known.gpus(), tflops, utilisation);
        require(assumed.conversations() >= 1, "--conversations", assumed.conversations(), "at least 1");
        require(assumed.length() >= 1 && assumed.length() <= 10_000_000, "--mean-length", assumed.length(), "1 to 10,000,000");
        require(assumed.supervised() >= 0 && assumed.supervised() <= 1, "--supervised-share", assumed.supervised(), "0 to 1");
        require(assumed.gpus() >= 1, "--gpus", assumed.gpus(), "at least 1");
        require(tflops > 0, "--device-tflops", tflops, "more than 0");
        require(utilisation > 0 && utilisation <= 1, "--mfu", utilisation, "more than 0 and at most 1");
        return assumed;
    }

    private static void require(boolean good, String option, Object value, String expected) {
        if (!good) {
            throw new RecipeException("Invalid " + option + ": " + value + " (expected " + expected + ")");
        }
    }

    /** Returns the figures of the recipe's store; the default assumptions if there is none yet. */
    private RunPlan.Assumed stored(Recipe recipe, Configuration hadoop) throws IOException {
        RunPlan.Assumed usual = usual(recipe);
        if (!STORE_PATH.isSet(recipe) || !HiddenStateStore.exists(STORE_PATH.of(recipe), hadoop)) {
            return usual;
        }
        String store = STORE_PATH.of(recipe);
        PlannedCounts planned = HiddenStateStore.openPartial(store, hadoop).settings().planned();
        long trained = planned.conversations() - planned.heldOut();
        if (trained == 0 || planned.tokens() == 0) {
            return usual;
        }
        System.out.println("conversations, their length and the supervised share are those of " + store);
        long supervisedTokens = Arrays.stream(TokenFrequencies.read(store, hadoop).counts()).sum();
        return new RunPlan.Assumed(trained, Math.max(1, Math.round((double) planned.tokens() / trained)),
                (double) supervisedTokens / planned.tokens(), usual.gpus(), tflops, utilisation);
    }

    /** Returns ShareGPT's 120,000 and UltraChat's 200,000 conversations, on which public drafts are often trained. */
    static RunPlan.Assumed usual(Recipe recipe) {
        return new RunPlan.Assumed(320_000, 1000, 0.6, TRAIN_RANKS.of(recipe), 989, 0.4);
    }

    private static boolean fits(RunPlan plan, Recipe recipe, Configuration hadoop, boolean reachable) throws IOException {
        Optional<Long> most = STORE_MAX_BYTES.of(recipe);
        boolean fits = most.isEmpty() || says(STORE_MAX_BYTES.path(), plan.storeBytes(), most.get());
        if (!STORE_PATH.isSet(recipe) || !reachable) {
            return fits;
        }
        long free = HiddenStateStore.freeBytes(STORE_PATH.of(recipe), hadoop);
        // Object stores have no limit.
        return (free == Long.MAX_VALUE || says("free space at " + STORE_PATH.path(), plan.storeBytes(), free)) && fits;
    }

    private static boolean says(String what, long needed, long there) {
        boolean fits = needed <= there;
        System.out.printf(Locale.ROOT, "%s: %s, the store takes %s%s%n", what, RunPlan.si(there, "B"), RunPlan.si(needed, "B"),
                fits ? "" : ": DOES NOT FIT, prepare will refuse to start");
        return fits;
    }

    /**
     * Returns why the store's file system cannot be read, if it cannot: a user who plans on a laptop may have no access to it.
     */
    private static Optional<String> obstacle(Recipe recipe, Configuration hadoop) throws IOException {
        try {
            Places.requireReachable(hadoop, Place.of(recipe, STORE_PATH));
            return Optional.empty();
        } catch (RefusalException e) {
            return Optional.of(e.getMessage());
        }
    }
}
