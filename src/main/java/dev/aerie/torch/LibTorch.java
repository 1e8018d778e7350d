package dev.aerie.torch;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.pytorch.jni.ScriptBridge;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** Loads libtorch, once per JVM, and holds what is set for the whole process. */
public final class LibTorch {

    /** Holds what we set PYTORCH_LIBRARY_PATH to, which tells it from a user's. */
    private static final String UNPACKED = "aerie.libtorch.unpacked";

    private static boolean loaded;

    private LibTorch() {}

    /**
     * Loads libtorch if it is not loaded yet: the build in {@code PYTORCH_LIBRARY_PATH} where that is set (a GPU host points it
     * at a CUDA build, see docs/libtorch.md), else the CPU build, from the jar beside the job jars.
     *
     * @throws IllegalStateException where there is neither
     */
    static synchronized void load() {
        if (!loaded) {
            configure();
            NativeCache.locked("libtorch", () -> {
                chooseBuild();
                return startEngine();
            });
            loaded = true;
        }
    }

    /**
     * What must be set before any native library of DJL is loaded, the tokenizers' included: no telemetry, no downloads, no
     * search for a CUDA build of the tokenizers, and a place to unpack that no other class loader of this JVM uses.
     */
    static synchronized void configure() {
        setDefault("OPT_OUT_TRACKING", "true");
        setDefault("DJL_OFFLINE", "true");
        setDefault("RUST_FLAVOR", "cpu");
        if (System.getenv("ENGINE_CACHE_DIR") == null && System.getenv("DJL_CACHE_DIR") == null) {
            Path cache = NativeCache.folder().resolve(NativeCache.LOADER == 0 ? "djl" : "djl-loader-" + NativeCache.LOADER);
            System.setProperty("ENGINE_CACHE_DIR", cache.toString());
        }
    }

    /** Returns the jar with the CPU build, for the driver to ship to executors; empty where this host has its own build. */
    public static Optional<Path> shippedJar() {
        return hostBuild() == null ? LibTorchArchive.find().map(LibTorchArchive::jar) : Optional.empty();
    }

    /** DJL finds its engine and its libraries through the thread's class loader, which need not be the one that loaded us. */
    private static Engine startEngine() {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(LibTorch.class.getClassLoader());
        try {
            return Engine.getEngine("PyTorch");
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    private static void chooseBuild() {
        String host = hostBuild();
        if (host == null) {
            LibTorchArchive archive = LibTorchArchive.find().orElseThrow(() -> new IllegalStateException(
                    "No libtorch: neither PYTORCH_LIBRARY_PATH is set nor is libtorch-cpu-<version>-<platform>.jar beside the job jar"));
            String folder = archive.unpacked().toString();
            System.setProperty("PYTORCH_LIBRARY_PATH", folder);
            System.setProperty(UNPACKED, folder);
            System.setProperty("PYTORCH_VERSION", archive.version());
            System.setProperty("PYTORCH_FLAVOR", "cpu");
        } else {
            if (Stream.of(host.split(File.pathSeparator)).noneMatch(f -> Files.exists(Path.of(f, System.mapLibraryName("torch"))))) {
                throw new IllegalStateException("Invalid PYTORCH_LIBRARY_PATH: " + host + " (expected a folder with "
                        + System.mapLibraryName("torch") + ")");
            }
            // Left to itself DJL takes a build it does not know for one made before the C++11 ABI.
            setDefault("PYTORCH_FLAVOR", "cpu");
        }
    }

    /** Returns the build that the host's administrator chose; null where that is left to us. */
    private static String hostBuild() {
        String path = NativeCache.setting("PYTORCH_LIBRARY_PATH");
        return path == null || path.equals(System.getProperty(UNPACKED)) ? null : path;
    }

    private static void setDefault(String name, String value) {
        if (NativeCache.setting(name) == null) {
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
