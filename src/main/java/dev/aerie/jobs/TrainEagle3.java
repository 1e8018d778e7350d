package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.DATA_TEMPLATE;
import static dev.aerie.jobs.RecipeKeys.STORE_PATH;
import static dev.aerie.jobs.RecipeKeys.TARGET_MODEL;
import static dev.aerie.jobs.RecipeKeys.TRAIN_OUTPUT;

import dev.aerie.draft.DraftConfig;
import dev.aerie.files.Folder;
import dev.aerie.gang.GangSettings;
import dev.aerie.host.HostModel;
import dev.aerie.prepare.Fingerprint;
import dev.aerie.prepare.TokenFrequencies;
import dev.aerie.prepare.TrainingSubset;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.StoreSettings;
import dev.aerie.store.TrainingRecord;
import dev.aerie.text.ConversationEncoder;
import dev.aerie.text.DraftVocabulary;
import dev.aerie.train.StoreInputs;
import dev.aerie.train.TrainSettings;
import dev.aerie.train.TrainedDraft;
import dev.aerie.train.Training;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** The training job: trains a draft from the store on a gang of ranks. */
@Command(name = "train-eagle3", description = "Trains a draft from a hidden-state store; goes on from the last checkpoint.")
public final class TrainEagle3 implements Callable<Integer> {

    @Mixin
    private RecipeOptions options;

    public static void main(String[] arguments) {
        CommandLines.main(new TrainEagle3(), arguments);
    }

    @Override
    public Integer call() throws IOException {
        Recipe recipe = options.recipe();
        Configuration hadoop = HadoopConf.submitted();
        String storeFolder = STORE_PATH.of(recipe);
        String output = TRAIN_OUTPUT.of(recipe);
        TrainSettings settings = TrainSection.settings(recipe);
        GangSettings gang = TrainSection.gang(recipe);
        Places.requireApart(recipe, hadoop);
        Places.requireReachable(hadoop, Place.of(recipe, TARGET_MODEL, STORE_PATH, TRAIN_OUTPUT, DATA_TEMPLATE));
        HostModel model = TargetSection.model(recipe, hadoop);
        Path target = TargetSection.folder(model, hadoop);
        try (SparkSession spark = Session.open(recipe, "train")) {
            Configuration conf = spark.sparkContext().hadoopConfiguration();
            HiddenStateStore store = open(storeFolder, output, conf);
            requireMadeFrom(recipe, target, store, conf);
            List<Integer> layers = TrainSection.layers(recipe, store.settings().states().captureLayers());
            DraftConfig draft = TrainSection.draft(recipe, target, layers);
            Optional<TrainingSubset> subset = TrainSection.subset(recipe, spark, store, draft.vocabSize());
            TokenFrequencies said = subset.isPresent() ? subset.get().frequencies() : TokenFrequencies.read(store, conf);
            DraftVocabulary vocabulary = said.draftVocabulary(draft.draftVocabSize());
            TargetSection.onGpu(recipe, spark.sparkContext().getConf());
            Places.requireWritable(Place.single(recipe, TRAIN_OUTPUT), conf);
            KeptRecipe.print(recipe);
            record(store, output, subset.isPresent(), 0, conf);
            TrainedDraft trained = Training.run(spark.sparkContext(), gang, settings,
                    new StoreInputs(store, layers, model, draft, vocabulary,
                            subset.map(TrainingSubset::ids).orElse(null)), output, System.out);
            KeptRecipe.keep(recipe, output, conf);
            record(store, output, subset.isPresent(), trained.step(), conf);
            System.out.println("train: step " + trained.step() + " is in " + trained);
        }
        return 0;
    }

    /** Opens the generation that the training began with, else the newest. */
    private static HiddenStateStore open(String store, String output, Configuration conf) throws IOException {
        OptionalInt begun = TrainedDraft.generation(output, conf);
        return begun.isPresent() ? HiddenStateStore.open(store, conf, begun.getAsInt()) : HiddenStateStore.open(store, conf);
    }

    /** Leaves a record in the store, so that forget can say what has learned from a conversation. */
    private static void record(HiddenStateStore store, String output, boolean part, long step, Configuration conf) {
        try {
            TrainingRecord.of(Folder.at(output, conf).uri(), store.generation(), part, step).write(store.uri(), conf);
        } catch (IOException e) {
            System.out.println("train: " + store.uri() + " cannot be written to, so forget will not list this training: "
                    + e.getMessage());
        }
    }

    /** Refuses a store whose fingerprints differ: its states belong to another target or another text. */
    private static void requireMadeFrom(Recipe recipe, Path target, HiddenStateStore store, Configuration conf)
            throws IOException {
        StoreSettings made = store.settings();
        made.require("fingerprints.target", Fingerprint.ofTarget(target), store.uri());
        made.require("fingerprints.tokenizer", PrepareSection.tokenizerFingerprint(target), store.uri());
        try (ConversationEncoder encoder = new ConversationEncoder(PrepareSection.encoder(recipe, target, conf))) {
            made.require("fingerprints.template", PrepareSection.templateFingerprint(encoder), store.uri());
        }
    }
}
