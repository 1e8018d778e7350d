package dev.aerie.jobs;

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
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** The first job: conversations to tokens to the target's hidden states. */
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
        Configuration hadoop = TargetSection.hadoop(recipe);
        Locations.requireKnown(recipe, hadoop, "target.model");
        for (Recipe input : recipe.sections("data.inputs")) {
            Locations.requireKnown(input, hadoop, "path");
        }
        String store = recipe.text("store.path");
        List<String> places = new ArrayList<>(List.of(store));
        recipe.sections("data.inputs").forEach(input -> places.add(input.text("path")));
        FirstContact.require(hadoop, List.of(TargetSection.model(recipe)), places);
        Path folder = TargetSection.folder(recipe, hadoop);
        TargetConfig target = Target.config(folder);
        IngestSettings ingest = PrepareSection.ingest(
                recipe, PrepareSection.encoder(recipe, TargetSection.model(recipe), hadoop));
        ConversationEncoder encoder = new ConversationEncoder(ingest.encoder().withModelFolder(folder.toString()));
        encoder.requireFits(target.vocabSize());
        Locations.requireWritable(recipe, "store.path", hadoop);
        try (SparkSession spark = Session.open(recipe, "prepare", hadoop)) {
            Configuration conf = spark.sparkContext().hadoopConfiguration();
            CaptureSettings settings = PrepareSection.capture(recipe, folder, target, spark.sparkContext().getConf(), encoder);
            Capture capture = new Capture(spark, settings, System.out);
            encoder.writtenDate().ifPresent(capture::dated);
            if (recipe.has("store.max_bytes")) {
                capture.within(recipe.whole("store.max_bytes"));
            }
            capture.requireCompatibleStore();
            KeptRecipe.print(recipe);
            try (IngestedTables tables = new Ingest(spark, ingest).run(target.vocabSize())) {
                System.out.println("prepare: " + tables.report());
                int vocabulary = Math.min(recipe.integer("draft.vocab_size"), target.vocabSize());
                capture.run(tables.tokens(), inputs -> tables.write(store, conf, inputs, vocabulary));
            }
            KeptRecipe.keep(recipe, store, conf);
        }
        return 0;
    }
}
