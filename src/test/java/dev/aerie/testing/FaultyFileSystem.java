package dev.aerie.testing;

import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Abortable;
import org.apache.hadoop.fs.DelegateToFileSystem;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSDataOutputStreamBuilder;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.StreamCapabilities;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * The local disk under the name of any scheme, one chosen call of which fails: before it has an effect, after it had its effect,
 * or, for a write, with half of it done. Under s3a and objects it behaves as an object store: an object appears when its stream
 * is closed, with whatever was written.
 */
public class FaultyFileSystem extends RawLocalFileSystem {

    private static final int BLOCK = 4096;

    public enum When { BEFORE, AFTER, MIDWAY }

    /** Which call fails, counted from 1; 0 for none. Calls are counted over all instances. */
    private static int failing;

    private static When when = When.BEFORE;
    private static int calls;
    private URI uri;

    /** Lets a call fail, and all count anew. */
    public static synchronized void fail(int call, When how) {
        failing = call;
        when = how;
        calls = 0;
    }

    /** Calls since {@link #fail}. */
    public static synchronized int calls() {
        return calls;
    }

    /** A configuration in which a scheme is served by this. */
    public static Configuration serving(String scheme) {
        Configuration conf = new Configuration();
        conf.set("fs." + scheme + ".impl", FaultyFileSystem.class.getName());
        conf.setBoolean("fs." + scheme + ".impl.disable.cache", true);
        conf.set("fs.AbstractFileSystem." + scheme + ".impl", Context.class.getName());
        return conf;
    }

    /** The same for {@link org.apache.hadoop.fs.FileContext}. */
    public static final class Context extends DelegateToFileSystem {

        public Context(URI uri, Configuration conf) throws IOException, java.net.URISyntaxException {
            super(uri, new FaultyFileSystem(), conf, uri.getScheme(), false);
        }

        /** At once, as HDFS does it; the inherited one deletes first. */
        @Override
        public void renameInternal(Path from, Path to, boolean overwrite) throws IOException {
            ((FaultyFileSystem) fsImpl).rename(from, to, overwrite ? Options.Rename.OVERWRITE : Options.Rename.NONE);
        }
    }

    @Override
    public void initialize(URI name, Configuration conf) throws IOException {
        super.initialize(name, conf);
        uri = URI.create(name.getScheme() + ":///");
    }

    @Override
    public URI getUri() {
        return uri == null ? super.getUri() : uri;
    }

    @Override
    protected void checkPath(Path path) {}

    private boolean isObjectStore() {
        return uri.getScheme().equals("s3a") || uri.getScheme().equals("objects");
    }

    private interface Call<T> {
        T run() throws IOException;
    }

    private static <T> T counted(Call<T> call) throws IOException {
        When fault = next();
        if (fault == When.BEFORE || fault == When.MIDWAY) {
            throw new IOException("injected before");
        }
        T result = call.run();
        if (fault == When.AFTER) {
            throw new IOException("injected after");
        }
        return result;
    }

    private static synchronized When next() {
        return ++calls == failing ? when : null;
    }

    @Override
    public FSDataInputStream open(Path path, int buffer) throws IOException {
        return counted(() -> super.open(path, buffer));
    }

    @Override
    public FileStatus getFileStatus(Path path) throws IOException {
        return counted(() -> super.getFileStatus(path));
    }

    @Override
    public boolean delete(Path path, boolean recursive) throws IOException {
        return counted(() -> super.delete(path, recursive));
    }

    @Override
    public boolean rename(Path from, Path to) throws IOException {
        return counted(() -> super.rename(from, to));
    }

