package dev.aerie.text;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.errors.RefusalException;
import dev.aerie.files.GitPointer;
import dev.aerie.torch.LibTorch;
import dev.aerie.torch.NativeLibraries;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Hugging Face's tokenizer, read from a model folder's tokenizer.json, offline. It does not add special tokens, truncate or pad.
 * Thread-safe; holds native memory until closed.
 */
public final class Tokenizer implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();
    /** Published models pad their embeddings by up to 1,069 rows (gpt-oss). */
    private static final int MAX_PADDING = 2048;

    private final HuggingFaceTokenizer tokenizer;
    private final int vocabSize;
    private final List<String> addedTokens;
    private final Path folder;

    private Tokenizer(HuggingFaceTokenizer tokenizer, int vocabSize, List<String> addedTokens, Path folder) {
        this.tokenizer = tokenizer;
        this.vocabSize = vocabSize;
        this.addedTokens = addedTokens;
        this.folder = folder;
    }

    /**
     * @throws InvalidTokenizerException if the folder has no tokenizer.json, or one that cannot be used
     * @throws RefusalException if this host does not load the tokenizers' native library
     */
    public static Tokenizer fromFolder(Path folder) {
        Path file = folder.resolve("tokenizer.json");
        if (!Files.isRegularFile(file)) {
            throw new InvalidTokenizerException("Invalid tokenizer: " + folder + " has no tokenizer.json "
                    + "(expected the folder of a Hugging Face model)");
        }
        GitPointer.refuse(file);
        LibTorch.configure();
        try {
            JsonNode json = JSON.readTree(Files.readAllBytes(file));
            if (!(json instanceof ObjectNode settings) || !json.path("model").isObject()) {
                throw new InvalidTokenizerException("Invalid tokenizer: " + file + " describes no model "
                        + "(expected a Hugging Face tokenizer.json)");
            }
            // The post-processor adds special tokens, which are not wanted, and trims white space off the tokens' offsets,
            // which would move the borders of the loss mask.
            settings.putNull("post_processor");
            settings.putNull("truncation");
            settings.putNull("padding");
            HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.newInstance(
                    new ByteArrayInputStream(JSON.writeValueAsBytes(settings)),
                    Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false"));
            return new Tokenizer(tokenizer, vocabSize(json), addedTokens(json), folder);
        } catch (LinkageError e) {
            throw NativeLibraries.refusal(e).orElseThrow(() -> e);
        } catch (IOException | RuntimeException e) {
            if (e instanceof InvalidTokenizerException) {
                throw (InvalidTokenizerException) e;
            }
            throw new InvalidTokenizerException("Invalid tokenizer: " + file + " cannot be read (" + firstLine(e) + ")", e);
        }
    }

    private static String firstLine(Exception e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse(e.getClass().getSimpleName());
    }

    private static int vocabSize(JsonNode json) {
        JsonNode vocabulary = json.path("model").path("vocab");
        int size = vocabulary.isArray() ? vocabulary.size() : 0;
        if (vocabulary.isObject()) {
            for (JsonNode id : vocabulary) {
                size = Math.max(size, id.asInt() + 1);
            }
        }
        for (JsonNode added : json.path("added_tokens")) {
            size = Math.max(size, added.path("id").asInt() + 1);
        }
        return size;
    }

    private static List<String> addedTokens(JsonNode json) {
        List<String> tokens = new ArrayList<>();
        json.path("added_tokens").forEach(added -> tokens.add(added.path("content").asText()));
        return tokens;
    }

    public TokenizedText encode(String text) {
        Encoding encoding = tokenizer.encode(text, false, false);
        long[] ids = encoding.getIds();
        CharSpan[] spans = encoding.getCharTokenSpans();
        int[] units = text.codePointCount(0, text.length()) == text.length() ? null : utf16Indices(text);
        TokenizedText tokens = new TokenizedText(new int[ids.length], new int[ids.length], new int[ids.length]);
        for (int i = 0; i < ids.length; i++) {
            tokens.inputIds()[i] = Math.toIntExact(ids[i]);
            int start = spans[i] == null ? -1 : spans[i].getStart();
            if (start < 0) {
                // A token that stands for no text, such as a prefix added by the normaliser: at the end of the one before.
                tokens.starts()[i] = i == 0 ? 0 : tokens.ends()[i - 1];
                tokens.ends()[i] = tokens.starts()[i];
                continue;
            }
            tokens.starts()[i] = units == null ? start : units[start];
            tokens.ends()[i] = units == null ? spans[i].getEnd() : units[spans[i].getEnd()];
        }
        return tokens;
    }

    /** The tokenizer counts code points; Java strings count UTF-16 units. */
    private static int[] utf16Indices(String text) {
        int[] indices = new int[text.codePointCount(0, text.length()) + 1];
        int unit = 0;
        for (int i = 0; i < indices.length - 1; i++) {
            indices[i] = unit;
            unit += Character.charCount(text.codePointAt(unit));
        }
        indices[indices.length - 1] = unit;
        return indices;
    }

    /** Special tokens stay in the text. */
    public String decode(int[] ids) {
        long[] wide = new long[ids.length];
        for (int i = 0; i < ids.length; i++) {
            wide[i] = ids[i];
        }
        return tokenizer.decode(wide, false);
    }

    /** One more than the largest id. */
    public int vocabSize() {
        return vocabSize;
    }

    /** Tokens matched as they stand in the text, such as {@code <|im_end|>}. */
    public List<String> addedTokens() {
        return addedTokens;
    }

    /**
     * Checks that this tokenizer belongs to a target. Embeddings may have some rows more than there are tokens, as padding.
     *
     * @param embeddingRows the vocabulary size of the target
     * @throws InvalidTokenizerException if it does not
     */
    public void requireFits(int embeddingRows) {
        if (embeddingRows < vocabSize || embeddingRows - vocabSize > Math.max(MAX_PADDING, vocabSize / 8)) {
            throw new InvalidTokenizerException("Invalid tokenizer: " + folder + " has " + vocabSize
                    + " tokens and the target's embedding " + embeddingRows + " rows "
                    + "(expected a tokenizer and a target that belong together)");
        }
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
