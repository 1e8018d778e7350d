package dev.aerie.table;

import java.util.List;
import org.apache.spark.sql.connector.read.InputPartition;

/** What one task reads: conversations of one shard, or of many if the markers say all that is wanted. */
record StorePartition(List<ShardSlice> slices) implements InputPartition {}
