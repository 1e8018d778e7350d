package dev.aerie.bench;

import dev.aerie.safetensors.SafetensorsWriter;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * A Llama of random weights, of any shape: speed and memory do not depend on what a model has learned.
 *
 * @param headDim of each of heads query heads and kvHeads key heads
 */
public record RandomModel(int layers, int hidden, int intermediate, int heads, int kvHeads, int headDim, int vocabulary) {

    /** Llama-3.1-8B's. */
    static final RandomModel EIGHT_BILLION = new RandomModel(32, 4096, 14336, 32, 8, 128, 128_256);
    /** Runs anywhere in a second. */
    static final RandomModel TINY = new RandomModel(3, 64, 96, 4, 2, 16, 320);

    /** Weights of one layer's linear maps. */
    long layerWeights() {
        return (long) hidden * headDim * (2L * heads + 2L * kvHeads) + 3L * hidden * intermediate;
    }

    /** Floating-point operations of the layers on one sequence: two for each weight and token, and causal attention. */
    double flops(long tokens) {
        double attention = 4.0 * heads * headDim * (tokens * (tokens + 1.0) / 2);
        return layers * (2.0 * layerWeights() * tokens + attention);
    }

    /**
     * Writes it. Layers share their random tensors, so that no more than one of them is in memory.
     *
     * @return bytes of the weights
     */
    public long write(Path folder, DType dtype) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("config.json"), String.format(Locale.ROOT, """
                {"model_type": "llama", "hidden_size": %d, "intermediate_size": %d, "num_hidden_layers": %d,
                 "num_attention_heads": %d, "num_key_value_heads": %d, "head_dim": %d, "vocab_size": %d,
                 "max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "hidden_act": "silu",
                 "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0}, "tie_word_embeddings": false}
                """, hidden, intermediate, layers, heads, kvHeads, headDim, vocabulary));
        try (Scope scope = Scope.open()) {
            Map<String, Tensor> layer = new HashMap<>();
            Tensor norm = Tensor.full(1, dtype, Device.CPU, hidden);
            layer.put("input_layernorm", norm);
            layer.put("post_attention_layernorm", norm);
            layer.put("self_attn.q_proj", random(1, dtype, (long) heads * headDim, hidden));
            layer.put("self_attn.k_proj", random(2, dtype, (long) kvHeads * headDim, hidden));
            layer.put("self_attn.v_proj", random(3, dtype, (long) kvHeads * headDim, hidden));
            layer.put("self_attn.o_proj", random(4, dtype, hidden, (long) heads * headDim));
            layer.put("mlp.gate_proj", random(5, dtype, intermediate, hidden));
            layer.put("mlp.up_proj", random(6, dtype, intermediate, hidden));
            layer.put("mlp.down_proj", random(7, dtype, hidden, intermediate));
            Map<String, Tensor> all = new HashMap<>();
            for (int i = 0; i < layers; i++) {
                int index = i;
                layer.forEach((name, tensor) -> all.put("model.layers." + index + "." + name + ".weight", tensor));
            }
            all.put("model.norm.weight", norm);
            all.put("model.embed_tokens.weight", random(8, dtype, vocabulary, hidden));
            all.put("lm_head.weight", random(9, dtype, vocabulary, hidden));
            SafetensorsWriter.write(folder.resolve("model.safetensors"), all, Map.of());
            return all.values().stream().mapToLong(t -> t.count() * t.dtype().bytes()).sum();
        }
    }

    /** Of a deviation that keeps states of about the same size from layer to layer. */
    private static Tensor random(long seed, DType dtype, long rows, long columns) {
        try (Scope making = Scope.open()) {
            return making.release(Tensor.randomNormal(seed, 0.5 / Math.sqrt(columns), rows, columns).to(dtype));
        }
    }
}
