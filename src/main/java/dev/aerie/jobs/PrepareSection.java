package dev.aerie.jobs;

import dev.aerie.draft.LossMode;
import dev.aerie.prepare.CaptureSettings;
import dev.aerie.prepare.Fingerprint;
import dev.aerie.prepare.IngestSettings;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.text.ConversationEncoder;
import dev.aerie.text.ConversationFormat;
import dev.aerie.text.EncoderSettings;
import dev.aerie.text.OrderFault;
import dev.aerie.text.OverLength;
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
import java.util.Locale;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;

/** What the recipe's sections {@code data} and {@code store} say, as prepare takes it. */
final class PrepareSection {

    private PrepareSection() {}

    static IngestSettings ingest(Recipe recipe, EncoderSettings encoder) {
        List<IngestSettings.Input> inputs = new ArrayList<>();
        for (Recipe input : recipe.sections("data.inputs")) {
            inputs.add(new IngestSettings.Input(input.text("path"), ConversationFormat.of(input.text("format")),
                    input.optionalInteger("limit").orElse(0)));
        }
        return new IngestSettings(inputs, encoder, recipe.number("data.min_supervised_share"),
                recipe.integer("data.held_out.count"), recipe.whole("store.seed"));
    }

    /**
     * How conversations are encoded for a recipe.
     *
     * @param target the model's folder, or its URI
     * @throws IOException if the template or the store cannot be read
     */
    static EncoderSettings encoder(Recipe recipe, String target, Configuration hadoop) throws IOException {
        return new EncoderSettings(
                target,
                template(recipe, hadoop),
                recipe.optionalText("data.system_prompt").orElse(null),
                recipe.optionalText("data.assistant_header").orElse(null),
                recipe.optionalText("data.end_of_turn").orElse(null),
                recipe.integer("data.max_length"),
                OverLength.valueOf(recipe.text("data.over_length").toUpperCase(Locale.ROOT)),
                OrderFault.REFUSE,
                false,
                recipe.mapping("data.template_variables"),
                date(recipe, hadoop),
                recipe.text("train.mode").equals("strict") ? LossMode.STRICT_RUN : 1);
    }

    /** Read here, once, and sent to the executors: they need no access to it, and cannot see another one. */
    private static String template(Recipe recipe, Configuration hadoop) throws IOException {
        if (!recipe.has("data.template")) {
            return null;
        }
        org.apache.hadoop.fs.Path file = new org.apache.hadoop.fs.Path(recipe.text("data.template"));
        try (InputStream in = file.getFileSystem(hadoop).open(file)) {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(in.readAllBytes())).toString();
        } catch (FileNotFoundException e) {
            throw recipe.contradiction("data.template", "a file, there is none");
        } catch (CharacterCodingException e) {
            throw recipe.contradiction("data.template", "a file in UTF-8");
        }
    }

    /** The recipe's date, else that of the store that is gone on with, else today's in UTC. */
    private static LocalDate date(Recipe recipe, Configuration hadoop) throws IOException {
        if (recipe.has("data.date")) {
            try {
                return LocalDate.parse(recipe.text("data.date"));
            } catch (DateTimeParseException e) {
                throw recipe.contradiction("data.date", "a day as YYYY-MM-DD");
            }
        }
        if (recipe.has("store.path") && HiddenStateStore.exists(recipe.text("store.path"), hadoop)) {
            String stored = HiddenStateStore.openPartial(recipe.text("store.path"), hadoop).settings().date();
            if (stored != null) {
                return LocalDate.parse(stored);
            }
        }
        return LocalDate.now(ZoneOffset.UTC);
    }

    static CaptureSettings capture(Recipe recipe, Path folder, TargetConfig target, SparkConf conf, ConversationEncoder encoder)
            throws IOException {
        TargetSection.onGpu(recipe, conf);
        return new CaptureSettings(
                TargetSection.model(recipe),
                TargetSection.dtype(recipe, conf),
                TargetSection.captureLayers(recipe, target),
                recipe.text("runtime.device"),
                recipe.text("store.path"),
                recipe.text("store.codec"),
                TeacherRows.of(recipe.text("store.teacher_rows")),
                recipe.whole("store.shard_tokens"),
                TargetSection.residency(recipe),
                recipe.integer("target.micro_batch_tokens"),
                recipe.whole("target.wave_memory"),
                recipe.whole("store.seed"),
                recipe.integer("data.held_out.max_new_tokens"),
                recipe.number("store.max_refused_share"),
                tokenizerFingerprint(folder),
                templateFingerprint(encoder));
    }

    static String tokenizerFingerprint(Path target) throws IOException {
        return Fingerprint.of(target.resolve("tokenizer.json"));
    }

    static String templateFingerprint(ConversationEncoder encoder) {
        return Fingerprint.of(encoder.templateFingerprintText());
    }
}
