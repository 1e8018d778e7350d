package dev.aerie.files;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A folder on any Hadoop file system. Whatever is written here appears whole or not at all.
 *
 * <p>A call that writes and fails may have had its effect: the answer may be what was lost. So from the first call that could
 * have made a marker visible, nothing that it names may be deleted unless the marker, read back, names another;
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
        // The checksummed one leaves a hidden .crc file beside each of ours; what matters carries a SHA-256 already.
        FileSystem plain = fs instanceof LocalFileSystem local ? local.getRawFileSystem() : fs;
        return new Folder(plain, conf, fs.makeQualified(path));
    }

    /** With scheme and absolute, so that it means the same in every process. */
    public String uri() {
        return root.toString();
    }

    public Configuration conf() {
        return conf;
    }

    public Path path(String relative) {
        return new Path(root, relative);
    }

    /**
     * The bytes that fit on the folder's file system, each of them as often as it keeps one; {@code Long.MAX_VALUE} where it has
     * no end, as object stores.
     */
    public long freeBytes() throws IOException {
        Path there = root;
        while (!fs.exists(there) && there.getParent() != null) {
            there = there.getParent();
        }
        long free = fs.getStatus(there).getRemaining();
        // HDFS counts the bytes of its disks and writes each of ours to several.
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

    /** The files of a folder by name; none where there is no such folder. */
    public List<FileStatus> list(String relative) throws IOException {
        return entries(relative).stream().filter(FileStatus::isFile).toList();
    }

    /** Names of files and folders in a folder, sorted; none where there is no such folder. */
    public List<String> names(String relative) throws IOException {
        return entries(relative).stream().map(f -> f.getPath().getName()).toList();
    }

    private List<FileStatus> entries(String relative) throws IOException {
        try {
            return Arrays.stream(fs.listStatus(relative.isEmpty() ? root : path(relative)))
                    .sorted(Comparator.comparing((FileStatus f) -> f.getPath().getName()))
                    .toList();
        } catch (FileNotFoundException e) {
            return List.of();
        }
    }

    /**
     * The file on this machine's disk: itself where it lies there already, else a copy.
     *
     * @param folder for the copy; the caller deletes it
     * @throws DamagedFileException if it has not the bytes that were written
     */
    public java.nio.file.Path local(String relative, FileDigest expected, java.nio.file.Path folder) throws IOException {
        Optional<java.nio.file.Path> there = commits.onThisDisk(path(relative));
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

    // ---- writing ----

    /** Starts a file that nobody sees before it is committed. It replaces one of that name. */
    public NewFile create(String relative) throws IOException {
        return new NewFile(commits.stage(path(relative)));
    }

    /**
     * Writes or replaces a file at once: readers see the old content, or none, or the new one. If writing the content fails, the
     * old one stays.
     */
    public FileDigest write(String relative, FileContent content) throws IOException {
        try (NewFile out = create(relative)) {
            content.writeTo(out);
            return out.commit();
        }
    }

    /** As {@link #write(String, FileContent)}. */
    public FileDigest write(String relative, byte[] content) throws IOException {
        return write(relative, out -> out.write(content));
    }

    /**
     * Writes a file unless one of that name is there. However many try at once, one succeeds, and nobody sees a part of it. If
     * this throws, the file may be there or not.
     *
     * @return false if the file was there
     */
    public boolean createExclusive(String relative, byte[] content) throws IOException {
        return commits.createExclusive(path(relative), content);
    }

    /**
     * Writes a file unless one of that name is there, and tells which content stands: this one or another's, however the
     * writing ended. If this throws, nobody knows, and what the content names must stay.
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
        // Where the answer to our own call was lost, a retry inside the file system finds our file and says that it was there.
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
     * Tries whether a file that is there can be written exclusively once more, where that is the server's doing alone.
     *
     * @return true if it can: then two attempts at a commit would both be told that they have won
     */
    public boolean overwritesExclusive(String relative, byte[] content) throws IOException {
        return commits.overwritesExclusive(path(relative), content);
    }

    /**
     * Puts a folder into a place where nothing is.
     *
     * @throws org.apache.hadoop.fs.FileAlreadyExistsException if something is there
     */
    public void moveFolder(String from, String to) throws IOException {
        commits.moveFolder(path(from), path(to));
    }

    /** Deletes a file, or a folder with all that is in it; harmless where there is none. */
    public void delete(String relative) throws IOException {
        fs.delete(path(relative), true);
    }

    @Override
    public String toString() {
        return uri();
    }
}
