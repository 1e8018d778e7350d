package dev.aerie.table;

import dev.aerie.store.StoredConversation;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.expressions.UnsafeArrayData;
import org.apache.spark.sql.connector.read.PartitionReader;

/** A row for each token. */
final class TokenRows implements PartitionReader<InternalRow> {

    private final ConversationCursor cursor;
    private final List<Column> columns;
    /** At the columns of states; null at others. */
    private final List<Iterator<float[]>> states = new ArrayList<>();
    private final Object[] row;
    private int position = -1;
    private int tokens;
    private int[] inputIds;
    private boolean[] lossMask;
    private int[] teacherRows;
    private int nextTeacherRow;

    TokenRows(ConversationCursor cursor, List<Column> columns) {
        this.cursor = cursor;
        this.columns = columns;
        this.row = new Object[columns.size()];
    }

    @Override
    public boolean next() throws IOException {
        if (++position >= tokens) {
            if (!cursor.next()) {
                return false;
            }
            open();
        }
        for (int c = 0; c < row.length; c++) {
            row[c] = value(columns.get(c), c);
        }
        if (teacherRows != null && isTeacherRow()) {
            nextTeacherRow++;
        }
        return true;
    }

    private void open() {
        position = 0;
        tokens = cursor.listed().entry().tokens();
        StoredConversation stored = cursor.stored();
        if (stored == null) {
            return;
        }
        inputIds = stored.sequence().inputIds();
        lossMask = stored.sequence().lossMask();
        teacherRows = stored.teacherRows();
        nextTeacherRow = 0;
        states.clear();
        for (Column column : columns) {
            states.add(switch (column.content()) {
                case AUX -> stored.auxRows(column.layer());
                case TEACHER -> stored.teacherStateRows();
                default -> null;
            });
        }
    }

    private boolean isTeacherRow() {
        return nextTeacherRow < teacherRows.length && teacherRows[nextTeacherRow] == position;
    }

    private Object value(Column column, int index) {
        return switch (column.content()) {
            case POSITION -> position;
            case INPUT_ID -> inputIds[position];
            case IS_SUPERVISED -> lossMask[position];
            case AUX -> UnsafeArrayData.fromPrimitiveArray(states.get(index).next());
            case TEACHER -> isTeacherRow() ? UnsafeArrayData.fromPrimitiveArray(states.get(index).next()) : null;
            default -> cursor.listed().value(column.content());
        };
    }

    @Override
    public InternalRow get() {
        return new GenericInternalRow(row.clone());
    }

    @Override
    public void close() {
        cursor.close();
    }
}
