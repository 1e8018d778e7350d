package dev.aerie.jobs;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.hadoop.fs.FileSystem;

/** Commands with what spark-submit makes of {@code --conf}, and no client that another command has set up. */
final class Submitted {

    private Submitted() {}

    /** @return the exit code */
    static int run(Map<String, String> settings, Callable<Integer> command, String... arguments) throws IOException {
        FileSystem.closeAll();
        settings.forEach((key, value) -> System.setProperty("spark.hadoop." + key, value));
        try {
            return CommandLines.run(command, arguments);
        } finally {
            settings.keySet().forEach(key -> System.clearProperty("spark.hadoop." + key));
        }
    }
}
