package dev.aerie.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.torch.LibTorch;
import java.io.Serializable;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.RDD;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import scala.Function1;
import scala.collection.Iterator;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag;

/** What the tests build on: two executor JVMs, a GPU address each, libtorch in both, and a new executor for a killed one. */
class LocalClusterIT {

    private interface Task<A, B> extends Function1<Iterator<A>, Iterator<B>>, Serializable {}

    @Test
    @Timeout(180)
    void hasTwoRanksWithAGpuEachAndReplacesTheDead() throws Exception {
        assertDistinctRanks();
        LocalCluster.awaitExecutors();
        ProcessHandle victim = LocalCluster.executors().get(0);
        assertTrue(victim.destroyForcibly());
        victim.onExit().get();
        LocalCluster.awaitExecutors();
        assertDistinctRanks();
    }

    private static void assertDistinctRanks() {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(LocalCluster.session().sparkContext());
        Task<Integer, String> task = input -> {
            LibTorch.setThreads(1);
            BarrierTaskContext rank = BarrierTaskContext.get();
            String gpu = rank.resourcesJMap().get("gpu").addresses()[0];
            String[] all = rank.allGather(gpu + "@" + ProcessHandle.current().pid());
            return CollectionConverters.asScala(List.of(String.join(",", all)).iterator());
        };
        ClassTag<String> tag = ClassTag.apply(String.class);
        RDD<String> ranks = context.parallelize(List.of(0, 1), 2).rdd().barrier().mapPartitions(task, false, tag);
        List<String> seen = ranks.toJavaRDD().collect();
        assertEquals(2, seen.size());
        assertEquals(seen.get(0), seen.get(1), "the ranks disagree");
        Set<String> gpus = new HashSet<>();
        Set<String> processes = new HashSet<>();
        for (String one : seen.get(0).split(",")) {
            gpus.add(one.split("@")[0]);
            processes.add(one.split("@")[1]);
        }
        assertEquals(Set.of("0", "1"), gpus);
        assertEquals(2, processes.size());
    }
}
