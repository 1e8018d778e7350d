package dev.aerie.store;

import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToIntFunction;

/**
 * A conversation read from a shard: tokens, loss mask and encoded states, on the heap.
 *
 * <p>A thread may read ahead; the states become tensors, in the caller's scope, when a method returns them.
 */
public final class StoredConversation {

    private final StoreSettings settings;
    private final List<Chunk> chunks;
    private final TokenSequence sequence;

    /** @param chunks all chunks of a conversation, in order, checked by {@link ShardReader} */
    StoredConversation(StoreSettings settings, List<Chunk> chunks) {
        this.settings = settings;
        this.chunks = chunks;
        this.sequence = TokenSequence.concatenated(chunks.stream().map(Chunk::sequence).toList());
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
        return settings.teacherRows().of(sequence.lossMask());
    }

    /** Returns the captured states [T, layers × hidden] on the CPU, in the codec's type. */
    public Tensor aux() {
        return decoded(sequence.length(), settings.auxWidth(), Chunk::aux, Chunk::tokens);
    }

    /** Returns the states after the final norm [R, hidden] of {@link #teacherRows}, on the CPU, in the codec's type. */
    public Tensor teacherStates() {
        int[] rows = teacherRows();
        return decoded(rows.length, settings.hiddenSize(), Chunk::teacher, chunk -> {
            int end = chunk.firstToken() + chunk.tokens();
            return insertionPoint(rows, end) - insertionPoint(rows, chunk.firstToken());
        });
    }

    /** Decodes chunk by chunk, because all of it may exceed 2 GiB, the limit of a Java buffer. */
    private Tensor decoded(int rows, int width, Function<Chunk, byte[][]> columns, ToIntFunction<Chunk> rowsOf) {
        Tensor out = Tensor.zeros(settings.codec().dtype(), Device.CPU, rows, width);
        try (Scope scope = Scope.open()) {
            long first = 0;
            for (Chunk chunk : chunks) {
                int n = rowsOf.applyAsInt(chunk);
                if (n > 0) {
                    settings.codec().decode(columns.apply(chunk), out.narrow(0, first, n).memory());
                }
                first += n;
            }
        }
        return out;
    }

    private static int insertionPoint(int[] ascending, int value) {
        int at = Arrays.binarySearch(ascending, value);
        return at < 0 ? -at - 1 : at;
    }
}
