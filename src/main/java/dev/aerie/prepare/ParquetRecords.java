package dev.aerie.prepare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.text.ConversationReader;
import dev.aerie.text.RecordFormat;
import dev.aerie.text.InputRecord;
import dev.aerie.text.Rejection;
import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation.ListLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.MapLogicalTypeAnnotation;
import org.apache.parquet.schema.Type;

/**
 * Rows of a Parquet file, read as the same records in JSON would be: a column is a key, a list of structs a list of objects, and what
 * is null is not there. Damage costs what follows, and a rejection says so.
 */
final class ParquetRecords implements ConversationReader.Records {

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final ParquetReader<Group> reader;
    private final String name;
    private final RecordFormat format;
    private boolean lost;

    private ParquetRecords(ParquetReader<Group> reader, String name, RecordFormat format) {
        this.reader = reader;
        this.name = name;
        this.format = format;
    }

    static boolean isParquet(String name) {
        return name.endsWith(".parquet");
    }

    /** @throws IOException if the file cannot be read; one that is no Parquet is a rejection */
    static ConversationReader open(Path path, Configuration conf, RecordFormat format) throws IOException {
        return new ConversationReader(new ParquetRecords(
                ParquetReader.builder(new GroupReadSupport(), path).withConf(conf).build(), path.toString(), format));
    }

    @Override
    public InputRecord next(long index) throws IOException {
        if (lost) {
            return null;
        }
        try {
            Group row = reader.read();
            return row == null ? null : ConversationReader.record(object(row), name, index, format);
        } catch (IOException e) {
            // A store that cannot be reached is the job's affair, a page that cannot be read the file's.
            if (e.getCause() == null || !e.getCause().getClass().getName().contains("parquet")) {
                throw new IOException("cannot read " + name, e);
            }
            return damage(index, e);
        } catch (RuntimeException e) {
            return damage(index, e);
        }
    }

    private Rejection damage(long index, Exception e) {
        lost = true;
        String reason = String.valueOf(e.getMessage()).lines().findFirst().orElse(e.getClass().getSimpleName());
        return new Rejection(name.substring(name.lastIndexOf('/') + 1) + "#" + index, name,
                "the Parquet file is damaged: " + reason + "; what follows is lost", "");
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
            case BINARY, FIXED_LEN_BYTE_ARRAY -> JSON.textNode(group.getBinary(field, place).toStringUsingUTF8());
            case INT32 -> JSON.numberNode(group.getInteger(field, place));
            case INT64 -> JSON.numberNode(group.getLong(field, place));
            case FLOAT -> JSON.numberNode(group.getFloat(field, place));
            case DOUBLE -> JSON.numberNode(group.getDouble(field, place));
            case BOOLEAN -> JSON.booleanNode(group.getBoolean(field, place));
            default -> JSON.textNode(group.getValueToString(field, place));
        };
    }

    /** Today's lists wrap each element in a group of one field; older writers repeat the element itself. */
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
}
