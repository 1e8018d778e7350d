package dev.aerie.gang;

import dev.aerie.errors.RefusalException;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;

/**
 * The Spark settings without which a gang can hang. Spark reads them when its context and executors start, so a job sets them
 * before ({@link #defaults}) and {@link Gang} checks them.
 */
public final class GangConf {

    private static final String REAPER = "spark.task.reaper.enabled";
    private static final String SYNC_TIMEOUT = "spark.barrier.sync.timeout";
    private static final String DYNAMIC_ALLOCATION = "spark.dynamicAllocation.enabled";

    /**
     * Port on which ranks listen for each other, and port on which the driver listens for its ranks; 0, the default, for any free
     * port.
     */
    private static final String RANK_PORT = "spark.aerie.gang.rank.port";
    private static final String DRIVER_PORT = "spark.aerie.gang.driver.port";
    /** Spark's setting for all of its ports. */
    static final String MAX_RETRIES = "spark.port.maxRetries";
    private static final int DEFAULT_RETRIES = 16;

    private static final Map<String, String> DEFAULTS = Map.of(
            // Spark's default is 365 days.
            SYNC_TIMEOUT, "30m",
            // A rank that hangs in native code ignores its interrupt; its executor must be killed, or the slot would never be
            // free again.
            REAPER, "true",
            "spark.task.reaper.killTimeout", "60s",
            // The interval at which ranks wait for slots; Spark's default of 15 s would be most of the start of a small run.
            "spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "3s",
            "spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "200");

    private GangConf() {}

    /** Sets the settings that the user has not set. */
    public static void defaults(SparkConf conf) {
        DEFAULTS.forEach(conf::setIfMissing);
    }

    static ListenPorts rankPorts(SparkConf conf) {
        return ports(conf, RANK_PORT);
    }

    static ListenPorts driverPorts(SparkConf conf) {
        return ports(conf, DRIVER_PORT);
    }

    private static ListenPorts ports(SparkConf conf, String setting) {
        return new ListenPorts(setting, whole(conf, setting, 0), whole(conf, MAX_RETRIES, DEFAULT_RETRIES));
    }

    private static int whole(SparkConf conf, String setting, int otherwise) {
        String value = conf.get(setting, Integer.toString(otherwise));
        try {
            return Integer.parseInt(value.strip());
        } catch (NumberFormatException e) {
            throw new RefusalException("Invalid " + setting + ": " + value + " (expected a whole number)", e);
        }
    }

    /** @throws RefusalException naming a setting with which a gang could wait for ever */
    static void check(SparkContext context) {
        SparkConf conf = context.getConf();
        rankPorts(conf);
        driverPorts(conf);
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
