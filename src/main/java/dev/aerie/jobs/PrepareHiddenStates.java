package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.DATA_INPUTS;
import static dev.aerie.jobs.RecipeKeys.DATA_TEMPLATE;
import static dev.aerie.jobs.RecipeKeys.DRAFT_VOCAB_SIZE;
import static dev.aerie.jobs.RecipeKeys.STORE_MAX_BYTES;
import static dev.aerie.jobs.RecipeKeys.STORE_PATH;
import static dev.aerie.jobs.RecipeKeys.TARGET_MODEL;
import static dev.aerie.jobs.RecipeKeys.TRAIN_MODE;

import dev.aerie.host.HostModel;
import dev.aerie.prepare.Capture;
import dev.aerie.prepare.CaptureSettings;
import dev.aerie.prepare.Ingest;
import dev.aerie.prepare.IngestSettings;
import dev.aerie.prepare.IngestedTables;
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

/** The first job: makes tokens and then the target's hidden states of conversations. */
@Command(name = "prepare-hidden-states",
        description = "Makes the hidden-state store of a recipe's conversations and target; goes on where a run stopped.")
public final class PrepareHiddenStates implements Callable<Integer> {

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
        HostModel model = TargetSection.model(recipe, hadoop);
        Path folder = TargetSection.folder(model, hadoop);
        TargetConfig target = Target.config(folder);
        IngestSettings ingest = PrepareSection.ingest(recipe, model, PrepareSection.encoder(recipe, folder, hadoop));
        try (ConversationEncoder encoder = new ConversationEncoder(ingest.encoder())) {
            encoder.requireFits(target.vocabSize());
            Places.requireWritable(Place.single(recipe, STORE_PATH), hadoop);
            run(recipe, model, ingest, encoder);
        }
        return 0;
    }

    private static void run(Recipe recipe, HostModel model, IngestSettings ingest, ConversationEncoder encoder)
            throws IOException {
        String store = STORE_PATH.of(recipe);
        try (SparkSession spark = Session.open(recipe, "prepare")) {
            Configuration conf = spark.sparkContext().hadoopConfiguration();
            Path folder = model.folder(conf);
            TargetConfig target = Target.config(folder);
            CaptureSettings settings = PrepareSection.capture(
                    recipe, TargetSection.settings(recipe, model, spark.sparkContext().getConf()), folder, encoder);
            Capture capture = new Capture(spark, settings, System.out);
            encoder.writtenDate().ifPresent(capture::dated);
            STORE_MAX_BYTES.of(recipe).ifPresent(capture::within);
            capture.requireCompatibleStore();
            KeptRecipe.print(recipe);
            int vocabulary = Math.min(DRAFT_VOCAB_SIZE.of(recipe), target.vocabSize());
            Ingest conversations = new Ingest(spark, ingest).decidedBy(decided(recipe, folder, encoder, vocabulary));
            Optional<String> origin = conversations.origin();
            boolean known = origin.isPresent() && IngestedTables.isOf(store, conf, origin.get());
            if (known) {
                System.out.println("prepare: the inputs have not changed since the store was planned; they are not read again");
            }
            if (!known || capture.resume().isEmpty()) {
                try (IngestedTables tables = conversations.run(target.vocabSize())) {
                    System.out.println("prepare: " + tables.report());
                    capture.run(tables.tokens(), inputs -> tables.write(store, conf, inputs, vocabulary));
                }
            }
            KeptRecipe.keep(recipe, store, conf);
        }
    }

    /** Returns what a store's tokens and plan follow from, besides the records of the inputs. */
    private static String decided(Recipe recipe, Path folder, ConversationEncoder encoder, int vocabulary) throws IOException {
        return String.join("\n", recipe.deciding(Decides.DATA).toString(), recipe.deciding(Decides.STATES).toString(),
                TRAIN_MODE.of(recipe).toString(), PrepareSection.tokenizerFingerprint(folder),
                PrepareSection.templateFingerprint(encoder), encoder.writtenDate().toString(), String.valueOf(vocabulary));
    }
}
