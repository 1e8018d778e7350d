package dev.aerie.target;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.family.TargetFamilies;
import dev.aerie.target.layer.WeightLoader;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.target.spec.WeightSpec;
import dev.aerie.target.weights.Weights;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Nn;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The embedding and the lm_head of a target, which are all that training needs of it. */
public final class TargetEnds implements AutoCloseable {

    /** Rows of a streamed lm_head that are brought to the device at a time. */
    private static final long SLICE = 8192;

    private final Scope scope = Scope.detached();
    private final DecoderSpec spec;
    private final Weights weights;
    private final WeightLoader loader;
    private Tensor embedTokens;
    private Tensor lmHead;

    /** Loads each tensor when it is used for the first time; the weights must then still be open. */
    TargetEnds(DecoderSpec spec, Weights weights, DType dtype, Device device) {
        this.spec = spec;
        this.weights = weights;
        this.loader = new WeightLoader(weights, dtype, device, scope);
    }

    /**
     * Loads the embedding and the lm_head and nothing else.
     *
     * @throws RefusalException if one is missing or misshapen
     */
    public static TargetEnds load(Path folder, DType dtype, Device device) {
        DecoderSpec spec = TargetFamilies.read(folder);
        try (Weights weights = Weights.open(folder)) {
            TargetEnds ends = new TargetEnds(spec, weights, dtype, device);
            try {
                ends.load();
            } catch (RuntimeException | Error e) {
                ends.close();
                throw e;
            }
            return ends;
        }
    }

    void load() {
        embedTokens();
        lmHead();
    }

    public TargetConfig config() {
        return spec.config();
    }

    /** Returns [vocabulary, hidden]. */
    public synchronized Tensor embedTokens() {
        if (embedTokens == null) {
            embedTokens = loader.load(spec.embedding());
        }
        return embedTokens;
    }

    /** Returns [vocabulary, hidden]; the embedding's tensor if the two are tied. */
    public synchronized Tensor lmHead() {
        if (lmHead == null) {
            lmHead = spec.tied() ? embedTokens() : loader.load(spec.lmHead());
        }
        return lmHead;
    }

    /** Returns the cap c of logits = c · tanh(product / c) (Gemma 2), where product is the lm_head's; 0 without a cap. */
    public double logitSoftCap() {
        return spec.logitSoftCap();
    }

    /**
     * Returns the embeddings of tokens, [T, hidden]. If the table is not loaded, only the rows needed are converted and copied.
     */
    Tensor embed(long[] ids) {
        try (Scope embedding = Scope.open()) {
            Tensor rows = embeddingRows(ids);
            if (spec.embeddingScale() == 1) {
                return embedding.release(rows);
            }
            // The factor is rounded to the compute type, as Hugging Face does: in bfloat16 sqrt(3072) is 55.5.
            Tensor scale = Tensor.of(new float[] {(float) spec.embeddingScale()}, 1).to(loader.dtype()).to(loader.device());
            return embedding.release(rows.mul(scale));
        }
    }

    private Tensor embeddingRows(long[] ids) {
        Tensor index = Tensor.of(ids, ids.length);
        synchronized (this) {
            if (embedTokens == null) {
                return onHost(spec.embedding()).rows(index).to(loader.dtype()).to(loader.device());
            }
        }
        return Nn.embedding(index.to(loader.device()), embedTokens);
    }

    /**
     * @param last states after the final norm, [T, hidden]
     * @return [T, vocabulary]
     */
    Tensor logits(Tensor last) {
        Tensor product = product(last);
        return spec.logitSoftCap() == 0 ? product : Nn.softCap(product, spec.logitSoftCap());
    }

    private Tensor product(Tensor last) {
        synchronized (this) {
            if (lmHead == null && (!spec.tied() || embedTokens == null)) {
                return streamedLogits(last);
            }
        }
        return Nn.linear(last, lmHead());
    }

    /** Computes logits slice by slice, so that the whole table is never on the device. */
    private Tensor streamedLogits(Tensor last) {
        long vocabulary = spec.config().vocabSize();
        try (Scope whole = Scope.open()) {
            Tensor table = onHost(spec.lmHead());
            List<Tensor> slices = new ArrayList<>();
            for (long from = 0; from < vocabulary; from += SLICE) {
                try (Scope slice = Scope.open()) {
                    Tensor rows = table.narrow(0, from, Math.min(SLICE, vocabulary - from));
                    slices.add(slice.release(Nn.linear(last, rows.to(loader.device()).to(loader.dtype()))));
                }
            }
            return whole.release(slices.size() == 1 ? slices.get(0) : Tensor.cat(1, slices));
        }
    }

    /** Returns the table on the host: the mapped file unless the table is quantised. */
    private Tensor onHost(WeightSpec table) {
        return weights.isPlain(table) ? table.rowsOf(weights.stored(table.name()))
                : weights.read(table, loader.dtype(), Device.CPU);
    }

    @Override
    public void close() {
        scope.close();
    }
}
