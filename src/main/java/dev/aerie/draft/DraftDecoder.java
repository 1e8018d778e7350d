package dev.aerie.draft;

import dev.aerie.target.layer.RotaryTable;
import dev.aerie.target.layer.RotaryTable.Rotation;
import dev.aerie.torch.Attention;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Nn;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;

/**
 * Drafts tokens like a serving engine: a chain from the newest token of a text, where each step reads the output of the one
 * before.
 *
 * <p>A chain from row t computes what {@link TttForward} computes for row t, with the drafted tokens in place of the text's. Keys
 * of verified rows come from fc and keys of the chain from its steps, rotated by t+i; the next {@link Text#extend} removes the
 * latter.
 */
public final class DraftDecoder implements AutoCloseable {

    private final DraftConfig config;
    private final FrozenTarget target;
    private final Scope scope = Scope.detached();
    private final DraftTensors weights;
    private final RotaryTable rotary;
    private final DType compute;
    private final Device device;

    /**
     * @param parameters copied now unless compute is float32, in which case later changes apply
     * @param target tensors in {@code compute}, on the device of the parameters, which must stay open as long as this
     */
    public DraftDecoder(DraftParameters parameters, FrozenTarget target, DType compute) {
        target.require(parameters.config());
        this.config = parameters.config();
        this.target = target;
        this.compute = compute;
        this.device = parameters.flat().device();
        this.rotary = config.rotary(device);
        // Last, so that nothing can fail once the scope owns them.
        try (Scope making = Scope.open()) {
            this.weights = parameters.tensors(compute).adoptedBy(scope);
        }
    }

    /** @param capacity largest number of tokens in the text, drafted ones included */
    public Text begin(int capacity) {
        return new Text(capacity);
    }

    /** A text with its keys and values. Used by one thread. */
    public final class Text implements AutoCloseable {

        private final int capacity;
        private final Scope state = Scope.detached();
        private final Tensor keys;
        private final Tensor values;
        private int verified;
        private Tensor newestHidden;
        private long newestToken;

        private Text(int capacity) {
            this.capacity = capacity;
            try (Scope making = Scope.open()) {
                keys = Tensor.zeros(compute, device, capacity, config.keyValueHeads(), config.headDim());
                values = Tensor.zeros(compute, device, capacity, config.keyValueHeads(), config.headDim());
                state.adopt(keys);
                state.adopt(values);
            }
        }

        /** Returns the number of verified rows whose keys and values are in the cache. */
        int length() {
            return verified;
        }

        /**
         * Appends verified tokens and removes the chain drafted before.
         *
         * @param aux [n, 3 · target hidden]: captured states of the next n tokens that the target has processed
         * @param following the token after each of them; the last is the newest of the text
         */
        public void extend(Tensor aux, long[] following) {
            if (following.length == 0 || aux.size(0) != following.length) {
                throw new IllegalArgumentException("Invalid following: " + following.length + " tokens (expected "
                        + aux.size(0) + ", one for each row of aux, and at least one)");
            }
            requireRoom(verified, following.length);
            try (Scope scope = Scope.open()) {
                Tensor hidden = Nn.linear(aux.to(device).to(compute), weights.fc());
                Tensor embedded = embed(following);
                int q = config.queryWidth();
                Tensor keyValues = project(embedded, hidden, q, 2 * config.keyValueWidth());
                store(keyValues, verified, following.length);
                verified += following.length;
                if (newestHidden != null) {
                    newestHidden.close();
                }
                newestHidden = state.adopt(hidden.narrow(0, following.length - 1L, 1).copy());
                newestToken = following[following.length - 1];
            }
        }

        /**
         * Returns the draft's most likely continuation of the text, as target ids.
         *
         * @param count at least 1
         */
        public long[] propose(int count) {
            if (newestHidden == null) {
                throw new IllegalStateException("Nothing to draft from: the text has no verified token yet");
            }
            requireRoom(verified, count - 1);
            long[] proposed = new long[count];
            try (Scope scope = Scope.open()) {
                Tensor hidden = newestHidden;
                long token = newestToken;
                for (int i = 0; i < count; i++) {
                    hidden = step(i, hidden, token);
                    Tensor logits = Nn.linear(Nn.rmsNorm(hidden, weights.outputNorm(), config.rmsNormEps()), weights.lmHead());
                    token = target.vocabulary().ids()[(int) logits.argmax().toLongs()[0]];
                    proposed[i] = token;
                }
            }
            return proposed;
        }

        /** Runs one row through the layer; the keys and values of later steps follow the verified ones in the cache. */
        private Tensor step(int i, Tensor hidden, long token) {
            Tensor embedded = embed(new long[] {token});
            int q = config.queryWidth();
            int row = verified - 1 + i;
            Tensor projected = project(embedded, hidden, 0, i == 0 ? q : q + 2 * config.keyValueWidth());
            if (i > 0) {
                store(projected.narrow(1, q, 2L * config.keyValueWidth()), row, 1);
            }
            Rotation rotation = rotary.at(new long[] {row});
            Tensor queries = Nn.rotaryEmbedding(heads(projected.narrow(1, 0, q)), rotation.cos(), rotation.sin());
            Tensor attended = Attention.cached(queries, keys.narrow(0, 0, row + 1L), values.narrow(0, 0, row + 1L),
                    1 / Math.sqrt(config.headDim()));
            Tensor afterAttention = Nn.linearAdd(attended.view(1, q), weights.output(), hidden);
            Tensor gateUp = Nn.linear(Nn.rmsNorm(afterAttention, weights.postNorm(), config.rmsNormEps()), weights.gateUp());
            return Nn.linearAdd(Nn.siluProduct(gateUp), weights.down(), afterAttention);
        }

        private void store(Tensor keyValues, int at, int n) {
            int kv = config.keyValueWidth();
            long[] positions = new long[n];
            for (int j = 0; j < n; j++) {
                positions[j] = at + j;
            }
            Rotation rotation = rotary.at(positions);
            Attention.append(keys, Nn.rotaryEmbedding(heads(keyValues.narrow(1, 0, kv)), rotation.cos(), rotation.sin()), at);
            Attention.append(values, heads(keyValues.narrow(1, kv, kv)), at);
        }

        private void requireRoom(int length, int n) {
            if (length + n > capacity) {
                throw new IllegalArgumentException("Invalid tokens: " + n + " (expected at most " + (capacity - length)
                        + ", which is what the cache of " + capacity + " has left)");
            }
        }

        @Override
        public void close() {
            state.close();
        }
    }

    private Tensor embed(long[] tokens) {
        Tensor ids = Tensor.of(tokens, tokens.length).to(device);
        return Nn.rmsNorm(Nn.embedding(ids, target.embedTokens()).to(compute), weights.embeddingNorm(), config.rmsNormEps());
    }

    /** Projects to some of the columns of queries, keys and values. */
    private Tensor project(Tensor embedded, Tensor hidden, int from, int width) {
        Tensor normed = Nn.rmsNorm(hidden, weights.hiddenNorm(), config.rmsNormEps());
        return Nn.linearAdd(normed, weights.hiddenSide().narrow(0, from, width),
                Nn.linear(embedded, weights.embeddingSide().narrow(0, from, width)));
    }

    private Tensor heads(Tensor x) {
        return x.view(x.size(0), x.size(1) / config.headDim(), config.headDim());
    }

    @Override
    public void close() {
        rotary.close();
        scope.close();
    }
}
