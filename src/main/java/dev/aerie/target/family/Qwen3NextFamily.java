package dev.aerie.target.family;

import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.ExpertsSpec;
import dev.aerie.target.spec.FeedForwardSpec;
import dev.aerie.target.spec.LayerSpec;
import dev.aerie.target.spec.LinearSpec;
import dev.aerie.target.spec.NormSpec;
import dev.aerie.target.spec.RouterSpec;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.target.spec.WeightSpec;
import dev.aerie.torch.GatedDeltaRule.Heads;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Qwen3-Next (modeling_qwen3_next.py): three of four layers are linear attention by the gated delta rule, the others gated
 * attention that rotates a part of each head; experts beside a gated shared one; norm weights are stored as their difference from
 * 1.
 */
public final class Qwen3NextFamily implements TargetFamily {

    private static final String LINEAR = "linear_attention";
    private static final String FULL = "full_attention";

    @Override
    public Set<String> modelTypes() {
        return Set.of("qwen3_next");
    }

    @Override
    public DecoderSpec read(ConfigJson json) {
        if (!json.has("partial_rotary_factor")
                && !(json.has("rope_parameters") && json.object("rope_parameters").has("partial_rotary_factor"))) {
            // Without the key, some engines would rotate the whole head and transformers a quarter of it.
            throw json.invalid("partial_rotary_factor", "a number");
        }
        TargetConfig c = TargetConfig.read(json);
        json.require("hidden_act", "silu");
        if (json.flag("use_sliding_window", false)) {
            throw json.invalid("use_sliding_window", "false");
        }
        json.ignore("output_router_logits", "router_aux_loss_coef");
        boolean bias = json.flag("attention_bias", false);
        List<String> types = layerTypes(json, c.layers());
        Heads heads = heads(json);
        int taps = json.positive("linear_conv_kernel_dim", 4);
        Experts experts = Experts.read(json);
        DecoderSpec spec = DenseDecoder.spec(json, c, i -> {
            String name = DenseDecoder.layerName(i);
            AttentionSpec attention = types.get(i).equals(LINEAR)
                    ? linear(name + ".linear_attn", c, heads, taps)
                    : full(name + ".self_attn", c, bias);
            return new LayerSpec(
                    NormSpec.offsetByOne(name + ".input_layernorm", c.hiddenSize(), c.rmsNormEps()), attention,
                    NormSpec.offsetByOne(name + ".post_attention_layernorm", c.hiddenSize(), c.rmsNormEps()),
                    experts.feedForward(i, name + ".mlp", c.hiddenSize()));
        });
        return new DecoderSpec(c, spec.embedding(), spec.layers(),
                NormSpec.offsetByOne("model.norm", c.hiddenSize(), c.rmsNormEps()), spec.lmHead(),
                // Layers of multi-token prediction.
                spec.unused().or(name -> name.startsWith("mtp.")));
    }

    private static List<String> layerTypes(ConfigJson json, int layers) {
        int interval = json.positive("full_attention_interval", 4);
        List<String> types = json.has("layer_types")
                ? json.texts("layer_types")
                : IntStream.range(0, layers).mapToObj(i -> (i + 1) % interval == 0 ? FULL : LINEAR).toList();
        if (types.size() != layers || !types.stream().allMatch(t -> t.equals(LINEAR) || t.equals(FULL))) {
            throw json.invalid("layer_types", LINEAR + " or " + FULL + " for each of " + layers + " layers");
        }
        return types;
    }

    private static Heads heads(ConfigJson json) {
        int keyHeads = json.positive("linear_num_key_heads");
        int valueHeads = json.positive("linear_num_value_heads");
        if (valueHeads % keyHeads != 0) {
            throw json.invalid("linear_num_value_heads", "a multiple of linear_num_key_heads = " + keyHeads);
        }
        return new Heads(keyHeads, valueHeads, json.positive("linear_key_head_dim"), json.positive("linear_value_head_dim"));
    }

    private static AttentionSpec linear(String name, TargetConfig c, Heads heads, int taps) {
        int values = heads.valueHeads() * heads.valueDim();
        return new AttentionSpec.GatedDelta(
                heads,
                LinearSpec.of(name + ".in_proj_qkvz", c.hiddenSize(), heads.channels() + values, false),
                LinearSpec.of(name + ".in_proj_ba", c.hiddenSize(), 2L * heads.valueHeads(), false),
                new WeightSpec(name + ".conv1d.weight", heads.channels(), 1, taps),
                new WeightSpec(name + ".A_log", heads.valueHeads()),
                new WeightSpec(name + ".dt_bias", heads.valueHeads()),
                NormSpec.of(name + ".norm", heads.valueDim(), c.rmsNormEps()),
                LinearSpec.of(name + ".out_proj", values, c.hiddenSize(), false));
    }

    private static AttentionSpec full(String name, TargetConfig c, boolean bias) {
        int queries = c.heads() * c.headDim();
        int keys = c.kvHeads() * c.headDim();
        return new AttentionSpec.GroupedQuery(
                c.heads(), c.kvHeads(), c.headDim(), AttentionSpec.Scores.of(1 / Math.sqrt(c.headDim())),
                new AttentionSpec.RotaryEmbedding(c.rope(), c.rotaryDim(), false),
                new AttentionSpec.HeadNorms(NormSpec.offsetByOne(name + ".q_norm", c.headDim(), c.rmsNormEps()),
                        NormSpec.offsetByOne(name + ".k_norm", c.headDim(), c.rmsNormEps()), false),
                null, true,
                LinearSpec.of(name + ".q_proj", c.hiddenSize(), 2L * queries, bias),
                LinearSpec.of(name + ".k_proj", c.hiddenSize(), keys, bias),
                LinearSpec.of(name + ".v_proj", c.hiddenSize(), keys, bias),
                LinearSpec.of(name + ".o_proj", queries, c.hiddenSize(), bias));
    }

    private record Experts(
            int count, int topK, int size, int sharedSize, boolean renormalise, int every, List<Integer> denseLayers, int dense) {

        static Experts read(ConfigJson json) {
            // transformers 5 writes the number under another name.
            int count = json.has("num_experts") ? json.positive("num_experts") : json.positive("num_local_experts");
            json.ignore("num_local_experts");
            return new Experts(count, json.positive("num_experts_per_tok"), json.positive("moe_intermediate_size"),
                    json.positive("shared_expert_intermediate_size"), json.flag("norm_topk_prob", true),
                    json.positive("decoder_sparse_step", 1), json.integers("mlp_only_layers"),
                    json.positive("intermediate_size"));
        }

        FeedForwardSpec feedForward(int layer, String name, int hidden) {
            if ((layer + 1) % every != 0 || denseLayers.contains(layer)) {
                return FeedForwardSpec.SwiGlu.of(name, hidden, dense);
            }
            return new FeedForwardSpec.MixtureOfExperts(
                    new RouterSpec.Softmax(LinearSpec.of(name + ".gate", hidden, count, false), topK, RouterSpec.Groups.NONE,
                            renormalise, 1),
                    ExpertsSpec.Separate.of(count, e -> FeedForwardSpec.SwiGlu.of(name + ".experts." + e, hidden, size)),
                    FeedForwardSpec.SwiGlu.of(name + ".shared_expert", hidden, sharedSize),
                    LinearSpec.of(name + ".shared_expert_gate", hidden, 1, false));
        }
    }
}
