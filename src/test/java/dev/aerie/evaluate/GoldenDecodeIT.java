package dev.aerie.evaluate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.DraftDecoder;
import dev.aerie.draft.DraftExport;
import dev.aerie.draft.FrozenTarget;
import dev.aerie.draft.ReplayCounts;
import dev.aerie.draft.TrainingBatch;
import dev.aerie.draft.TttReplay;
import dev.aerie.target.CaptureLayers;
import dev.aerie.target.Sampling;
import dev.aerie.target.Target;
import dev.aerie.testing.Shared;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A trained target and its golden texts: 24 prompts of grade-school mathematics, 64 tokens each. */
class GoldenDecodeIT {

    private static final int DRAFT_TOKENS = 5;
    private static final int SEQUENCES = 4;
    private static final int UPDATES = 60;

    @TempDir
    Path folder;

    @Tag(Shared.TAG)
    @Test
    void speculativeTextIsTheGoldenOneAndAcceptsWhatReplaySays() throws IOException {
        Path model = Shared.path("models/gsm-llama-8l");
        JsonNode golden = new ObjectMapper().readTree(Shared.path("golden/decode/gsm-llama-8l.json").toFile());
        List<Prompt> prompts = new ArrayList<>();
        List<long[]> texts = new ArrayList<>();
        for (JsonNode c : golden.path("cases")) {
            prompts.add(new Prompt(prompts.size(), longs(c.path("prompt_ids"))));
            texts.add(longs(c.path("continuation")));
        }
        try (Target target = Target.load(model, DType.F32, Device.CPU); Scope scope = Scope.open()) {
            int[] layers = CaptureLayers.defaults(target.config().layers());
            train(target, layers, prompts, texts);
            Acceptance decoded = Acceptance.none(DRAFT_TOKENS);
            try (DraftExport.Draft draft = DraftExport.read(folder, Device.CPU)) {
                FrozenTarget frozen = new FrozenTarget(target.embedTokens(), target.lmHead(), draft.vocabulary());
                try (DraftDecoder decoder = new DraftDecoder(draft.parameters(), frozen, DType.F32);
                        TttReplay replay = new TttReplay(draft.parameters(), frozen, DRAFT_TOKENS, DType.F32)) {
                    SpeculativeDecoder speculative =
                            new SpeculativeDecoder(target, new EagleChain(decoder), layers, DRAFT_TOKENS, Sampling.GREEDY);
                    for (int i = 0; i < prompts.size(); i++) {
                        SpeculativeDecoder.Text text =
                                speculative.generate(prompts.get(i).ids(), golden.path("max_new_tokens").intValue(), null);
                        assertArrayEquals(texts.get(i), text.tokens(), "case " + i);
                        decoded = decoded.plus(text.acceptance());
                        try (Scope one = Scope.open()) {
                            ReplayCounts replayed = replay.replay(
                                    TinyDraft.batch(target, layers, prompts.subList(i, i + 1), texts.subList(i, i + 1)));
                            assertEquals(replayed.rounds(), text.acceptance().count(), "case " + i);
                            for (int k = 1; k <= DRAFT_TOKENS; k++) {
                                assertEquals(replayed.hitRate(k), text.acceptance().hitRate(k), "case " + i + ", depth " + k);
                            }
                        }
                    }
                }
            }
            assertTrue(decoded.length() > 1.5 && decoded.length() < 5.5, "acceptance length " + decoded.length());
        }
    }

    private void train(Target target, int[] layers, List<Prompt> prompts, List<long[]> texts) throws IOException {
        DraftConfig config = new DraftConfig(256, 704, 8, 4, 32, 256, 4096, 1024, 1e-5, 2048, target.config().rope(),
                List.of(), null, target.config().eosTokenIds(), target.config().padTokenId());
        List<TrainingBatch> batches = new ArrayList<>();
        // The last cases are not learnt from.
        for (int i = 0; i + 2 * SEQUENCES <= prompts.size(); i += SEQUENCES) {
            batches.add(TinyDraft.batch(
                    target, layers, prompts.subList(i, i + SEQUENCES), texts.subList(i, i + SEQUENCES)));
        }
        long[] counts = new long[4096];
        texts.forEach(text -> {
            for (long id : text) {
                counts[(int) id]++;
            }
        });
        TinyDraft.into(folder, target, config, counts, batches, 1e-3, UPDATES);
    }

    private static long[] longs(JsonNode list) {
        return StreamSupport.stream(list.spliterator(), false).mapToLong(JsonNode::longValue).toArray();
    }
}
