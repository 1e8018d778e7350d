package dev.aerie.prepare;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.text.ConversationFormat;
import dev.aerie.text.ConversationReader;
import dev.aerie.text.InputRecord;
import dev.aerie.text.RecordJson;
import dev.aerie.text.Rejection;
import java.io.Serializable;
import java.util.Map;
import org.apache.spark.sql.Row;

/**
 * Makes the records of one table or query, in two steps: a row as the JSON that a file would hold, by which rows are also
 * ordered, and then a conversation.
 *
 * @param name of the table, the source of records that have none of their own
 */
record TableRecord(String name, ConversationFormat format) implements Serializable {

    /**
     * Returns the JSON of a row with the columns {@link InputTable#CONVERSATION}, {@link InputTable#ID} and {@link
     * InputTable#REST}.
     */
    String json(Row row) {
        ObjectNode record = RowJson.object(row.getStruct(row.fieldIndex(InputTable.REST)));
        JsonNode said = RowJson.value(row.getAs(InputTable.CONVERSATION));
        if (!said.isNull()) {
            add(said, record);
        }
        JsonNode id = RowJson.value(row.getAs(InputTable.ID));
        if (!id.isNull()) {
            record.set("id", id);
        }
        return text(record);
    }

    /** Adds a whole record, or turns under the key that the format reads. */
    private void add(JsonNode said, ObjectNode record) {
        JsonNode parsed = format == ConversationFormat.PREFORMATTED ? said : RecordJson.inside(said);
        if (parsed.isObject()) {
            for (Map.Entry<String, JsonNode> field : parsed.properties()) {
                record.set(field.getKey(), field.getValue());
            }
        } else {
            record.set(format.keyOf(parsed), said);
        }
    }

    /**
     * @param json as {@link #json} makes it
     * @param index the row's place in the table's order
     * @param valid whether all text of the row is UTF-8
     */
    InputRecord read(String json, String source, long index, boolean valid) {
        String from = source == null || source.isBlank() ? name : source;
        String unnamed = name + "#" + index;
        if (!valid) {
            return new Rejection(unnamed, from, "invalid UTF-8", json);
        }
        JsonNode node;
        try {
            node = RecordJson.mapper().readTree(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("row " + unnamed + " did not survive its own JSON", e);
        }
        return RecordJson.characters(node) > RecordJson.MAX_BYTES
                ? new Rejection(unnamed, from, "a row of over " + RecordJson.MAX_BYTES + " bytes, of which nothing is read", "")
                : ConversationReader.record(node, from, unnamed, format);
    }

    private static String text(JsonNode record) {
        try {
            return RecordJson.mapper().writeValueAsString(record);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
