package dev.aerie.host;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.files.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;

/**
 * The content of {@code aerie-copy.json} in a copy's folder: the source of the copy.
 *
 * @param source the URI it was copied from
 */
record CopyManifest(String source, List<CopiedFile> files) {

    static final String FILE = "aerie-copy.json";
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * One file.
     *
     * @param sha256 of its content as it was read from the source, in hexadecimal; null while it is being copied
     */
    record CopiedFile(String name, long length, String sha256) {}

    /** Reads the file; empty if it is missing or damaged. */
    static Optional<CopyManifest> read(Path folder) throws IOException {
        try {
            return Optional.of(JSON.readValue(Files.readAllBytes(folder.resolve(FILE)), CopyManifest.class));
        } catch (NoSuchFileException | com.fasterxml.jackson.core.JsonProcessingException e) {
            return Optional.empty();
        }
    }

    void write(Path folder) throws IOException {
        Path temporary = folder.resolve("." + FILE);
        Files.write(temporary, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(this));
        Files.move(temporary, folder.resolve(FILE), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    long bytes() {
        return files.stream().mapToLong(CopiedFile::length).sum();
    }

    /** Returns the fault of the copy in a folder; empty if it is sound. */
    Optional<String> damage(Path folder, boolean checksums) throws IOException {
        for (CopiedFile file : files) {
            Path at = folder.resolve(file.name());
            long length = Files.exists(at) ? Files.size(at) : -1;
            if (length != file.length()) {
                return Optional.of(file.name() + (length < 0 ? " is missing"
                        : " has " + length + " bytes and not " + file.length()));
            }
            if (checksums && !Sha256.of(at).equals(file.sha256())) {
                return Optional.of(file.name() + " has another SHA-256 than its source had");
            }
        }
        return Optional.empty();
    }
}
