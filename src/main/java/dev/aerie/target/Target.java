package dev.aerie.target;

import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Nn;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A target model with its weights on a device.
 *
 * <p>Forwards may run on several threads at once; each thread needs an open {@link Scope}, which owns what is returned.
 */
public final class Target implements AutoCloseable {

    private final DecoderSpec spec;
    private final DType dtype;
    private final Device device;
    private final Scope scope = Scope.detached();
    private final TargetEnds ends;
    private final Decoder decoder;

    private Target(DecoderSpec spec, Weights weights, DType dtype, Device device) {
        this.spec = spec;
        this.dtype = dtype;
        this.device = device;
        this.ends = new TargetEnds(spec, weights, dtype, device);
        this.decoder = new Decoder(spec, new WeightLoader(weights, dtype, device, scope));
    }

    /**
     * Loads a model saved by Hugging Face transformers: config.json beside safetensors.
     *
     * @param dtype computed in, whatever the weights are stored in: float32 or bfloat16
     * @throws InvalidModelException if anything about the folder is wrong, before any weight is read
     */
    public static Target load(Path folder, DType dtype, Device device) {
        if (dtype != DType.F32 && dtype != DType.BF16) {
            throw new IllegalArgumentException("Invalid dtype: " + dtype + " (expected float32 or bfloat16)");
        }
        DecoderSpec spec = TargetFamilies.read(folder);
        try (Weights weights = Weights.open(folder)) {
            weights.check(spec.weights(), spec.unused());
            return new Target(spec, weights, dtype, device);
        }
    }

    /** Reads the configuration alone. */
    public static TargetConfig config(Path folder) {
        return TargetFamilies.read(folder).config();
    }

    /**
     * Looks at everything that {@link #load} would refuse, and loads nothing: configuration, every header, every tensor's shape.
     *
     * @throws InvalidModelException if anything about the folder is wrong
     */
    public static TargetConfig check(Path folder) {
        DecoderSpec spec = TargetFamilies.read(folder);
        try (Weights weights = Weights.open(folder)) {
            weights.check(spec.weights(), spec.unused());
        }
        return spec.config();
    }

    public TargetConfig config() {
        return spec.config();
    }

    /** Type that states and logits have. */
    public DType dtype() {
        return dtype;
    }

    public Device device() {
        return device;
    }

    /** [vocabulary, hidden], owned by this target. */
    public Tensor embedTokens() {
        return ends.embedTokens();
    }

    /** [vocabulary, hidden], owned by this target; the same tensor as the embedding where they are tied. */
    public Tensor lmHead() {
        return ends.lmHead();
    }

    /**
     * Runs sequences that are laid end to end.
     *
     * @param ids [T]
     * @param cuSeqlens 0, end of the first sequence, ..., T
     * @param captureLayers whose outputs are wanted; may be empty
     */
    public HiddenStates hiddenStates(long[] ids, long[] cuSeqlens, int[] captureLayers) {
        KeyValues.Packed packed = new KeyValues.Packed(cuSeqlens);
        long[] positions = packed.positions();
        if (positions.length != ids.length) {
            throw new IllegalArgumentException("Invalid cuSeqlens: they end at " + positions.length
                    + " (expected " + ids.length + ")");
        }
        return run(ids, positions, packed, captureLayers);
    }

    /** An empty cache for one sequence of at most {@code capacity} tokens. */
    public KvCache newCache(int capacity) {
        List<AttentionSpec.GroupedQuery> layers = new ArrayList<>();
        for (LayerSpec layer : spec.layers()) {
            if (layer.attention() instanceof AttentionSpec.GroupedQuery grouped) {
                layers.add(grouped);
            }
        }
        return new KvCache(layers, capacity, dtype, device);
    }

    /** Runs the next tokens of the sequence in the cache and adds them to it. */
    public HiddenStates decode(long[] ids, KvCache cache, int[] captureLayers) {
        HiddenStates out = run(ids, cache.nextPositions(ids.length), cache, captureLayers);
        cache.advance(ids.length);
        return out;
    }

    /**
     * @param last states after the final norm, [T, hidden]
     * @return [T, vocabulary]
     */
    public Tensor logits(Tensor last) {
        return ends.logits(last);
    }

    /** Every layer's output, the last one once more, and that after the final norm. */
    Tensor[] everyLayer(long[] ids, long[] cuSeqlens) {
        KeyValues.Packed packed = new KeyValues.Packed(cuSeqlens);
        boolean[] keep = new boolean[spec.layers().size()];
        Arrays.fill(keep, true);
        return decoder.forward(embed(ids), packed.positions(), packed, keep);
    }

    Tensor embed(long[] ids) {
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < 0 || ids[i] >= config().vocabSize()) {
                throw new IllegalArgumentException("Invalid token id: " + ids[i] + " at position " + i
                        + " (expected 0 to " + (config().vocabSize() - 1) + ")");
            }
        }
        return Nn.embedding(Tensor.of(ids, ids.length).to(device), embedTokens());
    }

    private HiddenStates run(long[] ids, long[] positions, KeyValues keyValues, int[] captureLayers) {
        CaptureLayers.check(captureLayers, spec.layers().size());
        boolean[] keep = new boolean[spec.layers().size()];
        for (int layer : captureLayers) {
            keep[layer] = true;
        }
        try (Scope pass = Scope.open()) {
            Tensor[] states = decoder.forward(embed(ids), positions, keyValues, keep);
            Tensor last = pass.release(states[states.length - 1]);
            if (captureLayers.length == 0) {
                return new HiddenStates(null, last);
            }
            List<Tensor> captured = Arrays.stream(captureLayers).mapToObj(layer -> states[layer]).toList();
            return new HiddenStates(pass.release(Tensor.cat(1, captured)), last);
        }
    }

    @Override
    public void close() {
        decoder.close();
        ends.close();
        scope.close();
    }
}
