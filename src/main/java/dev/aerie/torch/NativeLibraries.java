package dev.aerie.torch;

import dev.aerie.errors.RefusalException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Says why a host does not load a native library. Jars unpack theirs into a folder and map them from there; where its file system
 * is mounted noexec, the JDK reports a linkage error, often as one of some class's initialisation.
 */
public final class NativeLibraries {

    private static final Pattern LIBRARY =
            Pattern.compile("(/[^\\n]*?\\.(?:so|dylib|jnilib|dll)[.\\d]*|[A-Z]:\\\\[^\\n]*?\\.dll): ([^\\n]*)");
    private static final Pattern NOT_EXECUTABLE =
            Pattern.compile("failed to map segment|Operation not permitted|Permission denied|not allowed");

    private NativeLibraries() {}

    /** The refusal that a failure amounts to, for the user; empty where no native library is at its root. */
    public static Optional<RefusalException> refusal(Throwable failure) {
        Set<Throwable> seen = new HashSet<>();
        for (Throwable t = failure; t != null && seen.add(t); t = t.getCause()) {
            String message = String.valueOf(t.getMessage());
            // Of a class that failed to initialise before, the JDK keeps the first error as a text.
            if (t instanceof UnsatisfiedLinkError || t instanceof LinkageError && message.contains("UnsatisfiedLinkError")) {
                return Optional.of(new RefusalException(sentence(message), failure));
            }
        }
        return Optional.empty();
    }

    private static String sentence(String message) {
        Matcher library = LIBRARY.matcher(message);
        if (!library.find()) {
            return "Invalid native library: " + message.lines().findFirst().orElse("").strip()
                    + " (expected one that this host loads)";
        }
        Path file = Path.of(library.group(1));
        String reason = library.group(2).replace(file + ": ", "").strip();
        if (!NOT_EXECUTABLE.matcher(reason).find()) {
            return "Invalid native library: " + file + " (expected one that this host loads: " + reason + ")";
        }
        return "Invalid folder for native libraries: " + file.getParent()
                + " (expected one whose files may be executed, not on a file "
                + "system mounted noexec: " + file.getFileName() + ": " + reason + "; " + setting(file) + " names another)";
    }

    private static String setting(Path file) {
        for (String variable : new String[] {"ENGINE_CACHE_DIR", "DJL_CACHE_DIR"}) {
            String folder = System.getenv(variable);
            if (folder != null && !folder.isEmpty() && file.startsWith(Path.of(folder).toAbsolutePath())) {
                return variable;
            }
        }
        String temporary = System.getProperty("java.io.tmpdir");
        boolean cached = file.toString().contains("/djl") || file.toString().contains("libtorch")
                || file.startsWith(NativeCache.folder());
        if (!cached && temporary != null && file.startsWith(Path.of(temporary).toAbsolutePath())) {
            return "-Djava.io.tmpdir in spark.driver.extraJavaOptions and spark.executor.extraJavaOptions (or JAVA_TOOL_OPTIONS)";
        }
        return "AERIE_CACHE";
    }
}
