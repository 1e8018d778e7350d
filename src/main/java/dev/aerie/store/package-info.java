/**
 * The hidden-state store: a directory on any Hadoop file system.
 *
 * <p>Owns the schema, the codecs, shards and their commit markers, fingerprints, the manifest and verification. Uses Parquet,
 * Arrow's file format and Hadoop's file systems; must not depend on models, Spark or recipes.
 */
package dev.aerie.store;
