package dev.aerie.prepare;

import dev.aerie.errors.RefusalException;
import dev.aerie.text.ConversationReader;
import dev.aerie.text.RecordFormat;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** The files of conversations that an input names. */
public final class ConversationFiles {

    private ConversationFiles() {}

    /**
     * @param pattern a file, a folder or a glob on any Hadoop file system
     * @return the files in the order in which they are read, none where nothing matches; those whose names begin with _ or . are
     *     somebody's bookkeeping
     */
    public static List<String> find(String pattern, Configuration conf) throws IOException {
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
            throw new RefusalException("Invalid glob: " + path + " (expected a pattern that is whole: "
                    + reason.getMessage() + ")", e);
        }
    }

    /**
     * @param path of one file, whose ending tells Parquet from JSON
     * @throws IOException if the file cannot be read; what is damaged is a rejection
     */
    public static ConversationReader open(String path, Configuration conf, RecordFormat format) throws IOException {
        Path file = new Path(path);
        return ParquetRecords.isParquet(path)
                ? ParquetRecords.open(file, conf, format)
                : ConversationReader.open(file.getFileSystem(conf).open(file), path, format);
    }
}
