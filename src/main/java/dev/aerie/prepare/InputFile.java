package dev.aerie.prepare;

import static org.apache.spark.sql.functions.lit;

import dev.aerie.errors.RefusalException;
import dev.aerie.spark.SparkLibraries;
import dev.aerie.text.ConversationFormat;
import dev.aerie.text.ConversationReader;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * One file of the inputs.
 *
 * @param number its index among all files, which determines the position of its records
 * @param limit records read of it at most; 0 for all
 */
record InputFile(int number, String path, ConversationFormat format, long limit) implements Serializable {

    /** Bits of a position that count the records of a file. */
    private static final int RECORD_BITS = 40;

    /** Number of files that are checked at the same time. */
    private static final int LOOKING = 16;

    /** Number of refusals in a message. */
    private static final int TOLD = 20;

    /**
     * The files and tables of all inputs.
     *
     * @param passedOver files and folders that are skipped because of their names
     */
    record Inputs(List<InputFile> files, List<InputTable> tables, List<String> passedOver) {}

    /** Returns the position of the first record of a file or table. */
    static long firstPosition(int number) {
        return (long) number << RECORD_BITS;
    }

    /** Returns the place of a record in its file, from its position. */
    static Column recordOf(Column position) {
        return position.bitwiseAND(lit((1L << RECORD_BITS) - 1));
    }

    /**
     * Finds the files and tables that the settings name.
     *
     * @throws RefusalException for a path that names no file, and for a table that cannot be read
     */
    static Inputs find(List<IngestSettings.Input> inputs, SparkSession spark) throws IOException {
        Configuration conf = spark.sparkContext().hadoopConfiguration();
        List<InputFile> files = new ArrayList<>();
        List<InputTable> tables = new ArrayList<>();
        List<String> passedOver = new ArrayList<>();
        for (int i = 0; i < inputs.size(); i++) {
            IngestSettings.Input input = inputs.get(i);
            if (!(input.origin() instanceof IngestSettings.Files named)) {
                tables.add(InputTable.find(spark, input, files.size() + tables.size(), i));
                continue;
            }
            ConversationFiles.Found found = ConversationFiles.search(named.path(), conf);
            List<String> paths = found.files();
            passedOver.addAll(found.passedOver());
            if (paths.isEmpty()) {
                throw new RefusalException("Invalid data.inputs[" + i + "].path: " + named.path()
                        + " (expected a file, a folder with files or a glob that matches some)");
            }
            if (input.limit() > 0 && paths.size() > 1) {
                throw new RefusalException("Invalid data.inputs[" + i + "].limit: " + input.limit() + " for the "
                        + paths.size() + " files of " + named.path() + " (expected a limit on single files only)");
            }
            for (String path : paths) {
                files.add(new InputFile(files.size() + tables.size(), path, input.format(), input.limit()));
            }
        }
        if (!files.isEmpty()) {
            requireReadable(files, conf);
        }
        return new Inputs(files, tables, passedOver);
    }

    /** Checks all files before any work, so that one wrong file among thousands is found at once, and all wrong ones together. */
    private static void requireReadable(List<InputFile> files, Configuration conf) throws IOException {
        ExecutorService threads = Executors.newFixedThreadPool(Math.min(files.size(), LOOKING));
        try {
            List<Future<?>> looks = new ArrayList<>();
            for (InputFile file : files) {
                looks.add(threads.submit(() -> {
                    ConversationFiles.require(file.path(), conf);
                    return null;
                }));
            }
            List<String> refusals = new ArrayList<>();
            for (Future<?> look : looks) {
                try {
                    look.get();
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof RefusalException refusal) {
                        refusals.add(refusal.getMessage());
                    } else if (e.getCause() instanceof IOException io) {
                        throw io;
                    } else {
                        throw new IllegalStateException(e.getCause());
                    }
                }
            }
            if (!refusals.isEmpty()) {
                int told = Math.min(refusals.size(), TOLD);
                throw new RefusalException(String.join(System.lineSeparator(), refusals.subList(0, told))
                        + (refusals.size() > told ? System.lineSeparator() + "and " + (refusals.size() - told) + " more" : ""));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while looking at the inputs");
        } finally {
            threads.shutdownNow();
        }
    }

    /**
     * The file's records as rows of {@link RecordRow}, read as they are asked for. For a Spark task, which closes the file at its
     * end.
     */
    Iterator<Row> read(Configuration conf) {
        SparkLibraries.require();
        try {
            ConversationReader records = ConversationFiles.open(path, conf, format);
            TaskContext.get().addTaskCompletionListener(context -> {
                try {
                    records.close();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            return new Rows(records);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + path + ": " + e.getMessage(), e);
        }
    }

    private final class Rows implements Iterator<Row> {

        private final ConversationReader reader;
        private long index;

        Rows(ConversationReader reader) {
            this.reader = reader;
        }

        @Override
        public boolean hasNext() {
            try {
                return (limit == 0 || index < limit) && reader.hasNext();
            } catch (UncheckedIOException e) {
                throw new UncheckedIOException("cannot read " + path + ": " + e.getCause().getMessage(), e.getCause());
            }
        }

        @Override
        public Row next() {
            return RecordRow.of(firstPosition(number) + index++, reader.next());
        }
    }
}
