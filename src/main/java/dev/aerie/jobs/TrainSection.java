package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.DRAFT_HEAD_DIM;
import static dev.aerie.jobs.RecipeKeys.DRAFT_HIDDEN_SIZE;
import static dev.aerie.jobs.RecipeKeys.DRAFT_INTERMEDIATE_SIZE;
import static dev.aerie.jobs.RecipeKeys.DRAFT_NUM_ATTENTION_HEADS;
import static dev.aerie.jobs.RecipeKeys.DRAFT_NUM_KEY_VALUE_HEADS;
import static dev.aerie.jobs.RecipeKeys.DRAFT_VOCAB_SIZE;
import static dev.aerie.jobs.RecipeKeys.SUBSET_LIMIT;
import static dev.aerie.jobs.RecipeKeys.SUBSET_SOURCE;
import static dev.aerie.jobs.RecipeKeys.TRAIN_BATCH_CONVERSATIONS;
import static dev.aerie.jobs.RecipeKeys.TRAIN_CHECKPOINT_EVERY_STEPS;
import static dev.aerie.jobs.RecipeKeys.TRAIN_CHECKPOINT_KEEP;
import static dev.aerie.jobs.RecipeKeys.TRAIN_CORRUPT_CHUNKS;
import static dev.aerie.jobs.RecipeKeys.TRAIN_DTYPE;
import static dev.aerie.jobs.RecipeKeys.TRAIN_EPOCHS;
import static dev.aerie.jobs.RecipeKeys.TRAIN_GLOBAL_BATCH_TOKENS;
import static dev.aerie.jobs.RecipeKeys.TRAIN_HELD_OUT_EVERY_STEPS;
import static dev.aerie.jobs.RecipeKeys.TRAIN_LAYERS;
import static dev.aerie.jobs.RecipeKeys.TRAIN_LEARNING_RATE;
import static dev.aerie.jobs.RecipeKeys.TRAIN_MAX_ATTEMPTS;
import static dev.aerie.jobs.RecipeKeys.TRAIN_MAX_GRAD_NORM;
import static dev.aerie.jobs.RecipeKeys.TRAIN_MAX_STEPS;
import static dev.aerie.jobs.RecipeKeys.TRAIN_MICRO_BATCH_TOKENS;
import static dev.aerie.jobs.RecipeKeys.TRAIN_MODE;
import static dev.aerie.jobs.RecipeKeys.TRAIN_RANKS;
import static dev.aerie.jobs.RecipeKeys.TRAIN_SCHEDULE;
import static dev.aerie.jobs.RecipeKeys.TRAIN_SEED;
import static dev.aerie.jobs.RecipeKeys.TRAIN_SUBSET;
import static dev.aerie.jobs.RecipeKeys.TRAIN_TTT_LENGTH;
import static dev.aerie.jobs.RecipeKeys.TRAIN_WARMUP_RATIO;
import static dev.aerie.jobs.RecipeKeys.TRAIN_WEIGHT_DECAY;

import dev.aerie.draft.DraftConfig;
import dev.aerie.gang.GangSettings;
import dev.aerie.prepare.TrainingSubset;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.target.CaptureLayers;
import dev.aerie.target.Target;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.Rope;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.torch.Optimizer;
import dev.aerie.train.BatchSize;
import dev.aerie.train.TrainSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;

/** Reads the recipe's sections {@code draft} and {@code train} for training. */
final class TrainSection {

    private TrainSection() {}

    static TrainSettings settings(Recipe recipe) {
        return new TrainSettings(
                TRAIN_MODE.of(recipe),
                TRAIN_TTT_LENGTH.of(recipe),
                new TrainSettings.Batches(batch(recipe), TRAIN_MICRO_BATCH_TOKENS.of(recipe), TRAIN_EPOCHS.of(recipe),
                        TRAIN_MAX_STEPS.of(recipe).orElse(0), TRAIN_SEED.of(recipe)),
                new TrainSettings.Optimization(TRAIN_LEARNING_RATE.of(recipe), TRAIN_WARMUP_RATIO.of(recipe),
                        TRAIN_SCHEDULE.of(recipe), Optimizer.AdamW.withDecay(TRAIN_WEIGHT_DECAY.of(recipe)),
                        TRAIN_MAX_GRAD_NORM.of(recipe)),
                new TrainSettings.Milestones(TRAIN_CHECKPOINT_EVERY_STEPS.of(recipe), TRAIN_CHECKPOINT_KEEP.of(recipe),
                        TRAIN_HELD_OUT_EVERY_STEPS.of(recipe).orElse(TrainSettings.Milestones.LAST_STEP_ONLY)),
                TRAIN_DTYPE.of(recipe),
                TRAIN_CORRUPT_CHUNKS.of(recipe),
                TargetSection.resources(recipe),
                recipe.deciding(Decides.TRAINING));
    }

