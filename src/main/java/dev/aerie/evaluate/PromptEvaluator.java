package dev.aerie.evaluate;

import dev.aerie.target.Generator;
import dev.aerie.target.Sampling;
import dev.aerie.target.Target;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.Arrays;
import java.util.Random;

/** Continues one prompt with and without the draft. */
final class PromptEvaluator {

    private static final int[] NO_CAPTURE = {};
    /** The first passes of a process allocate memory and compile code, so they are not measured. */
    private static final int WARM_UP_TOKENS = 8;

    private final Target target;
    private final ChainDraft draft;
    private final int[] captureLayers;
    private final EvaluateSettings settings;
    private final BigramTable bigrams;

    /** @param bigrams a baseline; null for none */
    PromptEvaluator(Target target, ChainDraft draft, int[] captureLayers, EvaluateSettings settings, BigramTable bigrams) {
        this.target = target;
        this.draft = draft;
        this.captureLayers = captureLayers;
        this.settings = settings;
        this.bigrams = bigrams;
    }

    void warmUp(Prompt prompt) {
        speculative(prompt, Math.min(WARM_UP_TOKENS, settings.maxNewTokens()));
        plain(prompt, Math.min(WARM_UP_TOKENS, settings.maxNewTokens()));
    }

    PromptResult evaluate(Prompt prompt) {
        long start = System.nanoTime();
        long[] plain = plain(prompt, settings.maxNewTokens());
        long between = System.nanoTime();
        SpeculativeDecoder.Text text = speculative(prompt, settings.maxNewTokens());
        long end = System.nanoTime();
        boolean greedy = settings.sampling().greedy();
        return new PromptResult(prompt.index(), plain.length, between - start, text.tokens().length, end - between,
                text.acceptance(),
                greedy && bigrams != null ? bigrams.replay(plain, settings.draftTokens()) : null,
                greedy ? divergence(prompt.ids(), plain, text.tokens()) : null);
    }

    private long[] plain(Prompt prompt, int tokens) {
        return new Generator(target, settings.sampling(), random(prompt)).generate(prompt.ids(), tokens);
    }

    private SpeculativeDecoder.Text speculative(Prompt prompt, int tokens) {
        return new SpeculativeDecoder(target, draft, captureLayers, settings.draftTokens(), settings.sampling())
                .generate(prompt.ids(), tokens, random(prompt));
    }

    private Random random(Prompt prompt) {
        return new Random(settings.seed() * 1_000_003 + prompt.index());
    }

    private Divergence divergence(long[] prompt, long[] plain, long[] text) {
        int at = Arrays.mismatch(plain, text);
        if (at < 0) {
            return null;
        }
        long[] ids = Arrays.copyOf(prompt, prompt.length + at);
        System.arraycopy(plain, 0, ids, prompt.length, at);
        try (Scope scope = Scope.open()) {
            long[] one = {0, ids.length};
            Tensor last = target.hiddenStates(ids, one, NO_CAPTURE).last().narrow(0, ids.length - 1L, 1);
            float[] logits = target.logits(last).toFloats();
            float best = logits[Sampling.argmax(logits)];
            logits[Sampling.argmax(logits)] = Float.NEGATIVE_INFINITY;
            return new Divergence(at, best - logits[Sampling.argmax(logits)]);
        }
    }
}
