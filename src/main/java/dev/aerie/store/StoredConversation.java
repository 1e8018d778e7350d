package dev.aerie.store;

import dev.aerie.text.TokenSequence;
import dev.aerie.torch.DType;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * A conversation read from a shard: tokens, loss mask and encoded states, on the heap or in the mapped file.
 *
 * <p>It stays valid when its reader is closed: a mapped file stays mapped as long as a conversation refers to it. A thread may
 * read ahead; the states become tensors, in the caller's scope, when a method returns them.
 */
public final class StoredConversation {

    private final StateLayout layout;
    private final StateSelection selection;
    private final String file;
    private final List<Chunk> chunks;
    private final TokenSequence sequence;
    private final int[] teacherRows;

    /**
     * @param file named if its states turn out to be damaged
     * @param chunks all of a conversation's, in order, checked by {@link ShardReader}
     */
    StoredConversation(StateLayout layout, StateSelection selection, String file, List<Chunk> chunks) {
        this.layout = layout;
        this.selection = selection;
        this.file = file;
        this.chunks = chunks;
        this.sequence = TokenSequence.concatenated(chunks.stream().map(Chunk::sequence).toList());
        this.teacherRows = layout.teacherRows().of(sequence.lossMask());
    }

    public String id() {
        return chunks.get(0).conversation();
    }

    public Part part() {
        return chunks.get(0).part();
    }

    /** Returns its tokens and loss mask. */
    public TokenSequence sequence() {
        return sequence;
    }

    public int tokens() {
        return sequence.length();
    }

    /** Returns the rows, ascending, whose states {@link #teacherStates} returns. */
    public int[] teacherRows() {
        return teacherRows.clone();
    }

    /**
     * Returns the captured states [T, layers × hidden] of the layers that were selected, side by side, on the CPU, in the codec's
     * type.
     */
    public Tensor aux() {
        Tensor out = Tensor.uninitialized(layout.codec().dtype(), sequence.length(), auxWidth());
        decodeAux(out);
        return out;
    }

    /** Writes what {@link #aux} returns into a tensor of that shape and type. */
    void decodeAux(Tensor out) {
        int layers = selection.layers().size();
        for (int l = 0; l < layers; l++) {
            decode(StateField.aux(selection.layers().get(l)), l, out, l, layers);
        }
    }

    /** Returns the width of {@link #aux}. */
    long auxWidth() {
        return (long) selection.layers().size() * layout.hiddenSize();
    }

    /**
     * Returns the states after the final norm [R, hidden] of {@link #teacherRows}, on the CPU, in the codec's type.
     *
     * @throws IllegalStateException if they were not selected
     */
    public Tensor teacherStates() {
        if (!selection.teacher()) {
            throw new IllegalStateException("The teacher's states of conversation " + id() + " were not read");
        }
        Tensor out = Tensor.uninitialized(layout.codec().dtype(), teacherRows.length, layout.hiddenSize());
        decodeTeacherStates(out);
        return out;
    }

    /** Writes what {@link #teacherStates} returns into a tensor of that shape and type. */
    void decodeTeacherStates(Tensor out) {
        decode(StateField.TEACHER, selection.layers().size(), out, 0, 1);
    }

    boolean hasTeacherStates() {
        return selection.teacher();
    }

    /** Returns the rows of {@link #teacherStates}; 0 if they were not selected. */
    int teacherRowCount() {
        return selection.teacher() ? teacherRows.length : 0;
    }

    int hiddenSize() {
        return layout.hiddenSize();
    }

    /**
     * Returns the states of a captured layer as float32 [hidden], one for each token, decoded a chunk at a time on the heap:
     * where tensors are not needed, neither is libtorch.
     *
     * @throws IllegalStateException if the layer was not selected
     */
    public Iterator<float[]> auxRows(int layer) {
        int index = selection.layers().indexOf(layer);
        if (index < 0) {
            throw new IllegalStateException("The states of layer " + layer + " of conversation " + id() + " were not read");
        }
        return new HeapRows(StateField.aux(layer), index);
    }

    /**
     * Returns the states after the final norm as float32 [hidden], one for each of {@link #teacherRows}, likewise.
     *
     * @throws IllegalStateException if they were not selected
     */
    public Iterator<float[]> teacherStateRows() {
        if (!selection.teacher()) {
            throw new IllegalStateException("The teacher's states of conversation " + id() + " were not read");
        }
        return new HeapRows(StateField.TEACHER, selection.layers().size());
    }

