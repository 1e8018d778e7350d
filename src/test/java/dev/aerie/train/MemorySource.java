package dev.aerie.train;

import dev.aerie.store.Part;
import dev.aerie.torch.Tensor;
import java.util.Arrays;
import java.util.List;

/** Conversations in memory, their states as float32. */
final class MemorySource implements HiddenStateSource {

    /** A conversation with the teacher state of every row. */
    record Held(String id, int[] ids, boolean[] supervised, float[] auxValues, float[] lastValues) implements Conversation {

        @Override
        public Tensor aux() {
            return Tensor.of(auxValues, ids.length, auxValues.length / ids.length);
        }

        @Override
        public Tensor teacherStates() {
            return Tensor.of(lastValues, ids.length, lastValues.length / ids.length);
        }

        @Override
        public int[] teacherRows() {
            return java.util.stream.IntStream.range(0, ids.length).toArray();
        }
    }

    private final List<Held> train;
    private final List<Held> heldOut;

    MemorySource(List<Held> train, List<Held> heldOut) {
        this.train = train;
        this.heldOut = heldOut;
    }

    private List<Held> of(Part part) {
        return part == Part.TRAIN ? train : heldOut;
    }

    @Override
    public int[] lengths(Part part) {
        return of(part).stream().mapToInt(c -> c.ids().length).toArray();
    }

    @Override
    public Conversation read(Part part, int index) {
        return of(part).get(index);
    }

    @Override
    public void close() {}

    /** The first tokens of a conversation. */
    static Held cut(Held c, String id, int length) {
        int n = c.ids().length;
        return new Held(id, Arrays.copyOf(c.ids(), length), Arrays.copyOf(c.supervised(), length),
                Arrays.copyOf(c.auxValues(), c.auxValues().length / n * length),
                Arrays.copyOf(c.lastValues(), c.lastValues().length / n * length));
    }
}
