package dev.aerie.target;

import dev.aerie.target.layer.KvCache;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Decodes many sequences greedily at a time, one token of each in a pass of the target. A sequence that ends makes room for the
 * next one. In float32 the texts are those of {@link Generator}, but for arg-max ties within rounding.
 */
public final class BatchGenerator {

    /** Tokens in one pass over prompts, unless a single prompt is longer. */
    private static final int PREFILL_TOKENS = 4096;
    private static final int[] NO_CAPTURE = {};

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

    /** A sequence that is being decoded. */
    private static final class Running {

        private final int index;
        private final Request request;
        private final KvCache cache;
        private final List<Long> text = new ArrayList<>();

        Running(int index, Request request, KvCache cache) {
            this.index = index;
            this.request = request;
            this.cache = cache;
        }
    }

    private final Target target;
    private final int sequences;
    private final long cacheTokens;

    /**
     * @param sequences decoded at a time, at most
     * @param cacheTokens that the caches of these may have room for together, unless a single sequence needs more
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
        List<Running> running = new ArrayList<>();
        int next = 0;
        try {
            while (next < requests.size() || !running.isEmpty()) {
                int started = running.size();
                while (next < requests.size() && fits(running, requests.get(next))) {
                    Request request = requests.get(next);
                    running.add(new Running(next++, request, target.newCache(request.capacity())));
                }
                prefill(running.subList(started, running.size()));
                end(running, texts);
                if (!running.isEmpty()) {
                    step(running, running.stream().map(r -> new long[] {r.text.get(r.text.size() - 1)}).toList());
                    end(running, texts);
                }
            }
        } finally {
            running.forEach(r -> r.cache.close());
        }
        return Arrays.asList(texts);
    }

    private boolean fits(List<Running> running, Request request) {
        long taken = running.stream().mapToLong(r -> r.request.capacity()).sum();
        return running.isEmpty() || running.size() < sequences && taken + request.capacity() <= cacheTokens;
    }

    private void prefill(List<Running> started) {
        int from = 0;
        while (from < started.size()) {
            int to = from;
            int tokens = 0;
            while (to < started.size() && (to == from || tokens + started.get(to).request.prompt().length <= PREFILL_TOKENS)) {
                tokens += started.get(to++).request.prompt().length;
            }
            List<Running> some = started.subList(from, to);
            step(some, some.stream().map(r -> r.request.prompt()).toList());
            from = to;
        }
    }

    private void step(List<Running> some, List<long[]> ids) {
        try (Scope scope = Scope.open()) {
            Tensor last = target.decode(ids, some.stream().map(r -> r.cache).toList(), NO_CAPTURE).last();
            long[] ends = new long[ids.size()];
            long row = -1;
            for (int i = 0; i < ends.length; i++) {
                row += ids.get(i).length;
                ends[i] = row;
            }
            long[] chosen = target.logits(last.rows(Tensor.of(ends, ends.length).to(last.device()))).argmax().toLongs();
            for (int i = 0; i < chosen.length; i++) {
                some.get(i).text.add(chosen[i]);
            }
        }
    }

    /** Takes out the sequences that have ended. */
    private void end(List<Running> running, long[][] texts) {
        List<Integer> ends = target.config().eosTokenIds();
        running.removeIf(r -> {
            boolean ended = r.text.size() == r.request.maxNewTokens()
                    || ends.contains((int) (long) r.text.get(r.text.size() - 1));
            if (ended) {
                texts[r.index] = r.text.stream().mapToLong(Long::longValue).toArray();
                r.cache.close();
            }
            return ended;
        });
    }
}
