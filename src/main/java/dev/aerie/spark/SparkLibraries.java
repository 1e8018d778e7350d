package dev.aerie.spark;

import com.github.luben.zstd.util.Native;
import dev.aerie.errors.RefusalException;
import dev.aerie.torch.NativeLibraries;
import org.xerial.snappy.Snappy;

/**
 * The native libraries of Spark's codecs, which unpack themselves into java.io.tmpdir. A linkage error in a task ends its whole
 * JVM, so they are loaded before the work that needs them.
 */
public final class SparkLibraries {

    private SparkLibraries() {}

    /** @throws RefusalException naming the folder that they cannot be loaded from */
    public static void require() {
        require(Native::load);
        require(Snappy::getNativeLibraryVersion);
    }

    static void require(Runnable load) {
        try {
            load.run();
        } catch (LinkageError e) {
            throw NativeLibraries.refusal(e).orElseThrow(() -> e);
        }
    }
}
