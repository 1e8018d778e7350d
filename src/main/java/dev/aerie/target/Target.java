package dev.aerie.target;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.family.TargetFamilies;
import dev.aerie.target.layer.KeyValues;
import dev.aerie.target.layer.KvCache;
import dev.aerie.target.layer.WeightLoader;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.target.weights.Weights;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A target model, its layers on a device or streamed through it.
 *
 * <p>Forwards may be asked for by several threads at once; each thread needs an open {@link Scope}, which owns what is returned.
 */
public final class Target implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Target.class);

    private final DecoderSpec spec;
    private final DType dtype;
    private final Device device;
    private final boolean streamed;
    private final Scope scope = Scope.detached();
    private final Weights weights;
    private final TargetEnds ends;
    private final Decoder decoder;

    private Target(DecoderSpec spec, Weights weights, DType dtype, Device device, boolean streamed) {
        this.spec = spec;
        this.dtype = dtype;
        this.device = device;
        this.streamed = streamed;
        this.weights = weights;
        this.ends = new TargetEnds(spec, weights, dtype, device);
        try {
            this.decoder = new Decoder(spec, new WeightLoader(weights, dtype, device, scope), weights, streamed);
        } catch (RuntimeException | Error e) {
            // Gigabytes may be on the device already, and whoever tries again would load as many beside them.
            ends.close();
            scope.close();
            throw e;
        }
    }

    /** Takes the weights over where it succeeds. */
    static Target open(DecoderSpec spec, Weights weights, DType dtype, Device device, boolean streamed) {
        Target target = new Target(spec, weights, dtype, device, streamed);
        if (!streamed) {
            try {
                target.ends.load();
            } catch (RuntimeException | Error e) {
                target.close();
                throw e;
            }
            // Tensors keep what is mapped alive.
            weights.close();
        }
        return target;
    }

    /** Loads a model with every layer on the device; otherwise as {@link #load(Path, DType, Device, Residency)}. */
    public static Target load(Path folder, DType dtype, Device device) {
        return load(folder, dtype, device, Residency.RESIDENT);
    }

    /**
     * Loads a model saved by Hugging Face transformers: config.json beside safetensors.
     *
     * @param dtype computed in, whatever the weights are stored in: float32 or bfloat16
     * @param residency where layers are kept; states are the same to the bit
     * @throws RefusalException if anything about the folder is wrong, before any weight is read
     */
    public static Target load(Path folder, DType dtype, Device device, Residency residency) {
        if (dtype != DType.F32 && dtype != DType.BF16) {
            throw new IllegalArgumentException("Invalid dtype: " + dtype + " (expected float32 or bfloat16)");
        }
        DecoderSpec spec = TargetFamilies.read(folder);
        Weights weights = Weights.open(folder);
        try {
            weights.check(spec.weights(), spec.unused());
            Residency.Decision decision = residency.decide(spec, dtype, device);
            LOG.info("Target {}: {}", folder, decision);
            return open(spec, weights, dtype, device, decision.streamed());
        } catch (RuntimeException | Error e) {
            weights.close();
            throw e;
        }
    }

    /** Reads the configuration alone. */
    public static TargetConfig config(Path folder) {
        return TargetFamilies.read(folder).config();
    }

    /**
     * Looks at everything that {@link #load} would refuse, and loads nothing: configuration, every header, every tensor's shape.
     *
     * @throws RefusalException if anything about the folder is wrong
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

    /** Whether layers come from the files with every forward. */
    boolean streamed() {
        return streamed;
    }

    /** Type that states and logits have. */
    DType dtype() {
        return dtype;
    }

    Device device() {
        return device;
    }

    /** [vocabulary, hidden], owned by this target; loaded when it is first asked for where layers are streamed. */
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
        return hiddenStates(List.of(new PackedTokens(ids, cuSeqlens)), captureLayers).get(0);
    }

    /**
     * Runs a wave: every layer over each of its micro-batches, so that a streamed layer comes once for all of them.
     *
     * @param wave whose states depend on the micro-batch they are in and not on the others, nor on residency
     * @param captureLayers whose outputs are wanted; may be empty
     * @return for each micro-batch, on the host where layers are streamed, because a wave's states need not fit on the device
     */
    public List<HiddenStates> hiddenStates(List<PackedTokens> wave, int[] captureLayers) {
        return run(wave.stream().map(this::embedded).toList(), captureLayers, streamed ? Device.CPU : device);
    }

    /**
     * How many tokens a wave should have: as many as memory allows where a streamed layer comes once for all of them, and one
     * micro-batch (0) where layers stay.
     *
     * @param memory bytes for a wave: its state on the device, and on the host the captured states and that after the final norm
     * @param captured number of captured layers
     */
    public long waveTokens(long memory, int captured) {
        return streamed ? memory / ((captured + 2L) * config().hiddenSize() * dtype.bytes()) : 0;
    }

    private Decoder.PackedEmbeddings embedded(PackedTokens tokens) {
        KeyValues.Packed packed = new KeyValues.Packed(tokens.cuSeqlens());
        return new Decoder.PackedEmbeddings(embed(tokens.ids()), packed.positions(), packed);
    }

    /** An empty cache for one sequence of at most {@code capacity} tokens. */
    public KvCache newCache(int capacity) {
        return new KvCache(spec.layers().stream().map(l -> l.attention().cachedRow()).toList(), capacity, dtype, device);
    }

    /** Runs the next tokens of the sequence in the cache and adds them to it. */
    public HiddenStates decode(long[] ids, KvCache cache, int[] captureLayers) {
        long[] positions = cache.nextPositions(ids.length);
        HiddenStates out = run(List.of(new Decoder.PackedEmbeddings(embed(ids), positions, cache)), captureLayers, device).get(0);
        cache.advance(ids.length);
        return out;
    }

    /**
     * @param last states after the final norm, [T, hidden]
     * @return [T, vocabulary]
     */
    public Tensor logits(Tensor last) {
        return ends.logits(last.to(device));
    }

    /** Every layer's output, the last one once more, and that after the final norm. */
    Tensor[] everyLayer(long[] ids, long[] cuSeqlens) {
        int layers = spec.layers().size();
        Tensor[] out = new Tensor[layers + 2];
        for (int i = 0; i <= layers; i++) {
            out[i] = Tensor.zeros(dtype, device, ids.length, config().hiddenSize());
        }
        Decoder.PackedEmbeddings all = embedded(new PackedTokens(ids, cuSeqlens));
        out[layers + 1] = decoder.forward(List.of(all), (layer, batch, output) -> out[layer].copy_(output)).get(0);
        out[layers].copy_(out[layers - 1]);
        return out;
    }

    Tensor embed(long[] ids) {
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < 0 || ids[i] >= config().vocabSize()) {
                throw new IllegalArgumentException("Invalid token id: " + ids[i] + " at position " + i
                        + " (expected 0 to " + (config().vocabSize() - 1) + ")");
            }
        }
        return ends.embed(ids);
    }

    private List<HiddenStates> run(List<Decoder.PackedEmbeddings> wave, int[] captureLayers, Device outputs) {
        CaptureLayers.check(captureLayers, spec.layers().size());
        long hidden = config().hiddenSize();
        int[] slot = new int[spec.layers().size()];
        Arrays.fill(slot, -1);
        for (int i = 0; i < captureLayers.length; i++) {
            slot[captureLayers[i]] = i;
        }
        List<Tensor> aux = new ArrayList<>();
        for (Decoder.PackedEmbeddings batch : wave) {
            aux.add(captureLayers.length == 0 ? null
                    : Tensor.zeros(dtype, outputs, batch.positions().length, captureLayers.length * hidden));
        }
        List<Tensor> last = decoder.forward(wave, (layer, batch, output) -> {
            if (slot[layer] >= 0) {
                aux.get(batch).narrow(1, slot[layer] * hidden, hidden).copy_(output);
            }
        });
        List<HiddenStates> out = new ArrayList<>();
        for (int i = 0; i < aux.size(); i++) {
            out.add(new HiddenStates(aux.get(i), move(last.get(i), outputs)));
        }
        return out;
    }

    private static Tensor move(Tensor tensor, Device to) {
        if (tensor.device().equals(to)) {
            return tensor;
        }
        Tensor moved = tensor.to(to);
        tensor.close();
        return moved;
    }

    @Override
    public void close() {
        decoder.close();
        ends.close();
        scope.close();
        weights.close();
    }
}
