package dev.aerie.testing;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/**
 * The folder of others' templates, models and conversations beside the checkout, which the repository may not carry. A test that
 * needs it has the tag {@link #TAG} and is skipped where it is absent; {@link BareCloneTest} counts them.
 */
public final class Shared {

    public static final String TAG = "shared";

    private static final Path ROOT = Path.of("..", "shared");

    private Shared() {}

    /** A file or folder under it, such as {@code golden/targets/llama3}. Skips the calling test, by name, without it. */
    public static Path path(String relative) {
        Path path = ROOT.resolve(relative);
        Assumptions.assumeTrue(Files.exists(path), () -> "needs ../shared/" + relative);
        return path;
    }
}
