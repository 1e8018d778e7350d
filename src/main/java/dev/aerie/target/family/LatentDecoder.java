package dev.aerie.target.family;

import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.ExpertsSpec;
import dev.aerie.target.spec.FeedForwardSpec;
import dev.aerie.target.spec.LinearSpec;
import dev.aerie.target.spec.NormSpec;
import dev.aerie.target.spec.Rope;
import dev.aerie.target.spec.RouterSpec;
import dev.aerie.target.spec.TargetConfig;
import java.util.function.Function;

/** The layout of DeepSeek-V2: latent attention, and after a few dense layers routed experts beside a shared one. */
final class LatentDecoder {

    /** Epsilon of the norms on latent vectors, whatever rms_norm_eps is (modeling_deepseek_v3.py passes none). */
    private static final double LATENT_EPS = 1e-6;

    private LatentDecoder() {}

    /**
     * @param interleaved whether the rotated dimensions are stored in pairs (2j, 2j + 1)
     * @param router creates the router of a layer from the prefix of its tensor names
     */
    static DecoderSpec spec(ConfigJson json, boolean interleaved, Function<String, RouterSpec> router) {
        TargetConfig config = TargetConfig.read(json);
        json.require("hidden_act", "silu");
        if (config.kvHeads() != config.heads()) {
            throw json.invalid("num_key_value_heads", "num_attention_heads = " + config.heads());
        }
        if (config.rotaryDim() != config.headDim()) {
            throw json.invalid("partial_rotary_factor", "none: qk_rope_head_dim gives the rotated dimensions");
        }
        if (json.flag("mlp_bias", false)) {
            throw json.invalid("mlp_bias", "false");
        }
        int intermediate = json.positive("intermediate_size");
        int expertSize = json.positive("moe_intermediate_size");
        int experts = json.positive("n_routed_experts");
        int shared = json.integer("n_shared_experts", 0);
        int dense = json.integer("first_k_dense_replace", 0);
        int every = json.positive("moe_layer_freq", 1);
        Heads heads = Heads.read(json, config, interleaved);
        // Training settings, and how DeepSeek's code distributes the experts over devices.
        json.ignore("aux_loss_alpha", "seq_aux", "ep_size", "pretraining_tp", "auto_map", "router_aux_loss_coef",
                "output_router_logits");
        return DenseDecoder.spec(json, config, i -> {
            String name = DenseDecoder.layerName(i);
            int hidden = config.hiddenSize();
            FeedForwardSpec feedForward = i < dense || i % every != 0
                    ? FeedForwardSpec.SwiGlu.of(name + ".mlp", hidden, intermediate)
                    : new FeedForwardSpec.MixtureOfExperts(
                            router.apply(name + ".mlp"),
                            ExpertsSpec.Separate.of(experts,
                                    e -> FeedForwardSpec.SwiGlu.of(name + ".mlp.experts." + e, hidden, expertSize)),
                            shared == 0 ? null
                                    : FeedForwardSpec.SwiGlu.of(name + ".mlp.shared_experts", hidden, shared * expertSize),
                            null);
            return DenseDecoder.layer(name, config, heads.attention(name + ".self_attn", config), feedForward);
        });
    }

    static RouterSpec.Groups groups(ConfigJson json, int count, int chosen) {
        int experts = json.positive("n_routed_experts");
        if (experts % count != 0) {
            throw json.invalid("n_group", "a divisor of n_routed_experts = " + experts);
        }
        if (chosen > count) {
            throw json.invalid("topk_group", "at most n_group = " + count);
        }
        return new RouterSpec.Groups(count, chosen);
    }

    /**
     * @param queryRank size of the queries' latent vector; 0 if there is none
     */
    private record Heads(
            int plainDim, int valueDim, int queryRank, int rank, double scale, AttentionSpec.RotaryEmbedding rotation,
                    boolean bias) {

        static Heads read(ConfigJson json, TargetConfig config, boolean interleaved) {
            int plain = json.positive("qk_nope_head_dim");
            int rotated = json.positive("qk_rope_head_dim");
            if (rotated % 2 != 0) {
                throw json.invalid("qk_rope_head_dim", "an even number, for rotary embedding");
            }
            if (json.integer("qk_head_dim", plain + rotated) != plain + rotated) {
                throw json.invalid("qk_head_dim", "qk_nope_head_dim + qk_rope_head_dim = " + (plain + rotated));
            }
            return new Heads(plain, json.positive("v_head_dim"), json.has("q_lora_rank") ? json.positive("q_lora_rank") : 0,
                    json.positive("kv_lora_rank"), scale(json, plain + rotated),
                    new AttentionSpec.RotaryEmbedding(config.rope(), rotated, interleaved), json.flag("attention_bias", false));
        }

        /** Returns the scale of the scores; YaRN multiplies it by mscale² (arXiv 2309.00071, as in DeepSeek's models). */
        private static double scale(ConfigJson json, int headDim) {
            double scale = 1 / Math.sqrt(headDim);
            String key = json.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
            ConfigJson rope = json.has(key) ? json.object(key) : null;
            double weight = rope == null ? 0 : rope.number("mscale_all_dim", 0);
            double mscale = weight == 0 ? 1 : Rope.mscale(rope.number("factor"), weight);
            return scale * mscale * mscale;
        }

        AttentionSpec.Latent attention(String name, TargetConfig c) {
            int hidden = c.hiddenSize();
            int queries = c.heads() * (plainDim + rotation.dim());
            boolean direct = queryRank == 0;
            return new AttentionSpec.Latent(
                    c.heads(), plainDim, valueDim, scale, rotation,
                    direct ? null : LinearSpec.of(name + ".q_a_proj", hidden, queryRank, bias),
                    direct ? null : NormSpec.of(name + ".q_a_layernorm", queryRank, LATENT_EPS),
                    direct ? LinearSpec.of(name + ".q_proj", hidden, queries, false)
                            : LinearSpec.of(name + ".q_b_proj", queryRank, queries, false),
                    LinearSpec.of(name + ".kv_a_proj_with_mqa", hidden, rank + rotation.dim(), bias),
                    NormSpec.of(name + ".kv_a_layernorm", rank, LATENT_EPS),
                    LinearSpec.of(name + ".kv_b_proj", rank, (long) c.heads() * (plainDim + valueDim), false),
                    LinearSpec.of(name + ".o_proj", (long) c.heads() * valueDim, hidden, bias));
        }
    }
}
