package dev.aerie.jobs;

import dev.aerie.host.HostModel;
import java.util.ArrayList;
import java.util.List;

/**
 * A place that a user named.
 *
 * @param name its name for the user: a recipe key, or an option or parameter of a command
 * @param uri a path or URI of a folder, a file or a glob, as it was written
 * @param model whether it is a model; a model's path without scheme is local, whatever Hadoop's default file system
 */
record Place(String name, String uri, boolean model) {

    /** Returns what an option or a parameter of a command says. */
    static Place option(String name, String uri) {
        return new Place(name, uri, false);
    }

    /** Returns the places of these keys, where they are set. */
    static List<Place> of(Recipe recipe, RecipeKey<?>... keys) {
        List<Place> places = new ArrayList<>();
        for (RecipeKey<?> key : keys) {
            Object value = recipe.value(key);
            if (value instanceof List<?> list) {
                list.forEach(element -> places.addAll(of((Recipe) element, RecipeKeys.INPUT_PATH)));
            } else if (value != null) {
                boolean model = key == RecipeKeys.TARGET_MODEL || key == RecipeKeys.EVALUATE_DRAFT;
                places.add(new Place("recipe key " + recipe.name(key), (String) value, model));
            }
        }
        return places;
    }

    /** Returns the place of a key that must be set. */
    static Place single(Recipe recipe, RecipeKey<String> key) {
        key.of(recipe);
        return of(recipe, key).get(0);
    }

    /** Returns the same as a model. */
    Place asModel() {
        return new Place(name, uri, true);
    }

    boolean isOnThisHost() {
        return model && HostModel.isLocal(uri);
    }

    RecipeException refused(String expected) {
        return new RecipeException("Invalid " + name + ": \"" + uri + "\" (expected " + expected + ")");
    }

    RecipeException refused(String reason, String expected, Throwable cause) {
        RecipeException refusal =
                new RecipeException("Invalid " + name + ": \"" + uri + "\": " + reason + " (expected " + expected + ")");
        refusal.initCause(cause);
        return refusal;
    }
}
