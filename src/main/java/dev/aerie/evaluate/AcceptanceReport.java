package dev.aerie.evaluate;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;

/**
 * The acceptance and speed of a draft with its target on some prompts, one result per prompt.
 *
 */
public final class AcceptanceReport {

    private static final int RESAMPLES = 2000;
    private static final long RESAMPLING_SEED = 1;

    private final EvaluateSettings settings;
    private final List<PromptResult> results;
    private final Acceptance draft;
    private final Acceptance bigram;

    AcceptanceReport(EvaluateSettings settings, List<PromptResult> results) {
        this.settings = settings;
        this.results = List.copyOf(results);
        this.draft = results.stream().map(PromptResult::acceptance)
                .reduce(Acceptance.none(settings.draftTokens()), Acceptance::plus);
        this.bigram = results.stream().map(PromptResult::bigram).filter(Objects::nonNull).reduce(Acceptance::plus).orElse(null);
    }

    /** Returns the mean number of tokens that a verification pass adds to the texts, the target's own token included. */
    public double acceptanceLength() {
        return draft.length();
    }

    /** Returns the share of rounds in which at least k drafted tokens were accepted. */
    public double hitRate(int k) {
        return draft.hitRate(k);
    }

    /** Returns the acceptance length of a bigram table on the same texts; NaN if there is none. */
    public double bigramAcceptanceLength() {
        return bigram == null ? Double.NaN : bigram.length();
    }

    /** Returns new tokens per second without the draft, prefill included. */
    public double plainTokensPerSecond() {
        return perSecond(results.stream().mapToLong(PromptResult::plainTokens).sum(),
                results.stream().mapToLong(PromptResult::plainNanos).sum());
    }

    /** Returns new tokens per second with the draft, prefill included. */
    public double tokensPerSecond() {
        return perSecond(results.stream().mapToLong(PromptResult::tokens).sum(),
                results.stream().mapToLong(PromptResult::nanos).sum());
    }

    /** Returns the number of texts that first differ from plain decoding where the target's two best logits are nearly equal. */
    public long roundingDifferences() {
        return divergences().filter(d -> d.gap() < Divergence.ROUNDING).count();
    }

    /** Returns the number of texts that differ elsewhere; in float32 any such text means that decoding is wrong. */
    public long trueDifferences() {
        return divergences().filter(d -> !(d.gap() < Divergence.ROUNDING)).count();
    }

    private Stream<Divergence> divergences() {
        return results.stream().map(PromptResult::divergence).filter(Objects::nonNull);
    }

    private static double perSecond(long tokens, long nanos) {
        return nanos == 0 ? 0 : tokens * 1e9 / nanos;
    }

    /** Returns the 95 % interval of the acceptance length, from resampling the prompts (Efron, 1979). */
    double[] interval() {
        Random random = new Random(RESAMPLING_SEED);
        double[] lengths = new double[RESAMPLES];
        for (int r = 0; r < RESAMPLES; r++) {
            long rounds = 0;
            long emitted = 0;
            for (int i = 0; i < results.size(); i++) {
                Acceptance a = results.get(random.nextInt(results.size())).acceptance();
                rounds += a.count();
                emitted += a.emitted();
            }
            lengths[r] = rounds == 0 ? 0 : (double) emitted / rounds;
        }
        Arrays.sort(lengths);
        return new double[] {lengths[RESAMPLES * 25 / 1000], lengths[RESAMPLES * 975 / 1000 - 1]};
    }

    /** Returns the content of the table, and the counts of each prompt. */
    public ObjectNode toJson() {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.put("target", settings.target().model().uri()).put("draft", settings.draft().uri())
                .put("dtype", settings.target().dtype().name());
        root.put("draft_tokens", settings.draftTokens()).put("max_new_tokens", settings.maxNewTokens());
        root.put("temperature", settings.sampling().temperature()).put("top_k", settings.sampling().topK())
                .put("top_p", settings.sampling().topP());
        root.put("seed", settings.seed()).put("prompts", results.size());
        put(root, draft);
        double[] interval = interval();
        root.putArray("acceptance_length_95").add(interval[0]).add(interval[1]);
        if (bigram != null) {
            put(root.putObject("bigram"), bigram);
        }
        root.put("tokens_per_second", tokensPerSecond()).put("plain_tokens_per_second", plainTokensPerSecond());
        root.put("rounding_differences", roundingDifferences()).put("true_differences", trueDifferences());
        ArrayNode prompts = root.putArray("per_prompt");
        for (PromptResult r : results) {
            ObjectNode one = prompts.addObject().put("prompt", r.prompt()).put("tokens", r.tokens())
                    .put("rounds", r.acceptance().count()).put("emitted", r.acceptance().emitted());
            if (r.divergence() != null) {
                one.put("differs_at", r.divergence().token()).put("gap", r.divergence().gap());
            }
        }
        return root;
    }

    private static void put(ObjectNode node, Acceptance a) {
        node.put("acceptance_length", a.length()).put("rounds", a.count()).put("emitted", a.emitted());
        ArrayNode rates = node.putArray("hit_rate");
        for (int k = 1; k <= a.draftTokens(); k++) {
            rates.add(a.hitRate(k));
        }
    }

    /** Returns a table for the user. */
    @Override
    public String toString() {
        double[] interval = interval();
        StringBuilder out = new StringBuilder();
        out.append(String.format(Locale.ROOT, "%d prompts, %d drafted tokens a round, %d rounds%n",
                results.size(), settings.draftTokens(), draft.count()));
        out.append(String.format(Locale.ROOT, "acceptance length   %.2f   (95 %% of resampled prompt sets: %.2f to %.2f)%n",
                draft.length(), interval[0], interval[1]));
        out.append("hit rate by depth   ").append(rates(draft)).append(System.lineSeparator());
        if (bigram != null) {
            out.append(String.format(Locale.ROOT, "bigram table        %.2f   (the draft is %+.2f from it)%n",
                    bigram.length(), draft.length() - bigram.length()));
            out.append("  its hit rates     ").append(rates(bigram)).append(System.lineSeparator());
        }
        out.append(String.format(Locale.ROOT, "tokens a second     %.0f with the draft, %.0f without (%.2f times)%n",
                tokensPerSecond(), plainTokensPerSecond(), tokensPerSecond() / plainTokensPerSecond()));
        if (settings.sampling().greedy()) {
            out.append(String.format(Locale.ROOT, "same text as without the draft: %d of %d prompts",
                    results.size() - divergences().count(), results.size()));
            out.append(String.format(Locale.ROOT, "; differs by rounding (gap under %.0e): %d; otherwise: %d%n",
                    Divergence.ROUNDING, roundingDifferences(), trueDifferences()));
        }
        return out.toString();
    }

    private static String rates(Acceptance a) {
        StringBuilder out = new StringBuilder();
        for (int k = 1; k <= a.draftTokens(); k++) {
            out.append(String.format(Locale.ROOT, "%.2f ", a.hitRate(k)));
        }
        return out.toString().stripTrailing();
    }
}
