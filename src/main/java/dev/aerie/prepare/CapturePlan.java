package dev.aerie.prepare;

import dev.aerie.store.Part;
import dev.aerie.store.StoreSettings;
import dev.aerie.store.TeacherRows;
import java.util.List;
import java.util.Locale;

/**
 * The expected content of a store, known before the target is loaded.
 *
 * @param shards assignment of conversations to shards
 * @param settings content of store.json
 * @param tokens tokens expected, continuations of held-out prompts at their longest
 * @param teacherRows states after the final norm expected
 * @param bytes expected bytes of the shards, rather too many than too few
 */
record CapturePlan(ShardPlan shards, StoreSettings settings, long tokens, long teacherRows, long bytes) {

    static CapturePlan of(List<ConversationSummary> conversations, ShardPlan shards, StoreSettings settings, int maxNewTokens) {
        long tokens = 0;
        long teacher = 0;
        for (ConversationSummary c : conversations) {
            long expected = ShardPlan.expectedTokens(c, maxNewTokens);
            tokens += expected;
            if (settings.states().teacherRows() == TeacherRows.ALL) {
                teacher += expected;
            } else {
                teacher += c.part() == Part.TRAIN ? c.teacherRows() : maxNewTokens;
            }
        }
        return new CapturePlan(shards, settings, tokens, teacher,
                settings.states().expectedBytes(tokens, teacher));
    }

    /** Bytes of so many tokens of this plan. */
    long bytesOf(long some) {
        return tokens == 0 ? 0 : (long) (bytes * ((double) some / tokens));
    }

    /** One line for a person. */
    @Override
    public String toString() {
        return String.format(Locale.ROOT,
                "%,d conversations (%,d held out), %,d tokens in %,d shards, about %.2f GB "
                        + "(%s, layers %s, teacher states for %.1f %% of the tokens)",
                settings.planned().conversations(), settings.planned().heldOut(), tokens, shards.shards(), bytes / 1e9,
                settings.states().codec().name(), settings.states().captureLayers(), 100.0 * teacherRows / Math.max(1, tokens));
    }
}
