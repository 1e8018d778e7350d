package dev.aerie.target;

import java.util.Arrays;

/**
 * A tensor that a model folder must hold.
 *
 * @param name as in the safetensors file
 * @param shape what the configuration says it must be
 */
public record WeightSpec(String name, long... shape) {

    String describe() {
        return name + Arrays.toString(shape);
    }
}
