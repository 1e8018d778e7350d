package dev.aerie.prepare;

import dev.aerie.files.Folder;
import dev.aerie.store.HiddenStateStore;
import java.io.IOException;
import java.util.List;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.UnsupportedFileSystemException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What {@link Ingest} made, kept on the executors' disks until it is closed. */
public final class IngestedTables implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(IngestedTables.class);

    /** What became of the records, and which of their fields nothing reads. */
    static final String REPORT = "ingest.json";

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
     * Writes {@code tokens/}, {@code quarantine/}, {@code vocabulary.json} and {@code ingest.json} into a folder that is no store yet, over what an
     * unfinished run left. A store has them already, and they are these or the store is refused: {@link Capture} compares.
     *
     * @param draftVocabSize tokens that the draft can propose
     */
    public void writeUnlessStored(String store, Configuration conf, int draftVocabSize) throws IOException {
        if (!HiddenStateStore.exists(store, conf)) {
            put(tokens().orderBy("position"), store, "tokens", conf);
            put(quarantine, store, "quarantine", conf);
            frequencies.write(store, conf, draftVocabSize);
            Folder.at(store, conf).write(REPORT, report.toJson());
        }
    }

    /** Written aside and put in its place as a whole: of two runs that write into one folder, Spark keeps the rows of both. */
    private static void put(Dataset<Row> rows, String store, String name, Configuration conf) throws IOException {
        Path place = new Path(store, name);
        Path aside = new Path(store, "_" + name + "-" + UUID.randomUUID());
        FileSystem files = place.getFileSystem(conf);
        try {
            rows.write().parquet(aside.toString());
            if (!HiddenStateStore.exists(store, conf)) {
                files.delete(place, true);
                rename(files, files.makeQualified(aside), files.makeQualified(place), conf);
            }
        } catch (FileAlreadyExistsException anotherRun) {
            LOG.info("{} was written by another run", place);
        } finally {
            files.delete(aside, true);
        }
    }

    /** FileSystem's own would put the folder into one that another run has made meanwhile; some file systems have no other. */
    private static void rename(FileSystem files, Path from, Path to, Configuration conf) throws IOException {
        FileContext strict;
        try {
            strict = FileContext.getFileContext(files.getUri(), conf);
        } catch (UnsupportedFileSystemException e) {
            if (files.exists(to) || !files.rename(from, to)) {
                throw new FileAlreadyExistsException(to.toString());
            }
            return;
        }
        strict.rename(from, to, Options.Rename.NONE);
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
