package dev.aerie.table;

import dev.aerie.store.StateLayout;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * A column of the table.
 *
 * @param layer the captured layer of {@link Content#AUX}; 0 for others
 * @param nullable whether a row may have no value
 */
record Column(String name, Content content, int layer, DataType type, boolean nullable) implements Serializable {

    private static final ArrayType STATE = DataTypes.createArrayType(DataTypes.FloatType, false);
    private static final ArrayType STATES = DataTypes.createArrayType(STATE, false);
    private static final ArrayType INTEGERS = DataTypes.createArrayType(DataTypes.IntegerType, false);
    private static final ArrayType BOOLEANS = DataTypes.createArrayType(DataTypes.BooleanType, false);

    /** Returns the columns of a store. */
    static List<Column> of(StateLayout layout, RowKind rows) {
        List<Column> columns = new ArrayList<>(List.of(
                column("id", Content.ID, DataTypes.StringType),
                column("part", Content.PART, DataTypes.StringType),
                column("source", Content.SOURCE, DataTypes.StringType)));
        boolean whole = rows == RowKind.CONVERSATIONS;
        columns.addAll(whole
                ? List.of(column("shard", Content.SHARD, DataTypes.IntegerType),
                        column("tokens", Content.TOKENS, DataTypes.IntegerType),
                        column("supervised", Content.SUPERVISED, DataTypes.IntegerType),
                        column("input_ids", Content.INPUT_IDS, INTEGERS),
                        column("loss_mask", Content.LOSS_MASK, BOOLEANS))
                : List.of(column("position", Content.POSITION, DataTypes.IntegerType),
                        column("input_id", Content.INPUT_ID, DataTypes.IntegerType),
                        column("supervised", Content.IS_SUPERVISED, DataTypes.BooleanType)));
        for (int layer : layout.captureLayers()) {
            columns.add(new Column(StateLayout.auxName(layer), Content.AUX, layer, whole ? STATES : STATE, false));
        }
        if (whole) {
            columns.add(column("teacher_rows", Content.TEACHER_ROWS, INTEGERS));
        }
        columns.add(new Column("teacher", Content.TEACHER, 0, whole ? STATES : STATE, !whole));
        return columns;
    }

    private static Column column(String name, Content content, DataType type) {
        return new Column(name, content, 0, type, false);
    }

    static StructType schema(List<Column> columns) {
        StructType schema = new StructType();
        for (Column column : columns) {
            schema = schema.add(column.name(), column.type(), column.nullable());
        }
        return schema;
    }
}
