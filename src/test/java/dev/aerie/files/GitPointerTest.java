package dev.aerie.files;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.errors.RefusalException;
import dev.aerie.safetensors.SafetensorsFile;
import dev.aerie.target.Target;
import dev.aerie.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class GitPointerTest {

    @TempDir
    Path folder;

    /** A clone without git lfs: each reader of a model's files says so, and not that JSON or a header is damaged. */
    @Test
    void everyFileOfAModelIsNamedAsThePointerThatItIs() throws IOException {
        for (String name : new String[] {"model.safetensors", "tokenizer.json", "config.json"}) {
            Files.writeString(folder.resolve(name), "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0".repeat(64)
                    + "\nsize 7\n");
        }
        refused("model.safetensors", () -> SafetensorsFile.open(folder.resolve("model.safetensors")));
        refused("tokenizer.json", () -> Tokenizer.fromFolder(folder));
        refused("config.json", () -> Target.config(folder));
        assertDoesNotThrow(() -> GitPointer.refuse(folder.resolve("none")));
    }

    private static void refused(String name, Executable reader) {
        String message = assertThrows(RefusalException.class, reader).getMessage();
        assertTrue(message.contains(name + " is a Git LFS pointer"), message);
    }
}
