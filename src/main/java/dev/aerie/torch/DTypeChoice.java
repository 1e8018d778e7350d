package dev.aerie.torch;

import dev.aerie.errors.Choice;

/** The values of the recipe keys that set a compute type. */
public enum DTypeChoice implements Choice {
    /** bfloat16 on a GPU, float32 on a CPU. */
    AUTO,
    FLOAT32,
    BFLOAT16;

    public DType on(boolean gpu) {
        return switch (this) {
            case FLOAT32 -> DType.F32;
            case BFLOAT16 -> DType.BF16;
            case AUTO -> gpu ? DType.BF16 : DType.F32;
        };
    }
}
