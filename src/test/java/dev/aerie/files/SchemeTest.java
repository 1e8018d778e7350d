package dev.aerie.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.net.URI;
import org.junit.jupiter.api.Test;

class SchemeTest {

    private static Scheme of(String uri) {
        return Scheme.of(URI.create(uri));
    }

    private static String fileSystem(String uri) {
        return Scheme.fileSystem(URI.create(uri));
    }

    @Test
    void knowsTheKindsOfFileSystems() {
        assertEquals(Scheme.LOCAL, of("file:/a/b"));
        assertEquals(Scheme.LOCAL, of("FILE:///a/b"));
        assertEquals(Scheme.HDFS, of("hdfs://namenode:8020/a"));
        assertEquals(Scheme.HDFS, of("viewfs://cluster/a"));
        assertEquals(Scheme.S3A, of("s3a://bucket/a"));
        assertEquals(Scheme.OTHER, of("s3://bucket/a"));
        assertEquals(Scheme.OTHER, of("gs://bucket/a"));
        assertThrows(IllegalArgumentException.class, () -> of("/a/b"));
    }

    @Test
    void oneFileSystemHasOneName() {
        assertEquals(fileSystem("s3a://bucket/a"), fileSystem("S3://Bucket/b"));
        assertEquals(fileSystem("file:/a"), fileSystem("file:///b"));
        assertNotEquals(fileSystem("s3a://one/a"), fileSystem("s3a://other/a"));
        assertNotEquals(fileSystem("hdfs://bucket/a"), fileSystem("s3a://bucket/a"));
    }
}
