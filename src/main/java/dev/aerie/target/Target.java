package dev.aerie.target;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.family.TargetFamilies;
import dev.aerie.target.layer.BatchCache;
import dev.aerie.target.layer.KeyValues;
import dev.aerie.target.layer.KvCache;
import dev.aerie.target.layer.WeightLoader;
import dev.aerie.target.spec.AttentionSpec;
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
 * A target model whose layers are resident on a device or streamed through it.
 *
 * <p>Several threads may run forward passes at once. Each of them needs an open {@link Scope}, which owns the returned tensors.
 */
public final class Target implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Target.class);
    private static final int[] NO_CAPTURE = {};

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
            // Gigabytes may be on the device already; a retry would load them again beside these.
            ends.close();
            scope.close();
            throw e;
        }
    }

    /** Loads a target and takes ownership of the weights if it succeeds. */
    static Target open(DecoderSpec spec, Weights weights, DType dtype, Device device, boolean streamed) {
        Target target = new Target(spec, weights, dtype, device, streamed);
        if (!streamed) {
            try {
                target.ends.load();
            } catch (RuntimeException | Error e) {
                target.close();
                throw e;
            }
            // Tensors keep their mappings open.
            weights.close();
        }
        return target;
    }

    /** Loads a model with every layer resident; otherwise like {@link #load(Path, DType, Device, Residency)}. */
    public static Target load(Path folder, DType dtype, Device device) {
        return load(folder, dtype, device, Residency.RESIDENT);
    }

    /**
     * Loads a model saved by Hugging Face transformers, a config.json beside safetensors.
     *
     * @param dtype the compute type, float32 or bfloat16, whatever type the weights are stored in
     * @param residency where layers are kept; the states are identical to the bit
     * @throws RefusalException if anything about the folder is wrong; thrown before any weight is read
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

    /** Reads only the configuration. */
    public static TargetConfig config(Path folder) {
        return TargetFamilies.read(folder).config();
    }

    /**
     * Checks everything that {@link #load} would refuse (configuration, headers, the shape of each tensor) without loading
     * weights.
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

    /** Returns whether layers are read from the files in every forward pass. */
    boolean streamed() {
        return streamed;
    }

    /** Returns the type of states and logits. */
    DType dtype() {
        return dtype;
    }

    Device device() {
        return device;
    }

    /** Returns [vocabulary, hidden], owned by this target; a streamed target loads it at the first call. */
    public Tensor embedTokens() {
        return ends.embedTokens();
    }

    /** Returns [vocabulary, hidden], owned by this target; the embedding's tensor if the two are tied. */
    public Tensor lmHead() {
        return ends.lmHead();
    }

    /**
     * Runs one forward pass over concatenated sequences.
     *
     * @param ids [T]
     * @param cuSeqlens 0, end of the first sequence, ..., T
     * @param captureLayers layers whose outputs are returned; may be empty
     */
    public HiddenStates hiddenStates(long[] ids, long[] cuSeqlens, int[] captureLayers) {
        return hiddenStates(List.of(new PackedTokens(ids, cuSeqlens)), captureLayers).get(0);
    }

    /**
     * Runs a wave: each layer over all micro-batches, so that a streamed layer is loaded once for all of them.
     *
     * @param wave the micro-batches; the states of each depend neither on the others nor on residency
     * @param captureLayers layers whose outputs are returned; may be empty
     * @return the states of each micro-batch, on the host if layers are streamed, because a wave's states need not fit on the
     *     device
     */
    public List<HiddenStates> hiddenStates(List<PackedTokens> wave, int[] captureLayers) {
        return run(wave.stream().map(this::embedded).toList(), captureLayers, streamed ? Device.CPU : device);
    }

    /**
     * Returns the number of tokens that a wave should have: as many as memory allows if layers are streamed, because a layer is
     * loaded once per wave; one micro-batch (0) if they are resident.
     *
     * @param memory bytes for a wave: its states on the device, and on the host the captured states and the final ones, of it and
     *     of the wave before, which is being written
     * @param captured number of captured layers
     */
    public long waveTokens(long memory, int captured) {
        return streamed ? memory / ((2L * captured + 3) * config().hiddenSize() * dtype.bytes()) : 0;
    }

    private Decoder.PackedEmbeddings embedded(PackedTokens tokens) {
        KeyValues.Packed packed = new KeyValues.Packed(tokens.cuSeqlens());
        return new Decoder.PackedEmbeddings(embed(tokens.ids()), packed.positions(), packed);
    }

    /** Returns an empty cache for one sequence of at most {@code capacity} tokens. */
    public KvCache newCache(int capacity) {
        return new KvCache(cachedRows(), capacity, dtype, device);
    }

    /** Runs the next tokens of the sequence in the cache and appends them to it. */
    public HiddenStates decode(long[] ids, KvCache cache, int[] captureLayers) {
        long[] positions = cache.nextPositions(ids.length);
        HiddenStates out = run(List.of(new Decoder.PackedEmbeddings(embed(ids), positions, cache)), captureLayers, device).get(0);
        cache.advance(ids.length);
        return out;
    }

    /** Returns an empty cache for sequences that are decoded together. */
    BatchCache newBatchCache() {
        return new BatchCache(cachedRows(), dtype, device);
    }

    private List<AttentionSpec.CachedRow> cachedRows() {
        return spec.layers().stream().map(layer -> layer.attention().cachedRow()).toList();
    }

    /**
     * Runs the next tokens of several sequences in one pass and appends them to their cache.
     *
     * @param ids one token of each sequence, or its first ones
     * @param first slot of the first of these sequences; the others follow it
     * @return the states after the final norm of all tokens, sequence after sequence
     */
    Tensor decode(List<long[]> ids, BatchCache cache, int first) {
        try (BatchCache.Rows rows = cache.next(first, ids.stream().mapToInt(block -> block.length).toArray())) {
            long[] all = ids.stream().flatMapToLong(Arrays::stream).toArray();
            HiddenStates out =
                    run(List.of(new Decoder.PackedEmbeddings(embed(all), rows.positions(), rows)), NO_CAPTURE, device).get(0);
            rows.advance();
            return out.last();
        }
    }

    /**
     * @param last states after the final norm, [T, hidden]
     * @return [T, vocabulary]
     */
    public Tensor logits(Tensor last) {
        return ends.logits(last.to(device));
    }

    /** Returns the output of every layer, then that of the last layer again, then the states after the final norm. */
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
