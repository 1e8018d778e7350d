package dev.aerie.torch;

import ai.djl.util.Platform;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.CodeSource;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * The jar with the CPU build of libtorch. It has 112 MB, so there is one beside the job jars and none inside them, and its
 * libraries (447 MB) are unpacked once per host.
 *
 * @param jar the file {@code libtorch-cpu-<version>-<platform>.jar}, or DJL's {@code pytorch-native-cpu} on the class path
 * @param version of libtorch, such as 2.7.1
 * @param folder the libraries' folder in the jar, with a closing slash
 */
record LibTorchArchive(Path jar, String version, String folder) {

    private static final String PROPERTIES = "native/lib/pytorch.properties";

    /**
     * Searches the class path, the folder of this class's jar, and the working folder, where Spark puts the application's jar and
     * the files shipped with it on an executor.
     */
    static Optional<LibTorchArchive> find() {
        Optional<Path> onClassPath = onClassPath();
        if (onClassPath.isPresent()) {
            return onClassPath.map(LibTorchArchive::open);
        }
        String suffix = "-" + Platform.fromSystem("pytorch").getClassifier() + ".jar";
        return Stream.concat(besideThisClass().stream(), Stream.of(Path.of("")))
                .flatMap(folder -> jarsIn(folder.toAbsolutePath(), suffix).stream())
                .findFirst()
                .map(LibTorchArchive::open);
    }

    private static Optional<Path> onClassPath() {
        URL url = LibTorchArchive.class.getClassLoader().getResource(PROPERTIES);
        try {
            return url != null && url.openConnection() instanceof JarURLConnection jar
                    ? Optional.of(Path.of(jar.getJarFileURL().toURI()))
                    : Optional.empty();
        } catch (IOException | URISyntaxException e) {
            throw new IllegalStateException("Cannot read " + url, e);
        }
    }

    private static Optional<Path> besideThisClass() {
        CodeSource source = LibTorchArchive.class.getProtectionDomain().getCodeSource();
        if (source == null || !"file".equals(source.getLocation().getProtocol())) {
            return Optional.empty();
        }
        try {
            return Optional.of(Path.of(source.getLocation().toURI()).toAbsolutePath().getParent());
        } catch (URISyntaxException e) {
            throw new IllegalStateException("Cannot read " + source.getLocation(), e);
        }
    }

    private static List<Path> jarsIn(Path folder, String suffix) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> {
                String name = file.getFileName().toString();
                return name.startsWith("libtorch-cpu-") && name.endsWith(suffix);
            }).sorted(Comparator.reverseOrder()).toList();
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot list " + folder, e);
        }
    }

    private static LibTorchArchive open(Path jar) {
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            ZipEntry entry = zip.getEntry(PROPERTIES);
            if (entry == null) {
                throw new IllegalStateException("Invalid libtorch jar: " + jar + " (expected one with " + PROPERTIES + ")");
            }
            Properties properties = new Properties();
            try (InputStream in = zip.getInputStream(entry)) {
                properties.load(in);
            }
            // The version is that of libtorch and the day of packaging: 2.7.1-20250812.
            return new LibTorchArchive(jar, properties.getProperty("version").split("-")[0],
                    "pytorch/" + properties.getProperty("flavor") + "/" + properties.getProperty("classifier") + "/");
        } catch (IOException e) {
            throw new UncheckedIOException("Invalid libtorch jar: " + jar + " (expected a whole zip file)", e);
        }
    }

    /**
     * Returns this host's folder with the libraries. The first call on the host unpacks them; later calls, of any JVM, check the
     * sizes of the files. Call it inside {@link NativeCache#locked}.
     */
    Path unpacked() {
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            Map<String, ZipEntry> libraries = zip.stream()
                    .filter(entry -> entry.getName().startsWith(folder) && !entry.isDirectory())
                    .collect(Collectors.toMap(e -> e.getName().substring(folder.length()), e -> e, (a, b) -> a, TreeMap::new));
            CRC32 content = new CRC32();
            libraries.forEach((name, entry) -> content.update((name + entry.getCrc() + entry.getSize()).getBytes()));
            Path cache = NativeCache.folder();
            Path target = cache.resolve("libtorch-" + version + "-cpu-" + String.format(Locale.ROOT, "%08x", content.getValue()));
            if (!isWhole(target, libraries)) {
                unpack(zip, libraries, target);
            }
            return NativeCache.LOADER == 0 ? target : linked(target, libraries);
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot unpack libtorch from " + jar + ": " + e.getMessage(), e);
        }
    }

    private static boolean isWhole(Path folder, Map<String, ZipEntry> libraries) throws IOException {
        for (Map.Entry<String, ZipEntry> library : libraries.entrySet()) {
            Path file = folder.resolve(library.getKey());
            if (!Files.isRegularFile(file) || Files.size(file) != library.getValue().getSize()) {
                return false;
            }
        }
        return true;
    }

    private static void unpack(ZipFile zip, Map<String, ZipEntry> libraries, Path target) throws IOException {
        long bytes = libraries.values().stream().mapToLong(ZipEntry::getSize).sum();
        long free = Files.getFileStore(target.getParent()).getUsableSpace();
        if (free < bytes) {
            throw new IOException(target.getParent() + " has " + (free >> 20) + " MB free, expected " + (bytes >> 20)
                    + " MB or more (AERIE_CACHE names another folder)");
        }
        Path temporary = Files.createTempDirectory(target.getParent(), "unpacking-");
        try {
            for (Map.Entry<String, ZipEntry> library : libraries.entrySet()) {
                try (CheckedInputStream in = new CheckedInputStream(zip.getInputStream(library.getValue()), new CRC32())) {
                    Files.copy(in, temporary.resolve(library.getKey()));
                    if (in.getChecksum().getValue() != library.getValue().getCrc()) {
                        throw new IOException(library.getKey() + " does not have its checksum");
                    }
                }
            }
            deleteTree(target);
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            deleteTree(temporary);
        }
    }

    /** Links the files at other paths, for a further class loader of this JVM. The system maps them only once. */
    private static Path linked(Path target, Map<String, ZipEntry> libraries) throws IOException {
        Path links = target.resolveSibling(target.getFileName() + "-loader-" + NativeCache.LOADER);
        Files.createDirectories(links);
        for (String name : libraries.keySet()) {
            Path link = links.resolve(name);
            if (Files.exists(link) && !Files.isSameFile(link, target.resolve(name))) {
                Files.delete(link);
            }
            try {
                Files.createLink(link, target.resolve(name));
            } catch (FileAlreadyExistsException present) {
                // An earlier JVM made the link.
            }
        }
        return links;
    }

    private static void deleteTree(Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }
}
