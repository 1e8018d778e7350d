package dev.aerie.gang;

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
                : cause instanceof IllegalArgumentException ? Kind.INPUT : Kind.OWN;
        String what = cause.getMessage() == null || kind == Kind.OWN ? cause.toString() : cause.getMessage();
        String name = "Rank " + rank;
        return new RankFailure(kind,
                where(rank, step) + (what.startsWith(name + " ") ? what.substring(name.length()) : ": " + what), cause);
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
