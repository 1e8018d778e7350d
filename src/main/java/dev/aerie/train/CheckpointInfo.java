package dev.aerie.train;

import dev.aerie.files.FileDigest;
import java.util.Map;

/**
 * The content of a checkpoint's marker.
 *
 * @param formatVersion {@link #FORMAT_VERSION}
 * @param step optimizer steps done
 * @param epoch the epoch that the next step belongs to, 0 for the first
 * @param stepInEpoch steps of it already done
 * @param ranks that wrote it; another number may go on from it
 * @param threads of each rank; another number gives other roundings
 * @param folder its name under {@code checkpoints/}
 * @param files what lies in the folder
 * @param recipe every setting that decides what is trained, by the recipe's names
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

    /** Raised whenever a checkpoint of this version could be misread by older code. */
    static final int FORMAT_VERSION = 1;

    /**
     * Checks the folder's name: a user may edit the marker, and the name becomes part of a path.
     *
     * @param named step that the marker's name tells
     * @throws InvalidCheckpointException naming the first field that cannot be
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
     * @throws InvalidCheckpointException naming the first setting that differs, what it was and what it is now
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
