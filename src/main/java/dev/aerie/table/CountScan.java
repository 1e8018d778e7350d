package dev.aerie.table;

import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.connector.expressions.filter.Predicate;
import org.apache.spark.sql.connector.read.LocalScan;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** The answer to {@code count(*)}, known to the driver from the markers. */
record CountScan(StoreSelection selection, List<Predicate> pushed) implements LocalScan {

    @Override
    public StructType readSchema() {
        return new StructType().add("count", DataTypes.LongType, false);
    }

    @Override
    public String description() {
        return "aerie " + selection.store().uri() + ", count of the markers, conditions " + pushed;
    }

    @Override
    public InternalRow[] rows() {
        return new InternalRow[] {new GenericInternalRow(new Object[] {selection.rows()})};
    }
}
