package dev.aerie.target;

import dev.aerie.target.layer.KvCache;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/** Decodes one sequence at a time without a draft, with a key-value cache. */
public final class Generator {

    private static final int[] NO_CAPTURE = {};

    private final Target target;
    private final Sampling sampling;
    private final RandomGenerator random;

    /** @param random drawn from once per token, unless decoding is greedy */
    public Generator(Target target, Sampling sampling, RandomGenerator random) {
        this.target = target;
        this.sampling = sampling;
        this.random = random;
    }

    public static Generator greedy(Target target) {
        return new Generator(target, Sampling.GREEDY, null);
    }

    /**
     * Continues a prompt.
     *
     * @param prompt at least one token
     * @return the new tokens, at most {@code maxNewTokens}; ends with an end-of-sequence token if one was generated
     */
    public long[] generate(long[] prompt, int maxNewTokens) {
        if (prompt.length == 0) {
            throw new IllegalArgumentException("Invalid prompt: no tokens (expected at least one)");
        }
        List<Integer> ends = target.config().eosTokenIds();
        List<Long> out = new ArrayList<>();
        try (KvCache cache = target.newCache(prompt.length + maxNewTokens)) {
            long[] next = prompt;
            while (out.size() < maxNewTokens) {
                int token = step(next, cache);
                out.add((long) token);
                if (ends.contains(token)) {
                    break;
                }
                next = new long[] {token};
            }
        }
        return out.stream().mapToLong(Long::longValue).toArray();
    }

    private int step(long[] ids, KvCache cache) {
        try (Scope scope = Scope.open()) {
            Tensor last = target.decode(ids, cache, NO_CAPTURE).last().narrow(0, ids.length - 1L, 1);
            Tensor logits = target.logits(last);
            return sampling.greedy() ? (int) logits.argmax().toLongs()[0] : sampling.choose(logits.toFloats(), random);
        }
    }
}
