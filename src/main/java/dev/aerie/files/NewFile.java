package dev.aerie.files;

import java.io.IOException;
import java.io.OutputStream;

/**
 * A file being written. It becomes visible under its name by {@link #commit}, and never if it is closed without.
 *
 * <p>Closing a stream publishes an object on an object store, so a stream that failed must be aborted instead.
 */
public final class NewFile extends OutputStream {

    private final CommitPrimitive.Staged staged;
    private final Sha256 sha = new Sha256();
    private long written;
    private boolean failed;
    private boolean finished;

    NewFile(CommitPrimitive.Staged staged) {
        this.staged = staged;
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] b, int offset, int length) throws IOException {
        if (finished || failed) {
            throw new IOException("The file is " + (finished ? "finished" : "aborted after an earlier failure"));
        }
        try {
            staged.out().write(b, offset, length);
        } catch (IOException | RuntimeException e) {
            failed = true;
            throw e;
        }
        sha.add(b, offset, length);
        written += length;
    }

    @Override
    public void flush() throws IOException {
        staged.out().flush();
    }

    /** Returns the length and SHA-256 of what was written so far. */
    public FileDigest digest() {
        return new FileDigest(written, sha.copy().hex());
    }

    /** Returns the number of bytes written so far. */
    public long bytes() {
        return written;
    }

    /**
     * Makes the file visible, replacing any file of that name. If this fails, the file may or may not exist.
     *
     * @return what was written
     */
    public FileDigest commit() throws IOException {
        if (finished || failed) {
            throw new IOException("The file is " + (finished ? "finished" : "aborted after an earlier failure"));
        }
        finished = true;
        staged.publish();
        return new FileDigest(written, sha.hex());
    }

    /** Aborts the file unless it was committed. */
    @Override
    public void close() throws IOException {
        if (!finished) {
            finished = true;
            staged.abort();
        }
    }
}
