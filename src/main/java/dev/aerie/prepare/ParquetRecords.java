package dev.aerie.prepare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.errors.RefusalException;
import dev.aerie.text.ConversationReader;
import dev.aerie.text.InputRecord;
import dev.aerie.text.RecordFormat;
import dev.aerie.text.RecordJson;
import dev.aerie.text.Rejection;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.CodecFactory;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.hadoop.metadata.ParquetMetadata;
import org.apache.parquet.hadoop.util.HadoopStreams;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.SeekableInputStream;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation.JsonLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.ListLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.MapLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.StringLogicalTypeAnnotation;
import org.apache.parquet.schema.Type;

/**
 * Reads rows of a Parquet file like the same records in JSON: a column is a key, a list of structs is a list of objects, and null
 * means absent. Damage loses the rows after it, and a rejection says so.
 */
final class ParquetRecords implements ConversationReader.Records {

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final ParquetReader<Group> reader;
    private final String name;
    private final long rows;
    private final RecordFormat format;
    private boolean lost;

    private ParquetRecords(ParquetReader<Group> reader, String name, long rows, RecordFormat format) {
        this.reader = reader;
        this.name = name;
        this.rows = rows;
        this.format = format;
    }

    /**
     * @throws IOException if the file cannot be read; one that is damaged is a rejection
     * @throws RefusalException for a codec that this installation lacks
     */
    static ConversationReader open(FileSystem fs, Path path, Configuration conf, RecordFormat format) throws IOException {
        InputFile file = new HadoopFile(fs, path);
        long rows = 0;
        try {
            ParquetMetadata footer = footer(file);
            for (BlockMetaData block : footer.getBlocks()) {
                rows += block.getRowCount();
            }
            requireCodecs(footer, path, conf);
        } catch (DamagedFooterException e) {
            String name = path.toString();
            return new ConversationReader(new Damaged(new Rejection(name.substring(name.lastIndexOf('/') + 1) + "#0", name,
                    "the Parquet file is damaged: it has no footer that can be read; what follows is lost (all of its "
                            + String.format(Locale.ROOT, "%,d", file.getLength()) + " bytes)", "", true)));
        }
        return new ConversationReader(new ParquetRecords(new ParquetGroups(file, conf).build(), path.toString(), rows, format));
    }

    /** @throws RefusalException for a codec that this installation lacks */
    static void requireCodecs(FileSystem fs, Path path, Configuration conf) throws IOException {
        try {
            requireCodecs(footer(new HadoopFile(fs, path)), path, conf);
        } catch (DamagedFooterException e) {
            // A rejection of the file's own, when it is read.
        }
    }

    /** Refuses the run, because a missing codec is a fault of the installation and not of the data. */
    private static void requireCodecs(ParquetMetadata footer, Path path, Configuration conf) {
        Set<CompressionCodecName> codecs = EnumSet.noneOf(CompressionCodecName.class);
        footer.getBlocks().forEach(block -> block.getColumns().forEach(column -> codecs.add(column.getCodec())));
        CodecFactory factory = new CodecFactory(conf, 1 << 16);
        try {
            for (CompressionCodecName codec : codecs) {
                try {
                    factory.getDecompressor(codec);
                } catch (RuntimeException | LinkageError e) {
                    throw new RefusalException("Invalid input: " + path + " is compressed with " + codec
                            + ", which this installation of Spark cannot read (expected UNCOMPRESSED, SNAPPY, GZIP, ZSTD, "
                                    + "LZ4_RAW, or a jar with the codec in spark.jars)", e);
                }
            }
        } finally {
            factory.release();
        }
    }

    private static ParquetMetadata footer(InputFile file) throws IOException, DamagedFooterException {
        // A failure of the file system occurs here already and does not count as damage.
        try (SeekableInputStream probe = file.newStream()) {
            probe.seek(Math.max(0, file.getLength() - 1));
            probe.read();
        }
        try (ParquetFileReader reader = ParquetFileReader.open(file)) {
            return reader.getFooter();
        } catch (IOException | RuntimeException e) {
            throw new DamagedFooterException(e);
        }
    }

    @Override
    public InputRecord next(long index) throws IOException {
        if (lost) {
            return null;
        }
        try {
            Group row = reader.read();
            return row == null ? null : record(row, index);
        } catch (IOException e) {
            // A file system that does not respond is a failure of the job; a page that cannot be decoded is damage of the file.
            if (e.getCause() == null || !e.getCause().getClass().getName().contains("parquet")) {
                throw new IOException("cannot read " + name, e);
            }
            return damage(index);
        } catch (RuntimeException e) {
            return damage(index);
        }
    }

    private InputRecord record(Group row, long index) {
        JsonNode json;
        try {
            json = object(row);
        } catch (UncheckedIOException e) {
            return new Rejection(unnamed(index), name, "invalid UTF-8", "");
        }
        if (RecordJson.characters(json) > RecordJson.MAX_BYTES) {
            return new Rejection(unnamed(index), name, "a row of over " + RecordJson.MAX_BYTES
                    + " bytes, of which nothing is read", "");
        }
        return ConversationReader.record(json, name, index, format);
    }

