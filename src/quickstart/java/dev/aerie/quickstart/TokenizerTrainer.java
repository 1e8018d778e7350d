package dev.aerie.quickstart;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.errors.RefusalException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Byte-level byte pair encoding (Sennrich et al., 2016; the byte alphabet of GPT-2), learned from text and written as a
 * Hugging Face {@code tokenizer.json} with a chat template of our own.
 *
 * <p>Ids: the 256 bytes, then the merges in the order they were learned, then the special tokens. Equal counts are broken by
 * the pair's text, so that the same text gives the same file.
 */
final class TokenizerTrainer {

    /** Words keep the blank before them; digits stand alone, so that sums line up. */
    static final String WORDS = " ?\\p{L}+| ?\\p{N}| ?[^\\s\\p{L}\\p{N}]+|\\s";

    static final String PAD = "<|pad|>";
    static final String END = "<|end|>";
    static final List<String> SPECIAL = List.of("<|system|>", "<|user|>", "<|assistant|>", END, PAD);

    static final String CHAT_TEMPLATE = "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + "
            + "'" + END
            + "' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

    private static final ObjectMapper JSON = new ObjectMapper();

    private record Pair(String left, String right) {}

    private final List<Pair> merges = new ArrayList<>();
    private final Map<String, Integer> vocabulary = new HashMap<>();

    /**
     * Learns merges until the vocabulary, special tokens included, has the size asked for or no pair occurs twice.
     *
     * @throws RefusalException if the size leaves no room for the bytes and the special tokens
     */
    static TokenizerTrainer learn(List<String> texts, int size) {
        if (size < 256 + SPECIAL.size()) {
            throw new RefusalException("Invalid vocabulary size: " + size + " (expected at least "
                    + (256 + SPECIAL.size()) + ")");
        }
        TokenizerTrainer trainer = new TokenizerTrainer();
        trainer.merge(words(texts), size - SPECIAL.size());
        return trainer;
    }

    private TokenizerTrainer() {
        for (int b = 0; b < 256; b++) {
            vocabulary.put(String.valueOf(letterOf(b)), b);
        }
    }

    private void merge(Map<String, Integer> words, int size) {
        List<List<String>> pieces = new ArrayList<>();
        List<Integer> counts = new ArrayList<>();
        words.forEach((word, count) -> {
            pieces.add(new ArrayList<>(word.chars().mapToObj(c -> String.valueOf((char) c)).toList()));
            counts.add(count);
        });
        while (vocabulary.size() < size) {
            Map<Pair, Integer> pairs = new HashMap<>();
            for (int w = 0; w < pieces.size(); w++) {
                List<String> p = pieces.get(w);
                for (int i = 0; i + 1 < p.size(); i++) {
                    pairs.merge(new Pair(p.get(i), p.get(i + 1)), counts.get(w), Integer::sum);
                }
            }
            Map.Entry<Pair, Integer> best = pairs.entrySet().stream()
                    .max(Map.Entry.<Pair, Integer>comparingByValue()
                            .thenComparing(e -> e.getKey().left, Comparator.reverseOrder())
                            .thenComparing(e -> e.getKey().right, Comparator.reverseOrder()))
                    .orElse(null);
            if (best == null || best.getValue() < 2) {
                return;
            }
            Pair pair = best.getKey();
            merges.add(pair);
            vocabulary.putIfAbsent(pair.left + pair.right, vocabulary.size());
            pieces.forEach(p -> join(p, pair));
        }
    }

    private static void join(List<String> pieces, Pair pair) {
        for (int i = 0; i + 1 < pieces.size(); i++) {
            if (pieces.get(i).equals(pair.left) && pieces.get(i + 1).equals(pair.right)) {
                pieces.set(i, pair.left + pair.right);
                pieces.remove(i + 1);
            }
        }
    }

    /** How often each word occurs, in the byte alphabet; sorted, so that nothing depends on hashing. */
    private static Map<String, Integer> words(List<String> texts) {
        Map<String, Integer> counts = new TreeMap<>();
        Pattern pattern = Pattern.compile(WORDS);
        for (String text : texts) {
            Matcher m = pattern.matcher(text);
            while (m.find()) {
                StringBuilder word = new StringBuilder();
                for (byte b : m.group().getBytes(StandardCharsets.UTF_8)) {
                    word.append(letterOf(b & 0xff));
                }
                counts.merge(word.toString(), 1, Integer::sum);
            }
        }
        return counts;
    }

    /** GPT-2's visible letter for a byte: printable Latin-1 stands for itself, the rest follow from U+0100 on. */
    private static char letterOf(int b) {
        boolean visible = b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae && b <= 0xff;
        if (visible) {
            return (char) b;
        }
        int hidden = b <= 0x20 ? b : b == 0xad ? 67 : b - 0x7f + 33;
        return (char) (0x100 + hidden);
    }

    int vocabularySize() {
        return vocabulary.size() + SPECIAL.size();
    }

    int idOf(String special) {
        return vocabulary.size() + SPECIAL.indexOf(special);
    }

    /** Writes tokenizer.json and tokenizer_config.json. */
    void write(Path folder) throws IOException {
        ObjectNode root = JSON.createObjectNode().put("version", "1.0");
        root.putNull("truncation").putNull("padding");
        ArrayNode added = root.putArray("added_tokens");
        for (String token : SPECIAL) {
            added.addObject().put("id", idOf(token)).put("content", token).put("single_word", false).put("lstrip", false)
                    .put("rstrip", false).put("normalized", false).put("special", true);
        }
        root.putNull("normalizer");
        ArrayNode steps = root.putObject("pre_tokenizer").put("type", "Sequence").putArray("pretokenizers");
        ObjectNode split = steps.addObject().put("type", "Split");
        split.putObject("pattern").put("Regex", WORDS);
        split.put("behavior", "Isolated").put("invert", false);
        steps.addObject().put("type", "ByteLevel").put("add_prefix_space", false).put("trim_offsets", false)
                .put("use_regex", false);
        root.putNull("post_processor");
        root.putObject("decoder").put("type", "ByteLevel").put("add_prefix_space", false).put("trim_offsets", false)
                .put("use_regex", false);
        ObjectNode model = root.putObject("model").put("type", "BPE").putNull("dropout").putNull("unk_token")
                .putNull("continuing_subword_prefix").putNull("end_of_word_suffix").put("fuse_unk", false)
                .put("byte_fallback", false).put("ignore_merges", false);
        ObjectNode ids = model.putObject("vocab");
        vocabulary.entrySet().stream().sorted(Map.Entry.comparingByValue()).forEach(e -> ids.put(e.getKey(), e.getValue()));
        ArrayNode ranks = model.putArray("merges");
        merges.forEach(m -> ranks.add(m.left + " " + m.right));
        save(folder.resolve("tokenizer.json"), root);

        ObjectNode config = JSON.createObjectNode().put("tokenizer_class", "PreTrainedTokenizerFast").putNull("bos_token")
                .put("eos_token", END).put("pad_token", PAD).putNull("unk_token").put("model_max_length", 1024)
                .put("clean_up_tokenization_spaces", false).put("chat_template", CHAT_TEMPLATE);
        save(folder.resolve("tokenizer_config.json"), config);
    }

    private static void save(Path file, ObjectNode json) throws IOException {
        Files.writeString(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n");
    }
}
