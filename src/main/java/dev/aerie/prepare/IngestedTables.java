package dev.aerie.prepare;

import dev.aerie.files.Folder;
import dev.aerie.store.StoreLayout;
import java.io.IOException;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** The result of {@link Ingest}, kept on the executors' disks until it is closed. */
public final class IngestedTables implements AutoCloseable {

    /** The number of records by outcome, and the unused fields. */
    static final String REPORT = StoreLayout.INGEST_REPORT;

    private final IngestReport report;
    private final List<Dataset<Row>> kept;
    private final Dataset<Row> quarantine;
    private final TokenFrequencies frequencies;

    /** @param kept tables to release at the end; the tokens last */
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
     * Writes {@code tokens/}, {@code quarantine/}, {@code vocabulary.json} and {@code ingest.json} if they are missing. The store
     * exists already, so of two runs with different inputs the later one has been refused and writes nothing.
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
