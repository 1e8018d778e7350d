package dev.aerie.prepare;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.forall;
import static org.apache.spark.sql.functions.is_valid_utf8;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.map_keys;
import static org.apache.spark.sql.functions.map_values;
import static org.apache.spark.sql.functions.sha2;
import static org.apache.spark.sql.functions.struct;

import dev.aerie.clean.SparkWords;
import dev.aerie.errors.RefusalException;
import dev.aerie.text.ConversationFormat;
import dev.aerie.text.InputRecord;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.spark.SparkException;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.ByteType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.IntegerType;
import org.apache.spark.sql.types.LongType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.ShortType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.types.VariantType;
import scala.Tuple2;

/**
 * A table, a view or a query of the inputs.
 *
 * <p>The rows of a table have no order, so they get one: that of their id, and among rows without an id, or with the same one,
 * that of the SHA-256 of their content. Rows that are still equal are the same record twice, and either may come first.
 */
public final class InputTable {

    static final String ID = "id";
    static final String CONVERSATION = "conversation";
    static final String SOURCE = "source";
    static final String REST = "rest";
    private static final String VALID = "valid";
    private static final String JSON = "json";

    private final int number;
    private final long limit;
    private final TableRecord records;
    private final Dataset<Row> rows;

    private InputTable(int number, long limit, TableRecord records, Dataset<Row> rows) {
        this.number = number;
        this.limit = limit;
        this.records = records;
        this.rows = rows;
    }

    /**
     * Finds the table or analyses the query; reads no row.
     *
     * @param number its index among all files and tables, which determines the position of its records
     * @param input of a table or a query
     * @param at the input's index in the recipe
     * @throws RefusalException in one sentence, if there is no such table or column, a column has another type, or the query is
     *     none
     */
    public static InputTable find(SparkSession spark, IngestSettings.Input input, int number, int at) {
        String key = "data.inputs[" + at + "]";
        Dataset<Row> rows;
        String name;
        IngestSettings.Columns columns;
        if (input.origin() instanceof IngestSettings.Table table) {
            rows = table(spark, table.name(), key);
            name = table.name();
            columns = table.columns();
        } else if (input.origin() instanceof IngestSettings.Query query) {
            rows = query(spark, query.sql(), key);
            name = key;
            columns = query.columns();
        } else {
            throw new IllegalArgumentException("Invalid input: " + input + " (expected a table or a query)");
        }
        return new InputTable(number, input.limit(), new TableRecord(name, input.format()),
                new Projection(rows, columns, input.format(), key).rows());
    }

    private static Dataset<Row> table(SparkSession spark, String name, String key) {
        try {
            return spark.table(name);
        } catch (Exception e) {
            throw refusal(e, key + ".table: " + name, "a table or view that the catalogs of this session know; others are added by "
                    + "--conf spark.sql.catalog.NAME=...");
        }
    }

    private static Dataset<Row> query(SparkSession spark, String sql, String key) {
        try {
            // A statement such as DROP TABLE would be executed; the grammar of a query does not take one.
            ((org.apache.spark.sql.classic.SparkSession) spark).sessionState().sqlParser().parseQuery(sql);
            return spark.sql(sql);
        } catch (Exception e) {
            throw refusal(e, key + ".query: " + sql.strip(), "one query in Spark SQL");
        }
    }

    /** Spark's methods do not declare the checked exceptions that they throw. */
    private static RefusalException refusal(Exception e, String what, String expected) {
        if (e instanceof AnalysisException || e instanceof SparkException) {
            return new RefusalException("Invalid " + what + " (expected " + expected + "; Spark says: " + SparkWords.of(e) + ")", e);
        }
        throw e instanceof RuntimeException runtime ? runtime : new IllegalStateException(e);
    }

    /** Returns the rows of {@link RecordRow}. */
    Dataset<Row> read() {
        long first = InputFile.firstPosition(number);
        long most = limit;
        TableRecord reading = records;
        JavaRDD<Row> read = ordered().toJavaRDD().zipWithIndex()
                .filter(row -> most == 0 || row._2() < most)
                .map(row -> RecordRow.of(first + row._2(), record(reading, row)));
        return rows.sparkSession().createDataFrame(read, RecordRow.SCHEMA);
    }

    /** @return null where the table has fewer records */
    public InputRecord record(long index) {
        List<Tuple2<Row, Long>> found = ordered().toJavaRDD().zipWithIndex().filter(row -> row._2() == index).take(1);
        return found.isEmpty() ? null : record(records, found.get(0));
    }

    private static InputRecord record(TableRecord reading, Tuple2<Row, Long> row) {
        return reading.read(row._1().getAs(JSON), row._1().getAs(SOURCE), row._2(), row._1().<Boolean>getAs(VALID));
    }

    private Dataset<Row> ordered() {
        TableRecord reading = records;
        JavaRDD<Row> json = rows.toJavaRDD().map(row -> RowFactory.create(
                row.<Object>getAs(ID), row.getAs(SOURCE), row.getAs(VALID), reading.json(row)));
        StructType schema = new StructType()
                .add(ID, rows.schema().apply(ID).dataType(), true)
                .add(SOURCE, DataTypes.StringType, true)
                .add(VALID, DataTypes.BooleanType, false)
                .add(JSON, DataTypes.StringType, false);
        return rows.sparkSession().createDataFrame(json, schema)
                .orderBy(col(ID).asc_nulls_last(), sha2(col(JSON), 256), col(SOURCE));
    }

    /** The columns of a table under the names of this class, once they are found to be of the right types. */
    private record Projection(Dataset<Row> table, IngestSettings.Columns columns, ConversationFormat format, String key) {

