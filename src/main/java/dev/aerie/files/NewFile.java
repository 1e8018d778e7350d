package dev.aerie.files;

import java.io.IOException;
import java.io.OutputStream;

/**
 * A file that is being written. Nobody sees it under its name before {@link #commit}; closed without that, it never appears.
 *
 * <p>Closing is what publishes an object on an object store, so a stream that failed midway must not simply be closed.
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
            throw new IOException("The file is " + (finished ? "finished" : "given up after an earlier failure"));
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

    /** Bytes written so far. */
    public long bytes() {
        return written;
    }

    /**
     * Makes the file visible, in place of one of that name. If this fails, the file may be there or not.
     *
     * @return what was written
     */
    public FileDigest commit() throws IOException {
        if (finished || failed) {
            throw new IOException("The file is " + (finished ? "finished" : "given up after an earlier failure"));
        }
        finished = true;
        staged.publish();
        return new FileDigest(written, sha.hex());
    }

    /** Gives the file up unless it was committed. */
    @Override
    public void close() throws IOException {
        if (!finished) {
            finished = true;
            staged.abort();
        }
    }
}
