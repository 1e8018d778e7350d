package dev.aerie.store;

/** A conversation whose states hold NaN or infinity, which no loss survives. The shard goes on without it. */
public final class NonFiniteStateException extends RuntimeException {

    NonFiniteStateException(String where, long token) {
        super("NaN or infinity in " + where + " at token " + token);
    }
}
