package dev.aerie.store;

import java.util.ArrayList;
import java.util.List;

/**
 * Which states a reader takes out of a store; columns of others are not read.
 *
 * @param layers captured layers, in the order in which {@link StoredConversation#aux} puts them side by side
 * @param teacher whether the states after the final norm are read
 */
public record StateSelection(List<Integer> layers, boolean teacher) {

    /** Tokens and masks alone. */
    public static final StateSelection NONE = new StateSelection(List.of(), false);

    public StateSelection {
        layers = List.copyOf(layers);
    }

    /** Selects everything that the store holds. */
    static StateSelection all(StateLayout layout) {
        return new StateSelection(layout.captureLayers(), true);
    }

    /** Returns the captured layers' fields in the given order, then the teacher's. */
    List<StateField> fields() {
        List<StateField> fields = new ArrayList<>(layers.stream().map(StateField::aux).toList());
        if (teacher) {
            fields.add(StateField.TEACHER);
        }
        return fields;
    }
}
