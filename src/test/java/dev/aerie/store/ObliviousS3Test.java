package dev.aerie.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSDataOutputStreamBuilder;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An S3 that passes over the condition of a conditional PUT is found out before a shard is made. */
class ObliviousS3Test {

    @TempDir
    Path folder;

    /** The local disk under the name of S3; whatever it is told of conditions, it overwrites. */
    public static final class Oblivious extends RawLocalFileSystem {

        @Override
        public URI getUri() {
            return URI.create("s3a:///");
        }

        @Override
        public Builder createFile(org.apache.hadoop.fs.Path path) {
            return new Builder(this, path);
        }

        private static final class Builder extends FSDataOutputStreamBuilder<FSDataOutputStream, Builder> {

            Builder(Oblivious files, org.apache.hadoop.fs.Path path) {
                super(files, path);
            }

            @Override
            public Builder getThisBuilder() {
                return this;
            }

            @Override
            public FSDataOutputStream build() throws IOException {
                return getFS().create(getPath(), true);
            }
        }
    }

    @Test
    void isRefused() {
        Configuration conf = new Configuration();
        conf.set("fs.s3a.impl", Oblivious.class.getName());
        conf.setBoolean("fs.s3a.impl.disable.cache", true);
        String uri = "s3a://" + folder;
        String message = assertThrows(InvalidStoreException.class, () -> HiddenStateStore.create(
                uri, conf, Stores.settings(Codec.of("bf16"), TeacherRows.STRICT, 8, 1))).getMessage();
        assertEquals("Invalid store s3a:" + folder
                + ": its S3 overwrites an object on a PUT with If-None-Match: * (expected one that answers 412)", message);
    }
}