    private final class HeapRows implements Iterator<float[]> {

        private final StateField field;
        private final int index;
        private final DType dtype = layout.codec().dtype();
        private final ByteBuffer rows;
        private int nextChunk;
        private int left;

        HeapRows(StateField field, int index) {
            this.field = field;
            this.index = index;
            int most = chunks.stream().mapToInt(chunk -> rows(field, chunk)).max().orElse(0);
            this.rows = ByteBuffer.allocate(Math.multiplyExact(most, rowBytes())).order(ByteOrder.nativeOrder());
        }

        private int rowBytes() {
            return dtype.bytes() * layout.hiddenSize();
        }

        @Override
        public boolean hasNext() {
            while (left == 0 && nextChunk < chunks.size()) {
                Chunk chunk = chunks.get(nextChunk++);
                left = rows(field, chunk);
                if (left > 0) {
                    rows.clear();
                    guarded(field, () -> layout.codec().decode(chunk.states().get(index), left, layout.hiddenSize(), rows,
                            rowBytes()));
                }
            }
            return left > 0;
        }

        @Override
        public float[] next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            left--;
            float[] row = new float[layout.hiddenSize()];
            if (dtype == DType.F32) {
                rows.asFloatBuffer().get(row);
            } else {
                // bfloat16 is the upper half of float32.
                for (int i = 0; i < row.length; i++) {
                    row[i] = Float.intBitsToFloat(rows.getShort(rows.position() + Short.BYTES * i) << 16);
                }
            }
            rows.position(rows.position() + rowBytes());
            return row;
        }
    }

    /**
     * Decodes chunk by chunk: the whole may be over 2 GiB, which no buffer of Java's holds.
     *
     * @param index of the field in the chunks
     * @param slot of the field in a row of the output, which has so many slots
     */
    private void decode(StateField field, int index, Tensor out, int slot, int slots) {
        int rowBytes = layout.codec().dtype().bytes() * layout.hiddenSize();
        try (Scope scope = Scope.open()) {
            long first = 0;
            for (Chunk chunk : chunks) {
                int n = rows(field, chunk);
                if (n > 0) {
                    ByteBuffer memory = out.narrow(0, first, n).memory().position(slot * rowBytes);
                    guarded(field, () -> layout.codec().decode(chunk.states().get(index), n, layout.hiddenSize(), memory,
                            slots * rowBytes));
                }
                first += n;
            }
        }
    }

    private void guarded(StateField field, Runnable decoding) {
        try {
            decoding.run();
        } catch (InvalidStoreException | InternalError e) {
            // An InternalError is how Java reports that a mapped file has become shorter.
            throw new InvalidStoreException("Invalid shard " + file + ": " + e.getMessage() + " in " + field.name()
                    + " of conversation " + id(), e);
        }
    }

    /** Returns its rows of the file. */
    List<Chunk> chunks() {
        return chunks;
    }

    /** Returns the fields of the chunks' states, in their order. */
    List<StateField> fields() {
        return selection.fields();
    }

    /** Returns whether this is what a conversion made of a conversation of another store, all of whose states were read. */
    boolean agrees(StoredConversation source, StateConversion conversion) {
        if (chunks.size() != source.chunks.size()) {
            return false;
        }
        for (int i = 0; i < chunks.size(); i++) {
            Chunk found = chunks.get(i);
            Chunk expected = source.chunks.get(i);
            if (found.firstToken() != expected.firstToken()
                    || !Arrays.equals(found.sequence().inputIds(), expected.sequence().inputIds())
                    || !Arrays.equals(found.sequence().lossMask(), expected.sequence().lossMask())) {
                return false;
            }
            for (int f = 0; f < fields().size(); f++) {
                if (!conversion.agrees(expected.states().get(f), found.states().get(f), rows(fields().get(f), found))) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Returns how many states of a field a chunk of this conversation has. */
    int rows(StateField field, Chunk chunk) {
        if (!field.equals(StateField.TEACHER)) {
            return chunk.tokens();
        }
        int end = chunk.firstToken() + chunk.tokens();
        return insertionPoint(teacherRows, end) - insertionPoint(teacherRows, chunk.firstToken());
    }

    private static int insertionPoint(int[] ascending, int value) {
        int at = Arrays.binarySearch(ascending, value);
        return at < 0 ? -at - 1 : at;
    }
}
