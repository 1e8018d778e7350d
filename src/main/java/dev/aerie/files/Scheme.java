package dev.aerie.files;

import java.net.URI;
import java.util.Locale;

/** The kinds of file systems that Aerie tells apart. No other class knows the names of schemes. */
public enum Scheme {
    /** A disk of this machine. */
    LOCAL,
    /** HDFS, by whichever of its clients. */
    HDFS,
    /** S3 by Hadoop's own client. */
    S3A,
    /** Whatever else has a Hadoop client. */
    OTHER;

    /**
     * The kind of a URI's file system.
     *
     * @throws IllegalArgumentException if it has no scheme
     */
    public static Scheme of(URI uri) {
        if (!uri.isAbsolute()) {
            throw new IllegalArgumentException("Invalid URI: " + uri + " (expected one with a scheme)");
        }
        return switch (uri.getScheme().toLowerCase(Locale.ROOT)) {
            case "file" -> LOCAL;
            case "hdfs", "viewfs", "webhdfs", "swebhdfs" -> HDFS;
            case "s3a" -> S3A;
            default -> OTHER;
        };
    }

    /** Scheme and authority, the same for all URIs of one file system: s3, s3n and s3a name the same buckets. */
    public static String fileSystem(URI uri) {
        String scheme = uri.getScheme().toLowerCase(Locale.ROOT).replaceFirst("^s3[an]$", "s3");
        return scheme + "://" + (uri.getAuthority() == null ? "" : uri.getAuthority().toLowerCase(Locale.ROOT));
    }
}
