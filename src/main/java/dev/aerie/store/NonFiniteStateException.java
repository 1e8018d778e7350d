package dev.aerie.store;

/** A conversation has NaN or infinity in its states, which would spoil any loss. The shard is written without it. */
public final class NonFiniteStateException extends RuntimeException {

    NonFiniteStateException(String where, long token) {
        super("NaN or infinity in " + where + " at token " + token);
    }
}
