package dev.aerie.draft;

import dev.aerie.target.spec.Rope;
import dev.aerie.text.DraftVocabulary;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** Small random drafts, targets and batches. */
final class Drafts {

    static final int HIDDEN = 16;
    static final int VOCABULARY = 40;

    private Drafts() {}

    static DraftConfig config() {
        return config(new Rope.Llama3(10_000, 8, 1, 4, 64), 128);
    }

    static DraftConfig config(Rope rope, int maxPositions) {
        return new DraftConfig(HIDDEN, 24, 4, 2, 8, HIDDEN, VOCABULARY, 13, 1e-5, maxPositions, rope, List.of(), 1,
                List.of(2, 3), null);
    }

    /** A draft that can propose every token of its target. */
    static DraftConfig fullVocabulary() {
        return new DraftConfig(HIDDEN, 24, 4, 2, 8, HIDDEN, VOCABULARY, VOCABULARY, 1e-5, 128, new Rope.Default(10_000),
                List.of(),
                1, List.of(2, 3), null);
    }

    /** Large enough weights that arg-maxes and attention are decided, not ties. */
    static DraftParameters parameters(DraftConfig config, long seed) {
        DraftParameters parameters = DraftParameters.random(config, seed, Device.CPU);
        try (Scope scope = Scope.open()) {
            parameters.flat().copy_(Tensor.randomNormal(seed, 0.4, parameters.layout().size()));
        }
        return parameters;
    }

    /** In the innermost scope. */
    static FrozenTarget target(DraftConfig config, long seed) {
        boolean all = config.draftVocabSize() == config.vocabSize();
        int[] ids = IntStream.range(0, config.vocabSize()).filter(id -> all || id % 3 == 1).limit(config.draftVocabSize())
                .toArray();
        return new FrozenTarget(Tensor.randomNormal(seed + 1, 1, config.vocabSize(), config.hiddenSize()),
                Tensor.randomNormal(seed + 2, 1, config.vocabSize(), config.targetHiddenSize()),
                new DraftVocabulary(config.vocabSize(), ids));
    }

    /** Sequences of random tokens with supervised runs, with the teacher state of every row, in the innermost scope. */
    static TrainingBatch batch(DraftConfig config, Random random, int... lengths) {
        long[] cu = new long[lengths.length + 1];
        for (int s = 0; s < lengths.length; s++) {
            cu[s + 1] = cu[s] + lengths[s];
        }
        int tokens = (int) cu[lengths.length];
        boolean[] supervised = new boolean[tokens];
        for (int t = 0; t < tokens; t++) {
            supervised[t] = t > 0 && random.nextInt(10) > 0 ? supervised[t - 1] : random.nextBoolean();
        }
        return new TrainingBatch(new TokenSequence(random.ints(tokens, 0, config.vocabSize()).toArray(), supervised), cu,
                Tensor.randomNormal(random.nextInt(), 1, tokens, 3L * config.targetHiddenSize()),
                Tensor.randomNormal(random.nextInt(), 1, tokens, config.targetHiddenSize()),
                LongStream.range(0, tokens).toArray());
    }

    /** One sequence of a batch as a separate batch, in the innermost scope. */
    static TrainingBatch sequence(TrainingBatch batch, int s) {
        int start = batch.start(s);
        int end = batch.end(s);
        return new TrainingBatch(batch.packed().slice(start, end), new long[] {0, end - start},
                batch.aux().narrow(0, start, end - start), batch.teacherStates().narrow(0, start, end - start),
                LongStream.range(0, end - start).toArray());
    }

    static Tensor zerosLike(DraftParameters parameters) {
        return Tensor.zeros(DType.F32, Device.CPU, parameters.layout().size());
    }
}
