package dev.aerie.gang;

import dev.aerie.errors.RefusalException;
import java.io.FileNotFoundException;
import java.io.IOException;

/** What ended a rank, with its rank and step. */
final class RankFailure extends RuntimeException {

    /** What the driver should believe first, in this order: when one rank fails, the others fail of it a moment later. */
    enum Kind {
        /** The rank refused what the user asked for; trying again cannot help. */
        REFUSED,
        /** A contract within this program was broken. */
        DEFECT,
        /** Something else went wrong in this rank. */
        FAILED,
        /** The rank's process is gone. */
        LOST,
        /** Another rank was lost, late or out of step. */
        PEER,
        /** The rank was told to end. */
        KILLED;

        /** The inverse of {@link #ordinal}. */
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

    /** Whether a file system failed, rather than what was read from it. */
    private static boolean mayPass(Throwable e) {
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof IOException && !(cause instanceof FileNotFoundException)) {
                return true;
            }
        }
        return false;
    }

    /** A connection that ended without a last word. */
    static RankFailure lost(int rank, long step) {
        return new RankFailure(Kind.LOST, where(rank, step) + ": its process ended without a word (killed, crashed or out of"
                + " memory; its executor's log may say more)", null);
    }

    /** Whether our own code says that it was called wrongly; of others' code the same exception may mean anything. */
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
