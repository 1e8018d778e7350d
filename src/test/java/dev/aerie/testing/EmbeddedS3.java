package dev.aerie.testing;

import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** An S3 in this JVM: s3proxy on a free port of loopback, its objects in memory, with one bucket. */
final class EmbeddedS3 {

    static final String BUCKET = "aerie-tests";

    private static final String KEY = "tester";
    private static final String SECRET = "not-a-secret";

    private final ServerLoader loader;
    private final Object proxy;
    private final URI endpoint;

    EmbeddedS3() throws IOException {
        loader = ServerLoader.of("s3proxy.jar", List.of(EmbeddedS3.class.getResource("s3proxy/")));
        Properties properties = new Properties();
        properties.setProperty("s3proxy.authorization", "aws-v2-or-v4");
        properties.setProperty("s3proxy.identity", KEY);
        properties.setProperty("s3proxy.credential", SECRET);
        properties.setProperty("s3proxy.endpoint", "http://127.0.0.1:0");
        proxy = loader.inside(() -> {
            Object objects = loader.type("org.gaul.s3proxy.BlobStores")
                    .getMethod("create", String.class, Properties.class).invoke(null, "transient", properties);
            Class<?> builderType = loader.type("org.gaul.s3proxy.S3Proxy$Builder");
            Object builder = builderType.getMethod("fromProperties", Properties.class).invoke(null, properties);
            builderType.getMethod("blobStore", loader.type("org.gaul.s3proxy.blobstore.BlobStore")).invoke(builder, objects);
            Object built = builderType.getMethod("build").invoke(builder);
            built.getClass().getMethod("start").invoke(built);
            return built;
        });
        int port = loader.inside(() -> (int) proxy.getClass().getMethod("getPort").invoke(proxy));
        endpoint = URI.create("http://127.0.0.1:" + port);
        makeBucket();
    }

    private void makeBucket() {
        try (S3Client client = S3Client.builder().endpointOverride(endpoint).region(Region.US_EAST_1).forcePathStyle(true)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create(KEY, SECRET))).build()) {
            client.createBucket(request -> request.bucket(BUCKET));
        }
    }

    /** What Hadoop's client needs to find it. */
    Map<String, String> settings() {
        return Map.of("fs.s3a.endpoint", endpoint.toString(), "fs.s3a.endpoint.region", "us-east-1",
                "fs.s3a.path.style.access", "true", "fs.s3a.access.key", KEY, "fs.s3a.secret.key", SECRET);
    }

    void stop() {
        loader.inside(() -> proxy.getClass().getMethod("stop").invoke(proxy));
    }
}
