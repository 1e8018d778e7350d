package dev.aerie.store;

import dev.aerie.torch.Tensor;

/** The decoded states of a conversation, valid until they are closed: then their memory is used for others. */
public final class DecodedStates implements AutoCloseable {

    private final Tensor aux;
    private final Tensor teacherStates;
    private final StateMemory.Block block;

    DecodedStates(Tensor aux, Tensor teacherStates, StateMemory.Block block) {
        this.aux = aux;
        this.teacherStates = teacherStates;
        this.block = block;
    }

    /** Returns what {@link StoredConversation#aux} returns; null if no layer was selected. */
    public Tensor aux() {
        return aux;
    }

    /** Returns what {@link StoredConversation#teacherStates} returns; null if they were not selected. */
    public Tensor teacherStates() {
        return teacherStates;
    }

    @Override
    public void close() {
        block.close();
    }
}
