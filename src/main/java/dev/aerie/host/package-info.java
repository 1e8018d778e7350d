/**
 * Models on this host: copies a model from a folder or a URI on any Hadoop file system to a folder whose files can be
 * memory-mapped.
 *
 * <p>Owns the host's copies: their location, integrity, use and eviction. Uses Hadoop's file systems and the names of a model's
 * files; must not depend on their content, Spark or recipes.
 */
package dev.aerie.host;

