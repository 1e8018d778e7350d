package dev.aerie.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.files.FileKind;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;

/**
 * Reads an input file record by record, in constant memory whatever its size.
 *
 * <p>A file that starts with a bracket is one JSON array; a file whose first object spans several lines is a sequence of JSON
 * objects; any other has one JSON object per line. Compressed files are recognised by their first bytes. Every record becomes a
 * {@link Conversation} or a {@link Rejection}. A syntax error in a line loses that line; inside an array, or between objects of
 * several lines, it loses the rest of the file, because the start of the next record is unknown, and the rejection says so.
 */
public final class ConversationReader implements Iterator<InputRecord>, AutoCloseable {

    /** Bytes of the first object that are examined to determine whether it spans several lines. */
    private static final int FIRST_OBJECT = 1 << 15;

    /** The records of a file in any format. */
    public interface Records extends AutoCloseable {
        /**
         * Returns the next record, or null at the end; not called again after that.
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

    /** Creates a reader of records that another package reads. */
    public ConversationReader(Records records) {
        this.records = records;
    }

    /** Starts to read a file of unknown length. */
    public static ConversationReader open(InputStream raw, String name, RecordFormat format) throws IOException {
        return open(raw, name, -1, format);
    }

    /**
     * Starts to read.
     *
     * @param raw the bytes of the file; closed with the reader
     * @param name of the file, for messages; also the source of the records
     * @param length of the file, negative where it is not known
     * @throws IOException if the file cannot be read; one that is damaged, or holds something else, is a rejection
     */
    public static ConversationReader open(InputStream raw, String name, long length, RecordFormat format)
            throws IOException {
        try {
            InputBytes in = InputBytes.open(raw, name, length);
            try {
                byte[] ahead = in.ahead(FIRST_OBJECT);
                FileKind kind = FileKind.of(ahead.length > FileKind.HEAD ? Arrays.copyOf(ahead, FileKind.HEAD) : ahead);
                if (kind != FileKind.TEXT) {
                    in.close();
                    return nothing(name, "the file is " + kind.description() + "; nothing of it is read");
                }
                return new ConversationReader(records(in, ahead, name, format));
            } catch (UnreadableInputException e) {
                in.close();
                throw e;
            }
        } catch (UnreadableInputException e) {
            return nothing(name, e.getMessage());
        }
    }

    private static ConversationReader nothing(String name, String reason) {
        return new ConversationReader(new NoRecords(new Rejection(unnamed(name, 0), name, reason, "", true)));
    }

    private static Records records(InputBytes in, byte[] ahead, String name, RecordFormat format)
            throws IOException, UnreadableInputException {
        int start = TextShape.start(ahead);
        for (int i = 0; i < start; i++) {
            in.read();
        }
        TextShape shape = TextShape.of(ahead, start);
        return shape == TextShape.LINES || shape == TextShape.CR_LINES
                ? new LineRecords(in, shape == TextShape.CR_LINES, name, format)
                : new ValueRecords(in, shape == TextShape.ARRAY, name, format);
    }

