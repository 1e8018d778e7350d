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
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSDataOutputStreamBuilder;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;

/** A folder on any Hadoop file system. */
public final class Folder {

    private final FileSystem fs;
    private final Configuration conf;
    private final Path root;

    private Folder(FileSystem fs, Configuration conf, Path root) {
        this.fs = fs;
        this.conf = conf;
        this.root = root;
    }

    public static Folder at(String uri, Configuration conf) throws IOException {
        Path path = new Path(uri);
        FileSystem fs = path.getFileSystem(conf);
        // The checksummed one leaves a hidden .crc file beside each of ours; shards carry page checksums and a SHA-256 already.
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

    /** The bytes that fit on the folder's file system; {@code Long.MAX_VALUE} where it has no end, as object stores. */
    public long freeBytes() throws IOException {
        Path there = root;
        while (!fs.exists(there) && there.getParent() != null) {
            there = there.getParent();
        }
        long free = fs.getStatus(there).getRemaining();
        // HDFS counts the bytes of its disks and writes each of ours to several.
        return free == Long.MAX_VALUE ? free : free / Math.max(1, fs.getDefaultReplication(root));
    }

    public FSDataOutputStream create(String relative) throws IOException {
        return fs.create(path(relative), false);
    }

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

    /** The files of a folder by name; none where there is no such folder. */
    public List<FileStatus> list(String relative) throws IOException {
        try {
            return Arrays.stream(fs.listStatus(path(relative)))
                    .filter(FileStatus::isFile)
                    .sorted(Comparator.comparing((FileStatus f) -> f.getPath().getName()))
                    .toList();
        } catch (FileNotFoundException e) {
            return List.of();
        }
    }

    public FileStatus status(String relative) throws IOException {
        return fs.getFileStatus(path(relative));
    }

    /** Deletes a file; harmless where there is none. */
    public void delete(String relative) throws IOException {
        fs.delete(path(relative), false);
    }

    /**
     * Writes a file unless one of that name is there. However many try at once, one succeeds, and nobody sees a part of it.
     *
     * @return false if the file was there
     */
    public boolean createExclusive(String relative, byte[] content) throws IOException {
        Path target = path(relative);
        return switch (fs.getUri().getScheme()) {
            case "file" -> linkExclusive(target, content);
            case "hdfs", "viewfs" -> renameExclusive(target, content);
            case "s3a" -> putExclusive(target, content);
            // Object stores show an object when its stream closes, so that its content is whole.
            default -> write(fs.createFile(target).overwrite(false), content);
        };
    }

    /** Hadoop's own create on a local disk checks and then acts; a hard link does both at once. */
    private boolean linkExclusive(Path target, byte[] content) throws IOException {
        java.nio.file.Path to = ((RawLocalFileSystem) fs).pathToFile(target).toPath();
        java.nio.file.Path from = to.resolveSibling(temporaryName(target));
        java.nio.file.Files.createDirectories(to.getParent());
        java.nio.file.Files.write(from, content, java.nio.file.StandardOpenOption.CREATE_NEW);
        try {
            java.nio.file.Files.createLink(to, from);
            return true;
        } catch (java.nio.file.FileAlreadyExistsException e) {
            return false;
        } catch (UnsupportedOperationException e) {
            throw new IOException("The file system of " + to + " has no hard links, which committing a shard needs", e);
        } finally {
            java.nio.file.Files.deleteIfExists(from);
        }
    }

    /** create(overwrite = false) is exclusive too, but shows an empty file that stays if its writer dies before closing it. */
    private boolean renameExclusive(Path target, byte[] content) throws IOException {
        Path from = new Path(target.getParent(), temporaryName(target));
        write(fs.createFile(from).overwrite(false), content);
        try {
            FileContext.getFileContext(fs.getUri(), conf).rename(from, target, Options.Rename.NONE);
            return true;
        } catch (FileAlreadyExistsException e) {
            return false;
        } finally {
            fs.delete(from, false);
        }
    }

    /** A PUT with If-None-Match: *. Mostly the file has been there for long, and S3A logs pages about a condition that failed. */
    private boolean putExclusive(Path target, byte[] content) throws IOException {
        return !fs.exists(target) && put(target, content);
    }

    private boolean put(Path target, byte[] content) throws IOException {
        FSDataOutputStreamBuilder<?, ?> builder = fs.createFile(target).overwrite(true);
        builder.must("fs.option.create.conditional.overwrite", true);
        return write(builder, content);
    }

    /**
     * Tries whether a file that is there can be written exclusively once more, where that is the server's doing alone.
     *
     * @return true if it can: then two attempts at a commit would both be told that they have won
     */
    public boolean overwritesExclusive(String relative, byte[] content) throws IOException {
        return fs.getUri().getScheme().equals("s3a") && put(path(relative), content);
    }

    private static boolean write(FSDataOutputStreamBuilder<?, ?> builder, byte[] content) throws IOException {
        try (FSDataOutputStream out = (FSDataOutputStream) builder.recursive().build()) {
            out.write(content);
        } catch (FileAlreadyExistsException e) {
            return false;
        } catch (IOException e) {
            // S3A's answer to a failed condition; the class is in hadoop-aws, which a store on another file system does without.
            if (e.getClass().getSimpleName().equals("RemoteFileChangedException")) {
                return false;
            }
            throw e;
        }
        return true;
    }

    private static String temporaryName(Path target) {
        return "." + target.getName() + "." + UUID.randomUUID();
    }
}
