package dev.aerie.store;

import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.BINARY;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.INT32;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Types;

/**
 * Columns and footer of a shard's file. The order of the columns is that of the constants, then of the fields and their planes.
 */
final class ShardSchema {

    static final int CONVERSATION = 0;
    static final int PART = 1;
    static final int CONVERSATION_TOKENS = 2;
    static final int FIRST_TOKEN = 3;
    static final int TOKENS = 4;
    static final int INPUT_IDS = 5;
    static final int LOSS_MASK = 6;
    static final int STATES = 7;

    private final StateLayout layout;
    private final List<StateField> fields;
    private final MessageType message;

    /** @param selection the states whose columns there are, besides those of tokens */
    ShardSchema(StateLayout layout, StateSelection selection) {
        this.layout = layout;
        this.fields = selection.fields();
        Types.GroupBuilder<MessageType> b = Types.buildMessage()
                .required(BINARY).as(LogicalTypeAnnotation.stringType()).named("conversation_id")
                .required(BINARY).as(LogicalTypeAnnotation.stringType()).named("part")
                .required(INT32).named("conversation_tokens")
                .required(INT32).named("first_token")
                .required(INT32).named("tokens")
                .required(BINARY).named("input_ids")
                .required(BINARY).named("loss_mask");
        for (StateField field : fields) {
            for (String column : field.columns(layout.codec())) {
                b = b.required(BINARY).named(column);
            }
        }
        message = b.named("hidden_states");
    }

    StateLayout layout() {
        return layout;
    }

    /** The columns as Parquet describes them. */
    MessageType message() {
        return message;
    }

    /** Fields of the columns from {@link #STATES} on, each with the columns of all the codec's planes. */
    List<StateField> fields() {
        return fields;
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
                "aerie.codec", settings.states().codec().name(),
                "aerie.hidden_size", Integer.toString(settings.states().hiddenSize()),
                "aerie.capture_layers",
                settings.states().captureLayers().stream().map(String::valueOf).collect(Collectors.joining(",")),
                "aerie.teacher_rows", settings.states().teacherRows().text(),
                "aerie.target", settings.fingerprints().target()));
    }
}
