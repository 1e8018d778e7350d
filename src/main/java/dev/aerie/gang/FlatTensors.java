package dev.aerie.gang;

import dev.aerie.torch.DType;
import dev.aerie.torch.Tensor;

/** Checks the tensors that collectives accept. */
final class FlatTensors {

    private FlatTensors() {}

    static Tensor check(Tensor flat) {
        if (flat.rank() != 1 || flat.dtype() != DType.F32) {
            throw new IllegalArgumentException("Invalid tensor: " + flat + " (expected one dimension of float32)");
        }
        return flat;
    }
}
