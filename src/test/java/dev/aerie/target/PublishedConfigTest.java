package dev.aerie.target;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.target.family.TargetFamilies;
import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.Rope;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.target.spec.WeightSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Configurations in the forms in which large models are published, with omitted defaults and unused keys. */
class PublishedConfigTest {

    @TempDir
    Path folder;

    @Test
    void gemma3LeavesOutWhatIsUsual() throws IOException {
        DecoderSpec spec = read("""
                {"architectures": ["Gemma3ForConditionalGeneration"], "boi_token_index": 255999, "eoi_token_index": 256000,
                 "eos_token_id": [1, 106], "image_token_index": 262144, "initializer_range": 0.02, "mm_tokens_per_image": 256,
                 "model_type": "gemma3", "torch_dtype": "bfloat16", "transformers_version": "4.50.0.dev0",
                 "text_config": {"hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text",
                  "num_hidden_layers": 34, "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 1024},
                 "vision_config": {"hidden_size": 1152, "model_type": "siglip_vision_model"}}""");
        TargetConfig c = spec.config();
        assertEquals(List.of(8, 4, 256, 262_208), List.of(c.heads(), c.kvHeads(), c.headDim(), c.vocabSize()));
        assertEquals(List.of(1, 106), c.eosTokenIds());
        assertTrue(spec.tied());
        assertEquals(Math.sqrt(2560), spec.embeddingScale());
        for (int i = 0; i < 34; i++) {
            AttentionSpec.GroupedQuery a = (AttentionSpec.GroupedQuery) spec.layers().get(i).attention();
            boolean sliding = i % 6 != 5;
            assertEquals(sliding ? 1024 : 0, a.scores().window());
            assertEquals(sliding ? new Rope.Default(10_000) : new Rope.Linear(1e6, 8), a.rotation().rope());
            assertEquals(1 / 16.0, a.scores().scale());
        }
    }

    @Test
    void phi4MiniTurnsPartOfAHead() throws IOException {
        String ones = String.join(", ", Collections.nCopies(48, "1.0"));
        DecoderSpec spec = read(String.format(Locale.ROOT, """
                {"architectures": ["Phi3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
                 "auto_map": {"AutoConfig": "configuration_phi3.Phi3Config"}, "bos_token_id": 199999, "embd_pdrop": 0.0,
                 "eos_token_id": 199999, "full_attn_mod": 1, "hidden_act": "silu", "hidden_size": 3072,
                 "initializer_range": 0.02, "intermediate_size": 8192, "interpolate_factor": 1, "lm_head_bias": false,
                 "max_position_embeddings": 131072, "mlp_bias": false, "model_type": "phi3", "num_attention_heads": 24,
                 "num_hidden_layers": 32, "num_key_value_heads": 8, "original_max_position_embeddings": 4096,
                 "pad_token_id": 199999, "partial_rotary_factor": 0.75, "resid_pdrop": 0.0, "rms_norm_eps": 1e-05,
                 "rope_scaling": {"long_factor": [%s], "short_factor": [%s], "type": "longrope"}, "rope_theta": 10000.0,
                 "sliding_window": 262144, "tie_word_embeddings": true, "torch_dtype": "bfloat16",
                 "transformers_version": "4.45.0", "use_cache": true, "vocab_size": 200064}""", ones, ones));
        AttentionSpec.GroupedQuery a = (AttentionSpec.GroupedQuery) spec.layers().get(31).attention();
        assertEquals(96, a.rotation().dim());
        assertTrue(a.rotation().rope().fits(96));
        assertEquals(Math.sqrt(1 + Math.log(32) / Math.log(4096)), a.rotation().rope().attentionFactor(), 1e-12);
        assertEquals(new WeightSpec.Rows(4096, 5120), a.value().weight().rows());
    }

    @Test
    void gemma2NamesItsWindowTwice() throws IOException {
        DecoderSpec spec = read("""
                {"architectures": ["Gemma2ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
                 "attn_logit_softcapping": 50.0, "bos_token_id": 2, "cache_implementation": "hybrid", "eos_token_id": 1,
                 "final_logit_softcapping": 30.0, "head_dim": 256, "hidden_act": "gelu_pytorch_tanh",
                 "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 3584, "initializer_range": 0.02,
                 "intermediate_size": 14336, "max_position_embeddings": 8192, "model_type": "gemma2",
                 "num_attention_heads": 16, "num_hidden_layers": 42, "num_key_value_heads": 8, "pad_token_id": 0,
                 "query_pre_attn_scalar": 256, "rms_norm_eps": 1e-06, "rope_theta": 10000.0, "sliding_window": 4096,
                 "sliding_window_size": 4096, "torch_dtype": "float32", "transformers_version": "4.42.0.dev0",
                 "use_cache": true, "vocab_size": 256000}""");
        assertEquals(30, spec.logitSoftCap());
        assertEquals(List.of(4096, 0, 4096), spec.layers().stream().limit(3)
                .map(l -> ((AttentionSpec.GroupedQuery) l.attention()).scores().window()).toList());
    }

    private DecoderSpec read(String json) throws IOException {
        Files.writeString(folder.resolve("config.json"), json);
        return TargetFamilies.read(folder);
    }
}
