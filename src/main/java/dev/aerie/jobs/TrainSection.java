package dev.aerie.jobs;

import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.LossMode;
import dev.aerie.gang.GangSettings;
import dev.aerie.spark.DeviceChoice;
import dev.aerie.prepare.TrainingSubset;
import dev.aerie.target.CaptureLayers;
import dev.aerie.target.Target;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.Rope;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.torch.DType;
import dev.aerie.torch.Optimizer;
import dev.aerie.train.BatchSize;
import dev.aerie.train.Schedule;
import dev.aerie.train.TrainSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;

/** What the recipe's sections {@code draft} and {@code train} say, as the trainer takes it. */
final class TrainSection {

    private TrainSection() {}

    static TrainSettings settings(Recipe recipe) {
        return new TrainSettings(
                LossMode.valueOf(recipe.text("train.mode").toUpperCase(Locale.ROOT)),
                recipe.integer("train.epochs"),
                recipe.optionalInteger("train.max_steps").orElse(0),
                batch(recipe),
                recipe.integer("train.micro_batch_tokens"),
                recipe.integer("train.ttt_length"),
                recipe.number("train.learning_rate"),
                recipe.number("train.warmup_ratio"),
                Schedule.of(recipe.text("train.schedule")),
                Optimizer.AdamW.withDecay(recipe.number("train.weight_decay")),
                recipe.number("train.max_grad_norm"),
                recipe.text("train.dtype").equals("auto") ? null : DType.ofFloating(recipe.text("train.dtype")),
                recipe.whole("train.seed"),
                recipe.optionalInteger("runtime.threads").orElse(0),
                recipe.integer("train.checkpoint.every_steps"),
                recipe.integer("train.checkpoint.keep"),
                recipe.integer("train.held_out_every_steps"));
    }

    private static BatchSize batch(Recipe recipe) {
        return recipe.has("train.global_batch_tokens")
                ? new BatchSize.Tokens(recipe.whole("train.global_batch_tokens"))
                : new BatchSize.Conversations(
                        recipe.optionalInteger("train.batch_conversations").orElse(TrainSettings.BATCH_CONVERSATIONS));
    }

    static GangSettings gang(Recipe recipe) {
        return new GangSettings(recipe.integer("train.ranks")).withMaxAttempts(recipe.integer("train.max_attempts"));
    }

    static DeviceChoice device(Recipe recipe) {
        return DeviceChoice.of(recipe.text("runtime.device"));
    }

    /** Which part of the store is trained on; none where it is all of it. */
    static Optional<TrainingSubset> subset(Recipe recipe, SparkSession spark, String store, int targetVocabSize)
            throws IOException {
        if (!recipe.has("train.subset")) {
            return Optional.empty();
        }
        List<TrainingSubset.Source> sources = recipe.sections("train.subset").stream()
                .map(s -> new TrainingSubset.Source(s.text("source"), s.optionalInteger("limit").orElse(0)))
                .toList();
        return Optional.of(TrainingSubset.read(spark, store, sources, targetVocabSize));
    }

    /**
     * The shape of the draft: the target's own, where the recipe does not say otherwise.
     *
     * @param layers captured ones
     */
    static DraftConfig draft(Recipe recipe, Path target, List<Integer> layers) {
        TargetConfig config = Target.config(target);
        int hidden = recipe.optionalInteger("draft.hidden_size").orElse(config.hiddenSize());
        if (hidden != config.hiddenSize()) {
            throw recipe.contradiction("draft.hidden_size", config.hiddenSize() + ", the width of the target's embeddings");
        }
        int headDim = recipe.optionalInteger("draft.head_dim").orElse(config.headDim());
        return new DraftConfig(
                hidden,
                recipe.optionalInteger("draft.intermediate_size")
                        .orElseGet(() -> intermediateSize(ConfigJson.read(target.resolve("config.json")))),
                recipe.optionalInteger("draft.num_attention_heads").orElse(config.heads()),
                recipe.optionalInteger("draft.num_key_value_heads").orElse(config.kvHeads()),
                headDim,
                config.hiddenSize(),
                config.vocabSize(),
                Math.min(recipe.integer("draft.vocab_size"), config.vocabSize()),
                config.rmsNormEps(),
                config.maxPositions(),
                // Lists of factors are for the target's number of dimensions; a draft learns with whatever it is given.
                config.rope().fits(headDim) ? config.rope() : new Rope.Default(config.rope().theta()),
                CaptureLayers.areDefaults(layers, config.layers()) ? List.of() : layers,
                config.bosTokenId(),
                config.eosTokenIds(),
                config.padTokenId());
    }

    private static int intermediateSize(ConfigJson target) {
        // A vision-language model has the configuration of its language model in an object of its own.
        return (target.has("text_config") ? target.object("text_config") : target).positive("intermediate_size");
    }
}
