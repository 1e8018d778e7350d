package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.testing.RemoteFiles;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is wrong with the way to a file system is said in one sentence, and soon. */
@Timeout(120)
class PlacesIT {

    @Test
    void anS3ThatRefusesUs() throws IOException {
        Map<String, String> right = RemoteFiles.S3.settings();
        String uri = RemoteFiles.S3.newFolder();
        for (String key : List.of("fs.s3a.secret.key", "fs.s3a.access.key")) {
            says("Invalid STORE: \"" + uri + "\": ", "expected credentials that may read it", with(right, key, "wrong"), uri);
        }
        String elsewhere = uri.replaceFirst("//[^/]+/", "//no-such-bucket/");
        says("Invalid STORE: \"" + elsewhere + "\": ", "expected a bucket that there is at fs.s3a.endpoint http://127.0.0.1:",
                right,
                elsewhere);
    }

    @Test
    void aServerThatIsNotThere() throws IOException {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        String endpoint = "http://127.0.0.1:" + port;
        says("Connection refused", "(expected an answer from fs.s3a.endpoint " + endpoint + ")",
                with(RemoteFiles.S3.settings(), "fs.s3a.endpoint", endpoint), RemoteFiles.S3.newFolder());
        says("Connection refused", "(expected an answer from hdfs://127.0.0.1:" + port + ")",
                Map.of(), "hdfs://127.0.0.1:" + port + "/store");
        says("unknown host no-such-host.invalid", "(expected an answer from ",
                with(RemoteFiles.S3.settings(), "fs.s3a.endpoint", "http://no-such-host.invalid"), RemoteFiles.S3.newFolder());
    }

    /** Connects and says nothing, as behind a firewall. */
    @Test
    void aServerThatIsSilent() throws IOException {
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            says("hdfs://127.0.0.1:" + silent.getLocalPort() + "/store", "(expected ",
                    Map.of(), "hdfs://127.0.0.1:" + silent.getLocalPort() + "/store");
        }
    }

    @Test
    void aFileSystemThatNobodyKnows() throws IOException {
        says("Invalid STORE: \"gone://bucket/store\": No FileSystem for scheme", "expected a file system that this Spark has",
                Map.of(), "gone://bucket/store");
        says("dev.aerie.NoSuchFileSystem", "expected a file system that this Spark has",
                Map.of("fs.gone.impl", "dev.aerie.NoSuchFileSystem"), "gone://bucket/store");
    }

    private static Map<String, String> with(Map<String, String> settings, String key, String value) {
        Map<String, String> changed = new HashMap<>(settings);
        changed.put(key, value);
        return changed;
    }

    private static void says(String part, String expected, Map<String, String> settings, String uri) {
        settings.forEach((key, value) -> System.setProperty("spark.hadoop." + key, value));
        long start = System.nanoTime();
        try {
            Refusal refusal = Refusal.of(new Aerie(), List.of("inspect", uri));
            refusal.assertSays(part);
            refusal.assertSays(expected);
        } finally {
            settings.keySet().forEach(key -> System.clearProperty("spark.hadoop." + key));
        }
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        assertTrue(took.compareTo(Duration.ofSeconds(75)) < 0, uri + " took " + took);
        System.out.println(uri + " took " + took);
    }
}