    private String unnamed(long index) {
        return name.substring(name.lastIndexOf('/') + 1) + "#" + index;
    }

    private Rejection damage(long index) {
        lost = true;
        return new Rejection(unnamed(index), name, String.format(Locale.ROOT,
                "the Parquet file is damaged: a page of it cannot be read; what follows is lost (%,d of %,d rows)",
                Math.max(0, rows - index), rows), "", true);
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }

    private static JsonNode object(Group group) {
        ObjectNode object = JSON.objectNode();
        GroupType type = group.getType();
        for (int field = 0; field < type.getFieldCount(); field++) {
            Type of = type.getType(field);
            if (of.isRepetition(Type.Repetition.REPEATED)) {
                object.set(of.getName(), elements(group, field));
            } else if (group.getFieldRepetitionCount(field) > 0) {
                object.set(of.getName(), value(group, field, 0));
            }
        }
        return object;
    }

    private static ArrayNode elements(Group group, int field) {
        ArrayNode elements = JSON.arrayNode();
        for (int i = 0; i < group.getFieldRepetitionCount(field); i++) {
            elements.add(value(group, field, i));
        }
        return elements;
    }

    private static JsonNode value(Group group, int field, int place) {
        Type type = group.getType().getType(field);
        if (!type.isPrimitive()) {
            Group inside = group.getGroup(field, place);
            if (type.getLogicalTypeAnnotation() instanceof ListLogicalTypeAnnotation) {
                return list(inside);
            }
            return type.getLogicalTypeAnnotation() instanceof MapLogicalTypeAnnotation ? map(inside) : object(inside);
        }
        return switch (type.asPrimitiveType().getPrimitiveTypeName()) {
            case BINARY, FIXED_LEN_BYTE_ARRAY -> text(group.getBinary(field, place).getBytes(), type);
            case INT32 -> JSON.numberNode(group.getInteger(field, place));
            case INT64 -> JSON.numberNode(group.getLong(field, place));
            case FLOAT -> JSON.numberNode(group.getFloat(field, place));
            case DOUBLE -> JSON.numberNode(group.getDouble(field, place));
            case BOOLEAN -> JSON.booleanNode(group.getBoolean(field, place));
            default -> JSON.textNode(group.getValueToString(field, place));
        };
    }

    /**
     * A column that says that it is text is held to it. Of one that says nothing, such as the bytes of an image, what is no text
     * stays bytes.
     *
     * @throws UncheckedIOException for text that is no UTF-8
     */
    private static JsonNode text(byte[] bytes, Type type) {
        try {
            return JSON.textNode(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
        } catch (CharacterCodingException e) {
            if (type.getLogicalTypeAnnotation() instanceof StringLogicalTypeAnnotation
                    || type.getLogicalTypeAnnotation() instanceof JsonLogicalTypeAnnotation) {
                throw new UncheckedIOException(e);
            }
            return JSON.binaryNode(bytes);
        }
    }

    /** Reads a list: current writers wrap each element in a group of one field, older ones repeat the element itself. */
    private static JsonNode list(Group list) {
        Type repeated = list.getType().getType(0);
        boolean wrapped = !repeated.isPrimitive() && repeated.asGroupType().getFieldCount() == 1
                && !repeated.getName().equals("array") && !repeated.getName().endsWith("_tuple");
        if (!wrapped) {
            return elements(list, 0);
        }
        ArrayNode elements = JSON.arrayNode();
        for (int i = 0; i < list.getFieldRepetitionCount(0); i++) {
            Group wrapper = list.getGroup(0, i);
            elements.add(wrapper.getFieldRepetitionCount(0) == 0 ? JSON.nullNode() : value(wrapper, 0, 0));
        }
        return elements;
    }

    private static JsonNode map(Group map) {
        ObjectNode entries = JSON.objectNode();
        for (int i = 0; i < map.getFieldRepetitionCount(0); i++) {
            Group entry = map.getGroup(0, i);
            entries.set(value(entry, 0, 0).asText(),
                    entry.getFieldRepetitionCount(1) == 0 ? JSON.nullNode() : value(entry, 1, 0));
        }
        return entries;
    }

    /** A file for Parquet, whose own class would use the local file system with checksums. */
    private record HadoopFile(FileSystem fs, Path path) implements InputFile {

        @Override
        public long getLength() throws IOException {
            return fs.getFileStatus(path).getLen();
        }

        @Override
        public SeekableInputStream newStream() throws IOException {
            return HadoopStreams.wrap(fs.open(path));
        }
    }

    private static final class DamagedFooterException extends Exception {

        private static final long serialVersionUID = 1;

        DamagedFooterException(Throwable cause) {
            super(cause);
        }
    }

    private record Damaged(Rejection rejection) implements ConversationReader.Records {

        @Override
        public InputRecord next(long index) {
            return index == 0 ? rejection : null;
        }

        @Override
        public void close() {}
    }
}
