package dev.aerie.gang;

import dev.aerie.errors.RefusalException;
import java.io.FileNotFoundException;
import java.io.IOException;

/** What ended a rank, with its rank and step. */
final class RankFailure extends RuntimeException {

    /** What the driver should believe first, in this order: when one rank fails, the others fail of it a moment later. */
    enum Kind { INPUT, OWN, LOST, PEER, KILLED }

    private final Kind kind;

    private RankFailure(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    static RankFailure of(int rank, long step, Throwable cause) {
        Kind kind = Thread.currentThread().isInterrupted() || cause instanceof InterruptedException
                ? Kind.KILLED
                : cause instanceof CollectiveException ? Kind.PEER
                : cause instanceof RefusalException && !mayPass(cause) ? Kind.INPUT : Kind.OWN;
        String what = cause.getMessage() == null || kind == Kind.OWN ? cause.toString() : cause.getMessage();
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

    /** As {@link RankReports#fail} wrote it. */
    static RankFailure parse(String text) {
        int space = text.indexOf(' ');
        return new RankFailure(Kind.valueOf(text.substring(0, space)), text.substring(space + 1), null);
    }

    private static String where(int rank, long step) {
        return "Rank " + rank + (step < 0 ? " before its first step" : " at step " + step);
    }

    Kind kind() {
        return kind;
    }
}
