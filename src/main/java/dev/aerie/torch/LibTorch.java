package dev.aerie.torch;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.pytorch.jni.ScriptBridge;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/** Loads libtorch, once per JVM, and holds what is set for the whole process. */
public final class LibTorch {

    private LibTorch() {}

    /** Loads the native library if it is not loaded yet. */
    static synchronized void load() {
        // No telemetry and no downloads at run time; the tokenizer's native library would look for a CUDA build of itself.
        setDefault("OPT_OUT_TRACKING", "true");
        setDefault("DJL_OFFLINE", "true");
        setDefault("RUST_FLAVOR", "cpu");
        Engine.getEngine("PyTorch");
    }

    private static void setDefault(String name, String value) {
        if (System.getenv(name) == null && System.getProperty(name) == null) {
            System.setProperty(name, value);
        }
    }

    /** Sets how many threads one operator uses. Results of a run are reproducible for one number of threads. */
    public static void setThreads(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("Invalid threads: " + threads + " (expected at least 1)");
        }
        Script.ready();
        ScriptBridge.setThreads(threads);
    }

    public static int threads() {
        Script.ready();
        return ScriptBridge.threads();
    }

    /** CUDA devices that this libtorch sees; 0 for a CPU build. */
    public static int cudaDevices() {
        Script.ready();
        return CudaModule.DEVICES;
    }

    /** A module of its own: a CPU build does not have the operator, and refuses the source that names it. */
    private static final class CudaModule {

        private static final int DEVICES = count();

        private static int count() {
            byte[] archive = ScriptArchive.of("  def count(self) -> int:\n    return ops.cuda.device_count()\n");
            try {
                long module = ScriptBridge.load(new ByteArrayInputStream(archive));
                long value = ScriptBridge.run(module, "count", new long[0]);
                int devices = Math.toIntExact(ScriptBridge.toLong(value));
                ScriptBridge.freeValue(value);
                return devices;
            } catch (EngineException noSuchOperator) {
                return 0;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
