package dev.aerie.gang;

/** A gang failed for good: the message gives the number of attempts and the rank and step of the last failure. */
public final class GangException extends RuntimeException {

    private final boolean defect;

    GangException(String message, Throwable cause) {
        this(message, false, cause);
    }

    GangException(String message, boolean defect, Throwable cause) {
        super(message, cause);
        this.defect = defect;
    }

    /** Returns whether a rank failed because this program violated a contract of its own. */
    public boolean isDefect() {
        return defect;
    }
}