    private static BatchSize batch(Recipe recipe) {
        return TRAIN_GLOBAL_BATCH_TOKENS.of(recipe).<BatchSize>map(BatchSize.Tokens::new)
                .orElseGet(() -> new BatchSize.Conversations(TRAIN_BATCH_CONVERSATIONS.of(recipe).orElseThrow()));
    }

    static GangSettings gang(Recipe recipe) {
        return new GangSettings(TRAIN_RANKS.of(recipe), TRAIN_MAX_ATTEMPTS.of(recipe));
    }

    /** Returns which part of the store is trained on; none where it is all of it. */
    static Optional<TrainingSubset> subset(Recipe recipe, SparkSession spark, HiddenStateStore store, int targetVocabSize)
            throws IOException {
        Optional<List<Recipe>> subset = TRAIN_SUBSET.of(recipe);
        if (subset.isEmpty()) {
            return Optional.empty();
        }
        List<TrainingSubset.Source> sources = subset.get().stream()
                .map(s -> new TrainingSubset.Source(SUBSET_SOURCE.of(s), SUBSET_LIMIT.of(s).orElse(0)))
                .toList();
        return Optional.of(TrainingSubset.read(spark, store, sources, targetVocabSize));
    }

    /**
     * The captured layers that the draft reads: as the recipe says, else all of a store that holds as many as a draft reads.
     *
     * @param captured layers that the store holds
     */
    static List<Integer> layers(Recipe recipe, List<Integer> captured) {
        List<Integer> layers = TRAIN_LAYERS.of(recipe).orElse(captured);
        if (layers.size() != DraftConfig.CAPTURED || !CaptureLayers.areAscending(layers) || !captured.containsAll(layers)) {
            throw recipe.contradiction(TRAIN_LAYERS,
                    DraftConfig.CAPTURED + " of the captured layers " + captured + ", from low to high");
        }
        return layers;
    }

    /**
     * Returns the shape of the draft: the target's own, where the recipe does not say otherwise.
     *
     * @param layers of the target that it reads
     */
    static DraftConfig draft(Recipe recipe, Path target, List<Integer> layers) {
        TargetConfig config = Target.config(target);
        int hidden = DRAFT_HIDDEN_SIZE.of(recipe).orElse(config.hiddenSize());
        if (hidden != config.hiddenSize()) {
            throw recipe.contradiction(DRAFT_HIDDEN_SIZE, config.hiddenSize() + ", the width of the target's embeddings");
        }
        int headDim = DRAFT_HEAD_DIM.of(recipe).orElse(config.headDim());
        return new DraftConfig(
                hidden,
                DRAFT_INTERMEDIATE_SIZE.of(recipe)
                        .orElseGet(() -> intermediateSize(ConfigJson.read(target.resolve("config.json")))),
                DRAFT_NUM_ATTENTION_HEADS.of(recipe).orElse(config.heads()),
                DRAFT_NUM_KEY_VALUE_HEADS.of(recipe).orElse(config.kvHeads()),
                headDim,
                config.hiddenSize(),
                config.vocabSize(),
                Math.min(DRAFT_VOCAB_SIZE.of(recipe), config.vocabSize()),
                config.rmsNormEps(),
                config.maxPositions(),
                // Lists of factors fit only the target's number of dimensions; a draft can learn with any rope.
                config.rope().fits(headDim) ? config.rope() : new Rope.Default(config.rope().theta()),
                CaptureLayers.areDefaults(layers, config.layers()) ? List.of() : layers,
                config.bosTokenId(),
                config.eosTokenIds(),
                config.padTokenId());
    }

    private static int intermediateSize(ConfigJson target) {
        // A vision-language model has the configuration of its language model in a separate object.
        return (target.has("text_config") ? target.object("text_config") : target).positive("intermediate_size");
    }
}
