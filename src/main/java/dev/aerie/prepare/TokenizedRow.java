package dev.aerie.prepare;

import dev.aerie.store.Part;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * One conversation of the tokens table.
 *
 * @param position its place among all conversations of the run, which no other has
 * @param id unique among the conversations of a part
 * @param source the input it came from
 * @param part what it is for
 * @param ids token ids
 * @param supervised the loss mask, as long
 */
public record TokenizedRow(long position, String id, String source, Part part, int[] ids, boolean[] supervised)
        implements Serializable {

    /** Columns of the tokens table. */
    public static final StructType SCHEMA = new StructType()
            .add("position", DataTypes.LongType, false)
            .add("id", DataTypes.StringType, false)
            .add("source", DataTypes.StringType, false)
            .add("part", DataTypes.StringType, false)
            .add("input_ids", DataTypes.createArrayType(DataTypes.IntegerType, false), false)
            .add("loss_mask", DataTypes.createArrayType(DataTypes.BooleanType, false), false);

    public TokenizedRow {
        if (ids.length != supervised.length) {
            throw new IllegalArgumentException("Invalid conversation " + id + ": " + ids.length + " tokens and a mask of "
                    + supervised.length + " (expected as many)");
        }
    }

    static TokenizedRow of(Row row) {
        List<Integer> ids = row.getList(row.fieldIndex("input_ids"));
        List<Boolean> mask = row.getList(row.fieldIndex("loss_mask"));
        boolean[] supervised = new boolean[mask.size()];
        for (int i = 0; i < supervised.length; i++) {
            supervised[i] = mask.get(i);
        }
        return new TokenizedRow(
                row.getLong(row.fieldIndex("position")),
                row.getString(row.fieldIndex("id")),
                row.getString(row.fieldIndex("source")),
                Part.of(row.getString(row.fieldIndex("part"))),
                ids.stream().mapToInt(Integer::intValue).toArray(),
                supervised);
    }

    /** As {@link #SCHEMA} says. */
    public Row toRow() {
        List<Integer> numbers = new ArrayList<>(ids.length);
        List<Boolean> mask = new ArrayList<>(ids.length);
        for (int i = 0; i < ids.length; i++) {
            numbers.add(ids[i]);
            mask.add(supervised[i]);
        }
        return RowFactory.create(position, id, source, part.text(), numbers, mask);
    }

    /** Tokens before the first supervised one: up to and including the assistant's header, where a generation starts. */
    int promptTokens() {
        for (int i = 0; i < supervised.length; i++) {
            if (supervised[i]) {
                return i;
            }
        }
        return ids.length;
    }
}
