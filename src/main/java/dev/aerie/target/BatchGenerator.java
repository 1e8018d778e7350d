package dev.aerie.target;

import dev.aerie.target.layer.BatchCache;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Decodes many sequences greedily at a time, one token of each in a pass of the target. A sequence that ends makes room for the
 * next one. In float32 the texts are those of {@link Generator}, but for arg-max ties within rounding.
 */
public final class BatchGenerator {

    /** Tokens in one pass over prompts, unless a single prompt is longer. */
    private static final int PREFILL_TOKENS = 4096;

    /**
     * A text to continue.
     *
     * @param prompt at least one token
     * @param maxNewTokens at least one
     */
    public record Request(long[] prompt, int maxNewTokens) {

        public Request {
            if (prompt.length == 0 || maxNewTokens < 1) {
                throw new IllegalArgumentException("Invalid request: " + prompt.length + " tokens to be continued by "
                        + maxNewTokens + " (expected at least one of each)");
            }
        }

        int capacity() {
            return prompt.length + maxNewTokens;
        }
    }

    /** A sequence that is being decoded; its slot in the cache is its place in the list. */
    private static final class Running {

        private final int index;
        private final Request request;
        private final List<Long> text = new ArrayList<>();

        Running(int index, Request request) {
            this.index = index;
            this.request = request;
        }
    }

    private final Target target;
    private final int sequences;
    private final long cacheTokens;

    /**
     * @param sequences decoded at a time, at most
     * @param cacheTokens that the cache of these may have room for, each of them as long as the longest may become, unless a
     *     single sequence needs more
     */
    public BatchGenerator(Target target, int sequences, long cacheTokens) {
        if (sequences < 1 || cacheTokens < 1) {
            throw new IllegalArgumentException("Invalid batch: " + sequences + " sequences of " + cacheTokens
                    + " tokens (expected at least one of each)");
        }
        this.target = target;
        this.sequences = sequences;
        this.cacheTokens = cacheTokens;
    }

    /**
     * Continues every prompt.
     *
     * @return the new tokens of each request, in the requests' order, as {@link Generator#generate} returns them
     */
    public List<long[]> generate(List<Request> requests) {
        long[][] texts = new long[requests.size()][];
        // Sequences of similar length together, because shorter ones are padded.
        int[] order = IntStream.range(0, texts.length).boxed()
                .sorted(Comparator.comparingInt(i -> -requests.get(i).capacity())).mapToInt(Integer::intValue).toArray();
        List<Running> running = new ArrayList<>();
        int next = 0;
        try (BatchCache cache = target.newBatchCache()) {
            while (next < order.length || !running.isEmpty()) {
                int started = running.size();
                while (next < order.length && fits(running, requests.get(order[next]))) {
                    Request request = requests.get(order[next]);
                    running.add(new Running(order[next++], request));
                    cache.add(request.capacity());
                }
                prefill(running, started, cache);
                end(running, cache, texts);
                if (!running.isEmpty()) {
                    step(running, running.stream().map(r -> new long[] {r.text.get(r.text.size() - 1)}).toList(), cache, 0);
                    end(running, cache, texts);
                }
            }
        }
        return Arrays.asList(texts);
    }

    private boolean fits(List<Running> running, Request request) {
        long longest = running.stream().mapToLong(r -> r.request.capacity()).reduce(request.capacity(), Math::max);
        return running.isEmpty() || running.size() < sequences && (running.size() + 1) * longest <= cacheTokens;
    }

    private void prefill(List<Running> running, int started, BatchCache cache) {
        int from = started;
        while (from < running.size()) {
            int to = from;
            int tokens = 0;
            while (to < running.size() && (to == from || tokens + running.get(to).request.prompt().length <= PREFILL_TOKENS)) {
                tokens += running.get(to++).request.prompt().length;
            }
            List<Running> some = running.subList(from, to);
            step(some, some.stream().map(r -> r.request.prompt()).toList(), cache, from);
            from = to;
        }
    }

    /** @param first slot of the first of these sequences */
    private void step(List<Running> some, List<long[]> ids, BatchCache cache, int first) {
        try (Scope scope = Scope.open()) {
            Tensor last = target.decode(ids, cache, first);
            if (last.size(0) > some.size()) {
                last = last.rows(Tensor.of(ends(ids), some.size()).to(last.device()));
            }
            long[] chosen = target.logits(last).argmax().toLongs();
            for (int i = 0; i < chosen.length; i++) {
                some.get(i).text.add(chosen[i]);
            }
        }
    }

    private static long[] ends(List<long[]> ids) {
        long[] ends = new long[ids.size()];
        long row = -1;
        for (int i = 0; i < ends.length; i++) {
            row += ids.get(i).length;
            ends[i] = row;
        }
        return ends;
    }

    /** Takes out the sequences that have ended; as in the cache, the last one takes the place of one that is taken out. */
    private void end(List<Running> running, BatchCache cache, long[][] texts) {
        List<Integer> ends = target.config().eosTokenIds();
        for (int slot = running.size() - 1; slot >= 0; slot--) {
            Running r = running.get(slot);
            if (r.text.size() == r.request.maxNewTokens() || ends.contains((int) (long) r.text.get(r.text.size() - 1))) {
                texts[r.index] = r.text.stream().mapToLong(Long::longValue).toArray();
                cache.remove(slot);
                Running last = running.remove(running.size() - 1);
                if (slot < running.size()) {
                    running.set(slot, last);
                }
            }
        }
    }
}
