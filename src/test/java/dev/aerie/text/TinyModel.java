package dev.aerie.text;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A model folder with a tokenizer of 261 tokens: one for each byte, two merges, three markers. Its post-processor trims
 * offsets, as that of Llama 3 does.
 */
final class TinyModel {

    static final String CHATML = "{% for m in messages %}"
            + "{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}"
            + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
    static final int TOKENS = 261;
    private static final ObjectMapper JSON = new ObjectMapper();

    private TinyModel() {}

    static Path create(Path folder, String template) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("chat_template.jinja"), template);
        Files.writeString(folder.resolve("tokenizer_config.json"),
                "{\"bos_token\":\"<s>\",\"eos_token\":{\"content\":\"<|im_end|>\"}}");
        JSON.writeValue(folder.resolve("tokenizer.json").toFile(), tokenizer());
        return folder;
    }

    private static ObjectNode tokenizer() {
        ObjectNode json = JSON.createObjectNode().put("version", "1.0");
        json.putNull("truncation").putNull("padding").putNull("normalizer");
        ArrayNode added = json.putArray("added_tokens");
        for (String token : new String[] {"<|im_start|>", "<|im_end|>", "<s>"}) {
            added.addObject().put("id", TOKENS - 4 + added.size()).put("content", token).put("single_word", false)
                    .put("lstrip", false).put("rstrip", false).put("normalized", false).put("special", true);
        }
        json.putObject("pre_tokenizer").put("type", "ByteLevel").put("add_prefix_space", false).put("trim_offsets", true)
                .put("use_regex", false);
        json.putObject("post_processor").put("type", "ByteLevel").put("add_prefix_space", false).put("trim_offsets", true)
                .put("use_regex", false);
        json.putObject("decoder").put("type", "ByteLevel").put("add_prefix_space", false).put("trim_offsets", true)
                .put("use_regex", false);
        ObjectNode model = json.putObject("model").put("type", "BPE");
        ObjectNode vocabulary = model.putObject("vocab");
        for (int b = 0; b < 256; b++) {
            vocabulary.put(Character.toString(byteCharacter(b)), b);
        }
        vocabulary.put("ĊĊ", 256);
        vocabulary.put("Ġa", 257);
        model.putArray("merges").add("Ċ Ċ").add("Ġ a");
        return json;
    }

    /** GPT-2's alphabet: printable bytes stand for themselves, the others for characters from U+0100 on. */
    private static int byteCharacter(int b) {
        int shifted = 0x100;
        for (int c = 0; c < b; c++) {
            shifted += printable(c) ? 0 : 1;
        }
        return printable(b) ? b : shifted;
    }

    private static boolean printable(int b) {
        return b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae;
    }
}
