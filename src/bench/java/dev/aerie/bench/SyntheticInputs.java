package dev.aerie.bench;

import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.FrozenTarget;
import dev.aerie.store.Part;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.spec.Rope;
import dev.aerie.text.DraftVocabulary;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import dev.aerie.train.HiddenStateSource;
import dev.aerie.train.TrainingInputs;
import dev.aerie.train.TrainingSample;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;

/**
 * Random states and tokens in the shapes of the small target of docs/benchmarks.md, of as many lengths as there are
 * conversations: for measurements in which nothing has to be learnt.
 */
record SyntheticInputs(int conversations, int longest) implements TrainingInputs {

    private static final int HIDDEN = 256;
    private static final int VOCABULARY = 4096;
    private static final int DRAFT_VOCABULARY = 1024;
    private static final long SEED = 1;

    @Override
    public Map<String, String> fingerprints() {
        return Map.of("inputs", toString());
    }

    @Override
    public Opened open(Device device, DType compute, Configuration conf) {
        DraftConfig config = new DraftConfig(HIDDEN, 704, 8, 4, 32, HIDDEN, VOCABULARY, DRAFT_VOCABULARY, 1e-5, 4096,
                new Rope.Default(10_000), List.of(), null, List.of(0), null);
        Scope scope = Scope.detached();
        try (Scope making = Scope.open()) {
            Tensor embedding = Tensor.randomNormal(SEED, 0.02, VOCABULARY, HIDDEN).to(compute).to(device);
            Tensor lmHead = Tensor.randomNormal(SEED + 1, 0.3, VOCABULARY, HIDDEN).to(compute).to(device);
            DraftVocabulary vocabulary =
                    new DraftVocabulary(VOCABULARY, IntStream.range(0, DRAFT_VOCABULARY).map(i -> 3 * i).toArray());
            return new OpenedSynthetic(config, new FrozenTarget(scope.adopt(embedding), scope.adopt(lmHead), vocabulary),
                    new Source(conversations, longest), scope);
        }
    }

    private record OpenedSynthetic(DraftConfig draft, FrozenTarget target, HiddenStateSource source, Scope scope)
            implements Opened {

        @Override
        public void close() {
            scope.close();
        }
    }

    private record Source(int conversations, int longest) implements HiddenStateSource {

        private int length(int index) {
            return longest / 4 + new Random(SEED + index).nextInt(3 * longest / 4);
        }

        @Override
        public int[] lengths(Part part) {
            return IntStream.range(0, part == Part.TRAIN ? conversations : 8).map(this::length).toArray();
        }

        @Override
        public long bytes(Part part, int index) {
            return length(index) * 5L;
        }

        @Override
        public Optional<TrainingSample> read(Part part, int index) {
            int n = length(index);
            boolean[] supervised = new boolean[n];
            for (int t = n / 3; t < n; t++) {
                supervised[t] = true;
            }
            int[] ids = new Random(SEED - 1 - index).ints(n, 0, VOCABULARY).toArray();
            return Optional.of(new Synthetic(index, new TokenSequence(ids, supervised)));
        }

        @Override
        public void close() {}
    }

    private record Synthetic(int index, TokenSequence sequence) implements TrainingSample {

        @Override
        public String id() {
            return "synthetic-" + index;
        }

        @Override
        public Tensor aux() {
            return Tensor.randomNormal(index, 1, sequence.length(), 3L * HIDDEN);
        }

        @Override
        public int[] teacherRows() {
            return TeacherRows.STRICT.of(sequence.lossMask());
        }

        @Override
        public Tensor teacherStates() {
            return Tensor.randomNormal(index + 1, 1, teacherRows().length, HIDDEN);
        }
    }
}
