package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;

/** How a command that should refuse its input ended, and what it said to the console's error stream. */
record Refusal(int code, String said) {

    static Refusal of(Callable<Integer> command, List<String> arguments) {
        PrintStream before = System.err;
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        try {
            return new Refusal(CommandLines.run(command, arguments.toArray(String[]::new)), err.toString(StandardCharsets.UTF_8));
        } finally {
            System.setErr(before);
        }
    }

    /** One sentence that contains this, exit code 2, no stack trace. */
    void assertSays(String part) {
        List<String> errors = said.lines().filter(l -> l.startsWith("Error: ") || l.startsWith("Failed: ")).toList();
        assertEquals(2, code, said);
        assertEquals(1, errors.size(), said);
        assertTrue(errors.get(0).contains(part), said);
        // Spark may have logged a stack trace when its session ended; the answer has none.
        assertFalse(said.substring(said.lastIndexOf(errors.get(0))).contains("\tat "), said);
    }
}
