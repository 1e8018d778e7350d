package dev.aerie.store;

/**
 * The content of {@code _rolling/position.json}: how far the training is. It goes back when a training resumes from a checkpoint.
 *
 * @param formatVersion {@link StoreSettings#FORMAT_VERSION}
 * @param training URI of the training's output
 * @param use the first of the {@linkplain RollingUse#uses uses} that some rank still needs; their number at the end
 */
public record RollingPosition(int formatVersion, String training, long use) {

    public RollingPosition {
        StoreJson.present(training, "training");
        if (use < 0) {
            throw new IllegalArgumentException("Invalid use: " + use + " (expected 0 or more)");
        }
    }

    public static RollingPosition of(String training, long use) {
        return new RollingPosition(StoreSettings.FORMAT_VERSION, training, use);
    }
}
