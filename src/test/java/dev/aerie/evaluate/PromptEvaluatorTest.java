package dev.aerie.evaluate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.draft.DraftExport;
import dev.aerie.draft.FrozenTarget;
import dev.aerie.draft.ReplayCounts;
import dev.aerie.draft.TttReplay;
import dev.aerie.spark.SharedModels;
import dev.aerie.target.Generator;
import dev.aerie.target.Sampling;
import dev.aerie.target.Target;
import dev.aerie.spark.TargetSettings;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PromptEvaluatorTest {

    @TempDir
    static Path folder;

    private static Target target;
    private static Path draft;

    @BeforeAll
    static void train() throws IOException {
        target = Target.load(TinyDraft.TARGET, DType.F32, Device.CPU);
        draft = TinyDraft.into(folder, target);
    }

    @AfterAll
    static void close() {
        LoadedModels.release();
        target.close();
    }

    @Test
    void decodingAcceptsWhatReplaySaysItWould() throws IOException {
        EvaluateSettings settings = TinyDraft.settings(draft);
        // Some that it has learnt from and some that it has not.
        List<Prompt> prompts = Stream.of(81, 82).flatMap(seed -> TinyDraft.prompts(seed, 8).stream()).toList();
        Acceptance all = Acceptance.none(settings.draftTokens());
        try (SharedModels.Lease<LoadedModels> models = LoadedModels.lease(settings, Device.CPU, new Configuration());
                DraftExport.Draft read = DraftExport.read(draft, Device.CPU)) {
            PromptEvaluator evaluator = models.model().evaluator(settings, null);
            FrozenTarget frozen = new FrozenTarget(target.embedTokens(), target.lmHead(), read.vocabulary());
            try (TttReplay replay = new TttReplay(read.parameters(), frozen, settings.draftTokens(), DType.F32)) {
                for (Prompt prompt : prompts) {
                    PromptResult result = evaluator.evaluate(prompt);
                    assertNull(result.divergence());
                    assertNull(result.bigram());
                    try (Scope scope = Scope.open()) {
                        ReplayCounts counts = replay.replay(TinyDraft.texts(target, List.of(prompt)));
                        Acceptance a = result.acceptance();
                        assertEquals(counts.rounds(), a.count(), "prompt " + prompt.index());
                        assertEquals(counts.emitted(), a.emitted(), "prompt " + prompt.index());
                        for (int k = 1; k <= settings.draftTokens(); k++) {
                            assertEquals(counts.hitRate(k), a.hitRate(k), "prompt " + prompt.index() + ", depth " + k);
                        }
                        all = all.plus(a);
                    }
                }
            }
        }
        // Neither always right nor always wrong, or the agreement would say little.
        assertTrue(all.length() > 1.3 && all.length() < 4.5, "acceptance length of the test's draft: " + all.length());
    }

    @Test
    void aTableOfPairsAsDraftCountsAsItsReplay() {
        int[] next = new int[320];
        long[] text = Generator.greedy(target).generate(new long[] {5, 17, 300, 2, 9}, 40);
        for (int i = 0; i + 1 < text.length; i++) {
            next[(int) text[i]] = (int) text[i + 1];
        }
        BigramTable table = new BigramTable(next);
        ChainDraft chain = capacity -> new ChainDraft.Text() {
            private long newest;

            @Override
            public void extend(Tensor aux, long[] following) {
                newest = following[following.length - 1];
            }

            @Override
            public long[] propose(int count) {
                long[] out = new long[count];
                for (int i = 0; i < count; i++) {
                    out[i] = next[(int) (i == 0 ? newest : out[i - 1])];
                }
                return out;
            }

            @Override
            public void close() {}
        };
        var decoder = new SpeculativeDecoder(target, chain, TinyDraft.CAPTURE, 5, Sampling.GREEDY);
        SpeculativeDecoder.Text decoded = decoder.generate(new long[] {5, 17, 300, 2, 9}, 40, null);
        assertArrayEquals(text, decoded.tokens());
        Acceptance replayed = table.replay(text, 5);
        assertArrayEquals(replayed.rounds(), decoded.acceptance().rounds());
        assertEquals(replayed.emitted(), decoded.acceptance().emitted());
        assertTrue(replayed.length() > 1.1);
    }

    @Test
    void samplingIsSeededAndNotCompared() throws IOException {
        EvaluateSettings s = TinyDraft.settings(draft);
        EvaluateSettings sampled =
                new EvaluateSettings(s.target(), s.draft(), 4, 20, new Sampling(0.8, 10, 0.9), 3, s.resources());
        try (SharedModels.Lease<LoadedModels> models = LoadedModels.lease(sampled, Device.CPU, new Configuration())) {
            PromptEvaluator evaluator = models.model().evaluator(sampled, null);
            Prompt prompt = TinyDraft.prompts(83, 1).get(0);
            PromptResult first = evaluator.evaluate(prompt);
            PromptResult second = evaluator.evaluate(prompt);
            assertArrayEquals(first.acceptance().rounds(), second.acceptance().rounds());
            assertNull(first.divergence());
        }
    }

    @Test
    void bfloat16DecodesAndCountsWhereItDiffers() throws IOException {
        EvaluateSettings s = TinyDraft.settings(draft);
        EvaluateSettings bf16 = new EvaluateSettings(
                new TargetSettings(s.target().model(), DType.BF16, s.target().residency()), s.draft(), 4, 20, Sampling.GREEDY, 0,
                s.resources());
        try (SharedModels.Lease<LoadedModels> models = LoadedModels.lease(bf16, Device.CPU, new Configuration())) {
            PromptEvaluator evaluator = models.model().evaluator(bf16, null);
            AcceptanceReport report = new AcceptanceReport(bf16,
                    TinyDraft.prompts(86, 4).stream().map(evaluator::evaluate).toList());
            assertTrue(report.acceptanceLength() >= 1);
            assertTrue(report.roundingDifferences() + report.trueDifferences() <= 4);
            assertTrue(report.toString().startsWith("4 prompts, 4 drafted tokens a round, "), report.toString());
        }
    }
}
