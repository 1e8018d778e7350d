package dev.aerie.store;

import dev.aerie.store.ShardColumn.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

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
    private final List<ShardColumn> columns;

    /** @param selection the states whose columns there are, besides those of tokens */
    ShardSchema(StateLayout layout, StateSelection selection) {
        this.layout = layout;
        this.fields = selection.fields();
        List<ShardColumn> all = new ArrayList<>(List.of(
                new ShardColumn("conversation_id", Type.TEXT),
                new ShardColumn("part", Type.TEXT),
                new ShardColumn("conversation_tokens", Type.INTEGER),
                new ShardColumn("first_token", Type.INTEGER),
                new ShardColumn("tokens", Type.INTEGER),
                new ShardColumn("input_ids", Type.BINARY),
                new ShardColumn("loss_mask", Type.BINARY)));
        for (StateField field : fields) {
            field.columns(layout.codec()).forEach(column -> all.add(new ShardColumn(column, Type.BINARY)));
        }
        this.columns = List.copyOf(all);
    }

    StateLayout layout() {
        return layout;
    }

    /** Fields of the columns from {@link #STATES} on, each with the columns of all the codec's planes. */
    List<StateField> fields() {
        return fields;
    }

    List<ShardColumn> columns() {
        return columns;
    }

    /**
     * Refuses a file that lacks a column.
     *
     * @param found the file's columns
     * @throws IllegalArgumentException naming the first one that is missing or of another type
     */
    void requireIn(List<ShardColumn> found) {
        for (ShardColumn column : columns) {
            if (!found.contains(column)) {
                throw new IllegalArgumentException("columns " + found + " (expected among them " + column + ", for codec "
                        + layout.codec().name() + ")");
            }
        }
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
