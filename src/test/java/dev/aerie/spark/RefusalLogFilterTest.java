package dev.aerie.spark;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.errors.RefusalException;
import dev.aerie.store.InvalidStoreException;
import dev.aerie.testing.LocalSpark;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.LoggerConfig;
import org.apache.logging.log4j.core.config.Property;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;

/** What Spark logs of a task that fails, whichever of its classes logs it. */
class RefusalLogFilterTest {

    @Test
    void aRefusalInATaskIsToldByItsSentenceAlone() {
        for (Supplier<RuntimeException> refusal
                : List.<Supplier<RuntimeException>>of(() -> new RefusalException("Invalid x: 1 (expected 2)"),
                () -> new InvalidStoreException("Invalid store: x (expected y)"),
                () -> new IllegalStateException("in a task", new RefusalException("Invalid x: 1 (expected 2)")))) {
            List<String> traces = logged(refusal.get());
            assertTrue(traces.isEmpty(), traces.toString());
        }
    }

    @Test
    void otherFailuresKeepTheirTraces() {
        for (RuntimeException failure
                : List.of(new IllegalStateException("broken"), new IllegalArgumentException("dev.aerie.Nothing"))) {
            assertFalse(logged(failure).isEmpty());
        }
    }

    /** The stack traces that Spark logs of a task that fails so. */
    private static List<String> logged(RuntimeException failure) {
        JavaSparkContext spark = JavaSparkContext.fromSparkContext(LocalSpark.session().sparkContext());
        RefusalLogFilter.install();
        Traces traces = new Traces();
        traces.start();
        LoggerConfig root = ((LoggerContext) LogManager.getContext(false)).getConfiguration().getRootLogger();
        root.addAppender(traces, null, null);
        try {
            assertThrows(Exception.class, () -> spark.parallelize(List.of(1), 1).foreach(one -> {
                throw failure;
            }));
        } finally {
            root.removeAppender(traces.getName());
        }
        return traces.events;
    }

    private static final class Traces extends AbstractAppender {

        private final List<String> events = new CopyOnWriteArrayList<>();

        Traces() {
            super("traces", null, null, true, Property.EMPTY_ARRAY);
        }

        @Override
        public void append(LogEvent event) {
            String text = event.getMessage().getFormattedMessage();
            if (event.getThrown() != null || text.contains("\tat ")) {
                events.add(event.getLoggerName() + ": " + text);
            }
        }
    }
}
