package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.STORE_CODEC;
import static dev.aerie.jobs.RecipeKeys.STORE_CONTAINER;
import static dev.aerie.jobs.RecipeKeys.STORE_TEACHER_ROWS;
import static dev.aerie.jobs.RecipeKeys.TRAIN_EPOCHS;
import static dev.aerie.jobs.RecipeKeys.TRAIN_TTT_LENGTH;

import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.DraftSize;
import dev.aerie.store.StateLayout;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.TargetSize;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * The bytes, floating-point operations and hours of a run, computed from its recipe and the shapes of its target.
 *
 * @param assumed values that the recipe does not contain
 * @param storeBytes of the hidden-state store
 */
record RunPlan(Recipe recipe, Assumed assumed, TargetSize target, DraftSize draft, List<Integer> layers, long storeBytes) {

    /** Bytes of a bfloat16 number, the type of weights and states on a GPU. */
    private static final int BYTES_PER_PARAMETER = 2;

    /**
     * The assumptions of a plan.
     *
     * @param length tokens of a conversation
     * @param supervised share of the tokens that are supervised, whose rows the teacher needs
     * @param gpus that work at the same time, in prepare and in train
     * @param tflops of one GPU in bfloat16, according to its vendor
     * @param utilisation of that, as a share: the model FLOPs utilisation
     */
    record Assumed(long conversations, long length, double supervised, int gpus, double tflops, double utilisation) {

        double tokens() {
            return (double) conversations * length;
        }

        private double hours(double flops) {
            return flops / (gpus * tflops * 1e12 * utilisation) / 3600;
        }
    }

    /** @param folder with the target's config.json, the only file that is read */
    static RunPlan of(Recipe recipe, Path folder, Assumed assumed) {
        TargetSize target = TargetSize.of(folder);
        List<Integer> layers = TargetSection.captureLayers(recipe, target.config());
        DraftConfig draft = TrainSection.draft(recipe, folder, TrainSection.layers(recipe, layers));
        StateLayout states = new StateLayout(target.config().hiddenSize(), layers, STORE_TEACHER_ROWS.of(recipe),
                STORE_CODEC.of(recipe), STORE_CONTAINER.of(recipe));
        boolean all = states.teacherRows() == TeacherRows.ALL;
        long tokens = (long) assumed.tokens();
        long bytes = states.expectedBytes(tokens, all ? tokens : (long) (tokens * assumed.supervised()));
        return new RunPlan(recipe, assumed, target, DraftSize.of(draft), layers, bytes);
    }

    double forwardFlops() {
        return target.forwardFlops(assumed.tokens()) + target.attentionFlops(assumed.tokens(), assumed.length());
    }

    double trainingFlops() {
        return TRAIN_EPOCHS.of(recipe) * draft.trainingFlops(
                assumed.tokens(), assumed.length(), assumed.supervised(), TRAIN_TTT_LENGTH.of(recipe));
    }

    /** Returns the hours that prepare keeps one GPU busy. */
    String prepareHours() {
        return three(assumed.gpus() * assumed.hours(forwardFlops()));
    }

    /** Returns the hours that training keeps one GPU busy. */
    String trainHours() {
        return three(assumed.gpus() * assumed.hours(trainingFlops()));
    }

    /** Returns the plan for the user; each line states its assumptions. */
    List<String> lines() {
        double attention = target.attentionFlops(assumed.tokens(), assumed.length());
        return List.of(
                text("%,d conversations of %,d tokens, %.0f %% of them supervised: %s tokens",
                        assumed.conversations(), assumed.length(), 100 * assumed.supervised(), si(assumed.tokens(), "")),
                text("store: %s (%s, layers %s of %,d, final-norm states for %s tokens)", si(storeBytes, "B"),
                        STORE_CODEC.of(recipe).name(), layers, target.config().hiddenSize(),
                        STORE_TEACHER_ROWS.of(recipe) == TeacherRows.ALL ? "all" : "supervised"),
                text("target: %s parameters, %s active; in bfloat16 %s, its largest layer %s",
                        si(target.parameters(), ""), si(target.activeParameters(), ""),
                        si((double) BYTES_PER_PARAMETER * target.parameters(), "B"),
                        si((double) BYTES_PER_PARAMETER * target.largestLayer(), "B")),
                text("draft: %s parameters", si(draft.parameters(), "")),
                text("prepare: %s FLOP, %.1f %% of it attention", si(forwardFlops(), ""), 100 * attention / forwardFlops()),
                text("train: %s FLOP (epochs: %d, TTT steps: %d)", si(trainingFlops(), ""),
                        TRAIN_EPOCHS.of(recipe), TRAIN_TTT_LENGTH.of(recipe)),
                text("with %d GPU%s of %.0f TFLOPS used to %.0f %%: prepare %s h, train %s h", assumed.gpus(),
                        assumed.gpus() == 1 ? "" : "s", assumed.tflops(), 100 * assumed.utilisation(),
                        three(assumed.hours(forwardFlops())), three(assumed.hours(trainingFlops()))));
    }

    private static String text(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }

    /** Three digits and the SI prefix. */
    static String si(double value, String unit) {
        String[] prefixes = {"", "k", "M", "G", "T", "P", "E", "Z", "Y"};
        int i = 0;
        double scaled = value;
        while (scaled >= 999.5 && i < prefixes.length - 1) {
            scaled /= 1000;
            i++;
        }
        return three(scaled) + " " + prefixes[i] + unit;
    }

    private static String three(double value) {
        return text(value >= 99.95 ? "%.0f" : value >= 9.995 ? "%.1f" : "%.2f", value);
    }
}
