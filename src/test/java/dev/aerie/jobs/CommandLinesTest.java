package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.apache.spark.SparkException;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Exit codes and the one sentence that people get. */
class CommandLinesTest {

    @Test
    void whatTheUserGotWrongIsOneSentenceAndTwo() {
        assertAnswer(2, "Missing model folder: " + Path.of("no-such-folder").toAbsolutePath(),
                "verify-target", "--model", "no-such-folder", "--golden", "x");
        assertAnswer(2, "Missing golden: no-such-folder/golden.json", "verify-draft", "--golden", "no-such-folder");
        assertAnswer(2, "no-such-store", "inspect", "no-such-store");
        assertAnswer(2, "no-such-store", "verify-store", "no-such-store");
    }

    @Test
    void aWrongCommandLineIsTwoAsWell() {
        assertEquals(2, answer("verify-target", "--golden", "x").code);
        assertEquals(2, answer("verify-tagret").code);
        assertEquals(2, answer().code);
        assertEquals(0, answer("verify-target", "--help").code);
    }

    @CommandLine.Command
    private record Failing(Throwable failure) implements Callable<Integer> {

        @Override
        public Integer call() throws Exception {
            if (failure instanceof Error e) {
                throw e;
            }
            throw (Exception) failure;
        }
    }

    @Test
    void whatFailsUnderwayIsThree() {
        assertEquals(new Answer(3, "Failed: the disk is gone\n--verbose shows where.\n"),
                answer(new Failing(new IllegalStateException("the disk is gone"))));
        assertEquals(new Answer(3, "Failed: java.lang.OutOfMemoryError: Java heap space\n"),
                answer(new Failing(new OutOfMemoryError("Java heap space"))));
    }

    @Test
    void aLibraryThatCannotBeLoadedIsASentenceAndTwo() {
        UnsatisfiedLinkError noexec =
                new UnsatisfiedLinkError("/x/liby.so: /x/liby.so: failed to map segment from shared object");
        for (Throwable failure : new Throwable[] {noexec, new ExceptionInInitializerError(noexec),
            new SparkException("Job aborted", new IllegalStateException(new ExceptionInInitializerError(noexec)))}) {
            Answer answer = answer(new Failing(failure));
            assertEquals(2, answer.code);
            assertTrue(answer.err.startsWith("Error: Invalid folder for native libraries: /x (") && answer.err.lines()
                    .count() == 1,
                    answer.err);
        }
    }

    @Test
    void aRefusalIsShownWithItsSample() {
        assertEquals(new Answer(2, "Error: Invalid loss mask: 0 %. A conversation:\nuser: hi\n"),
                answer(new Failing(new RecipeException("Invalid loss mask: 0 %. A conversation:\nuser: hi\n"))));
    }

    @Test
    void aFileSystemThatIsNotThereIsTwo() {
        assertAnswer(2, "No FileSystem for scheme \"nowhere\"", "inspect", "nowhere://store");
    }

    @Test
    void verboseShowsWhere() {
        Answer answer = answer("verify-draft", "--golden", "no-such-folder", "--verbose");
        assertTrue(answer.err.contains("\tat dev.aerie."), answer.err);
    }

    @Test
    void refusalsOfOursAreFoundUnderWhatSparkWrapsAroundThem() {
        Throwable ours = new RecipeException("Invalid x: 1 (expected 2)");
        Throwable wrapped = new RuntimeException("task failed", new SparkException("Job aborted\nDriver stacktrace: ...", ours));
        assertTrue(UserErrors.isOne(wrapped));
        assertEquals("Invalid x: 1 (expected 2)", UserErrors.sentence(wrapped));
    }

    @Test
    void othersIllegalArgumentsAreFailures() {
        Throwable theirs = null;
        try {
            Integer.parseInt("seven");
        } catch (NumberFormatException e) {
            theirs = new SparkException("Job aborted due to stage failure\n\tat somewhere", e);
        }
        assertTrue(!UserErrors.isOne(theirs));
        assertEquals("For input string: \"seven\"", UserErrors.sentence(theirs));
    }

    @Test
    void failuresOfFileSystemsSayWhere() {
        String sdk = "software.amazon.awssdk.core.exception.SdkClientException: Unable to execute HTTP request: Connect to "
                + "127.0.0.1:9 [/127.0.0.1] failed: Connection refused (SDK Attempt Count: 6)";
        Throwable theirs = new ConnectException("getFileStatus on s3a://b/x: " + sdk + ":    " + sdk + ": Connection refused");
        theirs.initCause(new RuntimeException(sdk, new ConnectException("Connection refused")));
        assertEquals("getFileStatus on s3a://b/x: Unable to execute HTTP request: Connect to 127.0.0.1:9 [/127.0.0.1] failed: "
                + "Connection refused", UserErrors.sentence(new RuntimeException("task failed", theirs)));
    }

    private record Answer(int code, String err) {}

    private static void assertAnswer(int code, String part, String... arguments) {
        Answer answer = answer(arguments);
        assertEquals(code, answer.code, answer.err);
        assertEquals(1, answer.err.lines().count(), answer.err);
        assertTrue(answer.err.contains(part), answer.err);
    }

    private static Answer answer(String... arguments) {
        return answer(new Aerie(), arguments);
    }

    private static Answer answer(Callable<Integer> command, String... arguments) {
        PrintStream before = System.err;
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        try {
            int code = CommandLines.run(command, arguments);
            return new Answer(code, err.toString(StandardCharsets.UTF_8));
        } finally {
            System.setErr(before);
        }
    }
}
