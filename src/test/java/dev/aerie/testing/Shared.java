package dev.aerie.testing;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** The folder of golden data, models and conversations beside the checkout; a test that needs it is skipped where it is absent. */
public final class Shared {

    private static final Path ROOT = Path.of("..", "shared");

    private Shared() {}

    /** A file or folder under it, such as {@code golden/targets/llama3}. Skips the calling test, by name, without it. */
    public static Path path(String relative) {
        Path path = ROOT.resolve(relative);
        Assumptions.assumeTrue(Files.exists(path), () -> "needs ../shared/" + relative);
        return path;
    }
}
