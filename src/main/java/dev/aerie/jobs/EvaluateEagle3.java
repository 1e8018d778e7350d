package dev.aerie.jobs;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.evaluate.AcceptanceReport;
import dev.aerie.evaluate.BigramTable;
import dev.aerie.evaluate.EvaluateSettings;
import dev.aerie.evaluate.Evaluation;
import dev.aerie.evaluate.Prompt;
import dev.aerie.evaluate.PromptFormat;
import dev.aerie.evaluate.PromptReader;
import dev.aerie.files.Folder;
import dev.aerie.prepare.TokensTable;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.target.Target;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.text.ConversationEncoder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** The measurement: how many drafted tokens the target accepts. */
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
        Configuration hadoop = TargetSection.hadoop(recipe);
        Locations.requireKnown(recipe, hadoop, "target.model", "evaluate.draft", "export.output", "evaluate.prompts.path");
        recipe.text("evaluate.prompts.path");
        FirstContact.require(hadoop, List.of(TargetSection.model(recipe), EvaluateSection.draft(recipe)), places(recipe));
        Path folder = TargetSection.folder(recipe, hadoop);
        TargetConfig target = Target.config(folder);
        String draft = EvaluateSection.draft(recipe, target, hadoop);
        int room = target.maxPositions() - recipe.integer("evaluate.max_new_tokens") - recipe.integer("evaluate.draft_tokens");
        if (room < 1) {
            throw recipe.contradiction("evaluate.max_new_tokens", "less than the target's " + target.maxPositions()
                    + " positions without the drafted tokens and a prompt");
        }
        try (ConversationEncoder encoder = new ConversationEncoder(PrepareSection.encoder(recipe, folder.toString(), hadoop));
                SparkSession spark = Session.open(recipe, "evaluate", hadoop)) {
            encoder.requireFits(target.vocabSize());
            Configuration conf = spark.sparkContext().hadoopConfiguration();
            EvaluateSettings settings = EvaluateSection.settings(recipe, draft, spark.sparkContext().getConf());
            PromptFormat format = PromptFormat.of(recipe.text("evaluate.prompts.format"));
            List<Prompt> prompts = new PromptReader(format, encoder::encodePrompt, room)
                    .read(recipe.text("evaluate.prompts.path"), conf,
                            recipe.optionalInteger("evaluate.prompts.limit").orElse(Integer.MAX_VALUE));
            if (recipe.has("evaluate.output")) {
                Locations.requireWritable(recipe, "evaluate.output", conf);
            }
            KeptRecipe.print(recipe);
            AcceptanceReport report = Evaluation.run(JavaSparkContext.fromSparkContext(spark.sparkContext()), settings, prompts,
                    bigrams(recipe, spark, target, conf),
                    done -> System.out.println("evaluate: " + done + " of " + prompts.size() + " prompts"));
            System.out.print(report);
            if (recipe.has("evaluate.output")) {
                keep(report, recipe.text("evaluate.output"), conf);
                KeptRecipe.keep(recipe, recipe.text("evaluate.output"), conf);
            }
        }
        return 0;
    }

    private static List<String> places(Recipe recipe) {
        return Stream.of("evaluate.prompts.path", "store.path", "evaluate.output")
                .flatMap(key -> recipe.optionalText(key).stream()).toList();
    }

    /** What the store's training text alone predicts, to measure the draft against; null where there is no store. */
    private static BigramTable bigrams(Recipe recipe, SparkSession spark, TargetConfig target, Configuration conf)
            throws IOException {
        if (!recipe.has("store.path") || !HiddenStateStore.exists(recipe.text("store.path"), conf)) {
            System.out.println("evaluate: no store at store.path, so no bigram table to compare with");
            return null;
        }
        return BigramTable.of(TokensTable.read(spark, recipe.text("store.path")), target.vocabSize());
    }

    private static void keep(AcceptanceReport report, String folder, Configuration conf) throws IOException {
        Folder files = Folder.at(folder, conf);
        files.write(REPORT, new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsBytes(report.toJson()));
        System.out.println("evaluate: " + files.path(REPORT));
    }
}
