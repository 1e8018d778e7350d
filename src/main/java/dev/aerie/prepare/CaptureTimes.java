package dev.aerie.prepare;

import java.io.Serializable;
import java.util.Locale;
import org.apache.spark.SparkContext;
import org.apache.spark.util.LongAccumulator;

/**
 * Where the time of capture tasks goes, summed over all tasks, in nanoseconds. Encoding and writing run beside the target, so the
 * parts may be more than the whole; a task that waits for its writer is bound by them.
 */
record CaptureTimes(LongAccumulator forward, LongAccumulator encode, LongAccumulator write, LongAccumulator waiting)
        implements Serializable {

    static CaptureTimes of(SparkContext context) {
        return new CaptureTimes(context.longAccumulator("forward, ns"), context.longAccumulator("encode, ns"),
                context.longAccumulator("write, ns"), context.longAccumulator("wait, ns"));
    }

    /** Returns a line such as {@code forward 70.1 s, encode 4.0 s, write 20.2 s, waited for the writer 2.0 s}. */
    @Override
    public String toString() {
        return String.format(Locale.ROOT, "forward %.1f s, encode %.1f s, write %.1f s, waited for the writer %.1f s",
                seconds(forward), seconds(encode), seconds(write), seconds(waiting));
    }

    private static double seconds(LongAccumulator nanos) {
        return nanos.value() / 1e9;
    }
}
