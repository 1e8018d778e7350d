package dev.aerie.store;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * A block of states as a {@link Codec} writes it.
 *
 * @param planes a value for each of the codec's planes, little-endian and read by absolute positions, so that threads may share
 *     it
 */
record EncodedStates(List<ByteBuffer> planes) {

    EncodedStates {
        planes = List.copyOf(planes);
    }

    static EncodedStates of(byte[]... planes) {
        return new EncodedStates(Arrays.stream(planes).map(ByteBuffer::wrap).toList());
    }
}
