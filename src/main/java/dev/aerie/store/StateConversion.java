package dev.aerie.store;

import dev.aerie.torch.DType;
import dev.aerie.torch.Finite;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** Turns blocks of states that one codec encoded into those of another. */
record StateConversion(Codec from, Codec to, int hiddenSize) {

    /** Returns whether the states that come back are those that were stored. */
    boolean isLossless() {
        return from.equals(to) || to.isLossless() && !narrows();
    }

    /** Returns whether states are rounded to a shorter type, in which a large one may be infinite. */
    boolean narrows() {
        return from.dtype() == DType.F32 && to.dtype() != DType.F32;
    }

    EncodedStates convert(EncodedStates states, int rows) {
        if (from.equals(to)) {
            return states;
        }
        try (Scope scope = Scope.open()) {
            return to.encode(decoded(from, states, rows));
        }
    }

    /** Returns the first row that is not finite in the codec's type; -1 if all are. */
    long firstNonFinite(EncodedStates states, int rows) {
        try (Scope scope = Scope.open()) {
            long element = Finite.firstViolation(decoded(from, states, rows).to(to.dtype()));
            return element < 0 ? -1 : element / hiddenSize;
        }
    }

    /** Returns whether a block that was read again holds what the conversion of another gives. */
    boolean agrees(EncodedStates source, EncodedStates found, int rows) {
        if (from.equals(to) || !isLossless()) {
            return convert(source, rows).planes().equals(found.planes());
        }
        try (Scope scope = Scope.open()) {
            return Arrays.equals(decoded(from, source, rows).toBytes(), decoded(to, found, rows).to(from.dtype()).toBytes());
        }
    }

    private Tensor decoded(Codec codec, EncodedStates states, int rows) {
        Tensor out = Tensor.uninitialized(codec.dtype(), rows, hiddenSize);
        if (rows > 0) {
            ByteBuffer memory = out.memory();
            codec.decode(states, rows, hiddenSize, memory, codec.dtype().bytes() * hiddenSize);
        }
        return out;
    }
}
