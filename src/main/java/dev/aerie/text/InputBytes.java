package dev.aerie.text;

import dev.aerie.files.FileKind;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;

/**
 * The text of a file, decompressed if necessary, with the current position. Distinguishes a damaged file from a failure of its
 * file system.
 */
final class InputBytes implements AutoCloseable {

    private final Source source;
    private final long length;
    private final boolean compressed;
    private final InputStream in;
    private long position;

    private InputBytes(Source source, long length, boolean compressed, InputStream in) {
        this.source = source;
        this.length = length;
        this.compressed = compressed;
        this.in = in;
    }

    /**
     * @param raw the bytes of the file; closed with this, or if this fails
     * @param length of the file, negative where it is not known
     * @throws UnreadableInputException if the file is compressed and cannot be decompressed
     */
    static InputBytes open(InputStream raw, String name, long length) throws IOException, UnreadableInputException {
        Source source = new Source(raw);
        try {
            BufferedInputStream plain = new BufferedInputStream(source, 1 << 16);
            byte[] head = head(plain);
            FileKind kind = FileKind.of(head);
            if (!kind.isCompression()) {
                if (endsLikeCompressed(name) && !looksLikeJson(head)) {
                    throw new UnreadableInputException("the compressed file is "
                            + (head.length < 10 ? "cut off" : "damaged") + "; nothing of it is read");
                }
                return new InputBytes(source, length, false, plain);
            }
            try {
                return new InputBytes(source, length, true,
                        new BufferedInputStream(new Decompressed(decompressed(kind, plain), kind == FileKind.BZIP2), 1 << 16));
            } catch (IOException | RuntimeException e) {
                source.rethrowFailure();
                throw new UnreadableInputException(damage(e) + "; nothing of it is read");
            }
        } catch (IOException | UnreadableInputException e) {
            raw.close();
            throw e;
        }
    }

    private static InputStream decompressed(FileKind kind, InputStream in) throws IOException {
        return switch (kind) {
            case GZIP -> new GZIPInputStream(in, 1 << 16);
            case ZSTD -> new com.github.luben.zstd.ZstdInputStream(in);
            case BZIP2 -> new BZip2CompressorInputStream(in, true);
            default -> throw new IllegalArgumentException("Invalid compression: " + kind + " (expected one that is read)");
        };
    }

    private static boolean endsLikeCompressed(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return lower.endsWith(".gz") || lower.endsWith(".zst") || lower.endsWith(".bz2");
    }

    private static boolean looksLikeJson(byte[] head) {
        for (byte b : head) {
            if (b == '{' || b == '[') {
                return true;
            }
            if (!Character.isWhitespace(b) && (b & 0xff) < 0x80) {
                return false;
            }
        }
        return false;
    }

    private static String damage(Exception e) {
        String message = String.valueOf(e.getMessage());
        return e instanceof EOFException || message.startsWith("Truncated") || message.toLowerCase(Locale.ROOT).contains("end of")
                ? "the compressed file is cut off" : "the compressed file is damaged";
    }

    private static byte[] head(BufferedInputStream in) throws IOException {
        in.mark(FileKind.HEAD);
        byte[] head = FileKind.head(in);
        in.reset();
        return head;
    }

    /** Returns what comes next, left unread: up to {@code bytes} of it. */
    byte[] ahead(int bytes) throws IOException, UnreadableInputException {
        byte[] ahead = new byte[bytes];
        int size = 0;
        try {
            in.mark(bytes);
            try {
                for (int n = 0; n >= 0 && size < bytes; size += Math.max(0, n)) {
                    n = in.read(ahead, size, bytes - size);
                }
            } catch (IOException | RuntimeException e) {
                // Bytes before the damage are read as usual; the error occurs again when the damage is reached.
                if (size == 0 || !compressed) {
                    throw e;
                }
            }
            in.reset();
            return Arrays.copyOf(ahead, size);
        } catch (IOException | RuntimeException e) {
            throw lost(e);
        }
    }

