package dev.aerie.store;

import dev.aerie.files.FileDigest;
import dev.aerie.files.Folder;
import dev.aerie.files.NewFile;
import java.io.IOException;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;

/**
 * A new file of the store for Parquet to write. Parquet closes its stream even after a failed write, which on an object store
 * would publish a partial file; this file becomes visible only by {@link #commit}.
 */
final class ShardOutput implements OutputFile, AutoCloseable {

    private final Folder files;
    private final String relative;
    private NewFile file;

    ShardOutput(Folder files, String relative) {
        this.files = files;
        this.relative = relative;
    }

    /** Makes the file visible. */
    FileDigest commit() throws IOException {
        return file.commit();
    }

    /** Aborts the file unless it was committed. */
    @Override
    public void close() throws IOException {
        if (file != null) {
            file.close();
        }
    }

    @Override
    public PositionOutputStream create(long blockSizeHint) throws IOException {
        NewFile out = files.create(relative);
        file = out;
        return new PositionOutputStream() {
            @Override
            public long getPos() {
                return out.bytes();
            }

            @Override
            public void write(int b) throws IOException {
                out.write(b);
            }

            @Override
            public void write(byte[] b, int offset, int length) throws IOException {
                out.write(b, offset, length);
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public PositionOutputStream createOrOverwrite(long blockSizeHint) throws IOException {
        return create(blockSizeHint);
    }

    @Override
    public boolean supportsBlockSize() {
        return false;
    }

    @Override
    public long defaultBlockSize() {
        return 0;
    }
}
