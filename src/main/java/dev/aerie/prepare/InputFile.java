package dev.aerie.prepare;

import static org.apache.spark.sql.functions.lit;

import dev.aerie.errors.RefusalException;
import dev.aerie.text.ConversationFormat;
import dev.aerie.text.ConversationReader;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Row;

/**
 * One file of the inputs.
 *
 * @param number its place among all files; decides the position of its records
 * @param limit records read of it at most; 0 for all
 */
record InputFile(int number, String path, ConversationFormat format, long limit) implements Serializable {

    /** Bits of a position that count the records of a file. */
    private static final int RECORD_BITS = 40;

    /** The place of a record in its file, from its position. */
    static Column recordOf(Column position) {
        return position.bitwiseAND(lit((1L << RECORD_BITS) - 1));
    }

    /**
     * Finds the files that the settings name.
     *
     * @throws RefusalException for a path that names no file
     */
    static List<InputFile> find(List<IngestSettings.Input> inputs, Configuration conf) throws IOException {
        List<InputFile> files = new ArrayList<>();
        for (int i = 0; i < inputs.size(); i++) {
            IngestSettings.Input input = inputs.get(i);
            List<String> paths = ConversationFiles.find(input.path(), conf);
            if (paths.isEmpty()) {
                throw new RefusalException("Invalid data.inputs[" + i + "].path: " + input.path()
                        + " (expected a file, a folder with files or a glob that matches some)");
            }
            if (input.limit() > 0 && paths.size() > 1) {
                throw new RefusalException("Invalid data.inputs[" + i + "].limit: " + input.limit() + " for the "
                        + paths.size() + " files of " + input.path() + " (expected a limit on single files only)");
            }
            for (String path : paths) {
                files.add(new InputFile(files.size(), path, input.format(), input.limit()));
            }
        }
        return files;
    }

    /** The file's records as rows of {@link RecordRow}, read as they are asked for. For a Spark task, which closes the file at its end. */
    Iterator<Row> read(Configuration conf) {
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
            throw new UncheckedIOException("cannot read " + path, e);
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
            return (limit == 0 || index < limit) && reader.hasNext();
        }

        @Override
        public Row next() {
            return RecordRow.of(((long) number << RECORD_BITS) + index++, reader.next());
        }
    }
}
