package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.COLUMN_CONVERSATION;
import static dev.aerie.jobs.RecipeKeys.COLUMN_ID;
import static dev.aerie.jobs.RecipeKeys.COLUMN_SOURCE;
import static dev.aerie.jobs.RecipeKeys.DATA_ASSISTANT_HEADER;
import static dev.aerie.jobs.RecipeKeys.DATA_DATE;
import static dev.aerie.jobs.RecipeKeys.DATA_END_OF_TURN;
import static dev.aerie.jobs.RecipeKeys.DATA_HELD_OUT_COUNT;
import static dev.aerie.jobs.RecipeKeys.DATA_HELD_OUT_MAX_NEW_TOKENS;
import static dev.aerie.jobs.RecipeKeys.DATA_INPUTS;
import static dev.aerie.jobs.RecipeKeys.DATA_MAX_LENGTH;
import static dev.aerie.jobs.RecipeKeys.DATA_MIN_SUPERVISED_SHARE;
import static dev.aerie.jobs.RecipeKeys.DATA_OVER_LENGTH;
import static dev.aerie.jobs.RecipeKeys.DATA_SYSTEM_PROMPT;
import static dev.aerie.jobs.RecipeKeys.DATA_TEMPLATE;
import static dev.aerie.jobs.RecipeKeys.DATA_TEMPLATE_VARIABLES;
import static dev.aerie.jobs.RecipeKeys.INPUT_COLUMNS;
import static dev.aerie.jobs.RecipeKeys.INPUT_FORMAT;
import static dev.aerie.jobs.RecipeKeys.INPUT_LIMIT;
import static dev.aerie.jobs.RecipeKeys.INPUT_PATH;
import static dev.aerie.jobs.RecipeKeys.INPUT_QUERY;
import static dev.aerie.jobs.RecipeKeys.INPUT_TABLE;
import static dev.aerie.jobs.RecipeKeys.STORE_CODEC;
import static dev.aerie.jobs.RecipeKeys.STORE_CONTAINER;
import static dev.aerie.jobs.RecipeKeys.STORE_MAX_REFUSED_SHARE;
import static dev.aerie.jobs.RecipeKeys.STORE_PATH;
import static dev.aerie.jobs.RecipeKeys.STORE_SEED;
import static dev.aerie.jobs.RecipeKeys.STORE_SHARD_TOKENS;
import static dev.aerie.jobs.RecipeKeys.STORE_TEACHER_ROWS;
import static dev.aerie.jobs.RecipeKeys.TARGET_MICRO_BATCH_TOKENS;
import static dev.aerie.jobs.RecipeKeys.TARGET_WAVE_MEMORY;
import static dev.aerie.jobs.RecipeKeys.TRAIN_MODE;

import dev.aerie.clean.CleaningSettings;
import dev.aerie.draft.LossMode;
import dev.aerie.files.Sha256;
import dev.aerie.host.HostModel;
import dev.aerie.prepare.CaptureSettings;
import dev.aerie.prepare.Fingerprint;
import dev.aerie.prepare.IngestSettings;
import dev.aerie.spark.TargetSettings;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.target.Target;
import dev.aerie.text.ConversationEncoder;
import dev.aerie.text.EncoderSettings;
import dev.aerie.text.OrderFault;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/** Reads the recipe's sections {@code data} and {@code store} for prepare. */
final class PrepareSection {

    private PrepareSection() {}

    static IngestSettings ingest(Recipe recipe, HostModel model, EncoderSettings encoder) {
        List<IngestSettings.Input> inputs = new ArrayList<>();
        for (Recipe input : DATA_INPUTS.of(recipe)) {
            inputs.add(input(input));
        }
        return new IngestSettings(model, inputs, cleaning(recipe), encoder, DATA_MIN_SUPERVISED_SHARE.of(recipe),
                DATA_HELD_OUT_COUNT.of(recipe), STORE_SEED.of(recipe));
    }

    private static CleaningSettings cleaning(Recipe recipe) {
        return new CleaningSettings(
                bounds(recipe, RecipeKeys.DATA_CLEAN_MIN_CHARACTERS, RecipeKeys.DATA_CLEAN_MAX_CHARACTERS),
                bounds(recipe, RecipeKeys.DATA_CLEAN_MIN_TURNS, RecipeKeys.DATA_CLEAN_MAX_TURNS),
                RecipeKeys.DATA_WHERE.of(recipe).orElse(null), RecipeKeys.DATA_CLEAN_THRESHOLD.of(recipe).orElse(0.0),
                RecipeKeys.DATA_CLEAN_KEEP.of(recipe));
    }

    private static CleaningSettings.Bounds bounds(Recipe recipe, RecipeKey<Optional<Integer>> min, RecipeKey<Optional<Integer>> max) {
        int least = min.of(recipe).orElse(0);
        int most = max.of(recipe).orElse(0);
        if (most > 0 && least > most) {
            throw recipe.contradiction(max, "at least " + min.path() + ", " + least);
        }
        return new CleaningSettings.Bounds(least, most);
    }

