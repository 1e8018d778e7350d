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
 * How hidden states become bytes of Parquet columns.
 *
 * <p>A block of states [rows, width] is encoded into one value of each of the codec's columns; numbers are little-endian and
 * row-major. Parquet compresses the columns afterwards (zstd, level 1), so a codec only arranges bytes such that this works.
 */
public sealed interface Codec permits F32Codec, Bf16Codec {

    /** The name in recipes and in store.json. */
    @JsonValue
    String name();

    /** The type that states are rounded to and come back in. */
    DType dtype();

    /** Names of the columns that hold a field such as {@code aux}. */
    List<String> columns(String field);

    /** @param states [rows, width], any floating type, any device */
    byte[][] encode(Tensor states);

    /**
     * Puts a block's elements, as {@link #dtype} in native byte order, at the destination's position.
     *
     * @param columns as {@link #encode} made them
     */
    void decode(byte[][] columns, ByteBuffer destination);

    /** Bytes of one value of each column for so many elements: what an undamaged block has. */
    int[] columnBytes(int elements);

    /** Every codec by its name. */
    static Map<String, Codec> byName() {
        Map<String, Codec> all = new LinkedHashMap<>();
        for (Codec codec : List.of(Bf16Codec.INSTANCE, F32Codec.INSTANCE)) {
            all.put(codec.name(), codec);
        }
        return all;
    }

    /** @throws IllegalArgumentException for a name that is no codec's */
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
