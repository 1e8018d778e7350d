package dev.aerie.target;

import dev.aerie.errors.RefusalException;
import dev.aerie.safetensors.InvalidModelException;
import java.util.Arrays;

/**
 * Which decoder layers' outputs EAGLE-3 reads. Layers are counted from 0 and the state is a layer's output, as in SGLang's and
 * SpecForge's settings; Hugging Face's {@code hidden_states} and vLLM's ids count the layer's input, so theirs are one more.
 */
public final class CaptureLayers {

    private CaptureLayers() {}

    /** Low, middle and high: [1, n/2 - 1, n - 4] (EAGLE-3's reference code). */
    public static int[] defaults(int layers) {
        if (layers < 5) {
            throw new InvalidModelException("Invalid layers: " + layers
                    + " (expected at least 5 for the default captured layers 1, n/2 - 1 and n - 4; name them otherwise)");
        }
        return new int[] {1, layers / 2 - 1, layers - 4};
    }

    /** @throws RefusalException unless every one is a layer */
    public static void check(int[] captured, int layers) {
        for (int layer : captured) {
            if (layer < 0 || layer >= layers) {
                throw new RefusalException("Invalid capture_layers: " + Arrays.toString(captured)
                        + " (expected layers from 0 to " + (layers - 1) + ")");
            }
        }
    }
}
