package dev.aerie.table;

import dev.aerie.store.StoredConversation;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.expressions.UnsafeArrayData;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.sql.connector.read.PartitionReader;

/** A row for each conversation. */
final class ConversationRows implements PartitionReader<InternalRow> {

    private final ConversationCursor cursor;
    private final List<Column> columns;

    ConversationRows(ConversationCursor cursor, List<Column> columns) {
        this.cursor = cursor;
        this.columns = columns;
    }

    @Override
    public boolean next() throws IOException {
        return cursor.next();
    }

    @Override
    public InternalRow get() {
        return new GenericInternalRow(columns.stream().map(this::value).toArray());
    }

    private Object value(Column column) {
        StoredConversation stored = cursor.stored();
        return switch (column.content()) {
            case INPUT_IDS -> UnsafeArrayData.fromPrimitiveArray(stored.sequence().inputIds());
            case LOSS_MASK -> UnsafeArrayData.fromPrimitiveArray(stored.sequence().lossMask());
            case TEACHER_ROWS -> UnsafeArrayData.fromPrimitiveArray(stored.teacherRows());
            case AUX -> rows(stored.auxRows(column.layer()));
            case TEACHER -> rows(stored.teacherStateRows());
            default -> cursor.listed().value(column.content());
        };
    }

    private static GenericArrayData rows(Iterator<float[]> states) {
        List<Object> rows = new ArrayList<>();
        states.forEachRemaining(state -> rows.add(UnsafeArrayData.fromPrimitiveArray(state)));
        return new GenericArrayData(rows.toArray());
    }

    @Override
    public void close() {
        cursor.close();
    }
}
