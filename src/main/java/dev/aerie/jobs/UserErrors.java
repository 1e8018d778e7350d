package dev.aerie.jobs;

import dev.aerie.errors.RefusalException;
import dev.aerie.gang.GangException;
import dev.aerie.torch.NativeLibraries;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.fs.UnsupportedFileSystemException;

/**
 * Distinguishes faults of the user's request from other failures. The class that reads a wrong value throws a {@link
 * RefusalException}, which Spark and the JDK may wrap.
 */
final class UserErrors {

    private UserErrors() {}

    static boolean isOne(Throwable e) {
        return refusal(e) != null;
    }

    /**
     * What the refusal says, with the sample that it may show; else one sentence: that of a gang that failed, or what names a
     * place on a file system, or that of the innermost cause which has a message, after what ours says it was doing.
     */
    static String sentence(Throwable e) {
        Throwable refusal = refusal(e);
        if (refusal != null) {
            return refusal.getMessage().strip();
        }
        Throwable ours = chain(e).stream().filter(t -> t.getMessage() != null && isRaisedByUs(t)).findFirst().orElse(null);
        if (ours instanceof GangException) {
            // Its message names the failure; its causes only repeat it in Spark's words.
            return oneLine(ours.getMessage());
        }
        for (Throwable t : chain(e)) {
            if (t instanceof IOException && t.getMessage() != null && t.getMessage().contains("://")) {
                return located(oneLine(t.getMessage()));
            }
        }
        String inner = innermost(e);
        return ours == null || ours.getMessage().contains(inner) ? inner : oneLine(ours.getMessage()) + ": " + inner;
    }

    private static String innermost(Throwable e) {
        String best = null;
        for (Throwable t : chain(e)) {
            if (t.getMessage() != null && !t.getMessage().isBlank()) {
                best = t.getMessage();
            }
        }
        Throwable last = chain(e).get(chain(e).size() - 1);
        return best == null ? last.getClass().getSimpleName() : oneLine(best);
    }

    /**
     * Shortens messages of Hadoop's clients, which name the operation and the place and then repeat the names and messages of all
     * causes.
     */
    private static String located(String message) {
        return message.replaceAll("(\\w+\\.)+\\w+(Exception|Error): *", "")
                .replaceAll(" \\(SDK Attempt Count.*|; +For more details.*", "");
    }

    private static Throwable refusal(Throwable e) {
        return chain(e).stream()
                .filter(t -> t.getMessage() != null
                        && (t instanceof RefusalException || t instanceof UnsupportedFileSystemException))
                .findFirst().orElseGet(() -> NativeLibraries.refusal(e).orElse(null));
    }

    /** Returns whether a contract within this program was violated, which the user cannot correct. */
    static boolean isFaultOfOurs(Throwable e) {
        return refusal(e) == null && chain(e).stream()
                .anyMatch(t -> t instanceof GangException gang && gang.isDefect()
                        || (t instanceof IllegalArgumentException || t instanceof NullPointerException
                        || t instanceof IndexOutOfBoundsException || t instanceof ClassCastException) && isRaisedByUs(t));
    }

    private static boolean isRaisedByUs(Throwable t) {
        StackTraceElement[] trace = t.getStackTrace();
        return t.getClass().getName().startsWith("dev.aerie.")
                || t.getClass().getName().startsWith("java.") && trace.length > 0 && trace[0].getClassName()
                        .startsWith("dev.aerie.");
    }

    private static List<Throwable> chain(Throwable e) {
        List<Throwable> chain = new ArrayList<>();
        for (Throwable t = e; t != null && !chain.contains(t); t = t.getCause()) {
            chain.add(t);
        }
        return chain;
    }

    /** Returns the first line, because Spark includes stack traces in messages. */
    private static String oneLine(String message) {
        return message.lines().filter(l -> !l.isBlank()).findFirst().orElse(message).strip();
    }
}
