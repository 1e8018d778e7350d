package dev.aerie.store;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.aerie.errors.Choice;
import dev.aerie.torch.DType;
import dev.aerie.torch.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Encodes blocks of hidden states as bytes.
 *
 * <p>A block [rows, width] is encoded into one binary value for each of the codec's planes; numbers are little-endian and
 * row-major. A {@link Container} may compress the planes afterwards (zstd, level 1), so a codec only arranges bytes such that
 * this works. What is encoded depends on the states alone: the same states give the same bytes on every host.
 */
public sealed interface Codec permits F32Codec, Bf16Codec, Fp8Codec, Int8Codec {

    /** Returns the codec's name in recipes and in store.json. */
    @JsonValue
    String name();

    /** Returns the type to which states are rounded before they are encoded, and in which they are decoded. */
    DType dtype();

    /** Returns whether decoding gives the states as they were rounded to {@link #dtype}. */
    boolean isLossless();

    /** Returns, for each plane, what is appended to a field's name to name its column. */
    List<String> planes();

    /**
     * Encodes a block.
     *
     * @param states [rows, width], finite, any floating type, any device
     */
    EncodedStates encode(Tensor states);

    /**
     * Decodes a block into rows of {@link #dtype} in native byte order.
     *
     * @param states of the sizes that {@link #planeBytes} gives
     * @param destination row r goes to its position + r · stride; the position stays
     * @param stride bytes from one row to the next, at least those of a row
     * @throws InvalidStoreException if a scale is none that the codec writes
     */
    void decode(EncodedStates states, int rows, int width, ByteBuffer destination, int stride);

    /** Returns the bytes of each plane of an undamaged block. */
    int[] planeBytes(int rows, int width);

    /** Returns the share of the planes of hidden states that zstd-1 leaves, an upper estimate. */
    double compressedShare();

    /** Returns the bytes of all planes of a block, uncompressed. */
    default long bytes(int rows, int width) {
        return Arrays.stream(planeBytes(rows, width)).asLongStream().sum();
    }

    /** Returns every codec by its name. */
    static Map<String, Codec> byName() {
        Map<String, Codec> all = new LinkedHashMap<>();
        for (Codec codec : List.of(Bf16Codec.INSTANCE, Fp8Codec.INSTANCE, Int8Codec.INSTANCE, F32Codec.INSTANCE)) {
            all.put(codec.name(), codec);
        }
        return all;
    }

    /** @throws IllegalArgumentException if no codec has this name */
    @JsonCreator
    static Codec of(String name) {
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            throw new IllegalStateException("Invalid machine: big-endian (expected little-endian, as the store's files are)");
        }
        Codec codec = byName().get(name);
        if (codec == null) {
            throw new IllegalArgumentException("Invalid codec: " + name + " (expected "
                    + Choice.listed(List.copyOf(byName().keySet())) + ")");
        }
        return codec;
    }
}
