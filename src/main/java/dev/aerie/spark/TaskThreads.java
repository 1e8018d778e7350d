package dev.aerie.spark;

import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;

/** Determines the number of CPU threads of a task. */
public final class TaskThreads {

    private TaskThreads() {}

    /**
     * Returns the executor's cores divided by the tasks that it runs at once; with local masters, the machine's cores divided by
     * the ranks.
     *
     * @param ranks tasks that run at once in all
     */
    public static int of(TaskContext task, int ranks) {
        if (SparkEnv.get().executorId().equals("driver")) {
            return Math.max(1, Runtime.getRuntime().availableProcessors() / ranks);
        }
        return of(SparkEnv.get().conf(), task.cpus());
    }

    static int of(SparkConf conf, int taskCpus) {
        // If this is not set in a standalone cluster, an executor takes all cores of its worker, whose number Spark does not
        // report.
        int cores = conf.getInt("spark.executor.cores", taskCpus);
        double tasks = (double) cores / taskCpus;
        double gpus = conf.getDouble("spark.executor.resource.gpu.amount", 0);
        double gpusOfTask = conf.getDouble("spark.task.resource.gpu.amount", 0);
        if (gpus > 0 && gpusOfTask > 0) {
            tasks = Math.min(tasks, Math.floor(gpus / gpusOfTask));
        }
        return Math.max(taskCpus, (int) (cores / Math.max(1, tasks)));
    }
}
