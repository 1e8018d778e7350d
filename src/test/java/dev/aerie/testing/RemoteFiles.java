package dev.aerie.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;

/** The file systems beside the local one that every test of files is to pass on. Each starts when it is first asked for. */
public enum RemoteFiles {

    S3 {
        @Override
        public Map<String, String> settings() {
            return s3().settings();
        }

        @Override
        String root() {
            s3();
            return "s3a://" + EmbeddedS3.BUCKET;
        }
    },

    HDFS {
        @Override
        public Map<String, String> settings() {
            return Map.of();
        }

        @Override
        String root() {
            return hdfs().uri();
        }
    };

    private static EmbeddedS3 s3;
    private static EmbeddedHdfs hdfs;

    /** What a user would have to say of it by {@code --conf spark.hadoop.}. */
    public abstract Map<String, String> settings();

    abstract String root();

    /** The URI of a unique folder that does not exist yet. */
    public String newFolder() {
        return root() + "/" + UUID.randomUUID();
    }

    public Configuration conf() {
        Configuration conf = new Configuration();
        settings().forEach(conf::set);
        return conf;
    }

    private static synchronized EmbeddedS3 s3() {
        try {
            s3 = s3 == null ? new EmbeddedS3() : s3;
            return s3;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static synchronized EmbeddedHdfs hdfs() {
        try {
            hdfs = hdfs == null ? new EmbeddedHdfs() : hdfs;
            return hdfs;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static synchronized void stop() {
        if (s3 != null) {
            s3.stop();
            s3 = null;
        }
        if (hdfs != null) {
            hdfs.stop();
            hdfs = null;
        }
    }
}
