/**
 * Models on this host: from a folder or a URI on any Hadoop file system to a folder whose files can be memory-mapped.
 *
 * <p>Owns the host's copies: where they lie, that they are whole, who uses them and which one goes when room is needed. Knows
 * Hadoop's file systems and the names of a model's files; must not know what is in them, Spark or recipes.
 */
package dev.aerie.host;

