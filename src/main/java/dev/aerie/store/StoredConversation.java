package dev.aerie.store;

import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Device;
import dev.aerie.torch.Tensor;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * One conversation as read from a shard: tokens, loss mask and encoded states, on the heap.
 *
 * <p>A thread may read ahead; the states become tensors, in the caller's scope, when they are asked for.
 */
public final class StoredConversation {

    private final StoreSettings settings;
    private final List<Chunk> chunks;
    private final TokenSequence sequence;

    /** @param chunks all of a conversation's, in order, checked by {@link ShardReader} */
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

    /** Its tokens and loss mask. */
    public TokenSequence sequence() {
        return sequence;
    }

    public int tokens() {
        return sequence.length();
    }

    /** Rows, ascending, that {@link #teacherStates} holds the states of. */
    public int[] teacherRows() {
        return settings.teacherRows().of(sequence.lossMask());
    }

    /** Captured states [T, layers × hidden] on the CPU, in the codec's type. */
    public Tensor aux() {
        Tensor out = Tensor.zeros(settings.codec().dtype(), Device.CPU, sequence.length(), settings.auxWidth());
        ByteBuffer memory = out.memory();
        chunks.forEach(c -> settings.codec().decode(c.aux(), memory));
        return out;
    }

    /** States after the final norm [R, hidden] of {@link #teacherRows}, on the CPU, in the codec's type. */
    public Tensor teacherStates() {
        Tensor out = Tensor.zeros(settings.codec().dtype(), Device.CPU, teacherRows().length, settings.hiddenSize());
        ByteBuffer memory = out.memory();
        chunks.forEach(c -> settings.codec().decode(c.teacher(), memory));
        return out;
    }
}
