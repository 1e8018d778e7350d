package dev.aerie.train;

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
        Map<String, OutputFolder.Written> files,
        Map<String, String> recipe) {

    /** Raised whenever a checkpoint of this version could be misread by older code. */
    static final int FORMAT_VERSION = 1;

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