    @Override
    public boolean hasNext() {
        if (ahead == null && !ended) {
            try {
                ahead = records.next(index++);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
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
     * Converts a record that another reader has parsed. NaN and infinities, which Python writes for missing numbers, count as
     * null.
     *
     * @param node  the record as JSON; changed
     * @param name  of the file
     * @param index of the record in it, for its id where it has none
     */
    public static InputRecord record(JsonNode node, String name, long index, RecordFormat format) {
        return record(node, name, unnamed(name, index), format);
    }

    /**
     * Converts a record of a source that is no file.
     *
     * @param unnamed the id of a record that has none
     */
    public static InputRecord record(JsonNode node, String name, String unnamed, RecordFormat format) {
        String own = ConversationFormat.id(node);
        String id = own == null ? unnamed : own;
        if (!wellFormed(node)) {
            return new Rejection(id, name, "invalid text: half a surrogate pair", node.toString());
        }
        withoutNonFinite(node);
        try {
            return format.parse(RecordFields.withoutNulls(node), id, name);
        } catch (UnusableConversationException e) {
            return new Rejection(id, name, e.getMessage(), node.toString());
        }
    }

    /**
     * Returns whether the texts are valid: JSON can express half a surrogate pair, which UTF-8 would silently turn into a
     * question mark.
     */
    private static boolean wellFormed(JsonNode node) {
        if (node.isTextual()) {
            return StandardCharsets.UTF_8.newEncoder().canEncode(node.textValue());
        }
        for (Map.Entry<String, JsonNode> field : node.properties()) {
            if (!StandardCharsets.UTF_8.newEncoder().canEncode(field.getKey())) {
                return false;
            }
        }
        for (JsonNode inside : node) {
            if (!wellFormed(inside)) {
                return false;
            }
        }
        return true;
    }

    private static void withoutNonFinite(JsonNode node) {
        if (node instanceof ObjectNode object) {
            for (Map.Entry<String, JsonNode> field : object.properties()) {
                if (nonFinite(field.getValue())) {
                    field.setValue(NullNode.instance);
                } else {
                    withoutNonFinite(field.getValue());
                }
            }
        } else if (node instanceof ArrayNode array) {
            for (int i = 0; i < array.size(); i++) {
                if (nonFinite(array.get(i))) {
                    array.set(i, NullNode.instance);
                } else {
                    withoutNonFinite(array.get(i));
                }
            }
        }
    }

    private static boolean nonFinite(JsonNode node) {
        return (node.isDouble() || node.isFloat()) && !Double.isFinite(node.doubleValue());
    }

    private static String unnamed(String name, long index) {
        return name.substring(name.lastIndexOf('/') + 1) + "#" + index;
    }

    /** The text of a record, or the reason why it is none. */
    private static InputRecord record(byte[] bytes, String name, long index, RecordFormat format)
            throws JsonProcessingException {
        String text;
        try {
            text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            return new Rejection(unnamed(name, index), name, "invalid UTF-8", new String(bytes, StandardCharsets.UTF_8));
        }
        return record(RecordJson.read(text), name, index, format);
    }

    private static Rejection tooLong(String what, byte[] bytes, String name, long index) {
        return new Rejection(unnamed(name, index), name, what + " of over " + RecordJson.MAX_BYTES
                + " bytes, of which nothing is read",
                new String(bytes, 0, 4 * Rejection.EXCERPT, StandardCharsets.UTF_8));
    }

    /** The records of a file that cannot be read: a single rejection. */
    private record NoRecords(Rejection rejection) implements Records {

        @Override
        public InputRecord next(long index) {
            return index == 0 ? rejection : null;
        }

        @Override
        public void close() {}
    }

    /** The elements of an array, or objects one after the other, wherever their lines end. */
    private static final class ValueRecords implements Records {

        private final InputBytes in;
        private final JsonValues values;
        private final String name;
        private final RecordFormat format;
        private boolean lost;

        ValueRecords(InputBytes in, boolean array, String name, RecordFormat format) {
            this.in = in;
            this.values = new JsonValues(in, array);
            this.name = name;
            this.format = format;
        }

        @Override
        public InputRecord next(long index) throws IOException {
            if (lost) {
                return null;
            }
            try {
                InputBytes.RecordBytes value = values.next();
                if (value == null) {
                    return null;
                }
                return value.tooLong() ? tooLong("a record", value.toBytes(), name, index)
                        : record(value.toBytes(), name, index, format);
            } catch (JsonProcessingException e) {
                return lose(index, RecordJson.reason(e));
            } catch (JsonValues.SyntaxException e) {
                return lose(index, e.getMessage());
            } catch (UnreadableInputException e) {
                lost = true;
                return new Rejection(unnamed(name, index), name, e.getMessage(), "", true);
            }
        }

        private Rejection lose(long index, String reason) {
            lost = true;
            return new Rejection(unnamed(name, index), name, "no JSON at byte " + values.start() + ": " + reason
                    + "; this record and all after it in the file are lost" + in.lostFrom(values.start()), "", true);
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }

    private static final class LineRecords implements Records {

        private final InputBytes in;
        private final boolean endsAtCr;
        private final String name;
        private final RecordFormat format;
        private boolean lost;

        LineRecords(InputBytes in, boolean endsAtCr, String name, RecordFormat format) {
            this.in = in;
            this.endsAtCr = endsAtCr;
            this.name = name;
            this.format = format;
        }

        @Override
        public InputRecord next(long index) throws IOException {
            if (lost) {
                return null;
            }
            InputBytes.RecordBytes line;
            do {
                try {
                    line = line();
                } catch (UnreadableInputException e) {
                    lost = true;
                    return new Rejection(unnamed(name, index), name, e.getMessage(), "", true);
                }
                if (line == null) {
                    return null;
                }
            } while (!line.tooLong() && line.blank());
            if (line.tooLong()) {
                return tooLong("a line", line.toBytes(), name, index);
            }
            try {
                return record(line.toBytes(), name, index, format);
            } catch (JsonProcessingException e) {
                return new Rejection(unnamed(name, index), name, "no JSON: " + RecordJson.reason(e),
                        new String(line.toBytes(), StandardCharsets.UTF_8));
            }
        }

        private InputBytes.RecordBytes line() throws IOException, UnreadableInputException {
            int b = in.read();
            if (b < 0) {
                return null;
            }
            InputBytes.RecordBytes line = new InputBytes.RecordBytes();
            for (; b >= 0 && b != '\n' && !(endsAtCr && b == '\r'); b = in.read()) {
                line.add(b);
            }
            return line;
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}
