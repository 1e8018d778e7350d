package dev.aerie.train;

import dev.aerie.files.FileDigest;
import java.util.Map;

/**
 * The content of a checkpoint's marker.
 *
 * @param formatVersion {@link #FORMAT_VERSION}
 * @param step optimizer steps done
 * @param epoch the epoch of the next step, 0 for the first
 * @param stepInEpoch steps of this epoch already done
 * @param ranks that wrote it; another number of ranks can resume from it
 * @param threads of each rank; another number rounds differently
 * @param folder its name below {@code checkpoints/}
 * @param files the files in the folder
 * @param recipe all settings that decide what is trained, by their recipe keys
 */
record CheckpointInfo(
        int formatVersion,
        long step,
        int epoch,
        long stepInEpoch,
        int ranks,
        int threads,
        String folder,
        Map<String, FileDigest> files,
        Map<String, String> recipe) {

    /** Incremented whenever older code could misread a checkpoint of this version. */
    static final int FORMAT_VERSION = 1;

    /**
     * Checks every field; the folder's name too, because a user may edit the marker and the name becomes part of a path.
     *
     * @param named the step in the marker's name
     * @throws InvalidCheckpointException naming the first invalid field
     */
    void requireWhole(long named, String name) {
        require(step == named, name, "step", step, String.valueOf(named));
        require(epoch >= 0 && stepInEpoch >= 0, name, "epoch", epoch + ", step_in_epoch " + stepInEpoch, "none below 0");
        require(ranks >= 1 && threads >= 1, name, "ranks", ranks + ", threads " + threads, "at least 1");
        require(folder != null && folder.matches("step-\\d{8,}-[0-9a-f]+"), name, "folder", folder, "step-<number>-<attempt>");
        require(files != null && !files.containsValue(null), name, "files", files, "bytes and SHA-256 of each");
        require(recipe != null, name, "recipe", recipe, "what decided the training");
    }

    private static void require(boolean good, String name, String field, Object found, String expected) {
        if (!good) {
            throw new InvalidCheckpointException(
                    "Invalid checkpoint " + name + ": " + field + " is " + found + " (expected " + expected + ")");
        }
    }

    /**
     * @throws InvalidCheckpointException naming the first setting that differs, with both values
     */
    void requireSame(Map<String, String> now, String name) {
        now.forEach((key, value) -> {
            String then = recipe.get(key);
            if (!value.equals(then)) {
                throw new InvalidCheckpointException("Invalid checkpoint " + name + ": " + key + " was "
                        + (then == null ? "not set" : then) + " (expected " + value
                        + "; give the training another output to start anew)");
            }
        });
    }
}
