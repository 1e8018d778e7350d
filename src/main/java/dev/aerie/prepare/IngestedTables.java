package dev.aerie.prepare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.files.Folder;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.StoreLayout;
import dev.aerie.store.StoreTables;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** The result of {@link Ingest}, kept on the executors' disks until it is closed. */
public final class IngestedTables implements AutoCloseable {

    /** The number of records by outcome, and the unused fields. */
    static final String REPORT = StoreLayout.INGEST_REPORT;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final IngestReport report;
    private final List<Dataset<Row>> kept;
    private final Dataset<Row> quarantine;
    private final TokenFrequencies frequencies;
    private final Optional<String> origin;

    /**
     * @param kept tables to release at the end; the tokens last
     * @param origin of {@link Ingest#origin}
     */
    IngestedTables(IngestReport report, List<Dataset<Row>> kept, Dataset<Row> quarantine, TokenFrequencies frequencies,
            Optional<String> origin) {
        this.report = report;
        this.kept = kept;
        this.quarantine = quarantine;
        this.frequencies = frequencies;
        this.origin = origin;
    }

    public IngestReport report() {
        return report;
    }

    /** Returns the conversations, with the columns of {@link TokenizedRow#SCHEMA}. */
    public Dataset<Row> tokens() {
        return kept.get(kept.size() - 1);
    }

    /**
     * Writes {@code quarantine/}, {@code vocabulary.json} and {@code ingest.json} if they are missing. The store exists already,
     * so of two runs with different inputs the later one has been refused and writes nothing.
     *
     * @param inputs fingerprint of the conversations, as in the store's settings
     * @param draftVocabSize tokens that the draft can propose
     */
    public void write(String store, Configuration conf, String inputs, int draftVocabSize) throws IOException {
        Folder folder = Folder.at(store, conf);
        TokensTable.write(quarantine, folder, StoreLayout.QUARANTINE, inputs);
        frequencies.write(folder, inputs, draftVocabSize);
        ObjectNode told = report.toJson().put("inputs", inputs).put("origin", origin.orElse(null));
        folder.write(REPORT, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(told));
    }

    /** Returns whether a store has what {@link #write} wrote for the same origin, so that no input needs to be read again. */
    public static boolean isOf(String store, Configuration conf, String origin) throws IOException {
        Folder folder = Folder.at(store, conf);
        Optional<byte[]> told = folder.read(REPORT);
        if (told.isEmpty() || !HiddenStateStore.exists(store, conf)) {
            return false;
        }
        JsonNode report = JSON.readTree(told.get());
        String inputs = HiddenStateStore.settings(store, conf).fingerprints().inputs();
        return report.path("origin").asText().equals(origin) && report.path("inputs").asText().equals(inputs)
                && TokenFrequencies.areOf(folder, inputs)
                && TokensTable.wholeMarker(folder, StoreLayout.QUARANTINE, inputs).isPresent();
    }

    /**
     * Writes the files of a generation that adds these conversations.
     *
     * @param before the generation that it adds to
     * @param folder of the generation, below the store's
     * @param attempt ends the names
     * @param inputs fingerprint of all conversations of the generation
     * @param tokens the table of these conversations
     * @return what the generation reads
     */
    public StoreTables append(HiddenStateStore before, Configuration conf, String folder, String attempt, String inputs,
            String tokens, int draftVocabSize) throws IOException {
        Folder store = Folder.at(before.uri(), conf);
        StoreTables old = before.tables();
        String refused = folder + "/" + StoreLayout.QUARANTINE + "-" + attempt;
        String vocabulary = folder + "/vocabulary-" + attempt + ".json";
        TokensTable.writeInto(quarantine, store, refused, inputs, (marker, files) -> {});
        TokenFrequencies.read(before, conf).then(frequencies).write(store, vocabulary, inputs, draftVocabSize);
        return new StoreTables(with(old.tokens(), tokens), with(old.quarantine(), refused), vocabulary,
                StoredConversations.forgotten(store, before));
    }

    private static List<String> with(List<String> names, String one) {
        return Stream.concat(names.stream(), Stream.of(one)).toList();
    }

    @Override
    public void close() {
        letGo(kept);
    }

    /**
     * Releases the tables and the tokenizer. The last table is released first, because releasing a table also drops those derived
     * from it, and Spark would warn of missing blocks.
     */
    static void letGo(List<Dataset<Row>> kept) {
        for (int i = kept.size() - 1; i >= 0; i--) {
            kept.get(i).unpersist(true);
        }
        EncodeRecords.release();
    }
}
