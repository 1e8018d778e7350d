package dev.aerie.gang;

import dev.aerie.errors.RefusalException;
import java.io.FileNotFoundException;
import java.io.IOException;

/** The failure of a rank, with its rank and step. */
final class RankFailure extends RuntimeException {

    /** Kinds of failures, most significant first: when one rank fails, the others fail because of it a moment later. */
    enum Kind {
        /** The rank refused the user's settings; a retry cannot help. */
        REFUSED,
        /** The program violated a contract of its own. */
        DEFECT,
        /** Any other failure of this rank. */
        FAILED,
        /** The rank's process is gone. */
        LOST,
        /** Another rank was lost, late or out of step. */
        PEER,
        /** The rank was told to end. */
        KILLED;

        /** Returns the inverse of {@link #ordinal}. */
        static Kind of(byte ordinal) throws IOException {
            if (ordinal < 0 || ordinal >= values().length) {
                throw new IOException("a failure of kind " + ordinal);
            }
            return values()[ordinal];
        }
    }

    private final Kind kind;

    RankFailure(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    static RankFailure of(int rank, long step, Throwable cause) {
        Kind kind = Thread.currentThread().isInterrupted() || cause instanceof InterruptedException
                ? Kind.KILLED
                : cause instanceof CollectiveException ? Kind.PEER
                : cause instanceof RefusalException && !mayPass(cause) ? Kind.REFUSED
                : isDefect(cause) ? Kind.DEFECT : Kind.FAILED;
        boolean named = kind == Kind.FAILED || kind == Kind.DEFECT;
        String what = cause.getMessage() == null || named ? cause.toString() : cause.getMessage();
        String name = "Rank " + rank;
        return new RankFailure(kind,
                where(rank, step) + (what.startsWith(name + " ") ? what.substring(name.length()) : ": " + what), cause);
    }

    /** Returns whether a file system failed, as opposed to the data read from it. */
    private static boolean mayPass(Throwable e) {
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof IOException && !(cause instanceof FileNotFoundException)) {
                return true;
            }
        }
        return false;
    }

    /** Creates the failure of a connection that ended without a last message. */
    static RankFailure lost(int rank, long step) {
        return new RankFailure(Kind.LOST, where(rank, step) + ": its process ended without a message (killed, crashed or out of"
                + " memory; its executor's log may say more)", null);
    }

    /** Returns whether our own code was called wrongly; other code may throw the same exceptions for other reasons. */
    private static boolean isDefect(Throwable e) {
        StackTraceElement[] trace = e.getStackTrace();
        return e instanceof IllegalArgumentException && trace.length > 0 && trace[0].getClassName().startsWith("dev.aerie.");
    }

    private static String where(int rank, long step) {
        return "Rank " + rank + (step < 0 ? " before its first step" : " at step " + step);
    }

    Kind kind() {
        return kind;
    }
}
