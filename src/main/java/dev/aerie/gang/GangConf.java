package dev.aerie.gang;

import dev.aerie.errors.RefusalException;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;

/**
 * The Spark settings without which a gang can hang. Spark reads them when its context and its executors start, so a job sets
 * them first ({@link #defaults}) and {@link Gang} checks them.
 */
public final class GangConf {

    private static final String REAPER = "spark.task.reaper.enabled";
    private static final String SYNC_TIMEOUT = "spark.barrier.sync.timeout";
    private static final String DYNAMIC_ALLOCATION = "spark.dynamicAllocation.enabled";

    private static final Map<String, String> DEFAULTS = Map.of(
            // Spark's default is 365 days.
            SYNC_TIMEOUT, "30m",
            // A rank that hangs in native code ignores its interrupt; its executor has to end, or its slot stays taken for ever.
            REAPER, "true",
            "spark.task.reaper.killTimeout", "60s",
            // Ranks wait for slots in steps of this; the default of 15 s is most of the start of a small run.
            "spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "3s",
            "spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "200");

    private GangConf() {}

    /** Adds what the user has not set. */
    public static void defaults(SparkConf conf) {
        DEFAULTS.forEach(conf::setIfMissing);
    }

    /** @throws RefusalException that names the setting under which a gang could wait for ever */
    static void check(SparkContext context) {
        SparkConf conf = context.getConf();
        if (conf.getBoolean(DYNAMIC_ALLOCATION, false)) {
            throw new RefusalException("Invalid " + DYNAMIC_ALLOCATION
                    + ": true (expected false: Spark runs no barrier stage with dynamic allocation)");
        }
        if (context.isLocal()) {
            return;
        }
        if (!conf.getBoolean(REAPER, false)) {
            throw new RefusalException("Invalid " + REAPER
                    + ": false (expected true: a rank that hangs would keep its slot for ever)");
        }
        if (conf.getTimeAsSeconds(SYNC_TIMEOUT, "365d") > 24 * 3600) {
            throw new RefusalException("Invalid " + SYNC_TIMEOUT + ": " + conf.get(SYNC_TIMEOUT, "365d")
                    + " (expected at most 1d: the ranks would wait that long for one that does not start)");
        }
    }
}
