package dev.aerie.target.layer;

import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.torch.Attention;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.GatedDeltaRule;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The keys and values of several sequences that are decoded together. Each layer has one tensor of them with a slot for each
 * sequence, so that a token of every sequence takes one attention: sequences are padded, and masked, to the longest of those of
 * similar length. Slots are as long as the longest sequence has become, by blocks, and are not moved for a token. Used by one
 * thread.
 */
public final class BatchCache implements AutoCloseable {

    /** Tokens by which slots grow, at least. */
    private static final int BLOCK = 64;

    /** A sequence; its slot is its place in the list. */
    private static final class Sequence implements AutoCloseable {

        private final int capacity;
        private final Scope scope = Scope.detached();
        private final RecurrentState[] states;
        private int length;

        Sequence(int capacity, List<AttentionSpec.CachedRow> layers) {
            this.capacity = capacity;
            this.states = layers.stream().map(layer -> layer == null ? new RecurrentState(scope) : null)
                    .toArray(RecurrentState[]::new);
        }

        @Override
        public void close() {
            scope.close();
        }
    }

    private final List<AttentionSpec.CachedRow> layers;
    private final DType dtype;
    private final Device device;
    private final List<Sequence> sequences = new ArrayList<>();
    private final Scope scope = Scope.detached();
    /** [slots, kv heads, tokens, d] of each layer; null for layers with a recurrent state, and before the first token. */
    private final Tensor[] keys;
    private final Tensor[] values;
    private int slots;
    private int tokens;

    /** @param layers null for layers with a recurrent state */
    public BatchCache(List<AttentionSpec.CachedRow> layers, DType dtype, Device device) {
        this.layers = new ArrayList<>(layers);
        this.dtype = dtype;
        this.device = device;
        this.keys = new Tensor[layers.size()];
        this.values = new Tensor[layers.size()];
    }

    /** Adds an empty sequence in the next slot, of at most {@code capacity} tokens. */
    public void add(int capacity) {
        sequences.add(new Sequence(capacity, layers));
    }

    /** Returns the number of sequences, whose slots are those from 0 on. */
    public int size() {
        return sequences.size();
    }

    /** Removes a sequence; the sequence in the last slot takes its slot. */
    public void remove(int slot) {
        int last = sequences.size() - 1;
        sequences.get(slot).close();
        Sequence moved = sequences.remove(last);
        if (slot == last) {
            return;
        }
        sequences.set(slot, moved);
        for (int layer = 0; layer < keys.length; layer++) {
            if (keys[layer] != null && moved.length > 0) {
                move(keys[layer], last, slot, moved.length);
                move(values[layer], last, slot, moved.length);
            }
        }
    }

    private static void move(Tensor cache, int from, int to, int length) {
        try (Scope moving = Scope.open()) {
            cache.narrow(0, to, 1).narrow(2, 0, length).copy_(cache.narrow(0, from, 1).narrow(2, 0, length));
        }
    }

    /**
     * Begins a pass over the next tokens of consecutive sequences: one token of each, or the first ones.
     *
     * @param first slot of the first sequence
     * @param rows next tokens of each sequence, which follow each other in the pass
     */
    public Rows next(int first, int[] rows) {
        boolean single = Arrays.stream(rows).allMatch(n -> n == 1);
        for (int s = 0; s < rows.length; s++) {
            Sequence sequence = sequences.get(first + s);
            if (rows[s] < 1 || rows[s] > sequence.capacity - sequence.length || !single && sequence.length > 0) {
                throw new IllegalArgumentException("Invalid tokens: " + rows[s] + " after " + sequence.length
                        + " (expected one, or the first ones, of a sequence of at most " + sequence.capacity + ")");
            }
        }
        reserve(first, rows);
        return new Rows(first, rows);
    }

    /** Makes slots for all sequences, as long as their next tokens need. */
    private void reserve(int first, int[] rows) {
        int longest = 0;
        int most = 0;
        for (int slot = 0; slot < sequences.size(); slot++) {
            boolean grows = slot >= first && slot < first + rows.length;
            longest = Math.max(longest, sequences.get(slot).length + (grows ? rows[slot - first] : 0));
            most = Math.max(most, sequences.get(slot).capacity);
        }
        if (sequences.size() <= slots && longest <= tokens) {
            return;
        }
        int blocks = (Math.max(longest + BLOCK, longest + longest / 2) + BLOCK - 1) / BLOCK;
        resize(sequences.size(), Math.min(most, Math.multiplyExact(blocks, BLOCK)));
    }

    private void resize(int newSlots, int newTokens) {
        for (int layer = 0; layer < keys.length; layer++) {
            AttentionSpec.CachedRow row = layers.get(layer);
            if (row != null) {
                keys[layer] = resized(keys[layer], newSlots, newTokens, row.kvHeads(), row.keyDim());
                values[layer] = resized(values[layer], newSlots, newTokens, row.kvHeads(), row.valueDim());
            }
        }
        slots = newSlots;
        tokens = newTokens;
    }

    /** Zeros where nothing is written: what is masked is multiplied by 0, so it must be finite. */
    private Tensor resized(Tensor before, int newSlots, int newTokens, int kvHeads, int dim) {
        try (Scope resizing = Scope.open()) {
            Tensor after = Tensor.zeros(dtype, device, newSlots, kvHeads, newTokens, dim);
            if (before != null) {
                int both = Math.min(slots, newSlots);
                int length = Math.min(tokens, newTokens);
                after.narrow(0, 0, both).narrow(2, 0, length).copy_(before.narrow(0, 0, both).narrow(2, 0, length));
                before.close();
            }
            return scope.adopt(after);
        }
    }

