package dev.aerie.files;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A folder on any Hadoop file system. Files are written completely or not at all.
 *
 * <p>A write that fails may have had its effect, because only the response may have been lost. So from the first call that could
 * have made a marker visible, nothing that the marker names may be deleted unless the marker, read back, names something else;
 * {@link #createOrRead} reads it back.
 */
public final class Folder {

    private final FileSystem fs;
    private final Configuration conf;
    private final Path root;
    private final CommitPrimitive commits;

    private Folder(FileSystem fs, Configuration conf, Path root) {
        this.fs = fs;
        this.conf = conf;
        this.root = root;
        this.commits = CommitPrimitive.of(fs, conf);
    }

    public static Folder at(String uri, Configuration conf) throws IOException {
        Path path = new Path(uri);
        FileSystem fs = path.getFileSystem(conf);
        // The checksummed one leaves a hidden .crc file beside each file; important files have a SHA-256 already.
        FileSystem plain = fs instanceof LocalFileSystem local ? local.getRawFileSystem() : fs;
        return new Folder(plain, conf, fs.makeQualified(path));
    }

    /** Returns the folder as an absolute URI, which means the same in every process. */
    public String uri() {
        return root.toString();
    }

    public Configuration conf() {
        return conf;
    }

    /** @param relative empty for the folder itself */
    public Path path(String relative) {
        return relative.isEmpty() ? root : new Path(root, relative);
    }

    /**
     * Returns the file system's free bytes divided by its replication; {@code Long.MAX_VALUE} if it has no limit, like object
     * stores.
     */
    public long freeBytes() throws IOException {
        Path there = root;
        while (!fs.exists(there) && there.getParent() != null) {
            there = there.getParent();
        }
        long free = fs.getStatus(there).getRemaining();
        // HDFS reports the bytes of its disks and writes each byte of a file to several.
        return free == Long.MAX_VALUE ? free : free / Math.max(1, fs.getDefaultReplication(root));
    }

    // ---- reading ----

    public FSDataInputStream open(String relative) throws IOException {
        return fs.open(path(relative));
    }

    public Optional<byte[]> read(String relative) throws IOException {
        try (FSDataInputStream in = open(relative)) {
            return Optional.of(in.readAllBytes());
        } catch (FileNotFoundException e) {
            return Optional.empty();
        }
    }

    public boolean exists(String relative) throws IOException {
        return fs.exists(path(relative));
    }

    public FileStatus status(String relative) throws IOException {
        return fs.getFileStatus(path(relative));
    }

    /** Returns the files of a folder by name; empty if there is no such folder. */
    public List<FileStatus> list(String relative) throws IOException {
        return entries(relative).stream().filter(FileStatus::isFile).toList();
    }

    /** Returns the names of files and folders in a folder, sorted; empty if there is no such folder. */
    public List<String> names(String relative) throws IOException {
        return entries(relative).stream().map(f -> f.getPath().getName()).toList();
    }

    private List<FileStatus> entries(String relative) throws IOException {
        try {
            return Arrays.stream(fs.listStatus(path(relative)))
                    .sorted(Comparator.comparing((FileStatus f) -> f.getPath().getName()))
                    .toList();
        } catch (FileNotFoundException e) {
            return List.of();
        }
    }

    /**
     * Returns the file on this machine's disk: itself if it is there already, else a copy.
     *
     * @param folder for the copy; the caller deletes it
     * @throws DamagedFileException if the bytes differ from those written
     */
    public java.nio.file.Path local(String relative, FileDigest expected, java.nio.file.Path folder) throws IOException {
        Optional<java.nio.file.Path> there = onThisDisk(relative);
        java.nio.file.Path local = there.orElse(folder.resolve(new Path(relative).getName()));
        if (there.isEmpty()) {
            fs.copyToLocalFile(false, path(relative), new Path(local.toUri()), true);
        }
        String found = Sha256.of(local);
        if (!found.equals(expected.sha256())) {
            throw new DamagedFileException(
                    "Damaged file " + path(relative) + ": SHA-256 " + found + " (expected " + expected.sha256() + ")");
        }
        return local;
    }

    /** Returns the file's path on this machine's disk; empty on other file systems. */
    public Optional<java.nio.file.Path> onThisDisk(String relative) {
        return commits.onThisDisk(path(relative));
    }

    // ---- writing ----

    /**
     * Makes the folder, and a file in it that is deleted again.
     *
     * @throws IOException if the folder cannot be made or written to
     */
    public void requireWritable() throws IOException {
        Path probe = path("_writable-" + UUID.randomUUID());
        if (!fs.mkdirs(root)) {
            throw new FileNotFoundException("it cannot be made");
        }
        fs.create(probe, false).close();
        fs.delete(probe, false);
    }

    /** Starts a file that is not visible before it is committed. It replaces one of that name. */
    public NewFile create(String relative) throws IOException {
        return new NewFile(commits.stage(path(relative)));
    }

    /**
     * Writes or replaces a file atomically: readers see the old content (or no file) or the new one. If writing the content
     * fails, the old one stays.
     */
    public FileDigest write(String relative, FileContent content) throws IOException {
        try (NewFile out = create(relative)) {
            content.writeTo(out);
            return out.commit();
        }
    }

    /** Writes or replaces a file like {@link #write(String, FileContent)}. */
    public FileDigest write(String relative, byte[] content) throws IOException {
        return write(relative, out -> out.write(content));
    }

    /**
     * Creates a file unless one of that name exists. Of concurrent calls, one succeeds, and no reader sees a part of the file. If
     * this throws, the file may or may not exist.
     *
     * @return false if the file existed
     */
    public boolean createExclusive(String relative, FileContent content) throws IOException {
        return commits.createExclusive(path(relative), content);
    }

    /** As {@link #createExclusive(String, FileContent)}. */
    public boolean createExclusive(String relative, byte[] content) throws IOException {
        return createExclusive(relative, out -> out.write(content));
    }

    /**
     * Creates a file unless one of that name exists, and returns the content that the file then has, this one or another's,
     * however the write ended. If this throws, the content is unknown, and everything that it names must be kept.
     */
    public byte[] createOrRead(String relative, byte[] content) throws IOException {
        IOException failure = null;
        try {
            if (createExclusive(relative, content)) {
                return content;
            }
        } catch (IOException e) {
            failure = e;
        }
        // If the response to our own call was lost, a retry inside the file system finds our file and reports that it existed.
        try {
            Optional<byte[]> standing = read(relative);
            if (standing.isPresent()) {
                return standing.get();
            }
        } catch (IOException e) {
            if (failure == null) {
                throw e;
            }
            failure.addSuppressed(e);
        }
        throw failure != null ? failure : new FileNotFoundException(path(relative) + " was there and is gone");
    }

    /**
     * Tests whether an existing file can be created exclusively again, if only the server decides this.
     *
     * @return true if it can: two attempts at a commit would then both believe that they have won
     */
    public boolean overwritesExclusive(String relative, byte[] content) throws IOException {
        return commits.overwritesExclusive(path(relative), content);
    }

    /**
     * Moves a folder to a path at which nothing exists.
     *
     * @throws org.apache.hadoop.fs.FileAlreadyExistsException if something exists there
     */
    public void moveFolder(String from, String to) throws IOException {
        commits.moveFolder(path(from), path(to));
    }

    /** Deletes a file, or a folder with its content; does nothing if there is none. */
    public void delete(String relative) throws IOException {
        fs.delete(path(relative), true);
    }

    @Override
    public String toString() {
        return uri();
    }
}
