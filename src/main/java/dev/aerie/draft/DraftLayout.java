package dev.aerie.draft;

import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The layout of all trainable tensors in one flat tensor. Parameters, gradients, optimizer moments and compute copies share it.
 *
 * <p>The order is fixed, because checkpoints and sharded optimizer state depend on it: fc, q, k, v, o, gate, up, down, lm_head,
 * then the norms of embedding, hidden state, post-attention and output. q, k and v are adjacent, as are gate and up, so that each
 * group is one matrix and one product.
 */
public final class DraftLayout {

    /**
     * @param name as exported
     * @param shape [out, in], or [hidden] for a norm
     * @param offset index of the first element
     */
    public record Entry(String name, long[] shape, long offset) {

        long count() {
            return shape.length == 1 ? shape[0] : shape[0] * shape[1];
        }

        /** Returns whether the tensor is the weight of a norm. */
        boolean isNorm() {
            return shape.length == 1;
        }
    }

    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private long size;

    DraftLayout(DraftConfig c) {
        long h = c.hiddenSize();
        long heads = (long) c.attentionHeads() * c.headDim();
        long kvHeads = (long) c.keyValueHeads() * c.headDim();
        put("fc.weight", h, 3L * c.targetHiddenSize());
        put("midlayer.self_attn.q_proj.weight", heads, 2 * h);
        put("midlayer.self_attn.k_proj.weight", kvHeads, 2 * h);
        put("midlayer.self_attn.v_proj.weight", kvHeads, 2 * h);
        put("midlayer.self_attn.o_proj.weight", h, heads);
        put("midlayer.mlp.gate_proj.weight", c.intermediateSize(), h);
        put("midlayer.mlp.up_proj.weight", c.intermediateSize(), h);
        put("midlayer.mlp.down_proj.weight", h, c.intermediateSize());
        put("lm_head.weight", c.draftVocabSize(), h);
        put("midlayer.input_layernorm.weight", h);
        put("midlayer.hidden_norm.weight", h);
        put("midlayer.post_attention_layernorm.weight", h);
        put("norm.weight", h);
    }

    private void put(String name, long... shape) {
        Entry entry = new Entry(name, shape, size);
        entries.put(name, entry);
        size += entry.count();
    }

    /** Returns the entries in the order of the flat tensor. */
    public List<Entry> entries() {
        return new ArrayList<>(entries.values());
    }

    /** Returns the number of elements of the flat tensor. */
    public long size() {
        return size;
    }

    /** Returns a view of one tensor in a flat one. */
    public Tensor view(Tensor flat, String name) {
        Entry entry = entries.get(name);
        if (entry == null) {
            throw new IllegalArgumentException("Invalid draft parameter: " + name
                    + " (expected one of " + entries.keySet() + ")");
        }
        return flat.narrow(0, entry.offset(), entry.count()).view(entry.shape());
    }

    /** Returns a view of adjacent tensors as one matrix of their rows. */
    Tensor rows(Tensor flat, String first, String last) {
        Entry from = entries.get(first);
        Entry to = entries.get(last);
        long count = to.offset() + to.count() - from.offset();
        return flat.narrow(0, from.offset(), count).view(count / from.shape()[1], from.shape()[1]);
    }
}
