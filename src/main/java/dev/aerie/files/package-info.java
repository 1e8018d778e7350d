/**
 * A folder on any Hadoop file system: reading files there, and writing them such that no reader sees a part of one.
 *
 * <p>Owns the differences between file systems: which call makes a file visible, and which of two writers wins. Must not depend
 * on what the files hold.
 */
package dev.aerie.files;
