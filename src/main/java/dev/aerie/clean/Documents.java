package dev.aerie.clean;

import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** The table that is cleaned. */
public final class Documents {

    /** A row for a conversation; the text of its turns is joined by line ends, and rendered text has 0 turns. */
    public static final StructType SCHEMA = new StructType()
            .add("position", DataTypes.LongType, false)
            .add("id", DataTypes.StringType, false)
            .add("source", DataTypes.StringType, false)
            .add("turns", DataTypes.IntegerType, false)
            .add("text", DataTypes.StringType, false);

    private Documents() {}
}
