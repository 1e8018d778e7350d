package dev.aerie.store;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.aerie.errors.Choice;
import dev.aerie.torch.DType;
import dev.aerie.torch.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Encodes hidden states as values of Parquet columns.
 *
 * <p>A block of states [rows, width] becomes one value of each of the codec's columns; numbers are little-endian and row-major.
 * Parquet compresses the columns afterwards (zstd, level 1), so a codec only arranges bytes such that they compress well.
 */
public sealed interface Codec permits F32Codec, Bf16Codec {

    /** Returns the codec's name in recipes and in store.json. */
    @JsonValue
    String name();

    /** Returns the type to which states are rounded and in which they are returned. */
    DType dtype();

    /** Returns the names of the columns of a field such as {@code aux}. */
    List<String> columns(String field);

    /** @param states [rows, width], any floating type, any device */
    byte[][] encode(Tensor states);

    /**
     * Writes a block's elements, as {@link #dtype} in native byte order, at the destination's position.
     *
     * @param columns the result of {@link #encode}
     */
    void decode(byte[][] columns, ByteBuffer destination);

    /** Returns the bytes of each column's value for this many elements, which an undamaged block has. */
    int[] columnBytes(int elements);

    /** Returns every codec by its name. */
    static Map<String, Codec> byName() {
        Map<String, Codec> all = new LinkedHashMap<>();
        for (Codec codec : List.of(Bf16Codec.INSTANCE, F32Codec.INSTANCE)) {
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
