package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.DATA_INPUTS;
import static dev.aerie.jobs.RecipeKeys.DATA_TEMPLATE;
import static dev.aerie.jobs.RecipeKeys.DRAFT_VOCAB_SIZE;
import static dev.aerie.jobs.RecipeKeys.STORE_MAX_BYTES;
import static dev.aerie.jobs.RecipeKeys.STORE_PATH;
import static dev.aerie.jobs.RecipeKeys.STORE_ROLLING;
import static dev.aerie.jobs.RecipeKeys.TARGET_MODEL;
import static dev.aerie.jobs.RecipeKeys.TRAIN_MODE;

import dev.aerie.host.HostModel;
import dev.aerie.prepare.Capture;
import dev.aerie.prepare.CaptureSettings;
import dev.aerie.prepare.Ingest;
import dev.aerie.prepare.IngestSettings;
import dev.aerie.prepare.IngestedTables;
import dev.aerie.prepare.StoredConversations;
import dev.aerie.store.Generation;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.InvalidStoreException;
import dev.aerie.target.Target;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.text.ConversationEncoder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The first job: makes tokens and then the target's hidden states of conversations. */
@Command(name = "prepare-hidden-states",
        description = "Makes the hidden-state store of a recipe's conversations and target; goes on where a run stopped.")
public final class PrepareHiddenStates implements Callable<Integer> {

    @Option(names = "--append", description = "Adds the conversations that the store does not have, as a new generation of it.")
    private boolean append;

    @Mixin
    private RecipeOptions options;

    public static void main(String[] arguments) {
        CommandLines.main(new PrepareHiddenStates(), arguments);
    }

    @Override
    public Integer call() throws IOException {
        Recipe recipe = options.recipe();
        Configuration hadoop = HadoopConf.submitted();
        DATA_INPUTS.of(recipe);
        STORE_PATH.of(recipe);
        Places.requireApart(recipe, hadoop);
        Places.requireReachable(hadoop, Place.of(recipe, TARGET_MODEL, STORE_PATH, DATA_INPUTS, DATA_TEMPLATE));
        if (append) {
            // Before any work: there must be a store, and a complete one.
            HiddenStateStore.open(STORE_PATH.of(recipe), hadoop);
            HiddenStateStore.requireNotRolling(STORE_PATH.of(recipe), hadoop);
        }
        HostModel model = TargetSection.model(recipe, hadoop);
        Path folder = TargetSection.folder(model, hadoop);
        TargetConfig target = Target.config(folder);
        IngestSettings ingest = PrepareSection.ingest(recipe, model, PrepareSection.encoder(recipe, folder, hadoop));
        try (ConversationEncoder encoder = new ConversationEncoder(ingest.encoder())) {
            encoder.requireFits(target.vocabSize());
            Places.requireWritable(Place.single(recipe, STORE_PATH), hadoop);
            run(recipe, model, ingest, encoder, append);
        }
        return 0;
    }

    private static void run(Recipe recipe, HostModel model, IngestSettings ingest, ConversationEncoder encoder, boolean append)
            throws IOException {
        String store = STORE_PATH.of(recipe);
        try (SparkSession spark = Session.open(recipe, "prepare")) {
            Configuration conf = spark.sparkContext().hadoopConfiguration();
            Path folder = model.folder(conf);
            TargetConfig target = Target.config(folder);
            CaptureSettings settings = PrepareSection.capture(
                    recipe, TargetSection.settings(recipe, model, spark.sparkContext().getConf()), folder, encoder);
            Capture capture = capture(recipe, spark, settings, encoder);
            KeptRecipe.print(recipe);
            int vocabulary = Math.min(DRAFT_VOCAB_SIZE.of(recipe), target.vocabSize());
            if (append) {
                append(spark, store, capture, new Ingest(spark, ingest), target.vocabSize(), vocabulary);
                return;
            }
            plan(recipe, spark, capture, ingest, folder, encoder, target.vocabSize());
            if (STORE_ROLLING.of(recipe)) {
                RollingJobs.prepare(recipe, spark, capture);
            } else {
                capture.resume().orElseThrow();
            }
            KeptRecipe.keep(recipe, store, conf);
        }
    }

