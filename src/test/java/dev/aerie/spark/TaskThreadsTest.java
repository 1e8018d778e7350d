package dev.aerie.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.apache.spark.SparkConf;
import org.junit.jupiter.api.Test;

class TaskThreadsTest {

    private static int threads(int taskCpus, String... settings) {
        SparkConf conf = new SparkConf(false);
        for (int i = 0; i < settings.length; i += 2) {
            conf.set(settings[i], settings[i + 1]);
        }
        return TaskThreads.of(conf, taskCpus);
    }

    @Test
    void sharesTheCoresOfAnExecutorAmongItsTasks() {
        assertEquals(1, threads(1));
        assertEquals(1, threads(1, "spark.executor.cores", "16"));
        assertEquals(4, threads(4, "spark.executor.cores", "16"));
        assertEquals(16, threads(1, "spark.executor.cores", "16",
                "spark.executor.resource.gpu.amount", "1", "spark.task.resource.gpu.amount", "1"));
        assertEquals(4, threads(1, "spark.executor.cores", "16",
                "spark.executor.resource.gpu.amount", "2", "spark.task.resource.gpu.amount", "0.5"));
    }
}
