package dev.aerie.torch;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.pytorch.jni.ScriptBridge;
import dev.aerie.errors.RefusalException;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** Loads libtorch once per JVM and holds the settings of the whole process. */
public final class LibTorch {

    /** The value that we set PYTORCH_LIBRARY_PATH to, which distinguishes it from a user's. */
    private static final String UNPACKED = "aerie.libtorch.unpacked";

    private static boolean loaded;

    private LibTorch() {}

    /**
     * Loads libtorch if it is not loaded yet: the build in {@code PYTORCH_LIBRARY_PATH} if that is set (a GPU host points it to a
     * CUDA build, see docs/libtorch.md), else the CPU build from the jar beside the job jars.
     *
     * @throws RefusalException if there is neither, or this host does not load it
     */
    public static synchronized void load() {
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
     * Sets what DJL reads when its first native library is loaded, the tokenizers' included: no telemetry, no downloads, no
     * search for a CUDA build of the tokenizers, and an unpacking folder that no other class loader of this JVM uses.
     */
    public static synchronized void configure() {
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

    /** Starts DJL's engine, which is found through the thread's class loader; that need not be the one that loaded this class. */
    private static Engine startEngine() {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(LibTorch.class.getClassLoader());
        try {
            return Engine.getEngine("PyTorch");
        } catch (EngineException e) {
            throw NativeLibraries.refusal(e).orElseThrow(() -> e);
        } catch (LinkageError e) {
            throw NativeLibraries.refusal(e).orElseThrow(() -> e);
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    private static void chooseBuild() {
        String host = hostBuild();
        if (host == null) {
            LibTorchArchive archive = LibTorchArchive.find().orElseThrow(() -> new RefusalException(
                    "No libtorch: PYTORCH_LIBRARY_PATH is not set, and "
                            + "libtorch-cpu-<version>-<platform>.jar is not beside the job jar"));
            String folder = archive.unpacked().toString();
            System.setProperty("PYTORCH_LIBRARY_PATH", folder);
            System.setProperty(UNPACKED, folder);
            System.setProperty("PYTORCH_VERSION", archive.version());
            System.setProperty("PYTORCH_FLAVOR", "cpu");
        } else {
            if (Stream.of(host.split(File.pathSeparator))
                    .noneMatch(f -> Files.exists(Path.of(f, System.mapLibraryName("torch"))))) {
                throw new RefusalException("Invalid PYTORCH_LIBRARY_PATH: " + host + " (expected a folder with "
                        + System.mapLibraryName("torch") + ")");
            }
            // By default DJL takes a build that it does not know for one with the old C++ ABI.
            setDefault("PYTORCH_FLAVOR", "cpu");
        }
    }

    /** Returns the build that the host's administrator chose; null if there is none. */
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
        // Before the class that needs it: an initialisation that fails would end the JVM of a task.
        load();
        Script.ready();
        ScriptBridge.setThreads(threads);
    }

    public static int threads() {
        Script.ready();
        return ScriptBridge.threads();
    }

    /** Returns the number of CUDA devices that libtorch finds; 0 for a CPU build. */
    public static int cudaDevices() {
        load();
        Script.ready();
        return CudaModule.DEVICES;
    }

    /** A separate module, because a CPU build does not have the operator and refuses source that names it. */
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
