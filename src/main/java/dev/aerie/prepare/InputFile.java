package dev.aerie.prepare;

import static org.apache.spark.sql.functions.lit;

import dev.aerie.text.ConversationFormat;
import dev.aerie.text.ConversationReader;
import dev.aerie.text.InputRecord;
import java.io.Closeable;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.zip.ZipException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
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
     * @throws IllegalArgumentException for a path that names no file
     */
    static List<InputFile> find(List<IngestSettings.Input> inputs, Configuration conf) throws IOException {
        List<InputFile> files = new ArrayList<>();
        for (int i = 0; i < inputs.size(); i++) {
            IngestSettings.Input input = inputs.get(i);
            List<String> paths = find(input.path(), conf);
            if (paths.isEmpty()) {
                throw new IllegalArgumentException("Invalid data.inputs[" + i + "].path: " + input.path()
                        + " (expected a file, a folder with files or a glob that matches some)");
            }
            if (input.limit() > 0 && paths.size() > 1) {
                throw new IllegalArgumentException("Invalid data.inputs[" + i + "].limit: " + input.limit() + " for the "
                        + paths.size() + " files of " + input.path() + " (expected a limit on single files only)");
            }
            for (String path : paths) {
                files.add(new InputFile(files.size(), path, input.format(), input.limit()));
            }
        }
        return files;
    }

    private static List<String> find(String pattern, Configuration conf) throws IOException {
        Path path = new Path(pattern);
        FileSystem fs = path.getFileSystem(conf);
        // A name with a bracket in it is a file before it is a glob.
        FileStatus[] found = fs.exists(path) ? new FileStatus[] {fs.getFileStatus(path)} : glob(fs, path);
        if (found == null) {
            return List.of();
        }
        List<String> files = new ArrayList<>();
        Arrays.sort(found, Comparator.comparing(FileStatus::getPath));
        for (FileStatus status : found) {
            FileStatus[] inside = status.isDirectory() ? fs.listStatus(status.getPath()) : new FileStatus[] {status};
            Arrays.stream(inside)
                    .filter(FileStatus::isFile)
                    .filter(f -> !f.getPath().getName().startsWith("_") && !f.getPath().getName().startsWith("."))
                    .map(f -> f.getPath().toString())
                    .sorted()
                    .forEach(files::add);
        }
        return files;
    }

    /** Hadoop wraps what it thinks of a pattern, or does not, from version to version. */
    private static FileStatus[] glob(FileSystem fs, Path path) throws IOException {
        try {
            return fs.globStatus(path);
        } catch (IOException | RuntimeException e) {
            Throwable reason = e.getCause() == null ? e : e.getCause();
            if (e instanceof IOException && !(reason instanceof RuntimeException)) {
                throw e;
            }
            throw new IllegalArgumentException("Invalid glob: " + path + " (expected a pattern that is whole: "
                    + reason.getMessage() + ")", e);
        }
    }

    /** The file's records as rows of {@link RecordRow}, read as they are asked for. For a Spark task, which closes the file at its end. */
    Iterator<Row> read(Configuration conf) {
        Path path = new Path(this.path);
        try {
            if (ParquetRecords.isParquet(this.path)) {
                ParquetRecords records = ParquetRecords.open(path, conf, format);
                closeAtTheEnd(records::close);
                return new Rows(records);
            }
            ConversationReader records = ConversationReader.open(path.getFileSystem(conf).open(path), this.path, format);
            closeAtTheEnd(records::close);
            return new Rows(records);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + this.path, e);
        }
    }

    private static void closeAtTheEnd(Closeable reader) {
        TaskContext.get().addTaskCompletionListener(context -> {
            try {
                reader.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private final class Rows implements Iterator<Row> {

        private final Iterator<InputRecord> reader;
        private long index;

        Rows(Iterator<InputRecord> reader) {
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