        Dataset<Row> rows() {
            Set<String> used = new HashSet<>();
            Column id = id(used);
            Column conversation = conversation(used);
            Column source = source(used);
            List<Column> rest = new ArrayList<>();
            for (StructField field : table.schema().fields()) {
                if (!used.contains(field.name())) {
                    rest.add(column(field.name()));
                }
            }
            Column others = rest.isEmpty() ? struct(lit(null).cast("string").as("none")) : struct(rest.toArray(Column[]::new));
            Dataset<Row> named = table.select(
                    id.as(ID), conversation.as(CONVERSATION), source.as(SOURCE), others.as(REST));
            Column valid = Arrays.stream(named.schema().fields())
                    .map(field -> valid(col(field.name()), field.dataType())).reduce(Column::and).orElseThrow();
            return named.withColumn(VALID, valid);
        }

        private Column id(Set<String> used) {
            Column id;
            if (columns.id() == null) {
                String found = ConversationFormat.ID_KEYS.stream().filter(this::has).findFirst().orElse(null);
                if (found == null || !isId(type(column(found)))) {
                    return lit(null).cast("string");
                }
                id = column(found);
                used.add(found);
            } else {
                id = named("id", columns.id(), used);
                require(isId(type(id)), "id", columns.id(), id, "a column of text or whole numbers");
                used.addAll(ConversationFormat.ID_KEYS);
            }
            return id;
        }

        private Column conversation(Set<String> used) {
            if (columns.conversation() == null) {
                if (format.keys().stream().noneMatch(this::has)) {
                    throw new RefusalException("Missing " + key + ".columns.conversation (expected one of the columns "
                            + String.join(", ", table.columns()) + ", as none is called " + String.join(" or ", format.keys())
                            + ")");
                }
                return lit(null).cast("string");
            }
            Column conversation = named("conversation", columns.conversation(), used);
            require(isConversation(type(conversation)), "conversation", columns.conversation(), conversation,
                    format == ConversationFormat.PREFORMATTED ? "a column of text" : "a column with a list of turns, a struct, or "
                            + "JSON as text");
            used.addAll(format.keys());
            return conversation;
        }

        private Column source(Set<String> used) {
            if (columns.source() == null) {
                return lit(null).cast("string");
            }
            Column source = named("source", columns.source(), used);
            require(type(source) instanceof StringType, "source", columns.source(), source, "a column of text");
            return source;
        }

        private void require(boolean fits, String role, String name, Column column, String expected) {
            if (!fits) {
                throw new RefusalException("Invalid " + key + ".columns." + role + ": " + name + " is of type "
                        + type(column).simpleString() + " (expected " + expected + ")");
            }
        }

        private static boolean isId(DataType type) {
            return type instanceof StringType || type instanceof LongType || type instanceof IntegerType
                    || type instanceof ShortType || type instanceof ByteType;
        }

        private boolean isConversation(DataType type) {
            if (format == ConversationFormat.PREFORMATTED) {
                return type instanceof StringType;
            }
            DataType turn = type instanceof ArrayType list ? list.elementType() : type;
            return turn instanceof StringType || turn instanceof StructType || turn instanceof VariantType
                    || turn instanceof MapType map && map.keyType() instanceof StringType;
        }

        /** Returns the column that the recipe names; one that is no part of a struct is not read under its own name too. */
        private Column named(String role, String name, Set<String> used) {
            try {
                Column column = table.col(name);
                type(column);
                Stream.of(table.columns()).filter(known -> same(known, name)).forEach(used::add);
                return column;
            } catch (Exception e) {
                if (e instanceof AnalysisException) {
                    throw new RefusalException("Invalid " + key + ".columns." + role + ": " + name + " (expected one of the columns "
                            + String.join(", ", table.columns()) + ")", e);
                }
                throw e;
            }
        }

        private boolean same(String column, String name) {
            String bare = name.startsWith("`") && name.endsWith("`") ? name.substring(1, name.length() - 1) : name;
            return Boolean.parseBoolean(table.sparkSession().conf().get("spark.sql.caseSensitive"))
                    ? column.equals(bare) : column.equalsIgnoreCase(bare);
        }

        private DataType type(Column column) {
            return table.select(column.as("one")).schema().fields()[0].dataType();
        }

        private boolean has(String name) {
            return Arrays.asList(table.columns()).contains(name);
        }

        private Column column(String name) {
            return table.col("`" + name.replace("`", "``") + "`");
        }

        /** Returns whether all text inside a value is UTF-8: Spark would silently replace what is not. */
        private static Column valid(Column value, DataType type) {
            Column valid = lit(true);
            if (type instanceof StringType) {
                valid = is_valid_utf8(value);
            } else if (type instanceof ArrayType list) {
                valid = holdsText(list.elementType()) ? forall(value, element -> valid(element, list.elementType())) : valid;
            } else if (type instanceof MapType map) {
                Column keys = holdsText(map.keyType()) ? forall(map_keys(value), one -> valid(one, map.keyType())) : valid;
                valid = holdsText(map.valueType())
                        ? keys.and(forall(map_values(value), one -> valid(one, map.valueType()))) : keys;
            } else if (type instanceof StructType struct) {
                for (StructField field : struct.fields()) {
                    if (holdsText(field.dataType())) {
                        valid = valid.and(valid(value.getField(field.name()), field.dataType()));
                    }
                }
            }
            return coalesce(valid, lit(true));
        }

        private static boolean holdsText(DataType type) {
            return type instanceof StringType
                    || type instanceof ArrayType list && holdsText(list.elementType())
                    || type instanceof MapType map && (holdsText(map.keyType()) || holdsText(map.valueType()))
                    || type instanceof StructType struct && Arrays.stream(struct.fields()).anyMatch(f -> holdsText(f.dataType()));
        }
    }
}
