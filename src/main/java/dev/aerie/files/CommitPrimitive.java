package dev.aerie.files;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Optional;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSDataOutputStreamBuilder;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;

/**
 * Makes a complete file visible in one step. This is the only class that chooses by {@link Scheme} how to write.
 *
 * <p>If a file is visible from its creation (a local disk, HDFS), it is written under another name first. An object store shows
 * an object when its stream is closed, so there it is written under its final name, and a stream that failed is aborted instead
 * of closed.
 */
abstract sealed class CommitPrimitive {

    /** A file being written: its stream, and the call that makes it visible. */
    abstract static class Staged {

        private final FSDataOutputStream out;

        private Staged(FSDataOutputStream out) {
            this.out = out;
        }

        final FSDataOutputStream out() {
            return out;
        }

        abstract void publish() throws IOException;

        abstract void abort() throws IOException;
    }

    private static final String ABORTABLE = "fs.capability.outputstream.abortable";

    final FileSystem fs;

    private CommitPrimitive(FileSystem fs) {
        this.fs = fs;
    }

    static CommitPrimitive of(FileSystem fs, Configuration conf) {
        return switch (Scheme.of(fs.getUri())) {
            case LOCAL -> new Link(fs);
            case HDFS -> new Rename(fs, conf);
            case S3A -> new ConditionalPut(fs);
            case OTHER -> new Probed(fs);
        };
    }

    /** Starts a file that, once published, replaces one of the same name. */
    abstract Staged stage(Path target) throws IOException;

    /** Creates a file unless one of that name exists and returns whether it did. Of concurrent calls, one succeeds. */
    abstract boolean createExclusive(Path target, FileContent content) throws IOException;

    /** Returns whether the server, which alone decides who wins, also lets a second writer win. */
    boolean overwritesExclusive(Path target, byte[] content) throws IOException {
        return false;
    }

    /** Moves a folder to a path at which nothing exists. */
    abstract void moveFolder(Path from, Path to) throws IOException;

    /** Returns the file's path on this machine's disk, if it is there. */
    Optional<java.nio.file.Path> onThisDisk(Path path) {
        return Optional.empty();
    }

    /** Renames; FileSystem's own method returns false for any fault. */
    final void requireRenamed(Path from, Path to) throws IOException {
        if (!fs.rename(from, to)) {
            throw fs.exists(to)
                    ? new FileAlreadyExistsException(to.toString())
                    : new IOException("Renaming " + from + " to " + to + " failed");
        }
    }

    /** Returns a name, beside a file, that readers ignore. */
    static Path temporary(Path target) {
        return new Path(target.getParent(), "." + target.getName() + "." + UUID.randomUUID());
    }

    /** File systems where a file is visible from its creation: it is written beside its final path, then moved there. */
    private abstract static sealed class Aside extends CommitPrimitive {

        private Aside(FileSystem fs) {
            super(fs);
        }

        /** Moves a file to a path, replacing any file there. */
        abstract void replace(Path from, Path to) throws IOException;

        /** Moves a file to a path where none exists; returns false if one does. The file may also keep its first name. */
        abstract boolean place(Path from, Path to) throws IOException;

        @Override
        Staged stage(Path target) throws IOException {
            Path aside = temporary(target);
            return new Staged(fs.create(aside, false)) {
                @Override
                void publish() throws IOException {
                    try {
                        out().close();
                        replace(aside, target);
                    } catch (IOException | RuntimeException e) {
                        discard(aside, e);
                        throw e;
                    }
                }

                @Override
                void abort() throws IOException {
                    try {
                        out().close();
                    } catch (IOException e) {
                        // The content is not needed.
                    } finally {
                        fs.delete(aside, false);
                    }
                }
            };
        }

