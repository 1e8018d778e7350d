package dev.aerie.prepare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.text.DraftVocabulary;
import java.io.FileNotFoundException;
import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * How often each token is supervised in the conversations to train on: what a draft vocabulary is chosen by. Kept as
 * {@code vocabulary.json} in the folder of the store.
 *
 * @param counts of each token of the target's vocabulary
 */
public record TokenFrequencies(long[] counts) {

    private static final String FILE = "vocabulary.json";
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * Writes the file, with the vocabulary of a draft of the given size beside the counts.
     *
     * @param draftVocabSize as in {@link DraftVocabulary#from}
     */
    void write(String store, Configuration conf, int draftVocabSize) throws IOException {
        DraftVocabulary vocabulary = DraftVocabulary.from(counts, draftVocabSize);
        ObjectNode json = JSON.createObjectNode();
        json.put("target_vocab_size", counts.length);
        json.put("draft_vocab_size", vocabulary.size());
        json.set("frequencies", JSON.valueToTree(counts));
        json.set("d2t", JSON.valueToTree(vocabulary.d2t()));
        json.set("t2d", JSON.valueToTree(vocabulary.t2d()));
        Path path = new Path(store, FILE);
        FileSystem fs = path.getFileSystem(conf);
        try (FSDataOutputStream out = fs.create(path, true)) {
            out.write(JSON.writeValueAsBytes(json));
        }
    }

    /**
     * @param store folder of a store
     * @throws IllegalArgumentException if prepare has not come that far there
     */
    public static TokenFrequencies read(String store, Configuration conf) throws IOException {
        Path path = new Path(store, FILE);
        try (FSDataInputStream in = path.getFileSystem(conf).open(path)) {
            JsonNode counts = JSON.readTree(in.readAllBytes()).path("frequencies");
            if (!counts.isArray() || counts.isEmpty()) {
                throw new IllegalArgumentException("Invalid " + path + ": no frequencies (expected a list with one count for each token)");
            }
            return new TokenFrequencies(JSON.convertValue(counts, long[].class));
        } catch (FileNotFoundException e) {
            throw new IllegalArgumentException("Invalid store: " + store + " has no " + FILE + " (expected a folder that prepare wrote)", e);
        }
    }
}
