package dev.aerie.torch;

import dev.aerie.errors.RefusalException;
import java.util.Arrays;

/** Element types, with the code TorchScript uses for each and the name safetensors gives it. */
public enum DType {
    U8(0, 1, "U8"),
    I8(1, 1, "I8"),
    I16(2, 2, "I16"),
    I32(3, 4, "I32"),
    I64(4, 8, "I64"),
    F16(5, 2, "F16"),
    F32(6, 4, "F32"),
    F64(7, 8, "F64"),
    BOOL(11, 1, "BOOL"),
    BF16(15, 2, "BF16"),
    F8_E5M2(23, 1, "F8_E5M2"),
    /** Without infinities, as quantised models use it. */
    F8_E4M3(24, 1, "F8_E4M3"),
    /** Powers of two: the scales of the microscaling formats. */
    F8_E8M0(44, 1, "F8_E8M0");

    private final int code;
    private final int bytes;
    private final String safetensors;

    DType(int code, int bytes, String safetensors) {
        this.code = code;
        this.bytes = bytes;
        this.safetensors = safetensors;
    }

    long code() {
        return code;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }

    /** Returns the name in a safetensors header. */
    public String safetensorsName() {
        return safetensors;
    }

    /** Returns the type with a name in safetensors headers; null if the name is unknown. */
    public static DType ofSafetensors(String name) {
        return Arrays.stream(values()).filter(t -> t.safetensors.equals(name)).findFirst().orElse(null);
    }

    /**
     * Returns the floating type with a name in recipes and config.json ({@code float32}, {@code bfloat16}, {@code float16}).
     *
     * @throws RefusalException for any other name
     */
    public static DType ofFloating(String name) {
        return switch (name) {
            case "float32", "f32" -> F32;
            case "bfloat16", "bf16" -> BF16;
            case "float16", "f16" -> F16;
            default -> throw new RefusalException(
                    "Invalid dtype: " + name + " (expected float32, bfloat16 or float16)");
        };
    }

    static DType ofCode(long code) {
        return Arrays.stream(values())
                .filter(t -> t.code == code)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("libtorch returned a tensor of unknown type " + code));
    }
}