    /** Returns the next byte, or -1 at the end. */
    int read() throws IOException, UnreadableInputException {
        try {
            int b = in.read();
            position += b < 0 ? 0 : 1;
            return b;
        } catch (IOException | RuntimeException e) {
            throw lost(e);
        }
    }

    /** Bytes of text that were read. */
    long position() {
        return position;
    }

    /** Returns how much is given up from a place in the text on, in parentheses; nothing where that is not known. */
    String lostFrom(long place) {
        if (compressed) {
            return String.format(Locale.ROOT, " (from byte %,d of the decompressed text on)", place);
        }
        return length < 0 ? "" : String.format(Locale.ROOT, " (%,d of %,d bytes)", Math.max(0, length - place), length);
    }

    private UnreadableInputException lost(Exception e) throws IOException {
        source.rethrowFailure();
        if (!compressed) {
            throw e instanceof IOException io ? io : new IOException(e);
        }
        // A decompressor reads ahead, so only the position in the text is certain.
        String where = String.format(Locale.ROOT, " (from byte %,d of the decompressed text on", position)
                + (length < 0 ? ")" : String.format(Locale.ROOT, "; the file has %,d compressed bytes)", length));
        return new UnreadableInputException(damage(e) + "; what follows is lost" + where);
    }

    @Override
    public void close() throws IOException {
        in.close();
    }

    /** Fails again at the same position, because some decompressors report the end of the file after a failure. */
    private static final class Decompressed extends FilterInputStream {

        private final boolean bytewise;
        private IOException failure;

        /** @param bytewise whether the decompressor gives up what it has decompressed when it fails within a longer read */
        Decompressed(InputStream in, boolean bytewise) {
            super(in);
            this.bytewise = bytewise;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] to, int from, int n) throws IOException {
            if (failure != null) {
                throw failure;
            }
            int read = 0;
            try {
                if (!bytewise) {
                    return in.read(to, from, n);
                }
                for (int b = 0; read < n && (b = in.read()) >= 0; read++) {
                    to[from + read] = (byte) b;
                }
                return read == 0 && n > 0 ? -1 : read;
            } catch (IOException | RuntimeException e) {
                failure = e instanceof IOException io ? io : new IOException(e.getMessage(), e);
                if (read > 0) {
                    return read;
                }
                throw failure;
            }
        }

        /** So that a reader takes what has come before it asks for what may fail. */
        @Override
        public int available() {
            return 0;
        }

        @Override
        public boolean markSupported() {
            return false;
        }
    }

    /** The bytes of the file; keeps an exception of the file system. */
    private static final class Source extends FilterInputStream {

        private IOException failure;

        Source(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] to, int from, int n) throws IOException {
            try {
                return in.read(to, from, n);
            } catch (IOException e) {
                failure = e;
                throw e;
            }
        }

        @Override
        public long skip(long n) throws IOException {
            byte[] skipped = new byte[(int) Math.min(n, 1 << 16)];
            return Math.max(0, read(skipped, 0, skipped.length));
        }

        @Override
        public boolean markSupported() {
            return false;
        }

        void rethrowFailure() throws IOException {
            if (failure != null) {
                throw failure;
            }
        }
    }

    /** A growing record, cut just beyond the most that is read, so that a file without line ends does not fill the memory. */
    static final class RecordBytes {

        private byte[] bytes = new byte[1 << 12];
        private int size;
        private long seen;

        void add(int b) {
            seen++;
            if (size < RecordJson.MAX_BYTES) {
                if (size == bytes.length) {
                    bytes = Arrays.copyOf(bytes, 2 * size);
                }
                bytes[size++] = (byte) b;
            }
        }

        boolean tooLong() {
            return seen > RecordJson.MAX_BYTES;
        }

        boolean blank() {
            for (int i = 0; i < size; i++) {
                if (!Character.isWhitespace(bytes[i])) {
                    return false;
                }
            }
            return true;
        }

        byte[] toBytes() {
            return Arrays.copyOf(bytes, size);
        }
    }
}
