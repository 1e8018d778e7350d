package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.DATA_TEMPLATE;
import static dev.aerie.jobs.RecipeKeys.EVALUATE_DRAFT_TOKENS;
import static dev.aerie.jobs.RecipeKeys.EVALUATE_MAX_NEW_TOKENS;
import static dev.aerie.jobs.RecipeKeys.EVALUATE_OUTPUT;
import static dev.aerie.jobs.RecipeKeys.EVALUATE_PROMPTS_FORMAT;
import static dev.aerie.jobs.RecipeKeys.EVALUATE_PROMPTS_LIMIT;
import static dev.aerie.jobs.RecipeKeys.EVALUATE_PROMPTS_PATH;
import static dev.aerie.jobs.RecipeKeys.STORE_PATH;
import static dev.aerie.jobs.RecipeKeys.TARGET_MODEL;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.evaluate.AcceptanceReport;
import dev.aerie.evaluate.BigramTable;
import dev.aerie.evaluate.EvaluateSettings;
import dev.aerie.evaluate.Evaluation;
import dev.aerie.evaluate.Prompt;
import dev.aerie.evaluate.PromptFormat;
import dev.aerie.evaluate.PromptReader;
import dev.aerie.files.Folder;
import dev.aerie.host.HostModel;
import dev.aerie.prepare.TokensTable;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.target.Target;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.text.ConversationEncoder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** The evaluation job: measures how many drafted tokens the target accepts. */
@Command(name = "evaluate-eagle3", description = "Measures how many tokens of an exported draft its target accepts.")
public final class EvaluateEagle3 implements Callable<Integer> {

    private static final String REPORT = "acceptance.json";

    @Mixin
    private RecipeOptions options;

    public static void main(String[] arguments) {
        CommandLines.main(new EvaluateEagle3(), arguments);
    }

    @Override
    public Integer call() throws IOException {
        Recipe recipe = options.recipe();
        Configuration hadoop = HadoopConf.submitted();
        EVALUATE_PROMPTS_PATH.of(recipe);
        Places.requireApart(recipe, hadoop);
        Places.requireReachable(hadoop, places(recipe));
        HostModel model = TargetSection.model(recipe, hadoop);
        Path folder = TargetSection.folder(model, hadoop);
        TargetConfig target = Target.config(folder);
        HostModel draft = EvaluateSection.draft(recipe, target, hadoop);
        int room = target.maxPositions() - EVALUATE_MAX_NEW_TOKENS.of(recipe) - EVALUATE_DRAFT_TOKENS.of(recipe);
        if (room < 1) {
            throw recipe.contradiction(EVALUATE_MAX_NEW_TOKENS, "less than the target's " + target.maxPositions()
                    + " positions without the drafted tokens and a prompt");
        }
        try (ConversationEncoder encoder = new ConversationEncoder(PrepareSection.encoder(recipe, folder, hadoop));
                SparkSession spark = Session.open(recipe, "evaluate")) {
            encoder.requireFits(target.vocabSize());
            Configuration conf = spark.sparkContext().hadoopConfiguration();
            EvaluateSettings settings = EvaluateSection.settings(recipe, model, draft, spark.sparkContext().getConf());
            PromptFormat format = EVALUATE_PROMPTS_FORMAT.of(recipe);
            List<Prompt> prompts = new PromptReader(format, encoder::encodePrompt, room)
                    .read(EVALUATE_PROMPTS_PATH.of(recipe), conf,
                            EVALUATE_PROMPTS_LIMIT.of(recipe).orElse(Integer.MAX_VALUE));
            for (Place output : Place.of(recipe, EVALUATE_OUTPUT)) {
                Places.requireWritable(output, conf);
            }
            KeptRecipe.print(recipe);
            AcceptanceReport report = Evaluation.run(JavaSparkContext.fromSparkContext(spark.sparkContext()), settings, prompts,
                    bigrams(recipe, spark, target, conf),
                    done -> System.out.println("evaluate: " + done + " of " + prompts.size() + " prompts"));
            System.out.print(report);
            if (EVALUATE_OUTPUT.of(recipe).isPresent()) {
                String output = EVALUATE_OUTPUT.of(recipe).get();
                keep(report, output, conf);
                KeptRecipe.keep(recipe, output, conf);
            }
        }
        return 0;
    }

    private static List<Place> places(Recipe recipe) {
        List<Place> places = Place.of(recipe, TARGET_MODEL, DATA_TEMPLATE, EVALUATE_PROMPTS_PATH, STORE_PATH, EVALUATE_OUTPUT);
        places.add(EvaluateSection.draftPlace(recipe));
        return places;
    }

    /** Returns a bigram table of the store's training text as a baseline; null if there is no store. */
    private static BigramTable bigrams(Recipe recipe, SparkSession spark, TargetConfig target, Configuration conf)
            throws IOException {
        if (!STORE_PATH.isSet(recipe) || !HiddenStateStore.exists(STORE_PATH.of(recipe), conf)) {
            System.out.println("evaluate: no store at " + STORE_PATH.path() + ", so no bigram table to compare with");
            return null;
        }
        return BigramTable.of(TokensTable.read(spark, STORE_PATH.of(recipe)), target.vocabSize());
    }

    private static void keep(AcceptanceReport report, String folder, Configuration conf) throws IOException {
        Folder files = Folder.at(folder, conf);
        files.write(REPORT, new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsBytes(report.toJson()));
        System.out.println("evaluate: " + files.path(REPORT));
    }
}
