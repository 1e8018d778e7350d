package dev.aerie.store;

import dev.aerie.files.NewFile;
import java.io.IOException;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;

/** A new file as Parquet writes it. Parquet closes its stream also where writing failed, so closing publishes nothing here. */
final class ParquetOutput implements OutputFile {

    private final NewFile file;

    ParquetOutput(NewFile file) {
        this.file = file;
    }

    @Override
    public PositionOutputStream create(long blockSizeHint) {
        return new PositionOutputStream() {
            @Override
            public long getPos() {
                return file.bytes();
            }

            @Override
            public void write(int b) throws IOException {
                file.write(b);
            }

            @Override
            public void write(byte[] b, int offset, int length) throws IOException {
                file.write(b, offset, length);
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public PositionOutputStream createOrOverwrite(long blockSizeHint) {
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
