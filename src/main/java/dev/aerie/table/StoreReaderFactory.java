package dev.aerie.table;

import dev.aerie.store.StateSelection;
import java.util.List;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.util.SerializableConfiguration;

/** Opens partitions on executors. */
record StoreReaderFactory(Broadcast<SerializableConfiguration> conf, RowKind rows, List<Column> columns)
        implements PartitionReaderFactory {

    @Override
    public PartitionReader<InternalRow> createReader(InputPartition partition) {
        StateSelection states = new StateSelection(
                columns.stream().filter(column -> column.content() == Content.AUX).map(Column::layer).toList(),
                columns.stream().anyMatch(column -> column.content() == Content.TEACHER));
        ConversationCursor cursor = new ConversationCursor(((StorePartition) partition).slices(), conf.value().value(), states);
        return rows == RowKind.TOKENS ? new TokenRows(cursor, columns) : new ConversationRows(cursor, columns);
    }
}
