package dev.aerie.target;

import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** The layers between embedding and final norm, resident on the device. */
final class Decoder {

    private record RotaryKey(Rope rope, int dim) {}

    private final Map<RotaryKey, RotaryTable> rotaryTables = new HashMap<>();
    private final List<DecoderLayer> layers = new ArrayList<>();
    private final RmsNorm norm;

    Decoder(DecoderSpec spec, WeightLoader loader) {
        for (LayerSpec layer : spec.layers()) {
            layers.add(new DecoderLayer(
                    loader.load(layer.attentionNorm()),
                    attention(layers.size(), layer.attention(), loader),
                    loader.load(layer.feedForwardNorm()),
                    feedForward(layer.feedForward(), loader)));
        }
        this.norm = loader.load(spec.norm());
    }

    private SelfAttention attention(int layer, AttentionSpec spec, WeightLoader loader) {
        if (spec instanceof AttentionSpec.GroupedQuery grouped) {
            return new SelfAttention(layer, grouped, loader, rotaryTable(grouped.rope(), grouped.headDim(), loader.device()));
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

    private RotaryTable rotaryTable(Rope rope, int dim, Device device) {
        return rotaryTables.computeIfAbsent(new RotaryKey(rope, dim), k -> new RotaryTable(rope, dim, device));
    }

    /**
     * Runs every layer.
     *
     * @param x embeddings [T, hidden]
     * @param keep for each layer whether its output is wanted
     * @return the wanted outputs at the index of their layer, null elsewhere; after them the last layer's output, and that
     *     after the final norm: layers + 2 tensors in the innermost scope
     */
    Tensor[] forward(Tensor x, long[] positions, KeyValues keyValues, boolean[] keep) {
        Tensor[] out = new Tensor[layers.size() + 2];
        try (Scope pass = Scope.open()) {
            Map<RotaryTable, RotaryTable.Rotation> rotations = new IdentityHashMap<>();
            rotaryTables.values().forEach(table -> rotations.put(table, table.at(positions)));
            ForwardPass forward = new ForwardPass(keyValues, rotations);
            Tensor state = x;
            for (int i = 0; i < layers.size(); i++) {
                Tensor before = state;
                try (Scope layer = Scope.open()) {
                    state = layer.release(layers.get(i).of(before, forward));
                }
                if (i > 0 && !keep[i - 1]) {
                    before.close();
                }
                if (keep[i]) {
                    out[i] = pass.release(state);
                }
            }
            out[layers.size()] = pass.release(state);
            out[layers.size() + 1] = pass.release(norm.of(state));
        }
        return out;
    }

    void close() {
        rotaryTables.values().forEach(RotaryTable::close);
    }
}
