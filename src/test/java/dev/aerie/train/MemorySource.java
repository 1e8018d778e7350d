package dev.aerie.train;

import dev.aerie.store.Part;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Conversations in memory, their states as float32. */
final class MemorySource implements HiddenStateSource {

    /** A conversation with the teacher state of every row. */
    record Held(String id, TokenSequence sequence, float[] auxValues, float[] lastValues) implements TrainingSample {

        Held(String id, int[] ids, boolean[] supervised, float[] auxValues, float[] lastValues) {
            this(id, new TokenSequence(ids, supervised), auxValues, lastValues);
        }

        @Override
        public Tensor aux() {
            return Tensor.of(auxValues, sequence.length(), auxValues.length / sequence.length());
        }

        @Override
        public Tensor teacherStates() {
            return Tensor.of(lastValues, sequence.length(), lastValues.length / sequence.length());
        }

        @Override
        public int[] teacherRows() {
            return java.util.stream.IntStream.range(0, sequence.length()).toArray();
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
        return of(part).stream().mapToInt(c -> c.sequence().inputIds().length).toArray();
    }

    @Override
    public long bytes(Part part, int index) {
        Held c = of(part).get(index);
        return 4L * (c.auxValues().length + c.lastValues().length);
    }

    @Override
    public Optional<TrainingSample> read(Part part, int index) {
        return Optional.of(of(part).get(index));
    }

    @Override
    public void close() {}

    /** The first tokens of a conversation. */
    static Held cut(Held c, String id, int length) {
        int n = c.sequence().inputIds().length;
        return new Held(id, c.sequence().slice(0, length),
                Arrays.copyOf(c.auxValues(), c.auxValues().length / n * length),
                Arrays.copyOf(c.lastValues(), c.lastValues().length / n * length));
    }
}
