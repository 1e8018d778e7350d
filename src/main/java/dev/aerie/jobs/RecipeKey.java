package dev.aerie.jobs;

/**
 * One key of the recipe.
 *
 * @param path section and name, such as {@code train.learning_rate}
 * @param defaultValue as {@link ValueType#read} gives it; null where there is none
 * @param required whether a job that needs this key's section cannot do without it
 * @param meaning one sentence, also the text of docs/recipe.md
 */
record RecipeKey(String path, ValueType type, Object defaultValue, boolean required, String meaning) {

    static RecipeKey required(String path, ValueType type, String meaning) {
        return new RecipeKey(path, type, null, true, meaning);
    }

    /** A key that may stay unset; the meaning says what happens then. */
    static RecipeKey optional(String path, ValueType type, String meaning) {
        return new RecipeKey(path, type, null, false, meaning);
    }

    static RecipeKey of(String path, ValueType type, Object defaultValue, String meaning) {
        return new RecipeKey(path, type, type.read(path, defaultValue), false, meaning);
    }
}
