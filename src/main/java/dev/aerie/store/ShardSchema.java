package dev.aerie.store;

import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.BINARY;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.INT32;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Types;

/** Columns and footer of a shard's file. Columns are ordered like the constants, then like the codec's. */
final class ShardSchema {

    static final int CONVERSATION = 0;
    static final int PART = 1;
    static final int CONVERSATION_TOKENS = 2;
    static final int FIRST_TOKEN = 3;
    static final int TOKENS = 4;
    static final int INPUT_IDS = 5;
    static final int LOSS_MASK = 6;
    static final int STATES = 7;

    private final List<String> aux;
    private final List<String> teacher;
    private final MessageType message;

    ShardSchema(Codec codec) {
        aux = codec.columns("aux");
        teacher = codec.columns("teacher");
        Types.GroupBuilder<MessageType> b = Types.buildMessage()
                .required(BINARY).as(LogicalTypeAnnotation.stringType()).named("conversation_id")
                .required(BINARY).as(LogicalTypeAnnotation.stringType()).named("part")
                .required(INT32).named("conversation_tokens")
                .required(INT32).named("first_token")
                .required(INT32).named("tokens")
                .required(BINARY).named("input_ids")
                .required(BINARY).named("loss_mask");
        for (String column : stateColumns()) {
            b = b.required(BINARY).named(column);
        }
        message = b.named("hidden_states");
    }

    MessageType message() {
        return message;
    }

    /** Returns the columns of {@code aux}, then those of {@code teacher}. */
    List<String> stateColumns() {
        List<String> out = new ArrayList<>(aux);
        out.addAll(teacher);
        return out;
    }

    int auxColumns() {
        return aux.size();
    }

    String name(int column) {
        return message.getFieldName(column);
    }

    int columns() {
        return message.getFieldCount();
    }

    /** Returns the footer's description of the states. It must not depend on host, time or attempt. */
    static Map<String, String> footer(StoreSettings settings, int shard) {
        // Sorted: the order of Map.of differs between JVMs, and with it the bytes of the file.
        return new TreeMap<>(Map.of(
                "aerie.format_version", Integer.toString(settings.formatVersion()),
                "aerie.shard", Integer.toString(shard),
                "aerie.codec", settings.codec().name(),
                "aerie.hidden_size", Integer.toString(settings.hiddenSize()),
                "aerie.capture_layers",
                settings.captureLayers().stream().map(String::valueOf).collect(Collectors.joining(",")),
                "aerie.teacher_rows", settings.teacherRows().text(),
                "aerie.target", settings.fingerprints().target()));
    }
}
