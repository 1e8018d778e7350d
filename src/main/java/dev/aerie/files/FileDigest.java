package dev.aerie.files;

/**
 * What was written into a file, to tell a damaged one by.
 *
 * @param sha256 hexadecimal
 */
public record FileDigest(long bytes, String sha256) {}
