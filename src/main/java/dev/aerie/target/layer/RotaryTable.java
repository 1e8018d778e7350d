package dev.aerie.target.layer;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.spec.Rope;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.Arrays;

/** Cosines and sines of a {@link Rope} by position, computed once and grown on demand. Thread-safe. */
public final class RotaryTable implements AutoCloseable {

    private static final int FIRST_POSITIONS = 2048;

    private final Rope rope;
    private final int dim;
    private final Device device;
    /** Also owns tables that were replaced by larger ones: another thread may still read them. */
    private final Scope scope = Scope.detached();
    private volatile Rotation table;

    /** @param dim of one head, even */
    public RotaryTable(Rope rope, int dim, Device device) {
        if (dim < 2 || dim % 2 != 0) {
            throw new RefusalException("Invalid head_dim: " + dim + " (expected an even number for rotary embedding)");
        }
        this.rope = rope;
        this.dim = dim;
        this.device = device;
    }

    /**
     * @param positions of the rows. A position that does not follow its predecessor begins another sequence. For ropes that
     *     depend on the sequence's length, that is the position of its last row here, plus 1
     * @return float32 [rows, dim/2] in the innermost scope
     */
    public Rotation at(long[] positions) {
        return at(positions, rope.byLength() ? lengths(positions) : positions);
    }

    /**
     * Looks up rows that are not whole sequences.
     *
     * @param lengths number of tokens in each row's sequence; used only by ropes that depend on it
     * @return float32 [rows, dim/2] in the innermost scope
     */
    public Rotation at(long[] positions, long[] lengths) {
        if (positions.length == 0) {
            throw new IllegalArgumentException("Invalid positions: none (expected at least one)");
        }
        if (rope.byLength()) {
            return byLength(positions, lengths);
        }
        long last = Arrays.stream(positions).max().getAsLong();
        Rotation all = covering(last + 1);
        if (last - positions[0] == positions.length - 1 && rising(positions)) {
            return new Rotation(all.cos().narrow(0, positions[0], positions.length),
                    all.sin().narrow(0, positions[0], positions.length));
        }
        Tensor index = Tensor.of(positions, positions.length).to(device);
        return new Rotation(all.cos().rows(index), all.sin().rows(index));
    }

    private static long[] lengths(long[] positions) {
        long[] lengths = new long[positions.length];
        for (int row = positions.length - 1; row >= 0; row--) {
            boolean last = row == positions.length - 1 || positions[row + 1] != positions[row] + 1;
            lengths[row] = last ? positions[row] + 1 : lengths[row + 1];
        }
        return lengths;
    }

    /** Computes a rotation without keeping it, because lengths differ between sequences. */
    private Rotation byLength(long[] positions, long[] lengths) {
        int half = dim / 2;
        float[] cos = new float[positions.length * half];
        float[] sin = new float[positions.length * half];
        float[] frequencies = null;
        for (int row = 0; row < positions.length; row++) {
            if (row == 0 || lengths[row] != lengths[row - 1]) {
                frequencies = rope.frequencies(dim, lengths[row]);
            }
            turn(positions[row], frequencies, cos, sin, row);
        }
        return new Rotation(Tensor.of(cos, positions.length, half).to(device), Tensor.of(sin, positions.length, half).to(device));
    }

    private void turn(long position, float[] frequencies, float[] cos, float[] sin, int row) {
        float factor = (float) rope.attentionFactor();
        for (int j = 0; j < frequencies.length; j++) {
            float angle = position * frequencies[j];
            cos[row * frequencies.length + j] = (float) Math.cos(angle) * factor;
            sin[row * frequencies.length + j] = (float) Math.sin(angle) * factor;
        }
    }

    private static boolean rising(long[] positions) {
        for (int i = 1; i < positions.length; i++) {
            if (positions[i] != positions[i - 1] + 1) {
                return false;
            }
        }
        return true;
    }

    private Rotation covering(long positions) {
        Rotation now = table;
        return now != null && now.cos().size(0) >= positions ? now : grow(positions);
    }

    private synchronized Rotation grow(long positions) {
        if (table == null || table.cos().size(0) < positions) {
            long before = table == null ? FIRST_POSITIONS : 2 * table.cos().size(0);
            table = compute(Math.toIntExact(Math.max(before, positions)));
        }
        return table;
    }

    private Rotation compute(int positions) {
        float[] frequencies = rope.frequencies(dim);
        int half = frequencies.length;
        float[] cos = new float[positions * half];
        float[] sin = new float[positions * half];
        for (int t = 0; t < positions; t++) {
            turn(t, frequencies, cos, sin, t);
        }
        try (Scope making = Scope.open()) {
            return new Rotation(scope.adopt(Tensor.of(cos, positions, half).to(device)),
                    scope.adopt(Tensor.of(sin, positions, half).to(device)));
        }
    }

    @Override
    public void close() {
        scope.close();
    }

    /** Float32 [rows, dim/2] each, multiplied by the attention factor. */
    public record Rotation(Tensor cos, Tensor sin) {}
}
