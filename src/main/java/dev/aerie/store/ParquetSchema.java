package dev.aerie.store;

import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.BINARY;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.INT32;

import java.util.ArrayList;
import java.util.List;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;

/** The columns of a shard as Parquet describes them. */
final class ParquetSchema {

    private ParquetSchema() {}

    static MessageType of(ShardSchema schema) {
        return new MessageType("hidden_states", schema.columns().stream().map(ParquetSchema::type).toList());
    }

    private static Type type(ShardColumn column) {
        return switch (column.type()) {
            case TEXT -> Types.required(BINARY).as(LogicalTypeAnnotation.stringType()).named(column.name());
            case INTEGER -> Types.required(INT32).named(column.name());
            case BINARY -> Types.required(BINARY).named(column.name());
        };
    }

    /** Returns a file's columns, those of other types left out. */
    static List<ShardColumn> columns(MessageType file) {
        List<ShardColumn> found = new ArrayList<>();
        for (Type column : file.getFields()) {
            for (ShardColumn.Type type : ShardColumn.Type.values()) {
                ShardColumn read = new ShardColumn(column.getName(), type);
                if (type(read).equals(column)) {
                    found.add(read);
                }
            }
        }
        return found;
    }
}