    @Override
    @SuppressWarnings("deprecation")
    public void rename(Path from, Path to, Options.Rename... options) throws IOException {
        boolean over = java.util.List.of(options).contains(Options.Rename.OVERWRITE);
        counted(() -> {
            java.nio.file.Path target = pathToFile(to).toPath();
            if (!over && java.nio.file.Files.exists(target)) {
                throw new FileAlreadyExistsException(to.toString());
            }
            return java.nio.file.Files.move(pathToFile(from).toPath(), target,
                    java.nio.file.StandardCopyOption.ATOMIC_MOVE, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        });
    }

    @Override
    public FSDataOutputStream create(Path path, boolean overwrite, int buffer, short replication, long block,
            Progressable progress) throws IOException {
        return isObjectStore()
                ? counted(() -> object(path, !overwrite))
                : counted(() -> shown(path, overwrite));
    }

    /** Not by Hadoop's own create, which starts a process for the permissions of each file. */
    private FSDataOutputStream shown(Path path, boolean overwrite) throws IOException {
        java.nio.file.Path file = pathToFile(path).toPath();
        java.nio.file.Files.createDirectories(file.getParent());
        try {
            OutputStream out = overwrite
                    ? java.nio.file.Files.newOutputStream(file)
                    : java.nio.file.Files.newOutputStream(file, java.nio.file.StandardOpenOption.CREATE_NEW,
                            java.nio.file.StandardOpenOption.WRITE);
            return new FSDataOutputStream(new FaultyStream(out), null);
        } catch (java.nio.file.FileAlreadyExistsException e) {
            throw new FileAlreadyExistsException(path.toString());
        }
    }

    @Override
    public FSDataOutputStream create(Path path, FsPermission permission, boolean overwrite, int buffer, short replication,
            long block, Progressable progress) throws IOException {
        return create(path, overwrite, buffer, replication, block, progress);
    }

    private FSDataOutputStream object(Path path, boolean exclusive) throws IOException {
        return new FSDataOutputStream(new ObjectStream(path, exclusive), null);
    }

    @Override
    public Builder createFile(Path path) {
        return new Builder(this, path);
    }

    public static final class Builder extends FSDataOutputStreamBuilder<FSDataOutputStream, Builder> {

        private final FaultyFileSystem files;

        Builder(FaultyFileSystem files, Path path) {
            super(files, path);
            this.files = files;
        }

        @Override
        public Builder getThisBuilder() {
            return this;
        }

        @Override
        public FSDataOutputStream build() throws IOException {
            boolean conditional = getOptions().getBoolean("fs.option.create.conditional.overwrite", false);
            boolean overwrite = getFlags().contains(org.apache.hadoop.fs.CreateFlag.OVERWRITE) && !conditional;
            return files.create(getPath(), overwrite, 4096, (short) 1, 1L << 20, null);
        }
    }

    /** Only the writes that begin a block count: Parquet writes a footer byte by byte. */
    private static void write(OutputStream out, long at, byte[] b, int offset, int length) throws IOException {
        boolean begins = at == 0 || at / BLOCK != (at + length) / BLOCK;
        When fault = begins ? next() : null;
        if (fault == When.BEFORE) {
            throw new IOException("injected before");
        }
        out.write(b, offset, fault == When.MIDWAY ? length / 2 : length);
        if (fault != null) {
            throw new IOException("injected in writing");
        }
    }

    private static final class FaultyStream extends FilterOutputStream {

        private long written;
        private boolean closed;

        FaultyStream(OutputStream out) {
            super(out);
        }

        @Override
        public void write(byte[] b, int offset, int length) throws IOException {
            FaultyFileSystem.write(out, written, b, offset, length);
            written += length;
        }

        @Override
        public void close() throws IOException {
            if (!closed) {
                closed = true;
                counted(() -> {
                    out.close();
                    return null;
                });
            }
        }
    }

    private final class ObjectStream extends OutputStream implements Abortable, StreamCapabilities {

        private final ByteArrayOutputStream content = new ByteArrayOutputStream();
        private final Path path;
        private final boolean exclusive;
        private boolean closed;

        ObjectStream(Path path, boolean exclusive) {
            this.path = path;
            this.exclusive = exclusive;
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] b, int offset, int length) throws IOException {
            FaultyFileSystem.write(content, content.size(), b, offset, length);
        }

        @Override
        public void close() throws IOException {
            if (closed) {
                return;
            }
            closed = true;
            counted(() -> {
                java.nio.file.Path to = pathToFile(path).toPath();
                java.nio.file.Files.createDirectories(to.getParent());
                if (exclusive && java.nio.file.Files.exists(to)) {
                    throw new FileAlreadyExistsException(path.toString());
                }
                return java.nio.file.Files.write(to, content.toByteArray());
            });
        }

        @Override
        public boolean hasCapability(String capability) {
            return capability.equals("fs.capability.outputstream.abortable");
        }

        @Override
        public AbortableResult abort() {
            closed = true;
            return new AbortableResult() {
                @Override
                public boolean alreadyClosed() {
                    return false;
                }

                @Override
                public IOException anyCleanupException() {
                    return null;
                }
            };
        }
    }
}
