package dev.aerie.testing;

import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** An HDFS in this JVM: a name node and a data node on free ports of loopback, their blocks under target. */
final class EmbeddedHdfs {

    private final ServerLoader loader;
    private final Object cluster;
    private final int port;

    EmbeddedHdfs() throws IOException {
        List<URL> classPath = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            classPath.add(Path.of(entry).toUri().toURL());
        }
        loader = ServerLoader.of("hadoop-client-minicluster.jar", classPath);
        Path folder = Files.createTempDirectory(Path.of("target").toAbsolutePath(), "hdfs-");
        cluster = loader.inside(() -> {
            Class<?> confType = loader.type("org.apache.hadoop.conf.Configuration");
            Object conf = confType.getConstructor().newInstance();
            settings(folder).forEach((key, value) -> {
                try {
                    confType.getMethod("set", String.class, String.class).invoke(conf, key, value);
                } catch (ReflectiveOperationException e) {
                    throw new IllegalStateException(e);
                }
            });
            Class<?> builderType = loader.type("org.apache.hadoop.hdfs.MiniDFSCluster$Builder");
            Object builder = builderType.getConstructor(confType).newInstance(conf);
            Object built = builderType.getMethod("build").invoke(builder);
            built.getClass().getMethod("waitActive").invoke(built);
            return built;
        });
        port = loader.inside(() -> (int) cluster.getClass().getMethod("getNameNodePort").invoke(cluster));
    }

    private static Map<String, String> settings(Path folder) {
        return Map.of("hdfs.minidfs.basedir", folder.toString(),
                // Nothing here outlives the JVM, so nothing need reach the disk.
                "dfs.namenode.edits.noeditlogchannelflush", "true");
    }

    String uri() {
        return "hdfs://127.0.0.1:" + port;
    }

    void stop() {
        loader.inside(() -> cluster.getClass().getMethod("shutdown", boolean.class).invoke(cluster, true));
    }
}