    @Override
    public void close() {
        sequences.forEach(Sequence::close);
        scope.close();
    }

    /** The next tokens of some sequences, during one pass through the layers. */
    public final class Rows implements KeyValues, AutoCloseable {

        private record MaskKey(long window, long chunk) {}

        private final int first;
        private final int[] rows;
        private final long[] positions;
        private final boolean single;
        private final Scope pass = Scope.detached();
        private final Tensor slotOf;
        private final Tensor at;
        /** Where groups of sequences of similar length end; before them, the first slot. */
        private final long[] bounds;
        private final long[] longest;
        private final Map<MaskKey, List<Tensor>> masks = new HashMap<>();

        private Rows(int first, int[] rows) {
            this.first = first;
            this.rows = rows.clone();
            this.single = Arrays.stream(rows).allMatch(n -> n == 1);
            int all = Arrays.stream(rows).sum();
            this.positions = new long[all];
            long[] slotOfRow = new long[all];
            int row = 0;
            for (int s = 0; s < rows.length; s++) {
                for (int i = 0; i < rows[s]; i++, row++) {
                    slotOfRow[row] = first + s;
                    positions[row] = length(s) + i;
                }
            }
            try (Scope making = Scope.open()) {
                this.slotOf = pass.adopt(Tensor.of(slotOfRow, all).to(device));
                this.at = pass.adopt(Tensor.of(positions, all).to(device));
            }
            List<Long> ends = new ArrayList<>(List.of((long) first));
            List<Long> most = new ArrayList<>();
            if (single) {
                group(ends, most);
            }
            this.bounds = ends.stream().mapToLong(Long::longValue).toArray();
            this.longest = most.stream().mapToLong(Long::longValue).toArray();
        }

        private int length(int s) {
            return sequences.get(first + s).length;
        }

        /** Puts consecutive sequences together while at most half of what they are padded to is padding. */
        private void group(List<Long> ends, List<Long> most) {
            long longestOfGroup = 0;
            long sum = 0;
            int members = 0;
            for (int s = 0; s < rows.length; s++) {
                long keys = length(s) + 1L;
                long longer = Math.max(longestOfGroup, keys);
                if (members > 0 && longer * (members + 1) > 2 * (sum + keys) + (long) BLOCK * (members + 1)) {
                    ends.add((long) first + s);
                    most.add(longestOfGroup);
                    longer = keys;
                    sum = 0;
                    members = 0;
                }
                longestOfGroup = longer;
                sum += keys;
                members++;
            }
            ends.add((long) first + rows.length);
            most.add(longestOfGroup);
        }

        /** Returns the positions of the rows in their sequences. */
        public long[] positions() {
            return positions.clone();
        }

        /** Counts the rows in every sequence; all layers must have received them. */
        public void advance() {
            for (int s = 0; s < rows.length; s++) {
                sequences.get(first + s).length += rows[s];
            }
        }

        @Override
        public long[] lengths(long[] ofRows) {
            long[] out = new long[ofRows.length];
            int start = 0;
            for (int s = 0; s < rows.length; s++) {
                Arrays.fill(out, start, start + rows[s], (long) length(s) + rows[s]);
                start += rows[s];
            }
            return out;
        }

        @Override
        public Tensor attend(int layer, Tensor q, Tensor k, Tensor v, Attention.Options options) {
            Attention.write(keys[layer], k, slotOf, at);
            Attention.write(values[layer], v, slotOf, at);
            if (!single) {
                return Attention.causal(q, k, v, cuSeqlens(), options);
            }
            return Attention.newestRows(q, keys[layer], values[layer], bounds, longest, masks(q, options), options);
        }

        private List<Tensor> masks(Tensor like, Attention.Options options) {
            return masks.computeIfAbsent(new MaskKey(options.window(), options.chunk()), key -> {
                List<Tensor> out = new ArrayList<>();
                try (Scope making = Scope.open()) {
                    for (int g = 0; g < longest.length; g++) {
                        Tensor newest = at.narrow(0, bounds[g] - first, bounds[g + 1] - bounds[g]);
                        out.add(pass.adopt(Attention.mask(like, newest, longest[g], options)));
                    }
                }
                return out;
            });
        }

        private long[] cuSeqlens() {
            long[] out = new long[rows.length + 1];
            for (int s = 0; s < rows.length; s++) {
                out[s + 1] = out[s] + rows[s];
            }
            return out;
        }

        @Override
        public Tensor linearAttention(int layer, GatedDeltaRule.Inputs inputs, Tensor convolution, GatedDeltaRule.Heads heads) {
            List<Tensor> parts = new ArrayList<>();
            long start = 0;
            for (int s = 0; s < rows.length; s++) {
                parts.add(sequences.get(first + s).states[layer]
                        .next(length(s), inputs.narrow(start, rows[s]), convolution, heads));
                start += rows[s];
            }
            return parts.size() == 1 ? parts.get(0) : Tensor.cat(0, parts);
        }

        @Override
        public void close() {
            pass.close();
        }
    }
}
