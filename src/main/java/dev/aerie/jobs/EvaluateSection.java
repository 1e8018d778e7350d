package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.EVALUATE_DRAFT;
import static dev.aerie.jobs.RecipeKeys.EVALUATE_DRAFT_TOKENS;
import static dev.aerie.jobs.RecipeKeys.EVALUATE_MAX_NEW_TOKENS;
import static dev.aerie.jobs.RecipeKeys.EVALUATE_SEED;
import static dev.aerie.jobs.RecipeKeys.EVALUATE_TEMPERATURE;
import static dev.aerie.jobs.RecipeKeys.EVALUATE_TOP_K;
import static dev.aerie.jobs.RecipeKeys.EVALUATE_TOP_P;
import static dev.aerie.jobs.RecipeKeys.EXPORT_OUTPUT;

import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.DraftExport;
import dev.aerie.evaluate.EvaluateSettings;
import dev.aerie.host.HostModel;
import dev.aerie.target.Sampling;
import dev.aerie.target.spec.TargetConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;

/** Reads the recipe's section {@code evaluate}. */
final class EvaluateSection {

    private EvaluateSection() {}

    static EvaluateSettings settings(Recipe recipe, HostModel target, HostModel draft, SparkConf conf) {
        return new EvaluateSettings(
                TargetSection.settings(recipe, target, conf),
                draft,
                EVALUATE_DRAFT_TOKENS.of(recipe),
                EVALUATE_MAX_NEW_TOKENS.of(recipe),
                new Sampling(EVALUATE_TEMPERATURE.of(recipe), EVALUATE_TOP_K.of(recipe), EVALUATE_TOP_P.of(recipe)),
                EVALUATE_SEED.of(recipe),
                TargetSection.resources(recipe));
    }

    /** Returns the exported draft to measure, as the recipe says. */
    static Place draftPlace(Recipe recipe) {
        return Place.of(recipe, EVALUATE_DRAFT).stream().findFirst()
                .orElseGet(() -> Place.single(recipe, EXPORT_OUTPUT).asModel());
    }

    /** Returns the exported draft to measure, with its files checked and its configuration compared with the target's. */
    static HostModel draft(Recipe recipe, TargetConfig target, Configuration hadoop) throws IOException {
        HostModel draft = HostModel.find(draftPlace(recipe).uri(), TargetSection.cache(recipe), hadoop);
        String folder = draft.uri();
        if (HostModel.isLocal(folder) && !Files.exists(Path.of(folder, DraftExport.CONFIG))) {
            throw new RecipeException("Missing draft: " + folder + " has no " + DraftExport.CONFIG
                    + " (expected what jobs/aerie export writes)");
        }
        DraftConfig config = DraftExport.check(draft.folder(hadoop));
        if (config.targetHiddenSize() != target.hiddenSize() || config.vocabSize() != target.vocabSize()) {
            throw new RecipeException("Invalid draft: " + folder + " is for a target of hidden size " + config.targetHiddenSize()
                    + " and " + config.vocabSize() + " tokens (expected "
                    + target.hiddenSize() + " and " + target.vocabSize() + ")");
        }
        int[] layers = config.captureLayers(target.layers());
        if (Arrays.stream(layers).anyMatch(layer -> layer >= target.layers())) {
            throw new RecipeException("Invalid draft: " + folder + " reads the layers " + Arrays.toString(layers)
                    + " of its target (expected layers from 0 to " + (target.layers() - 1) + ")");
        }
        return draft;
    }
}
