package dev.aerie.evaluate;

import dev.aerie.host.HostModel;
import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.DraftFolder;
import dev.aerie.draft.DraftParameters;
import dev.aerie.draft.FrozenTarget;
import dev.aerie.draft.LossMode;
import dev.aerie.draft.Teacher;
import dev.aerie.draft.TrainingBatch;
import dev.aerie.draft.TttTraining;
import dev.aerie.spark.DeviceChoice;
import dev.aerie.spark.TaskResources;
import dev.aerie.target.Generator;
import dev.aerie.target.HiddenStates;
import dev.aerie.target.Residency;
import dev.aerie.target.Sampling;
import dev.aerie.target.Target;
import dev.aerie.spark.TargetSettings;
import dev.aerie.text.DraftVocabulary;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Optimizer;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;

/** The small target that the repository carries, and a draft that has learnt a little about it. */
final class TinyDraft {

    static final Path TARGET = Path.of("src/test/resources/dev/aerie/target/llama3-two-layers");
    static final int[] CAPTURE = {0, 0, 1};
    static final int STEPS = 4;

    private static final int UPDATES = 100;
    private static final int TEXT_TOKENS = 40;

    private TinyDraft() {}

    /** A draft of the small target, trained on texts that it wrote, exported into the folder. */
    static Path into(Path folder, Target target) throws IOException {
        return into(folder, target, 300);
    }

    /** The same, of a draft that can propose so many of the target's 320 tokens. */
    static Path into(Path folder, Target target, int draftVocabSize) throws IOException {
        DraftConfig config = new DraftConfig(64, 96, 4, 2, 16, 64, 320, draftVocabSize, 1e-5, 256, target.config().rope(),
                Arrays.stream(CAPTURE).boxed().toList(), 1, List.of(2), 0);
        try (Scope scope = Scope.open()) {
            return into(folder, target, config, new long[320], List.of(texts(target, prompts(81, 8))), 5e-3, UPDATES);
        }
    }

    /**
     * Trains on batches in turn.
     *
     * @param counts of the tokens, from which the draft vocabulary is chosen
     */
    static Path into(Path folder, Target target, DraftConfig config, long[] counts, List<TrainingBatch> batches, double rate,
            int updates) throws IOException {
        DraftVocabulary vocabulary = DraftVocabulary.from(counts, new long[counts.length], config.draftVocabSize());
        FrozenTarget frozen = new FrozenTarget(target.embedTokens(), target.lmHead(), vocabulary);
        try (Scope scope = Scope.open(); DraftParameters parameters = DraftParameters.random(config, 5, Device.CPU);
                TttTraining training = new TttTraining(parameters, frozen, LossMode.STRICT, STEPS, DType.F32)) {
            Tensor gradient = zeros(parameters);
            Tensor mean = zeros(parameters);
            Tensor variance = zeros(parameters);
            for (int update = 1; update <= updates; update++) {
                try (Scope one = Scope.open()) {
                    TrainingBatch batch = batches.get(update % batches.size());
                    Teacher teacher = training.teacher(batch);
                    gradient.zero_();
                    training.forwardBackward(batch, teacher, teacher.denominators(), gradient);
                    Optimizer.adamW(parameters.flat(), gradient, mean, variance, Optimizer.AdamW.withDecay(0), rate, update);
                }
            }
            DraftFolder.write(parameters, vocabulary, folder);
        }
        return folder;
    }

    private static Tensor zeros(DraftParameters parameters) {
        return Tensor.zeros(DType.F32, Device.CPU, parameters.layout().size());
    }

    static List<Prompt> prompts(long seed, int count) {
        Random random = new Random(seed);
        List<Prompt> prompts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            prompts.add(new Prompt(i, random.longs(3 + random.nextInt(9), 3, 320).toArray()));
        }
        return prompts;
    }

    /** Prompts with the target's greedy continuations, which are what is supervised; in the innermost scope. */
    static TrainingBatch texts(Target target, List<Prompt> prompts) {
        List<long[]> texts = prompts.stream().map(p -> Generator.greedy(target).generate(p.ids(), TEXT_TOKENS)).toList();
        return batch(target, CAPTURE, prompts, texts);
    }

    /** Prompts and what follows them, with the target's states; in the innermost scope. */
    static TrainingBatch batch(Target target, int[] captureLayers, List<Prompt> prompts, List<long[]> texts) {
        long[] cuSeqlens = new long[prompts.size() + 1];
        for (int i = 0; i < prompts.size(); i++) {
            cuSeqlens[i + 1] = cuSeqlens[i] + prompts.get(i).ids().length + texts.get(i).length;
        }
        long[] ids = new long[(int) cuSeqlens[prompts.size()]];
        boolean[] supervised = new boolean[ids.length];
        for (int i = 0; i < prompts.size(); i++) {
            long[] prompt = prompts.get(i).ids();
            int start = (int) cuSeqlens[i];
            System.arraycopy(prompt, 0, ids, start, prompt.length);
            System.arraycopy(texts.get(i), 0, ids, start + prompt.length, texts.get(i).length);
            Arrays.fill(supervised, start + prompt.length, (int) cuSeqlens[i + 1], true);
        }
        HiddenStates states = target.hiddenStates(ids, cuSeqlens, captureLayers);
        return new TrainingBatch(
                new TokenSequence(Arrays.stream(ids).mapToInt(Math::toIntExact).toArray(), supervised), cuSeqlens, states.aux(),
                        states.last(),
                LongStream.range(0, ids.length).toArray());
    }

    static EvaluateSettings settings(Path draft) {
        return settings(TARGET.toString(), draft);
    }

    static EvaluateSettings settings(String target, Path draft) {
        return new EvaluateSettings(new TargetSettings(HostModel.at(Path.of(target)), DType.F32, Residency.RESIDENT),
                HostModel.at(draft), STEPS, TEXT_TOKENS,
                Sampling.GREEDY, 7, new TaskResources(DeviceChoice.CPU, 1));
    }
}
