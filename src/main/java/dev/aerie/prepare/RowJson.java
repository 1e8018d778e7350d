package dev.aerie.prepare;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.text.RecordJson;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.sql.Timestamp;
import java.time.ZoneOffset;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.unsafe.types.VariantVal;
import scala.jdk.javaapi.CollectionConverters;

/** Converts rows of Spark to JSON as {@link ParquetRecords} does rows of Parquet: a column is a key, and null means absent. */
final class RowJson {

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private RowJson() {}

    static ObjectNode object(Row row) {
        ObjectNode object = JSON.objectNode();
        StructField[] fields = row.schema().fields();
        for (int i = 0; i < fields.length; i++) {
            JsonNode value = value(row.get(i));
            if (!value.isNull()) {
                object.set(fields[i].name(), value);
            }
        }
        return object;
    }

    /** @return null as JSON for null, and for NaN and infinities, as in JSON that Python writes */
    static JsonNode value(Object value) {
        if (value == null) {
            return JSON.nullNode();
        } else if (value instanceof String text) {
            return JSON.textNode(text);
        } else if (value instanceof Row row) {
            return object(row);
        } else if (value instanceof scala.collection.Map<?, ?> map) {
            ObjectNode entries = JSON.objectNode();
            for (Map.Entry<?, ?> entry : CollectionConverters.asJava(map).entrySet()) {
                entries.set(String.valueOf(entry.getKey()), value(entry.getValue()));
            }
            return entries;
        } else if (value instanceof scala.collection.Iterable<?> list) {
            ArrayNode elements = JSON.arrayNode();
            CollectionConverters.asJava(list).forEach(element -> elements.add(value(element)));
            return elements;
        } else if (value instanceof Boolean flag) {
            return JSON.booleanNode(flag);
        } else if (value instanceof Double || value instanceof Float) {
            double number = ((Number) value).doubleValue();
            return !Double.isFinite(number) ? JSON.nullNode()
                    : value instanceof Float single ? JSON.numberNode(single) : JSON.numberNode(number);
        } else if (value instanceof BigDecimal number) {
            return JSON.numberNode(number);
        } else if (value instanceof Number number) {
            return JSON.numberNode(number.longValue());
        } else if (value instanceof byte[] bytes) {
            return bytes(bytes);
        } else if (value instanceof VariantVal variant) {
            return variant(variant);
        }
        // Dates and times, which no format reads; in UTC, so that they do not depend on the host.
        return JSON.textNode(value instanceof Timestamp time ? time.toInstant().toString() : value.toString());
    }

    private static JsonNode bytes(byte[] bytes) {
        try {
            return JSON.textNode(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
        } catch (CharacterCodingException e) {
            return JSON.binaryNode(bytes);
        }
    }

    private static JsonNode variant(VariantVal variant) {
        try {
            return RecordJson.mapper().readTree(variant.toJson(ZoneOffset.UTC));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
