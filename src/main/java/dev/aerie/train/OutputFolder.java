package dev.aerie.train;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;

/** The folder that a training writes to, on any Hadoop file system. */
final class OutputFolder {

    private final FileSystem fs;
    private final Path root;

    private OutputFolder(FileSystem fs, Path root) {
        this.fs = fs;
        this.root = root;
    }

    static OutputFolder at(String uri, Configuration conf) throws IOException {
        Path path = new Path(uri);
        FileSystem fs = path.getFileSystem(conf);
        // The checksummed one leaves a hidden .crc file beside each of ours; checkpoints carry a SHA-256.
        FileSystem plain = fs instanceof LocalFileSystem local ? local.getRawFileSystem() : fs;
        return new OutputFolder(plain, fs.makeQualified(path));
    }

    Path path(String relative) {
        return new Path(root, relative);
    }

    /** What was written, to tell a damaged file by. */
    record Written(long bytes, String sha256) {}

    interface Content {
        void writeTo(OutputStream out) throws IOException;
    }

    /** Writes a new file; who may read it is told of it by a marker. */
    Written write(String relative, Content content) throws IOException {
        MessageDigest digest = sha256();
        try (DigestOutputStream out = new DigestOutputStream(fs.create(path(relative), true), digest)) {
            content.writeTo(out);
        }
        return new Written(fs.getFileStatus(path(relative)).getLen(), HexFormat.of().formatHex(digest.digest()));
    }

    /** Writes or replaces a file at once: readers see the old content or the new one. */
    void replace(String relative, Content content) throws IOException {
        Path target = path(relative);
        Path temporary = new Path(target.getParent(), "." + target.getName() + "." + UUID.randomUUID());
        switch (fs.getUri().getScheme()) {
            case "file" -> {
                RawLocalFileSystem local = (RawLocalFileSystem) fs;
                try {
                    writeNew(temporary, content);
                    Files.move(local.pathToFile(temporary).toPath(), local.pathToFile(target).toPath(),
                            StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                } finally {
                    // A full disk is not to be fuller for it.
                    fs.delete(temporary, false);
                }
            }
            case "hdfs", "viewfs" -> {
                writeNew(temporary, content);
                FileContext.getFileContext(fs.getUri(), fs.getConf()).rename(temporary, target, Options.Rename.OVERWRITE);
            }
            // Object stores show an object when its stream closes.
            default -> write(relative, content);
        }
    }

    private void writeNew(Path path, Content content) throws IOException {
        try (OutputStream out = fs.create(path, false)) {
            content.writeTo(out);
        }
    }

    Optional<byte[]> read(String relative) throws IOException {
        try (var in = fs.open(path(relative))) {
            return Optional.of(in.readAllBytes());
        } catch (FileNotFoundException e) {
            return Optional.empty();
        }
    }

    InputStream open(String relative) throws IOException {
        return fs.open(path(relative));
    }

    boolean exists(String relative) throws IOException {
        return fs.exists(path(relative));
    }

    /** Names in a folder, sorted; none where there is no such folder. */
    List<String> list(String relative) throws IOException {
        try {
            return Arrays.stream(fs.listStatus(path(relative))).map(FileStatus::getPath).map(Path::getName).sorted().toList();
        } catch (FileNotFoundException e) {
            return List.of();
        }
    }

    void delete(String relative) throws IOException {
        fs.delete(path(relative), true);
    }

    /**
     * The file on this machine's disk: itself where it lies there already, else a copy in a folder of the caller's.
     *
     * @throws InvalidCheckpointException if it has not the bytes that were written
     */
    java.nio.file.Path local(String relative, Written expected, java.nio.file.Path folder) throws IOException {
        java.nio.file.Path local;
        if (fs instanceof RawLocalFileSystem raw) {
            local = raw.pathToFile(path(relative)).toPath();
        } else {
            local = folder.resolve(new Path(relative).getName());
            fs.copyToLocalFile(false, path(relative), new Path(local.toUri()), true);
        }
        MessageDigest digest = sha256();
        try (var in = Files.newInputStream(local)) {
            byte[] buffer = new byte[1 << 16];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
            }
        }
        String found = HexFormat.of().formatHex(digest.digest());
        if (!found.equals(expected.sha256())) {
            // No IOException: reading it again would not help.
            throw new InvalidCheckpointException(
                    "Damaged file " + path(relative) + ": SHA-256 " + found + " (expected " + expected.sha256() + ")");
        }
        return local;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("SHA-256 is missing from this Java", e);
        }
    }

    @Override
    public String toString() {
        return root.toString();
    }
}
