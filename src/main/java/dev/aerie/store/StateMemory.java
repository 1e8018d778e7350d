package dev.aerie.store;

import dev.aerie.torch.DType;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.TreeMap;

/**
 * Memory for decoded states that is used again for the next conversations: fresh memory costs a page fault for every 4 KB, which
 * takes as long as decoding a mapped shard does. Thread-safe.
 */
public final class StateMemory implements AutoCloseable {

    /** Sizes of blocks are multiples of this, so that conversations of similar length share them; 512 KB of bfloat16. */
    private static final long STEP = 1 << 18;

    private final DType dtype;
    private final long mostIdle;
    /** Blocks that nobody uses, one-dimensional, by their number of elements. */
    private final TreeMap<Long, Deque<Tensor>> idle = new TreeMap<>();
    private long idleElements;
    private boolean closed;

    /**
     * @param dtype of the codec that decodes
     * @param idleBytes that are kept at most while nobody uses them
     */
    public StateMemory(DType dtype, long idleBytes) {
        this.dtype = dtype;
        this.mostIdle = idleBytes / dtype.bytes();
    }

    /**
     * Decodes the states that were read of a conversation.
     *
     * @throws InvalidStoreException if they are damaged
     */
    public DecodedStates decode(StoredConversation conversation) {
        long aux = (long) conversation.tokens() * conversation.auxWidth();
        long teacher = (long) conversation.teacherRowCount() * conversation.hiddenSize();
        Block block = new Block(aux + teacher);
        try (Scope decoding = Scope.open()) {
            Tensor auxStates = conversation.auxWidth() == 0 ? null
                    : block.part(0, aux, conversation.tokens(), conversation.auxWidth());
            if (auxStates != null) {
                conversation.decodeAux(auxStates);
            }
            Tensor teacherStates = !conversation.hasTeacherStates() ? null
                    : block.part(aux, teacher, conversation.teacherRowCount(), conversation.hiddenSize());
            if (teacherStates != null) {
                conversation.decodeTeacherStates(teacherStates);
            }
            return new DecodedStates(auxStates, teacherStates, block);
        } catch (RuntimeException | Error e) {
            block.close();
            throw e;
        }
    }

    /** A block in use, and the tensors that are parts of it. */
    final class Block implements AutoCloseable {

        private final Scope parts = Scope.detached();
        private Tensor memory;

        private Block(long elements) {
            this.memory = take(Math.max(1, (elements + STEP - 1) / STEP) * STEP);
        }

        /** Returns elements of the block, row-major, until it is closed. */
        private Tensor part(long from, long elements, long rows, long width) {
            return parts.adopt(memory.narrow(0, from, elements).view(rows, width));
        }

        /** Gives the block back; closing twice has no effect. */
        @Override
        public synchronized void close() {
            parts.close();
            if (memory != null) {
                giveBack(memory);
                memory = null;
            }
        }
    }

    private Tensor take(long elements) {
        synchronized (this) {
            // Up to twice as large: a block that is larger is better kept for a conversation that needs it.
            Map.Entry<Long, Deque<Tensor>> fitting = idle.ceilingEntry(elements);
            if (fitting != null && fitting.getKey() <= 2 * elements) {
                return remove(fitting);
            }
        }
        try (Scope making = Scope.open()) {
            return Scope.detached().adopt(Tensor.uninitialized(dtype, elements));
        }
    }

    /** Removes the block that was given back last, which is the likeliest to be in a cache. */
    private Tensor remove(Map.Entry<Long, Deque<Tensor>> blocks) {
        Tensor block = blocks.getValue().removeLast();
        if (blocks.getValue().isEmpty()) {
            idle.remove(blocks.getKey());
        }
        idleElements -= blocks.getKey();
        return block;
    }

    private synchronized void giveBack(Tensor block) {
        long elements = block.count();
        if (closed || elements > mostIdle) {
            block.close();
            return;
        }
        while (idleElements + elements > mostIdle) {
            remove(idle.lastEntry()).close();
        }
        idle.computeIfAbsent(elements, size -> new ArrayDeque<>()).addLast(block);
        idleElements += elements;
    }

    /** Frees what is idle; blocks in use are freed when they are given back. */
    @Override
    public synchronized void close() {
        closed = true;
        idle.values().forEach(blocks -> blocks.forEach(Tensor::close));
        idle.clear();
        idleElements = 0;
    }
}
