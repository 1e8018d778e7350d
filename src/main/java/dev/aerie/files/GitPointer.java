package dev.aerie.files;

import dev.aerie.errors.RefusalException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Detects the small text files that stand for large ones in a clone without them. */
public final class GitPointer {

    private GitPointer() {}

    /**
     * Refuses a pointer; does nothing for a file that is missing or unreadable, which its reader will report.
     *
     * @throws RefusalException if the file is a pointer
     */
    public static void refuse(Path file) {
        FileKind kind;
        try (InputStream in = Files.newInputStream(file)) {
            kind = FileKind.of(in.readNBytes(256));
        } catch (IOException e) {
            return;
        }
        if (kind == FileKind.GIT_LFS_POINTER || kind == FileKind.GIT_ANNEX_POINTER) {
            throw new RefusalException("Invalid file: " + file + " is " + kind.description() + " (expected the file itself)");
        }
    }
}