    static Capture capture(Recipe recipe, SparkSession spark, CaptureSettings settings, ConversationEncoder encoder)
            throws IOException {
        Capture capture = new Capture(spark, settings, System.out);
        encoder.writtenDate().ifPresent(capture::dated);
        if (!STORE_ROLLING.of(recipe)) {
            STORE_MAX_BYTES.of(recipe).ifPresent(capture::within);
        }
        capture.requireCompatibleStore();
        return capture;
    }

    /** Writes all of a store but its shards, unless an earlier run of the same inputs did. */
    static void plan(Recipe recipe, SparkSession spark, Capture capture, IngestSettings ingest, Path folder,
            ConversationEncoder encoder, int targetVocabulary) throws IOException {
        String store = STORE_PATH.of(recipe);
        Configuration conf = spark.sparkContext().hadoopConfiguration();
        if (HiddenStateStore.exists(store, conf)) {
            HiddenStateStore.requireNotChanged(store, conf);
        }
        int vocabulary = Math.min(DRAFT_VOCAB_SIZE.of(recipe), targetVocabulary);
        Ingest conversations = new Ingest(spark, ingest).decidedBy(decided(recipe, folder, encoder, vocabulary));
        Optional<String> origin = conversations.origin();
        boolean known = origin.isPresent() && IngestedTables.isOf(store, conf, origin.get());
        if (known) {
            System.out.println("prepare: the inputs have not changed since the store was planned; they are not read again");
        }
        if (!known || !capture.isPlanned()) {
            try (IngestedTables tables = conversations.run(targetVocabulary)) {
                System.out.println("prepare: " + tables.report());
                capture.plan(tables.tokens(), inputs -> tables.write(store, conf, inputs, vocabulary));
            }
        }
    }

    private static void append(SparkSession spark, String store, Capture capture, Ingest conversations, int vocabulary,
            int draftVocabulary) throws IOException {
        Configuration conf = spark.sparkContext().hadoopConfiguration();
        Optional<HiddenStateStore> pending = HiddenStateStore.openPending(store, conf);
        if (pending.isPresent()) {
            Generation begun = pending.get().changes().orElseThrow();
            if (begun.operation() != Generation.Operation.APPEND) {
                throw new InvalidStoreException("Invalid store " + pending.get().uri() + ": a forget is not finished in it "
                        + "(expected forget to be run again first)");
            }
            System.out.println("prepare: an earlier append is finished first");
            capture.finish(pending.get());
        }
        HiddenStateStore before = HiddenStateStore.open(store, conf);
        try (IngestedTables tables = conversations.beside(StoredConversations.of(spark, before)).run(vocabulary)) {
            System.out.println("prepare: " + tables.report());
            if (tables.report().train() == 0) {
                System.out.println("prepare: the store has all of these conversations; nothing is appended");
                return;
            }
            capture.append(before, tables.tokens(), (folder, attempt, inputs, tokens) ->
                    tables.append(before, conf, folder, attempt, inputs, tokens, draftVocabulary));
        }
    }

    /** Returns what a store's tokens and plan follow from, besides the records of the inputs. */
    private static String decided(Recipe recipe, Path folder, ConversationEncoder encoder, int vocabulary) throws IOException {
        return String.join("\n", recipe.deciding(Decides.DATA).toString(), recipe.deciding(Decides.STATES).toString(),
                TRAIN_MODE.of(recipe).toString(), PrepareSection.tokenizerFingerprint(folder),
                PrepareSection.templateFingerprint(encoder), encoder.writtenDate().toString(), String.valueOf(vocabulary));
    }
}
