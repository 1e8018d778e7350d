package dev.aerie.prepare;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.errors.RefusalException;
import dev.aerie.files.Folder;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.StoreLayout;
import dev.aerie.text.DraftVocabulary;
import java.io.IOException;
import java.io.Serializable;
import java.util.Arrays;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * The number of times that each token is supervised in the training conversations, from which a draft vocabulary is chosen. Kept
 * as {@code vocabulary.json} in the folder of the store.
 *
 * @param counts of each token of the target's vocabulary
 * @param firstSeen place among the inputs of the first conversation that each token is supervised in, {@link #NEVER} where it is
 *     not: what decides between tokens that are equally frequent, whatever order a cluster counts in
 */
public record TokenFrequencies(long[] counts, long[] firstSeen) implements Serializable {

    /** The value of a token that is never supervised. */
    public static final long NEVER = -1;

    private static final ObjectMapper JSON = new ObjectMapper();

    /** Of all conversations of a table of {@link TokenizedRow#SCHEMA}. */
    static TokenFrequencies of(Dataset<Row> tokens, int targetVocabSize) {
        return tokens.toJavaRDD().map(TokenizedRow::of)
                .treeAggregate(none(targetVocabSize), TokenFrequencies::add, TokenFrequencies::add);
    }

    private static TokenFrequencies none(int targetVocabSize) {
        long[] firstSeen = new long[targetVocabSize];
        Arrays.fill(firstSeen, NEVER);
        return new TokenFrequencies(new long[targetVocabSize], firstSeen);
    }

    /** Counts a conversation's supervised tokens, in place. */
    TokenFrequencies add(TokenizedRow row) {
        for (int i = 0; i < row.sequence().inputIds().length; i++) {
            int id = row.sequence().inputIds()[i];
            if (id >= counts.length) {
                throw new RefusalException("Invalid token: id " + id + " in conversation " + row.id()
                        + " (expected under " + counts.length + ", the rows of the target's embedding)");
            }
            if (row.sequence().lossMask()[i]) {
                counts[id]++;
                firstSeen[id] = earlier(firstSeen[id], row.position());
            }
        }
        return this;
    }

    /** Adds another part's counts, in place. */
    TokenFrequencies add(TokenFrequencies other) {
        for (int id = 0; id < counts.length; id++) {
            counts[id] += other.counts[id];
            firstSeen[id] = earlier(firstSeen[id], other.firstSeen[id]);
        }
        return this;
    }

    /**
     * Returns the counts of these conversations and of others that come after them: of tokens that are equally frequent, one of
     * these is the first.
     */
    TokenFrequencies then(TokenFrequencies others) {
        if (others.counts.length != counts.length) {
            throw new IllegalArgumentException("Invalid token frequencies: of " + others.counts.length + " tokens (expected "
                    + counts.length + ")");
        }
        long last = Arrays.stream(firstSeen).max().orElse(NEVER);
        long[] sum = new long[counts.length];
        long[] first = new long[counts.length];
        for (int id = 0; id < sum.length; id++) {
            sum[id] = counts[id] + others.counts[id];
            boolean later = firstSeen[id] == NEVER && others.firstSeen[id] != NEVER;
            first[id] = later ? last + 1 + others.firstSeen[id] : firstSeen[id];
        }
        return new TokenFrequencies(sum, first);
    }

    private static long earlier(long a, long b) {
        return a == NEVER ? b : b == NEVER ? a : Math.min(a, b);
    }

    /** Returns the vocabulary of a draft that proposes {@code size} tokens. */
    public DraftVocabulary draftVocabulary(int size) {
        return DraftVocabulary.from(counts, firstSeen, size);
    }

    /**
     * Writes the file, with the vocabulary of a draft of the given size beside the counts.
     *
     * @param inputs fingerprint of the conversations that were counted
     * @param draftVocabSize tokens that the draft proposes
     */
    void write(Folder store, String inputs, int draftVocabSize) throws IOException {
        write(store, StoreLayout.VOCABULARY, inputs, draftVocabSize);
    }

    /** Writes a file of a generation, likewise. */
    void write(Folder store, String file, String inputs, int draftVocabSize) throws IOException {
        DraftVocabulary vocabulary = draftVocabulary(draftVocabSize);
        ObjectNode json = JSON.createObjectNode();
        json.put("inputs", inputs);
        json.put("target_vocab_size", counts.length);
        json.put("draft_vocab_size", vocabulary.size());
        json.set("frequencies", JSON.valueToTree(counts));
        json.set("first_seen", JSON.valueToTree(firstSeen));
        json.set("d2t", JSON.valueToTree(vocabulary.d2t()));
        json.set("t2d", JSON.valueToTree(vocabulary.t2d()));
        store.write(file, JSON.writeValueAsBytes(json));
    }

    /**
     * Reads those of the newest generation.
     *
     * @param store folder of a store
     * @throws RefusalException if prepare has not written the file yet
     */
    public static TokenFrequencies read(String store, Configuration conf) throws IOException {
        return read(store, conf, HiddenStateStore.exists(store, conf)
                ? HiddenStateStore.tables(store, conf).vocabulary() : StoreLayout.VOCABULARY);
    }

    /** Reads those of a generation, likewise. */
    public static TokenFrequencies read(HiddenStateStore store, Configuration conf) throws IOException {
        return read(store.uri(), conf, store.tables().vocabulary());
    }

    /** Returns whether a store has such a file of these conversations; one that cannot be read is none. */
    static boolean areOf(Folder store, String inputs) throws IOException {
        try {
            byte[] found = store.read(StoreLayout.VOCABULARY).orElse(new byte[0]);
            return JSON.readTree(found).path("inputs").asText().equals(inputs);
        } catch (JsonProcessingException e) {
            return false;
        }
    }

    /** Returns the size of the draft vocabulary in such a file. */
    static int draftVocabSize(Folder folder, String file) throws IOException {
        return JSON.readTree(folder.read(file).orElseThrow(() -> new RefusalException(
                "Invalid store: " + folder + " has no " + file + " (expected a folder that prepare wrote)")))
                .path("draft_vocab_size").asInt();
    }

    private static TokenFrequencies read(String store, Configuration conf, String file) throws IOException {
        Folder folder = Folder.at(store, conf);
        byte[] found = folder.read(file).orElseThrow(() -> new RefusalException(
                "Invalid store: " + store + " has no " + file + " (expected a folder that prepare wrote)"));
        JsonNode json = JSON.readTree(found);
        JsonNode counts = json.path("frequencies");
        JsonNode firstSeen = json.path("first_seen");
        if (!counts.isArray() || counts.isEmpty() || !firstSeen.isArray() || firstSeen.size() != counts.size()) {
            throw new RefusalException("Invalid " + folder.path(file)
                    + ": no frequencies (expected lists frequencies and first_seen with a number for each token)");
        }
        if (file.equals(StoreLayout.VOCABULARY)) {
            // That of a later generation is named by the generation.
            TokensTable.requireSameInputs(folder, json.path("inputs"), file);
        }
        return new TokenFrequencies(JSON.convertValue(counts, long[].class), JSON.convertValue(firstSeen, long[].class));
    }
}
