package dev.aerie.prepare;

import dev.aerie.store.Part;
import dev.aerie.target.BatchGenerator;
import dev.aerie.target.Target;
import dev.aerie.text.TokenSequence;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * The conversations of a shard, held-out ones as their first prompt and what the target itself says to it, which alone is
 * supervised.
 *
 * <p>Held-out prompts are continued many at a time. Which ones together follows from the plan alone, so that a shard has the
 * same bytes on every host, also in types in which a product of matrices depends on its number of rows.
 */
final class HeldOutContinuations implements Iterator<TokenizedRow> {

    private static final int SEQUENCES = 32;
    /** 5.4 GB of cache in bfloat16 for 80 layers with 8 key-value heads of 128. */
    private static final long CACHE_TOKENS = 16_384;

    private final Iterator<TokenizedRow> conversations;
    private final Target target;
    private final BatchGenerator generator;
    private final int maxNewTokens;
    private final WaveWriter writer;
    private final Deque<TokenizedRow> ready = new ArrayDeque<>();

    /**
     * @param maxNewTokens that a prompt is continued by at most
     * @param writer told of prompts that cannot be continued
     */
    HeldOutContinuations(Iterator<TokenizedRow> conversations, Target target, int maxNewTokens, WaveWriter writer) {
        this.conversations = conversations;
        this.target = target;
        this.generator = new BatchGenerator(target, SEQUENCES, CACHE_TOKENS);
        this.maxNewTokens = maxNewTokens;
        this.writer = writer;
    }

    @Override
    public boolean hasNext() {
        while (ready.isEmpty() && conversations.hasNext()) {
            fill();
        }
        return !ready.isEmpty();
    }

    @Override
    public TokenizedRow next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        return ready.removeFirst();
    }

    /** Takes conversations up to the next of the training part, or as many prompts as are continued at a time. */
    private void fill() {
        List<TokenizedRow> prompts = new ArrayList<>();
        TokenizedRow trained = null;
        while (trained == null && prompts.size() < SEQUENCES && conversations.hasNext()) {
            TokenizedRow row = conversations.next();
            if (row.part() == Part.TRAIN) {
                trained = row;
            } else if (room(row) < 1 || row.sequence().promptLength() == 0) {
                writer.refuse(row,
                        "a prompt of " + row.sequence().promptLength() + " tokens leaves the target nothing to continue");
            } else {
                prompts.add(row);
            }
        }
        List<long[]> texts = generator.generate(prompts.stream().map(this::request).toList());
        for (int i = 0; i < prompts.size(); i++) {
            ready.addLast(continued(prompts.get(i), texts.get(i)));
        }
        if (trained != null) {
            ready.addLast(trained);
        }
    }

    private int room(TokenizedRow row) {
        return Math.min(maxNewTokens, target.config().maxPositions() - row.sequence().promptLength());
    }

    private BatchGenerator.Request request(TokenizedRow row) {
        int[] prompt = Arrays.copyOf(row.sequence().inputIds(), row.sequence().promptLength());
        return new BatchGenerator.Request(Arrays.stream(prompt).asLongStream().toArray(), room(row));
    }

    private static TokenizedRow continued(TokenizedRow row, long[] continuation) {
        int prompt = row.sequence().promptLength();
        int[] ids = Arrays.copyOf(row.sequence().inputIds(), prompt + continuation.length);
        boolean[] lossMask = new boolean[ids.length];
        for (int i = 0; i < continuation.length; i++) {
            ids[prompt + i] = (int) continuation[i];
            lossMask[prompt + i] = true;
        }
        return new TokenizedRow(row.position(), row.id(), row.source(), row.part(), new TokenSequence(ids, lossMask));
    }
}
