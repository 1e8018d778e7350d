/**
 * The hidden-state store as a table of Spark: {@code spark.read.format("aerie").load(store)}, docs/table.md.
 *
 * <p>Owns the columns, what is pushed down, and the rows. Reads stores by {@code store} alone, needs no libtorch, and must not
 * depend on the stages: the jar is used without them.
 */
package dev.aerie.table;
