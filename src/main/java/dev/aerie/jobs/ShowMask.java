package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.DATA_INPUTS;
import static dev.aerie.jobs.RecipeKeys.DATA_TEMPLATE;
import static dev.aerie.jobs.RecipeKeys.INPUT_FORMAT;
import static dev.aerie.jobs.RecipeKeys.INPUT_PATH;
import static dev.aerie.jobs.RecipeKeys.TARGET_MODEL;

import dev.aerie.prepare.ConversationFiles;
import dev.aerie.prepare.InputTable;
import dev.aerie.text.Conversation;
import dev.aerie.text.ConversationEncoder;
import dev.aerie.text.ConversationReader;
import dev.aerie.text.EncoderSettings;
import dev.aerie.text.InputRecord;
import dev.aerie.text.Rejection;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Shows, before a data set is prepared, the text that the target reads and the part that the draft learns from. */
@Command(name = "show-mask", description = "Prints a record of data.inputs as it is rendered, its supervised text marked.")
final class ShowMask implements Callable<Integer> {

    @Mixin
    private RecipeOptions options;

    @Option(names = "--input", defaultValue = "0", paramLabel = "N", description = "Which of data.inputs, from 0.")
    private int input;

    @Option(names = "--record", defaultValue = "0", paramLabel = "N", description = "Which record of its first file or its table, from 0.")
    private int record;

    @Override
    public Integer call() throws IOException {
        Recipe recipe = options.recipe();
        List<Recipe> inputs = DATA_INPUTS.of(recipe);
        if (input < 0 || input >= inputs.size()) {
            throw new RecipeException("Invalid --input: " + input + " (expected 0 to " + (inputs.size() - 1) + ")");
        }
        Configuration hadoop = HadoopConf.submitted();
        List<Place> places = new ArrayList<>(Place.of(recipe, TARGET_MODEL, DATA_TEMPLATE));
        places.addAll(Place.of(inputs.get(input), INPUT_PATH));
        Places.requireReachable(hadoop, places);
        Path target = TargetSection.folder(TargetSection.model(recipe, hadoop), hadoop);
        EncoderSettings settings = PrepareSection.encoder(recipe, target, hadoop);
        try (ConversationEncoder encoder = new ConversationEncoder(settings)) {
            InputRecord read = INPUT_PATH.isSet(inputs.get(input))
                    ? read(inputs.get(input), hadoop) : readTable(recipe, inputs.get(input));
            System.out.println(read instanceof Conversation conversation
                    ? encoder.preview(conversation)
                    : "quarantined: " + ((Rejection) read).reason());
        }
        return 0;
    }

    private InputRecord readTable(Recipe recipe, Recipe source) throws IOException {
        try (SparkSession spark = Session.open(recipe, "show-mask")) {
            InputRecord read = InputTable.find(spark, PrepareSection.input(source), 0, input).record(record);
            if (read == null) {
                throw new RecipeException("Invalid --record: " + record + " (expected one of data.inputs[" + input + "])");
            }
            return read;
        }
    }

    private InputRecord read(Recipe source, Configuration hadoop) throws IOException {
        List<String> files = ConversationFiles.find(INPUT_PATH.of(source).orElseThrow(), hadoop);
        if (files.isEmpty()) {
            throw source.contradiction(INPUT_PATH, "a file, a folder with files or a glob that matches some");
        }
        try (ConversationReader reader =
                ConversationFiles.open(files.get(0), hadoop, INPUT_FORMAT.of(source))) {
            for (int i = 0; reader.hasNext(); i++) {
                InputRecord read = reader.next();
                if (i == record) {
                    return read;
                }
            }
            throw new RecipeException("Invalid --record: " + record + " (expected one of " + files.get(0) + ")");
        }
    }
}
