package dev.aerie.store;

import java.util.List;
import java.util.Locale;

/**
 * One kind of state that a store holds for its tokens: the output of one captured layer, or the state after the final norm.
 *
 * @param name the start of its columns' names
 */
record StateField(String name) {

    /** States after the final norm, for the teacher's rows alone. */
    static final StateField TEACHER = new StateField("teacher");

    /** Returns the field of a decoder layer's output, stored for every token. */
    static StateField aux(int layer) {
        return new StateField(String.format(Locale.ROOT, "aux_%02d", layer));
    }

    /** Returns the names of its columns under a codec. */
    List<String> columns(Codec codec) {
        return codec.planes().stream().map(plane -> name + plane).toList();
    }
}
