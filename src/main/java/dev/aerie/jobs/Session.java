package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.NAME;

import dev.aerie.gang.GangConf;
import dev.aerie.spark.RefusalLogFilter;
import dev.aerie.spark.SparkLibraries;
import dev.aerie.torch.LibTorch;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.SparkSession;

/** The Spark session of a job: spark-submit's settings, and for those not set, the ones that a gang of ranks needs. */
final class Session {

    private static final String UTF_8 =
            "-Dfile.encoding=UTF-8 -Dsun.jnu.encoding=UTF-8 -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8";

    private Session() {}

    static SparkSession open(Recipe recipe, String job) {
        return open(job + " " + NAME.of(recipe));
    }

    static SparkSession open(String name) {
        SparkLibraries.require();
        SparkConf conf = new SparkConf();
        GangConf.defaults(conf);
        conf.setIfMissing("spark.master", "local[*]");
        // libgomp's spinning threads stall at random on small hosts.
        conf.setIfMissing("spark.executorEnv.OMP_WAIT_POLICY", "PASSIVE");
        // File names are UTF-8 whatever the locale of an executor's host; a user's own options follow these.
        conf.setIfMissing("spark.executor.defaultJavaOptions", UTF_8);
        conf.setIfMissing("spark.driver.defaultJavaOptions", UTF_8);
        // The JDK decodes names by the locale; a host without this one keeps its own.
        conf.setIfMissing("spark.executorEnv.LC_ALL", "C.UTF-8");
        conf.setIfMissing("spark.ui.showConsoleProgress", "false");
        if (conf.get("spark.master").startsWith("local[")) {
            // The default of 200 is meant for clusters: on one machine ingest would spend its time on starting empty tasks.
            conf.setIfMissing("spark.sql.shuffle.partitions", "8");
        }
        SparkSession session = SparkSession.builder().config(conf).appName(name).getOrCreate();
        RefusalLogFilter.install();
        shipLibTorch(session.sparkContext());
        return session;
    }

    /**
     * Ships the CPU libtorch beside the job jar to executors on other hosts, unless these have their own build. They unpack it
     * once per host, see docs/libtorch.md.
     */
    private static void shipLibTorch(SparkContext context) {
        if (!context.isLocal() && !context.getConf().contains("spark.executorEnv.PYTORCH_LIBRARY_PATH")) {
            LibTorch.shippedJar().ifPresent(jar -> context.addFile(jar.toUri().toString()));
        }
    }
}
