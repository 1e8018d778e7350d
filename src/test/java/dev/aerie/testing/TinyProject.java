package dev.aerie.testing;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.safetensors.SafetensorsWriter;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * All that a whole run needs, made on the spot: a Llama of eight layers with random weights, a tokenizer of single bytes with a
 * chat template, two dozen conversations, prompts and a recipe.
 */
public final class TinyProject {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int LAYERS = 8;
    private static final int HIDDEN = 32;
    private static final int MLP = 48;
    private static final int VOCABULARY = 258;
    private static final int CONVERSATIONS = 24;
    private static final String TEMPLATE = "{% for m in messages %}"
            + "{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}"
            + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    private final Path folder;

    private TinyProject(Path folder) {
        this.folder = folder;
    }

    /** @param folder empty */
    public static TinyProject in(Path folder) throws IOException {
        TinyProject project = new TinyProject(folder);
        Files.createDirectories(project.model());
        project.writeModel();
        project.writeTokenizer();
        project.writeConversations();
        project.writeRecipe();
        return project;
    }

    public Path folder() {
        return folder;
    }

    public Path model() {
        return folder.resolve("model");
    }

    public Path recipe() {
        return folder.resolve("recipe.yaml");
    }

    public Path conversations() {
        return folder.resolve("conversations.jsonl");
    }

    private void writeModel() throws IOException {
        ObjectNode config = JSON.createObjectNode().put("model_type", "llama").put("hidden_size", HIDDEN)
                .put("intermediate_size", MLP).put("num_hidden_layers", LAYERS).put("num_attention_heads", 2)
                .put("num_key_value_heads", 1).put("head_dim", 16).put("vocab_size", VOCABULARY).put("rms_norm_eps", 1e-5)
                .put("max_position_embeddings", 512).put("rope_theta", 10000.0).put("tie_word_embeddings", false)
                .put("hidden_act", "silu").put("eos_token_id", 257);
        config.putArray("architectures").add("LlamaForCausalLM");
        JSON.writeValue(model().resolve("config.json").toFile(), config);
        try (Scope scope = Scope.open()) {
            Map<String, Tensor> weights = new LinkedHashMap<>();
            weights.put("model.embed_tokens.weight", random(weights, VOCABULARY, HIDDEN));
            for (int i = 0; i < LAYERS; i++) {
                String layer = "model.layers." + i + ".";
                weights.put(layer + "self_attn.q_proj.weight", random(weights, 32, HIDDEN));
                weights.put(layer + "self_attn.k_proj.weight", random(weights, 16, HIDDEN));
                weights.put(layer + "self_attn.v_proj.weight", random(weights, 16, HIDDEN));
                weights.put(layer + "self_attn.o_proj.weight", random(weights, HIDDEN, 32));
                weights.put(layer + "mlp.gate_proj.weight", random(weights, MLP, HIDDEN));
                weights.put(layer + "mlp.up_proj.weight", random(weights, MLP, HIDDEN));
                weights.put(layer + "mlp.down_proj.weight", random(weights, HIDDEN, MLP));
                weights.put(layer + "input_layernorm.weight", random(weights, HIDDEN));
                weights.put(layer + "post_attention_layernorm.weight", random(weights, HIDDEN));
            }
            weights.put("model.norm.weight", random(weights, HIDDEN));
            weights.put("lm_head.weight", random(weights, VOCABULARY, HIDDEN));
            SafetensorsWriter.write(model().resolve("model.safetensors"), weights, Map.of("format", "pt"));
        }
    }

    /** The seed of each tensor is its index. */
    private static Tensor random(Map<String, Tensor> before, long... shape) {
        return Tensor.randomNormal(before.size(), 0.2, shape);
    }

    private void writeTokenizer() throws IOException {
        ObjectNode root = JSON.createObjectNode().put("version", "1.0");
        ArrayNode added = root.putArray("added_tokens");
        for (String token : new String[] {"<|im_start|>", "<|im_end|>"}) {
            added.addObject().put("id", 256 + added.size() - 1).put("content", token).put("single_word", false)
                    .put("lstrip", false).put("rstrip", false).put("normalized", false).put("special", true);
        }
        root.putNull("normalizer");
        for (String part : new String[] {"pre_tokenizer", "decoder"}) {
            root.putObject(part).put("type", "ByteLevel").put("add_prefix_space", false).put("trim_offsets", true)
                    .put("use_regex", true);
        }
        ObjectNode model = root.putObject("model").put("type", "BPE");
        ObjectNode vocabulary = model.putObject("vocab");
        int moved = 0;
        for (int b = 0; b < 256; b++) {
            boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
            vocabulary.put(Character.toString(printable ? b : 256 + moved++), b);
        }
        model.putArray("merges");
        JSON.writeValue(model().resolve("tokenizer.json").toFile(), root);
        JSON.writeValue(model().resolve("tokenizer_config.json").toFile(),
                JSON.createObjectNode().put("chat_template", TEMPLATE).put("eos_token", "<|im_end|>"));
    }

    private void writeConversations() throws IOException {
        StringBuilder conversations = new StringBuilder();
        StringBuilder prompts = new StringBuilder();
        for (int i = 0; i < CONVERSATIONS; i++) {
            ObjectNode record = JSON.createObjectNode().put("id", "sum-" + i);
            ArrayNode turns = record.putArray("conversations");
            turns.addObject().put("from", "human").put("value", "What is " + i + " and " + (i + 3) + "?");
            turns.addObject().put("from", "gpt").put("value", i + " and " + (i + 3) + " is " + (2 * i + 3) + ".");
            conversations.append(record).append('\n');
            if (i % 8 == 0) {
                prompts.append(JSON.createObjectNode().put("prompt", "What is " + i + " and 1?")).append('\n');
            }
        }
        Files.writeString(conversations(), conversations);
        Files.writeString(folder.resolve("prompts.jsonl"), prompts);
    }

    private void writeRecipe() throws IOException {
        Files.writeString(recipe(), """
                name: tiny
                target: {model: "FOLDER/model", dtype: float32}
                data:
                  inputs: [{path: "FOLDER/conversations.jsonl"}]
                  max_length: 128
                  held_out: {count: 3, max_new_tokens: 8}
                store: {path: "FOLDER/store", shard_tokens: 400}
                draft: {vocab_size: 64}
                train:
                  {output: "FOLDER/train", batch_conversations: 4, ttt_length: 3, learning_rate: 1e-3, checkpoint: {every_steps: 3}}
                evaluate:
                  {prompts: {path: "FOLDER/prompts.jsonl"}, max_new_tokens: 12, draft_tokens: 3, output: "FOLDER/evaluate"}
                export: {output: "FOLDER/draft"}
                """.replace("FOLDER", folder.toString()));
    }
}
