package dev.aerie.jobs;

import dev.aerie.prepare.CaptureSettings;
import dev.aerie.prepare.Fingerprint;
import dev.aerie.prepare.IngestSettings;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.text.ConversationEncoder;
import dev.aerie.text.ConversationFormat;
import dev.aerie.text.EncoderSettings;
import dev.aerie.text.OrderFault;
import dev.aerie.text.OverLength;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.spark.SparkConf;

/** What the recipe's sections {@code data} and {@code store} say, as prepare takes it. */
final class PrepareSection {

    private PrepareSection() {}

    static IngestSettings ingest(Recipe recipe, String target) {
        List<IngestSettings.Input> inputs = new ArrayList<>();
        for (Recipe input : recipe.sections("data.inputs")) {
            inputs.add(new IngestSettings.Input(input.text("path"), ConversationFormat.of(input.text("format")),
                    input.optionalInteger("limit").orElse(0)));
        }
        return new IngestSettings(inputs, encoder(recipe, target), recipe.number("data.min_supervised_share"),
                recipe.integer("data.held_out.count"), recipe.whole("store.seed"));
    }

    static EncoderSettings encoder(Recipe recipe, String target) {
        return new EncoderSettings(
                target,
                recipe.optionalText("data.template").orElse(null),
                recipe.optionalText("data.system_prompt").orElse(null),
                recipe.optionalText("data.assistant_header").orElse(null),
                recipe.optionalText("data.end_of_turn").orElse(null),
                recipe.integer("data.max_length"),
                OverLength.valueOf(recipe.text("data.over_length").toUpperCase(Locale.ROOT)),
                OrderFault.REFUSE,
                false);
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
