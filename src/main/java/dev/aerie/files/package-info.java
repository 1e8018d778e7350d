/**
 * A folder on any Hadoop file system: how files are read there, and how they are written such that nobody sees a part of one.
 *
 * <p>Owns what differs between file systems: which call makes a file visible, and which of two writers wins. Must not know what
 * the files hold.
 */
package dev.aerie.files;
