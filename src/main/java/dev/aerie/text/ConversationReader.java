package dev.aerie.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.github.luben.zstd.ZstdIOException;
import com.github.luben.zstd.ZstdInputStream;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.CharConversionException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * Reads an input file record by record, in constant memory whatever its size.
 *
 * <p>A file that starts with a bracket is one JSON array; any other has a JSON object on each line. Files that end in
 * {@code .gz} or {@code .zst} are decompressed. Every record becomes a {@link Conversation} or a {@link Rejection}. A broken line
 * costs that line; a syntax error inside an array costs the rest of the file, because nothing says where the next record begins, and the
 * rejection says so.
 */
public final class ConversationReader implements Iterator<InputRecord>, AutoCloseable {

    /** A longer record is not a conversation but a file that lost its line ends. */
    static final int MAX_RECORD_BYTES = 64 << 20;

    private static final ObjectMapper JSON = new ObjectMapper(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(MAX_RECORD_BYTES).build())
            .build());
    /** Two objects on a line are no record: the second would be dropped in silence. */
    private static final ObjectReader LINE = JSON.reader().with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    /** The records of a file, whatever it is written in. */
    public interface Records extends AutoCloseable {
        /**
         * The next record, or null at the end; not asked again after that.
         *
         * @param index its place in the file, from 0
         */
        InputRecord next(long index) throws IOException;

        @Override
        void close() throws IOException;
    }

    private final Records records;
    private long index;
    private InputRecord ahead;
    private boolean ended;

    /** Over records that this package does not know how to read. */
    public ConversationReader(Records records) {
        this.records = records;
    }

    /**
     * Starts to read.
     *
     * @param raw the bytes of the file; closed with the reader
     * @param name of the file, for its ending and for messages; also the source of the records
     * @throws IOException if the file cannot be read; one that cannot be decompressed is a rejection
     */
    public static ConversationReader open(InputStream raw, String name, RecordFormat format) throws IOException {
        try {
            BufferedInputStream in = new BufferedInputStream(decompressed(raw, name), 1 << 16);
            return new ConversationReader(firstOf(in) == '['
                    ? new ArrayRecords(in, name, format) : new LineRecords(in, name, format));
        } catch (EOFException | ZipException | ZstdIOException e) {
            raw.close();
            return new ConversationReader(new NoRecords(
                    new Rejection(unnamed(name, 0), name, damage(e) + "; nothing of it is read", "")));
        }
    }

    private static InputStream decompressed(InputStream raw, String name) throws IOException {
        if (name.endsWith(".gz")) {
            return new GZIPInputStream(raw, 1 << 16);
        }
        return name.endsWith(".zst") ? new ZstdInputStream(raw) : raw;
    }

    /** The first byte that is no blank and no byte-order mark, left unread; -1 for none. */
    private static int firstOf(BufferedInputStream in) throws IOException {
        while (true) {
            in.mark(1);
            int b = in.read();
            boolean mark = b == 0xEF || b == 0xBB || b == 0xBF;
            if (b < 0 || !mark && !Character.isWhitespace(b)) {
                in.reset();
                return b;
            }
        }
    }

    @Override
    public boolean hasNext() {
        if (ahead == null && !ended) {
            try {
                ahead = records.next(index++);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
            ended = ahead == null;
        }
        return ahead != null;
    }

    @Override
    public InputRecord next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        InputRecord record = ahead;
        ahead = null;
        return record;
    }

    @Override
    public void close() throws IOException {
        records.close();
    }

    /**
     * What a record that was read elsewhere turns out to be.
     *
     * @param node  the record as JSON
     * @param name  of the file
     * @param index of the record in it, for its id where it has none
     */
    public static InputRecord record(JsonNode node, String name, long index, RecordFormat format) {
        String own = ConversationFormat.id(node);
        String id = own == null ? unnamed(name, index) : own;
        if (!wellFormed(node)) {
            return new Rejection(id, name, "invalid text: half a surrogate pair", node.toString());
        }
        try {
            return format.parse(RecordFields.withoutNulls(node), id, name);
        } catch (UnusableConversationException e) {
            return new Rejection(id, name, e.getMessage(), node.toString());
        }
    }

    /** JSON can spell half a surrogate pair; as UTF-8, in which records go on, it would become a question mark in silence. */
    private static boolean wellFormed(JsonNode node) {
        if (node.isTextual()) {
            return StandardCharsets.UTF_8.newEncoder().canEncode(node.textValue());
        }
        for (JsonNode inside : node) {
            if (!wellFormed(inside)) {
                return false;
            }
        }
        return true;
    }

    private static String unnamed(String name, long index) {
        return name.substring(name.lastIndexOf('/') + 1) + "#" + index;
    }

    /** Where a parser stopped, without the source text that Jackson adds. */
    private static String reason(JsonProcessingException e) {
        return e.getOriginalMessage();
    }

    private static String damage(IOException e) {
        return e instanceof EOFException || String.valueOf(e.getMessage()).startsWith("Truncated")
                ? "the compressed file is cut off" : "the compressed file is damaged";
    }

    /** Of a file that cannot be entered. */
    private record NoRecords(Rejection rejection) implements Records {

        @Override
        public InputRecord next(long index) {
            return index == 0 ? rejection : null;
        }

        @Override
        public void close() {}
    }

    private static final class ArrayRecords implements Records {

        private final JsonParser parser;
        private final String name;
        private final RecordFormat format;
        private boolean lost;

        ArrayRecords(InputStream in, String name, RecordFormat format) throws IOException {
            this.parser = JSON.createParser(in);
            this.name = name;
            this.format = format;
        }

        @Override
        public InputRecord next(long index) throws IOException {
            if (lost) {
                return null;
            }
            try {
                if (index == 0) {
                    parser.nextToken();
                }
                JsonToken token = parser.nextToken();
                if (token == JsonToken.END_ARRAY) {
                    lost = true;
                    return parser.nextToken() == null ? null : lose(index, "something follows the end of the array");
                }
                if (token == null) {
                    return lose(index, "the file ends inside the array");
                }
                return record(JSON.readTree(parser), name, index, format);
            } catch (JsonProcessingException e) {
                return lose(index, reason(e));
            } catch (CharConversionException e) {
                return lose(index, "characters in no encoding of Unicode");
            } catch (EOFException | ZipException | ZstdIOException e) {
                return lose(index, damage(e));
            }
        }

        private Rejection lose(long index, String reason) {
            lost = true;
            return new Rejection(unnamed(name, index), name, "no JSON at byte " + parser.currentLocation().getByteOffset() + ": "
                    + reason + "; this record and all after it in the file are lost", "");
        }

        @Override
        public void close() throws IOException {
            parser.close();
        }
    }

    private static final class LineRecords implements Records {

        private final InputStream in;
        private final String name;
        private final RecordFormat format;
        private boolean lost;

        LineRecords(InputStream in, String name, RecordFormat format) {
            this.in = in;
            this.name = name;
            this.format = format;
        }

        @Override
        public InputRecord next(long index) throws IOException {
            if (lost) {
                return null;
            }
            byte[] line;
            do {
                try {
                    line = line();
                } catch (EOFException | ZipException | ZstdIOException e) {
                    lost = true;
                    return new Rejection(unnamed(name, index), name, damage(e) + "; what follows is lost", "");
                }
                if (line == null) {
                    return null;
                }
            } while (blank(line));
            if (line.length > MAX_RECORD_BYTES) {
                return new Rejection(unnamed(name, index), name, "a line of over " + MAX_RECORD_BYTES
                        + " bytes, of which nothing is read (expected a JSON object on each line)",
                        new String(line, 0, 4 * Rejection.EXCERPT, StandardCharsets.UTF_8));
            }
            String text;
            try {
                text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(line)).toString();
            } catch (CharacterCodingException e) {
                return new Rejection(unnamed(name, index), name, "invalid UTF-8", new String(line, StandardCharsets.UTF_8));
            }
            try {
                return record(LINE.readTree(text), name, index, format);
            } catch (JsonProcessingException e) {
                return new Rejection(unnamed(name, index), name, "no JSON: " + reason(e), text);
            }
        }

        /** Without its end; cut just beyond the most that is read, so that a file without line ends does not fill the memory. */
        private byte[] line() throws IOException {
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            int b = in.read();
            if (b < 0) {
                return null;
            }
            for (; b >= 0 && b != '\n'; b = in.read()) {
                if (line.size() <= MAX_RECORD_BYTES) {
                    line.write(b);
                }
            }
            return line.toByteArray();
        }

        private static boolean blank(byte[] line) {
            for (byte b : line) {
                if (!Character.isWhitespace(b)) {
                    return false;
                }
            }
            return true;
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}
