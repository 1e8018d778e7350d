package dev.aerie.testing;

import com.fasterxml.jackson.databind.JsonNode;
import dev.aerie.torch.DType;
import dev.aerie.torch.Tensor;
import java.nio.charset.StandardCharsets;
import java.util.stream.StreamSupport;

/**
 * Tensors drawn from a seed, by their name: the weights of the goldens, which the repository does not carry. The twin of
 * {@code src/test/golden/drawn.py}, which describes the generator; both make the same bits.
 */
final class Drawn {

    private static final long GOLDEN_RATIO = 0x9E3779B97F4A7C15L;

    private final long seed;

    Drawn(long seed) {
        this.seed = seed;
    }

    /** The tensor that an entry of a manifest describes, in the innermost scope. */
    Tensor tensor(String name, JsonNode entry) {
        long[] shape = StreamSupport.stream(entry.path("shape").spliterator(), false).mapToLong(JsonNode::longValue).toArray();
        int count = 1;
        for (long size : shape) {
            count = Math.toIntExact(count * size);
        }
        DType dtype = DType.ofSafetensors(entry.path("dtype").textValue());
        return switch (dtype) {
            case F32, BF16, F8_E4M3 -> Tensor.of(floats(name, entry, count), shape).to(dtype);
            case I64 -> Tensor.of(integers(name, entry, count), shape);
            case U8 -> Tensor.ofBytes(bytes(integers(name, entry, count)), DType.U8, shape);
            default -> throw new IllegalArgumentException(
                    "Invalid dtype: " + dtype + " of " + name + " (expected F32, BF16, F8_E4M3, I64 or U8)");
        };
    }

    private float[] floats(String name, JsonNode entry, int count) {
        long start = start(name);
        float spread = (float) entry.path("spread").doubleValue();
        boolean centred = entry.has("centre");
        float centre = (float) entry.path("centre").doubleValue();
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            float value = (bits(start, i) - (1 << 23)) * 0x1p-23f * spread;
            values[i] = centred ? value + centre : value;
        }
        return values;
    }

    private long[] integers(String name, JsonNode entry, int count) {
        long start = start(name);
        long low = entry.path("low").longValue();
        long range = entry.path("count").longValue();
        long[] values = new long[count];
        for (int i = 0; i < count; i++) {
            values[i] = low + (bits(start, i) * range >> 24);
        }
        return values;
    }

    private static byte[] bytes(long[] values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return bytes;
    }

    /** FNV-1a of the name, combined with the seed. */
    private long start(String name) {
        long hash = 0xCBF29CE484222325L;
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ b & 0xFF) * 0x100000001B3L;
        }
        return hash ^ seed * GOLDEN_RATIO;
    }

    /** 24 random bits: splitmix64 at a counter. */
    private static long bits(long start, int index) {
        long x = start + (index + 1L) * GOLDEN_RATIO;
        x = (x ^ x >>> 30) * 0xBF58476D1CE4E5B9L;
        x = (x ^ x >>> 27) * 0x94D049BB133111EBL;
        return (x ^ x >>> 31) >>> 40;
    }
}
