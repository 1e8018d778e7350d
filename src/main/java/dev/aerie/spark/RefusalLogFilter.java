package dev.aerie.spark;

import dev.aerie.errors.RefusalException;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.filter.AbstractFilter;

/**
 * Keeps what Spark logs of a task that refuses the user's wish off the log: several stack traces, ahead of the one sentence that
 * says all. What Spark logs of any other failure stays.
 */
public final class RefusalLogFilter extends AbstractFilter {

    private static final Pattern OURS = Pattern.compile("\\bdev\\.aerie\\.[\\w.$]+");

    private RefusalLogFilter() {
        super(Result.DENY, Result.NEUTRAL);
    }

    /** For this JVM, whichever configuration of log4j is in effect. */
    public static void install() {
        if (LogManager.getContext(false) instanceof LoggerContext context) {
            var root = context.getConfiguration().getRootLogger();
            if (root.getFilter() == null) {
                root.addFilter(new RefusalLogFilter());
                context.updateLoggers();
            }
        }
    }

    @Override
    public Result filter(LogEvent event) {
        boolean told = event.getLoggerName().startsWith("org.apache.spark.")
                && (isRefusal(event.getThrown()) || namesRefusal(event.getMessage().getFormattedMessage()));
        return told ? onMatch : onMismatch;
    }

    private static boolean isRefusal(Throwable thrown) {
        Set<Throwable> seen = new HashSet<>();
        for (Throwable t = thrown; t != null && seen.add(t); t = t.getCause()) {
            if (isRefusal(t.getClass())) {
                return true;
            }
        }
        return false;
    }

    /** Of a task elsewhere there is only the text of its stack trace. */
    private static boolean namesRefusal(String text) {
        if (!text.contains("dev.aerie.") || !text.contains("\tat ")) {
            return false;
        }
        for (Matcher named = OURS.matcher(text); named.find();) {
            if (named.group().endsWith("Exception") && isRefusal(named.group())) {
                return true;
            }
        }
        return false;
    }

    private static boolean isRefusal(String name) {
        try {
            return isRefusal(Class.forName(name, false, RefusalLogFilter.class.getClassLoader()));
        } catch (ClassNotFoundException | LinkageError e) {
            return false;
        }
    }

    /** By name: Spark's launcher may have loaded the class twice. */
    private static boolean isRefusal(Class<?> type) {
        for (Class<?> c = type; c != null; c = c.getSuperclass()) {
            if (c.getName().equals(RefusalException.class.getName())) {
                return true;
            }
        }
        return false;
    }
}
