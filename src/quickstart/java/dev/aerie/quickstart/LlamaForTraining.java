package dev.aerie.quickstart;

import dev.aerie.torch.Attention;
import dev.aerie.torch.Autograd;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Nn;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The parameters of a Llama decoder, float32 under Hugging Face's names, and its forward pass composed of operators that
 * autograd records. Running a target without gradients is {@code dev.aerie.target}'s business.
 */
final class LlamaForTraining implements AutoCloseable {

    private static final String EMBEDDING = "model.embed_tokens.weight";
    private static final double EMBEDDING_STD = 0.05;
    private static final double CONSTANT = 0.3;
    private static final double LOOK_BACK = 1.1;
    /** Correlation of queries with keys, and of outputs with values, before the first step. */
    private static final double LIKENESS = 0.7;
    /** Share of a value that a head writes back before the first step. */
    private static final double COPYING = 0.3;

    private final LlamaShape shape;
    private final Scope scope = Scope.detached();
    private final Map<String, Tensor> leaves = new LinkedHashMap<>();
    private final Tensor cos;
    private final Tensor sin;

    /**
     * Normal with variance 1/inputs, so that every layer is heard from the first step on (the usual 0.02 is for wide models and
     * is almost silence here); the projections back into the residual stream are scaled down by its depth, as GPT-2 does.
     */
    LlamaForTraining(LlamaShape shape, long seed) {
        this.shape = shape;
        double in = 1 / Math.sqrt(shape.hidden());
        double depth = 1 / Math.sqrt(2.0 * shape.layers());
        try (Scope making = Scope.open()) {
            add(EMBEDDING, seed, EMBEDDING_STD, shape.vocabulary(), shape.hidden());
            leaves.get(EMBEDDING).detach().narrow(1, 0, 1).copy_(Tensor.full(CONSTANT, DType.F32, Device.CPU, shape.vocabulary(),
                    1));
            for (int l = 0; l < shape.layers(); l++) {
                String p = "model.layers." + l + ".";
                addAttention(p + "self_attn.", seed, in);
                add(p + "mlp.gate_proj.weight", seed, in, shape.intermediate(), shape.hidden());
                add(p + "mlp.up_proj.weight", seed, in, shape.intermediate(), shape.hidden());
                add(p + "mlp.down_proj.weight", seed, depth / Math.sqrt(shape.intermediate()), shape.hidden(),
                        shape.intermediate());
                add(p + "input_layernorm.weight", seed, 0, shape.hidden());
                add(p + "post_attention_layernorm.weight", seed, 0, shape.hidden());
            }
            add("model.norm.weight", seed, 0, shape.hidden());
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

    /**
     * Mimetic initialisation (Trockman and Kolter, 2023): queries start out like their keys and the output projection like the
     * transposed values, so that heads look for what resembles them and copy it. Names from a question are then copied into the
     * answer after hundreds of steps, not thousands.
     */
    private void addAttention(String p, long seed, double std) {
        long kv = (long) shape.kvHeads() * shape.headDim();
        Tensor k = Tensor.randomNormal(seed + leaves.size(), std, kv, shape.hidden());
        Tensor v = Tensor.randomNormal(seed + leaves.size() + 1, std, kv, shape.hidden());
        Tensor q = mixed(perHead(k), seed + leaves.size() + 2, std);
        Tensor o = mixed(perHead(v).mul(COPYING), seed + leaves.size() + 3, std * COPYING).transpose(0, 1).contiguous();
        if (p.startsWith("model.layers.0.")) {
            lookBack(q.narrow(0, 0, shape.headDim()), k.narrow(0, 0, shape.headDim()));
        }
        put(p + "q_proj.weight", q);
        put(p + "k_proj.weight", k);
        put(p + "v_proj.weight", v);
        put(p + "o_proj.weight", o);
    }

    /**
     * Makes the first head attend to the previous token: the half of an induction head that takes longest to form (Olsson et
     * al., 2022). The first channel is the same for all tokens, so it turns with the position alone; queries stand one position
     * behind their keys.
     */
    private void lookBack(Tensor q, Tensor k) {
        int half = shape.headDim() / 2;
        float[] forQueries = new float[shape.headDim()];
        float[] forKeys = new float[shape.headDim()];
        for (int j = 0; j < half; j++) {
            double angle = Math.pow(LlamaShape.ROPE_THETA, -(double) j / half);
            forQueries[j] = (float) (LOOK_BACK * Math.cos(angle));
            forQueries[j + half] = (float) (-LOOK_BACK * Math.sin(angle));
            forKeys[j] = (float) LOOK_BACK;
        }
        q.narrow(1, 0, 1).copy_(Tensor.of(forQueries, shape.headDim(), 1));
        k.narrow(1, 0, 1).copy_(Tensor.of(forKeys, shape.headDim(), 1));
    }

    /** [kv heads · d, hidden] as [heads · d, hidden]: each query head has its group's rows. */
    private Tensor perHead(Tensor x) {
        List<Tensor> rows = new ArrayList<>();
        for (int h = 0; h < shape.heads(); h++) {
            int group = h / (shape.heads() / shape.kvHeads());
            rows.add(x.narrow(0, (long) group * shape.headDim(), shape.headDim()));
        }
        return Tensor.cat(0, rows);
    }

    private static Tensor mixed(Tensor x, long seed, double std) {
        return x.mul(LIKENESS).add(Tensor.randomNormal(seed, std * Math.sqrt(1 - LIKENESS * LIKENESS), x.shape()));
    }

    private void add(String name, long seed, double std, long... size) {
        put(name, size.length == 1 ? Tensor.full(1, DType.F32, Device.CPU, size)
                : Tensor.randomNormal(seed + leaves.size(), std, size));
    }

    private void put(String name, Tensor values) {
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
        Tensor x = Nn.embedding(Tensor.of(ids, ids.length), leaves.get(EMBEDDING));
        for (int l = 0; l < shape.layers(); l++) {
            String p = "model.layers." + l + ".";
            x = x.add(attention(p + "self_attn.", norm(p + "input_layernorm.weight", x), c, s, cuSeqlens));
            Tensor y = norm(p + "post_attention_layernorm.weight", x);
            x = x.add(Nn.swiGlu(y, leaves.get(p + "mlp.gate_proj.weight"), leaves.get(p + "mlp.up_proj.weight"),
                    leaves.get(p + "mlp.down_proj.weight")));
        }
        return Nn.linear(norm("model.norm.weight", x), leaves.get(EMBEDDING));
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
