package dev.aerie.spark;

import java.nio.file.Path;
import org.apache.spark.SparkEnv;

/** The folder for a task's temporary files. */
public final class TaskScratch {

    private TaskScratch() {}

    /**
     * Returns a folder of this process on a disk that the cluster reserves for temporary files: {@code spark.local.dir}, or its
     * replacement under YARN or Kubernetes. Spark deletes it when the process ends.
     */
    public static Path folder() {
        return SparkEnv.get().blockManager().diskBlockManager().localDirs()[0].toPath();
    }
}
