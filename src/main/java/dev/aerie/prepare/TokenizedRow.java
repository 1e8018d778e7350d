package dev.aerie.prepare;

import dev.aerie.store.Part;
import dev.aerie.text.TokenSequence;
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
 * @param sequence its tokens and loss mask
 * @param contentHash SHA-256, hexadecimal, of what was said, by which an append knows it again; null if it was made from no
 *     record
 */
public record TokenizedRow(long position, String id, String source, Part part, TokenSequence sequence, String contentHash)
        implements Serializable {

    TokenizedRow(long position, String id, String source, Part part, TokenSequence sequence) {
        this(position, id, source, part, sequence, null);
    }

    /** Columns of the tokens table. */
    public static final StructType SCHEMA = new StructType()
            .add("position", DataTypes.LongType, false)
            .add("id", DataTypes.StringType, false)
            .add("source", DataTypes.StringType, false)
            .add("part", DataTypes.StringType, false)
            .add("input_ids", DataTypes.createArrayType(DataTypes.IntegerType, false), false)
            .add("loss_mask", DataTypes.createArrayType(DataTypes.BooleanType, false), false)
            .add("content_hash", DataTypes.StringType, true);

    static TokenizedRow of(Row row) {
        List<Integer> ids = row.getList(row.fieldIndex("input_ids"));
        List<Boolean> mask = row.getList(row.fieldIndex("loss_mask"));
        boolean[] lossMask = new boolean[mask.size()];
        for (int i = 0; i < lossMask.length; i++) {
            lossMask[i] = mask.get(i);
        }
        return new TokenizedRow(
                row.getLong(row.fieldIndex("position")),
                row.getString(row.fieldIndex("id")),
                row.getString(row.fieldIndex("source")),
                Part.of(row.getString(row.fieldIndex("part"))),
                new TokenSequence(ids.stream().mapToInt(Integer::intValue).toArray(), lossMask),
                row.getAs("content_hash"));
    }

    /** As {@link #SCHEMA} says. */
    public Row toRow() {
        List<Integer> ids = new ArrayList<>(sequence.length());
        List<Boolean> mask = new ArrayList<>(sequence.length());
        for (int i = 0; i < sequence.length(); i++) {
            ids.add(sequence.inputIds()[i]);
            mask.add(sequence.lossMask()[i]);
        }
        return RowFactory.create(position, id, source, part.text(), ids, mask, contentHash);
    }

    /** As {@link PlannedTokens#SCHEMA} says, for rows of an RDD: their arrays are Java's. */
    Row toRow(int shard, int place) {
        return RowFactory.create(position, id, source, part.text(), sequence.inputIds(), sequence.lossMask(), contentHash,
                shard, place);
    }
}
