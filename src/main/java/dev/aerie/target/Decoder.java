package dev.aerie.target;

import dev.aerie.target.layer.DecoderLayer;
import dev.aerie.target.layer.DenseFeedForward;
import dev.aerie.target.layer.FeedForward;
import dev.aerie.target.layer.ForwardPass;
import dev.aerie.target.layer.KeyValues;
import dev.aerie.target.layer.LatentAttention;
import dev.aerie.target.layer.LayerAttention;
import dev.aerie.target.layer.LinearAttention;
import dev.aerie.target.layer.RmsNorm;
import dev.aerie.target.layer.RotaryTable;
import dev.aerie.target.layer.SelfAttention;
import dev.aerie.target.layer.SparseFeedForward;
import dev.aerie.target.layer.WeightLoader;
import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.FeedForwardSpec;
import dev.aerie.target.spec.LayerSpec;
import dev.aerie.target.spec.Rope;
import dev.aerie.target.weights.Weights;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;

/** Executes the layers between the embedding and the final norm. */
final class Decoder implements AutoCloseable {

    private record RotaryKey(Rope rope, int dim) {}

    /** Sequences that pass through a layer together. */
    record PackedEmbeddings(Tensor embedded, long[] positions, KeyValues keyValues) {}

    /** Observes states during the forward pass. */
    interface LayerObserver {
        /** @param output the layer's output for a micro-batch, [T, hidden], valid only during this call */
        void after(int layer, int microBatch, Tensor output);
    }

    private final Map<RotaryKey, RotaryTable> rotaryTables = new ConcurrentHashMap<>();
    private final DecoderSpec spec;
    private final RmsNorm norm;
    private final Layers layers;

    /**
     * @param loader loads the weights that stay on the device
     * @param streamed whether layers are loaded one at a time from {@code weights}, which must then stay open as long as the
     *     decoder
     */
    Decoder(DecoderSpec spec, WeightLoader loader, Weights weights, boolean streamed) {
        this.spec = spec;
        this.norm = loader.load(spec.norm());
        try {
            this.layers = streamed
                    ? new StreamedLayers(spec.layers(), this::layer, weights, loader.dtype(), loader.device())
                    : new ResidentLayers(spec.layers().size(), this::layer, loader);
        } catch (RuntimeException | Error e) {
            rotaryTables.values().forEach(RotaryTable::close);
            throw e;
        }
    }

    private DecoderLayer layer(int index, WeightLoader loader) {
        LayerSpec layer = spec.layers().get(index);
        return new DecoderLayer(
                loader.load(layer.attentionNorm()),
                attention(index, layer.attention(), loader),
                loader.load(layer.postAttentionNorm()),
                loader.load(layer.feedForwardNorm()),
                feedForward(layer.feedForward(), loader),
                loader.load(layer.postFeedForwardNorm()));
    }

    private LayerAttention attention(int layer, AttentionSpec spec, WeightLoader loader) {
        if (spec instanceof AttentionSpec.GroupedQuery grouped) {
            return new SelfAttention(layer, grouped, loader, rotaryTable(grouped.rotation(), loader.device()));
        }
        if (spec instanceof AttentionSpec.Latent latent) {
            return new LatentAttention(layer, latent, loader, rotaryTable(latent.rotation(), loader.device()));
        }
        if (spec instanceof AttentionSpec.GatedDelta delta) {
            return new LinearAttention(layer, delta, loader);
        }
        throw new IllegalStateException("No engine for " + spec);
    }

    private static FeedForward feedForward(FeedForwardSpec spec, WeightLoader loader) {
        if (spec instanceof FeedForwardSpec.SwiGlu swiGlu) {
            return new DenseFeedForward(swiGlu, loader);
        }
        if (spec instanceof FeedForwardSpec.MixtureOfExperts experts) {
            return new SparseFeedForward(experts, loader);
        }
        throw new IllegalStateException("No engine for " + spec);
    }

    private RotaryTable rotaryTable(AttentionSpec.RotaryEmbedding rotation, Device device) {
        return rotation == null ? null : rotaryTables.computeIfAbsent(new RotaryKey(rotation.rope(), rotation.dim()),
                k -> new RotaryTable(k.rope(), k.dim(), device));
    }

    /**
     * Runs a wave: each layer over all its micro-batches, then the next layer.
     *
     * @param wave the micro-batches; their embeddings are freed
     * @return states after the final norm, [T, hidden] for each micro-batch, in the innermost scope
     */
    List<Tensor> forward(List<PackedEmbeddings> wave, LayerObserver observer) {
        try (Scope pass = Scope.open()) {
            Tensor[] states = new Tensor[wave.size()];
            ForwardPass[] forwards = new ForwardPass[wave.size()];
            for (int b = 0; b < states.length; b++) {
                states[b] = pass.adopt(wave.get(b).embedded());
                forwards[b] = new ForwardPass(wave.get(b).keyValues(), wave.get(b).positions(), pass);
            }
            layers.forEach((index, layer) -> {
                for (int b = 0; b < states.length; b++) {
                    int batch = b;
                    replace(states, b, before -> layer.of(before, forwards[batch]));
                    try (Scope observing = Scope.open()) {
                        observer.after(index, b, states[b]);
                    }
                }
            });
            for (int b = 0; b < states.length; b++) {
                replace(states, b, norm::of);
                pass.release(states[b]);
            }
            return List.of(states);
        }
    }

    /** Replaces the states of a micro-batch; whatever else the step allocates is freed, so a wave keeps one state per token. */
    private static void replace(Tensor[] states, int b, UnaryOperator<Tensor> step) {
        Tensor before = states[b];
        try (Scope running = Scope.open()) {
            states[b] = running.release(step.apply(before));
        }
        before.close();
    }

    @Override
    public void close() {
        layers.close();
        rotaryTables.values().forEach(RotaryTable::close);
    }
}
