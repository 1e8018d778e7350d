package dev.aerie.prepare;

import dev.aerie.store.HiddenStateStore;
import java.io.IOException;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;

/** What {@link Ingest} made, kept on the executors' disks until it is closed. */
public final class IngestedTables implements AutoCloseable {

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

    /** The conversations, with the columns of {@link TokenizedRow#SCHEMA}. */
    public Dataset<Row> tokens() {
        return kept.get(kept.size() - 1);
    }

    /**
     * Writes {@code tokens/}, {@code quarantine/} and {@code vocabulary.json} into a folder that is no store yet, over what an
     * unfinished run left. A store has them already, and they are these or the store is refused: {@link Capture} compares.
     *
     * @param draftVocabSize tokens that the draft can propose
     */
    public void writeUnlessStored(String store, Configuration conf, int draftVocabSize) throws IOException {
        if (!HiddenStateStore.exists(store, conf)) {
            tokens().orderBy("position").write().mode(SaveMode.Overwrite).parquet(store + "/tokens");
            quarantine.write().mode(SaveMode.Overwrite).parquet(store + "/quarantine");
            frequencies.write(store, conf, draftVocabSize);
        }
    }

    @Override
    public void close() {
        letGo(kept);
    }

    /** Last first: letting go of a table drops those that were made from it, and Spark warns of blocks that are gone already. */
    static void letGo(List<Dataset<Row>> kept) {
        for (int i = kept.size() - 1; i >= 0; i--) {
            kept.get(i).unpersist(true);
        }
    }
}
