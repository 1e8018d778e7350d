package dev.aerie.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.AccessibleObject;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibTorchTest {

    private static final byte[] LIBRARY = {1, 2, 3, 4, 5};

    /** What the second class loader runs. */
    static final class Probe {

        private Probe() {}

        static double[] sum() {
            try (Scope scope = Scope.open()) {
                Tensor x = Tensor.of(new float[] {2, 3}, 2);
                return x.add(Tensor.of(new float[] {3, 4}, 2)).toDoubles();
            }
        }
    }

    @Test
    void unpacksOnceAndRepairsWhatIsTruncated(@TempDir Path folder) throws IOException {
        LibTorchArchive archive = archive(folder.resolve("libtorch-cpu-9.9.9-test.jar"));
        Path first = archive.unpacked();
        try {
            Path library = first.resolve("libtorch.so");
            assertArrayEquals(LIBRARY, Files.readAllBytes(library));
            FileTime unpackedAt = Files.getLastModifiedTime(library);
            assertEquals(first, archive.unpacked());
            assertEquals(unpackedAt, Files.getLastModifiedTime(library), "unpacked a second time");
            Files.write(library, new byte[] {1, 2});
            archive.unpacked();
            assertArrayEquals(LIBRARY, Files.readAllBytes(library));
        } finally {
            Files.delete(first.resolve("libtorch.so"));
            Files.delete(first);
        }
    }

    /** Each run of spark-submit inside one JVM has its own class loader, and the JVM loads a library through one of them only. */
    @Test
    void worksThroughASecondClassLoader() throws Exception {
        LibTorch.load();
        URL[] classPath = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(LibTorchTest::url).toArray(URL[]::new);
        try (URLClassLoader second = new URLClassLoader(classPath, ClassLoader.getPlatformClassLoader())) {
            Class<?> probe = second.loadClass(Probe.class.getName());
            double[] sum = (double[]) accessible(probe.getDeclaredMethod("sum")).invoke(null);
            assertArrayEquals(new double[] {5, 7}, sum);
            assertTrue(accessible(second.loadClass(NativeCache.class.getName()).getDeclaredField("LOADER")).getInt(null) > 0);
        }
        assertArrayEquals(new double[] {5, 7}, Probe.sum());
    }

    private static <T extends AccessibleObject> T accessible(T member) {
        member.setAccessible(true);
        return member;
    }

    private static LibTorchArchive archive(Path jar) throws IOException {
        try (OutputStream file = Files.newOutputStream(jar); ZipOutputStream zip = new ZipOutputStream(file)) {
            zip.putNextEntry(new ZipEntry("pytorch/cpu/test/libtorch.so"));
            zip.write(LIBRARY);
            zip.closeEntry();
        }
        return new LibTorchArchive(jar, "9.9.9", "pytorch/cpu/test/");
    }

    private static URL url(String entry) {
        try {
            return new File(entry).toURI().toURL();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
