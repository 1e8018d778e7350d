package dev.aerie.store;

import dev.aerie.target.CaptureLayers;
import java.util.List;

/**
 * Which states a store holds and how they are written: the object {@code states} of store.json.
 *
 * @param hiddenSize width of one state of the target
 * @param captureLayers decoder layers, 0-based, whose outputs are stored, ascending; each has columns of its own
 * @param teacherRows for which tokens the state after the final norm is stored
 * @param codec how a block of states becomes bytes
 * @param container the format of the shards' files
 */
public record StateLayout(
        int hiddenSize, List<Integer> captureLayers, TeacherRows teacherRows, Codec codec, Container container) {

    public StateLayout {
        StoreJson.present(teacherRows, "teacher_rows");
        StoreJson.present(codec, "codec");
        StoreJson.present(container, "container");
        captureLayers = List.copyOf(StoreJson.present(captureLayers, "capture_layers"));
        if (hiddenSize < 1) {
            throw new IllegalArgumentException("Invalid hidden_size: " + hiddenSize + " (expected at least 1)");
        }
        List<Integer> layers = captureLayers;
        if (layers.isEmpty() || layers.get(0) < 0 || !CaptureLayers.areAscending(layers)) {
            throw new IllegalArgumentException("Invalid capture_layers: " + layers + " (expected layers from 0, ascending)");
        }
    }

    /** Returns the name that the states of a captured layer have in shards and tables, such as {@code aux_01}. */
    public static String auxName(int layer) {
        return StateField.aux(layer).name();
    }

    /** Returns the elements of the captured states of one token: layers × hidden size. */
    public int auxWidth() {
        return captureLayers.size() * hiddenSize;
    }

    /**
     * Returns the bytes that a store is expected to take, an upper estimate.
     *
     * @param tokens tokens, each with the states of all captured layers
     * @param teacherStates states after the final norm
     */
    public long expectedBytes(long tokens, long teacherStates) {
        double states = (double) tokens * captureLayers.size() + teacherStates;
        double share = container.compressed() ? codec.compressedShare() : 1;
        return (long) (states * codec.bytes(1, hiddenSize) * share + (double) tokens * BYTES_BESIDE_STATES);
    }

    /** Ids, mask, page headers and footer. */
    private static final int BYTES_BESIDE_STATES = 16;
}
