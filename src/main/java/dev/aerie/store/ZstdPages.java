package dev.aerie.store;

import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.compression.CompressionCodecFactory;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;

/** Decompresses Parquet's pages from array to array; parquet-java's own goes through streams, which copy each page twice more. */
final class ZstdPages implements CompressionCodecFactory {

    private final ZstdDecompressCtx zstd = new ZstdDecompressCtx();

    @Override
    public BytesInputDecompressor getDecompressor(CompressionCodecName codec) {
        if (codec != CompressionCodecName.ZSTD) {
            throw new IllegalArgumentException("compression " + codec + " (expected ZSTD)");
        }
        return new BytesInputDecompressor() {
            @Override
            public BytesInput decompress(BytesInput page, int size) throws IOException {
                return BytesInput.from(decompressed(page.toByteBuffer(), size));
            }

            @Override
            public void decompress(ByteBuffer page, int compressedSize, ByteBuffer output, int size) throws IOException {
                output.put(decompressed(page.slice(page.position(), compressedSize), size));
                page.position(page.position() + compressedSize);
            }

            @Override
            public void release() {}
        };
    }

    private byte[] decompressed(ByteBuffer page, int size) throws IOException {
        byte[] in = page.hasArray() ? page.array() : new byte[page.remaining()];
        int first = page.hasArray() ? page.arrayOffset() + page.position() : 0;
        if (!page.hasArray()) {
            page.get(page.position(), in);
        }
        try {
            byte[] out = new byte[size];
            int found = zstd.decompressByteArray(out, 0, size, in, first, page.remaining());
            if (found != size) {
                throw new IOException("a page of " + found + " bytes (expected " + size + ")");
            }
            return out;
        } catch (ZstdException e) {
            throw new IOException("a page that zstd does not decompress: " + e.getMessage(), e);
        }
    }

    @Override
    public BytesInputCompressor getCompressor(CompressionCodecName codec) {
        throw new UnsupportedOperationException("Pages are only read here");
    }

    @Override
    public void release() {
        zstd.close();
    }
}
