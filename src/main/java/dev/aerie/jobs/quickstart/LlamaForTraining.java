package dev.aerie.jobs.quickstart;

import dev.aerie.torch.Attention;
import dev.aerie.torch.Autograd;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Nn;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The parameters of a Llama decoder, float32 under Hugging Face's names, and its forward pass composed of operators that
 * autograd records. Running a target without gradients is {@code dev.aerie.target}'s business.
 */
final class LlamaForTraining implements AutoCloseable {

    private final LlamaShape shape;
    private final Scope scope = Scope.detached();
    private final Map<String, Tensor> leaves = new LinkedHashMap<>();
    private final Tensor cos;
    private final Tensor sin;

    /** Normal(0, 0.02), the projections back into the residual stream scaled down by its depth (as GPT-2). */
    LlamaForTraining(LlamaShape shape, long seed) {
        this.shape = shape;
        double std = 0.02;
        double back = std / Math.sqrt(2.0 * shape.layers());
        try (Scope making = Scope.open()) {
            add("model.embed_tokens.weight", seed, std, shape.vocabulary(), shape.hidden());
            for (int l = 0; l < shape.layers(); l++) {
                String p = "model.layers." + l + ".";
                add(p + "self_attn.q_proj.weight", seed, std, shape.heads() * shape.headDim(), shape.hidden());
                add(p + "self_attn.k_proj.weight", seed, std, shape.kvHeads() * shape.headDim(), shape.hidden());
                add(p + "self_attn.v_proj.weight", seed, std, shape.kvHeads() * shape.headDim(), shape.hidden());
                add(p + "self_attn.o_proj.weight", seed, back, shape.hidden(), shape.heads() * shape.headDim());
                add(p + "mlp.gate_proj.weight", seed, std, shape.intermediate(), shape.hidden());
                add(p + "mlp.up_proj.weight", seed, std, shape.intermediate(), shape.hidden());
                add(p + "mlp.down_proj.weight", seed, back, shape.hidden(), shape.intermediate());
                add(p + "input_layernorm.weight", seed, 0, shape.hidden());
                add(p + "post_attention_layernorm.weight", seed, 0, shape.hidden());
            }
            add("model.norm.weight", seed, 0, shape.hidden());
            add("lm_head.weight", seed, std, shape.vocabulary(), shape.hidden());
            int half = shape.headDim() / 2;
            float[] c = new float[LlamaShape.MAX_POSITIONS * half];
            float[] s = new float[c.length];
            for (int t = 0; t < LlamaShape.MAX_POSITIONS; t++) {
                for (int j = 0; j < half; j++) {
                    double angle = t * Math.pow(LlamaShape.ROPE_THETA, -(double) j / half);
                    c[t * half + j] = (float) Math.cos(angle);
                    s[t * half + j] = (float) Math.sin(angle);
                }
            }
            cos = scope.adopt(Tensor.of(c, LlamaShape.MAX_POSITIONS, half));
            sin = scope.adopt(Tensor.of(s, LlamaShape.MAX_POSITIONS, half));
        }
    }

    private void add(String name, long seed, double std, long... size) {
        Tensor values = size.length == 1 ? Tensor.full(1, DType.F32, Device.CPU, size)
                : Tensor.randomNormal(seed + leaves.size(), std, size);
        leaves.put(name, scope.adopt(Autograd.leaf(values)));
    }

    /** Leaves by name; changing their memory changes the model. */
    Map<String, Tensor> leaves() {
        return leaves;
    }

    /**
     * @param ids packed sequences, [T]
     * @param cuSeqlens 0, end of the first sequence, ..., T
     * @return logits [T, vocabulary]
     */
    Tensor logits(long[] ids, long[] cuSeqlens) {
        long[] positions = new long[ids.length];
        for (int i = 0; i + 1 < cuSeqlens.length; i++) {
            for (long t = cuSeqlens[i]; t < cuSeqlens[i + 1]; t++) {
                positions[(int) t] = t - cuSeqlens[i];
            }
        }
        Tensor at = Tensor.of(positions, positions.length);
        Tensor c = cos.rows(at);
        Tensor s = sin.rows(at);
        Tensor x = Nn.embedding(Tensor.of(ids, ids.length), leaves.get("model.embed_tokens.weight"));
        for (int l = 0; l < shape.layers(); l++) {
            String p = "model.layers." + l + ".";
            x = x.add(attention(p + "self_attn.", norm(p + "input_layernorm.weight", x), c, s, cuSeqlens));
            Tensor y = norm(p + "post_attention_layernorm.weight", x);
            x = x.add(Nn.swiGlu(y, leaves.get(p + "mlp.gate_proj.weight"), leaves.get(p + "mlp.up_proj.weight"),
                    leaves.get(p + "mlp.down_proj.weight")));
        }
        return Nn.linear(norm("model.norm.weight", x), leaves.get("lm_head.weight"));
    }

    private Tensor attention(String p, Tensor x, Tensor cos, Tensor sin, long[] cuSeqlens) {
        long rows = x.size(0);
        Tensor q = Nn.linear(x, leaves.get(p + "q_proj.weight")).view(rows, shape.heads(), shape.headDim());
        Tensor k = Nn.linear(x, leaves.get(p + "k_proj.weight")).view(rows, shape.kvHeads(), shape.headDim());
        Tensor v = Nn.linear(x, leaves.get(p + "v_proj.weight")).view(rows, shape.kvHeads(), shape.headDim());
        Tensor o = Attention.causal(Nn.rotaryEmbedding(q, cos, sin), Nn.rotaryEmbedding(k, cos, sin), v, cuSeqlens,
                1 / Math.sqrt(shape.headDim()));
        return Nn.linear(o.view(rows, (long) shape.heads() * shape.headDim()), leaves.get(p + "o_proj.weight"));
    }

    private Tensor norm(String name, Tensor x) {
        return Nn.rmsNorm(x, leaves.get(name), LlamaShape.RMS_NORM_EPS);
    }

    /** The parameters in another type, without gradients; in the caller's scope. */
    Map<String, Tensor> weights(DType dtype) {
        Map<String, Tensor> out = new LinkedHashMap<>();
        leaves.forEach((name, leaf) -> out.put(name, leaf.detach().to(dtype).contiguous()));
        return out;
    }

    long parameters() {
        return leaves.values().stream().mapToLong(Tensor::count).sum();
    }

    @Override
    public void close() {
        scope.close();
    }
}
