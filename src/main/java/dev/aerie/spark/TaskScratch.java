package dev.aerie.spark;

import java.nio.file.Path;
import org.apache.spark.SparkEnv;

/** Where a task puts files that do not outlive it. */
public final class TaskScratch {

    private TaskScratch() {}

    /**
     * A folder of this process on a disk that the cluster sets apart for such files: {@code spark.local.dir}, or what YARN or
     * Kubernetes give in its place. Spark deletes it when the process ends.
     */
    public static Path folder() {
        return SparkEnv.get().blockManager().diskBlockManager().localDirs()[0].toPath();
    }
}
