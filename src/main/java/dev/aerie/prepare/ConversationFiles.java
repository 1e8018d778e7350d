package dev.aerie.prepare;

import dev.aerie.errors.RefusalException;
import dev.aerie.files.FileKind;
import dev.aerie.files.Scheme;
import dev.aerie.text.ConversationReader;
import dev.aerie.text.RecordFormat;
import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.AccessDeniedException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.GlobExpander;
import org.apache.hadoop.fs.GlobPattern;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.security.AccessControlException;

/** The files of conversations that an input names. */
public final class ConversationFiles {

    /** A deeper folder is taken for a link to one of its parents. */
    private static final int MAX_DEPTH = 32;

    private ConversationFiles() {}

    /**
     * The files of an input.
     *
     * @param files in the order in which they are read: by their whole path
     * @param passedOver files and folders that are skipped because their names begin with _ or ., each folder once
     */
    public record Found(List<String> files, List<String> passedOver) {}

    /** Returns the files alone, see {@link #search}. */
    public static List<String> find(String pattern, Configuration conf) throws IOException {
        return search(pattern, conf).files();
    }

    /**
     * @param pattern a file, a folder, read to any depth, or a glob, on any Hadoop file system. A path that is named explicitly
     *     is read whatever its name
     * @return no files where nothing matches
     * @throws RefusalException naming a file that is listed but cannot be reached, such as a dangling link
     */
    public static Found search(String pattern, Configuration conf) throws IOException {
        Path path = path(pattern);
        FileSystem fs = fileSystem(path, conf);
        Found found = new Found(new ArrayList<>(), new ArrayList<>());
        // A name with a bracket may be a file instead of a glob.
        if (fs.exists(path)) {
            add(fs, fs.getFileStatus(path), found, 0);
        } else {
            FileStatus[] matching = glob(fs, path);
            for (FileStatus status : matching == null ? new FileStatus[0] : matching) {
                if (isBookkeeping(status.getPath().getName())) {
                    found.passedOver().add(status.getPath().toString());
                } else {
                    add(fs, status, found, 0);
                }
            }
        }
        found.files().sort(Comparator.naturalOrder());
        found.passedOver().sort(Comparator.naturalOrder());
        return found;
    }

    private static void add(FileSystem fs, FileStatus status, Found found, int depth) throws IOException {
        if (!status.isDirectory()) {
            found.files().add(status.getPath().toString());
            return;
        }
        if (depth == MAX_DEPTH) {
            throw new RefusalException("Invalid folder: " + status.getPath() + " (expected at most " + MAX_DEPTH
                    + " folders inside each other; a link may lead back to one above)");
        }
        for (FileStatus inside : list(fs, status.getPath())) {
            if (isBookkeeping(inside.getPath().getName())) {
                found.passedOver().add(inside.getPath().toString());
            } else {
                add(fs, inside, found, depth + 1);
            }
        }
    }

    private static FileStatus[] list(FileSystem fs, Path folder) throws IOException {
        FileStatus[] listed;
        try {
            listed = fs.listStatus(folder);
        } catch (AccessDeniedException | AccessControlException e) {
            throw new RefusalException("Invalid folder: " + folder + " (expected one that may be listed)", e);
        }
        if (Scheme.of(fs.getUri()) != Scheme.LOCAL) {
            return listed;
        }
        // Hadoop omits files that it cannot reach, such as dangling links and names in another encoding.
        Set<String> reached = new HashSet<>();
        Arrays.stream(listed).forEach(s -> reached.add(s.getPath().getName()));
        String[] names = new File(folder.toUri().getPath()).list();
        if (names == null) {
            throw new RefusalException("Invalid folder: " + folder + " (expected one that may be listed)");
        }
        for (String name : names) {
            if (!reached.contains(name) && !isBookkeeping(name)) {
                throw new RefusalException("Invalid file: " + folder + "/" + name
                        + " (expected one that can be reached: it is listed, and a link that leads nowhere or a name in no "
                                + "UTF-8)");
            }
        }
        return listed;
    }

    /** Like Spark: a column of a partitioned table may begin with an underscore. */
    private static boolean isBookkeeping(String name) {
        return name.startsWith(".") || name.startsWith("_") && !name.contains("=");
    }

    /** Parses a path; a local name may have a colon, and the part before it is not a scheme. */
    private static Path path(String pattern) {
        int colon = pattern.indexOf(':');
        boolean scheme = colon > 0 && pattern.startsWith("/", colon + 1);
        return colon < 0 || scheme || pattern.startsWith("/") ? new Path(pattern)
                : new Path(new Path(new File("").getAbsoluteFile().toURI()), new Path(null, null, pattern));
    }