    /** @param input an element of {@code data.inputs} */
    static IngestSettings.Input input(Recipe input) {
        IngestSettings.Columns columns = INPUT_COLUMNS.of(input).map(named -> new IngestSettings.Columns(
                COLUMN_ID.of(named).orElse(null), COLUMN_CONVERSATION.of(named).orElse(null), COLUMN_SOURCE.of(named).orElse(null)))
                .orElse(IngestSettings.Columns.BY_NAME);
        IngestSettings.Origin origin;
        if (INPUT_TABLE.isSet(input)) {
            origin = new IngestSettings.Table(INPUT_TABLE.of(input).orElseThrow(), columns);
        } else if (INPUT_QUERY.isSet(input)) {
            origin = new IngestSettings.Query(INPUT_QUERY.of(input).orElseThrow(), columns);
        } else {
            origin = new IngestSettings.Files(INPUT_PATH.of(input).orElseThrow());
        }
        return new IngestSettings.Input(origin, INPUT_FORMAT.of(input), INPUT_LIMIT.of(input).orElse(0));
    }

    /**
     * Returns how conversations are encoded for a recipe.
     *
     * @param target the model's folder on this host
     * @throws IOException if the template or the store cannot be read
     */
    static EncoderSettings encoder(Recipe recipe, Path target, Configuration hadoop) throws IOException {
        return new EncoderSettings(
                target.toString(),
                new EncoderSettings.Rendering(template(recipe, hadoop), DATA_SYSTEM_PROMPT.of(recipe).orElse(null),
                        DATA_TEMPLATE_VARIABLES.of(recipe).orElse(Map.of()), date(recipe, hadoop)),
                new EncoderSettings.Supervision(DATA_ASSISTANT_HEADER.of(recipe).orElse(null),
                        DATA_END_OF_TURN.of(recipe).orElse(null), false,
                        TRAIN_MODE.of(recipe) == LossMode.STRICT ? LossMode.STRICT_RUN : 1),
                new EncoderSettings.Length(DATA_MAX_LENGTH.of(recipe), DATA_OVER_LENGTH.of(recipe)),
                OrderFault.REFUSE);
    }

    /** Read here, once, and sent to the executors: they need no access to it, and cannot see another one. */
    private static String template(Recipe recipe, Configuration hadoop) throws IOException {
        if (!DATA_TEMPLATE.isSet(recipe)) {
            return null;
        }
        org.apache.hadoop.fs.Path file = new org.apache.hadoop.fs.Path(DATA_TEMPLATE.of(recipe).orElseThrow());
        try (InputStream in = file.getFileSystem(hadoop).open(file)) {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(in.readAllBytes())).toString();
        } catch (FileNotFoundException e) {
            throw recipe.contradiction(DATA_TEMPLATE, "a file, there is none");
        } catch (CharacterCodingException e) {
            throw recipe.contradiction(DATA_TEMPLATE, "a file in UTF-8");
        }
    }

    /** Returns the recipe's date, else that of the store that is gone on with, else today's in UTC. */
    private static LocalDate date(Recipe recipe, Configuration hadoop) throws IOException {
        if (DATA_DATE.isSet(recipe)) {
            try {
                return LocalDate.parse(DATA_DATE.of(recipe).orElseThrow());
            } catch (DateTimeParseException e) {
                throw recipe.contradiction(DATA_DATE, "a day as YYYY-MM-DD");
            }
        }
        if (STORE_PATH.isSet(recipe) && HiddenStateStore.exists(STORE_PATH.of(recipe), hadoop)) {
            String stored = HiddenStateStore.openPartial(STORE_PATH.of(recipe), hadoop).settings().date();
            if (stored != null) {
                return LocalDate.parse(stored);
            }
        }
        return LocalDate.now(ZoneOffset.UTC);
    }

    /** @param folder of the target on this host */
    static CaptureSettings capture(Recipe recipe, TargetSettings target, Path folder, ConversationEncoder encoder)
            throws IOException {
        return new CaptureSettings(
                target,
                TargetSection.captureLayers(recipe, Target.config(folder)),
                new CaptureSettings.Waves(TARGET_MICRO_BATCH_TOKENS.of(recipe), TARGET_WAVE_MEMORY.of(recipe)),
                new CaptureSettings.Output(STORE_PATH.of(recipe), STORE_CODEC.of(recipe).name(),
                        STORE_CONTAINER.of(recipe), STORE_TEACHER_ROWS.of(recipe),
                        STORE_SHARD_TOKENS.of(recipe), STORE_SEED.of(recipe)),
                new CaptureSettings.Origin(tokenizerFingerprint(folder), templateFingerprint(encoder),
                        recipe.deciding(Decides.STATES)),
                DATA_HELD_OUT_MAX_NEW_TOKENS.of(recipe),
                STORE_MAX_REFUSED_SHARE.of(recipe),
                TargetSection.resources(recipe));
    }

    static String tokenizerFingerprint(Path target) throws IOException {
        return Fingerprint.of(target.resolve("tokenizer.json"));
    }

    static String templateFingerprint(ConversationEncoder encoder) {
        return Sha256.of(encoder.templateFingerprintText());
    }
}
