package dev.aerie.target;

import dev.aerie.errors.RefusalException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Selects the decoder layers whose outputs EAGLE-3 reads. Layers are counted from 0, and a state is the output of its layer, as
 * in the settings of SGLang and SpecForge. Hugging Face's {@code hidden_states} and vLLM's ids count the input of a layer, so
 * theirs are larger by one.
 */
public final class CaptureLayers {

    /** The smallest number of layers at which the three default layers differ. */
    private static final int SHALLOWEST = 7;

    private CaptureLayers() {}

    /**
     * Returns the low, middle and high layer, [1, n/2 - 1, n - 4] (EAGLE-3's reference code), which all serving engines use where
     * a draft names no layers. In targets of five and six layers one of them occurs twice.
     *
     * @throws RefusalException if the target has fewer than five layers
     */
    public static int[] defaults(int layers) {
        if (layers < 5) {
            throw noDefaults(layers);
        }
        return new int[] {1, layers / 2 - 1, layers - 4};
    }

    /**
     * Returns the default layers to train a draft with, which must be three different ones.
     *
     * @throws RefusalException if the target is too shallow to have them
     */
    public static int[] defaultsForTraining(int layers) {
        if (layers < SHALLOWEST) {
            throw noDefaults(layers);
        }
        return defaults(layers);
    }

    /** Returns whether these are the layers that serving engines use where a draft names none. */
    public static boolean areDefaults(List<Integer> captured, int layers) {
        return layers >= 5 && captured.equals(Arrays.stream(defaults(layers)).boxed().toList());
    }

    private static RefusalException noDefaults(int layers) {
        return new RefusalException("Missing target.capture_layers (expected "
                + (layers < 3 ? "a target of more layers, because three are captured and this one has " + layers
                : "layers from 0 to " + (layers - 1) + ", low to high: the default of layers 1, n/2 - 1 and n - 4 needs a "
                        + "target of " + SHALLOWEST + " layers, and this one has " + layers) + ")");
    }

    /** Returns whether each layer is above the one before. */
    public static boolean areAscending(List<Integer> captured) {
        return IntStream.range(1, captured.size()).allMatch(i -> captured.get(i - 1) < captured.get(i));
    }

    /** @throws RefusalException unless all of them are layers of the target */
    public static void check(int[] captured, int layers) {
        for (int layer : captured) {
            if (layer < 0 || layer >= layers) {
                throw new RefusalException("Invalid capture_layers: " + Arrays.toString(captured)
                        + " (expected layers from 0 to " + (layers - 1) + ")");
            }
        }
    }
}
