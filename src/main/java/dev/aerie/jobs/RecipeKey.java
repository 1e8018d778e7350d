package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.TRAIN_LEARNING_RATE;

import java.util.Optional;
import java.util.function.Function;

/**
 * One key of the recipe, read as {@code TRAIN_LEARNING_RATE.of(recipe)}. The constants are in {@link RecipeKeys}.
 *
 * @param <T> what {@link #of} gives: the value, or an {@link Optional} of it for a key that may stay unset
 */
final class RecipeKey<T> {

    private final String path;
    private final ValueType<?> type;
    private final Object defaultValue;
    private final boolean required;
    private final Decides decides;
    private final String meaning;
    private final RecipeKey<?> rival;
    private final Function<Recipe, T> reading;

    private RecipeKey(String path, ValueType<?> type, Object defaultValue, boolean required, Decides decides, String meaning,
            RecipeKey<?> rival, boolean optional) {
        this.path = path;
        this.type = type;
        this.defaultValue = defaultValue;
        this.required = required;
        this.decides = decides;
        this.meaning = meaning;
        this.rival = rival;
        this.reading = optional ? this::optional : this::present;
    }

    /** Returns a key that a job which needs its section cannot do without. */
    static <V> RecipeKey<V> required(String path, ValueType<V> type, Decides decides, String meaning) {
        return new RecipeKey<>(path, type, null, true, decides, meaning, null, false);
    }

    /** Returns a key that may stay unset; the meaning says what happens then. */
    static <V> RecipeKey<Optional<V>> optional(String path, ValueType<V> type, Decides decides, String meaning) {
        return new RecipeKey<>(path, type, null, false, decides, meaning, null, true);
    }

    static <V> RecipeKey<V> of(String path, ValueType<V> type, V defaultValue, Decides decides, String meaning) {
        return new RecipeKey<>(path, type, defaultValue, false, decides, meaning, null, false);
    }

    /**
     * Returns a key that says the same as another in another way: it has its default where neither is set, and is unset where the
     * other one is.
     */
    static <V> RecipeKey<Optional<V>> unless(RecipeKey<?> rival, String path, ValueType<V> type, V defaultValue, Decides decides,
            String meaning) {
        return new RecipeKey<>(path, type, defaultValue, false, decides, meaning, rival, true);
    }

    /** @throws RecipeException if it is unset and not optional */
    T of(Recipe recipe) {
        return reading.apply(recipe);
    }

    /** Returns whether there is a value, of the recipe or by default. */
    boolean isSet(Recipe recipe) {
        return recipe.value(this) != null;
    }

    /** Section and name, such as {@code train.learning_rate}; the name alone in an element of a list. */
    String path() {
        return path;
    }

    ValueType<?> type() {
        return type;
    }

    /** As {@link ValueType#read} gives it; null where there is none. */
    Object defaultValue() {
        return defaultValue;
    }

    boolean isRequired() {
        return required;
    }

    Decides decides() {
        return decides;
    }

    /** One sentence, also the text of docs/recipe.md. */
    String meaning() {
        return meaning;
    }

    /** Returns the key that this one is an alternative to, or null. */
    RecipeKey<?> rival() {
        return rival;
    }

    @SuppressWarnings("unchecked")
    private T optional(Recipe recipe) {
        return (T) Optional.ofNullable(recipe.value(this));
    }

    @SuppressWarnings("unchecked")
    private T present(Recipe recipe) {
        Object value = recipe.value(this);
        if (value == null) {
            throw RecipeException.missing(recipe.name(this), type.expected());
        }
        return (T) value;
    }
}
