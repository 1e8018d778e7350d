package dev.aerie.prepare;

import dev.aerie.files.Folder;
import dev.aerie.store.StoreLayout;
import java.io.IOException;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** What {@link Ingest} made, kept on the executors' disks until it is closed. */
public final class IngestedTables implements AutoCloseable {

    /** What became of the records, and which of their fields nothing reads. */
    static final String REPORT = StoreLayout.INGEST_REPORT;

    private final IngestReport report;
    private final List<Dataset<Row>> kept;
    private final Dataset<Row> quarantine;
    private final TokenFrequencies frequencies;

    /** @param kept what to let go of in the end; the tokens last */
    IngestedTables(IngestReport report, List<Dataset<Row>> kept, Dataset<Row> quarantine, TokenFrequencies frequencies) {
        this.report = report;
        this.kept = kept;
        this.quarantine = quarantine;
        this.frequencies = frequencies;
    }

    public IngestReport report() {
        return report;
    }

    /** Returns the conversations, with the columns of {@link TokenizedRow#SCHEMA}. */
    public Dataset<Row> tokens() {
        return kept.get(kept.size() - 1);
    }

    /**
     * Writes {@code tokens/}, {@code quarantine/}, {@code vocabulary.json} and {@code ingest.json} where they are missing. The store
     * is there already, so that of two runs with other inputs the later one has been refused and writes nothing.
     *
     * @param inputs fingerprint of the conversations, as in the store's settings
     * @param draftVocabSize tokens that the draft can propose
     */
    public void write(String store, Configuration conf, String inputs, int draftVocabSize) throws IOException {
        Folder folder = Folder.at(store, conf);
        TokensTable.write(tokens().orderBy("position"), folder, StoreLayout.TOKENS, inputs);
        TokensTable.write(quarantine, folder, StoreLayout.QUARANTINE, inputs);
        frequencies.write(folder, inputs, draftVocabSize);
        folder.write(REPORT, report.toJson());
    }

    @Override
    public void close() {
        letGo(kept);
    }

    /** Lets go of the tables and of the tokenizer. Last first: letting go of a table drops those that were made from it, and Spark warns of blocks that are gone already. */
    static void letGo(List<Dataset<Row>> kept) {
        for (int i = kept.size() - 1; i >= 0; i--) {
            kept.get(i).unpersist(true);
        }
        EncodeRecords.release();
    }
}
