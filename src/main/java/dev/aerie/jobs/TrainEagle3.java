package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.DATA_INPUTS;
import static dev.aerie.jobs.RecipeKeys.DATA_TEMPLATE;
import static dev.aerie.jobs.RecipeKeys.STORE_PATH;
import static dev.aerie.jobs.RecipeKeys.STORE_ROLLING;
import static dev.aerie.jobs.RecipeKeys.TARGET_MODEL;
import static dev.aerie.jobs.RecipeKeys.TRAIN_CAPTURE;
import static dev.aerie.jobs.RecipeKeys.TRAIN_OUTPUT;

import dev.aerie.draft.DraftConfig;
import dev.aerie.files.Folder;
import dev.aerie.gang.GangSettings;
import dev.aerie.host.HostModel;
import dev.aerie.prepare.Capture;
import dev.aerie.prepare.Fingerprint;
import dev.aerie.prepare.IngestSettings;
import dev.aerie.prepare.RollingCapture;
import dev.aerie.prepare.TokenFrequencies;
import dev.aerie.prepare.TrainingSubset;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.StoreSettings;
import dev.aerie.store.TrainingRecord;
import dev.aerie.target.Target;
import dev.aerie.text.ConversationEncoder;
import dev.aerie.text.DraftVocabulary;
import dev.aerie.train.RollingTraining;
import dev.aerie.train.StoreInputs;
import dev.aerie.train.TrainSettings;
import dev.aerie.train.TrainedDraft;
import dev.aerie.train.Training;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
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
            boolean rolling = STORE_ROLLING.of(recipe);
            Capture capture = rolling && TRAIN_CAPTURE.of(recipe) ? planned(recipe, spark, model, target) : null;
            HiddenStateStore store = rolling ? HiddenStateStore.openPartial(storeFolder, conf) : open(storeFolder, output, conf);
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
            Set<String> ids = subset.map(TrainingSubset::ids).orElse(null);
            TrainedDraft trained;
            if (rolling) {
                boolean inTurn = capture != null && RollingJobs.inTurn(recipe, spark);
                StoreInputs inputs = StoreInputs.rolling(store.uri(), store.settings(), RollingCapture.plan(spark, store, ids), layers,
                        model, draft, vocabulary, new RollingTraining(Folder.at(output, conf).uri(), inTurn,
                                RollingJobs.patience(recipe)));
                trained = RollingJobs.train(recipe, spark, gang, settings, inputs, output, capture, inTurn);
            } else {
                trained = Training.run(spark.sparkContext(), gang, settings,
                        new StoreInputs(store, layers, model, draft, vocabulary, ids), output, System.out);
            }
            KeptRecipe.keep(recipe, output, conf);
            record(store, output, subset.isPresent(), trained.step(), conf);
            System.out.println("train: step " + trained.step() + " is in " + trained);
        }
        return 0;
    }

    /** Plans a rolling store, unless prepare did, and returns what makes its shards. */
    private static Capture planned(Recipe recipe, SparkSession spark, HostModel model, Path target) throws IOException {
        RollingJobs.budget(recipe);
        Configuration conf = spark.sparkContext().hadoopConfiguration();
        Places.requireReachable(conf, Place.of(recipe, DATA_INPUTS));
        Places.requireWritable(Place.single(recipe, STORE_PATH), conf);
        IngestSettings ingest = PrepareSection.ingest(recipe, model, PrepareSection.encoder(recipe, target, conf));
        try (ConversationEncoder encoder = new ConversationEncoder(ingest.encoder())) {
            int vocabulary = Target.config(target).vocabSize();
            encoder.requireFits(vocabulary);
            Capture capture = PrepareHiddenStates.capture(recipe, spark, PrepareSection.capture(recipe,
                    TargetSection.settings(recipe, model, spark.sparkContext().getConf()), target, encoder), encoder);
            PrepareHiddenStates.plan(recipe, spark, capture, ingest, target, encoder, vocabulary);
            return capture;
        }
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
