package dev.aerie.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.errors.RefusalException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class NativeLibrariesTest {

    private static final String TEMPORARY = Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath() + "/libx-1.5.so";

    /**
     * The forms of the JDK: an error by itself, of a class's initialisation, or of a class whose initialisation failed before.
     */
    private static List<Throwable> failures(String message) {
        UnsatisfiedLinkError error = new UnsatisfiedLinkError(message);
        NoClassDefFoundError again = new NoClassDefFoundError("Could not initialize class org.x.Library");
        again.initCause(new ExceptionInInitializerError("Exception java.lang.UnsatisfiedLinkError: " + message
                + " [in thread \"main\"]"));
        return List.of(error, new ExceptionInInitializerError(error), again,
                new IllegalStateException("cannot load", new IllegalStateException(error)));
    }

    @Test
    void aFolderMountedNoexecIsNamedWithItsSetting() {
        for (String reason : List.of("failed to map segment from shared object", "Operation not permitted",
                "Permission denied")) {
            for (String path : List.of("/cache/aerie/libtorch-2.7.1/libgomp.so.1", TEMPORARY)) {
                for (Throwable failure : failures(path + ": " + path + ": " + reason)) {
                    String sentence = NativeLibraries.refusal(failure).orElseThrow().getMessage();
                    assertTrue(sentence.startsWith("Invalid folder for native libraries: " + Path.of(path).getParent()
                            + " (expected "),
                            sentence);
                    assertTrue(sentence.contains(reason) && sentence.contains("noexec") && sentence.lines().count() == 1,
                            sentence);
                    assertTrue(sentence.contains(path.equals(TEMPORARY) ? "-Djava.io.tmpdir" : "AERIE_CACHE"), sentence);
                }
            }
        }
    }

    @Test
    void otherReasonsAreNamedWithTheLibrary() {
        for (Throwable failure : failures("/c/libx.so: /lib/libc.so.6: version `GLIBC_2.38' not found")) {
            String sentence = NativeLibraries.refusal(failure).orElseThrow().getMessage();
            assertTrue(sentence.startsWith("Invalid native library: /c/libx.so (expected ") && sentence.contains("GLIBC_2.38"),
                    sentence);
        }
        String none = NativeLibraries.refusal(new UnsatisfiedLinkError("no x in java.library.path: /usr/lib")).orElseThrow()
                .getMessage();
        assertEquals("Invalid native library: no x in java.library.path: /usr/lib (expected one that this host loads)", none);
    }

    @Test
    void otherFailuresAreNone() {
        for (Throwable failure
                : List.of(new IllegalStateException("x"), new NoClassDefFoundError("dev/aerie/X"), new RefusalException("no"),
                new ExceptionInInitializerError(new IllegalStateException()), new NoSuchMethodError("f"))) {
            assertEquals(Optional.empty(), NativeLibraries.refusal(failure));
        }
    }
}
