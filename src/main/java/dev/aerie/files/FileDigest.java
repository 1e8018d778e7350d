package dev.aerie.files;

/**
 * The length and digest of a written file, by which damage is detected.
 *
 * @param sha256 hexadecimal
 */
public record FileDigest(long bytes, String sha256) {}
