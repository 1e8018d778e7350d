package dev.aerie.host;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.BufferedFSInputStream;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSInputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;

/**
 * The local disk as another file system, {@code counted:///folder}: what any process opens in a folder is noted in the file
 * {@code folder.opened}. With {@link #DELAY} in the configuration every read of a KiB takes so many milliseconds.
 */
public final class CountedFileSystem extends RawLocalFileSystem {

    static final String DELAY = "counted.delay";

    /** Registers the scheme. */
    public static Configuration register(Configuration conf) {
        conf.set("fs.counted.impl", CountedFileSystem.class.getName());
        conf.setBoolean("fs.counted.impl.disable.cache", true);
        return conf;
    }

    public static String uri(java.nio.file.Path folder) {
        return "counted://" + folder.toAbsolutePath();
    }

    /** Names of the files that were opened, in this order. */
    public static List<String> opened(java.nio.file.Path folder) {
        java.nio.file.Path log = log(folder);
        try {
            return Files.exists(log) ? Files.readAllLines(log) : List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static java.nio.file.Path log(java.nio.file.Path folder) {
        return folder.resolveSibling(folder.getFileName() + ".opened");
    }

    @Override
    public URI getUri() {
        return URI.create("counted:///");
    }

    @Override
    public String getScheme() {
        return "counted";
    }

    @Override
    public FSDataInputStream open(Path file, int bufferSize) throws IOException {
        java.nio.file.Path local = pathToFile(file).toPath();
        Files.writeString(log(local.getParent()), local.getFileName() + "\n",
                StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        FSDataInputStream in = super.open(file, bufferSize);
        int delay = getConf().getInt(DELAY, 0);
        return delay == 0 ? in : new FSDataInputStream(new BufferedFSInputStream(new Slow(in, delay), 1024));
    }

    private static final class Slow extends FSInputStream {

        private final FSDataInputStream in;
        private final int delay;

        Slow(FSDataInputStream in, int delay) {
            this.in = in;
            this.delay = delay;
        }

        @Override
        public int read() throws IOException {
            return in.read();
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            try {
                Thread.sleep(delay);
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            return in.read(buffer, offset, Math.min(length, 1024));
        }

        @Override
        public void seek(long position) throws IOException {
            in.seek(position);
        }

        @Override
        public long getPos() throws IOException {
            return in.getPos();
        }

        @Override
        public boolean seekToNewSource(long position) {
            return false;
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}