        @Override
        boolean createExclusive(Path target, FileContent content) throws IOException {
            Path aside = temporary(target);
            boolean placed;
            try {
                try (FSDataOutputStream out = fs.create(aside, false)) {
                    content.writeTo(out);
                }
                placed = place(aside, target);
            } catch (IOException | RuntimeException e) {
                discard(aside, e);
                throw e;
            }
            try {
                fs.delete(aside, false);
            } catch (IOException e) {
                // This is a second name, or the file of a writer that lost: neither affects the file that exists.
            }
            return placed;
        }

        /** Deletes the file, so that a full disk does not stay full; a failure is only attached to the cause. */
        private void discard(Path aside, Exception cause) {
            try {
                fs.delete(aside, false);
            } catch (IOException | RuntimeException e) {
                cause.addSuppressed(e);
            }
        }
    }

    /** A local disk: Hadoop's create checks first and acts then; a hard link does both atomically. */
    private static final class Link extends Aside {

        private Link(FileSystem fs) {
            super(fs);
        }

        @Override
        void replace(Path from, Path to) throws IOException {
            Files.move(local(from), local(to), java.nio.file.StandardCopyOption.ATOMIC_MOVE,
                    java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        }

        @Override
        boolean place(Path from, Path to) throws IOException {
            try {
                Files.createLink(local(to), local(from));
                return true;
            } catch (java.nio.file.FileAlreadyExistsException e) {
                return false;
            } catch (UnsupportedOperationException e) {
                throw new IOException("The file system of " + to + " has no hard links, which a commit needs", e);
            }
        }

        @Override
        Optional<java.nio.file.Path> onThisDisk(Path path) {
            return Optional.of(local(path));
        }

        @Override
        void moveFolder(Path from, Path to) throws IOException {
            try {
                // A rename would also replace an empty folder, so that case is excluded first.
                if (fs.exists(to)) {
                    throw new FileAlreadyExistsException(to.toString());
                }
                Files.move(local(from), local(to), java.nio.file.StandardCopyOption.ATOMIC_MOVE);
            } catch (java.nio.file.FileAlreadyExistsException | java.nio.file.DirectoryNotEmptyException e) {
                throw new FileAlreadyExistsException(to.toString());
            } catch (java.nio.file.FileSystemException e) {
                if (fs.exists(to)) {
                    throw new FileAlreadyExistsException(to.toString());
                }
                throw e;
            }
        }

        private java.nio.file.Path local(Path path) {
            return java.nio.file.Path.of(fs.makeQualified(path).toUri().getPath());
        }
    }

    /** HDFS: its rename checks and acts atomically. So would create(overwrite = false), but it shows an empty file. */
    private static final class Rename extends Aside {

        private final Configuration conf;

        private Rename(FileSystem fs, Configuration conf) {
            super(fs);
            this.conf = conf;
        }

        @Override
        void replace(Path from, Path to) throws IOException {
            context().rename(from, to, Options.Rename.OVERWRITE);
        }

        @Override
        boolean place(Path from, Path to) throws IOException {
            try {
                context().rename(from, to, Options.Rename.NONE);
                return true;
            } catch (FileAlreadyExistsException e) {
                return false;
            }
        }

        @Override
        void moveFolder(Path from, Path to) throws IOException {
            context().rename(from, to, Options.Rename.NONE);
        }

        private FileContext context() throws IOException {
            return FileContext.getFileContext(fs.getUri(), conf);
        }
    }

    /** Other file systems that show a file at its creation, such as ABFS. */
    private static final class PlainRename extends Aside {

        private PlainRename(FileSystem fs) {
            super(fs);
        }

        @Override
        void replace(Path from, Path to) throws IOException {
            // Some replace the file atomically; others return false and have no call that replaces a file.
            if (!fs.rename(from, to)) {
                fs.delete(to, false);
                requireRenamed(from, to);
            }
        }

        @Override
        boolean place(Path from, Path to) throws IOException {
            if (fs.exists(to)) {
                return false;
            }
            try {
                requireRenamed(from, to);
                return true;
            } catch (FileAlreadyExistsException e) {
                return false;
            }
        }

