package dev.aerie.evaluate;

import dev.aerie.target.HiddenStates;
import dev.aerie.target.Sampling;
import dev.aerie.target.Target;
import dev.aerie.target.layer.KvCache;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Speculative decoding (Leviathan et al., 2023) with a chain of drafted tokens: the draft proposes tokens, and the target
 * processes all of them in one pass and keeps those that it would have chosen.
 *
 * <p>In greedy decoding, a drafted token is accepted if it is the target's arg-max. In sampling, the draft's proposal is a point
 * distribution, so token d is accepted with the target's probability p(d), and otherwise another token is drawn from p without d:
 * the text has exactly the target's distribution.
 */
final class SpeculativeDecoder {

    private final Target target;
    private final ChainDraft draft;
    private final int[] captureLayers;
    private final int draftTokens;
    private final Sampling sampling;

    SpeculativeDecoder(Target target, ChainDraft draft, int[] captureLayers, int draftTokens, Sampling sampling) {
        this.target = target;
        this.draft = draft;
        this.captureLayers = captureLayers;
        this.draftTokens = draftTokens;
        this.sampling = sampling;
    }

    /**
     * @param tokens the new tokens, at most as many as requested; the last is an end-of-sequence token if one was generated
     * @param acceptance of the rounds after the prefill's token
     */
    record Text(long[] tokens, Acceptance acceptance) {}

    /** The number of accepted tokens of a proposal, and the target's own token after them. */
    private record Verdict(int accepted, long next) {}

    /**
     * Continues a prompt.
     *
     * @param random drawn from unless decoding is greedy
     */
    Text generate(long[] prompt, int maxNewTokens, RandomGenerator random) {
        List<Long> out = new ArrayList<>();
        Acceptance acceptance = Acceptance.none(draftTokens);
        int capacity = prompt.length + maxNewTokens + draftTokens;
        try (KvCache cache = target.newCache(capacity); ChainDraft.Text drafting = draft.begin(capacity)) {
            boolean more = add(out, read(prompt, new long[0], cache, drafting, random).next(), maxNewTokens);
            while (more) {
                long[] drafted = propose(drafting);
                Verdict verdict = read(new long[] {out.get(out.size() - 1)}, drafted, cache, drafting, random);
                int before = out.size();
                for (int i = 0; more && i < verdict.accepted(); i++) {
                    more = add(out, drafted[i], maxNewTokens);
                }
                if (more) {
                    more = add(out, verdict.next(), maxNewTokens);
                }
                int added = out.size() - before;
                acceptance = acceptance.round(Math.min(added, verdict.accepted()), added);
            }
        }
        return new Text(out.stream().mapToLong(Long::longValue).toArray(), acceptance);
    }

    /** Appends a token and returns whether the text continues after it. */
    private boolean add(List<Long> out, long token, int maxNewTokens) {
        out.add(token);
        return out.size() < maxNewTokens && !target.config().eosTokenIds().contains((int) token);
    }

    private long[] propose(ChainDraft.Text drafting) {
        try (Scope scope = Scope.open()) {
            return drafting.propose(draftTokens);
        }
    }

    /** Runs the target over verified tokens and a proposal; cache and draft keep only the accepted tokens. */
    private Verdict read(long[] verified, long[] drafted, KvCache cache, ChainDraft.Text drafting, RandomGenerator random) {
        long[] ids = Arrays.copyOf(verified, verified.length + drafted.length);
        System.arraycopy(drafted, 0, ids, verified.length, drafted.length);
        int before = cache.length();
        try (Scope scope = Scope.open()) {
            HiddenStates states = target.decode(ids, cache, captureLayers);
            Tensor rows = states.last().narrow(0, verified.length - 1L, drafted.length + 1L);
            Verdict verdict = verify(target.logits(rows), drafted, random);
            int kept = verified.length + verdict.accepted();
            cache.truncate(before + kept);
            long[] following = Arrays.copyOfRange(ids, 1, kept + 1);
            following[kept - 1] = verdict.next();
            drafting.extend(states.aux().narrow(0, 0, kept), following);
            return verdict;
        }
    }

    /** @param logits [drafted + 1, vocabulary]: row i has the target's logits after i drafted tokens */
    private Verdict verify(Tensor logits, long[] drafted, RandomGenerator random) {
        if (sampling.greedy()) {
            long[] own = logits.argmax().toLongs();
            int accepted = 0;
            while (accepted < drafted.length && own[accepted] == drafted[accepted]) {
                accepted++;
            }
            return new Verdict(accepted, own[accepted]);
        }
        for (int i = 0; i < drafted.length; i++) {
            double[] p = sampling.probabilities(logits.narrow(0, i, 1).toFloats());
            int guess = (int) drafted[i];
            if (random.nextDouble() >= p[guess]) {
                p[guess] = 0;
                return new Verdict(i, Sampling.draw(p, random));
            }
        }
        double[] p = sampling.probabilities(logits.narrow(0, drafted.length, 1).toFloats());
        return new Verdict(drafted.length, Sampling.draw(p, random));
    }
}