    /**
     * Returns the file system; for local files the one without checksums, because the other does not accept a colon in a name.
     */
    private static FileSystem fileSystem(Path path, Configuration conf) throws IOException {
        FileSystem fs = path.getFileSystem(conf);
        return fs instanceof LocalFileSystem local ? local.getRawFileSystem() : fs;
    }

    /** Evaluates a glob; whether Hadoop wraps the exception for a bad pattern depends on its version. */
    private static FileStatus[] glob(FileSystem fs, Path path) throws IOException {
        try {
            return fs.globStatus(path);
        } catch (IOException | RuntimeException e) {
            Throwable reason = e.getCause() == null ? e : e.getCause();
            if (reason instanceof URISyntaxException) {
                return globWithColons(fs, path);
            }
            if (e instanceof IOException && !(reason instanceof RuntimeException)) {
                throw e;
            }
            throw new RefusalException("Invalid glob: " + path + " (expected a pattern that is whole: "
                    + reason.getMessage() + ")", e);
        }
    }

    /** Evaluates a glob in folders whose names may have colons; Hadoop's own glob takes the part before a colon for a scheme. */
    private static FileStatus[] globWithColons(FileSystem fs, Path path) throws IOException {
        Set<FileStatus> matching = new TreeSet<>(Comparator.comparing(FileStatus::getPath));
        for (String pattern : GlobExpander.expand(path.toUri().getPath())) {
            List<FileStatus> places = List.of(fs.getFileStatus(new Path(path, "/")));
            for (String component : pattern.split("/+")) {
                if (component.isEmpty()) {
                    continue;
                }
                GlobPattern names = new GlobPattern(component);
                List<FileStatus> inside = new ArrayList<>();
                for (FileStatus place : places) {
                    for (FileStatus status : place.isDirectory() ? fs.listStatus(place.getPath()) : new FileStatus[0]) {
                        if (names.matches(status.getPath().getName())) {
                            inside.add(status);
                        }
                    }
                }
                places = inside;
            }
            matching.addAll(places);
        }
        return matching.toArray(FileStatus[]::new);
    }

    /**
     * @param path of one file; what it holds tells Parquet from JSON
     * @throws RefusalException if it cannot be opened, or its kind is not supported
     * @throws IOException if the file cannot be read; a damaged file is a rejection
     */
    public static ConversationReader open(String path, Configuration conf, RecordFormat format) throws IOException {
        Path file = new Path(path);
        FileSystem fs = fileSystem(file, conf);
        FileKind kind = kind(fs, file);
        if (kind == FileKind.PARQUET) {
            return ParquetRecords.open(fs, file, conf, format);
        }
        return ConversationReader.open(opened(fs, file), path, fs.getFileStatus(file).getLen(), format);
    }

    /**
     * Checks a file by its first bytes and, for Parquet, its footer.
     *
     * @throws RefusalException if it cannot be opened, or its kind is not supported
     */
    static void require(String path, Configuration conf) throws IOException {
        Path file = new Path(path);
        FileSystem fs = fileSystem(file, conf);
        if (kind(fs, file) == FileKind.PARQUET) {
            ParquetRecords.requireCodecs(fs, file, conf);
        }
    }

    private static FileKind kind(FileSystem fs, Path file) throws IOException {
        FileKind kind;
        try (FSDataInputStream in = opened(fs, file)) {
            kind = FileKind.of(FileKind.head(in));
        } catch (IOException e) {
            throw new IOException("cannot read " + file + ": " + e.getMessage(), e);
        }
        boolean readable = kind == FileKind.TEXT || kind == FileKind.PARQUET || kind.isCompression();
        // A Parquet file that lost its beginning is damaged, whatever it begins with now.
        boolean parquetByName = file.getName().toLowerCase(Locale.ROOT).endsWith(".parquet");
        if (parquetByName && (kind == FileKind.BINARY || kind == FileKind.TEXT && fs.getFileStatus(file).getLen() == 0)) {
            return FileKind.PARQUET;
        }
        if (!readable) {
            throw new RefusalException("Invalid input: " + file + " is " + kind.description()
                    + " (expected JSON Lines or a JSON array in UTF-8, plain or in .gz, .bz2 or .zst, or a Parquet file)");
        }
        return kind;
    }

    private static FSDataInputStream opened(FileSystem fs, Path file) throws IOException {
        try {
            return fs.open(file);
        } catch (FileNotFoundException | AccessDeniedException | AccessControlException e) {
            // Java throws the same exception for denied permission as for a missing file.
            throw new RefusalException("Invalid file: " + file + " (expected one that can be opened: "
                    + (fs.exists(file) ? "permission is denied" : "it is listed and not there") + ")", e);
        }
    }
}