        @Override
        void moveFolder(Path from, Path to) throws IOException {
            if (fs.exists(to)) {
                throw new FileAlreadyExistsException(to.toString());
            }
            requireRenamed(from, to);
        }
    }

    /** Object stores, which show an object when its stream is closed. */
    private abstract static sealed class Objects extends CommitPrimitive {

        private Objects(FileSystem fs) {
            super(fs);
        }

        @Override
        Staged stage(Path target) throws IOException {
            return new Staged(fs.create(target, true)) {
                @Override
                void publish() throws IOException {
                    out().close();
                }

                @Override
                void abort() {
                    giveUp(out());
                }
            };
        }

        static boolean write(FSDataOutputStreamBuilder<?, ?> builder, FileContent content) throws IOException {
            FSDataOutputStream out = null;
            try {
                out = (FSDataOutputStream) builder.recursive().build();
                content.writeTo(out);
            } catch (FileAlreadyExistsException e) {
                return false;
            } catch (IOException | RuntimeException e) {
                if (out != null) {
                    giveUp(out);
                }
                throw e;
            }
            try {
                out.close();
            } catch (FileAlreadyExistsException e) {
                return false;
            } catch (IOException e) {
                // S3A's exception for a failed condition; its class is in hadoop-aws, which need not be present.
                if (e.getClass().getSimpleName().equals("RemoteFileChangedException")) {
                    return false;
                }
                throw e;
            }
            return true;
        }

        /** Leaves a stream open if it cannot be aborted: closing it would publish a partial object. */
        private static void giveUp(FSDataOutputStream out) {
            if (out.hasCapability(ABORTABLE)) {
                out.abort();
            }
        }

        @Override
        void moveFolder(Path from, Path to) throws IOException {
            if (fs.exists(to)) {
                throw new FileAlreadyExistsException(to.toString());
            }
            requireRenamed(from, to);
        }
    }

    /** A PUT with If-None-Match: *. */
    private static final class ConditionalPut extends Objects {

        private ConditionalPut(FileSystem fs) {
            super(fs);
        }

        /** Checks for the file first: usually it has existed for long, and S3A logs pages about a failed condition. */
        @Override
        boolean createExclusive(Path target, FileContent content) throws IOException {
            return !fs.exists(target) && put(target, content);
        }

        @Override
        boolean overwritesExclusive(Path target, byte[] content) throws IOException {
            return put(target, out -> out.write(content));
        }

        private boolean put(Path target, FileContent content) throws IOException {
            FSDataOutputStreamBuilder<?, ?> builder = fs.createFile(target).overwrite(true);
            builder.must("fs.option.create.conditional.overwrite", true);
            return write(builder, content);
        }
    }

    /** Object stores whose create without overwriting is exclusive, such as Google's. */
    private static final class Create extends Objects {

        private Create(FileSystem fs) {
            super(fs);
        }

        @Override
        boolean createExclusive(Path target, FileContent content) throws IOException {
            return write(fs.createFile(target).overwrite(false), content);
        }
    }

    /** Other schemes: at the first file, tests whether the file system shows a file at its creation. */
    private static final class Probed extends CommitPrimitive {

        private CommitPrimitive found;

        private Probed(FileSystem fs) {
            super(fs);
        }

        @Override
        Staged stage(Path target) throws IOException {
            return found(target).stage(target);
        }

        @Override
        boolean createExclusive(Path target, FileContent content) throws IOException {
            return found(target).createExclusive(target, content);
        }

        @Override
        void moveFolder(Path from, Path to) throws IOException {
            found(to).moveFolder(from, to);
        }

        private synchronized CommitPrimitive found(Path target) throws IOException {
            if (found == null) {
                Path probe = temporary(target);
                boolean shown;
                try (FSDataOutputStream out = fs.create(probe, false)) {
                    shown = fs.exists(probe);
                } finally {
                    fs.delete(probe, false);
                }
                found = shown ? new PlainRename(fs) : new Create(fs);
            }
            return found;
        }
    }
}
